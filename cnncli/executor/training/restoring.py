"""Checks that a checkpoint fits a training: the names, shapes, types and ranges of everything in it.

The fused optimizers would read and write past the end of a state that is smaller than its parameter, so nothing is
loaded before it has been compared with the network, the optimizers and the averages of this training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from cnncli.errors import shortened
from cnncli.executor.network.network import own_tensors
from cnncli.executor.network.tensor_files import DamagedError, TensorSpec, check_specs, check_values
from cnncli.executor.training.checkpoint import Checkpoint
from cnncli.executor.training.loop import TrainingSetup
from cnncli.executor.training.optimization.optimizers import parameters_with_state, state_specs
from cnncli.executor.training.state import NUMBERS, TrainState

OPTIONAL = {"seconds": 0.0}  # numbers that earlier versions did not save
MAX_COUNT = 2**24  # of float32, in which the optimizers count their steps: adding 1 changes nothing


@dataclass(frozen=True)
class Restorable:
    """The checkpoints that fit a training; ``state`` is its state before the first step."""

    setup: TrainingSetup
    state: TrainState

    @cached_property
    def _network(self) -> dict[str, tuple[TensorSpec, ...]]:
        """The tensors that every checkpoint has."""
        tensors = {f"network/{name}": tensor for name, tensor in own_tensors(self.state.network).items()}
        if self.state.average is not None:
            tensors |= {f"average/{name}": tensor for name, tensor in self.state.average.tensors.items()}
        specs = {name: (TensorSpec.of(tensor),) for name, tensor in tensors.items()}
        exact = (TensorSpec((), "float64"), TensorSpec((), "float32"))  # mps has no float64
        return {**specs, "tally/loss": (TensorSpec((), "float32"),), "tally/score": exact}

    @cached_property
    def _optimizers(self) -> dict[str, dict[str, tuple[TensorSpec, ...]]]:
        """By parameter, as ``optimizer0/conv1.weight``, the tensors that its optimizer keeps after a gradient."""
        names = {id(parameter): name for name, parameter in self.state.network.named_parameters()}
        return {
            f"optimizer{at}/{names[id(parameter)]}": {key: (TensorSpec.of(value),) for key, value in specs.items()}
            for at, optimizer in enumerate(self.state.optimizers)
            for parameter, specs in state_specs(optimizer)
        }

    def check_specs(self, found: dict[str, TensorSpec]) -> None:
        """Raises DamagedError for other names, shapes or types of tensors."""
        kept = {f"{name}/{key}": specs for name, each in self._optimizers.items() for key, specs in each.items()}
        check_specs(found, {**self._network, **kept}, required={*self._network})

    def check_values(self, checkpoint: Checkpoint) -> None:
        """Raises DamagedError for numbers or values that are out of range."""
        self._check_numbers(checkpoint.numbers)
        step = checkpoint.numbers["step"]
        self._check_presence(checkpoint.tensors, step)
        for name, tensor in checkpoint.tensors.items():
            check_values(name, tensor)
            if name.startswith("optimizer") and name.endswith("/step"):
                self._check_count(name, tensor.item(), step)

    def _check_numbers(self, numbers: dict[str, Any]) -> None:
        setup, given = self.setup, {**OPTIONAL, **numbers}
        step = _whole(given, "step", 0, setup.steps)
        done = setup.epochs_done(step)
        best = _whole(given, "best_epoch", min(1, done), done)  # after the first epoch there is a best one
        waited = _whole(given, "waited", done - best, done - best)
        _whole(given, "on_plateau", 0, waited)
        in_epoch = (step - 1) % setup.steps_per_epoch + 1 if step else 0
        images = min(in_epoch * setup.recipe.batch_size, len(setup.train))
        _whole(given, "images", images, images)
        _number(given, "seconds", 0, math.inf)
        _number(given, "factor", 0 if setup.recipe.schedule == "plateau" else 1, 1)
        if done or given.get("best_loss", 0) is not None:
            _number(given, "best_loss", -math.inf if done else math.inf, math.inf)
        self._check_precision(given.get("precision"))
        for name in given.keys() - {*NUMBERS}:
            raise DamagedError(f"holds an unknown number {shortened(name, 100)!r}")

    def _check_precision(self, found: Any) -> None:
        """The loss scale of float16, and for how many steps it has been stable; empty for other formats."""
        own = self.state.precision.state()
        if not isinstance(found, dict) or found.keys() != own.keys():
            raise DamagedError(f"has a precision of {_shown(found)}, expected {', '.join(own) or 'nothing'} in it")
        for name, value in own.items():
            if name == "scale":
                _number(found, name, 2.0**-126, 2.0**127)  # the normal numbers of float32
            elif name == "_growth_tracker":
                _whole(found, name, 0, own["growth_interval"])
            else:
                _number(found, name, value, value)

    def _check_presence(self, tensors: dict[str, Tensor], step: int) -> None:
        """Parameters have an optimizer state after the first step if they have a gradient, and never before."""
        exact = self.state.precision.name != "fp16"  # float16 skips steps that overflow
        certain = parameters_with_state(self.state.network, self.state.optimizers) if exact else set()
        for name, specs in self._optimizers.items():
            there = [key for key in specs if f"{name}/{key}" in tensors]
            if there and not step:
                raise DamagedError(f"has a tensor {name}/{there[0]} before the first step")
            expected = there or (step and name.partition("/")[2] in certain)
            for key in specs if expected else ():
                if key not in there:
                    raise DamagedError(f"has no tensor {name}/{key}, expected {specs[key][0]}")

    def _check_count(self, name: str, count: float, step: int) -> None:
        """An optimizer's own count of its steps."""
        least = 1 if self.state.precision.name == "fp16" else min(step, MAX_COUNT)
        if not (least <= count <= step and count == math.floor(count)):
            wanted = f"{least}" if least == step else f"a whole number from {least} to {step}"
            raise DamagedError(f"holds {name} = {count:g}, expected {wanted}")


def _whole(numbers: dict[str, Any], name: str, least: int, most: int) -> int:
    value = _given(numbers, name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        wanted = f"{least}" if least == most else f"a whole number from {least} to {most}"
        raise DamagedError(f"has {name} {_shown(value)}, expected {wanted}")
    return value


def _number(numbers: dict[str, Any], name: str, least: float, most: float) -> None:
    value = _given(numbers, name)
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not least <= value <= most or abs(value) > 1e300:
        raise DamagedError(f"has {name} {_shown(value)}, expected {_range(least, most)}")


def _range(least: float, most: float) -> str:
    if least == most:
        return "none yet" if math.isinf(least) else f"{least:g}"
    if math.isinf(most):
        return "a number" if math.isinf(least) else f"a number of at least {least:g}"
    return f"a number from {least:g} to {most:g}"


def _given(numbers: dict[str, Any], name: str) -> Any:
    if name not in numbers:
        raise DamagedError(f"has no number {name}")
    return numbers[name]


def _shown(value: Any) -> str:
    return shortened(repr(value) if isinstance(value, str) else str(value))
