"""The backward pass of a convolution or a pool, as text and for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.backward.pooling import maxima
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import WindowStep
from cnncli.io.width import output_width
from cnncli.views.exact_ops.steps import position_text, squeezed, step_records, step_text, unwrapped

POOL_METHODS = {
    "max": "each upstream value goes to the maximum of its window",
    "avg": "each upstream value, divided by the number of values",
    "l2": "upstream value * x / norm of the window",
}


def gradient_record(exercise: Exercise, upstream: Any, *, steps: bool) -> dict[str, Any]:
    """The gradients for JSON, with their ``steps`` on request. Raises CnnError."""
    rank = exercise.x.ndim - 1
    if exercise.pool:
        arrays: dict[str, Any] = {"input": unwrapped(exercise.pool_gradient(upstream), rank)}
        shown = {"input": exercise.pool_gradient_steps(upstream)} if steps else {}
    else:
        found = exercise.gradients(upstream)
        to_input, to_kernel = simplest(found.to_input), simplest(found.to_kernel)
        arrays = {"input": unwrapped(to_input, rank), "kernel": unwrapped(to_kernel, rank), "bias": found.to_bias}
        shown = dict(zip(("input", "kernel"), _steps(exercise, upstream, steps=steps), strict=True)) if steps else {}
    record: dict[str, Any] = {name: matrices.plain(array) for name, array in arrays.items()}
    return record | ({"steps": {name: step_records(each) for name, each in shown.items()}} if steps else {})


def gradient_lines(exercise: Exercise, upstream: Any, *, steps: bool) -> list[str]:
    """The gradients with the method of each, and their ``steps`` on request. Raises CnnError."""
    if exercise.pool:
        return [*_pool_lines(exercise, upstream, steps=steps)]
    found = exercise.gradients(upstream)
    input_steps, kernel_steps = _steps(exercise, upstream, steps=steps)
    lines = []
    for title, array, shown in (
        (_title("input", _input_method(exercise)), found.to_input, input_steps),
        (_title("kernel", _kernel_method(exercise)), found.to_kernel, kernel_steps),
    ):
        lines += [title, *map(step_text, shown), *matrices.lines(squeezed(simplest(array)), output_width()), ""]
    biases = ", ".join(map(matrices.shown, found.to_bias))
    return [*lines, f"to the bias (the sum of the upstream gradient): {biases}"]


def tie_note(exercise: Exercise) -> str:
    """A note on windows of a max pool with several equal maxima; empty if there are none."""
    tied = sum(one.equal > 1 for one in maxima(exercise.x, exercise.how)) if exercise.pool == "max" else 0
    return f"({tie_text(tied)})" if tied else ""


def tie_text(tied: int) -> str:
    """What happens at windows with several equal maxima, of which there are ``tied``."""
    of = "1 window has" if tied == 1 else f"{tied} windows have"
    return f"{of} several equal maxima: the first gets the gradient, as in PyTorch"


def _steps(exercise: Exercise, upstream: Any, *, steps: bool) -> tuple[list[WindowStep], list[WindowStep]]:
    if steps and exercise.flip:
        raise CnnError("--steps does not support --backward with --flip", "flip the kernel yourself")
    return exercise.gradient_steps(upstream) if steps else ([], [])


def _title(target: str, method: str) -> str:
    return fill(f"to the {target} ({method}):", matrices.WIDTH)


def _input_method(exercise: Exercise) -> str:
    if any(window.stride > 1 for window in exercise.how.windows):
        return "a transposed convolution of the upstream gradient with the kernel"
    cut = _padding_method(exercise)
    if exercise.flip:
        return f"the full cross-correlation of the upstream gradient with the kernel{cut}"
    return f"the full convolution of the upstream gradient with the kernel, rotated by 180 degrees{cut}"


def _padding_method(exercise: Exercise) -> str:
    """What happens to the gradients of the padding."""
    if not exercise.how.is_padded:
        return ""
    is_copied = exercise.how.mode != "zeros"
    return ", the padding added to the inputs that it copies" if is_copied else ", the padding cut off"


def _kernel_method(exercise: Exercise) -> str:
    rotated = ", rotated by 180 degrees" if exercise.flip else ""
    return f"the cross-correlation of the input with the upstream gradient{rotated}"


def _pool_lines(exercise: Exercise, upstream: Any, *, steps: bool) -> Iterator[str]:
    to_input = squeezed(exercise.pool_gradient(upstream))
    if steps:
        yield from _window_lines(exercise)
        yield ""
    yield _title("input", POOL_METHODS[exercise.pool])
    if steps:
        yield from map(step_text, exercise.pool_gradient_steps(upstream))
        yield ""
    yield from matrices.lines(to_input, output_width())


def _window_lines(exercise: Exercise) -> Iterator[str]:
    """Every window, and where its maximum is."""
    found = [*maxima(exercise.x, exercise.how)] if exercise.pool == "max" else []
    rank = exercise.x.ndim - (len(exercise.x) == 1)
    for at, step in enumerate(exercise.steps()):
        first = ", the first" if found and found[at].equal > 1 else ""
        where = f"{first} at ({position_text(found[at].input[-rank:])})" if found else ""
        yield step_text(step._replace(position=step.position[-rank:])) + where
