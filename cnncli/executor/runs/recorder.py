"""Writes the run folder while a network trains: weights, metrics and checkpoints."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from cnncli.executor.network.weights import save_weights
from cnncli.executor.runs.job import Display, Job, Prepared
from cnncli.executor.runs.tensorboard import add_events
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.signals import Stopped, StopRequest
from cnncli.executor.training.checkpoint import write_checkpoint
from cnncli.executor.training.loop import DivergedError, EpochProgress
from cnncli.executor.training.objectives import Evaluation
from cnncli.executor.training.state import TrainState, is_finite
from cnncli.runs import folder as runs

STEPS_BETWEEN_AGREEMENTS = 10  # steps after which workers agree on whether to save or to stop
DIVERGED = 255  # what they agree on when a worker's loss is not finite


@dataclass
class RunRecorder:
    """The training loop's callbacks, called between steps and after epochs. Only the main process writes files.

    ``started`` is when the training would have started if it had never been interrupted, ``saved`` the time of the last
    checkpoint; ``diverged`` is set when the loss is found not to be finite.
    """

    job: Job
    prepared: Prepared
    run: runs.Run
    display: Display
    request: StopRequest
    started: float
    saved: float
    events: Any
    diverged: bool = False

    def batch(self, progress: EpochProgress) -> None:
        """Show the progress every half second, and record whether the loss is finite."""
        self.diverged = not math.isfinite(progress.loss)
        self.display.batch(progress)

    def between(self, state: TrainState) -> None:
        """After a step within an epoch: save when it is due or after a signal; then raise Stopped for the signal."""
        if distributed.world_size() > 1 and state.step % STEPS_BETWEEN_AGREEMENTS:
            return  # all workers must ask at the same step
        due = time.perf_counter() - self.saved > 60 * self.job.checkpoint_minutes
        asked = self.request.exit_code if self.request else int(due)
        agreed = distributed.all_reduce_max(DIVERGED if self.diverged else asked)
        if agreed == DIVERGED:
            raise self._error(state)
        if agreed:
            self._check_weights(state)
            self._save_checkpoint(state)
            _stop_for(agreed)

    def epoch(self, state: TrainState, progress: EpochProgress, evaluation: Evaluation) -> None:
        """After an epoch: write weights, metrics and a checkpoint."""
        self._check_weights(state)
        if distributed.is_main_process():
            _save_weights(state, self.run, progress.epoch)
            metrics = _metrics(progress, evaluation, self.prepared.held_out, time.perf_counter() - self.started)
            self.run.add_metrics(metrics)
            if self.events is not None:
                add_events(self.events, metrics)
            best = {"epoch": state.best_epoch, "loss": state.best_loss}
            self.run = self.run.updated(epochs_done=progress.epoch, best=best)
        self._save_checkpoint(state)
        self.display.epoch(progress, evaluation, self.prepared.held_out)
        _stop_for(distributed.all_reduce_max(self.request.exit_code if self.request else 0))

    def _check_weights(self, state: TrainState) -> None:
        """Raises DivergedError for weights that are not finite: they are never saved."""
        if not is_finite(state.network):
            raise self._error(state)

    def _error(self, state: TrainState) -> DivergedError:
        return DivergedError(math.nan, state.step, (state.step - 1) // self.prepared.setup.steps_per_epoch + 1)

    def _save_checkpoint(self, state: TrainState) -> None:
        """Raises DivergedError if the epoch's loss so far is not finite, because training cannot recover from that."""
        state.seconds = time.perf_counter() - self.started
        checkpoint = state.checkpoint()  # its sums are those of all workers, so that all of them raise or none
        if not checkpoint.tensors["tally/loss"].isfinite():
            raise self._error(state)
        if distributed.is_main_process():
            write_checkpoint(self.run.folder, checkpoint)
        self.saved = time.perf_counter()


def _stop_for(exit_code: int) -> None:
    if exit_code > 1:
        raise Stopped(exit_code)


def _save_weights(state: TrainState, run: runs.Run, epoch: int) -> None:
    """Write an epoch's weights, and a second copy if they are the best so far."""
    names = (runs.WEIGHTS, runs.BEST) if state.best_epoch == epoch else (runs.WEIGHTS,)
    with nullcontext() if state.average is None else state.average.in_place():
        save_weights(state.network, *(run.folder / name for name in names))


def _metrics(progress: EpochProgress, evaluation: Evaluation, held_out: str, seconds: float) -> dict[str, float | int]:
    """An epoch's line of ``metrics.jsonl``."""
    return {
        "epoch": progress.epoch,
        "train_loss": progress.loss,
        f"train_{progress.main_metric}": progress.score,
        f"{held_out}_loss": evaluation.loss,
        **{f"{held_out}_{name}": value for name, value in evaluation.metrics().items()},
        "learning_rate": progress.learning_rate,
        "images_per_second": round(progress.images_per_second, 1),
        "seconds": round(seconds, 3),
    }
