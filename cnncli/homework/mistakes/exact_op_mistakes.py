"""The value that each mistake gives for a convolution or a pool. Results are feature maps of exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Any

from cnncli.arithmetic.window import fits, largest_border
from cnncli.errors import CnnError
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.matrices import Maps, maps_of
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import Sliding, padded, patch
from cnncli.homework.mistakes.texts import BORDERS, POOL_NAMES


def nested(array: Any) -> Maps:
    """The feature maps of a result (channels, *positions) as exact numbers, which can be compared.

    In one dimension, (channels, positions), each feature map is a row.
    """
    return maps_of(array if array.ndim > 2 else array[:, None])


def of_exercise(exercise: Exercise) -> dict[str, Maps | None]:
    """The value that each mistake gives; None where it cannot be made."""
    found = dict(_of_pool(exercise) if exercise.pool else _of_convolution(exercise))
    found |= _of_border(exercise)
    return found | of_result(exercise.result())


def of_result(result: Any) -> dict[str, Maps | None]:
    """The value that each mistake in writing down a result (channels, *positions) gives.

    Results with roots are texts, which have no sign to reverse.
    """
    is_number = not any(isinstance(value, str) for value in result.reshape(-1))
    return {
        "result_transposed": nested(result.swapaxes(-1, -2)) if result.ndim > 2 else None,
        "sign_reversed": nested(-result) if is_number else None,
        "relu_applied": nested(_each(result, lambda value: max(value, 0))) if is_number else None,
    }


def _result_of(exercise: Exercise) -> Maps | None:
    """The result, or None where there is none, as where a window lies entirely in the padding."""
    try:
        return nested(exercise.result())
    except CnnError:
        return None


def _each(values: Any, function: Callable[[Any], Any]) -> Any:
    import numpy as np

    return np.frompyfunc(function, 1, 1)(values)


def _of_border(exercise: Exercise) -> dict[str, Maps | None]:
    """The results with another filling of the border."""
    how = exercise.how
    if not how.is_padded or exercise.transposed or how.mode == "partial" or exercise.pool == "max":
        return {}
    modes = [mode for mode in BORDERS if mode != how.mode and _can_fill(exercise, mode)]
    return {
        f"border_filled#of {BORDERS[mode]}": _result_of(
            exercise._replace(how=how._replace(mode=mode), count_include_pad=True)
        )
        for mode in modes
    }


def _can_fill(exercise: Exercise, mode: str) -> bool:
    """Whether a padding mode has enough values for the border on every axis."""
    for size, window in zip(exercise.x.shape[1:], exercise.how.windows, strict=True):
        most = largest_border(size, mode)
        if most is not None and max(window.before, window.after) > most:
            return False
    return True


def of_gradient(exercise: Exercise, upstream: Any, find: str) -> dict[str, Maps | None]:
    """The value that each mistake gives for the gradient to the ``input`` or to the ``kernel``, at an upstream one."""
    result = gradient_of(exercise, upstream, find)
    found = of_result(result)
    if exercise.pool:
        for kind in ("max", "avg"):
            if kind != exercise.pool:
                other = exercise._replace(pool=kind, count_include_pad=True)
                found[f"pool_kind#of {POOL_NAMES[kind]}"] = _gradient_or_none(other, upstream, find)
        return found
    name = "flip_missing#omitted" if exercise.flip else "flip_missing"
    found[name] = nested(gradient_of(exercise._replace(flip=not exercise.flip), upstream, find))
    return found


def _gradient_or_none(exercise: Exercise, upstream: Any, find: str) -> Maps | None:
    try:
        return nested(gradient_of(exercise, upstream, find))
    except CnnError:  # a window lies entirely in the padding
        return None


def gradient_of(exercise: Exercise, upstream: Any, find: str) -> Any:
    """The gradient to the ``input`` or to the ``kernel``, (maps, *sizes), exactly."""
    if exercise.pool:
        return exercise.pool_gradient(upstream)
    found = exercise.gradients(upstream)
    to_kernel = found.to_kernel.reshape(-1, *found.to_kernel.shape[2:])
    return simplest(found.to_input if find == "input" else to_kernel)


def _slid(exercise: Exercise, **changed: Any) -> Any:
    """The result with changed windows, or None where such a window does not fit."""
    windows = tuple(window._replace(**changed) for window in exercise.how.windows)
    if not exercise.transposed and not all(map(fits, exercise.x.shape[1:], windows)):
        return None
    return _result_of(exercise._replace(how=Sliding(windows, exercise.how.mode)))


def _of_convolution(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    name = "flip_missing#omitted" if exercise.flip else "flip_missing"
    yield name, _result_of(exercise._replace(flip=not exercise.flip))
    for name, kernel in _half_flipped(exercise.kernel):
        yield name, _result_of(exercise._replace(kernel=kernel, flip=False))
    yield "padding_ignored", _slid(exercise, before=0, after=0)
    yield "stride_ignored", _slid(exercise, stride=1)
    yield "dilation_ignored", _slid(exercise, dilation=1)
    if any(exercise.bias):
        yield "forgot_bias", _result_of(exercise._replace(bias=(0,) * len(exercise.bias)))
    if len(exercise.x) > 1 and not exercise.transposed:
        maps = [
            exercise._replace(x=exercise.x[at : at + 1], kernel=exercise.kernel[:, at : at + 1]).result()
            for at in range(len(exercise.x))
        ]
        yield "channel_sum_missing", tuple(matrix for one in maps for matrix in nested(one))
    if not any(exercise.bias) and not exercise.transposed:
        for name, axes in (("mean_for_sum", 2), ("mean_for_sum#1", 1)):  # of each channel, or of all
            yield name, nested(simplest(exercise.result() * Fraction(1, prod(exercise.kernel.shape[axes:]))))
    if exercise.transposed:
        yield from _of_transposed(exercise)


def _of_transposed(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    """A transposed convolution (C, filters, *kernel) as a convolution, or without its output padding."""
    if all(map(fits, exercise.x.shape[1:], exercise.how.windows)):
        kernel = exercise.kernel.swapaxes(0, 1)
        yield "transposed_inverted#convolved", _result_of(exercise._replace(kernel=kernel, transposed=False))
    if exercise.output_padding:
        yield "transposed_inverted#output_padding", _result_of(exercise._replace(output_padding=0))


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
            yield f"pool_kind#of {POOL_NAMES[kind]}", _result_of(exercise._replace(pool=kind))
    if exercise.pool == "avg":
        yield "sum_for_mean", _windows(exercise, sum)
    by_kernel = all(window.stride == window.kernel for window in exercise.how.windows)
    yield ("pool_stride_one" if by_kernel else "stride_ignored"), _slid(exercise, stride=1)
    yield "padding_ignored", _slid(exercise, before=0, after=0)
    if exercise.pool == "l2":
        yield "l2_pool_no_root", _windows(exercise, lambda values: sum(value * value for value in values))
        yield "l2_pool_no_root#mean", _windows(exercise, lambda v: Fraction(sum(x * x for x in v)) / len(v))
    if exercise.pool == "avg" and exercise.how.is_padded and exercise.how.mode == "zeros":
        name = "avg_pads_in_divisor" if exercise.count_include_pad else "avg_pads_in_divisor#counted"
        yield name, _result_of(exercise._replace(count_include_pad=not exercise.count_include_pad))


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
