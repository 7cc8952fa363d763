"""The training loop: one function to read from top to bottom.

Nothing random has state: the order of the data is a function of (seed, epoch), augmentation and dropout are functions
of (seed, step). So a training can resume at any step as if it had never been interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cnncli.errors import NO, CnnError
from cnncli.executor.feeding import augmentation
from cnncli.executor.feeding.augmentation import Mixed
from cnncli.executor.feeding.batches import Batch, batches_per_epoch, training_batches
from cnncli.executor.feeding.device_images import Examples
from cnncli.executor.feeding.preprocessing import InputTransform
from cnncli.executor.feeding.seeded_draws import mixed_seed
from cnncli.executor.network.network import Network
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.precision import Precision
from cnncli.executor.training.evaluation import evaluate
from cnncli.executor.training.losses import mixed_loss
from cnncli.executor.training.objectives import Evaluation, Objective
from cnncli.executor.training.optimization.averaging import WeightAverage
from cnncli.executor.training.optimization.optimizers import build_optimizers, zero_grad
from cnncli.executor.training.optimization.schedules import set_learning_rates, steps_in
from cnncli.executor.training.state import EpochMetrics, TrainState
from cnncli.recipe import Recipe

Compute = Callable[[Tensor], Tensor]
SECONDS_BETWEEN_REPORTS = 0.5  # fetching the loss makes the device wait


@dataclass(frozen=True)
class EpochProgress:
    """Metrics over the training images of an epoch so far; ``score`` is the value of the task's ``main_metric``."""

    epoch: int
    images: int
    total: int
    loss: float
    main_metric: str
    score: float
    images_per_second: float
    learning_rate: float


@dataclass(frozen=True)
class TrainingSetup:
    """Everything that a training needs, on its device.

    ``compute`` is the network as a step calls it: wrapped for several workers, or compiled. ``held_out`` is evaluated
    after each epoch. ``precision`` is fp32, bf16 or fp16.
    """

    network: Network
    compute: Compute
    train: Examples
    held_out: Examples
    prepare: InputTransform
    objective: Objective
    recipe: Recipe
    precision: str

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return batches_per_epoch(len(self.train), self.recipe.batch_size)

    @property
    def steps(self) -> int:
        """Batches in all epochs."""
        return steps_in(self.recipe.epochs, self.steps_per_epoch)

    def epochs_done(self, step: int) -> int:
        """Epochs that are complete after ``step`` steps; the last one may be shorter than the others."""
        return step // self.steps_per_epoch + (step == self.steps and step % self.steps_per_epoch > 0)


class Callbacks(NamedTuple):
    """The functions that the loop calls.

    ``batch`` every half second; ``between`` after every step but an epoch's last, where a checkpoint can be taken and
    the training be stopped; ``epoch`` after each epoch and its evaluation.
    """

    batch: Callable[[EpochProgress], None]
    between: Callable[[TrainState], None]
    epoch: Callable[[TrainState, EpochProgress, Evaluation], None]


def new_state(setup: TrainingSetup) -> TrainState:
    """The state before the first step."""
    recipe, network, device = setup.recipe, setup.network, setup.train.labels.device
    if recipe.ema and recipe.lookahead:
        raise CnnError("ema and lookahead are two averages of the weights", "use one of them")
    average = WeightAverage(network, recipe.ema, recipe.lookahead) if recipe.ema or recipe.lookahead else None
    precision = Precision(setup.precision, device)
    return TrainState(network, build_optimizers(network, recipe), average, precision, EpochMetrics(device))


def train(setup: TrainingSetup, state: TrainState, callbacks: Callbacks) -> None:
    """Train from ``state`` to the end of the recipe. Raises DivergedError if the loss becomes NaN or infinite."""
    while state.step < setup.steps and not state.stops_early(setup.recipe):
        epoch = state.step // setup.steps_per_epoch + 1
        progress = _train_epoch(setup, state, callbacks, epoch)
        _check_finite(progress.loss, setup, state)
        evaluation = evaluate_held_out(setup, state)
        _check_finite(evaluation.loss, setup, state)  # an epoch's last step can spoil the weights after its loss
        state.end_epoch(setup.recipe, epoch, evaluation.loss)
        callbacks.epoch(state, progress, evaluation)


def _train_epoch(setup: TrainingSetup, state: TrainState, callbacks: Callbacks, epoch: int) -> EpochProgress:
    """Take the steps of an epoch that are left; the metrics of all its steps, on all workers."""
    recipe, done = setup.recipe, state.step % setup.steps_per_epoch
    if done == 0:
        state.sums = EpochMetrics(setup.train.labels.device)
    clock = _Clock(state.sums.images)
    setup.network.train()
    for batch in training_batches(setup.train, recipe.batch_size, recipe.seed, epoch, first=done):
        train_step(setup, state, setup.compute, batch, epoch)
        if clock.is_due():
            sums = state.sums
            progress = _progress(setup, state, epoch, clock, (sums.loss, sums.score, sums.images))
            if distributed.world_size() == 1:  # no worker may leave alone: the others would wait for it
                _check_finite(progress.loss, setup, state)
            callbacks.batch(progress)
        if state.step == setup.steps:
            break
        if state.step % setup.steps_per_epoch:
            callbacks.between(state)
    return _progress(setup, state, epoch, clock, state.sums.of_all())


def train_step(setup: TrainingSetup, state: TrainState, compute: Compute, batch: Batch, epoch: int) -> None:
    """One step of the optimizers on a batch, which is split into the recipe's micro-batches."""
    recipe = setup.recipe
    set_learning_rates(state.optimizers, recipe, state.step, setup.steps_per_epoch, state.factor)
    mixed = augmented_batch(setup, batch, epoch, state.step)
    seed_draws(setup, state.step)
    distributed.set_counted(batch.counted)
    zero_grad(state.optimizers)
    parts = micro_batches(batch.size, recipe.accumulate)
    for images, first, second in zip(*(tensor.tensor_split(parts) for tensor in mixed[:3]), strict=True):
        with state.precision.forward():
            output = compute(images)
            loss = mixed_loss(setup.objective.training_loss, output, Mixed(images, first, second, mixed.weight))
        # the gradients of all workers are averaged: each loss is multiplied by their number to get the sum of a batch
        state.precision.backward(loss * (distributed.world_size() * batch.counted / batch.size))
        if batch.counted:
            state.sums.add(loss.detach(), setup.objective.score(output.detach(), first), len(first))
    state.precision.step(state.optimizers, recipe.clip_norm)
    state.step += 1
    if state.average is not None:
        state.average.update(state.step)


def seed_draws(setup: TrainingSetup, step: int) -> None:
    """Make the network's own draws, such as dropout, a function of (seed, step), a different one on each worker."""
    purpose = "dropout" if distributed.is_main_process() else f"dropout {distributed.rank()}"
    seed = mixed_seed(setup.recipe.seed, step, purpose)
    torch.default_generator.manual_seed(seed)
    if setup.train.labels.is_cuda:  # torch.manual_seed would remember each call for a GPU that is not there
        torch.cuda.manual_seed(seed)


def micro_batches(size: int, accumulate: int) -> int:
    """In how many micro-batches each worker computes its shard of a batch: the same number on all, as they synchronize.

    None has a single image if it can have two: batch normalization cannot train on one.
    """
    return max(1, min(accumulate, size // distributed.world_size() // 2))


def augmented_batch(setup: TrainingSetup, batch: Batch, epoch: int, step: int) -> Mixed:
    """A batch as the network gets it in a step: augmented, normalized, mixed, in the size of the epoch."""
    recipe, pixels, labels = setup.recipe, batch.images.pixels, batch.images.labels
    augments = augmentation.augments(recipe)
    if augments:
        pixels = augmentation.flip_and_shift(pixels, batch, len(setup.train), recipe, epoch, step)
        pixels = augmentation.color_jitter(pixels, batch.size, recipe, step)
        labels = _augmented_masks(setup, labels, batch, epoch, step) if setup.objective.dense else labels
    images = augmentation.resize(setup.prepare(pixels), augmentation.size_at(recipe, epoch))
    if augments:
        images = augmentation.rotate(images, batch.size, recipe, step)
        images = augmentation.cutout(images, batch.size, recipe, step)
    return augmentation.mix(images, labels, recipe, step)


def _augmented_masks(setup: TrainingSetup, masks: Tensor, batch: Batch, epoch: int, step: int) -> Tensor:
    """Masks (N, *sizes), flipped, shifted and rotated as their images are."""
    recipe = setup.recipe
    masks = augmentation.flip_and_shift(masks[:, None], batch, len(setup.train), recipe, epoch, step)
    if recipe.rotation and masks.dim() == 4:
        masks = augmentation.rotate(masks.float(), batch.size, recipe, step, "nearest").to(masks.dtype)
    return masks[:, 0]


def evaluate_held_out(setup: TrainingSetup, state: TrainState, tta: str = "none") -> Evaluation:
    """Evaluate the network, with its EMA weights if it has them, on the held-out set, in the views of ``tta``."""
    with state.average.in_place() if state.average is not None else nullcontext():
        return evaluate(setup.network, setup.held_out, setup.prepare, setup.objective, tta)


class _Clock:
    """When a report is due, and how many images are trained per second."""

    def __init__(self, images_before: int) -> None:
        self.before = images_before
        self.started = self.reported = time.perf_counter()

    def is_due(self) -> bool:
        return time.perf_counter() - self.reported >= SECONDS_BETWEEN_REPORTS

    def speed(self, images: int) -> float:
        self.reported = time.perf_counter()
        return (images - self.before) / max(1e-9, self.reported - self.started)


def _progress(
    setup: TrainingSetup, state: TrainState, epoch: int, clock: _Clock, sums: tuple[Tensor, Tensor, int]
) -> EpochProgress:
    """The metrics so far, from the ``sums`` of loss, score and images of this worker or of all."""
    images = max(1, sums[2])
    loss, score = float(sums[0]) / images, float(sums[1]) / images
    rate = max(group["lr"] for optimizer in state.optimizers for group in optimizer.param_groups)
    name = setup.objective.main_metric
    return EpochProgress(epoch, sums[2], len(setup.train), loss, name, score, clock.speed(sums[2]), rate)


class DivergedError(CnnError):
    """The loss is NaN or infinite after ``step`` steps."""

    def __init__(self, loss: float, step: int, epoch: int, where: str = "", *, kept: bool = False) -> None:
        self.loss, self.step, self.epoch = loss, step, epoch
        super().__init__(
            f"training diverged in epoch {epoch}: loss is {loss}{where}",
            "use a lower --lr (a tenth of it), --warmup, --clip-norm 1, or batchnorm"
            + ("; the last good weights are kept" if kept else ""),
            exit_code=NO,
        )


def _check_finite(loss: float, setup: TrainingSetup, state: TrainState) -> None:
    if not math.isfinite(loss):
        raise DivergedError(loss, state.step, (state.step - 1) // setup.steps_per_epoch + 1)
