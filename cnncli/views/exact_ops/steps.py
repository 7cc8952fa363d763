"""Steps with their positions, as text and for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.sliding import WindowStep


def position_text(position: tuple[int, ...]) -> str:
    return ",".join(map(str, position))


def step_records(steps: Iterable[WindowStep]) -> list[dict[str, Any]]:
    """The steps for JSON."""
    return [
        {"position": position_text(step.position), "working": step.expression, "value": matrices.plain(step.value)}
        for step in steps
    ]


def step_text(step: WindowStep) -> str:
    """``(0,1): 1*0 + 2*3 = 6``; an expression that is its value is written once."""
    value = matrices.shown(step.value)
    equals = "" if step.expression == value else f" = {value}"
    return f"({position_text(step.position)}): {step.expression}{equals}"


def squeezed(array: Any) -> Any:
    """The array without leading axes of size 1, so that a single feature map is shown as a matrix."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array[0] if array.ndim == 2 and array.shape[0] == 1 and array.shape[1] != 1 else array
