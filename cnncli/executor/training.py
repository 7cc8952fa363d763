"""The training loop: one function to read from top to bottom.

Nothing random has state: the order of the data is a function of (seed, epoch), dropout one of (seed, step).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnncli.errors import NO, CnnError
from cnncli.executor.batches import (
    Images,
    Preparation,
    batches_per_epoch,
    epoch_order,
    mixed_seed,
    training_batches,
)
from cnncli.executor.evaluation import Evaluation, Loss, evaluate
from cnncli.executor.network import Network
from cnncli.executor.optimisation import learning_rate, optimizer
from cnncli.recipe import Recipe

SECONDS_BETWEEN_LOOKS = 0.5  # how often the loss is fetched from the device, which makes it wait


@dataclass(frozen=True)
class Seen:
    """What an epoch has come to so far, over its training images."""

    epoch: int
    images: int
    total: int
    loss: float
    accuracy: float
    images_per_second: float
    learning_rate: float


@dataclass(frozen=True)
class Task:
    """All that training needs, on its device. ``held_out`` are the images looked at after each epoch."""

    network: Network
    train: Images
    held_out: Images
    prepare: Preparation
    loss: Loss
    classes: int
    recipe: Recipe


def train(task: Task, on_batch: Callable[[Seen], None], on_epoch: Callable[[Seen, Evaluation], None]) -> None:
    """Train for the recipe's epochs. Raises CnnError when the loss is no longer a number."""
    recipe, network = task.recipe, task.network
    steps_per_epoch = batches_per_epoch(len(task.train), recipe.batch_size)
    optimise = optimizer(network, recipe)
    draws = any(isinstance(module, nn.Dropout) for module in network.modules())
    step = 0
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        tally = _Tally(epoch, len(task.train), task.train.labels.device)
        for batch in training_batches(task.train, recipe.batch_size, epoch_order(len(task.train), recipe.seed, epoch)):
            rate = learning_rate(recipe, step, steps_per_epoch)
            for group in optimise.param_groups:
                group["lr"] = rate
            if draws:
                torch.manual_seed(mixed_seed(recipe.seed, step, "dropout"))
            output = network(task.prepare(batch.pixels))
            loss = task.loss(output, batch.labels)
            optimise.zero_grad(set_to_none=True)
            torch.autograd.backward(loss / len(batch))
            optimise.step()
            step += 1
            tally.add(loss.detach(), output.detach(), batch.labels)
            if tally.is_due():
                on_batch(tally.seen(rate))
        seen = tally.seen(rate)
        evaluation = evaluate(network, task.held_out, task.prepare, task.loss, task.classes)
        _check(evaluation.loss, epoch)  # the last step of an epoch can spoil the weights after its loss was taken
        on_epoch(seen, evaluation)


def _check(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise CnnError(
            f"the loss is {loss} in epoch {epoch}: the training has come apart",
            "use a lower --lr (a tenth of it), a --warmup, or batchnorm"
            + (f"; the weights of epoch {epoch - 1} are kept" if epoch > 1 else ""),
            exit_code=NO,
        )


class _Tally:
    """Sums of an epoch, kept on the device until they are looked at."""

    def __init__(self, epoch: int, total: int, device: torch.device) -> None:
        self.epoch, self.total, self.images = epoch, total, 0
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.started = self.looked = time.perf_counter()

    def add(self, loss: Tensor, output: Tensor, labels: Tensor) -> None:
        self.images += len(labels)
        self.loss += loss
        self.correct += (output.argmax(1) == labels).sum()

    def is_due(self) -> bool:
        return time.perf_counter() - self.looked >= SECONDS_BETWEEN_LOOKS

    def seen(self, rate: float) -> Seen:
        """The figures so far. Raises CnnError when the loss is not a number."""
        loss, correct = float(self.loss) / self.images, int(self.correct) / self.images
        self.looked = time.perf_counter()
        _check(loss, self.epoch)
        speed = self.images / (self.looked - self.started)
        return Seen(self.epoch, self.images, self.total, loss, correct, speed, rate)
