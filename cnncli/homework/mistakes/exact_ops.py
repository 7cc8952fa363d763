"""What each mistake makes of a convolution or a pool worked by hand. Results are maps of exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cnncli.arithmetic.window import fits
from cnncli.homework.exact_ops import operations
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.matrices import Maps, maps_of
from cnncli.homework.exact_ops.operations import Sliding
from cnncli.homework.mistakes import Candidates


def nested(array: Any) -> Maps:
    """The maps of a result (channels, *positions). Exact, so that an answer can be compared.

    Of a result in one dimension, (channels, positions), each map is a row.
    """
    return maps_of(array if array.ndim > 2 else array[:, None])


def of_exercise(exercise: Exercise) -> Candidates:
    """What each mistake gives, but for those that give the right result."""
    found = dict(_of_pool(exercise) if exercise.pool else _of_convolution(exercise))
    truth = nested(exercise.result())
    return {name: value for name, value in found.items() if value is not None and value != truth}


def _slid(exercise: Exercise, **changed: Any) -> Any:
    """The result with windows changed, None where such a window would not fit."""
    windows = tuple(window._replace(**changed) for window in exercise.how.windows)
    if not exercise.transposed and not all(map(fits, exercise.x.shape[1:], windows)):
        return None
    return nested(exercise._replace(how=Sliding(windows, exercise.how.mode)).result())


def _of_convolution(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    yield "flip_missing", nested(exercise._replace(flip=not exercise.flip).result())
    for at, half in enumerate(_half_flipped(exercise.kernel)):
        yield f"flip_one_axis#{at}", nested(exercise._replace(kernel=half, flip=False).result())
    yield "padding_ignored", _slid(exercise, before=0, after=0)
    yield "stride_ignored", _slid(exercise, stride=1)
    yield "dilation_ignored", _slid(exercise, dilation=1)
    if any(exercise.bias):
        yield "forgot_bias", nested(exercise._replace(bias=(0,) * len(exercise.bias)).result())
    if len(exercise.x) > 1 and not exercise.transposed:
        maps = [
            exercise._replace(x=exercise.x[at : at + 1], kernel=exercise.kernel[:, at : at + 1]).result()
            for at in range(len(exercise.x))
        ]
        yield "channel_sum_missing", tuple(matrix for one in maps for matrix in nested(one))


def _half_flipped(weights: Any) -> list[Any]:
    swapped = [weights[..., ::-1]]
    if weights.ndim > 3:
        swapped.append(weights[..., ::-1, :])
        if weights.shape[-1] == weights.shape[-2]:
            swapped.append(weights.swapaxes(-1, -2))
    return swapped


def _of_pool(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    for kind in ("max", "avg", "l2"):
        if kind != exercise.pool:
            yield f"pool_kind#this is {kind} pooling", nested(exercise._replace(pool=kind).result())
    yield "pool_stride_one", _slid(exercise, stride=1)
    yield "padding_ignored", _slid(exercise, before=0, after=0)
    if exercise.pool == "l2":
        yield "l2_pool_no_root", _windows(exercise, lambda values: sum(value * value for value in values))
        yield "l2_pool_no_root#mean", _windows(exercise, lambda v: Fraction(sum(x * x for x in v)) / len(v))
    if exercise.pool == "avg" and any(window.before or window.after for window in exercise.how.windows):
        yield "avg_pads_in_divisor", _average_inside(exercise)


def _windows(exercise: Exercise, value: Any) -> Any:
    """A pool with another rule: ``value`` of the numbers under each window."""
    import numpy as np

    made = np.empty_like(exercise.result())
    whole = operations.padded(exercise.x, exercise.how)
    for step in exercise.steps():
        channel, *position = step.position
        patch = operations.patch(whole[channel : channel + 1], exercise.how, tuple(position))
        made[step.position] = value([*patch.reshape(-1)])
    return nested(operations.simplest(made))


def _average_inside(exercise: Exercise) -> Any:
    """The average over what lies inside the input."""
    import numpy as np

    ones = Exercise(np.ones(exercise.x.shape, dtype=object), None, (), exercise.how, pool="avg")
    inside = np.frompyfunc(lambda mean, share: Fraction(mean) / share, 2, 1)(exercise.result(), ones.result())
    return nested(operations.simplest(inside))
