"""Everything that a training needs, made from the loaded network and the data, on its device, before the first step."""

from __future__ import annotations

import torch

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.data import Dataset
from cnncli.errors import CnnError
from cnncli.executor.feeding.draws import split_rows
from cnncli.executor.feeding.images import random_split
from cnncli.executor.feeding.preprocessing import channels_last, conversion_notes, normalisation_of, preparation
from cnncli.executor.feeding.storage import on_device
from cnncli.executor.network.agreement import check
from cnncli.executor.network.initialization import initialize_weights
from cnncli.executor.network.network import Network
from cnncli.executor.runs.recorder import Display, Job, Prepared
from cnncli.executor.runs.torch_errors import told
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.devices import choose_device, keep_freed_memory, make_deterministic
from cnncli.executor.runtime.precision import chosen
from cnncli.executor.training.compiling import fastest, wanted_modes
from cnncli.executor.training.loop import TrainingSetup, new_state
from cnncli.executor.training.losses import ends_in_distances
from cnncli.executor.training.objectives import objective_of
from cnncli.executor.training.objectives.regression import scaled, scaling_of
from cnncli.executor.training.optimizers import freeze
from cnncli.executor.training.sync_batchnorm import synchronise
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs import folder


def prepared_for(job: Job, display: Display, begun: folder.RunRecord | None = None) -> Prepared:
    """Everything on its device, before the first step; of a run that was ``begun`` it is scaled as it was then."""
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
    targets = _scaling(job, begun)
    with told(job):
        splits = [
            split if targets is None else scaled(split, targets) for split in (job.dataset.train, job.dataset.test)
        ]
        images, test = (on_device(split, device, recipe.loaders) for split in splits)
        normalisation = begun.normalisation if begun is not None else normalisation_of(images, graph.inputs[0].shape)
        prepare = preparation(graph.inputs[0].shape, normalisation, device)
        held_out, name = test, "test"
        if recipe.validation:
            (images, held_out), name = random_split(images, recipe.validation, recipe.seed), "validation"
        network = scoring(job.loaded, Network(job.loaded.inferred, rewritten=True), job.dataset.task)
        sample = (
            None if begun is not None else lambda count: prepare(images.sample(count))
        )  # its weights come from the checkpoint
        for note in initialize_weights(network, recipe, sample):
            display.note(note)
        _place(network, graph.inputs[0].shape, device)
        _check_sizes(network, recipe, graph.inputs[0].shape, device)
        if recipe.sync_batchnorm:
            synchronise(network)
        frozen = freeze(network, recipe)
        if frozen:
            display.note(f"frozen: {', '.join(frozen[:6])}{', …' if len(frozen) > 6 else ''}")
        objective = objective_of(job.loaded, job.dataset, recipe, device, train=images, targets=targets)
        precision = chosen(recipe.precision, device, job.loaded.inferred.totals, recipe.batch_size)
        if begun is not None and torch.device(begun.device or "cpu").type == device.type:
            precision = begun.precision or precision  # a run goes on as it began, whatever auto means now
        joined = distributed.wrap_ddp(network, device)
        task = TrainingSetup(network, joined, images, held_out, prepare, objective, recipe, precision)
        return Prepared(task, new_state(task), test, name, normalisation, targets, device)


def _scaling(job: Job, begun: folder.RunRecord | None) -> folder.Normalization | None:
    """What a regression's targets are scaled by: as the run was begun, or by the targets without a validation part."""
    if job.dataset.task != "regression":
        return None
    if begun is not None and begun.targets is not None:
        return begun.targets
    targets = torch.from_numpy(job.dataset.train.labels)
    if job.recipe.validation:
        targets = targets[split_rows(len(targets), job.recipe.validation, job.recipe.seed)[0]]
    return scaling_of(targets)


def with_fastest_steps(prepared: Prepared, display: Display, known: str = "") -> Prepared:
    """With steps computed in the fastest way that the recipe allows, or in that which is ``known`` of a resumed run."""
    recipe = prepared.task.recipe
    modes = (known,) if known else wanted_modes(recipe.compile, prepared.device, recipe.accumulate)
    task, choice = fastest(prepared.task, prepared.state, modes)
    if choice.note:
        display.note(choice.note)
    return prepared._replace(task=task, compiled=choice.mode)


def _check_translation(recipe: Recipe, dataset: Dataset) -> None:
    """Raises CnnError where images would be moved by more than what their reflected border shows."""
    sides = image_shape(dataset)[1:]
    if recipe.translate and sides and recipe.translate >= min(sides):
        raise CnnError(
            f"translate: images of {format_shape(sides)} cannot be moved by {recipe.translate} pixels",
            f"use at most {min(sides) - 1}",
        )


@torch.no_grad()
def _check_sizes(network: Network, recipe: Recipe, shape: Shape, device: torch.device) -> None:
    """Raises CnnError where the network does not give its output for images of each of the recipe's sizes."""
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
                "end its maps with global_avgpool, which takes any size, or leave sizes out",
            )


def image_shape(dataset: Dataset) -> Shape:
    """The shape of a data set's images, (C, H, W)."""
    return tuple(dataset.train.images.shape[1:])


def _place(network: Network, shape: Shape, device: torch.device) -> None:
    """Put a network on its device, on a GPU in PyTorch's faster layout for convolutions of images.

    On a CPU it is enough that the images are in that layout: the weights are laid out anew for each product anyway, and
    the fused optimizers copy gradients that do not lie in their axes' order.
    """
    network.to(device)
    if len(shape) == 3 and device.type != "cpu":
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = channels_last(parameter.data)


def scoring(loaded: Loaded, network: Network, task: str) -> Network:
    """The network such that the largest output is the class: distances to classes are turned into their negatives."""
    if task == "classification" and ends_in_distances(loaded.graph):
        network.register_forward_hook(lambda module, inputs, output: -output)
    return network
