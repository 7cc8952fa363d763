"""A training from the loaded network to the run folder, its resumption, and the evaluation of such a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

import torch

from cnncli import runs
from cnncli.data import Dataset, absolute_spec
from cnncli.errors import NO, CnnError, Interrupted
from cnncli.executor import provenance, workers
from cnncli.executor.batches import (
    channels_last,
    conversion_notes,
    normalisation_of,
    on_device,
    preparation,
    split_off,
)
from cnncli.executor.checkpoint import Checkpoint, has_checkpoint, last_checkpoint, write_checkpoint
from cnncli.executor.compiling import fastest, wanted_modes
from cnncli.executor.devices import choose_device, describe, keep_freed_memory, make_deterministic
from cnncli.executor.evaluation import evaluate
from cnncli.executor.initialisation import start_weights
from cnncli.executor.keeping import Display, Job, Prepared, train_and_keep
from cnncli.executor.losses import ends_in_distances
from cnncli.executor.network import Network, check
from cnncli.executor.objectives import Evaluation, objective_of
from cnncli.executor.objectives.regression import scaling_of
from cnncli.executor.optimisation import freeze
from cnncli.executor.precision import chosen
from cnncli.executor.synchronised import synchronise
from cnncli.executor.training import Task, look, new_state
from cnncli.executor.trial import Sweep, Trial, find_rate, try_out
from cnncli.executor.weights import load_weights
from cnncli.language.resolved import resolved_text
from cnncli.loading import Loaded
from cnncli.memory import Memory, fitting_batch, memory
from cnncli.recipe import Recipe, as_dict
from cnncli.shape import Shape, format_shape


@dataclass(frozen=True)
class Outcome:
    """The run folder, and what the network is worth on the test images."""

    run: runs.Run
    test: Evaluation
    seconds: float


def run_training(job: Job, display: Display) -> Outcome:
    """Check, build and train the network; keep everything in a new run folder.

    Weights and a checkpoint are saved after every epoch. Ctrl-C and SIGTERM save what is there and raise Interrupted;
    an error keeps the last good weights. Workers that torchrun started again go on from their last checkpoint.
    """
    if workers.was_restarted() and job.run_dir is not None and has_checkpoint(job.run_dir):
        run = runs.open_run(job.run_dir)
        if run.record.status != "running":  # it ended by itself, and has said why: starting again changes nothing
            raise Interrupted(NO)
        return resume_training(job, run, display)
    workers.join()
    try:
        prepared = _prepared(job, display)
        with _told(job):
            prepared = _compiled(prepared, display)
        run = workers.from_first(_create_run(job, prepared) if workers.is_first() else None)
        with _held(run), _told(job):
            first = prepared.state.checkpoint()
            if workers.is_first():
                write_checkpoint(run.folder, first)
            display.note(f"training on {_on(prepared)}, {len(prepared.task.train):,} images; {run.folder}")
            return _finished(job, prepared, run, display)
    finally:
        workers.leave()


def dry_run(job: Job, display: Display) -> tuple[Trial, Memory]:
    """One batch through everything, without a run folder: how long a training takes, and its memory as calculated."""
    prepared = _prepared(job, display)
    kept = {"sgd": "momentum", "muon": "momentum"}.get(job.recipe.optimizer, job.recipe.optimizer)
    with _told(job):
        found = try_out(prepared.task, prepared.state)
    display.note(f"tried on {_on(prepared)}, {len(prepared.task.train):,} images")
    return found, memory(job.loaded.inferred, job.recipe.batch_size, "fp32", kept)


def learning_rates(job: Job, display: Display) -> Sweep:
    """The losses at growing learning rates, without a run folder."""
    prepared = _prepared(job, display)
    with _told(job):
        return find_rate(prepared.task, prepared.state)


def _held(run: runs.Run) -> AbstractContextManager[None]:
    """The run, held by the first worker for all."""
    return runs.held(run.folder) if workers.is_first() else nullcontext()


def resume_training(job: Job, run: runs.Run, display: Display) -> Outcome:
    """Go on from a run's last checkpoint: on the same machine the weights end as if nothing had happened, bit by bit.

    Raises CnnError for a run that is finished or that another process holds, and for other data than it began with.
    """
    if run.record.status == "finished":
        raise CnnError(f"{run.folder}: the run is finished", f"cnn evaluate {run.folder} looks at it")
    workers.join()
    try:
        with _held(run), _told(job):
            checkpoint, note = workers.from_first(last_checkpoint(run.folder) if workers.is_first() else None)
            if provenance.fingerprint(job.dataset) != run.record.data_fingerprint:
                message = f"{job.dataset.name} is not the data that {run.folder} was begun with"
                raise CnnError(message, "a run goes on as it began")
            prepared = _prepared(job, display, run.record)
            _restore(prepared, checkpoint, run)
            prepared = _compiled(prepared, display, run.record.compiled)
            done = prepared.task.epochs_done(prepared.state.step)
            if workers.is_first():
                run.cut_metrics(done)
                run = run.updated(status="running", epochs_done=done, dataset=absolute_spec(job.spec))
            for text in (note, *_not_exact(run.record, prepared)):
                if text:
                    display.note(text)
            at = f"epoch {done + 1}, step {prepared.state.step:,}"
            display.note(f"going on from {at} on {_on(prepared)}, {len(prepared.task.train):,} images; {run.folder}")
            return _finished(job, prepared, run, display)
    finally:
        workers.leave()


def _restore(prepared: Prepared, checkpoint: Checkpoint, run: runs.Run) -> None:
    """Go back to where the run was. Raises CnnError for a checkpoint of another network or recipe."""
    try:
        prepared.state.restore(checkpoint)
    except (LookupError, RuntimeError):
        raise CnnError(
            f"{run.folder}: its checkpoint is of another network or recipe",
            "was architecture.yaml or recipe.yaml changed by hand?",
        ) from None


def _not_exact(record: runs.RunRecord, prepared: Prepared) -> Iterator[str]:
    """Why the weights will not be those of an uninterrupted run, to the bit."""
    began = record.versions or {}
    if record.device != str(prepared.device):
        why = f"the run began on {record.device}"
    elif began.get("torch") != torch.__version__:
        why = f"the run began with torch {began.get('torch')}"
    elif prepared.device.type == "cpu" and record.threads not in (0, torch.get_num_threads()):
        why = f"the run began with {record.threads} threads"
    elif prepared.device.type != "cpu" and not prepared.task.recipe.deterministic:
        why = "without --deterministic a GPU does not add in one order"
    else:
        return
    yield f"{why}: the weights will be nearly, not exactly, those of an uninterrupted run"


def _on(prepared: Prepared) -> str:
    precision = prepared.state.precision.name
    several = f"{workers.count()} workers, " if workers.count() > 1 else ""
    return several + describe(prepared.device) + (f" in {precision}" if precision != "fp32" else "")


def _prepared(job: Job, display: Display, begun: runs.RunRecord | None = None) -> Prepared:
    """Everything on its device, before the first step; of a run that was ``begun`` it is scaled as it was then."""
    recipe, graph = job.recipe, job.loaded.graph
    check(job.loaded.inferred)
    device = workers.local_device(choose_device(recipe.device))
    keep_freed_memory()
    if recipe.deterministic:
        make_deterministic()
    _check_translation(recipe, job.dataset)
    conversions = conversion_notes(graph.inputs[0].shape, job.dataset.name, _image_shape(job.dataset))
    for note in (*job.dataset.notes, *conversions):
        display.note(note)
    with _told(job):
        images, test = (on_device(split, device, recipe.loaders) for split in (job.dataset.train, job.dataset.test))
        normalisation = begun.normalisation if begun is not None else normalisation_of(images, graph.inputs[0].shape)
        prepare = preparation(graph.inputs[0].shape, normalisation, device)
        held_out, name = test, "test"
        if recipe.validation:
            (images, held_out), name = split_off(images, recipe.validation, recipe.seed), "validation"
        network = _scoring(job.loaded, Network(job.loaded.inferred, rewritten=True), job.dataset.task)
        sample = (
            None if begun is not None else lambda count: prepare(images.sample(count))
        )  # its weights come from the checkpoint
        for note in start_weights(network, recipe, sample):
            display.note(note)
        _place(network, graph.inputs[0].shape, device)
        _check_sizes(network, recipe, graph.inputs[0].shape, device)
        if recipe.sync_batchnorm:
            synchronise(network)
        frozen = freeze(network, recipe)
        if frozen:
            display.note(f"frozen: {', '.join(frozen[:6])}{', …' if len(frozen) > 6 else ''}")
        targets = begun.targets if begun is not None else None
        if targets is None and job.dataset.task == "regression":
            targets = scaling_of(images.labels)
        objective = objective_of(job.loaded, job.dataset, recipe, device, train=images, targets=targets)
        precision = chosen(recipe.precision, device, job.loaded.inferred.totals, recipe.batch_size)
        joined = workers.together(network, device)
        task = Task(network, joined, images, held_out, prepare, objective, recipe, precision)
        return Prepared(task, new_state(task), test, name, normalisation, targets, device)


def _compiled(prepared: Prepared, display: Display, known: str = "") -> Prepared:
    """With steps computed in the fastest way that the recipe allows, or in that which is ``known`` of a resumed run."""
    recipe = prepared.task.recipe
    modes = (known,) if known else wanted_modes(recipe.compile, prepared.device, recipe.accumulate)
    task, choice = fastest(prepared.task, prepared.state, modes)
    if choice.note:
        display.note(choice.note)
    return prepared._replace(task=task, compiled=choice.mode)


def _check_translation(recipe: Recipe, dataset: Dataset) -> None:
    """Raises CnnError where images would be moved by more than what their reflected border shows."""
    sides = _image_shape(dataset)[1:]
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


def _finished(job: Job, prepared: Prepared, run: runs.Run, display: Display) -> Outcome:
    """Train to the end, then look at the test images."""
    started = time.perf_counter()
    run = train_and_keep(job, prepared, run, display)
    final = _final_evaluation(prepared, run, display)
    seconds = time.perf_counter() - started
    if workers.is_first():
        figures = {f"test_{name}": value for name, value in final.figures().items()}
        result = {**figures, "test_loss": final.loss, "seconds": round(seconds, 3)}
        run = run.updated(status="finished", result=result)
    return Outcome(run, final, seconds)


def _final_evaluation(prepared: Prepared, run: runs.Run, display: Display) -> Evaluation:
    """What the trained network is worth; interrupted, the run keeps its weights and says so."""
    try:
        return look(replace(prepared.task, held_out=prepared.test), prepared.state, prepared.task.recipe.tta)
    except KeyboardInterrupt:
        run.updated(status="interrupted")
        display.note(f"interrupted before the last look at the test images; the run is saved in {run.folder}")
        raise Interrupted from None


def _image_shape(dataset: Dataset) -> Shape:
    return tuple(dataset.train.images.shape[1:])


def _place(network: Network, shape: Shape, device: torch.device) -> None:
    """Put a network on its device, in PyTorch's faster layout for convolutions of images."""
    network.to(device)
    if len(shape) == 3:
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = channels_last(parameter.data)


def _scoring(loaded: Loaded, network: Network, task: str) -> Network:
    """The network such that the largest output is the class: distances to classes are turned into their negatives."""
    if task == "classification" and ends_in_distances(loaded.graph):
        network.register_forward_hook(lambda module, inputs, output: -output)
    return network


def _create_run(job: Job, prepared: Prepared) -> runs.Run:
    record = runs.RunRecord(
        job.loaded.slug,
        absolute_spec(job.spec or job.recipe.dataset),
        job.dataset.classes,
        prepared.normalisation,
        began=datetime.now().astimezone().isoformat(timespec="seconds"),
        device=str(prepared.device),
        versions=provenance.versions(),
        threads=torch.get_num_threads(),
        command=provenance.command_line(),
        git=provenance.git_state(),
        data_fingerprint=provenance.fingerprint(job.dataset),
        precision=prepared.task.precision,
        compiled=prepared.compiled,
        task=job.dataset.task,
        targets=prepared.targets,
    )
    source, overrides, inputs = job.loaded.source, job.loaded.overrides, job.loaded.inputs
    text = resolved_text(source, overrides, inputs)
    if text is None:
        text = source.text
        record = replace(record, overrides=dict(overrides), inputs=dict(inputs))
    return runs.create(job.run_dir, record, text, as_dict(job.recipe))


@contextmanager
def _told(job: Job) -> Iterator[None]:
    """What torch refuses on the way as a plain error that says what to do: a batch size that fits, for one."""
    try:
        yield
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _refusal(job, error) or error from None


def _refusal(job: Job, error: Exception) -> CnnError | None:
    """What is to be said of a refusal of torch's; None for what is none."""
    text = str(error)
    if "more than 1 value per channel" in text:
        return CnnError("batch normalisation cannot train on a single image", "use another --batch-size")
    if "deterministic" in text:
        reason = (text.splitlines() or ["?"])[0].partition(", but you set")[0]
        return CnnError(f"--deterministic: {reason}", "leave it out, or use other layers")
    if not isinstance(error, MemoryError) and ("memory" not in text or isinstance(error, ValueError)):
        return None
    size = job.recipe.batch_size
    fits = fitting_batch(job.loaded.inferred, size, _memory_limit(job.recipe), job.recipe.optimizer)
    hint = f"--batch-size {fits} would fit" if fits else "use a smaller network"
    return CnnError(f"out of memory at a batch size of {size}", f"{hint}; or compute it in parts: --accumulate 4")


def _memory_limit(recipe: Recipe) -> int:
    """Bytes that the device has in all."""
    import os

    if choose_device(recipe.device).type == "cuda":
        return torch.cuda.get_device_properties(choose_device(recipe.device)).total_memory
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 8 << 30


def evaluate_run(run: runs.Run, loaded: Loaded, dataset: Dataset, device_name: str) -> Evaluation:
    """The worth of a run's weights on the test images of a data set; ``loaded`` is the run's architecture."""
    device = choose_device(device_name)
    network = _scoring(loaded, Network(loaded.inferred), run.record.task)
    load_weights(network, run.weights_file)
    network.to(device)
    shape = loaded.graph.inputs[0].shape
    conversion_notes(shape, dataset.name, _image_shape(dataset))
    recipe = runs.recipe_of(run)
    test = on_device(dataset.test, device, recipe.loaders)
    prepare = preparation(shape, run.record.normalisation, device)
    objective = objective_of(loaded, dataset, recipe, device, targets=run.record.targets)
    return evaluate(network, test, prepare, objective, recipe.tta)
