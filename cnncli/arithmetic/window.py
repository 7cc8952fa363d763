"""A window that slides along one axis, and THE formula for how often it fits.

Everything that slides (convolution, pooling) goes through :class:`Window`; no other file divides sizes.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncli.arithmetic.shape import Size, common_divisor, larger, smaller


class Window(NamedTuple):
    """``kernel`` taps, ``dilation`` apart, moved by ``stride`` over an axis with ``before`` + ``after`` padding.

    ``ceil`` counts a last window that hangs over the end, as PyTorch's ``ceil_mode`` does.
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False

    @property
    def span(self) -> int:
        """Inputs from the first tap to the last: ``dilation * (kernel - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1


def fits(size: Size, window: Window) -> bool:
    """Whether the window fits into the padded axis at all. Asked before dividing: ``//`` hides negatives."""
    room = size + window.before + window.after - window.span
    return room > -window.stride if window.ceil else room >= 0


def output_size(size: Size, window: Window) -> Size:
    """Positions of the window: ``floor((size + before + after - span) / stride) + 1``.

    With ``ceil``, the ceiling instead, but at most the ``ceil((size + before) / stride)`` windows that start before the
    padding at the end (PyTorch's rule). The window must fit (:func:`fits`).

    >>> output_size(7, Window(kernel=3, stride=2)), output_size(32, Window(kernel=5, before=2, after=2))
    (3, 32)
    """
    room = size + window.before + window.after - window.span
    if not window.ceil:
        return room // window.stride + 1
    return smaller(-(-room // window.stride) + 1, -(-(size + window.before) // window.stride))


def left_over(size: Size, window: Window) -> Size:
    """What remains of the padded axis after the last whole step; 0 where the window fits exactly.

    >>> left_over(7, Window(kernel=3, stride=3)), left_over(7, Window(kernel=3, stride=2))
    (1, 0)
    """
    return (size + window.before + window.after - window.span) % window.stride


def dropped(size: Size, window: Window) -> Size:
    """Rows (columns) at the end of the padded axis that no position of the window covers."""
    if not window.ceil:
        return left_over(size, window)
    return larger(0, window.after - overhang(size, window))


def overhang(size: Size, window: Window) -> Size:
    """How far the last position of the window reaches beyond the input; negative where it ends inside.

    >>> overhang(5, Window(kernel=2, stride=2, ceil=True)), overhang(5, Window(kernel=2, stride=2))
    (1, -1)
    """
    return (output_size(size, window) - 1) * window.stride + window.span - window.before - size


def taps_met(size: int, window: Window) -> range:
    """From the first to the last tap that can meet one of ``size`` values; the others meet padding alone.

    The window must fit (:func:`fits`).

    >>> taps_met(1, Window(kernel=3, before=1, after=1)), taps_met(2, Window(kernel=3, stride=2, before=1, after=1))
    (range(1, 2), range(1, 3))
    """
    last_begin = (output_size(size, window) - 1) * window.stride - window.before  # it looks furthest to the right
    first = max(0, -(last_begin // window.dilation))
    return range(first, min(window.kernel, (size - 1 + window.before) // window.dilation + 1))


def same_padding(size: Size, kernel: int, stride: int, dilation: int) -> int:
    """Total padding for which the output is ``ceil(size / stride)``, as TensorFlow's SAME.

    >>> same_padding(28, kernel=5, stride=1, dilation=1), same_padding(28, kernel=3, stride=2, dilation=1)
    (4, 1)
    """
    positions = -(-size // stride)
    return larger(0, (positions - 1) * stride + dilation * (kernel - 1) + 1 - size)


def largest_kernel(size: Size, window: Window) -> int:
    """The largest kernel that fits with this padding and dilation (0 when none does)."""
    room = size + window.before + window.after
    return (room - 1) // window.dilation + 1 if room > 0 else 0


def least_padding(size: Size, window: Window) -> int:
    """The least padding per side with which the window fits."""
    return max(0, -(-(window.span - size) // 2))


def fitting_strides(size: Size, window: Window) -> list[int]:
    """Strides from 1 to the kernel at which nothing is left over."""
    return [s for s in range(1, min(window.kernel, 16) + 1) if left_over(size, window._replace(stride=s)) == 0]


def transposed_size(size: Size, window: Window, extra: int) -> Size:
    """Size after a transposed window: ``(size - 1) * stride + span - before - after + extra``.

    The input size that a convolution with this window would turn into ``size`` (plus the ``extra`` that its floor
    forgets).

    >>> transposed_size(16, Window(kernel=2, stride=2), extra=0)
    32
    """
    return (size - 1) * window.stride + window.span - window.before - window.after + extra


def adaptive_start(size: Size, output: Size, i: int) -> int:
    """The first input that output ``i`` of adaptive pooling sees: ``floor(i * size / output)``."""
    return i * size // output


def adaptive_end(size: Size, output: Size, i: int) -> int:
    """The last input that output ``i`` of adaptive pooling sees: ``ceil((i + 1) * size / output) - 1``."""
    return -(-(i + 1) * size // output) - 1


def adaptive_pattern(size: Size, output: Size) -> tuple[int, int]:
    """Adaptive pooling's windows repeat every ``output / g`` outputs, ``size / g`` inputs on: (outputs, inputs).

    >>> adaptive_pattern(10, 4)
    (2, 5)
    """
    shared = common_divisor(size, output)
    return output // shared, size // shared


def adaptive_total(size: Size, output: Size) -> int:
    """The sizes of adaptive pooling's windows, summed: neighbours share an input wherever a border cuts it.

    >>> adaptive_total(10, 4)  # windows of 3 inputs, where 4 of 2.5 would do
    12
    """
    return size + output - common_divisor(size, output)


def scaled_size(size: Size, numerator: int, denominator: int) -> Size:
    """``floor(size * numerator / denominator)``: the size after upsampling by that factor."""
    return size * numerator // denominator
