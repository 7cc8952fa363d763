"""The value that each mistake gives for the sizes and the channels of an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import Shape, numel
from cnncli.arithmetic.window import Window, covered, last_start, output_size
from cnncli.homework.mistakes.texts import pair
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.conv import ConvTranspose
from cnncli.layers.reshape import Flatten


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


SIZES: dict[str, Callable[[Slide], int | None]] = {
    "forgot_plus_one": lambda s: output_size(s.size, s.window) - 1,
    "plus_one_before_divide": _one_before_dividing,
    "padding_counted_once": lambda s: _with(s, after=0),
    "padding_counted_twice": lambda s: _with(s, before=2 * s.window.before, after=2 * s.window.after),
    "same_as_valid": lambda s: _without_padding(s) if s.is_same else None,
    "padding_ignored": _without_padding,
    "stride_ignored": lambda s: _with(s, stride=1),
    "ceil_for_floor": lambda s: None if s.window.ceil else -(-last_start(s.size, s.window) // s.window.stride) + 1,
    "floor_for_ceil": lambda s: _with(s, ceil=False),
    "same_with_stride_unchanged": lambda s: s.size if s.is_same else None,
    "dilation_ignored": lambda s: _with(s, dilation=1),
    "dilation_times_kernel": lambda s: (
        _with(s, kernel=s.window.dilation * s.window.kernel, dilation=1) if s.window.dilation > 1 else None
    ),
    "pool_stride_one": lambda s: _with(s, stride=1) if s.is_pool else None,
}


def of_size(slide: Slide) -> dict[str, int | None]:
    """The value that each mistake gives for one axis; None where it cannot be made."""
    return {name: wrong(slide) for name, wrong in SIZES.items()}


def of_transposed_size(size: int, window: Window, output_padding: int) -> dict[str, int]:
    """The value that each mistake gives for (n - 1) s + k - p_before - p_after + output padding; k is effective."""
    forward = (size + window.before + window.after - window.kernel) // window.stride + 1
    unpadded = covered(size, window)
    return {
        "transposed_inverted#used the size formula of a convolution": forward,
        "transposed_inverted#counted the padding once": unpadded - window.before + output_padding,
        "transposed_inverted#ignored the output padding": unpadded - window.before - window.after,
        "padding_ignored": unpadded + output_padding,
        "stride_ignored": size - 1 + window.effective_kernel - window.before - window.after + output_padding,
    }


def of_shape(inferred: Inferred, info: LayerInfo) -> dict[str, Shape | None]:
    """The value that each mistake gives for a layer's output shape: its sizes, its channels, and both."""
    shape, layer = info.stats.output_shape, info.node.layer
    candidates: dict[str, Shape | None] = {}
    for name, sizes in _by_axis(info).items():
        candidates[name] = (shape[0], *sizes)
    channels = dict(_channels(info))
    both = {
        pair(one, two): (count, *whole[1:])
        for one, whole in candidates.items()
        for two, count in channels.items()
        if whole is not None
    }
    candidates |= {name: (count, *shape[1:]) for name, count in channels.items()} | both
    if isinstance(layer, Flatten):
        candidates |= {f"wrong_flatten#{text}": (count,) for text, count in other_maps(inferred, info)}
    if len(shape) == 3 and shape[1] != shape[2]:
        candidates["height_and_width_swapped"] = (shape[0], shape[2], shape[1])
    if len(shape) > 1:
        for order in ((*shape[1:], shape[0]), (*shape[:0:-1], shape[0])):
            candidates.setdefault("HWC_order" if order == (*shape[1:], shape[0]) else "HWC_order#2", order)
    return {name: value for name, value in candidates.items() if value != shape}


def _by_axis(info: LayerInfo) -> dict[str, Shape]:
    """The sizes that each mistake gives, for mistakes that change at least one axis."""
    layer, windows = info.node.layer, info.stats.windows
    if isinstance(layer, ConvTranspose):
        axes: list[dict[str, int | None]] = [
            {**of_transposed_size(size, window, more)}
            for size, window, more in zip(
                info.input_shapes[0][1:], windows, layer.output_paddings(info.input_shapes), strict=True
            )
        ]
    else:
        axes = [of_size(slide) for slide in _slides(info)]
    expected = info.stats.output_shape[1:]
    found: dict[str, Shape] = {}
    for name in axes[0] if axes else ():
        sizes = [axis[name] for axis in axes]
        # An axis on which the mistake cannot be made keeps its size.
        found[name] = tuple(other if size is None else size for size, other in zip(sizes, expected, strict=True))
    return {name: sizes for name, sizes in found.items() if sizes != expected}


def _slides(info: LayerInfo) -> list[Slide]:
    layer, windows = info.node.layer, info.stats.windows
    same, pool = layer.has_same_padding, layer.is_pool
    return [Slide(n, w, same, pool) for n, w in zip(info.input_shapes[0][1:], windows, strict=bool(windows))]


def _channels(info: LayerInfo) -> Iterator[tuple[str, int]]:
    channels, windows = info.input_shapes[0][0], info.stats.windows
    if not windows:
        return
    if info.node.layer.is_pool:
        yield "pooled_channels", channels // windows[0].kernel
        return
    yield "kept_input_channels", channels
    yield "positions_as_channels", numel(info.stats.output_shape[1:])
    yield "padded_channels", info.stats.output_shape[0] + 2 * windows[0].before


def other_maps(inferred: Inferred, flatten: LayerInfo) -> Iterator[tuple[str, int]]:
    """Earlier feature maps that may have been flattened instead: ``flattened maxpool1`` and the number of values."""
    expected = numel(flatten.input_shapes[0])
    layer: LayerInfo | None = inferred.layers.get(flatten.node.inputs[0])
    found: dict[int, str] = {}
    while layer is not None and len(found) < 8:
        for name, shape in (
            (layer.node.name, layer.stats.output_shape),
            (layer.node.inputs[0], layer.input_shapes[0]),
        ):
            if len(shape) > 1 and numel(shape) != expected:
                found.setdefault(numel(shape), f"flattened {name}")
        layer = inferred.layers.get(layer.node.inputs[0])
    for count, text in found.items():
        yield text, count
