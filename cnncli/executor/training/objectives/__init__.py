"""What a network is trained for: how its outputs are compared with targets. Each task has a file of its own.

An objective's losses and scores are summed over the images of a batch, so that they are the same for any number of
parts and workers. Adding a task is a file here, a word in :data:`cnncli.recipe.TASKS`, and targets that say it.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from cnncli.data import Dataset
from cnncli.executor.feeding.images import Examples
from cnncli.executor.training.objectives.classification import Classification
from cnncli.executor.training.objectives.regression import Regression
from cnncli.executor.training.objectives.segmentation import Segmentation
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs.folder import Normalization

__all__ = ["Evaluation", "Meter", "Objective", "objective_of"]


class Evaluation(Protocol):
    """What a network is worth on some images; ``figure`` names the first of its figures, the one to look at."""

    @property
    def loss(self) -> float: ...
    @property
    def examples(self) -> int: ...
    @property
    def main_metric(self) -> str: ...
    def metrics(self) -> dict[str, float]:
        """All figures by name, without the loss."""

    def detail(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Everything, for a program: figures, and what there is for each class or target."""


class Meter(Protocol):
    """Sums over images, on their device, from which an evaluation is made."""

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Count a batch."""

    def evaluation(self, loss: float) -> Evaluation:
        """What all workers have counted."""


class Objective(Protocol):
    """A task: its losses, and ``score``, whose mean over the images is the ``figure`` that is shown while it trains.

    ``dense`` targets have the size of the images, and are moved with them.
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
    """The objective of a data set's task; ``train`` are the images trained on, if any.

    ``targets`` is what a regression's targets are scaled by.
    """
    if dataset.task == "regression":
        assert targets is not None, "a regression's targets are scaled"
        return Regression.of(recipe, targets, device)
    if dataset.task == "segmentation":
        return Segmentation.of(loaded, recipe, train, len(dataset.classes))
    return Classification.of(loaded.graph, recipe, train, len(dataset.classes))
