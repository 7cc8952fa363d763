"""The value that each mistake gives for one size of an output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnncli.arithmetic.window import Window, covered, last_start, output_size, transposed_size

IN_INPUT = "input"  # the variant of a mistake in the size of the input, where that of the output is given


class Slide(NamedTuple):
    """The arguments of the size formula for one axis."""

    size: int
    window: Window
    is_same: bool = False
    is_pool: bool = False


def _with(s: Slide, **changed: Any) -> int | None:
    """The size for a window that is changed by mistake; None where the change has no effect on the window."""
    window = s.window._replace(**changed)
    return None if window == s.window else output_size(s.size, window)


def _without_padding(s: Slide) -> int | None:
    return _with(s, before=0, after=0)


def _one_before_dividing(s: Slide) -> int:
    starts, stride = last_start(s.size, s.window) + 1, s.window.stride
    return -(-starts // stride) if s.window.ceil else starts // stride


def _pools_its_kernel(s: Slide) -> bool:
    """Whether a pool moves by its kernel size, as it does where no stride is written."""
    return s.is_pool and s.window.stride == s.window.kernel


SIZES: dict[str, Callable[[Slide], int | None]] = {
    "forgot_plus_one": lambda s: output_size(s.size, s.window) - 1,
    "plus_one_before_divide": _one_before_dividing,
    "padding_counted_once": lambda s: _with(s, after=0),
    "padding_counted_twice": lambda s: _with(s, before=2 * s.window.before, after=2 * s.window.after),
    "same_as_valid": lambda s: _without_padding(s) if s.is_same else None,
    "padding_ignored": lambda s: None if s.is_same else _without_padding(s),
    "stride_ignored": lambda s: None if _pools_its_kernel(s) else _with(s, stride=1),
    "ceil_for_floor": lambda s: None if s.window.ceil else -(-last_start(s.size, s.window) // s.window.stride) + 1,
    "floor_for_ceil": lambda s: _with(s, ceil=False),
    "same_with_stride_unchanged": lambda s: s.size if s.is_same else None,
    "kept_input_size": lambda s: None if s.is_same else s.size,
    "dilation_ignored": lambda s: _with(s, dilation=1),
    "dilation_times_kernel": lambda s: (
        _with(s, kernel=s.window.dilation * s.window.kernel, dilation=1) if s.window.dilation > 1 else None
    ),
    "dilation_as_stride": lambda s: _with(s, stride=s.window.dilation, dilation=1) if s.window.dilation > 1 else None,
    "padding_is_kernel": lambda s: (
        _with(s, before=s.window.kernel, after=s.window.kernel) if s.window.before or s.window.after else None
    ),
    "pool_stride_one": lambda s: _with(s, stride=1) if _pools_its_kernel(s) else None,
}


def of_size(slide: Slide) -> dict[str, int | None]:
    """The value that each mistake gives for one axis; None where it cannot be made, or the size would not be positive.

    The window must fit.
    """
    return _positive({name: wrong(slide) for name, wrong in SIZES.items()})


def of_transposed_size(size: int, window: Window, output_padding: int) -> dict[str, int | None]:
    """The value that each mistake gives for (n - 1) s + k - p_before - p_after + output padding; k is effective."""
    right, total = transposed_size(size, window, output_padding), window.before + window.after
    unpadded, multiple = covered(size, window), size * window.stride
    undilated = right - window.effective_kernel + window.kernel
    return _positive(
        {
            "transposed_inverted": (size + total - window.effective_kernel) // window.stride + 1,
            "transposed_inverted#once": unpadded - window.before + output_padding,
            "transposed_inverted#output_padding": unpadded - total,
            "transposed_inverted#added": unpadded + total + output_padding if total else None,
            "transposed_inverted#minus_one": right + window.stride,
            "transposed_inverted#full": multiple + window.effective_kernel if total or output_padding else None,
            "transposed_inverted#scaled": multiple,
            "padding_ignored": unpadded + output_padding,
            "stride_ignored": right - (size - 1) * (window.stride - 1),
            "dilation_ignored": undilated,
            "dilation_times_kernel": undilated - window.kernel + window.dilation * window.kernel,
        }
    )


def of_input_size(output: int, window: Window) -> dict[str, int | None]:
    """The value that each mistake gives for the smallest input size (m - 1) s + k - p_before - p_after of an output."""
    right = transposed_size(output, window, 0)
    return _positive(
        {
            f"padding_ignored#{IN_INPUT}": covered(output, window),
            f"stride_ignored#{IN_INPUT}": right - (output - 1) * (window.stride - 1),
            f"dilation_ignored#{IN_INPUT}": right - window.effective_kernel + window.kernel,
            "transposed_inverted#minus_one": right + window.stride,
            "transposed_inverted#scaled": output * window.stride,
            "gave_area": right * right,
        }
    )


def _positive(sizes: dict[str, int | None]) -> dict[str, int | None]:
    return {name: size if size is not None and size > 0 else None for name, size in sizes.items()}
