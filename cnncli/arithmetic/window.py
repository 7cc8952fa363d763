"""A window that slides along one axis, and the size formula.

Everything that slides (convolution, pooling) goes through :class:`Window`; no other module divides sizes. Dumoulin and
Visin 2016, A guide to convolution arithmetic for deep learning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd
from typing import NamedTuple

from cnncli.arithmetic.shape import Size, common_divisor, exact_quotient, is_symbolic, larger, smaller


class Window(NamedTuple):
    """``kernel`` taps, ``dilation`` apart, moved by ``stride`` over an axis with ``before`` + ``after`` padding.

    ``ceil`` counts a last window that hangs over the end, as PyTorch's ``ceil_mode`` does. ``exact`` states that the
    stride divides the last start, so that the size formula needs no floor.
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False
    exact: bool = False

    @property
    def effective_kernel(self) -> int:
        """Length from the first tap to the last: ``dilation * (kernel - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1


def last_start(size: Size, window: Window) -> Size:
    """The last index of the padded axis at which the window can start; negative where it does not fit."""
    return size + window.before + window.after - window.effective_kernel


def fits(size: Size, window: Window) -> bool:
    """Whether the window fits the padded axis. Ask before dividing: ``//`` hides negative sizes."""
    start = last_start(size, window)
    return start > -window.stride if window.ceil else start >= 0


def output_size(size: Size, window: Window) -> Size:
    """Number of positions: ``floor((size + before + after - effective kernel) / stride) + 1``.

    With ``ceil``, the ceiling instead, but at most the ``ceil((size + before) / stride)`` windows that start before the
    padding at the end (PyTorch's rule). The window must fit (:func:`fits`).

    >>> output_size(7, Window(kernel=3, stride=2)), output_size(32, Window(kernel=5, before=2, after=2))
    (3, 32)
    """
    start = last_start(size, window)
    if window.exact:
        return exact_quotient(start, window.stride) + 1
    if not window.ceil:
        return start // window.stride + 1
    return smaller(-(-start // window.stride) + 1, -(-(size + window.before) // window.stride))


def covered(positions: Size, window: Window) -> Size:
    """Length of the padded axis from the first tap of the first position to the last tap of the last one."""
    return (positions - 1) * window.stride + window.effective_kernel


def transposed_size(size: Size, window: Window, output_padding: int) -> Size:
    """Size after a transposed window: ``(size - 1) * stride + effective kernel - before - after + output_padding``.

    This inverts :func:`output_size`: it is the smallest input size that the window maps to ``size``, plus the
    ``output_padding`` that the floor drops.

    >>> transposed_size(16, Window(kernel=2, stride=2), output_padding=0)
    32
    """
    return covered(size, window) - window.before - window.after + output_padding


def remainder(size: Size, window: Window) -> Size:
    """The part of the padded axis after the last full step; 0 where the window fits exactly.

    >>> remainder(7, Window(kernel=3, stride=3)), remainder(7, Window(kernel=3, stride=2))
    (1, 0)
    """
    return last_start(size, window) % window.stride


def dropped(size: Size, window: Window) -> Size:
    """Rows (columns) at the end of the padded axis that no position of the window covers."""
    return larger(0, window.after - overhang(size, window)) if window.ceil else remainder(size, window)


def lost(size: Size, window: Window) -> Size:
    """Rows (columns) at the end of the axis itself, not of its padding, that no position of the window covers.

    >>> lost(224, Window(kernel=7, stride=2, before=3, after=3)), lost(7, Window(kernel=2, stride=2))
    (0, 1)
    """
    rest = larger(0, dropped(size, window) - window.after)
    return rest if is_symbolic(size) else smaller(size, rest)  # a kernel may lie in the padding before it alone


def skipped_per_stride(window: Window) -> int:
    """Of ``stride`` neighboring inputs, the number that no tap of any position meets.

    They lie between positions whose distance exceeds the kernel size, or between taps whose dilation shares a divisor
    with the stride.

    >>> skipped_per_stride(Window(kernel=1, stride=2)), skipped_per_stride(Window(kernel=3, stride=2, dilation=2))
    (1, 1)
    >>> skipped_per_stride(Window(kernel=3, stride=2))
    0
    """
    return window.stride - min(window.kernel, window.stride // gcd(window.stride, window.dilation))


def overhang(size: Size, window: Window) -> Size:
    """The distance by which the last position of the window exceeds the input; negative where it ends inside.

    >>> overhang(5, Window(kernel=2, stride=2, ceil=True)), overhang(5, Window(kernel=2, stride=2))
    (1, -1)
    """
    return covered(output_size(size, window), window) - window.before - size


def taps_inside(size: int, window: Window) -> range:
    """The taps, from the first to the last, that can meet one of ``size`` values; others only meet padding.

    The window must fit (:func:`fits`).

    >>> taps_inside(1, Window(kernel=3, before=1, after=1))
    range(1, 2)
    >>> taps_inside(2, Window(kernel=3, stride=2, before=1, after=1))
    range(1, 3)
    """
    last_begin = (output_size(size, window) - 1) * window.stride - window.before
    first = max(0, -(last_begin // window.dilation))
    return range(first, min(window.kernel, (size - 1 + window.before) // window.dilation + 1))


def transposed_taps(unit: int, window: Window) -> Iterator[int]:
    """The inputs i that a transposed window adds into output ``unit``: i * stride + tap * dilation - before = unit.

    >>> [*transposed_taps(2, Window(kernel=3, stride=2))], [*transposed_taps(1, Window(kernel=3, stride=2))]
    ([1, 0], [0])
    """
    places = (unit + window.before - tap * window.dilation for tap in range(window.kernel))
    return (place // window.stride for place in places if place % window.stride == 0)


def same_output_size(size: Size, stride: int) -> Size:
    """Output size with padding ``same`` or ``same_lower``: ``ceil(size / stride)``, as in TensorFlow.

    >>> same_output_size(28, stride=2), same_output_size(7, stride=2)
    (14, 4)
    """
    return -(-size // stride)


def same_padding(size: Size, kernel: int, stride: int, dilation: int) -> int:
    """Total padding for which the output is ``ceil(size / stride)`` (:func:`same_output_size`).

    >>> same_padding(28, kernel=5, stride=1, dilation=1), same_padding(28, kernel=3, stride=2, dilation=1)
    (4, 1)
    """
    return larger(0, covered(same_output_size(size, stride), Window(kernel, stride, dilation=dilation)) - size)


def split_padding(total: Size) -> tuple[Size, Size]:
    """Total padding as (before, after): where it is odd, the extra row goes after, as in PyTorch and TensorFlow."""
    return total // 2, total - total // 2


PADDING_NAMES = ("valid", "same", "same_lower", "full")
SAME_NAMES = ("same", "same_lower")  # those that depend on the input size


def named_padding(name: str, size: Size, kernel: int, stride: int, dilation: int) -> tuple[Size, Size]:
    """(before, after) of padding ``valid``, ``same``, ``same_lower`` (an odd row before, as in ONNX) or ``full``.

    >>> [named_padding(name, 28, 4, 1, 1) for name in ("valid", "same", "same_lower", "full")]
    [(0, 0), (1, 2), (2, 1), (3, 3)]
    """
    if name == "valid":
        return 0, 0
    if name == "full":
        return dilation * (kernel - 1), dilation * (kernel - 1)
    before, after = split_padding(same_padding(size, kernel, stride, dilation))
    return (before, after) if name == "same" else (after, before)


def is_symmetric(border: Iterable[tuple[Size, Size]]) -> bool:
    """Whether every axis is padded equally on both sides, as PyTorch's convolutions pad."""
    return all(before == after for before, after in border)


def largest_border(size: Size, mode: str) -> Size | None:
    """The largest padding per side that a padding mode can fill from ``size`` values; None if there is no limit.

    ``reflect`` does not repeat the value at the edge, and ``circular`` goes round once.
    """
    unused = {"reflect": 1, "circular": 0}.get(mode)
    return None if unused is None else size - unused


def largest_kernel(size: Size, window: Window) -> int:
    """The largest kernel that fits with this padding and dilation (0 if none does)."""
    padded = size + window.before + window.after
    return (padded - 1) // window.dilation + 1 if padded > 0 else 0


def least_padding(size: Size, window: Window) -> int:
    """The least padding per side with which the window fits."""
    return max(0, -(-(window.effective_kernel - size) // 2))


def fitting_strides(size: Size, window: Window) -> list[int]:
    """Strides from 1 to the kernel at which nothing remains."""
    return [s for s in range(1, min(window.kernel, 16) + 1) if remainder(size, window._replace(stride=s)) == 0]


def adaptive_start(size: Size, output: Size, i: int) -> int:
    """The first input of adaptive pooling's window ``i``: ``floor(i * size / output)``."""
    return i * size // output


def adaptive_end(size: Size, output: Size, i: int) -> int:
    """The last input of adaptive pooling's window ``i``: ``ceil((i + 1) * size / output) - 1``."""
    return -(-(i + 1) * size // output) - 1


def adaptive_pattern(size: Size, output: Size) -> tuple[int, int]:
    """(outputs, inputs) after which adaptive pooling's windows repeat: ``output / g`` and ``size / g``, g their gcd.

    >>> adaptive_pattern(10, 4)
    (2, 5)
    """
    divisor = common_divisor(size, output)
    return output // divisor, size // divisor


def adaptive_total(size: Size, output: Size) -> int:
    """The sum of the sizes of adaptive pooling's windows: neighbors share an input that the border between them cuts.

    >>> adaptive_total(10, 4)  # windows of 3 inputs, where 4 of 2.5 would do
    12
    """
    return size + output - common_divisor(size, output)


def scaled_size(size: Size, numerator: int, denominator: int) -> Size:
    """``floor(size * numerator / denominator)``: the size after upsampling by that factor."""
    return size * numerator // denominator
