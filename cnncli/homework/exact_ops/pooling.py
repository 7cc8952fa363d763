"""Pooling on exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, NamedTuple

from cnncli.arithmetic.window import adaptive_end, adaptive_start
from cnncli.errors import CnnError
from cnncli.homework.exact_ops.letters import LetterSum
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly, square_root
from cnncli.homework.exact_ops.sliding import Sliding, WindowStep, padded, patch, positions, sources


class PoolWindow(NamedTuple):
    """A window at a position (channel, *place): its values, and the indices in the channel of those of the input.

    ``origins`` has -1 for zeros of the padding, which the maximum never sees (:func:`sources`).
    """

    position: tuple[int, ...]
    values: list[Any]
    origins: list[int]


class Adaptive(NamedTuple):
    """The windows of adaptive pooling, which give an output of this size."""

    output: tuple[int, ...]


Windows = Sliding | Adaptive


def pooled_sizes(sizes: tuple[int, ...], how: Windows) -> tuple[int, ...]:
    """The number of windows along each axis."""
    return how.output if isinstance(how, Adaptive) else positions(sizes, how)


def pool(x: Any, kind: str, how: Windows, *, count_include_pad: bool = True) -> Any:
    """The maximum (``max``), average (``avg``) or L2 norm (``l2``, root of the sum of squares) of each window.

    (C, *sizes) to (C, *positions). ``count_include_pad`` counts the zeros of the padding in the divisor of an average,
    as PyTorch's option does. An irrational root stays a text: ``sqrt(30)``; so does the maximum of letters.
    For images a root is a number.
    """
    import numpy as np

    result = np.empty((x.shape[0], *pooled_sizes(x.shape[1:], how)), dtype=x.dtype)
    for step in pool_steps(x, kind, how, count_include_pad=count_include_pad):
        result[step.position] = step.value
    return result


def pool_steps(x: Any, kind: str, how: Windows, *, count_include_pad: bool = True) -> Iterator[WindowStep]:
    """Every window with its expression and value."""
    for window in pool_windows(x, kind, how, count_include_pad=count_include_pad):
        expression, value = _POOLS[kind](window.values)
        yield WindowStep(window.position, expression, value)


def pool_windows(x: Any, kind: str, how: Windows, *, count_include_pad: bool = True) -> Iterator[PoolWindow]:
    """Every window with the values that count. Raises CnnError for a window in which none does."""
    if isinstance(how, Adaptive):
        yield from _adaptive_windows(x, how.output)
        return
    padded_x, origins = padded(x, how), sources(x.shape[1:], how)[None]
    counts_padding = kind == "l2" or (kind == "avg" and count_include_pad)
    for channel, place in product(range(x.shape[0]), product(*map(range, positions(x.shape[1:], how)))):
        values = [*patch(padded_x[channel : channel + 1], how, place).reshape(-1)]
        at = [*map(int, patch(origins, how, place).reshape(-1))]
        if not counts_padding:
            values = [value for value, index in zip(values, at, strict=True) if index >= 0]
            at = [index for index in at if index >= 0]
        if not values:
            raise CnnError("a pooling window lies entirely in the padding", "use less padding")
        yield PoolWindow((channel, *place), values, at)


def _adaptive_windows(x: Any, output: tuple[int, ...]) -> Iterator[PoolWindow]:
    import numpy as np

    sizes = x.shape[1:]
    origins = np.arange(prod(sizes)).reshape(sizes)
    for channel, place in product(range(x.shape[0]), product(*map(range, output))):
        region = tuple(
            slice(adaptive_start(size, count, at), adaptive_end(size, count, at) + 1)
            for size, count, at in zip(sizes, output, place, strict=True)
        )
        values = [*x[(channel, *region)].reshape(-1)]
        yield PoolWindow((channel, *place), values, [*map(int, origins[region].reshape(-1))])


def _maximum(values: list[Any]) -> tuple[str, Any]:
    written = f"max({', '.join(map(shown, values))})"
    if not any(isinstance(value, LetterSum) for value in values):
        return written, max(values)
    numbers = [value for value in values if not isinstance(value, LetterSum)]
    letters = dict.fromkeys(value for value in values if isinstance(value, LetterSum))
    different = [*letters, *([max(numbers)] if numbers else [])]
    return written, different[0] if len(different) == 1 else f"max({', '.join(map(shown, different))})"


def _average(values: list[Any]) -> tuple[str, Any]:
    total = sum(values)
    mean = exactly(Fraction(total) / len(values)) if isinstance(total, int | Fraction) else total / len(values)
    return f"({' + '.join(map(factor_text, values))}) / {len(values)}", mean


def _l2(values: list[Any]) -> tuple[str, Any]:
    squares = sum(value * value for value in values)
    expression = f"sqrt({' + '.join(f'{factor_text(value)}^2' for value in values)})"
    return expression, square_root(squares)


_POOLS = {"max": _maximum, "avg": _average, "l2": _l2}
