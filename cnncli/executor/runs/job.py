"""The job that a command requests, the training prepared for it, and the display of its progress."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import torch

from cnncli.data import Dataset
from cnncli.errors import counted
from cnncli.executor.feeding.device_images import Examples
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.devices import describe
from cnncli.executor.training.loop import EpochProgress, TrainingSetup
from cnncli.executor.training.objectives import Evaluation
from cnncli.executor.training.state import TrainState
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.runs.record import Normalization


class Display(Protocol):
    """Shows how a training progresses."""

    def note(self, text: str) -> None: ...
    def batch(self, progress: EpochProgress) -> None: ...
    def epoch(self, progress: EpochProgress, evaluation: Evaluation, held_out: str) -> None: ...


@dataclass(frozen=True)
class Job:
    """A network, a dataset and a recipe to train with, and a checkpoint every ``checkpoint_minutes`` within an epoch.

    ``spec`` names the dataset where it differs from the recipe's: a run may be repeated where its data has moved.
    """

    loaded: Loaded
    dataset: Dataset
    recipe: Recipe
    run_dir: Path | None = None
    checkpoint_minutes: float = 10.0
    tensorboard: bool = False
    spec: str = ""


class Prepared(NamedTuple):
    """A training on its device and its initial state; ``held_out`` names the held-out set: validation or test.

    ``normalization`` is that of the images, ``targets`` the scaling of a regression's targets.
    """

    setup: TrainingSetup
    state: TrainState
    test: Examples
    held_out: str
    normalization: Normalization
    targets: Normalization | None
    device: torch.device
    compiled: str = "off"

    def __str__(self) -> str:
        """The device and the number of images: ``cpu (2 threads) in bf16, 1,437 images``."""
        return f"{self.device_text()}, {counted(len(self.setup.train), 'image')}"

    def device_text(self) -> str:
        """Workers, device and precision: ``2 workers, cuda:0 (NVIDIA H100) in bf16``."""
        precision = self.state.precision.name
        workers = f"{distributed.world_size()} workers, " if distributed.world_size() > 1 else ""
        return workers + describe(self.device) + (f" in {precision}" if precision != "fp32" else "")
