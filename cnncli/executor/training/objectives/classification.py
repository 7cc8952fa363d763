"""Classification: one class per example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cnncli.executor.feeding.device_images import Examples
from cnncli.executor.runtime import distributed
from cnncli.executor.training.losses import Loss, loss_of, training_loss
from cnncli.graph import Graph
from cnncli.recipe import Recipe

TOP_K = 5


class Scores(NamedTuple):
    """Precision, recall and their harmonic mean F1 of a class."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassificationMetrics:
    """``confusion[i][j]`` counts the examples of class i that were predicted as class j.

    ``in_top_5`` counts those whose class is among the five most likely.
    """

    loss: float
    confusion: tuple[tuple[int, ...], ...]
    in_top_5: int = 0
    main_metric = "accuracy"

    @property
    def examples(self) -> int:
        """The number of evaluated examples."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The fraction of correct predictions."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / max(1, self.examples)

    @property
    def top_5(self) -> float:
        """The fraction of examples whose class is among the five most likely."""
        return self.in_top_5 / max(1, self.examples)

    def of_class(self, number: int) -> Scores:
        """Precision, recall and F1 of a class; 0 instead of a division by 0."""
        return scores_of(self.confusion, number)

    def metrics(self) -> dict[str, float]:
        """The accuracy, and the top-5 accuracy if there are more than ten classes."""
        top = {"top_5": self.top_5} if len(self.confusion) > 2 * TOP_K else {}
        return {"accuracy": self.accuracy, **top}

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """All metrics, the confusion matrix, and the scores of each class."""
        each = [{"class": name, **self.of_class(number)._asdict()} for number, name in enumerate(classes)]
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "examples": self.examples,
            "confusion": self.confusion,
            "top_5": self.top_5,
            "classes": each,
        }


def scores_of(confusion: tuple[tuple[int, ...], ...], number: int) -> Scores:
    """Precision, recall and F1 of a class; 0 instead of a division by 0."""
    correct = confusion[number][number]
    predicted, true = sum(row[number] for row in confusion), sum(confusion[number])
    return Scores(correct / max(1, predicted), correct / max(1, true), 2 * correct / max(1, predicted + true))


def rows_of(confusion: Tensor, classes: int) -> tuple[tuple[int, ...], ...]:
    """Counts (classes * classes,), summed over all workers, as rows of a matrix."""
    return tuple(map(tuple, distributed.all_reduce_sum(confusion).view(classes, classes).tolist()))


class _Meter:
    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        self.confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
        self.likely = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, output: Tensor, targets: Tensor) -> None:
        self.likely += (output.topk(min(TOP_K, self.classes)).indices == targets[:, None]).sum()
        pairs = targets * self.classes + output.argmax(1)
        self.confusion += torch.bincount(pairs, minlength=self.classes * self.classes)

    def evaluation(self, loss: float) -> ClassificationMetrics:
        return ClassificationMetrics(
            loss, rows_of(self.confusion, self.classes), int(distributed.all_reduce_sum(self.likely))
        )


@dataclass(frozen=True)
class Classification:
    """Cross-entropy; outputs (N, classes) of scores, targets (N,) of class numbers."""

    training_loss: Loss
    loss: Loss
    classes: int
    main_metric = "accuracy"
    dense = False

    @classmethod
    def of(cls, graph: Graph, recipe: Recipe, train: Examples | None, classes: int) -> Classification:
        """With the recipe's label smoothing and class weights; ``train`` has the class frequencies."""
        plain = loss_of(graph)
        return cls(plain if train is None else training_loss(graph, recipe, train.labels, classes), plain, classes)

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """The number of correct predictions."""
        return (output.argmax(1) == targets).sum()

    def meter(self, device: torch.device) -> _Meter:
        """Counts the confusion matrix."""
        return _Meter(self.classes, device)
