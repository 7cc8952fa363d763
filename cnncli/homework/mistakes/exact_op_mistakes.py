"""The value that each mistake gives for a convolution or a pool. Results are feature maps of exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cnncli.arithmetic.window import fits
from cnncli.errors import CnnError
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.matrices import Maps, maps_of
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import Sliding, padded, patch
from cnncli.homework.mistakes.texts import Candidates


def nested(array: Any) -> Maps:
    """The feature maps of a result (channels, *positions) as exact numbers, which can be compared.

    In one dimension, (channels, positions), each feature map is a row.
    """
    return maps_of(array if array.ndim > 2 else array[:, None])


def of_exercise(exercise: Exercise) -> Candidates:
    """The value that each mistake gives; mistakes that give the correct result are left out."""
    found = dict(_of_pool(exercise) if exercise.pool else _of_convolution(exercise))
    expected = nested(exercise.result())
    return {name: value for name, value in found.items() if value is not None and value != expected}


def _slid(exercise: Exercise, **changed: Any) -> Any:
    """The result with changed windows, or None where such a window does not fit."""
    windows = tuple(window._replace(**changed) for window in exercise.how.windows)
    if not exercise.transposed and not all(map(fits, exercise.x.shape[1:], windows)):
        return None
    return nested(exercise._replace(how=Sliding(windows, exercise.how.mode)).result())


def _of_convolution(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    name = "flip_missing#omitted" if exercise.flip else "flip_missing"
    yield name, nested(exercise._replace(flip=not exercise.flip).result())
    for name, kernel in _half_flipped(exercise.kernel):
        yield name, nested(exercise._replace(kernel=kernel, flip=False).result())
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


def _half_flipped(weights: Any) -> Iterator[tuple[str, Any]]:
    """Kernels (filters, C, *kernel) of at least two dimensions that were flipped along one of them, or transposed."""
    if weights.ndim > 3:
        yield "flip_one_axis", weights[..., ::-1]
        yield "flip_one_axis#height", weights[..., ::-1, :]
        if weights.shape[-1] == weights.shape[-2]:
            yield "flip_one_axis#transposed", weights.swapaxes(-1, -2)


def _of_pool(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    for kind in ("max", "avg", "l2"):
        if kind != exercise.pool:
            yield f"pool_kind#{kind} pooling", nested(exercise._replace(pool=kind).result())
    yield "pool_stride_one", _slid(exercise, stride=1)
    yield "padding_ignored", _slid(exercise, before=0, after=0)
    if exercise.pool == "l2":
        yield "l2_pool_no_root", _windows(exercise, lambda values: sum(value * value for value in values))
        yield "l2_pool_no_root#mean", _windows(exercise, lambda v: Fraction(sum(x * x for x in v)) / len(v))
    if exercise.pool == "avg" and exercise.how.is_padded and exercise.how.mode == "zeros":
        name = "avg_pads_in_divisor" if exercise.count_include_pad else "avg_pads_in_divisor#counted"
        yield name, _with_other_divisor(exercise)


def _windows(exercise: Exercise, value: Any) -> Any:
    """A pool with another rule: the ``value`` of the numbers under each window."""
    import numpy as np

    made = np.empty_like(exercise.result())
    whole = padded(exercise.x, exercise.how)
    for step in exercise.steps():
        channel, *position = step.position
        window = patch(whole[channel : channel + 1], exercise.how, tuple(position))
        made[step.position] = value([*window.reshape(-1)])
    return nested(simplest(made))


def _with_other_divisor(exercise: Exercise) -> Maps | None:
    """The averages with the padding in the divisor where it is not, and without it where it is."""
    try:
        return nested(exercise._replace(count_include_pad=not exercise.count_include_pad).result())
    except CnnError:  # a window lies entirely in the padding
        return None
