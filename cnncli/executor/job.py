"""A training from the loaded network to the run folder, and the evaluation of such a folder."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch

from cnncli import __version__, runs
from cnncli.data import Dataset, absolute_spec
from cnncli.errors import CnnError, Interrupted
from cnncli.executor.batches import (
    Images,
    conversion_notes,
    normalisation_of,
    on_device,
    preparation,
    split_off,
)
from cnncli.executor.devices import choose_device, describe
from cnncli.executor.evaluation import Evaluation, ends_in_distances, evaluate, loss_of
from cnncli.executor.initialisation import initialise
from cnncli.executor.network import Network, check
from cnncli.executor.training import Seen, Task, train
from cnncli.executor.weights import load_weights, save_weights
from cnncli.language.resolved import resolved_text
from cnncli.loading import Loaded
from cnncli.recipe import Recipe, as_dict
from cnncli.shape import Shape


class Display(Protocol):
    """What is shown of a training."""

    def note(self, text: str) -> None: ...
    def batch(self, seen: Seen) -> None: ...
    def epoch(self, seen: Seen, evaluation: Evaluation, held_out: str) -> None: ...


@dataclass(frozen=True)
class Job:
    """What is to be trained, on what and how."""

    loaded: Loaded
    dataset: Dataset
    recipe: Recipe
    run_dir: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """The run folder, and what the network is worth on the test images."""

    run: runs.Run
    test: Evaluation
    seconds: float


def run_training(job: Job, display: Display) -> Outcome:
    """Check, build and train the network; keep everything in a run folder.

    The weights are saved after every epoch. Ctrl-C saves what is there and raises Interrupted; an error keeps the
    weights of the last good epoch.
    """
    recipe, graph = job.recipe, job.loaded.graph
    check(job.loaded.inferred)
    device = choose_device(recipe.device)
    conversions = conversion_notes(graph.inputs[0].shape, job.dataset.name, _image_shape(job.dataset))
    for note in (*job.dataset.notes, *conversions):
        display.note(note)
    network = _network(job.loaded, device, recipe)
    with _memory_errors(recipe):
        images, test = on_device(job.dataset.train, device), on_device(job.dataset.test, device)
        normalisation = normalisation_of(images, graph.inputs[0].shape)
        task, held_out = _task(job, network, images, test, normalisation)
        run = _create_run(job, normalisation, device)
        display.note(f"training on {describe(device)}, {len(task.train):,} images; {run.folder}")
        started = time.perf_counter()
        run = _train(task, run, display, held_out)
        final = _final_evaluation(task, test, run, display)
    seconds = time.perf_counter() - started
    result = {"test_accuracy": final.accuracy, "test_loss": final.loss, "seconds": round(seconds, 3)}
    return Outcome(run.updated(status="finished", result=result), final, seconds)


def _final_evaluation(task: Task, test: Images, run: runs.Run, display: Display) -> Evaluation:
    """What the trained network is worth; interrupted, the run keeps its weights and says so."""
    try:
        return evaluate(task.network, test, task.prepare, task.loss, task.classes)
    except KeyboardInterrupt:
        run.updated(status="interrupted")
        display.note(f"interrupted before the last look at the test images; the run is saved in {run.folder}")
        raise Interrupted from None


def _train(task: Task, run: runs.Run, display: Display, held_out: str) -> runs.Run:
    """Train, writing each epoch to the run folder; the run as it is at the end."""
    started = time.perf_counter()

    def on_epoch(seen: Seen, evaluation: Evaluation) -> None:
        nonlocal run
        save_weights(task.network, run.folder / runs.WEIGHTS)
        run.add_metrics(_metrics(seen, evaluation, held_out, time.perf_counter() - started))
        run = run.updated(epochs_done=seen.epoch)
        display.epoch(seen, evaluation, held_out)

    try:
        train(task, display.batch, on_epoch)
    except KeyboardInterrupt:
        if all(bool(parameter.isfinite().all()) for parameter in task.network.parameters()):
            save_weights(task.network, run.folder / runs.WEIGHTS)
        run = run.updated(status="interrupted")
        done = f"{run.record.epochs_done} of {task.recipe.epochs} epochs"
        display.note(f"interrupted after {done}; the run is saved in {run.folder}")
        raise Interrupted from None
    except BaseException:
        run.updated(status="failed")
        raise
    return run


def _metrics(seen: Seen, evaluation: Evaluation, held_out: str, seconds: float) -> dict[str, float | int]:
    return {
        "epoch": seen.epoch,
        "train_loss": seen.loss,
        "train_accuracy": seen.accuracy,
        f"{held_out}_loss": evaluation.loss,
        f"{held_out}_accuracy": evaluation.accuracy,
        "learning_rate": seen.learning_rate,
        "images_per_second": round(seen.images_per_second, 1),
        "seconds": round(seconds, 3),
    }


def _image_shape(dataset: Dataset) -> Shape:
    return tuple(dataset.train.images.shape[1:])


def _network(loaded: Loaded, device: torch.device, recipe: Recipe) -> Network:
    """The network with its initial weights, the same on every device."""
    network = _scoring(loaded, Network(loaded.inferred, rewritten=True))
    initialise(network, recipe.init, recipe.seed)
    network.to(device)
    if len(loaded.graph.inputs[0].shape) == 3:  # images: PyTorch's faster layout for convolutions, on CPU and GPU
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _scoring(loaded: Loaded, network: Network) -> Network:
    """The network such that its largest output is the answer: distances are turned into their negatives."""
    if ends_in_distances(loaded.graph):
        network.register_forward_hook(lambda module, inputs, output: -output)
    return network


def _task(
    job: Job, network: Network, images: Images, test: Images, normalisation: runs.Normalisation
) -> tuple[Task, str]:
    """The task, and what its held-out images are called: validation where there is a share of it, else test."""
    held_out, name = test, "test"
    if job.recipe.validation:
        (images, held_out), name = split_off(images, job.recipe.validation, job.recipe.seed), "validation"
    graph = job.loaded.graph
    prepare = preparation(graph.inputs[0].shape, normalisation, test.labels.device)
    return Task(network, images, held_out, prepare, loss_of(graph), len(job.dataset.classes), job.recipe), name


def _create_run(job: Job, normalisation: runs.Normalisation, device: torch.device) -> runs.Run:
    versions = {"cnn": __version__, "torch": torch.__version__, "python": platform.python_version()}
    dataset = absolute_spec(job.recipe.dataset)
    record = runs.RunRecord(
        job.loaded.slug, dataset, job.dataset.classes, normalisation, device=str(device), versions=versions
    )
    source, overrides, inputs = job.loaded.source, job.loaded.overrides, job.loaded.inputs
    text = resolved_text(source, overrides, inputs)
    if text is None:
        text = source.text
        record = replace(record, overrides=dict(overrides), inputs=dict(inputs))
    return runs.create(job.run_dir, record, text, as_dict(job.recipe))


@contextmanager
def _memory_errors(recipe: Recipe) -> Iterator[None]:
    """Out of memory, on any device, as a plain error."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        raise CnnError(
            f"out of memory at a batch size of {recipe.batch_size}", "use a smaller --batch-size or a smaller network"
        ) from None


def evaluate_run(run: runs.Run, loaded: Loaded, dataset: Dataset, device_name: str) -> Evaluation:
    """The worth of a run's weights on the test images of a data set; ``loaded`` is the run's architecture."""
    device = choose_device(device_name)
    network = _scoring(loaded, Network(loaded.inferred))
    load_weights(network, run.folder / runs.WEIGHTS)
    network.to(device)
    shape = loaded.graph.inputs[0].shape
    conversion_notes(shape, dataset.name, _image_shape(dataset))
    test = on_device(dataset.test, device)
    prepare = preparation(shape, run.record.normalisation, device)
    return evaluate(network, test, prepare, loss_of(loaded.graph), len(dataset.classes))
