"""Layers that move, drop, repeat or zero values."""

from __future__ import annotations

from cnncli.executor.lowering.code import Lowering, TorchCode, call, compact, omit_default, padded
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.reshape import (
    ChannelShuffle,
    Crop,
    Dropout,
    DropPath,
    Flatten,
    Identity,
    Pad,
    Permute,
    PixelShuffle,
    Reshape,
    Slice,
    SpatialDropout,
    Upsample,
)

LINEAR_MODES = ("linear", "bilinear", "trilinear")  # by number of spatial axes


def _dropout(layer: Dropout, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(f"functional.dropout({x}, {layer.rate!r}, self.training)")


def _structured_dropout(axes: int) -> Lowering:
    def lower(layer: SpatialDropout | DropPath, inputs: Shapes, own: str, x: str) -> TorchCode:
        return TorchCode(f"{own}({x})", call("StructuredDropout", layer.rate, axes=axes))

    return lower


def _flatten(layer: Flatten, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(f"{x}.flatten(1)")


def _reshape(layer: Reshape, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(call(f"{x}.reshape", f"{x}.shape[0]", *layer.shape))


def _permute(layer: Permute, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(call(f"{x}.permute", 0, *(axis + 1 for axis in layer.order)))


def _slice(layer: Slice, inputs: Shapes, own: str, x: str) -> TorchCode:
    """``x[:, :, 1:7]``."""
    axis = layer.index(inputs)
    size, stop = inputs[0][axis], layer.start + layer.output_shape(inputs)[axis]
    earlier = ":, " * (1 + axis)
    part = f"{layer.start or ''}:{stop if stop < size else ''}"
    return TorchCode(f"{x}[:]" if part == ":" else f"{x}[{earlier}{part}]")


def _crop(layer: Crop, inputs: Shapes, own: str, x: str) -> TorchCode:
    # an index would give a view, which keeps the whole input in memory
    margins = [(-before, -after) for before, after in layer.border(inputs)]
    return TorchCode(padded(x, margins))


def _pad(layer: Pad, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(padded(x, layer.border(inputs), layer.mode))


def _upsample(layer: Upsample, inputs: Shapes, own: str, x: str) -> TorchCode:
    # torch computes i * n / m in float32 for nearest: for few pairs of sizes (2 to 82, no integer factor below 40) it
    # reads the input before the right one
    size = layer.output_shape(inputs)[1:]
    modes = {"nearest": "nearest", "cubic": "bicubic", "linear": LINEAR_MODES[len(size) - 1]}
    mode = omit_default(modes[layer.mode], "nearest")
    return TorchCode(call("functional.interpolate", x, size=compact(size), mode=mode))


def _pixel_shuffle(layer: PixelShuffle, inputs: Shapes, own: str, x: str) -> TorchCode:
    (channels, *sizes), factor = layer.output_shape(inputs), layer.factor
    rank = len(sizes)
    if rank == 2:
        return TorchCode(f"functional.pixel_shuffle({x}, {factor})")
    # (N, C, r, W) to (N, C, W, r), and (N, C, r, r, r, D, H, W) to (N, C, D, r, H, r, W, r)
    order = [0, 1, *(axis for i in range(rank) for axis in (2 + rank + i, 2 + i))]
    blocks = call(f"{x}.reshape", f"{x}.shape[0]", channels, *(factor,) * rank, *inputs[0][1:])
    return TorchCode(f"{call(f'{blocks}.permute', *order)}{call('.reshape', f'{x}.shape[0]', channels, *sizes)}")


def _channel_shuffle(layer: ChannelShuffle, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(f"{x}.unflatten(1, ({layer.groups}, -1)).transpose(1, 2).flatten(1, 2)")


def _identity(layer: Identity, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(x)


LOWERINGS: dict[type[Layer], Lowering] = {
    Dropout: _dropout,
    SpatialDropout: _structured_dropout(axes=2),
    DropPath: _structured_dropout(axes=1),
    Flatten: _flatten,
    Reshape: _reshape,
    Permute: _permute,
    Slice: _slice,
    Crop: _crop,
    Pad: _pad,
    Upsample: _upsample,
    PixelShuffle: _pixel_shuffle,
    ChannelShuffle: _channel_shuffle,
    Identity: _identity,
}
