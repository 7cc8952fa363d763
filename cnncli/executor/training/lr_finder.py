"""The learning-rate range test: the losses of steps whose learning rate grows until the training diverges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from cnncli.errors import CnnError
from cnncli.executor.feeding.batches import Batch, training_batches
from cnncli.executor.training.loop import TrainingSetup, train_step
from cnncli.executor.training.state import TrainState

MIN_RATE, MAX_RATE, RATES = 1e-7, 10.0, 100
SMOOTHING = 0.9  # of the loss, over the steps
DIVERGENCE = 4.0  # times the lowest loss: where the test ends
MARGIN = 10.0  # divides the learning rate of the lowest loss to suggest one (Smith 2017; as in fastai)


@dataclass(frozen=True)
class RangeTest:
    """Smoothed losses at increasing learning rates."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def lowest(self) -> float:
        """The learning rate with the lowest loss."""
        return self.rates[self.losses.index(min(self.losses))]

    @property
    def suggested(self) -> float:
        """A tenth of the learning rate with the lowest loss, to two digits."""
        return float(f"{self.lowest / MARGIN:.1e}")


def range_test(setup: TrainingSetup, state: TrainState) -> RangeTest:
    """Train with a learning rate that grows from step to step until the loss diverges (Smith 2017).

    Changes the state. Raises CnnError if the loss is not finite at the lowest learning rate.
    """
    setup = replace(setup, recipe=setup.recipe.replace(schedule="constant", warmup=0.0))
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    for step, (epoch, batch) in zip(range(RATES), _endless_batches(setup), strict=False):
        rate = MIN_RATE * (MAX_RATE / MIN_RATE) ** (step / (RATES - 1))
        loss = _loss_of_step(setup, state, batch, epoch, rate)
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smooth = average / (1 - SMOOTHING ** (step + 1))
        if not (losses or math.isfinite(loss)):
            raise CnnError("the loss is NaN or infinite at the lowest learning rate", "check the weights of --init")
        if not math.isfinite(loss) or (losses and smooth > DIVERGENCE * min(losses)):
            break
        rates.append(rate)
        losses.append(smooth)
    return RangeTest(tuple(rates), tuple(losses))


def _endless_batches(setup: TrainingSetup) -> Iterator[tuple[int, Batch]]:
    """Training batches of one epoch after the other, each with its epoch."""
    for epoch in count(1):
        for batch in training_batches(setup.train, setup.recipe.batch_size, setup.recipe.seed, epoch):
            yield epoch, batch


def _loss_of_step(setup: TrainingSetup, state: TrainState, batch: Batch, epoch: int, rate: float) -> float:
    """Take a step at a learning rate; the mean loss of its batch."""
    before = float(state.sums.loss)
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["base"], group["epochs"] = rate, RATES
    train_step(setup, state, setup.compute, batch, epoch)
    return (float(state.sums.loss) - before) / len(batch.images)
