"""Trains in a run folder, a new one or that of a run to be resumed, and evaluates the result on the test set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

import torch

from cnncli.data import absolute_spec
from cnncli.errors import NO, CnnError, Interrupted, counted
from cnncli.executor.runs import provenance
from cnncli.executor.runs.endings import interruptible, interruptible_evaluation, recorded_endings
from cnncli.executor.runs.job import Display, Job, Prepared
from cnncli.executor.runs.recorder import RunRecorder
from cnncli.executor.runs.setup import prepare_training, with_fastest_mode
from cnncli.executor.runs.tensorboard import event_writer
from cnncli.executor.runs.torch_errors import explain_torch_errors
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.devices import flush_denormals
from cnncli.executor.runtime.signals import StopRequest, stop_requests
from cnncli.executor.training.checkpoint import has_checkpoint, last_checkpoint, write_checkpoint
from cnncli.executor.training.loop import Callbacks, evaluate_held_out, train
from cnncli.executor.training.objectives import Evaluation
from cnncli.executor.training.restoring import Restorable
from cnncli.language.resolved import resolved_text
from cnncli.recipe.serialization import as_dict
from cnncli.runs import folder as runs
from cnncli.runs.lock import run_lock


@dataclass(frozen=True)
class Outcome:
    """A finished run, its evaluation on the test set, and its duration including earlier interrupted sessions."""

    run: runs.Run
    test: Evaluation
    seconds: float


@flush_denormals()
def run_training(job: Job, display: Display) -> Outcome:
    """Check, build and train the network, recorded in a new run folder.

    Weights and a checkpoint are saved after every epoch. Ctrl-C and SIGTERM save the current state and raise
    Interrupted; after an error the last good weights are kept. Workers that torchrun restarted resume from their last
    checkpoint.
    """
    if distributed.was_restarted() and job.run_dir is not None and has_checkpoint(job.run_dir):
        run = runs.open_run(job.run_dir)
        if run.record.status != "running":  # it ended by itself and reported why: another attempt changes nothing
            raise Interrupted(NO)
        return resume_training(job, run, display)
    with _process_group():
        prepared = prepare_training(job, display)
        with explain_torch_errors(job):
            prepared = with_fastest_mode(prepared, display)
        run = distributed.broadcast_object(_create_run(job, prepared) if distributed.is_main_process() else None)
        with _locked(run), explain_torch_errors(job), interruptible(run, display):
            first = prepared.state.checkpoint()
            if distributed.is_main_process():
                write_checkpoint(run.folder, first)
            display.note(f"training on {prepared}; {run.folder}")
            return _finished(job, prepared, run, display)


@flush_denormals()
def resume_training(job: Job, run: runs.Run, display: Display) -> Outcome:
    """Resume from a run's last checkpoint. On the same machine the final weights are those of an uninterrupted run, bit
    by bit.

    Raises CnnError for a run that is finished or that another process trains, and for other data than it began with.
    """
    if run.record.status == "finished":
        raise CnnError(f"{run.folder}: the run is finished", _what_next(run))
    with _process_group(), _locked(run), explain_torch_errors(job), interruptible(run, display):
        if not provenance.is_same(job.dataset, run.record.data_fingerprint):
            raise CnnError(
                f"{job.dataset.name} is not the data that {run.folder} was trained on", "resume it with the same data"
            )
        prepared, note = _restored(job, run, display)
        done = prepared.setup.epochs_done(prepared.state.step)
        if distributed.is_main_process():
            run = _rewound(job, run, done, display)
        for text in (note, *_not_exact(run.record, prepared)):
            if text:
                display.note(text)
        display.note(f"{_resumption(prepared, done)}; {run.folder}")
        return _finished(job, prepared, run, display)


@contextmanager
def _process_group() -> Iterator[None]:
    distributed.init_process_group()
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _locked(run: runs.Run) -> AbstractContextManager[None]:
    """The run's lock, which the main process holds for all workers."""
    return run_lock(run.folder) if distributed.is_main_process() else nullcontext()


def _restored(job: Job, run: runs.Run, display: Display) -> tuple[Prepared, str]:
    """The training restored from the last readable checkpoint, and a note if that is not the newest file."""
    prepared = prepare_training(job, display, run.record)
    expected = Restorable(prepared.setup, prepared.state)
    found = last_checkpoint(run.folder, expected) if distributed.is_main_process() else None
    checkpoint, note = distributed.broadcast_object(found)
    prepared.state.restore(checkpoint)
    return with_fastest_mode(prepared, display, run.record.compiled), note


def _rewound(job: Job, run: runs.Run, done: int, display: Display) -> runs.Run:
    """The run with its metrics and its record reset to the ``done`` epochs of the checkpoint."""
    damaged = run.cut_metrics(done)
    if damaged:
        display.note(f"{run.folder / runs.METRICS}: left out {counted(damaged, 'line')} that cannot be read")
    return run.updated(status="running", epochs_done=done, dataset=absolute_spec(job.spec))


def _what_next(run: runs.Run) -> str:
    folder = run.folder
    longer = f"cnn train --from {folder} --init {folder}"
    return f"to evaluate it: cnn evaluate {folder}; to train on from its weights: {longer}"


def _resumption(prepared: Prepared, done: int) -> str:
    """Where a training resumes; after its last epoch only the evaluation is left."""
    setup, state = prepared.setup, prepared.state
    if state.step >= setup.steps or state.stops_early(setup.recipe):
        return f"the training ended with epoch {done}; evaluating on {prepared.device_text()}"
    return f"resuming at epoch {done + 1} of {setup.recipe.epochs:g}, step {state.step:,} on {prepared}"


def _not_exact(record: runs.RunRecord, prepared: Prepared) -> Iterator[str]:
    """Why the weights will not be bit-identical to those of an uninterrupted run."""
    began = record.versions or {}
    if record.device != str(prepared.device):
        why = f"the run started on {record.device}"
    elif began.get("torch") != torch.__version__:
        why = f"the run started with torch {began.get('torch')}"
    elif began.get("cnn") != provenance.versions()["cnn"]:
        why = f"the run started with cnn {began.get('cnn')}"
    elif prepared.device.type == "cpu" and record.threads not in (0, torch.get_num_threads()):
        why = f"the run started with {counted(record.threads, 'thread')}"
    elif prepared.device.type != "cpu" and not prepared.setup.recipe.deterministic:
        why = "without --deterministic a GPU does not add in a fixed order"
    else:
        return
    yield f"{why}: the weights will match an uninterrupted run only approximately"


def _create_run(job: Job, prepared: Prepared) -> runs.Run:
    record = runs.RunRecord(
        name=job.loaded.slug,
        dataset=absolute_spec(job.spec or job.recipe.dataset),
        classes=job.dataset.classes,
        normalisation=prepared.normalization,
        began=datetime.now().astimezone().isoformat(timespec="seconds"),
        device=str(prepared.device),
        versions=provenance.versions(),
        threads=torch.get_num_threads(),
        command=provenance.command_line(),
        git=provenance.git_commit(),
        data_fingerprint=provenance.fingerprint(job.dataset),
        precision=prepared.setup.precision,
        compiled=prepared.compiled,
        task=job.dataset.task,
        targets=prepared.targets,
        columns=job.dataset.columns,
    )
    source, overrides, inputs = job.loaded.source, job.loaded.overrides, job.loaded.inputs
    text = resolved_text(source, overrides, inputs)
    if text is None:
        text = source.text
        record = record.replace(overrides=dict(overrides), inputs=dict(inputs))
    return runs.create(job.run_dir, record, text, as_dict(job.recipe))


def train_and_record(job: Job, prepared: Prepared, run: runs.Run, display: Display) -> runs.Run:
    """Train to the end, recording every epoch in the run folder; the run as it is then."""
    now = time.perf_counter()
    events = None
    if job.tensorboard and distributed.is_main_process():
        events = event_writer(run.folder, run.record.epochs_done)
    recorder = RunRecorder(job, prepared, run, display, StopRequest(), now - prepared.state.seconds, now, events)
    with recorded_endings(recorder), stop_requests() as recorder.request:
        train(prepared.setup, prepared.state, Callbacks(recorder.batch, recorder.between, recorder.epoch))
    if prepared.state.stops_early(job.recipe):
        best = prepared.state.best_epoch
        display.note(f"early stopping: no lower held-out loss since epoch {best}, whose weights are {runs.BEST}")
    return recorder.run


def _finished(job: Job, prepared: Prepared, run: runs.Run, display: Display) -> Outcome:
    """Train to the end, then evaluate on the test set."""
    started = time.perf_counter() - prepared.state.seconds
    run = train_and_record(job, prepared, run, display)
    with interruptible_evaluation(run, display):
        test = replace(prepared.setup, held_out=prepared.test)
        evaluation = evaluate_held_out(test, prepared.state, prepared.setup.recipe.tta)
    seconds = time.perf_counter() - started
    if distributed.is_main_process():
        metrics = {f"test_{name}": value for name, value in evaluation.metrics().items()}
        result = {**metrics, "test_loss": evaluation.loss, "seconds": round(seconds, 3)}
        run = run.updated(status="finished", result=result)
    return Outcome(run, evaluation, seconds)
