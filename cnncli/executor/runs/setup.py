"""Builds everything that a training needs, on its device, from the loaded network and the data."""

from __future__ import annotations

import torch

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.data import Dataset
from cnncli.errors import CnnError
from cnncli.executor.feeding.draws import split_rows
from cnncli.executor.feeding.images import random_split
from cnncli.executor.feeding.preprocessing import channels_last, conversion_notes, input_transform, normalization_of
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
from cnncli.executor.training.optimizers import freeze
from cnncli.executor.training.sync_batchnorm import synchronize_batchnorm
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs import folder


def prepare_training(job: Job, display: Display, resumed: folder.RunRecord | None = None) -> Prepared:
    """Everything as it is before the first step; a ``resumed`` run keeps its normalization and its scaling."""
    recipe, graph = job.recipe, job.loaded.graph
    check(job.loaded.inferred)
    device = distributed.local_device(choose_device(recipe.device))
    keep_freed_memory()
    if recipe.deterministic:
        make_deterministic()
    _check_translation(recipe, job.dataset)
    conversions = conversion_notes(graph.inputs[0].shape, job.dataset.name, image_shape(job.dataset))
    for note in (*job.dataset.notes, *conversions):
        display.note(note)
    targets = _scaling(job, resumed)
    with explain_torch_errors(job):
        splits = [
            split if targets is None else scaled(split, targets) for split in (job.dataset.train, job.dataset.test)
        ]
        images, test = (on_device(split, device, recipe.loaders) for split in splits)
        normalisation = (
            resumed.normalisation if resumed is not None else normalization_of(images, graph.inputs[0].shape)
        )
        prepare = input_transform(graph.inputs[0].shape, normalisation, device)
        held_out, name = test, "test"
        if recipe.validation:
            (images, held_out), name = random_split(images, recipe.validation, recipe.seed), "validation"
        network = scoring(job.loaded, Network(job.loaded.inferred, rewritten=True), job.dataset.task)
        # the weights of a resumed run come from its checkpoint
        sample = None if resumed is not None else lambda count: prepare(images.sample(count))
        for note in initialize_weights(network, recipe, sample):
            display.note(note)
        _place(network, graph.inputs[0].shape, device)
        _check_sizes(network, recipe, graph.inputs[0].shape, device)
        if recipe.sync_batchnorm:
            synchronize_batchnorm(network)
        frozen = freeze(network, recipe)
        if frozen:
            display.note(f"frozen: {', '.join(frozen[:6])}{', …' if len(frozen) > 6 else ''}")
        objective = objective_of(job.loaded, job.dataset, recipe, device, train=images, targets=targets)
        precision = choose_precision(recipe.precision, device, job.loaded.inferred.totals, recipe.batch_size)
        if resumed is not None and torch.device(resumed.device or "cpu").type == device.type:
            precision = resumed.precision or precision  # whatever auto means now
        joined = distributed.wrap_ddp(network, device)
        setup = TrainingSetup(network, joined, images, held_out, prepare, objective, recipe, precision)
        return Prepared(setup, new_state(setup), test, name, normalisation, targets, device)


def _scaling(job: Job, resumed: folder.RunRecord | None) -> folder.Normalization | None:
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
    """With the fastest compile mode that the recipe allows, or the ``known`` one of a resumed run."""
    recipe = prepared.setup.recipe
    modes = (known,) if known else candidate_modes(recipe.compile, prepared.device, recipe.accumulate)
    setup, choice = fastest(prepared.setup, prepared.state, modes)
    if choice.note:
        display.note(choice.note)
    return prepared._replace(setup=setup, compiled=choice.mode)


def _check_translation(recipe: Recipe, dataset: Dataset) -> None:
    """Raises CnnError if the images are too small for the shift: a reflected border is smaller than the image."""
    sides = image_shape(dataset)[1:]
    if recipe.translate and sides and recipe.translate >= min(sides):
        raise CnnError(
            f"translate: images of {format_shape(sides)} cannot be shifted by {recipe.translate} pixels",
            f"use at most {min(sides) - 1}",
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
