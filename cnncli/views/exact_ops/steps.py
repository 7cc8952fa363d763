"""Steps with their positions, as text and for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill
from typing import Any

from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.sliding import WindowStep


def position_text(position: tuple[int, ...]) -> str:
    return ",".join(map(str, position))


def step_records(steps: Iterable[WindowStep]) -> list[dict[str, Any]]:
    """The steps for JSON; a sum over several channels has its ``parts``."""
    return [
        {"position": position_text(step.position), "working": step.expression, "value": matrices.plain(step.value)}
        | (
            {"parts": [{**part._asdict(), "value": matrices.plain(part.value)} for part in step.parts]}
            if step.parts
            else {}
        )
        for step in steps
    ]


def step_text(step: WindowStep) -> str:
    """``(0,1): 1*0 + 2*3 = 6``; an expression that is its value is written once.

    A sum over several channels has a line for each, and one for their sum with the bias. Long lines are wrapped.
    """
    where = f"({position_text(step.position)}): "
    if not step.parts:
        return _wrapped(where, _equation(step.expression, step.value))
    rows = [f"{part.name}: {_equation(part.expression, part.value)}" for part in step.parts if part.expression]
    terms = [f"{matrices.factor_text(part.value)}{' (bias)' * (not part.expression)}" for part in step.parts]
    rows.append(_equation(" + ".join(terms), step.value))
    return "\n".join(_wrapped(where if at == 0 else " " * len(where), row) for at, row in enumerate(rows))


def _equation(expression: str, value: Any) -> str:
    text = matrices.shown(value)
    return text if expression == text else f"{expression} = {text}"


def _wrapped(where: str, text: str) -> str:
    if len(where) + len(text) <= matrices.WIDTH:
        return where + text
    rest = " " * (len(where) + 2)
    return fill(text, matrices.WIDTH, initial_indent=where, subsequent_indent=rest, break_on_hyphens=False)


def unwrapped(array: Any, rank: int) -> Any:
    """The array without leading axes of size 1, but with its ``rank`` axes of space, for programs."""
    while array.ndim > rank and array.shape[0] == 1:
        array = array[0]
    return array


def squeezed(array: Any) -> Any:
    """The array without leading axes of size 1, so that a single feature map is shown as a matrix."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array[0] if array.ndim == 2 and array.shape[0] == 1 and array.shape[1] != 1 else array
