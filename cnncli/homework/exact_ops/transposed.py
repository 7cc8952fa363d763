"""Transposed convolution on exact numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from cnncli.arithmetic.window import transposed_size
from cnncli.homework.exact_ops.convolution import bias_array, weighted_sum
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import Sliding, WindowStep


def transposed(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding, extra: int = 0) -> Any:
    """Each value of the input, times the kernel, added to the output: the gradient of a convolution to its input.

    (C, *sizes) and (C, filters, *kernel) to (filters, *larger). The padding is cut off. ``extra`` is the
    output padding.
    """
    import numpy as np

    pairs = list(zip(x.shape[1:], how.windows, strict=True))
    spread = [transposed_size(size, window._replace(before=0, after=0), extra) for size, window in pairs]
    full: Any = np.zeros((kernel.shape[1], *spread), dtype=x.dtype)
    for tap in product(*map(range, kernel.shape[2:])):
        slices = tuple(
            slice(t * w.dilation, t * w.dilation + (n - 1) * w.stride + 1, w.stride)
            for t, w, n in zip(tap, how.windows, x.shape[1:], strict=True)
        )
        weights = kernel[(slice(None), slice(None), *tap)]
        full[(slice(None), *slices)] += weighted_sum(weights.T, x)
    cut = tuple(slice(w.before, w.before + transposed_size(size, w, extra)) for size, w in pairs)
    return full[(slice(None), *cut)] + bias_array(bias, full)


def transposed_steps(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding, extra: int = 0) -> Iterator[WindowStep]:
    """Every value of the output with the products that it sums: input value times weight."""
    result = simplest(transposed(x, kernel, bias, how, extra))
    terms: dict[tuple[int, ...], list[str]] = {}
    for number, channel in product(range(kernel.shape[1]), range(len(x))):
        for place in product(*map(range, x.shape[1:])):
            for tap in product(*map(range, kernel.shape[2:])):
                at = tuple(
                    p * w.stride + t * w.dilation - w.before for p, t, w in zip(place, tap, how.windows, strict=True)
                )
                text = f"{factor_text(x[(channel, *place)])}*{factor_text(kernel[(channel, number, *tap)])}"
                terms.setdefault((number, *at), []).append(text)
    for position in product(*map(range, result.shape)):
        expression = " + ".join(terms.get(position, ["0"]))
        added = f" + {factor_text(bias[position[0]])}" if bias[position[0]] else ""
        yield WindowStep(position if len(result) > 1 else position[1:], expression + added, result[position])
