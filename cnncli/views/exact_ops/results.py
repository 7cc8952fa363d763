"""The output of a convolution or a pool with its steps, as text and for JSON."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncli.arithmetic.axes import lines_text
from cnncli.errors import CnnError
from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.sliding import WindowStep, dropped_rows
from cnncli.io.width import output_width
from cnncli.views.exact_ops.steps import squeezed, step_records, step_text, unwrapped

VALUES_LIMIT = 100_000  # values of a result that are printed
STEPS_LIMIT = 10_000  # windows that --steps prints


def result_record(exercise: Exercise, *, steps: bool) -> dict[str, Any]:
    """The output for JSON, with its ``steps`` on request. Raises CnnError."""
    shown = _steps(exercise) if steps else []
    array = unwrapped(exercise.result(), exercise.x.ndim - 1)
    record: dict[str, Any] = {"output": matrices.plain(array), "shape": list(array.shape)}
    return record | ({"steps": step_records(shown)} if shown else {})


def result_lines(exercise: Exercise, *, steps: bool) -> list[str]:
    """The output, after its ``steps`` on request. Raises CnnError."""
    count = prod(exercise.output_shape)
    if count > VALUES_LIMIT:
        message = f"the result has {count:,} values: more than {VALUES_LIMIT:,} are not printed (the limit)"
        raise CnnError(message, "use a smaller input or less padding, or --format json")
    shown = _steps(exercise) if steps else []
    result = squeezed(exercise.result())
    return [*map(step_text, shown), *([""] if shown else []), *matrices.lines(result, output_width())]


def dropped_note(exercise: Exercise) -> str:
    """A note on rows at the end of the input that no window covers; empty if there are none."""
    dropped = () if exercise.transposed else dropped_rows(exercise.x.shape[1:], exercise.how)
    return f"(no window covers the last {lines_text(dropped)} of the input)" if any(dropped) else ""


def _steps(exercise: Exercise) -> list[WindowStep]:
    """The steps of the output; their positions name the filter only if there are several. Raises CnnError."""
    if prod(exercise.output_shape) > STEPS_LIMIT:
        raise CnnError(f"--steps: more than {STEPS_LIMIT:,} windows (the limit)", "use a smaller input")
    rank = exercise.x.ndim - 1
    several = exercise.output_shape[0] > 1
    return [step if several else step._replace(position=step.position[-rank:]) for step in exercise.steps()]
