"""Before a training: one batch through everything, and the search for a learning rate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import torch

from cnncli.errors import CnnError
from cnncli.executor.feeding.batches import training_batches
from cnncli.executor.training.loop import TrainingSetup, look, train_step
from cnncli.executor.training.state import TrainState

TIMED_STEPS = 5
LOWEST, HIGHEST, RATES = 1e-7, 10.0, 100
SMOOTHING = 0.9  # of the loss, over the steps
APART = 4.0  # times the lowest loss: from there on the training comes apart
BELOW = 10.0  # how far below the rate of the lowest loss one trains well (Smith 2017; as fastai has it)


@dataclass(frozen=True)
class Trial:
    """What a training will take: seconds of a step, of an evaluation and in all; bytes at the most on a GPU, else 0."""

    step: float
    evaluation: float
    total: float
    peak_bytes: int
    loss: float


def try_out(task: TrainingSetup, state: TrainState) -> Trial:
    """Some steps and an evaluation, timed after a first step that sets things up. The state is spoiled by it."""
    device = task.train.labels.device
    seconds = []
    for batch, _ in zip(
        training_batches(task.train, task.recipe.batch_size, task.recipe.seed, 1), range(TIMED_STEPS + 1), strict=False
    ):
        started = time.perf_counter()
        train_step(task, state, task.compute, batch, 1)
        _wait(device)
        seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    look(task, state)
    _wait(device)
    evaluation = time.perf_counter() - started
    step = min(seconds[1:] or seconds)
    total = task.steps * step + task.epochs_done(task.steps) * evaluation
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return Trial(step, evaluation, total, peak, float(state.tally.loss) / max(1, state.tally.images))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@dataclass(frozen=True)
class Sweep:
    """Losses, smoothed, at growing rates; ``suggested`` is a tenth of the rate with the lowest loss."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def lowest(self) -> float:
        """The rate with the lowest loss."""
        return self.rates[self.losses.index(min(self.losses))]

    @property
    def suggested(self) -> float:
        """Two digits are enough of it."""
        return float(f"{self.lowest / BELOW:.1e}")


def find_rate(task: TrainingSetup, state: TrainState) -> Sweep:
    """Train with a rate that grows from step to step until the loss comes apart (Smith 2017). The state is spoiled."""
    task = replace(task, recipe=task.recipe.replaced(schedule="constant", warmup=0.0))
    rates: list[float] = []
    losses: list[float] = []
    average, steps, epoch = 0.0, 0, 0
    while steps < RATES:
        epoch += 1
        for batch in training_batches(task.train, task.recipe.batch_size, task.recipe.seed, epoch):
            rate = LOWEST * (HIGHEST / LOWEST) ** (steps / (RATES - 1))
            before = float(state.tally.loss)
            for optimizer in state.optimizers:
                for group in optimizer.param_groups:
                    group["base"], group["epochs"] = rate, RATES
            train_step(task, state, task.compute, batch, epoch)
            loss = (float(state.tally.loss) - before) / len(batch.images)
            steps += 1
            average = SMOOTHING * average + (1 - SMOOTHING) * loss
            smooth = average / (1 - SMOOTHING**steps)
            if not (losses or math.isfinite(loss)):
                raise CnnError(
                    "the loss is not a number at the lowest rate already", "what do the weights of --init hold?"
                )
            if not math.isfinite(loss) or (losses and smooth > APART * min(losses)):
                return Sweep(tuple(rates), tuple(losses))
            rates.append(rate)
            losses.append(smooth)
            if steps == RATES:
                break
    return Sweep(tuple(rates), tuple(losses))
