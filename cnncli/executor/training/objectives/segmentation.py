"""Segmentation: one class per pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.data.dataset import VOID
from cnncli.executor.feeding.device_images import Examples
from cnncli.executor.runtime import distributed
from cnncli.executor.training.losses import class_weights, ends_in_probabilities
from cnncli.executor.training.objectives.classification import rows_of, scores_of
from cnncli.loading import Loaded
from cnncli.recipe import Recipe


@dataclass(frozen=True)
class SegmentationMetrics:
    """``confusion[i][j]`` counts the pixels of class i that were predicted as class j; void pixels do not count."""

    loss: float
    examples: int
    confusion: tuple[tuple[int, ...], ...]
    main_metric = "mean_iou"

    def iou(self, number: int) -> float | None:
        """Intersection over union of a class (Jaccard 1901); None if no pixel has or is predicted as this class."""
        both = self.confusion[number][number]
        union = sum(self.confusion[number]) + sum(row[number] for row in self.confusion) - both
        return both / union if union else None

    def metrics(self) -> dict[str, float]:
        """The mean IoU over the classes that occur, and the fraction of correct pixels."""
        there = [iou for iou in map(self.iou, range(len(self.confusion))) if iou is not None]
        pixels = sum(map(sum, self.confusion))
        right = sum(row[i] for i, row in enumerate(self.confusion))
        return {"mean_iou": sum(there) / max(1, len(there)), "accuracy": right / max(1, pixels)}

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """All metrics, the confusion matrix of the pixels, and the scores of each class."""
        each = [
            {"class": name, "iou": self.iou(number), **scores_of(self.confusion, number)._asdict()}
            for number, name in enumerate(classes)
        ]
        return {
            **self.metrics(),
            "loss": self.loss,
            "examples": self.examples,
            "confusion": self.confusion,
            "classes": each,
        }


class _Meter:
    def __init__(self, objective: Segmentation, device: torch.device) -> None:
        self.objective = objective
        self.images = torch.zeros((), dtype=torch.int64, device=device)
        self.confusion = torch.zeros(objective.classes**2, dtype=torch.int64, device=device)

    def add(self, output: Tensor, targets: Tensor) -> None:
        classes, wanted = self.objective.classes, self.objective.center(targets).long()
        pairs = torch.where(wanted == VOID, classes * classes, wanted * classes + output.argmax(1))
        self.images += len(targets)
        self.confusion += torch.bincount(pairs.flatten(), minlength=classes * classes + 1)[:-1]

    def evaluation(self, loss: float) -> SegmentationMetrics:
        return SegmentationMetrics(
            loss, int(distributed.all_reduce_sum(self.images)), rows_of(self.confusion, self.objective.classes)
        )


@dataclass(frozen=True)
class Segmentation:
    """Cross-entropy of each pixel; outputs (N, classes, *size), targets uint8 (N, *input size).

    The smaller output of a network without padding is compared with the center of the masks, as in the U-Net paper. All
    images have the same weight: loss and score are means over the pixels of each image that are not void.
    """

    classes: int
    size: tuple[int, ...]
    weights: Tensor | None
    smoothing: float
    probabilities: bool
    main_metric = "accuracy"
    dense = True

    @classmethod
    def of(cls, loaded: Loaded, recipe: Recipe, train: Examples | None, classes: int) -> Segmentation:
        """With the recipe's label smoothing and class weights. Raises CnnError for a wrong number of weights."""
        size = loaded.inferred.shape(loaded.graph.outputs[0])[1:]
        found = cls(classes, tuple(size), None, recipe.label_smoothing, ends_in_probabilities(loaded.graph))
        if train is None or recipe.class_weights == "none":
            return found
        return replace(found, weights=found._weights(recipe, train.labels))

    def _weights(self, recipe: Recipe, masks: Tensor) -> Tensor:
        counts = torch.bincount(self.center(masks).flatten(), minlength=256)[: self.classes]
        weights = class_weights(recipe, counts)
        assert weights is not None
        return weights

    def center(self, masks: Tensor) -> Tensor:
        """The center of masks (N, *sizes), in the size of the network's output."""
        for axis, (have, want) in enumerate(zip(masks.shape[1:], self.size, strict=True), 1):
            masks = masks.narrow(axis, (have - want) // 2, want)
        return masks

    def training_loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """With label smoothing and class weights."""
        return self._loss(output, targets, self.weights, self.smoothing)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Without label smoothing and class weights."""
        return self._loss(output, targets, None, 0.0)

    def _loss(self, output: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
        scores = output.float()
        if self.probabilities:
            scores = scores.clamp_min(1e-12).log()
        wanted = self.center(targets).long()
        pixel_losses = functional.cross_entropy(
            scores, wanted, weight=weights, ignore_index=VOID, label_smoothing=smoothing, reduction="none"
        )
        return (pixel_losses.flatten(1).sum(1) / self._pixels(wanted)).sum()

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """The fraction of correct pixels of each image, summed."""
        wanted = self.center(targets)
        right = (output.argmax(1) == wanted).flatten(1).sum(1)  # a void pixel is never correct
        return (right / self._pixels(wanted)).sum()

    def _pixels(self, wanted: Tensor) -> Tensor:
        return (wanted != VOID).flatten(1).sum(1).clamp_min(1)

    def meter(self, device: torch.device) -> _Meter:
        """Counts the confusion matrix of the pixels."""
        return _Meter(self, device)
