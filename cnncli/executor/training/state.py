"""The state of a training: everything that changes from step to step; to and from a checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cnncli.executor.network.network import Network, own_tensors
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.precision import Precision
from cnncli.executor.training.checkpoint import Checkpoint
from cnncli.executor.training.optimization.averaging import WeightAverage
from cnncli.recipe import Recipe

COUNTERS = ("step", "best_epoch", "waited", "on_plateau", "factor")  # attributes of TrainState, saved by these names
NUMBERS = (*COUNTERS, "seconds", "best_loss", "images", "precision")  # everything in a checkpoint besides tensors


class EpochMetrics:
    """Sums over the training images of an epoch, kept on the device until they are reported."""

    def __init__(self, device: torch.device) -> None:
        self.images = 0
        self.loss = torch.zeros((), device=device)
        exact = torch.float32 if device.type == "mps" else torch.float64  # exact for counts
        self.score = torch.zeros((), dtype=exact, device=device)

    def add(self, loss: Tensor, score: Tensor, images: int) -> None:
        """Add a batch: the sums of its losses and of its scores."""
        self.images += images
        self.loss += loss
        self.score += score

    def of_all(self) -> tuple[Tensor, Tensor, int]:
        """Loss, score and images, summed over all workers."""
        images = distributed.all_reduce_sum(torch.tensor(self.images, device=self.loss.device))
        return distributed.all_reduce_sum(self.loss), distributed.all_reduce_sum(self.score), int(images)


@dataclass
class TrainState:
    """The state after ``step`` steps.

    ``best_loss`` is the lowest held-out loss, ``best_epoch`` its epoch and ``waited`` the number of epochs since.
    ``factor`` is the plateau schedule's factor of the learning rate, ``on_plateau`` the number of epochs since the loss
    or the learning rate last decreased. ``seconds`` is the training time up to the last checkpoint, interruptions
    excluded.
    """

    network: Network
    optimizers: list[torch.optim.Optimizer]
    average: WeightAverage | None
    precision: Precision
    sums: EpochMetrics
    step: int = 0
    best_loss: float = math.inf
    best_epoch: int = 0
    waited: int = 0
    on_plateau: int = 0
    factor: float = 1.0
    seconds: float = 0.0

    def end_epoch(self, recipe: Recipe, epoch: int, loss: float) -> None:
        """Update the best loss, the epochs since, and the plateau schedule's factor after an epoch."""
        if loss < self.best_loss:
            self.best_loss, self.best_epoch, self.waited, self.on_plateau = loss, epoch, 0, 0
            return
        self.waited, self.on_plateau = self.waited + 1, self.on_plateau + 1
        if recipe.schedule == "plateau" and self.on_plateau >= recipe.patience:
            self.factor, self.on_plateau = self.factor * recipe.gamma, 0

    def stops_early(self, recipe: Recipe) -> bool:
        """Whether early stopping ends the training."""
        return 0 < recipe.early_stopping <= self.waited

    # Checkpoints ----------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """The complete state as tensors and numbers."""
        tensors = {f"network/{name}": tensor for name, tensor in own_tensors(self.network).items()}
        numbers: dict[str, Any] = {name: getattr(self, name) for name in COUNTERS}
        numbers["seconds"] = round(self.seconds, 3)
        numbers["best_loss"] = self.best_loss if math.isfinite(self.best_loss) else None
        for at, name, key, value in self._optimizer_entries():
            if isinstance(value, Tensor):
                tensors[f"optimizer{at}/{name}/{key}"] = value
            elif value is not None:
                numbers[f"optimizer{at}/{name}/{key}"] = value
        if self.average is not None:
            tensors |= {f"average/{name}": tensor for name, tensor in self.average.tensors.items()}
        loss, score, images = self.sums.of_all()
        tensors |= {"tally/loss": loss, "tally/score": score}
        numbers |= {"images": images, "precision": self.precision.state()}
        return Checkpoint(tensors, numbers)

    def _optimizer_entries(self) -> list[tuple[int, str, str, Any]]:
        names = {id(parameter): name for name, parameter in self.network.named_parameters()}
        return [
            (at, names[id(parameter)], key, value)
            for at, optimizer in enumerate(self.optimizers)
            for parameter, state in optimizer.state.items()
            for key, value in state.items()
        ]

    @torch.no_grad()
    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over the state of a checkpoint of the same network, optimizers and averages."""
        tensors, numbers = checkpoint
        for name, tensor in own_tensors(self.network).items():
            tensor.copy_(tensors[f"network/{name}"])
        parameters = dict(self.network.named_parameters())
        for optimizer in self.optimizers:
            optimizer.state.clear()
        for name, value in (*tensors.items(), *numbers.items()):
            kind, _, rest = name.partition("/")
            if kind.startswith("optimizer"):
                parameter, key = parameters[rest.rpartition("/")[0]], rest.rpartition("/")[2]
                kept = _like(parameter, value) if isinstance(value, Tensor) else value
                self.optimizers[int(kind.removeprefix("optimizer"))].state[parameter][key] = kept
        if self.average is not None:
            for name, tensor in self.average.tensors.items():
                tensor.copy_(tensors[f"average/{name}"])
        self.sums = EpochMetrics(self.sums.loss.device)
        if distributed.is_main_process():  # it holds the sums of all workers
            self.sums.loss.copy_(tensors["tally/loss"])
            self.sums.score.copy_(tensors["tally/score"])
            self.sums.images = numbers["images"]
        self.precision.restore(numbers["precision"])
        for name in COUNTERS:
            setattr(self, name, numbers[name])
        self.seconds = float(numbers.get("seconds", 0.0))  # earlier versions did not save it
        self.best_loss = math.inf if numbers["best_loss"] is None else numbers["best_loss"]


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """An optimizer's tensor on its parameter's device and, if it has the parameter's shape, in its memory layout."""
    if value.shape != parameter.shape:
        return value.to(parameter.device)
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def is_finite(network: nn.Module) -> bool:
    """Whether all weights are finite."""
    return all(bool(tensor.isfinite().all()) for tensor in own_tensors(network).values() if tensor.is_floating_point())
