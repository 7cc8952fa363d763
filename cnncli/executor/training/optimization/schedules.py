"""Learning-rate schedules: pure functions of the step, so that there is no state to save."""

from __future__ import annotations

import math

import torch

from cnncli.recipe import Recipe

RISE = 0.3  # fraction of one-cycle in which the learning rate rises (Smith and Topin 2018, PyTorch's defaults)
START = 1 / 25
END = 1e-4


def set_learning_rates(
    found: list[torch.optim.Optimizer], recipe: Recipe, step: int, steps_per_epoch: int, factor: float = 1.0
) -> None:
    """Set every group's learning rate for a step (from 0), multiplied by ``factor``."""
    for optimizer in found:
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * lr_factor(recipe, step, steps_per_epoch, group["epochs"]) * factor


def steps_in(epochs: float, steps_per_epoch: int) -> int:
    """Steps in a number of epochs, a fraction of a step rounded up."""
    return math.ceil(round(epochs * steps_per_epoch, 6))


def lr_factor(recipe: Recipe, step: int, steps_per_epoch: int, epochs: float | None = None) -> float:
    """The factor of the learning rate at a step (from 0).

    The schedule is stretched over ``epochs`` (by default the recipe's); after them the factor is 0. That of the plateau
    schedule depends on the losses, and is kept in the training's state (:meth:`TrainState.end_epoch`).
    """
    total = steps_in(recipe.epochs if epochs is None else epochs, steps_per_epoch)
    if step >= total:
        return 0.0
    warmup = min(round(recipe.warmup * steps_per_epoch), total - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, total - warmup)
    return _FACTORS[recipe.schedule](recipe, progress, step // steps_per_epoch)


def _constant(recipe: Recipe, progress: float, epoch: int) -> float:
    return 1.0


def _step(recipe: Recipe, progress: float, epoch: int) -> float:
    return float(recipe.gamma ** (epoch // recipe.step_epochs))


def _multistep(recipe: Recipe, progress: float, epoch: int) -> float:
    return float(recipe.gamma ** sum(epoch >= milestone for milestone in recipe.milestones))


def _cosine(recipe: Recipe, progress: float, epoch: int) -> float:
    """Loshchilov and Hutter 2017, without restarts."""
    return (1 + math.cos(math.pi * progress)) / 2


def _one_cycle(recipe: Recipe, progress: float, epoch: int) -> float:
    if progress < RISE:
        return _between(START, 1, progress / RISE)
    return _between(1, START * END, (progress - RISE) / (1 - RISE))


def _linear(recipe: Recipe, progress: float, epoch: int) -> float:
    return 1 - progress


def _polynomial(recipe: Recipe, progress: float, epoch: int) -> float:
    return float((1 - progress) ** recipe.power)


def _between(start: float, end: float, progress: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


_FACTORS = {
    "constant": _constant,
    "step": _step,
    "multistep": _multistep,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
    "linear": _linear,
    "polynomial": _polynomial,
    "plateau": _constant,
}
