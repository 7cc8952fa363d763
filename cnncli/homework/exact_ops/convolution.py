"""Convolution (cross-correlation) on exact numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from cnncli.errors import CnnError, counted
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import exactly, simplest
from cnncli.homework.exact_ops.sliding import Sliding, StepPart, WindowStep, padded, patch, positions, taps


def convolve(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding) -> Any:
    """Cross-correlation: y[f, p] = bias[f] + sum over c, k of kernel[f, c, k] x[c, p s + k d - padding].

    (C, *sizes) and (filters, C, *kernel) to (filters, *positions). Partial padding multiplies by the window's area
    divided by the part of it inside the image. Raises CnnError where the channels differ.
    """
    if kernel.shape[1] != x.shape[0]:
        raise CnnError(f"the kernel has {counted(kernel.shape[1], 'channel')}, but the input has {x.shape[0]}")
    padded_x, counts = padded(x, how), positions(x.shape[1:], how)
    total: Any = 0
    for tap in product(*map(range, kernel.shape[2:])):
        weights = kernel[(slice(None), slice(None), *tap)]
        total = total + weighted_sum(weights, taps(padded_x, how, tap, counts))
    if how.mode == "partial":
        total = total * _border_ratio(x, how)
    return total + bias_array(bias, total)


def weighted_sum(weights: Any, values: Any) -> Any:
    """The sums over C of weights (F, C) times values (C, *positions), (F, *positions); also for exact numbers."""
    import numpy as np

    return np.tensordot(weights, values, axes=(1, 0))


def bias_array(values: Sequence[Any], like: Any) -> Any:
    """Biases (filters,) with the type of an output ``like`` (filters, *positions), in a shape that broadcasts to it."""
    import numpy as np

    return np.array([*values], dtype=like.dtype).reshape(-1, *(1,) * (like.ndim - 1))


def _border_ratio(x: Any, how: Sliding) -> Any:
    """The window's area divided by the part of it inside the image. Liu et al. 2018, formula 3."""
    import numpy as np

    ones = padded(np.ones((1, *x.shape[1:]), dtype=object), how)
    counts, area = positions(x.shape[1:], how), prod(window.kernel for window in how.windows)
    inside: Any = 0
    for tap in product(*(range(window.kernel) for window in how.windows)):
        inside = inside + taps(ones, how, tap, counts)
    ratio = np.frompyfunc(lambda n: exactly(Fraction(area, n)) if n else 0, 1, 1)(inside)
    return ratio if x.dtype == object else ratio.astype(float)


def flipped(kernel: Any) -> Any:
    """The kernel rotated by 180 degrees: with it, cross-correlation is true convolution."""
    return kernel[(slice(None), slice(None), *(slice(None, None, -1) for _ in kernel.shape[2:]))]


def convolution_steps(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding) -> Iterator[WindowStep]:
    """Every window with its products and their sum: ``1*1 + 1*0 + … = 4``."""
    padded_x, counts = padded(x, how), positions(x.shape[1:], how)
    result = simplest(convolve(x, kernel, bias, how))
    ratio = simplest(_border_ratio(x, how)) if how.mode == "partial" else None
    for number, position in product(range(len(kernel)), product(*map(range, counts))):
        under = patch(padded_x, how, position)
        expression = _products(under, kernel[number])
        parts = _parts(under, kernel[number], bias[number]) if len(x) > 1 and ratio is None else ()
        if ratio is not None:
            expression = f"({expression}) * {factor_text(ratio[(0, *position)])}"
        if bias[number]:
            expression += f" + {factor_text(bias[number])}"
        value = result[(number, *position)]
        yield WindowStep((number, *position) if len(kernel) > 1 else position, expression, value, parts)


def _products(values: Any, weights: Any) -> str:
    """``1*1 + 1*0 + …`` of the values under a window and the weights, in the order of both."""
    pairs = zip(values.reshape(-1), weights.reshape(-1), strict=True)
    return " + ".join(f"{factor_text(value)}*{factor_text(weight)}" for value, weight in pairs)


def _parts(values: Any, weights: Any, bias: Any) -> tuple[StepPart, ...]:
    """The sum of each channel, counted from 1, and the bias if it is not 0."""
    sums = [exactly((one * other).sum()) for one, other in zip(values, weights, strict=True)]
    channels = [
        StepPart(f"channel {at + 1}", _products(values[at], weights[at]), total) for at, total in enumerate(sums)
    ]
    return (*channels, *([StepPart("bias", "", bias)] if bias else []))
