"""Pooling on exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly, square_root
from cnncli.homework.exact_ops.sliding import Sliding, WindowStep, padded, patch, positions


def pool(x: Any, kind: str, how: Sliding) -> Any:
    """The maximum, average (zeros of the padding count) or L2 norm (root of the sum of squares) of each window.

    An irrational root stays a text: ``sqrt(30)``. For images it is a number.
    """
    import numpy as np

    result = np.empty((x.shape[0], *positions(x.shape[1:], how)), dtype=x.dtype)
    for step in pool_steps(x, kind, how):
        result[step.position] = step.value
    return result


def pool_steps(x: Any, kind: str, how: Sliding) -> Iterator[WindowStep]:
    """Every window with its expression and value."""
    lowest = min(x.reshape(-1)) - 1
    padded_x = _padded_with(x, how, lowest) if kind == "max" and how.mode == "zeros" else padded(x, how)
    for channel, position in product(range(x.shape[0]), product(*map(range, positions(x.shape[1:], how)))):
        values = [*patch(padded_x[channel : channel + 1], how, position).reshape(-1)]
        if kind == "max":
            values = [value for value in values if value != lowest]  # padding is never the maximum
        if not values:
            raise CnnError("a pooling window lies entirely in the padding", "use less padding")
        expression, value = _POOLS[kind](values)
        yield WindowStep((channel, *position), expression, value)


def _padded_with(x: Any, how: Sliding, value: Any) -> Any:
    import numpy as np

    border = [(0, 0), *((window.before, window.after) for window in how.windows)]
    return np.pad(x, border, constant_values=value)


def _maximum(values: list[Any]) -> tuple[str, Any]:
    return f"max({', '.join(map(shown, values))})", max(values)


def _average(values: list[Any]) -> tuple[str, Any]:
    total = sum(values)
    mean = exactly(Fraction(total) / len(values)) if isinstance(total, int | Fraction) else total / len(values)
    return f"({' + '.join(map(factor_text, values))}) / {len(values)}", mean


def _l2(values: list[Any]) -> tuple[str, Any]:
    squares = sum(value * value for value in values)
    expression = f"sqrt({' + '.join(f'{factor_text(value)}^2' for value in values)})"
    return expression, square_root(squares)


_POOLS = {"max": _maximum, "avg": _average, "l2": _l2}
