"""Classification: one class for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cnncli.executor.feeding.images import Examples
from cnncli.executor.runtime import distributed
from cnncli.executor.training.losses import Loss, loss_of, training_loss
from cnncli.graph import Graph
from cnncli.recipe import Recipe

MOST_LIKELY = 5


class Scores(NamedTuple):
    """Of what was taken for the class the share that is of it; of what is of it the share that was taken for it; and
    their harmonic mean."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassificationMetrics:
    """``confusion[i][j]`` counts the images of class i that were taken for class j.

    ``in_top_5`` counts those whose class is among the five likeliest.
    """

    loss: float
    confusion: tuple[tuple[int, ...], ...]
    in_top_5: int = 0
    main_metric = "accuracy"

    @property
    def examples(self) -> int:
        """How many images were looked at."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The share on the diagonal."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / max(1, self.examples)

    @property
    def top_5(self) -> float:
        """The share of images whose class is among the five likeliest."""
        return self.in_top_5 / max(1, self.examples)

    def of_class(self, number: int) -> Scores:
        """Precision, recall and F1 of a class; 0 where there is nothing to divide by."""
        return scores_of(self.confusion, number)

    def metrics(self) -> dict[str, float]:
        """The accuracy, and where there are more than ten classes the share with the right one among the likeliest."""
        top = {"top_5": self.top_5} if len(self.confusion) > 2 * MOST_LIKELY else {}
        return {"accuracy": self.accuracy, **top}

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """All figures, the confusion, and the scores of each class."""
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
    """Precision, recall and F1 of a class; 0 where there is nothing to divide by."""
    right = confusion[number][number]
    taken, there = sum(row[number] for row in confusion), sum(confusion[number])
    return Scores(right / max(1, taken), right / max(1, there), 2 * right / max(1, taken + there))


def rows_of(confusion: Tensor, classes: int) -> tuple[tuple[int, ...], ...]:
    """Counts (classes * classes,) of all workers, as the rows of their matrix."""
    return tuple(map(tuple, distributed.all_reduce_sum(confusion).view(classes, classes).tolist()))


class _Meter:
    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        self.confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
        self.likely = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, output: Tensor, targets: Tensor) -> None:
        self.likely += (output.topk(min(MOST_LIKELY, self.classes)).indices == targets[:, None]).sum()
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
        """As the recipe smooths and weighs it; ``train`` are the images that balance the weights."""
        plain = loss_of(graph)
        return cls(plain if train is None else training_loss(graph, recipe, train.labels, classes), plain, classes)

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """How many are right."""
        return (output.argmax(1) == targets).sum()

    def meter(self, device: torch.device) -> _Meter:
        """For the confusion matrix."""
        return _Meter(self.classes, device)
