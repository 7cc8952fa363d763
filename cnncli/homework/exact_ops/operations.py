"""Convolution and pooling as the lectures work them by hand: exactly, window by window.

Arrays are (C, *spatial), kernels (filters, C, *kernel); numbers are whole or fractions and stay so (floats for
pictures). A "convolution" is a cross-correlation, as in all libraries, unless the kernel is flipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, NamedTuple

from cnncli.arithmetic.window import (
    Window,
    dropped,
    fits,
    largest_border,
    largest_kernel,
    named_padding,
    output_size,
    transposed_size,
)
from cnncli.errors import NO, CnnError
from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.exact_ops.matrix_files import VALUES_LIMIT
from cnncli.homework.exact_ops.numbers import exactly, square_root

FILTERS: dict[str, list[list[Any]]] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "vertical_edge": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "sobel_x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel_y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "box_blur": [[Fraction(1, 9)] * 3] * 3,
    "gaussian": [[Fraction(value, 16) for value in row] for row in ([1, 2, 1], [2, 4, 2], [1, 2, 1])],
}
MODES = {"zeros": "constant", "partial": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class WindowStep(NamedTuple):
    """One window: the position and channel of the output, what is worked out there, and what it comes to."""

    position: tuple[int, ...]
    working: str
    value: Any


class Sliding(NamedTuple):
    """How a window slides: one per axis, and what the border is made of."""

    windows: tuple[Window, ...]
    mode: str = "zeros"


def sliding(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: int | str | Sequence[int],
    dilation: Sequence[int],
    mode: str = "zeros",
) -> Sliding:
    """The windows of an input of these sizes. ``padding`` is per side, or valid, same or full. Raises CnnError."""
    windows = []
    for axis, (size, k, s, d) in enumerate(zip(sizes, kernel, stride, dilation, strict=True)):
        if isinstance(padding, str):
            before, after = named_padding(padding, size, k, s, d)
        else:
            before = after = padding if isinstance(padding, int) else padding[axis]
        windows.append(Window(k, s, before, after, d))
    _check(sizes, windows, mode)
    return Sliding(tuple(windows), mode)


def _check(sizes: Sequence[int], windows: Sequence[Window], mode: str) -> None:
    for size, window in zip(sizes, windows, strict=True):
        if not fits(size, window):
            raise CnnError(
                f"a kernel of {window.kernel} does not fit an input of {size} with padding {window.before}",
                f"use a kernel of at most {largest_kernel(size, window)}, or more padding",
                exit_code=NO,
            )
        most = largest_border(size, mode)
        if most is not None and max(window.before, window.after) > most:
            raise CnnError(f"an axis of {size} cannot be padded by {window.before} in {mode} mode")
    refuse_too_many(size + w.before + w.after for size, w in zip(sizes, windows, strict=True))


def refuse_too_many(sizes: Iterable[int]) -> None:
    """Raises CnnError for axes of more values than are worked out by hand, before memory is spent on them."""
    if prod(sizes) > VALUES_LIMIT:
        raise CnnError(f"there are more than {VALUES_LIMIT:,} values to work out (the limit)", "use smaller numbers")


def padded(x: Any, how: Sliding) -> Any:
    """The input with its border, (C, *padded)."""
    import numpy as np

    border = [(0, 0), *((window.before, window.after) for window in how.windows)]
    mode: Any = MODES[how.mode]
    return simplest(np.pad(x, border, mode=mode))  # numpy's zeros are its own integers, which overflow


def _positions(sizes: Sequence[int], how: Sliding) -> tuple[int, ...]:
    return tuple(map(output_size, sizes, how.windows))


def _taps(x: Any, how: Sliding, tap: tuple[int, ...], counts: tuple[int, ...]) -> Any:
    """The values under one tap of the kernel at all positions, (C, *positions)."""
    slices = tuple(
        slice(t * w.dilation, t * w.dilation + (count - 1) * w.stride + 1, w.stride)
        for t, w, count in zip(tap, how.windows, counts, strict=True)
    )
    return x[(slice(None), *slices)]


def convolve(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding) -> Any:
    """Cross-correlation: y[f, p] = bias[f] + sum over c, k of kernel[f, c, k] x[c, p s + k d - padding].

    (C, *sizes) and (filters, C, *kernel) to (filters, *positions). Partial padding multiplies by the window's area over
    the part of it inside the image. Raises CnnError where the channels differ.
    """
    if kernel.shape[1] != x.shape[0]:
        raise CnnError(f"the kernel has {kernel.shape[1]} channels, and the input {x.shape[0]}", "give one for each")
    whole, counts = padded(x, how), _positions(x.shape[1:], how)
    total: Any = 0
    for tap in product(*map(range, kernel.shape[2:])):
        weights = kernel[(slice(None), slice(None), *tap)]
        total = total + _combined(weights, _taps(whole, how, tap, counts))
    if how.mode == "partial":
        total = total * _border_ratio(x, how)
    each = (-1, *(1,) * (x.ndim - 1))
    return total + _as_array(bias, total.dtype).reshape(each)


def _combined(weights: Any, values: Any) -> Any:
    """(F, C) and (C, *positions) to (F, *positions), also of exact numbers."""
    import numpy as np

    return np.tensordot(weights, values, axes=(1, 0))


def _as_array(values: Sequence[Any], dtype: Any) -> Any:
    import numpy as np

    return np.array([*values], dtype=dtype)


def _border_ratio(x: Any, how: Sliding) -> Any:
    """The window's area over the part of it inside the image. Liu et al. 2018, formula 3."""
    import numpy as np

    ones = padded(np.ones((1, *x.shape[1:]), dtype=object), how)
    counts, area = _positions(x.shape[1:], how), prod(window.kernel for window in how.windows)
    inside: Any = 0
    for tap in product(*(range(window.kernel) for window in how.windows)):
        inside = inside + _taps(ones, how, tap, counts)
    ratio = np.frompyfunc(lambda n: exactly(Fraction(area, n)) if n else 0, 1, 1)(inside)
    return ratio if x.dtype == object else ratio.astype(float)


def simplest(array: Any) -> Any:
    """An array with whole fractions as whole numbers."""
    import numpy as np

    return np.frompyfunc(exactly, 1, 1)(array) if array.dtype == object else array


def flipped(kernel: Any) -> Any:
    """The kernel turned by 180 degrees: with it, cross-correlation is convolution."""
    return kernel[(slice(None), slice(None), *(slice(None, None, -1) for _ in kernel.shape[2:]))]


def convolution_steps(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding) -> Iterator[WindowStep]:
    """Every window with its products and their sum: ``1*1 + 1*0 + … = 4``."""
    whole, counts = padded(x, how), _positions(x.shape[1:], how)
    result = simplest(convolve(x, kernel, bias, how))
    ratio = simplest(_border_ratio(x, how)) if how.mode == "partial" else None
    for number, position in product(range(len(kernel)), product(*map(range, counts))):
        pairs = zip(patch(whole, how, position).reshape(-1), kernel[number].reshape(-1), strict=True)
        terms = [f"{_factor(value)}*{_factor(weight)}" for value, weight in pairs]
        working = " + ".join(terms)
        if ratio is not None:
            working = f"({working}) * {_factor(ratio[(0, *position)])}"
        if bias[number]:
            working += f" + {_factor(bias[number])}"
        value = result[(number, *position)]
        yield WindowStep((number, *position) if len(kernel) > 1 else position, working, value)


def _factor(value: Any) -> str:
    text = shown(value)
    return f"({text})" if text.startswith("-") or "/" in text else text


def patch(whole: Any, how: Sliding, position: tuple[int, ...]) -> Any:
    """What lies under the window at a position of the output."""
    slices = tuple(
        slice(at * w.stride, at * w.stride + w.effective_kernel, w.dilation)
        for at, w in zip(position, how.windows, strict=True)
    )
    return whole[(slice(None), *slices)]


# Pooling ----------------------------------------------------------------------------------------------------------


def pool(x: Any, kind: str, how: Sliding) -> Any:
    """The maximum, average (zeros of the padding count) or L2 norm (root of the sum of squares) of each window.

    A root that is not whole stays a text: ``sqrt(30)``; of pictures it is a number.
    """
    import numpy as np

    result = np.empty((x.shape[0], *_positions(x.shape[1:], how)), dtype=x.dtype)
    for step in pool_steps(x, kind, how):
        result[step.position] = step.value
    return result


def pool_steps(x: Any, kind: str, how: Sliding) -> Iterator[WindowStep]:
    """Every window with what is worked out of it."""
    lowest = min(x.reshape(-1)) - 1
    whole = _padded_with(x, how, lowest) if kind == "max" and how.mode == "zeros" else padded(x, how)
    for channel, position in product(range(x.shape[0]), product(*map(range, _positions(x.shape[1:], how)))):
        values = [*patch(whole[channel : channel + 1], how, position).reshape(-1)]
        if kind == "max":
            values = [value for value in values if value != lowest]  # padding never wins
        if not values:
            raise CnnError("a window of the pool lies wholly in the padding", "use less padding")
        working, value = _POOLS[kind](values)
        yield WindowStep((channel, *position), working, value)


def _padded_with(x: Any, how: Sliding, value: Any) -> Any:
    import numpy as np

    border = [(0, 0), *((window.before, window.after) for window in how.windows)]
    return np.pad(x, border, constant_values=value)


def _maximum(values: list[Any]) -> tuple[str, Any]:
    return f"max({', '.join(map(shown, values))})", max(values)


def _average(values: list[Any]) -> tuple[str, Any]:
    total = sum(values)
    mean = exactly(Fraction(total) / len(values)) if isinstance(total, int | Fraction) else total / len(values)
    return f"({' + '.join(map(_factor, values))}) / {len(values)}", mean


def _l2(values: list[Any]) -> tuple[str, Any]:
    squares = sum(value * value for value in values)
    working = f"sqrt({' + '.join(f'{_factor(value)}^2' for value in values)})"
    return working, square_root(squares)


_POOLS = {"max": _maximum, "avg": _average, "l2": _l2}


# Transposed convolution and gradients ------------------------------------------------------------------------------


def transposed(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding, extra: int = 0) -> Any:
    """Each value of the input, times the kernel, added into the output: the convolution's gradient to its input.

    (C, *sizes) and (C, filters, *kernel) to (filters, *larger). The padding is cut off.
    """
    import numpy as np

    pairs = list(zip(x.shape[1:], how.windows, strict=True))
    spread = [transposed_size(size, window._replace(before=0, after=0), extra) for size, window in pairs]
    whole: Any = np.zeros((kernel.shape[1], *spread), dtype=x.dtype)
    for tap in product(*map(range, kernel.shape[2:])):
        slices = tuple(
            slice(t * w.dilation, t * w.dilation + (n - 1) * w.stride + 1, w.stride)
            for t, w, n in zip(tap, how.windows, x.shape[1:], strict=True)
        )
        weights = kernel[(slice(None), slice(None), *tap)]
        whole[(slice(None), *slices)] += _combined(weights.T, x)
    cut = tuple(slice(w.before, w.before + transposed_size(size, w, extra)) for size, w in pairs)
    each = (-1, *(1,) * (x.ndim - 1))
    return whole[(slice(None), *cut)] + _as_array(bias, x.dtype).reshape(each)


def transposed_steps(x: Any, kernel: Any, bias: Sequence[Any], how: Sliding, extra: int = 0) -> Iterator[WindowStep]:
    """Every value of the output with the products that fall on it: value of the input times weight."""
    result = simplest(transposed(x, kernel, bias, how, extra))
    terms: dict[tuple[int, ...], list[str]] = {}
    for number, channel in product(range(kernel.shape[1]), range(len(x))):
        for place in product(*map(range, x.shape[1:])):
            for tap in product(*map(range, kernel.shape[2:])):
                at = tuple(
                    p * w.stride + t * w.dilation - w.before for p, t, w in zip(place, tap, how.windows, strict=True)
                )
                text = f"{_factor(x[(channel, *place)])}*{_factor(kernel[(channel, number, *tap)])}"
                terms.setdefault((number, *at), []).append(text)
    for position in product(*map(range, result.shape)):
        working = " + ".join(terms.get(position, ["0"]))
        added = f" + {_factor(bias[position[0]])}" if bias[position[0]] else ""
        yield WindowStep(position if len(result) > 1 else position[1:], working + added, result[position])


class Gradients(NamedTuple):
    """Of the loss, to the input, the kernel and the bias."""

    to_input: Any
    to_kernel: Any
    to_bias: Any


def gradients(x: Any, kernel: Any, upstream: Any, how: Sliding) -> Gradients:
    """The backward pass of :func:`convolve` for the gradient ``upstream`` at its output, (filters, *positions).

    To the input: a transposed convolution, which at stride 1 is the full convolution of the upstream gradient with the
    flipped kernel. To the kernel: the cross-correlation of the input with the upstream gradient.
    Raises CnnError where upstream has another shape than the output, and for borders that are not of zeros.
    """
    import numpy as np

    if how.mode != "zeros" and any(window.before or window.after for window in how.windows):
        raise CnnError(f"the backward pass is worked out for zeros around the input, not for {how.mode}")
    counts = _positions(x.shape[1:], how)
    if upstream.shape != (kernel.shape[0], *counts):
        wanted = "x".join(map(str, (kernel.shape[0], *counts)))
        raise CnnError(f"the upstream gradient must have the output's shape {wanted}")
    whole: Any = padded(x, how)
    to_kernel: Any = np.zeros(kernel.shape, dtype=x.dtype)
    to_whole: Any = np.zeros(whole.shape, dtype=x.dtype)
    for tap in product(*map(range, kernel.shape[2:])):
        seen = _taps(whole, how, tap, counts).reshape(x.shape[0], -1)
        flat = upstream.reshape(kernel.shape[0], -1)
        to_kernel[(slice(None), slice(None), *tap)] = flat @ seen.T
        weights = kernel[(slice(None), slice(None), *tap)]
        _taps(to_whole, how, tap, counts)[...] += _combined(weights.T, upstream)
    inside = tuple(slice(w.before, w.before + n) for w, n in zip(how.windows, x.shape[1:], strict=True))
    to_bias = upstream.reshape(kernel.shape[0], -1).sum(1)
    return Gradients(to_whole[(slice(None), *inside)], to_kernel, to_bias)


Worked = list[tuple[tuple[int, ...], str, Any]]


def gradient_steps(x: Any, kernel: Any, upstream: Any, how: Sliding) -> tuple[Worked, Worked]:
    """Every value of the gradients to the input and to the kernel (as it is slid), with the products that it sums."""
    to_input: dict[tuple[int, ...], list[str]] = {}
    to_kernel: dict[tuple[int, ...], list[str]] = {}
    found, whole = gradients(x, kernel, upstream, how), padded(x, how)
    for number, channel in product(range(len(kernel)), range(len(x))):
        for place in product(*map(range, upstream.shape[1:])):
            for tap in product(*map(range, kernel.shape[2:])):
                under = tuple(p * w.stride + t * w.dilation for p, t, w in zip(place, tap, how.windows, strict=True))
                at = tuple(u - w.before for u, w in zip(under, how.windows, strict=True))
                g, weight = _factor(upstream[(number, *place)]), _factor(kernel[(number, channel, *tap)])
                to_input.setdefault((channel, *at), []).append(f"{g}*{weight}")
                value = _factor(whole[(channel, *under)])
                to_kernel.setdefault((number, channel, *tap), []).append(f"{value}*{g}")

    def listed(terms: dict[tuple[int, ...], list[str]], array: Any, lead: int) -> Worked:
        places = product(*map(range, array.shape))
        hidden = lead if all(n == 1 for n in array.shape[:lead]) else 0
        return [(at[hidden:], " + ".join(terms.get(at, ["0"])), array[at]) for at in places]

    return listed(to_input, simplest(found.to_input), 1), listed(to_kernel, simplest(found.to_kernel), 2)


def left_out(sizes: Sequence[int], how: Sliding) -> tuple[int, ...]:
    """Rows and columns of the input itself, at its end, that no window covers."""
    return tuple(max(0, dropped(n, w) - w.after) for n, w in zip(sizes, how.windows, strict=True))
