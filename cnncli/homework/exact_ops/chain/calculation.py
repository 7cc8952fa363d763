"""What a rule gives: an array, and on request the expression of each of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly
from cnncli.layers import Layer, Shapes

Index = tuple[int, ...]


class WorkedStep(NamedTuple):
    """One value: its place (``(0,1)``, ``mean of channel 0``), the expression with numbers, and the value."""

    place: str
    expression: str
    value: Any


def no_steps() -> Iterator[WorkedStep]:
    """For values that are not calculated but moved."""
    return iter(())


class Calculation(NamedTuple):
    """An array with the batch as its first axis (weights have none), its formula, and the steps on request."""

    value: Any
    formula: str = ""
    steps: Callable[[], Iterator[WorkedStep]] = no_steps


class LayerWork(NamedTuple):
    """A layer with its numbers: ``inputs`` and ``output`` are (N, *shape), weights have PyTorch's names and shapes."""

    layer: Layer
    inputs: tuple[Any, ...]
    weights: Mapping[str, Any]
    output: Any = None

    @property
    def x(self) -> Any:
        """The only input, (N, *shape)."""
        return self.inputs[0]

    @property
    def shapes(self) -> Shapes:
        """The shapes of the inputs, without the batch."""
        return tuple(x.shape[1:] for x in self.inputs)


class LayerGradient(NamedTuple):
    """The gradients to each input, (N, *shape), and to the weights by name."""

    inputs: tuple[Calculation, ...]
    weights: Mapping[str, Calculation] = {}


class LayerRule(NamedTuple):
    """How a layer type is calculated by hand. The backward calculation takes the gradient to the output."""

    forward: Callable[[LayerWork], Calculation]
    backward: Callable[[LayerWork, Any], LayerGradient]


# Arrays -----------------------------------------------------------------------------------------------------------


def for_each(function: Callable[..., Any], *arrays: Any) -> Any:
    """An array of exact numbers: the function of the values at each place."""
    import numpy as np

    return np.frompyfunc(lambda *values: exactly(function(*values)), len(arrays), 1)(*arrays)


def places(shape: Index) -> Iterator[Index]:
    """Every index of an array, in the order of rows."""
    return product(*map(range, shape))


def place_text(index: Index, shape: Index) -> str:
    """``(0,1)``: the index, without the leading axes of size 1 (a batch of one, one channel) before the last two."""
    hidden = 0
    while hidden < len(shape) - 1 and shape[hidden] == 1 and (hidden == 0 or len(shape) - hidden > 2):
        hidden += 1
    return f"({','.join(map(str, index[hidden:]))})"


def steps_for(
    array: Any, expression: Callable[[Index], str], *, has_batch: bool = True
) -> Callable[[], Iterator[WorkedStep]]:
    """A step for every value of an array. Without a batch, its places have all axes."""

    def steps() -> Iterator[WorkedStep]:
        for index in places(array.shape):
            place = place_text(index, array.shape) if has_batch else f"({','.join(map(str, index))})"
            yield WorkedStep(place, expression(index), array[index])

    return steps


# Texts ------------------------------------------------------------------------------------------------------------


def product_text(*factors: Any) -> str:
    """``2*(-3)``."""
    return "*".join(map(factor_text, factors))


def sum_text(values: Iterable[Any]) -> str:
    """``2 + (-3)``; 0 for no values."""
    return " + ".join(map(factor_text, values)) or "0"


def difference_text(one: Any, other: Any) -> str:
    """``2 - (-3)``."""
    return f"{shown(one)} - {factor_text(other)}"
