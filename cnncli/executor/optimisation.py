"""Optimizers and learning-rate schedules of a recipe."""

from __future__ import annotations

import math

import torch
from torch import nn

from cnncli.errors import CnnError
from cnncli.recipe import Recipe

RISE = 0.3  # share of one-cycle that goes up (Smith and Topin 2018, in PyTorch's defaults)
START = 1 / 25
END = 1e-4


def optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over all parameters. Raises CnnError where there is nothing to train."""
    parameters = list(network.parameters())
    if not parameters:
        raise CnnError("the network has no parameters to train", "add a conv or a linear layer")
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters)
    if recipe.optimizer == "sgd":
        if recipe.nesterov and recipe.momentum == 0:
            raise CnnError("nesterov needs momentum", "use --momentum 0.9, or leave nesterov out")
        return torch.optim.SGD(
            parameters,
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            fused=fused,
        )
    adam = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return adam(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=fused)


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The rate of a step (from 0), a pure function of its number: nothing to save, nothing to get out of step."""
    total = recipe.epochs * steps_per_epoch
    warmup = min(round(recipe.warmup * steps_per_epoch), total - 1)
    if step < warmup:
        return recipe.lr * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, total - warmup)
    return recipe.lr * _FACTORS[recipe.schedule](recipe, progress, step // steps_per_epoch)


def _constant(recipe: Recipe, progress: float, epoch: int) -> float:
    return 1.0


def _step(recipe: Recipe, progress: float, epoch: int) -> float:
    return float(recipe.gamma ** (epoch // recipe.step_epochs))


def _cosine(recipe: Recipe, progress: float, epoch: int) -> float:
    """Loshchilov and Hutter 2017, without restarts."""
    return (1 + math.cos(math.pi * progress)) / 2


def _one_cycle(recipe: Recipe, progress: float, epoch: int) -> float:
    if progress < RISE:
        return _between(START, 1, progress / RISE)
    return _between(1, START * END, (progress - RISE) / (1 - RISE))


def _between(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


_FACTORS = {"constant": _constant, "step": _step, "cosine": _cosine, "one-cycle": _one_cycle}
