"""How a window slides over an array: its positions, its taps, and the border."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncli.arithmetic.window import (
    Window,
    fits,
    largest_border,
    largest_kernel,
    lost,
    named_padding,
    output_size,
)
from cnncli.errors import NO, CnnError
from cnncli.homework.exact_ops.matrix_files import VALUES_LIMIT
from cnncli.homework.exact_ops.numbers import simplest

MODES = {"zeros": "constant", "partial": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class StepPart(NamedTuple):
    """A named part of a step: the sum of one channel, or the bias, whose expression is empty."""

    name: str
    expression: str
    value: Any


class WindowStep(NamedTuple):
    """One value of the output: its position (with its channel, if there are several), its expression, and the value.

    A sum over several channels has its ``parts``, which the value adds.
    """

    position: tuple[int, ...]
    expression: str
    value: Any
    parts: tuple[StepPart, ...] = ()


class Sliding(NamedTuple):
    """One window per axis, and the padding mode."""

    windows: tuple[Window, ...]
    mode: str = "zeros"

    @property
    def is_padded(self) -> bool:
        """Whether any axis has padding."""
        return any(window.before or window.after for window in self.windows)

    @property
    def is_partial(self) -> bool:
        """Whether each sum is scaled by how much of its window is inside: partial convolution. Liu et al. 2018."""
        return self.mode == "partial" and self.is_padded


def sliding(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: str | Sequence[int | tuple[int, int]],
    dilation: Sequence[int],
    mode: str = "zeros",
) -> Sliding:
    """The windows for an input of these sizes. ``padding`` is per side, a pair per axis, or one of
    ``PADDING_NAMES``.

    Raises CnnError for a window that does not fit, a border that the mode cannot fill, and too many values.
    """
    windows = []
    for axis, (size, k, s, d) in enumerate(zip(sizes, kernel, stride, dilation, strict=True)):
        if isinstance(padding, str):
            before, after = named_padding(padding, size, k, s, d)
        else:
            before, after = both_sides(padding[axis])
        windows.append(Window(k, s, before, after, d))
    _check(sizes, windows, mode)
    return Sliding(tuple(windows), mode)


def both_sides(padding: int | tuple[int, int]) -> tuple[int, int]:
    """The padding of one axis, before and after, of one number for both sides or of a pair."""
    return padding if isinstance(padding, tuple) else (padding, padding)


def _check(sizes: Sequence[int], windows: Sequence[Window], mode: str) -> None:
    for size, window in zip(sizes, windows, strict=True):
        if not fits(size, window):
            raise CnnError(
                f"a kernel of {window.kernel} does not fit an input of {size} with padding {_border_text(window)}",
                f"use a kernel of at most {largest_kernel(size, window)}, or more padding",
                exit_code=NO,
            )
        most = largest_border(size, mode)
        if most is not None and max(window.before, window.after) > most:
            raise CnnError(f"an axis of {size} cannot be padded by {_border_text(window)} in {mode} mode")
    refuse_too_many(size + w.before + w.after for size, w in zip(sizes, windows, strict=True))


def _border_text(window: Window) -> str:
    return str(window.before) if window.before == window.after else f"{window.before} and {window.after}"


def refuse_too_many(sizes: Iterable[int]) -> None:
    """Raises CnnError for an array with too many values, before memory is allocated for it."""
    if prod(sizes) > VALUES_LIMIT:
        raise CnnError(f"more than {VALUES_LIMIT:,} values to compute (the limit)", "use smaller numbers")


def padded(x: Any, how: Sliding) -> Any:
    """The input with its border, (C, *padded)."""
    import numpy as np

    border = [(0, 0), *((window.before, window.after) for window in how.windows)]
    mode: Any = MODES[how.mode]
    return simplest(np.pad(x, border, mode=mode))  # numpy pads with its own integers, which overflow


def sources(sizes: Sequence[int], how: Sliding) -> Any:
    """For each place of the padded input, the index of the input value there in its flattened channel, (*padded).

    A zero of the padding has -1. Places that ``reflect``, ``replicate`` or ``circular`` fill have that of their origin.
    """
    import numpy as np

    border = [(window.before, window.after) for window in how.windows]
    indices, mode = np.arange(prod(sizes)).reshape(*sizes), MODES[how.mode]
    if mode == "constant":
        return np.pad(indices, border, constant_values=-1)
    filled: Any = mode
    return np.pad(indices, border, mode=filled)


def positions(sizes: Sequence[int], how: Sliding) -> tuple[int, ...]:
    """The number of positions of the window along each axis."""
    return tuple(map(output_size, sizes, how.windows))


def taps(x: Any, how: Sliding, tap: tuple[int, ...], counts: tuple[int, ...]) -> Any:
    """The values under one tap of the kernel at all positions, (C, *positions)."""
    slices = tuple(
        slice(t * w.dilation, t * w.dilation + (count - 1) * w.stride + 1, w.stride)
        for t, w, count in zip(tap, how.windows, counts, strict=True)
    )
    return x[(slice(None), *slices)]


def patch(padded_x: Any, how: Sliding, position: tuple[int, ...]) -> Any:
    """The values of the padded input under the window at a position of the output, (C, *kernel)."""
    slices = tuple(
        slice(at * w.stride, at * w.stride + w.effective_kernel, w.dilation)
        for at, w in zip(position, how.windows, strict=True)
    )
    return padded_x[(slice(None), *slices)]


def dropped_rows(sizes: Sequence[int], how: Sliding) -> tuple[int, ...]:
    """The number of rows and columns at the end of the input that no window covers."""
    return tuple(map(lost, sizes, how.windows))
