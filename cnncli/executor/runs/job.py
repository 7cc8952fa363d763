"""A training from the loaded network to the run folder, its resumption, and the evaluation of such a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

import torch

from cnncli.analysis.memory import Memory, memory
from cnncli.data import Dataset, absolute_spec
from cnncli.errors import NO, CnnError, Interrupted
from cnncli.executor.feeding.preprocessing import conversion_notes, preparation
from cnncli.executor.feeding.storage import on_device
from cnncli.executor.network.weights import load_network
from cnncli.executor.runs import provenance
from cnncli.executor.runs.recorder import Display, Job, Prepared, train_and_keep
from cnncli.executor.runs.setup import image_shape, prepared_for, scoring, with_fastest_steps
from cnncli.executor.runs.torch_errors import told
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.devices import choose_device, describe, flush_denormals
from cnncli.executor.runtime.signals import exit_code_of, termination_raised
from cnncli.executor.training.checkpoint import has_checkpoint, last_checkpoint, write_checkpoint
from cnncli.executor.training.evaluation import evaluate
from cnncli.executor.training.loop import look
from cnncli.executor.training.objectives import Evaluation, objective_of
from cnncli.executor.training.objectives.regression import scaled
from cnncli.executor.training.restoring import Restorable
from cnncli.executor.training.trial import Sweep, Trial, find_rate, try_out
from cnncli.language.resolved import resolved_text
from cnncli.loading import Loaded
from cnncli.recipe import as_dict
from cnncli.runs import folder as runs


@dataclass(frozen=True)
class Outcome:
    """The run folder, and what the network is worth on the test images."""

    run: runs.Run
    test: Evaluation
    seconds: float


@flush_denormals()
def run_training(job: Job, display: Display) -> Outcome:
    """Check, build and train the network; keep everything in a new run folder.

    Weights and a checkpoint are saved after every epoch. Ctrl-C and SIGTERM save what is there and raise Interrupted;
    an error keeps the last good weights. Workers that torchrun started again go on from their last checkpoint.
    """
    if distributed.was_restarted() and job.run_dir is not None and has_checkpoint(job.run_dir):
        run = runs.open_run(job.run_dir)
        if run.record.status != "running":  # it ended by itself, and has said why: starting again changes nothing
            raise Interrupted(NO)
        return resume_training(job, run, display)
    distributed.init_process_group()
    try:
        prepared = prepared_for(job, display)
        with told(job):
            prepared = with_fastest_steps(prepared, display)
        run = distributed.broadcast_object(_create_run(job, prepared) if distributed.is_main_process() else None)
        with _held(run), told(job), _interruptible(run, display):
            first = prepared.state.checkpoint()
            if distributed.is_main_process():
                write_checkpoint(run.folder, first)
            display.note(f"training on {_on(prepared)}, {len(prepared.task.train):,} images; {run.folder}")
            return _finished(job, prepared, run, display)
    finally:
        distributed.destroy_process_group()


@flush_denormals()
def dry_run(job: Job, display: Display) -> tuple[Trial, Memory]:
    """One batch through everything, without a run folder: how long a training takes, and its memory as calculated."""
    prepared = prepared_for(job, display)
    kept = {"sgd": "momentum", "muon": "momentum"}.get(job.recipe.optimizer, job.recipe.optimizer)
    with told(job):
        found = try_out(prepared.task, prepared.state)
    display.note(f"tried on {_on(prepared)}, {len(prepared.task.train):,} images")
    return found, memory(job.loaded.inferred, job.recipe.batch_size, "fp32", kept)


@flush_denormals()
def learning_rates(job: Job, display: Display) -> Sweep:
    """The losses at growing learning rates, without a run folder."""
    prepared = prepared_for(job, display)
    with told(job):
        return find_rate(prepared.task, prepared.state)


def _held(run: runs.Run) -> AbstractContextManager[None]:
    """The run, held by the first worker for all."""
    return runs.held(run.folder) if distributed.is_main_process() else nullcontext()


@flush_denormals()
def resume_training(job: Job, run: runs.Run, display: Display) -> Outcome:
    """Go on from a run's last checkpoint: on the same machine the weights end as if nothing had happened, bit by bit.

    Raises CnnError for a run that is finished or that another process holds, and for other data than it began with.
    """
    if run.record.status == "finished":
        raise CnnError(f"{run.folder}: the run is finished", _longer(run))
    distributed.init_process_group()
    try:
        with _held(run), told(job), _interruptible(run, display):
            if not provenance.is_same(job.dataset, run.record.data_fingerprint):
                message = f"{job.dataset.name} is not the data that {run.folder} was begun with"
                raise CnnError(message, "a run goes on as it began")
            prepared = prepared_for(job, display, run.record)
            expected = Restorable(prepared.task, prepared.state)
            found = last_checkpoint(run.folder, expected) if distributed.is_main_process() else None
            checkpoint, note = distributed.broadcast_object(found)
            prepared.state.restore(checkpoint)
            prepared = with_fastest_steps(prepared, display, run.record.compiled)
            done = prepared.task.epochs_done(prepared.state.step)
            if distributed.is_main_process():
                damaged = run.cut_metrics(done)
                if damaged:
                    counted = f"{damaged} lines" if damaged > 1 else "1 line"
                    display.note(f"{run.folder / runs.METRICS}: left out {counted} that cannot be read")
                run = run.updated(status="running", epochs_done=done, dataset=absolute_spec(job.spec))
            for text in (note, *_not_exact(run.record, prepared)):
                if text:
                    display.note(text)
            display.note(f"{_going_on(prepared, done)}; {run.folder}")
            return _finished(job, prepared, run, display)
    finally:
        distributed.destroy_process_group()


def _longer(run: runs.Run) -> str:
    folder = run.folder
    return f"cnn evaluate {folder} evaluates it; cnn train --from {folder} --init {folder} trains on from its weights"


def _going_on(prepared: Prepared, done: int) -> str:
    """Where a resumed training goes on: after its last epoch the evaluation alone is left."""
    task, state = prepared.task, prepared.state
    if state.step >= task.steps or state.is_over(task.recipe):
        return f"the training ended with epoch {done}; evaluating it on {_on(prepared)}"
    at = f"epoch {done + 1} of {task.recipe.epochs:g}, step {state.step:,}"
    return f"going on from {at} on {_on(prepared)}, {len(task.train):,} images"


@contextmanager
def _interruptible(run: runs.Run, display: Display) -> Iterator[None]:
    """Ctrl-C and SIGTERM leave a record that says so, wherever they come; while it trains the loop sees to them."""
    with termination_raised():
        try:
            yield
        except KeyboardInterrupt as stop:
            if distributed.is_main_process():
                runs.open_run(run.folder).updated(status="interrupted")
            display.note(f"interrupted; cnn train --resume {run.folder} goes on")
            raise Interrupted(exit_code_of(stop)) from None


def _not_exact(record: runs.RunRecord, prepared: Prepared) -> Iterator[str]:
    """Why the weights will not be those of an uninterrupted run, to the bit."""
    began = record.versions or {}
    if record.device != str(prepared.device):
        why = f"the run began on {record.device}"
    elif began.get("torch") != torch.__version__:
        why = f"the run began with torch {began.get('torch')}"
    elif began.get("cnn") != provenance.versions()["cnn"]:
        why = f"the run began with cnn {began.get('cnn')}"
    elif prepared.device.type == "cpu" and record.threads not in (0, torch.get_num_threads()):
        why = f"the run began with {record.threads} threads"
    elif prepared.device.type != "cpu" and not prepared.task.recipe.deterministic:
        why = "without --deterministic a GPU does not add in one order"
    else:
        return
    yield f"{why}: the weights will be nearly, not exactly, those of an uninterrupted run"


def _on(prepared: Prepared) -> str:
    precision = prepared.state.precision.name
    several = f"{distributed.world_size()} workers, " if distributed.world_size() > 1 else ""
    return several + describe(prepared.device) + (f" in {precision}" if precision != "fp32" else "")


def _finished(job: Job, prepared: Prepared, run: runs.Run, display: Display) -> Outcome:
    """Train to the end, then look at the test images."""
    started = time.perf_counter() - prepared.state.seconds
    run = train_and_keep(job, prepared, run, display)
    final = _final_evaluation(prepared, run, display)
    seconds = time.perf_counter() - started
    if distributed.is_main_process():
        figures = {f"test_{name}": value for name, value in final.figures().items()}
        result = {**figures, "test_loss": final.loss, "seconds": round(seconds, 3)}
        run = run.updated(status="finished", result=result)
    return Outcome(run, final, seconds)


def _final_evaluation(prepared: Prepared, run: runs.Run, display: Display) -> Evaluation:
    """What the trained network is worth; interrupted, the run keeps its weights and says so."""
    try:
        return look(replace(prepared.task, held_out=prepared.test), prepared.state, prepared.task.recipe.tta)
    except KeyboardInterrupt as stop:
        if distributed.is_main_process():
            run.updated(status="interrupted")
        display.note(
            f"interrupted in the evaluation on the test images; cnn train --resume {run.folder} takes it again; "
            f"the run is saved in {run.folder}"
        )
        raise Interrupted(exit_code_of(stop)) from None


def _create_run(job: Job, prepared: Prepared) -> runs.Run:
    record = runs.RunRecord(
        name=job.loaded.slug,
        dataset=absolute_spec(job.spec or job.recipe.dataset),
        classes=job.dataset.classes,
        normalisation=prepared.normalisation,
        began=datetime.now().astimezone().isoformat(timespec="seconds"),
        device=str(prepared.device),
        versions=provenance.versions(),
        threads=torch.get_num_threads(),
        command=provenance.command_line(),
        git=provenance.git_commit(),
        data_fingerprint=provenance.fingerprint(job.dataset),
        precision=prepared.task.precision,
        compiled=prepared.compiled,
        task=job.dataset.task,
        targets=prepared.targets,
        columns=job.dataset.columns,
    )
    source, overrides, inputs = job.loaded.source, job.loaded.overrides, job.loaded.inputs
    text = resolved_text(source, overrides, inputs)
    if text is None:
        text = source.text
        record = record.replaced(overrides=dict(overrides), inputs=dict(inputs))
    return runs.create(job.run_dir, record, text, as_dict(job.recipe))


def evaluate_run(run: runs.Run, loaded: Loaded, dataset: Dataset, device_name: str) -> Evaluation:
    """The worth of a run's weights on the test images of a data set; ``loaded`` is the run's architecture."""
    device = choose_device(device_name)
    network = scoring(loaded, load_network(loaded.inferred, run.weights_file), run.record.task)
    network.to(device)
    shape = loaded.graph.inputs[0].shape
    conversion_notes(shape, dataset.name, image_shape(dataset))
    recipe = runs.recipe_of(run)
    targets = run.record.targets
    test = on_device(dataset.test if targets is None else scaled(dataset.test, targets), device, recipe.loaders)
    prepare = preparation(shape, run.record.normalisation, device)
    objective = objective_of(loaded, dataset, recipe, device, targets=targets)
    return evaluate(network, test, prepare, objective, recipe.tta)
