"""A dry run: the measured times of some training steps and of an evaluation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

import torch

from cnncli.executor.feeding.batches import training_batches
from cnncli.executor.training.loop import TrainingSetup, evaluate_held_out, train_step
from cnncli.executor.training.state import TrainState

TIMED_STEPS = 5


@dataclass(frozen=True)
class StepTimes:
    """Seconds of a step, of an evaluation and of the whole training; peak bytes on a GPU, else 0; the mean loss."""

    step: float
    evaluation: float
    total: float
    peak_bytes: int
    loss: float


def time_steps(setup: TrainingSetup, state: TrainState) -> StepTimes:
    """Time some steps, after one that warms up, and an evaluation. Changes the state."""
    device, recipe = setup.train.labels.device, setup.recipe
    seconds = []
    for batch in islice(training_batches(setup.train, recipe.batch_size, recipe.seed, 1), TIMED_STEPS + 1):
        started = time.perf_counter()
        train_step(setup, state, setup.compute, batch, 1)
        _synchronize(device)
        seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    evaluate_held_out(setup, state)
    _synchronize(device)
    evaluation = time.perf_counter() - started
    step = min(seconds[1:] or seconds)
    total = setup.steps * step + setup.epochs_done(setup.steps) * evaluation
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return StepTimes(step, evaluation, total, peak, float(state.sums.loss) / max(1, state.sums.images))


def _synchronize(device: torch.device) -> None:
    """Wait until a GPU has computed everything that was launched."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
