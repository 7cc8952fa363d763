"""What is kept of a training while it goes on: weights, metrics and checkpoints; and how each ending is told."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch

from cnncli.data import Dataset
from cnncli.errors import CnnError, Interrupted
from cnncli.executor.feeding.images import Examples
from cnncli.executor.network.weights import save_weights
from cnncli.executor.runs.tensorboard import add_events, event_writer
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.signals import Stopped, StopRequest, exit_code_of, stop_requests
from cnncli.executor.training.checkpoint import going_on_hint, last_checkpoint, write_checkpoint
from cnncli.executor.training.loop import Callbacks, DivergedError, EpochProgress, TrainingSetup, replayed, train
from cnncli.executor.training.objectives import Evaluation
from cnncli.executor.training.restoring import Restorable
from cnncli.executor.training.state import TrainState, is_finite
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs import folder as runs

STEPS_BETWEEN_AGREEMENTS = 10  # of several workers, on whether to save or to stop
APART = 255  # what they agree on where a worker's loss is no number


class Display(Protocol):
    """What is shown of a training."""

    def note(self, text: str) -> None: ...
    def batch(self, seen: EpochProgress) -> None: ...
    def epoch(self, seen: EpochProgress, evaluation: Evaluation, held_out: str) -> None: ...


@dataclass(frozen=True)
class Job:
    """What is to be trained, on what and how; ``checkpoint_minutes`` apart a checkpoint is taken within an epoch.

    ``spec`` is the data set's name, where it is another than the recipe's: that of a run which is repeated elsewhere.
    """

    loaded: Loaded
    dataset: Dataset
    recipe: Recipe
    run_dir: Path | None = None
    checkpoint_minutes: float = 10.0
    tensorboard: bool = False
    spec: str = ""


class Prepared(NamedTuple):
    """A task on its device, with the state that it starts from; ``held_out`` is what its held-out images are called.

    ``normalisation`` is of the images, ``targets`` what a regression's targets are scaled by.
    """

    task: TrainingSetup
    state: TrainState
    test: Examples
    held_out: str
    normalisation: runs.Normalization
    targets: runs.Normalization | None
    device: torch.device
    compiled: str = "off"


def train_and_keep(job: Job, prepared: Prepared, run: runs.Run, display: Display) -> runs.Run:
    """Train, keeping each epoch in the run folder; the run as it is at the end."""
    now = time.perf_counter()
    shown = job.tensorboard and distributed.is_main_process()
    events = event_writer(run.folder, run.record.epochs_done) if shown else None
    keeper = RunRecorder(job, prepared, run, display, StopRequest(), now - prepared.state.seconds, now, events)
    with _endings(keeper), stop_requests() as keeper.request:
        train(prepared.task, prepared.state, Callbacks(keeper.batch, keeper.between, keeper.epoch))
    if prepared.state.is_over(job.recipe):
        best = prepared.state.best_epoch
        display.note(f"stopped early: the loss has not been lower since epoch {best}, whose weights are {runs.BEST}")
    return keeper.run


@dataclass
class RunRecorder:
    """What is done between steps and after epochs to lose nothing. Files are the first worker's affair.

    ``started`` is when the training would have been started if it had never been interrupted.
    """

    job: Job
    prepared: Prepared
    run: runs.Run
    display: Display
    request: StopRequest
    started: float
    saved: float
    events: Any
    apart: bool = False

    def check(self, state: TrainState) -> None:
        """Raises DivergedError where weights are no numbers: such are not kept."""
        if not is_finite(state.network):
            raise self.diverged(state)

    def diverged(self, state: TrainState) -> DivergedError:
        """The error of a training whose loss or weights are no numbers."""
        return DivergedError(math.nan, state.step, (state.step - 1) // self.prepared.task.steps_per_epoch + 1)

    def keep(self, state: TrainState) -> None:
        """Take a checkpoint. Raises DivergedError where the loss so far is no number: no epoch ends well from there."""
        state.seconds = time.perf_counter() - self.started
        checkpoint = state.checkpoint()  # with the sums of all workers, so that all raise or none
        if not checkpoint.tensors["tally/loss"].isfinite():
            raise self.diverged(state)
        if distributed.is_main_process():
            write_checkpoint(self.run.folder, checkpoint)
        self.saved = time.perf_counter()

    def batch(self, seen: EpochProgress) -> None:
        """Now and then within an epoch: show the figures so far, and remember whether they are numbers."""
        self.apart = not math.isfinite(seen.loss)
        self.display.batch(seen)

    def between(self, state: TrainState) -> None:
        """After a step within an epoch: save when it is time, or when a signal came, and then stop."""
        if distributed.world_size() > 1 and state.step % STEPS_BETWEEN_AGREEMENTS:
            return  # all must ask at the same step
        due = time.perf_counter() - self.saved > 60 * self.job.checkpoint_minutes
        asked = self.request.exit_code if self.request else int(due)
        agreed = distributed.all_reduce_max(APART if self.apart else asked)
        if agreed == APART:
            raise self.diverged(state)
        if agreed:
            self.check(state)
            self.keep(state)
            _leave(agreed)

    def epoch(self, state: TrainState, seen: EpochProgress, evaluation: Evaluation) -> None:
        """After an epoch: weights, metrics and a checkpoint."""
        self.check(state)
        if distributed.is_main_process():
            _save_weights(state, self.run, seen.epoch)
            metrics = _metrics(seen, evaluation, self.prepared.held_out, time.perf_counter() - self.started)
            self.run.add_metrics(metrics)
            if self.events is not None:
                add_events(self.events, metrics)
            best = {"epoch": state.best_epoch, "loss": state.best_loss}
            self.run = self.run.updated(epochs_done=seen.epoch, best=best)
        self.keep(state)
        self.display.epoch(seen, evaluation, self.prepared.held_out)
        _leave(distributed.all_reduce_max(self.request.exit_code if self.request else 0))


@contextmanager
def _endings(keeper: RunRecorder) -> Iterator[None]:
    """However a training ends, the run's record says so, and the user knows how to go on."""
    folder = keeper.run.folder
    try:
        yield
    except KeyboardInterrupt as stop:
        _note_end(keeper.run, "interrupted")
        done = f"{keeper.run.record.epochs_done} of {keeper.job.recipe.epochs} epochs"
        keeper.display.note(
            f"interrupted after {done}; cnn train --resume {folder} goes on; the run is saved in {folder}"
        )
        raise Interrupted(exit_code_of(stop)) from None
    except DivergedError as error:
        _note_end(keeper.run, "failed")
        raise _explained(keeper.prepared, keeper.run, error) from None
    except OSError as error:
        _note_end(keeper.run, "failed")
        raise CnnError(
            f"{error.filename or folder}: the run cannot be written: {error.strerror or error}",
            going_on_hint(folder),
        ) from None
    except RuntimeError as error:
        if distributed.world_size() > 1 and distributed.is_lost(error):  # the run goes on: torchrun starts all again
            raise CnnError("another worker was lost", "all are started again, from the last checkpoint") from None
        _note_end(keeper.run, "failed")
        raise
    except BaseException:
        _note_end(keeper.run, "failed")
        raise


def _leave(exit_code: int) -> None:
    if exit_code > 1:
        raise Stopped(exit_code)


def _note_end(run: runs.Run, status: str) -> None:
    if distributed.is_main_process():
        with suppress(OSError):  # what failed may be the disk itself
            run.updated(status=status)


def _save_weights(state: TrainState, run: runs.Run, epoch: int) -> None:
    """The weights of an epoch, and once more as the best ones where they are."""
    names = (runs.WEIGHTS, runs.BEST) if state.best_epoch == epoch else (runs.WEIGHTS,)
    with nullcontext() if state.average is None else state.average.in_place():
        save_weights(state.network, *(run.folder / name for name in names))


def _explained(prepared: Prepared, run: runs.Run, error: DivergedError) -> DivergedError:
    """The error with the layer and the step where it began: the steps from the last good checkpoint on, taken again."""
    kept = run.weights_file.exists()
    try:
        prepared.state.restore(last_checkpoint(run.folder, Restorable(prepared.task, prepared.state))[0])
        where = replayed(prepared.task, prepared.state, error.step)
    except CnnError:
        where = ""
    return DivergedError(error.loss, error.step, error.epoch, where, kept=kept)


def _metrics(seen: EpochProgress, evaluation: Evaluation, held_out: str, seconds: float) -> dict[str, float | int]:
    return {
        "epoch": seen.epoch,
        "train_loss": seen.loss,
        f"train_{seen.figure}": seen.score,
        f"{held_out}_loss": evaluation.loss,
        **{f"{held_out}_{name}": value for name, value in evaluation.figures().items()},
        "learning_rate": seen.learning_rate,
        "images_per_second": round(seen.images_per_second, 1),
        "seconds": round(seconds, 3),
    }
