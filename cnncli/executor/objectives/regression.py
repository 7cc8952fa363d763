"""Regression: numbers for each image.

Targets are scaled to mean 0 and deviation 1 over the training images while the network learns them, so that learning
rates mean the same whatever the unit; figures are in the targets' own unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.errors import CnnError
from cnncli.executor import workers
from cnncli.executor.batches import ROUNDING
from cnncli.recipe import Recipe
from cnncli.runs import Normalisation

LOSSES = {"mse": functional.mse_loss, "l1": functional.l1_loss, "huber": functional.smooth_l1_loss}


def scaling_of(targets: Tensor) -> Normalisation:
    """Mean and standard deviation of each target, (N, K), over the images trained on, 1 where they are all the same."""
    values = targets.cpu().double()
    std, same = values.std(0, correction=0 if len(values) == 1 else 1), ROUNDING * values.abs().amax(0)
    return Normalisation(tuple(values.mean(0).tolist()), tuple(torch.where(std > same, std, 1.0).tolist()), 1.0)


@dataclass(frozen=True)
class Regressed:
    """Over K targets: mean absolute errors, root mean square errors, and the share of the variance explained (R²).

    R² is 0 for a network that always says the mean, and below for a worse one; also where all targets are the same, and
    there is nothing to explain.
    """

    loss: float
    examples: int
    absolute: tuple[float, ...]
    root_square: tuple[float, ...]
    explained: tuple[float, ...]
    figure = "mae"

    def figures(self) -> dict[str, float]:
        """Means over the targets."""
        count = len(self.absolute)
        return {
            "mae": sum(self.absolute) / count,
            "rmse": math.sqrt(sum(value * value for value in self.root_square) / count),
            "r2": sum(self.explained) / count,
        }

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """All figures, and those of each target."""
        each = zip(classes, self.absolute, self.root_square, self.explained, strict=True)
        targets = [{"target": name, "mae": a, "rmse": r, "r2": e} for name, a, r, e in each]
        return {**self.figures(), "loss": self.loss, "examples": self.examples, "targets": targets}


class _Meter:
    """Sums in float64 on the CPU, of errors and of the targets, scaled so that their squares lose nothing."""

    def __init__(self, scaled: Regression) -> None:
        self.scaled = scaled
        self.sums = torch.zeros(5, len(scaled.std), dtype=torch.float64)

    def add(self, output: Tensor, targets: Tensor) -> None:
        wanted = self.scaled.normalised(targets).cpu().double()
        error = output.cpu().double() - wanted
        rows = (error.abs(), error.square(), wanted, wanted.square(), torch.ones_like(wanted))
        self.sums += torch.stack([row.sum(0) for row in rows])

    def evaluation(self, loss: float) -> Regressed:
        device = self.scaled.std.device
        sums = workers.summed(self.sums.to(device) if workers.count() > 1 else self.sums).cpu()
        absolute, square, wanted, squares, count = sums
        count = count.clamp_min(1)
        variance = squares - wanted.square() / count
        varies = variance > ROUNDING * squares
        std = self.scaled.std.cpu().double()
        explained = torch.where(varies, 1 - square / torch.where(varies, variance, 1.0), 0.0)
        found = (std * absolute / count, std * (square / count).sqrt(), explained)
        return Regressed(loss, int(sums[4][0]), *(tuple(values.tolist()) for values in found))


@dataclass(frozen=True)
class Regression:
    """Outputs (N, K) and targets (N, K); ``mean`` and ``std``, (K,), scale the targets."""

    kind: str
    mean: Tensor
    std: Tensor
    figure = "mae"
    dense = False

    @classmethod
    def of(cls, recipe: Recipe, scaling: Normalisation, device: torch.device) -> Regression:
        """With the recipe's loss, on a device. Raises CnnError for what only classes can have."""
        for key, value in (("label_smoothing", recipe.label_smoothing), ("class_weights", recipe.class_weights)):
            if value not in (0, "none"):
                raise CnnError(f"{key}: a regression has no classes", "leave it out")
        mean, std = (torch.tensor(values, dtype=torch.float32, device=device) for values in (scaling.mean, scaling.std))
        return cls(recipe.loss, mean, std)

    def normalised(self, targets: Tensor) -> Tensor:
        """Targets as the network is to give them."""
        return (targets - self.mean) / self.std

    def training_loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Of each image the mean over its targets, summed."""
        return LOSSES[self.kind](output.float(), self.normalised(targets), reduction="sum") / len(self.std)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """The same."""
        return self.training_loss(output, targets)

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Absolute errors in the targets' unit: of each image the mean over its targets, summed."""
        return (output.float() * self.std + self.mean - targets).abs().sum() / len(self.std)

    def meter(self, device: torch.device) -> _Meter:
        """For errors and R²."""
        return _Meter(self)
