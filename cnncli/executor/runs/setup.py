"""Builds everything that a training needs, on its device, from the loaded network and the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.data import Dataset
from cnncli.errors import CnnError, counted
from cnncli.executor.feeding.device_images import Examples, random_split
from cnncli.executor.feeding.preprocessing import (
    InputTransform,
    channels_last,
    conversion_notes,
    input_transform,
    normalization_of,
)
from cnncli.executor.feeding.seeded_draws import split_rows
from cnncli.executor.feeding.storage import on_device
from cnncli.executor.network.agreement import check
from cnncli.executor.network.initialization import initialize_weights
from cnncli.executor.network.network import Network
from cnncli.executor.runs.job import Display, Job, Prepared
from cnncli.executor.runs.torch_errors import explain_torch_errors
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.devices import choose_device, keep_freed_memory, make_deterministic
from cnncli.executor.runtime.precision import choose_precision
from cnncli.executor.training.compiling import candidate_modes, fastest
from cnncli.executor.training.loop import TrainingSetup, new_state
from cnncli.executor.training.losses import ends_in_distances
from cnncli.executor.training.objectives import objective_of
from cnncli.executor.training.objectives.regression import scaled, scaling_of
from cnncli.executor.training.optimization.optimizers import freeze
from cnncli.executor.training.sync_batchnorm import synchronize_batchnorm
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs.record import Normalization, RunRecord


def prepare_training(job: Job, display: Display, resumed: RunRecord | None = None) -> Prepared:
    """The training before its first step; a ``resumed`` run keeps its normalization, scaling and precision."""
    recipe, shape = job.recipe, job.loaded.graph.inputs[0].shape
    check(job.loaded.inferred)
    device = distributed.local_device(choose_device(recipe.device))
    keep_freed_memory()
    if recipe.deterministic:
        make_deterministic()
    _check_augmentation(recipe, job.dataset)
    for note in (*job.dataset.notes, *conversion_notes(shape, job.dataset.name, image_shape(job.dataset))):
        display.note(note)
    targets = _scaling(job, resumed)
    with explain_torch_errors(job):
        data = _data(job, device, targets, resumed)
        # the weights of a resumed run come from its checkpoint
        sample = None if resumed is not None else lambda count: data.prepare(data.train.sample(count))
        network = _network(job, device, sample, display)
        objective = objective_of(job.loaded, job.dataset, recipe, device, train=data.train, targets=targets)
        precision = choose_precision(recipe.precision, device, job.loaded.inferred.totals, recipe.batch_size)
        if resumed is not None and torch.device(resumed.device or "cpu").type == device.type:
            precision = resumed.precision or precision  # whatever auto means now
        compute = distributed.wrap_ddp(network, device)
        setup = TrainingSetup(network, compute, data.train, data.held_out, data.prepare, objective, recipe, precision)
        return Prepared(setup, new_state(setup), data.test, data.held_out_name, data.normalization, targets, device)


class _Data(NamedTuple):
    train: Examples
    held_out: Examples
    held_out_name: str
    test: Examples
    normalization: Normalization
    prepare: InputTransform


def _data(job: Job, device: torch.device, targets: Normalization | None, resumed: RunRecord | None) -> _Data:
    """The splits on the device, with scaled ``targets`` of a regression, and the transform of their images."""
    recipe, shape = job.recipe, job.loaded.graph.inputs[0].shape
    splits = (job.dataset.train, job.dataset.test)
    if targets is not None:
        splits = (scaled(splits[0], targets), scaled(splits[1], targets))
    train, test = (on_device(split, device, recipe.loaders) for split in splits)
    normalization = resumed.normalisation if resumed is not None else normalization_of(train, shape)
    held_out, name = test, "test"
    if recipe.validation:
        (train, held_out), name = random_split(train, recipe.validation, recipe.seed), "validation"
    return _Data(train, held_out, name, test, normalization, input_transform(shape, normalization, device))


def _network(job: Job, device: torch.device, sample: Callable[[int], Tensor] | None, display: Display) -> Network:
    """The network on its device, initialized and partly frozen; for ``sample`` see :func:`initialize_weights`."""
    recipe, shape = job.recipe, job.loaded.graph.inputs[0].shape
    network = scoring(job.loaded, Network(job.loaded.inferred, rewritten=True), job.dataset.task)
    for note in initialize_weights(network, recipe, sample):
        display.note(note)
    _place(network, shape, device)
    _check_sizes(network, recipe, shape, device)
    if recipe.sync_batchnorm:
        synchronize_batchnorm(network)
    frozen = freeze(network, recipe)
    if frozen:
        display.note(f"frozen: {', '.join(frozen[:6])}{', …' if len(frozen) > 6 else ''}")
    return network


def _scaling(job: Job, resumed: RunRecord | None) -> Normalization | None:
    """The scaling of a regression's targets: that of a resumed run, else from the targets that are trained on."""
    if job.dataset.task != "regression":
        return None
    if resumed is not None and resumed.targets is not None:
        return resumed.targets
    targets = torch.from_numpy(job.dataset.train.labels)
    if job.recipe.validation:
        targets = targets[split_rows(len(targets), job.recipe.validation, job.recipe.seed)[0]]
    return scaling_of(targets)


def with_fastest_mode(prepared: Prepared, display: Display, known: str = "") -> Prepared:
    """The training with the fastest compile mode that the recipe allows, or the ``known`` one of a resumed run."""
    recipe = prepared.setup.recipe
    modes = (known,) if known else candidate_modes(recipe.compile, prepared.device, recipe.accumulate)
    setup, choice = fastest(prepared.setup, prepared.state, modes)
    if choice.note:
        display.note(choice.note)
    return prepared._replace(setup=setup, compiled=choice.mode)


def _check_augmentation(recipe: Recipe, dataset: Dataset) -> None:
    """Raises CnnError if images are too small: to be shifted, as a reflected border is smaller, or for the cutout."""
    sides = image_shape(dataset)[1:]
    if recipe.translate and sides and recipe.translate >= min(sides):
        raise CnnError(
            f"translate: images of {format_shape(sides)} cannot be shifted by {counted(recipe.translate, 'pixel')}",
            f"use at most {min(sides) - 1}",
        )
    if recipe.cutout and sides and recipe.cutout > min(sides):
        raise CnnError(
            f"cutout: a square of {counted(recipe.cutout, 'pixel')} covers images of {format_shape(sides)}",
            f"use at most {min(sides)}",
        )


@torch.no_grad()
def _check_sizes(network: Network, recipe: Recipe, shape: Shape, device: torch.device) -> None:
    """Raises CnnError if the network does not have the same output shape for each of the recipe's image sizes."""
    if recipe.sizes and len(shape) != 3:
        raise CnnError("sizes: the network does not read images", "leave sizes out")
    network.eval()
    wanted = network(torch.zeros(2, *shape, device=device)).shape if recipe.sizes else None
    for side in recipe.sizes:
        try:
            found = network(torch.zeros(2, shape[0], side, side, device=device)).shape
        except RuntimeError:
            found = None
        if found != wanted:
            raise CnnError(
                f"sizes: the network does not take images of {side}x{side}",
                "use global_avgpool before the linear layers: it takes any size; or leave sizes out",
            )


def image_shape(dataset: Dataset) -> Shape:
    """The shape of a dataset's images, (C, H, W)."""
    return tuple(dataset.train.images.shape[1:])


def _place(network: Network, shape: Shape, device: torch.device) -> None:
    """Move a network to its device; on a GPU the filters of image networks get the faster channels-last layout.

    On a CPU channels-last images are enough: the weights are reordered for each product anyway, and the fused
    optimizers would copy channels-last gradients.
    """
    network.to(device)
    if len(shape) == 3 and device.type != "cpu":
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = channels_last(parameter.data)


def scoring(loaded: Loaded, network: Network, task: str) -> Network:
    """The network such that the largest output is the predicted class: distances to classes are negated."""
    if task == "classification" and ends_in_distances(loaded.graph):
        network.register_forward_hook(lambda module, inputs, output: -output)
    return network
