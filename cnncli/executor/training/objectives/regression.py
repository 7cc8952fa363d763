"""Regression: one or more numbers per example.

During training the targets are scaled to mean 0 and std 1 over the training set, so that learning rates do not depend
on their unit; metrics are in the targets' own unit. They are scaled in float64, before they are converted to float32,
which cannot represent a time of 1,700,000,000 s to the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cnncli.data import Split
from cnncli.errors import CnnError
from cnncli.executor.feeding.preprocessing import ROUNDING
from cnncli.executor.runtime import distributed
from cnncli.recipe import Recipe
from cnncli.runs.folder import Normalization

MIN_STD = 1e-37  # by which float32 can be divided
EQUAL = 1e-13  # relative difference in float64 up to which targets count as equal
LOSSES = {"mse": functional.mse_loss, "l1": functional.l1_loss, "huber": functional.smooth_l1_loss}


def scaling_of(targets: Tensor) -> Normalization:
    """Mean and std of each of the targets (N, K) of the training set; a std of 1 if all its values are equal."""
    values = targets.cpu().double()
    std, same = values.std(0, correction=0 if len(values) == 1 else 1), EQUAL * values.abs().amax(0)
    same = same.clamp_min(MIN_STD)
    return Normalization(tuple(values.mean(0).tolist()), tuple(torch.where(std > same, std, 1.0).tolist()), 1.0)


def scaled(split: Split, scaling: Normalization) -> Split:
    """The split with targets (N, K) scaled as the network outputs them: in float64, then converted to float32."""
    labels = (split.labels.astype(np.float64) - np.array(scaling.mean)) / np.array(scaling.std)
    return replace(split, labels=labels.astype(np.float32))


@dataclass(frozen=True)
class RegressionMetrics:
    """Mean absolute error, root mean square error and R² (explained fraction of the variance) of each of K targets.

    R² is 0 for a network that always outputs the mean, negative for a worse one, and 0 if all targets are equal.
    """

    loss: float
    examples: int
    absolute: tuple[float, ...]
    root_square: tuple[float, ...]
    explained: tuple[float, ...]
    main_metric = "mae"

    def metrics(self) -> dict[str, float]:
        """The means over the targets."""
        count = len(self.absolute)
        return {
            "mae": sum(self.absolute) / count,
            "rmse": math.sqrt(sum(value * value for value in self.root_square) / count),
            "r2": sum(self.explained) / count,
        }

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """All metrics, and those of each target."""
        each = zip(classes, self.absolute, self.root_square, self.explained, strict=True)
        targets = [{"target": name, "mae": a, "rmse": r, "r2": e} for name, a, r, e in each]
        return {**self.metrics(), "loss": self.loss, "examples": self.examples, "targets": targets}


class _Meter:
    """Sums of scaled errors and targets and of their squares, in float64 on the CPU for precision."""

    def __init__(self, std: Tensor, device: torch.device) -> None:
        self.std, self.device = std, device
        self.sums = torch.zeros(5, len(std), dtype=torch.float64)

    def add(self, output: Tensor, targets: Tensor) -> None:
        wanted = targets.cpu().double()
        error = output.cpu().double() - wanted
        rows = (error.abs(), error.square(), wanted, wanted.square(), torch.ones_like(wanted))
        self.sums += torch.stack([row.sum(0) for row in rows])

    def evaluation(self, loss: float) -> RegressionMetrics:
        sums = distributed.all_reduce_sum(
            self.sums.to(self.device) if distributed.world_size() > 1 else self.sums
        ).cpu()
        absolute, square, wanted, squares, count = sums
        count = count.clamp_min(1)
        variance = squares - wanted.square() / count
        varies = variance > ROUNDING * squares
        explained = torch.where(varies, 1 - square / torch.where(varies, variance, 1.0), 0.0)
        found = (self.std * absolute / count, self.std * (square / count).sqrt(), explained)
        return RegressionMetrics(loss, int(sums[4][0]), *(tuple(values.tolist()) for values in found))


@dataclass(frozen=True)
class Regression:
    """Outputs (N, K) and targets (N, K), both scaled by ``std``, float64 (K,) on the CPU.

    ``weights``, float32 (K,) on the device, are ``std`` divided by the number of targets.
    """

    kind: str
    std: Tensor
    weights: Tensor
    main_metric = "mae"
    dense = False

    @classmethod
    def of(cls, recipe: Recipe, scaling: Normalization, device: torch.device) -> Regression:
        """With the recipe's loss, on a device. Raises CnnError for keys that need classes."""
        for key, value in (("label_smoothing", recipe.label_smoothing), ("class_weights", recipe.class_weights)):
            if value not in (0, "none"):
                raise CnnError(f"{key}: a regression has no classes", "leave it out")
        std = torch.tensor(scaling.std, dtype=torch.float64)
        return cls(recipe.loss, std, (std / len(std)).float().to(device))

    def training_loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """The sum over the examples of the mean over their targets."""
        return LOSSES[self.kind](output.float(), targets, reduction="sum") / len(self.std)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """The training loss."""
        return self.training_loss(output, targets)

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """The sum over the examples of the mean absolute error of their targets, in their own unit."""
        return ((output.float() - targets).abs() * self.weights).sum()

    def meter(self, device: torch.device) -> _Meter:
        """Sums errors and variances."""
        return _Meter(self.std, device)
