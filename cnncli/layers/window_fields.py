"""The fields of convolutions and pools as one window per axis, and the checks of whether these fit."""

from collections.abc import Sequence
from functools import lru_cache

from cnncli.arithmetic.axes import SPATIAL_AXES, lines_text
from cnncli.arithmetic.shape import Shape, Size, format_shape, is_symbolic, larger, same_size
from cnncli.arithmetic.window import (
    Window,
    fits,
    fitting_strides,
    largest_border,
    largest_kernel,
    last_start,
    least_padding,
    lost,
    named_padding,
    output_size,
    remainder,
    same_output_size,
    skipped_per_stride,
    split_padding,
)
from cnncli.errors import enumerated
from cnncli.layers.base import ShapeError, per_axis, spatial_axes, wrong_length
from cnncli.layers.fields import PaddingValue


def padding_name(padding: PaddingValue) -> str:
    """The name of a padding that is given by name, else empty."""
    return padding if isinstance(padding, str) else ""


def sides(padding: PaddingValue, rank: int, field: str = "padding") -> tuple[tuple[int, int], ...]:
    """Padding numbers and pairs as (before, after) for each axis. Raises ShapeError for a list of another length."""
    if not isinstance(padding, tuple):
        amount = 0 if isinstance(padding, str) else padding
        return ((amount, amount),) * rank
    if len(padding) != rank:
        raise wrong_length(field, len(padding), rank)
    return tuple(item if isinstance(item, tuple) else (item, item) for item in padding)


def halved(padding: PaddingValue) -> PaddingValue:
    """Padding numbers that are totals of both sides as (before, after); libraries put the odd one after."""
    if isinstance(padding, int):
        return padding // 2 if padding % 2 == 0 else (split_padding(padding),) * 2
    if isinstance(padding, tuple):
        return tuple(split_padding(item) if isinstance(item, int) else item for item in padding)
    return padding


@lru_cache(maxsize=64)  # called again for each quantity of a layer
def windows_of(
    kind: str,
    shape: Shape,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: PaddingValue,
    dilation: int | tuple[int, ...],
    rounding: str,
) -> tuple[Window, ...]:
    """One window per spatial axis of ``shape``. Raises ShapeError for a list of the wrong length."""
    sizes = spatial_axes(kind, shape)
    rank = len(sizes)
    kernels = per_axis(kernel, rank, "kernel")
    strides = per_axis(stride, rank, "stride")
    dilations = per_axis(dilation, rank, "dilation")
    if isinstance(padding, str):
        pads = tuple(map(named_padding, (padding,) * rank, sizes, kernels, strides, dilations))
    else:
        pads = sides(padding, rank)
    return tuple(
        Window(k, s, before, after, d, rounding == "ceil", rounding == "exact")
        for k, s, (before, after), d in zip(kernels, strides, pads, dilations, strict=True)
    )


def output_sizes(shape: Shape, windows: tuple[Window, ...], *, same: bool) -> tuple[Size, ...]:
    """The number of positions along each axis. Raises ShapeError if a window is larger than its padded axis.

    With ``same`` padding a window always fits, and the size depends on the stride alone.
    """
    if same:
        return tuple(same_output_size(size, window.stride) for size, window in zip(shape[1:], windows, strict=True))
    check_fit(shape, windows)
    return tuple(map(output_size, shape[1:], windows))


def check_fit(shape: Shape, windows: tuple[Window, ...]) -> None:
    """Raises ShapeError if a window is larger than its padded axis."""
    sizes = shape[1:]
    pairs = list(zip(sizes, windows, strict=True))
    if all(fits(size, window) for size, window in pairs):
        return
    most = [largest_kernel(size, window) for size, window in pairs]
    hints = [f"a kernel of at most {values_text(most)}"] if min(most) > 0 else []
    hints.append(f"padding of at least {values_text([least_padding(size, window) for size, window in pairs])}")
    effective = format_shape(tuple(window.effective_kernel for window in windows))
    is_dilated = any(window.dilation != 1 for window in windows)
    dilated = f" (effective size {effective} with its dilation)" if is_dilated else ""
    raise ShapeError(
        f"{_describe(windows)}{dilated} does not fit {_input(sizes, windows)}", "use " + ", or ".join(hints), "kernel"
    )


def check_exact(shape: Shape, windows: tuple[Window, ...]) -> None:
    """Raises ShapeError if a window drops rows or columns, for ``rounding: exact`` and ``--strict``."""
    sizes = shape[1:]
    loose = [(n, w) for n, w in zip(sizes, windows, strict=True) if not same_size(remainder(n, w), 0)]
    if not loose:
        return
    size, window = loose[0]
    if is_symbolic(size):
        raise ShapeError(
            f"{_describe(windows)} with stride {values_text([w.stride for w in windows])} does not fit every input "
            "exactly",
            "cnn solve ARCH --accepts lists the input sizes without dropped rows",
            "stride" if window.stride > 1 else "kernel",
        )
    positions = last_start(size, window) / window.stride + 1
    sums = " + ".join(str(part) for part in (size, window.before, window.after) if part)
    strides = [s for s in fitting_strides(size, window) if s != window.stride]
    hints = [f"stride {_either(strides)}"] if strides else []
    more = window.stride - remainder(size, window)
    per_side = window.before + more // 2
    even = more % 2 == 0 and window.before == window.after
    hints.append(f"padding {per_side}" if even else f"{more} more row{'s' * (more > 1)} of padding on one side")
    raise ShapeError(
        f"{_describe(windows)} with stride {values_text([w.stride for w in windows])} does not fit "
        f"{_input(sizes, windows)} exactly: "
        f"({sums} - {window.effective_kernel})/{window.stride} + 1 = {positions:.4g} positions",
        "use " + ", or ".join(hints) + ", or rounding: floor",
        "stride" if window.stride > 1 else "kernel",
    )


def dropped_notes(shape: Shape, windows: tuple[Window, ...]) -> tuple[str, ...]:
    """``drops 1 row and 1 column``, if some of the input itself, not of its padding alone, is read by no window.

    At most one note; for symbolic sizes the sizes at which nothing is dropped.
    """
    if not windows:
        return ()
    sizes, axes = shape[1:], SPATIAL_AXES[len(windows)]
    skipped: dict[str, list[str]] = {}
    ends: list[Size] = []
    for size, window, axis in zip(sizes, windows, axes, strict=True):
        gap = skipped_per_stride(window)
        if gap and (is_symbolic(size) or (size >= window.stride and output_size(size, window) > 1)):
            skipped.setdefault(f"{gap} of every {window.stride}", []).append(f"{axis.line}s")
            ends.append(0)  # what remains at the end is skipped, too
        else:
            ends.append(lost(size, window))
    parts = [f"{ratio} {enumerated(lines)}" for ratio, lines in skipped.items()]
    if any(map(is_symbolic, ends)):
        return (*([f"drops {' and '.join(parts)}"] if parts else []), _symbolic_note(ends))
    parts += [lines_text(ends)] if any(ends) else []
    return (f"drops {' and '.join(parts)}",) if parts else ()


def _symbolic_note(ends: Sequence[Size]) -> str:
    from cnncli.arithmetic.symbolic import condition_for_equality

    conditions = [condition_for_equality(count, 0) for count in ends if is_symbolic(count)]
    if not all(conditions):
        return "drops rows or columns at most sizes"
    return f"drops rows or columns unless {' and '.join(dict.fromkeys(conditions))}"


def check_border(kind: str, shape: Shape, pads: tuple[tuple[int, int], ...], mode: str) -> None:
    """Raises ShapeError if an axis has too few values for the padding mode to fill the border."""
    for size, (before, after) in zip(shape[1:], pads, strict=True):
        most, border = largest_border(size, mode), larger(before, after)
        if most is not None and border > most:
            raise ShapeError(
                f"{kind} cannot pad an axis of {size} by {border} in {mode} mode",
                f"use a padding of at most {most}, or zeros",
                "padding",
            )


def _describe(windows: tuple[Window, ...]) -> str:
    if len(windows) == 1:
        return f"a kernel of {windows[0].kernel}"
    return f"a {format_shape(tuple(w.kernel for w in windows))} kernel"


def _input(sizes: Shape, windows: tuple[Window, ...]) -> str:
    shown = f"an input of {sizes[0]}" if len(windows) == 1 else f"a {format_shape(sizes)} input"
    return f"{shown} with padding {padding_text([(w.before, w.after) for w in windows])}"


def padding_text(border: Sequence[tuple[int, int]]) -> str:
    """``2``, ``1x0`` where axes differ, ``0+1`` where the two sides of an axis differ."""
    return values_text([str(before) if before == after else f"{before}+{after}" for before, after in border])


def values_text(values: list[int] | list[str]) -> str:
    """``2``, or ``2x1`` where the axes differ."""
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _either(values: list[int]) -> str:
    return " or ".join(map(str, values[-3:]))
