"""The training loop: one function to read from top to bottom.

Nothing random has state: the order of the data is a function of (seed, epoch), augmentation and dropout of (seed,
step). So a training goes on from any step as if it had never been interrupted.
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
from cnncli.executor.feeding.draws import mixed_seed
from cnncli.executor.feeding.images import Examples
from cnncli.executor.feeding.preprocessing import InputTransform
from cnncli.executor.network.network import Network
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.precision import Precision
from cnncli.executor.training.averaging import WeightAverage
from cnncli.executor.training.evaluation import evaluate
from cnncli.executor.training.losses import mixed_loss
from cnncli.executor.training.nan_finder import first_nonfinite_layer
from cnncli.executor.training.objectives import Evaluation, Objective
from cnncli.executor.training.optimizers import optimizers, set_rates, steps_in, zero_grad
from cnncli.executor.training.state import EpochMetrics, TrainState
from cnncli.recipe import Recipe

Compute = Callable[[Tensor], Tensor]
SECONDS_BETWEEN_LOOKS = 0.5  # how often the loss is fetched from the device, which makes it wait


@dataclass(frozen=True)
class EpochProgress:
    """What an epoch has come to so far, over its training images; ``score`` is the task's ``figure`` of them."""

    epoch: int
    images: int
    total: int
    loss: float
    figure: str
    score: float
    images_per_second: float
    learning_rate: float


@dataclass(frozen=True)
class TrainingSetup:
    """All that training needs, on its device.

    ``compute`` is the network as a step calls it: joined with those of other workers, or compiled. ``held_out`` are the
    images looked at after each epoch, ``precision`` is fp32, bf16 or fp16.
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
        """Epochs that are over after so many steps; the last one may be a part of one."""
        return step // self.steps_per_epoch + (step == self.steps and step % self.steps_per_epoch > 0)


class Callbacks(NamedTuple):
    """What is called while a training goes on.

    ``batch`` now and then; ``between`` after every step but an epoch's last, where a checkpoint can be taken and the
    training be stopped; ``epoch`` after each epoch and its evaluation.
    """

    batch: Callable[[EpochProgress], None]
    between: Callable[[TrainState], None]
    epoch: Callable[[TrainState, EpochProgress, Evaluation], None]


def new_state(task: TrainingSetup) -> TrainState:
    """The state before the first step."""
    recipe, device = task.recipe, task.train.labels.device
    if recipe.ema and recipe.lookahead:
        raise CnnError("ema and lookahead are two averages of the weights", "use one of them")
    average = WeightAverage(task.network, recipe.ema, recipe.lookahead) if recipe.ema or recipe.lookahead else None
    return TrainState(
        task.network, optimizers(task.network, recipe), average, Precision(task.precision, device), EpochMetrics(device)
    )


def train(task: TrainingSetup, state: TrainState, watch: Callbacks) -> None:
    """Train from ``state`` on for the recipe's epochs. Raises CnnError when the loss is no longer a number."""
    recipe = task.recipe
    while state.step < task.steps and not state.is_over(recipe):
        epoch, done = state.step // task.steps_per_epoch + 1, state.step % task.steps_per_epoch
        if done == 0:
            state.tally = EpochMetrics(task.train.labels.device)
        clock = _Clock(state.tally.images)
        task.network.train()
        for batch in training_batches(task.train, recipe.batch_size, recipe.seed, epoch, first=done):
            train_step(task, state, task.compute, batch, epoch)
            if clock.is_due():
                seen = _seen(task, state, epoch, clock, (state.tally.loss, state.tally.score, state.tally.images))
                if distributed.world_size() == 1:  # of several none leaves alone: the others would wait for it
                    _check(seen.loss, task, state)
                watch.batch(seen)
            if state.step == task.steps:
                break
            if state.step % task.steps_per_epoch:
                watch.between(state)
        seen = _seen(task, state, epoch, clock, state.tally.of_all())
        _check(seen.loss, task, state)
        evaluation = look(task, state)
        _check(evaluation.loss, task, state)  # the last step of an epoch can spoil the weights after its loss was taken
        state.finish_epoch(recipe, epoch, evaluation.loss)
        watch.epoch(state, seen, evaluation)


def train_step(task: TrainingSetup, state: TrainState, compute: Compute, batch: Batch, epoch: int) -> None:
    """One step of the optimizers on a batch, which is computed in the recipe's parts."""
    recipe = task.recipe
    set_rates(state.optimizers, recipe, state.step, task.steps_per_epoch, state.factor)
    shown = augmented_batch(task, batch, epoch, state.step)
    seed_draws(task, state.step)
    distributed.note_share(batch.counts)
    zero_grad(state.optimizers)
    parts = parts_of(batch.size, recipe.accumulate)
    for images, first, second in zip(*(tensor.tensor_split(parts) for tensor in shown[:3]), strict=True):
        with state.precision.forward():
            output = compute(images)
            loss = mixed_loss(task.objective.training_loss, output, Mixed(images, first, second, shown.share))
        # workers' gradients are averaged, so that the sum over a batch takes their number times each part
        state.precision.backward(loss * (distributed.world_size() * batch.counts / batch.size))
        if batch.counts:
            state.tally.add(loss.detach(), task.objective.score(output.detach(), first), len(first))
    state.precision.step(state.optimizers, recipe.clip_norm)
    state.step += 1
    if state.average is not None:
        state.average.update(state.step)


def seed_draws(task: TrainingSetup, step: int) -> None:
    """Make what the network draws itself, as dropout does, a function of (seed, step), another one on each worker."""
    seed = mixed_seed(
        task.recipe.seed, step, "dropout" if distributed.is_main_process() else f"dropout {distributed.rank()}"
    )
    torch.default_generator.manual_seed(seed)
    if task.train.labels.is_cuda:  # torch.manual_seed would keep a note of each call for a GPU that is not there
        torch.cuda.manual_seed(seed)


def parts_of(size: int, accumulate: int) -> int:
    """In how many parts each worker computes its share of a batch: as many as all others, who wait for each other.

    None has a single image where it can have two: batch normalisation cannot train on one.
    """
    return max(1, min(accumulate, size // distributed.world_size() // 2))


def augmented_batch(task: TrainingSetup, batch: Batch, epoch: int, step: int) -> Mixed:
    """A batch as the network gets it in a step: augmented, normalised, mixed, at the epoch's size."""
    recipe, pixels, labels = task.recipe, batch.images.pixels, batch.images.labels
    changes = augmentation.augments(recipe)
    if changes:
        pixels = augmentation.flipped_and_translated(pixels, batch, len(task.train), recipe, epoch, step)
        pixels = augmentation.jittered(pixels, batch.size, recipe, step)
        labels = _moved_masks(task, labels, batch, epoch, step) if task.objective.dense else labels
    images = augmentation.resized(task.prepare(pixels), augmentation.size_at(recipe, epoch))
    if changes:
        images = augmentation.cut(augmentation.turned(images, batch.size, recipe, step), batch.size, recipe, step)
    return augmentation.mixed(images, labels, recipe, step)


def _moved_masks(task: TrainingSetup, masks: Tensor, batch: Batch, epoch: int, step: int) -> Tensor:
    """Masks (N, *sizes) moved as their images are."""
    recipe = task.recipe
    masks = augmentation.flipped_and_translated(masks[:, None], batch, len(task.train), recipe, epoch, step)
    if recipe.rotation and masks.dim() == 4:
        masks = augmentation.turned(masks.float(), batch.size, recipe, step, "nearest").to(masks.dtype)
    return masks[:, 0]


def look(task: TrainingSetup, state: TrainState, tta: str = "none") -> Evaluation:
    """What the network, or the average of its weights, is worth on the held-out images, in the views of ``tta``."""
    with state.average.in_place() if state.average is not None else nullcontext():
        return evaluate(task.network, task.held_out, task.prepare, task.objective, tta)


class _Clock:
    """When it is time to look, and how fast it goes."""

    def __init__(self, images_before: int) -> None:
        self.before = images_before
        self.started = self.looked = time.perf_counter()

    def is_due(self) -> bool:
        return time.perf_counter() - self.looked >= SECONDS_BETWEEN_LOOKS

    def speed(self, images: int) -> float:
        self.looked = time.perf_counter()
        return (images - self.before) / max(1e-9, self.looked - self.started)


def _seen(
    task: TrainingSetup, state: TrainState, epoch: int, clock: _Clock, sums: tuple[Tensor, Tensor, int]
) -> EpochProgress:
    """The figures so far, of this worker or of all."""
    images = max(1, sums[2])
    loss, score = float(sums[0]) / images, float(sums[1]) / images
    rate = max(group["lr"] for optimizer in state.optimizers for group in optimizer.param_groups)
    figure = task.objective.figure
    return EpochProgress(epoch, sums[2], len(task.train), loss, figure, score, clock.speed(sums[2]), rate)


class DivergedError(CnnError):
    """The loss is no longer a number; ``step`` steps were taken."""

    def __init__(self, loss: float, step: int, epoch: int, where: str = "", *, kept: bool = False) -> None:
        self.loss, self.step, self.epoch = loss, step, epoch
        super().__init__(
            f"the loss is {loss} in epoch {epoch}: the training has come apart{where}",
            "use a lower --lr (a tenth of it), a --warmup, --clip-norm 1, or batchnorm"
            + ("; the last good weights are kept" if kept else ""),
            exit_code=NO,
        )


def _check(loss: float, task: TrainingSetup, state: TrainState) -> None:
    if not math.isfinite(loss):
        raise DivergedError(loss, state.step, (state.step - 1) // task.steps_per_epoch + 1)


def replayed(task: TrainingSetup, state: TrainState, until: int) -> str:
    """From a good state on, take the steps again and say where the first value that is not a number turns up.

    ``state`` is spoiled by it. Empty where it does not turn up until step ``until``. Several workers go together.
    """
    compute = task.compute if distributed.world_size() > 1 else task.network
    while state.step < until:
        epoch, done = state.step // task.steps_per_epoch + 1, state.step % task.steps_per_epoch
        if done == 0:
            state.tally = EpochMetrics(task.train.labels.device)
        task.network.train()
        for batch in training_batches(task.train, task.recipe.batch_size, task.recipe.seed, epoch, first=done):
            shown = augmented_batch(task, batch, epoch, state.step)
            seed_draws(task, state.step)
            bad = distributed.any_text(first_nonfinite_layer(task.network, shown.images))
            if bad:
                return f"; step {state.step + 1}: {bad}"
            train_step(task, state, compute, batch, epoch)
            if distributed.all_reduce_max(int(not math.isfinite(float(state.tally.loss)))):
                return f"; step {state.step}: all layers give numbers, and the loss does not"
            if state.step >= until:
                return ""
    return ""
