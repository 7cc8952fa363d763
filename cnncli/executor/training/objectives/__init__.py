"""The losses and metrics of each task: classification, regression and segmentation.

Losses and scores are summed over the images of a batch, so that they do not depend on the number of micro-batches and
workers. A new task takes a module here, a word in :data:`cnncli.recipe.TASKS`, and datasets with such targets.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from cnncli.data import Dataset
from cnncli.executor.feeding.device_images import Examples
from cnncli.executor.training.objectives.classification import Classification
from cnncli.executor.training.objectives.regression import Regression
from cnncli.executor.training.objectives.segmentation import Segmentation
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs.folder import Normalization

__all__ = ["Evaluation", "Meter", "Objective", "objective_of"]


class Evaluation(Protocol):
    """The metrics of a network on a set of examples; ``main_metric`` names the most important one, the first."""

    @property
    def loss(self) -> float: ...
    @property
    def examples(self) -> int: ...
    @property
    def main_metric(self) -> str: ...
    def metrics(self) -> dict[str, float]:
        """All metrics by name, without the loss."""

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Everything as plain data: all metrics, and those of each class or target."""


class Meter(Protocol):
    """Sums over examples, on their device, from which an evaluation is computed."""

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Add a batch."""

    def evaluation(self, loss: float) -> Evaluation:
        """The evaluation over the batches of all workers."""


class Objective(Protocol):
    """A task's losses, and its ``score``, whose mean over the examples is the ``main_metric`` shown during training.

    ``dense`` targets have the size of the images and are augmented with them.
    """

    @property
    def main_metric(self) -> str: ...
    @property
    def dense(self) -> bool: ...
    def training_loss(self, output: Tensor, targets: Tensor) -> Tensor: ...
    def loss(self, output: Tensor, targets: Tensor) -> Tensor: ...
    def score(self, output: Tensor, targets: Tensor) -> Tensor: ...
    def meter(self, device: torch.device) -> Meter: ...


def objective_of(
    loaded: Loaded,
    dataset: Dataset,
    recipe: Recipe,
    device: torch.device,
    *,
    train: Examples | None = None,
    targets: Normalization | None = None,
) -> Objective:
    """The objective for a dataset's task; ``train`` is the training set, if there is one.

    ``targets`` is the scaling of a regression's targets.
    """
    if dataset.task == "regression":
        assert targets is not None, "a regression's targets are scaled"
        return Regression.of(recipe, targets, device)
    if dataset.task == "segmentation":
        return Segmentation.of(loaded, recipe, train, len(dataset.classes))
    return Classification.of(loaded.graph, recipe, train, len(dataset.classes))
