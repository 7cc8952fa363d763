"""The value that each mistake gives for a layer's output shape: its sizes and its channels."""

from __future__ import annotations

from collections.abc import Iterator

from cnncli.arithmetic.shape import Shape, numel
from cnncli.homework.mistakes.size_mistakes import Slide, of_size, of_transposed_size
from cnncli.homework.mistakes.texts import pair
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.conv import ConvTranspose
from cnncli.layers.reshape import Flatten

MOST_MAPS = 8  # earlier feature maps that may have been flattened instead


def of_shape(inferred: Inferred, info: LayerInfo) -> dict[str, Shape]:
    """The value that each mistake gives for a layer's output shape: its sizes, its channels, and both."""
    shape = info.stats.output_shape
    by_sizes = {name: (shape[0], *sizes) for name, sizes in sizes_of(info).items()}
    channels = dict(_channels(info))
    candidates: dict[str, Shape] = {
        **by_sizes,
        **{name: (count, *shape[1:]) for name, count in channels.items() if count > 0},
        **{
            pair(one, two): (count, *whole[1:])
            for one, whole in by_sizes.items()
            for two, count in channels.items()
            if count > 0
        },
    }
    if info.stats.windows and info.input_shapes[0][0] != shape[0]:  # where the sizes alone differ, kept_input_size
        candidates["kept_input_shape"] = info.input_shapes[0]
    if info.node.layer.is_pool and info.stats.windows:
        pooled = info.input_shapes[0][0] // info.stats.windows[0].kernel
        candidates["pooled_channels#only"] = (pooled, *info.input_shapes[0][1:])
    if isinstance(info.node.layer, Flatten):
        candidates |= {name: (count,) for name, count in flattened(inferred, info).items()}
    if len(shape) == 3 and shape[1] != shape[2]:
        candidates["height_and_width_swapped"] = (shape[0], shape[2], shape[1])
    if len(shape) > 1:
        last = (*shape[1:], shape[0])
        candidates.setdefault("HWC_order", last)
        if (other := (*shape[:0:-1], shape[0])) != last:
            candidates.setdefault("HWC_order#2", other)
    return {name: value for name, value in candidates.items() if value != shape}


def sizes_of(info: LayerInfo) -> dict[str, Shape]:
    """The sizes of the output that each mistake gives, for mistakes that change at least one axis."""
    layer, windows, before = info.node.layer, info.stats.windows, info.input_shapes[0][1:]
    expected = info.stats.output_shape[1:]
    if not windows or len(windows) != len(before):
        return {}
    if isinstance(layer, ConvTranspose):
        extras = layer.output_paddings(info.input_shapes)
        axes = [of_transposed_size(n, w, more) for n, w, more in zip(before, windows, extras, strict=True)]
    else:
        same, pool = layer.has_same_padding, layer.is_pool
        axes = [of_size(Slide(n, w, same, pool)) for n, w in zip(before, windows, strict=True)]
    found: dict[str, Shape] = {}
    for name in axes[0]:
        sizes = [axis[name] for axis in axes]
        # An axis on which the mistake cannot be made keeps its size.
        found[name] = tuple(other if size is None else size for size, other in zip(sizes, expected, strict=True))
    return {name: sizes for name, sizes in found.items() if sizes != expected}


def _channels(info: LayerInfo) -> Iterator[tuple[str, int]]:
    before, after, windows = info.input_shapes[0][0], info.stats.output_shape[0], info.stats.windows
    if not windows:
        return
    if info.node.layer.is_pool:
        yield "pooled_channels", before // windows[0].kernel
        return
    wrong = {
        "kept_input_channels": before,
        "positions_as_channels": numel(info.stats.output_shape[1:]),
        "padded_channels": after + 2 * windows[0].before,
        "channels_multiplied": before * after,
        "channels_added": before + after,
    }
    yield from ((name, count) for name, count in wrong.items() if count != after)


def flattened(inferred: Inferred, flatten: LayerInfo) -> dict[str, int]:
    """The number of values that each mistake gives for a flatten layer."""
    channels, *sizes = flatten.input_shapes[0]
    found = {f"wrong_flatten#flattened {name}": count for name, count in _other_maps(inferred, flatten)}
    if not sizes:
        return found
    found |= {"flatten_without_channels": numel(tuple(sizes)), "flatten_without_positions": channels}
    if len(sizes) > 1:
        found |= {f"flatten_one_side#{axis}": channels * size for axis, size in enumerate(sizes)}
    return found


def _other_maps(inferred: Inferred, flatten: LayerInfo) -> Iterator[tuple[str, int]]:
    """The earlier feature maps that may have been flattened instead, and their numbers of values."""
    expected = numel(flatten.input_shapes[0])
    layer: LayerInfo | None = inferred.layers.get(flatten.node.inputs[0])
    found: dict[int, str] = {}
    while layer is not None and len(found) < MOST_MAPS:
        for name, shape in (
            (layer.node.name, layer.stats.output_shape),
            (layer.node.inputs[0], layer.input_shapes[0]),
        ):
            if len(shape) > 1 and numel(shape) != expected:
                found.setdefault(numel(shape), name)
        layer = inferred.layers.get(layer.node.inputs[0])
    for count, name in found.items():
        yield name, count
