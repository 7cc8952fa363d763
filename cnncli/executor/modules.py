"""Layer -> torch module: a few lines for each kind, keyed by its type. Parameters are named as in ``layer.weights``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnncli.layers.activation import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.conv import Conv, Convolution, DepthwiseConv
from cnncli.layers.linear import Linear
from cnncli.layers.merge import Add, Concat, Multiply
from cnncli.layers.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Scale
from cnncli.layers.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)
from cnncli.layers.reshape import Dropout, Flatten, Identity, Pad, Upsample
from cnncli.shape import Shape
from cnncli.window import Window

Builder = Callable[[Any, Shapes], nn.Module]

# by number of spatial axes, from one; torch types each of them for its own rank alone
_CONVS: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONV: tuple[Any, ...] = (functional.conv1d, functional.conv2d, functional.conv3d)
_MAX_POOL: tuple[Any, ...] = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
_AVG_POOL: tuple[Any, ...] = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)
_ADAPTIVE_AVG: tuple[Any, ...] = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
_ADAPTIVE_MAX: tuple[Any, ...] = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
_PAD_MODES = {"zeros": "constant"}
_LINEAR = ("linear", "bilinear", "trilinear")


def build(layer: Layer, inputs: Shapes) -> nn.Module:
    """The module of a layer for inputs of these shapes (without batch). Its weights are torch's initial ones."""
    return BUILDERS[type(layer)](layer, inputs)


class Apply(nn.Module):
    """A function without weights, of one or several tensors."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


class MaxPooling(Apply):
    """Apply, under a name: the executor may compute it before the ReLU above it."""


def _torch_padding(pads: tuple[tuple[int, int], ...]) -> list[int]:
    """(before, after) per axis in the order of functional.pad: the last axis first."""
    return [amount for pair in reversed(pads) for amount in pair]


def _pads(windows: tuple[Window, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((window.before, window.after) for window in windows)


class PaddedConv(nn.Module):
    """A convolution whose padding torch's own modules cannot say: other on the two sides of an axis, or not zeros.

    Its weight and bias are a plain convolution's, (filters, channels / groups, *kernel) and (filters,).
    """

    def __init__(self, conv: nn.Conv1d | nn.Conv2d | nn.Conv3d, pads: tuple[tuple[int, int], ...], mode: str) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.dilation, self.groups = conv.stride, conv.dilation, conv.groups
        self.pads, self.mode = _torch_padding(pads), _PAD_MODES.get(mode, mode)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pad(x, self.pads, mode=self.mode)
        conv = _CONV[x.dim() - 3]
        return cast(Tensor, conv(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups))


def _conv(layer: Convolution, inputs: Shapes) -> nn.Module:
    (shape,) = inputs
    windows = layer.windows(inputs)
    filters, groups = layer.maps(shape[0])
    pads = _pads(windows)
    plain = layer.padding_mode == "zeros" and all(before == after for before, after in pads)
    conv = _CONVS[len(windows) - 1](
        shape[0],
        filters,
        tuple(window.kernel for window in windows),
        stride=tuple(window.stride for window in windows),
        padding=tuple(before for before, _ in pads) if plain else 0,
        dilation=tuple(window.dilation for window in windows),
        groups=groups,
        bias=layer.bias,
    )
    return cast(nn.Module, conv) if plain else PaddedConv(conv, pads, layer.padding_mode)


def _is_torch_s_own(windows: tuple[Window, ...], sizes: Shape) -> bool:
    """Whether torch's pooling can say this padding: the same on both sides and, in 1-D, at most half of the kernel.

    In 3-D it refuses an input that is smaller than the kernel, however it is padded.
    """
    even = all(window.before == window.after <= window.kernel // 2 for window in windows)
    return even and (len(sizes) < 3 or all(window.span <= size for size, window in zip(sizes, windows, strict=True)))


def _overhanging_pads(windows: tuple[Window, ...], inputs: Shapes, output: Shape) -> list[int]:
    """The padding, and what the last window hangs over the end (ceil), in the order of functional.pad."""
    pads = []
    for size, positions, window in zip(inputs[0][1:], output[1:], windows, strict=True):
        reach = (positions - 1) * window.stride + window.span - window.before - size
        pads.append((window.before, max(window.after, reach)))
    return _torch_padding(tuple(pads))


def _max_pool(layer: MaxPool, inputs: Shapes) -> nn.Module:
    windows = layer.windows(inputs)
    pool = _MAX_POOL[len(windows) - 1]
    steps = {
        "kernel_size": [window.kernel for window in windows],
        "stride": [window.stride for window in windows],
        "dilation": [window.dilation for window in windows],
    }
    if _is_torch_s_own(windows, inputs[0][1:]):
        padding = [window.before for window in windows]
        return MaxPooling(lambda x: pool(x, **steps, padding=padding, ceil_mode=windows[0].ceil))
    pads = _overhanging_pads(windows, inputs, layer.output_shape(inputs))
    return MaxPooling(lambda x: pool(functional.pad(x, pads, value=float("-inf")), **steps))


def _avg_pool(layer: AvgPool, inputs: Shapes) -> nn.Module:
    windows = layer.windows(inputs)
    pool = _AVG_POOL[len(windows) - 1]
    steps = {
        "kernel_size": [window.kernel for window in windows],
        "stride": [window.stride for window in windows],
    }
    include = layer.count_include_pad
    if _is_torch_s_own(windows, inputs[0][1:]):
        padding, ceil = [window.before for window in windows], windows[0].ceil
        return Apply(lambda x: pool(x, **steps, padding=padding, ceil_mode=ceil, count_include_pad=include))
    pads = _overhanging_pads(windows, inputs, layer.output_shape(inputs))
    counted_pads = _torch_padding(_pads(windows)) if include else [0] * len(pads)
    rest = [total - counted for total, counted in zip(pads, counted_pads, strict=True)]

    def average(x: Tensor) -> Tensor:
        counted = functional.pad(functional.pad(torch.ones_like(x), counted_pads, value=1.0), rest)
        return cast(Tensor, pool(functional.pad(x, pads), **steps) / pool(counted, **steps))

    return Apply(average)


def _spatial(x: Tensor) -> list[int]:
    return list(range(2, x.dim()))


def _adaptive(kinds: tuple[Any, ...]) -> Builder:
    def builder(layer: Any, inputs: Shapes) -> nn.Module:
        output = layer.output_shape(inputs)[1:]
        return cast(nn.Module, kinds[len(output) - 1](output))

    return builder


class Normalised(nn.Module):
    """A norm over statistics of the input itself, with weight and bias of a shape of their own, or none."""

    def __init__(self, normalise: Callable[[Tensor, Tensor | None, Tensor | None], Tensor], shapes: Mapping[str, Any]):
        super().__init__()
        self.normalise = normalise
        self.weight = nn.Parameter(torch.empty(shapes["weight"])) if shapes else None
        self.bias = nn.Parameter(torch.empty(shapes["bias"])) if shapes else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1 and bias 0."""
        if self.weight is not None and self.bias is not None:
            nn.init.ones_(self.weight)
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.normalise(x, self.weight, self.bias)


def _layer_norm(layer: LayerNorm, inputs: Shapes) -> nn.Module:
    shapes = layer.weights(inputs)
    if layer.axes == "all":
        shape = list(inputs[0])
        return Normalised(lambda x, w, b: functional.layer_norm(x, shape, w, b, layer.eps), shapes)
    channels = [inputs[0][0]]

    def over_channels(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        normalised = functional.layer_norm(x.movedim(1, -1), channels, weight, bias, layer.eps)
        return normalised.movedim(-1, 1)

    return Normalised(over_channels, shapes)


def _in_groups(groups: int, layer: GroupNorm | InstanceNorm, inputs: Shapes) -> nn.Module:
    # torch.group_norm: the function in torch.nn.functional refuses a batch of 1 where a group is a single value
    return Normalised(lambda x, w, b: torch.group_norm(x, groups, w, b, layer.eps), layer.weights(inputs))


def _group_norm(layer: GroupNorm, inputs: Shapes) -> nn.Module:
    return _in_groups(layer.groups, layer, inputs)


def _instance_norm(layer: InstanceNorm, inputs: Shapes) -> nn.Module:
    return _in_groups(inputs[0][0], layer, inputs)  # one group per channel is the same


class AnyBatchNorm(nn.BatchNorm2d):
    """Batch norm of any number of axes: the statistics are over all but the channels in every case."""

    def _check_input_dim(self, input: Tensor) -> None:
        return


def _batch_norm(layer: BatchNorm, inputs: Shapes) -> nn.Module:
    return AnyBatchNorm(inputs[0][0], eps=layer.eps, momentum=layer.momentum, affine=layer.affine)


class ChannelScale(nn.Module):
    """A learned factor per channel, weight (C,)."""

    def __init__(self, channels: int, init: float) -> None:
        super().__init__()
        self.init = init
        self.weight = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All factors to ``init``."""
        nn.init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *(1,) * (x.dim() - 2))


def _pad(layer: Pad, inputs: Shapes) -> nn.Module:
    amounts, mode = _torch_padding(layer.amounts(inputs)), _PAD_MODES.get(layer.mode, layer.mode)
    return Apply(lambda x: functional.pad(x, amounts, mode=mode))


def _upsample(layer: Upsample, inputs: Shapes) -> nn.Module:
    # torch works out i * n / m in float32 for nearest: rarely (2 to 82, no whole factor below 40) it reads one before
    size = list(layer.output_shape(inputs)[1:])
    if layer.mode == "nearest":
        return Apply(lambda x: functional.interpolate(x, size=size, mode="nearest"))
    mode = "bicubic" if layer.mode == "cubic" else _LINEAR[len(size) - 1]
    return Apply(lambda x: functional.interpolate(x, size=size, mode=mode, align_corners=False))


def _product(*inputs: Tensor) -> Tensor:
    first, *others = inputs
    for other in others:
        first = first * other
    return first


def _sum(*inputs: Tensor) -> Tensor:
    first, *others = inputs
    for other in others:
        first = first + other
    return first


BUILDERS: dict[type[Layer], Builder] = {
    Conv: _conv,
    DepthwiseConv: _conv,
    Linear: lambda layer, inputs: nn.Linear(inputs[0][0], layer.units, bias=layer.bias),
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    AdaptiveAvgPool: _adaptive(_ADAPTIVE_AVG),
    AdaptiveMaxPool: _adaptive(_ADAPTIVE_MAX),
    GlobalAvgPool: lambda layer, inputs: Apply(lambda x: x.mean(_spatial(x))),
    GlobalMaxPool: lambda layer, inputs: Apply(lambda x: x.amax(_spatial(x))),
    ReLU: lambda layer, inputs: nn.ReLU(),
    ReLU6: lambda layer, inputs: nn.ReLU6(),
    LeakyReLU: lambda layer, inputs: nn.LeakyReLU(layer.slope),
    PReLU: lambda layer, inputs: nn.PReLU(inputs[0][0] if layer.per_channel else 1, init=layer.init),
    ELU: lambda layer, inputs: nn.ELU(layer.alpha),
    GELU: lambda layer, inputs: nn.GELU(layer.approximate),
    SiLU: lambda layer, inputs: nn.SiLU(),
    HardSwish: lambda layer, inputs: nn.Hardswish(),
    HardSigmoid: lambda layer, inputs: nn.Hardsigmoid(),
    Sigmoid: lambda layer, inputs: nn.Sigmoid(),
    Tanh: lambda layer, inputs: nn.Tanh(),
    Softplus: lambda layer, inputs: nn.Softplus(layer.beta),
    Softmax: lambda layer, inputs: nn.Softmax(1),
    LogSoftmax: lambda layer, inputs: nn.LogSoftmax(1),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    GroupNorm: _group_norm,
    InstanceNorm: _instance_norm,
    Scale: lambda layer, inputs: ChannelScale(inputs[0][0], layer.init),
    LocalResponseNorm: lambda layer, inputs: nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k),
    Dropout: lambda layer, inputs: nn.Dropout(layer.rate),
    Flatten: lambda layer, inputs: nn.Flatten(),
    Pad: _pad,
    Upsample: _upsample,
    Add: lambda layer, inputs: Apply(_sum),
    Multiply: lambda layer, inputs: Apply(_product),
    Concat: lambda layer, inputs: Apply(lambda *xs: torch.cat(xs, 1)),
    Identity: lambda layer, inputs: nn.Identity(),
}
