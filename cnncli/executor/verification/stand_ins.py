"""For each layer a linear function with positive weights, on a single channel, that depends on the same positions.

Gradients of the layers themselves would not show all dependencies: a maximum has one gradient per window, a ReLU none
where it is 0, and positive and negative weights can cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.executor.lowering.build import build
from cnncli.executor.lowering.custom_modules import CONV, torch_padding
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.conv import Convolution, ConvTranspose
from cnncli.layers.merge import Merge
from cnncli.layers.norm import GroupNorm, InstanceNorm, LayerNorm, LocalContrastNorm
from cnncli.layers.pool import AdaptiveAvgPool, AdaptivePool, WindowPool
from cnncli.layers.reshape import Crop, Pad, Permute, PixelShuffle, Slice, Upsample

StandIn = Callable[..., Tensor]  # tensors of (1, 1, *sizes)
ONE_CHANNEL: dict[str, Any] = {
    "filters": 1, "groups": 1, "multiplier": 1, "connections": None, "bias": False
}  # fmt: skip


def _each_position(x: Tensor) -> Tensor:
    return x * 1


def _each_position_and_mean(x: Tensor) -> Tensor:
    return x + x.mean()


@singledispatch
def _stand_in(layer: Layer, inputs: Shapes) -> StandIn | None:
    """The default is for layers that compute each position from the channels at that position."""
    return _each_position


def stand_in(layer: Layer, inputs: Shapes) -> StandIn | None:
    """The stand-in of a layer for inputs of these shapes, None where each output depends on all of the input."""
    return None if layer.is_global else _stand_in(layer, inputs)


def _one_channel(inputs: Shapes) -> Shapes:
    return tuple((1, *shape[1:]) for shape in inputs)


@_stand_in.register
def _(layer: Merge, inputs: Shapes) -> StandIn:
    return lambda *xs: sum(xs[1:], start=xs[0])


@_stand_in.register(Convolution)
@_stand_in.register(ConvTranspose)
def _(layer: Layer, inputs: Shapes) -> StandIn:
    fields = {name: value for name, value in ONE_CHANNEL.items() if name in layer.schema}
    module = build(layer.replace(**fields), _one_channel(inputs)).double()
    for parameter in module.parameters():
        parameter.data.fill_(1.0)
    return module


@_stand_in.register
def _(layer: WindowPool, inputs: Shapes) -> StandIn:
    windows, pads = layer.windows(inputs), torch_padding(layer.border_with_overhang(inputs))
    ones = torch.ones(1, 1, *(window.kernel for window in windows), dtype=torch.double)
    stride, dilation = [window.stride for window in windows], [window.dilation for window in windows]
    convolve = CONV[len(windows) - 1]
    return lambda x: convolve(functional.pad(x, pads), ones, None, stride, 0, dilation)


@_stand_in.register
def _(layer: AdaptivePool, inputs: Shapes) -> StandIn:
    return build(AdaptiveAvgPool(output=layer.output), _one_channel(inputs))


@_stand_in.register(Pad)
@_stand_in.register(Crop)
@_stand_in.register(Upsample)
def _(layer: Layer, inputs: Shapes) -> StandIn:
    return build(layer, _one_channel(inputs))


@_stand_in.register
def _(layer: Slice, inputs: Shapes) -> StandIn:
    return _each_position if layer.index(inputs) == 0 else build(layer, _one_channel(inputs))


@_stand_in.register
def _(layer: Permute, inputs: Shapes) -> StandIn | None:
    return None if layer.mixes_channels else build(layer, _one_channel(inputs))


@_stand_in.register
def _(layer: PixelShuffle, inputs: Shapes) -> StandIn:
    return lambda x: functional.interpolate(x, scale_factor=layer.factor, mode="nearest")


@_stand_in.register
def _(layer: LocalContrastNorm, inputs: Shapes) -> StandIn:
    kernels = layer.kernels(inputs)
    # a window around each position, and another around each value in that window
    ones = torch.ones(1, 1, *(2 * kernel - 1 for kernel in kernels), dtype=torch.double)
    padding = [2 * (kernel // 2) for kernel in kernels]
    return lambda x: CONV[len(kernels) - 1](x, ones, None, 1, padding)


@_stand_in.register(GroupNorm)
@_stand_in.register(InstanceNorm)
def _(layer: Layer, inputs: Shapes) -> StandIn:
    return _each_position_and_mean


@_stand_in.register
def _(layer: LayerNorm, inputs: Shapes) -> StandIn:
    return _each_position_and_mean if layer.axes == "all" else _each_position
