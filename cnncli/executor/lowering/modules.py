"""Layer -> torch module: a few lines for each kind, keyed by its type. Parameters are named as in ``layer.weights``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnncli.arithmetic.shape import Shape
from cnncli.arithmetic.window import Window
from cnncli.executor.lowering.custom_modules import (
    AVG_POOL,
    PAD_MODES,
    ConnectionTableConv,
    CroppedConvTranspose,
    LocalContrast,
    LocallyConnected,
    PaddedConv,
    RBFOutput,
    StructuredDropout,
    TrainableAvgPool,
    pads_of,
    torch_padding,
)
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
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.conv import Conv, Convolution, ConvTranspose, DepthwiseConv, Local
from cnncli.layers.linear import RBF, Linear
from cnncli.layers.merge import Add, Average, Concat, Maximum, Multiply
from cnncli.layers.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalContrastNorm,
    LocalResponseNorm,
    Scale,
)
from cnncli.layers.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    L2Pool,
    MaxPool,
    Subsample,
)
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

Builder = Callable[[Any, Shapes], nn.Module]

# by number of spatial axes, from one; torch types each of them for its own rank alone
_CONVS: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSES: tuple[Any, ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_MAX_POOL: tuple[Any, ...] = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
_ADAPTIVE_AVG: tuple[Any, ...] = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
_ADAPTIVE_MAX: tuple[Any, ...] = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
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
    """Apply, with its windows: the executor may compute it before the ReLU above it."""

    def __init__(self, function: Callable[..., Tensor], windows: tuple[Window, ...]) -> None:
        super().__init__(function)
        self.windows = windows


def _conv(layer: Convolution, inputs: Shapes) -> nn.Module:
    (shape,) = inputs
    windows = layer.windows(inputs)
    filters, groups = layer.maps(shape[0])
    bordered = any(window.before or window.after for window in windows)
    uneven = any(window.before != window.after for window in windows)
    # where there is no border to make, torch's padding would only copy the input
    if uneven or layer.padding_mode == "partial" or (bordered and layer.padding_mode != "zeros"):
        return PaddedConv(layer.weights(inputs), windows, groups, layer.padding_mode)
    conv = _CONVS[len(windows) - 1](
        shape[0],
        filters,
        tuple(window.kernel for window in windows),
        stride=tuple(window.stride for window in windows),
        padding=tuple(window.before for window in windows),
        dilation=tuple(window.dilation for window in windows),
        groups=groups,
        bias=layer.bias,
    )
    return cast(nn.Module, conv)


def _conv_or_table(layer: Conv, inputs: Shapes) -> nn.Module:
    if layer.connections is None:
        return _conv(layer, inputs)
    shapes, windows = layer.weights(inputs), layer.windows(inputs)
    return ConnectionTableConv(layer.connections, inputs[0][0], shapes, windows, layer.padding_mode)


def _local(layer: Local, inputs: Shapes) -> nn.Module:
    return LocallyConnected(layer.weights(inputs), layer.windows(inputs), layer.groups, layer.padding_mode)


def _conv_transpose(layer: ConvTranspose, inputs: Shapes) -> nn.Module:
    (shape,) = inputs
    windows = layer.windows(inputs)
    even = all(window.before == window.after for window in windows)
    conv = _TRANSPOSES[len(windows) - 1](
        shape[0],
        layer.filters,
        tuple(window.kernel for window in windows),
        stride=tuple(window.stride for window in windows),
        padding=tuple(window.before for window in windows) if even else 0,
        output_padding=layer.output_padding if even else 0,
        groups=layer.groups,
        bias=layer.bias,
        dilation=tuple(window.dilation for window in windows),
    )
    if even:
        return cast(nn.Module, conv)
    return CroppedConvTranspose(conv, pads_of(windows), layer.output_shape(inputs)[1:])


def is_torch_s_own(windows: tuple[Window, ...], sizes: Shape) -> bool:
    """Whether torch's pooling can say this padding: the same on both sides, and at most half of the kernel.

    In 3-D it refuses an input that is smaller than the kernel, however it is padded.
    """
    even = all(window.before == window.after <= window.kernel // 2 for window in windows)
    return even and (len(sizes) < 3 or all(w.effective_kernel <= size for size, w in zip(sizes, windows, strict=True)))


def overhanging_pads(windows: tuple[Window, ...], inputs: Shapes, output: Shape) -> list[int]:
    """The padding, and what the last window hangs over the end (ceil), in the order of functional.pad."""
    pads = []
    for size, positions, window in zip(inputs[0][1:], output[1:], windows, strict=True):
        reach = (positions - 1) * window.stride + window.effective_kernel - window.before - size
        pads.append((window.before, max(window.after, reach)))
    return torch_padding(tuple(pads))


def _max_pool(layer: MaxPool, inputs: Shapes) -> nn.Module:
    windows = layer.windows(inputs)
    pool = _MAX_POOL[len(windows) - 1]
    steps = {
        "kernel_size": [window.kernel for window in windows],
        "stride": [window.stride for window in windows],
        "dilation": [window.dilation for window in windows],
    }
    if is_torch_s_own(windows, inputs[0][1:]):
        padding = [window.before for window in windows]
        return MaxPooling(lambda x: pool(x, **steps, padding=padding, ceil_mode=windows[0].ceil), windows)
    pads = overhanging_pads(windows, inputs, layer.output_shape(inputs))
    return MaxPooling(lambda x: pool(functional.pad(x, pads, value=float("-inf")), **steps), windows)


def _avg_pool(layer: AvgPool, inputs: Shapes) -> nn.Module:
    windows = layer.windows(inputs)
    pool = AVG_POOL[len(windows) - 1]
    steps = {
        "kernel_size": [window.kernel for window in windows],
        "stride": [window.stride for window in windows],
    }
    include = layer.count_include_pad
    if is_torch_s_own(windows, inputs[0][1:]):
        padding, ceil = [window.before for window in windows], windows[0].ceil
        return Apply(lambda x: pool(x, **steps, padding=padding, ceil_mode=ceil, count_include_pad=include))
    pads = overhanging_pads(windows, inputs, layer.output_shape(inputs))
    counted_pads = torch_padding(pads_of(windows)) if include else [0] * len(pads)
    rest = [total - counted for total, counted in zip(pads, counted_pads, strict=True)]

    def average(x: Tensor) -> Tensor:
        counted = functional.pad(functional.pad(torch.ones_like(x), counted_pads, value=1.0), rest)
        return cast(Tensor, pool(functional.pad(x, pads), **steps) / pool(counted, **steps))

    return Apply(average)


def _l2_pool(layer: L2Pool, inputs: Shapes) -> nn.Module:
    windows = layer.windows(inputs)
    pool, pads = AVG_POOL[len(windows) - 1], overhanging_pads(windows, inputs, layer.output_shape(inputs))
    kernel, stride = [window.kernel for window in windows], [window.stride for window in windows]
    area, least = math.prod(kernel), torch.finfo(torch.float32).tiny  # the root has no gradient at 0

    def root_of_squares(x: Tensor) -> Tensor:
        return cast(Tensor, (pool(functional.pad(x.square(), pads), kernel, stride) * area).clamp_min(least).sqrt())

    return Apply(root_of_squares)


def _subsample(layer: Subsample, inputs: Shapes) -> nn.Module:
    average = AvgPool(kernel=layer.kernel, stride=layer.stride, padding=layer.padding, rounding=layer.rounding)
    return TrainableAvgPool(_avg_pool(average, inputs), inputs[0][0])


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


class BatchNormNd(nn.BatchNorm2d):
    """Batch norm of any number of axes: the statistics are over all but the channels in every case."""

    def _check_input_dim(self, input: Tensor) -> None:
        return


def _batch_norm(layer: BatchNorm, inputs: Shapes) -> nn.Module:
    return BatchNormNd(inputs[0][0], eps=layer.eps, momentum=layer.momentum, affine=layer.affine)


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
    amounts, mode = torch_padding(layer.amounts(inputs)), PAD_MODES.get(layer.mode, layer.mode)
    return Apply(lambda x: functional.pad(x, amounts, mode=mode))


def _reshape(layer: Reshape, inputs: Shapes) -> nn.Module:
    shape = layer.shape
    return Apply(lambda x: x.reshape(x.shape[0], *shape))


def _permute(layer: Permute, inputs: Shapes) -> nn.Module:
    order = [0, *(axis + 1 for axis in layer.order)]
    return Apply(lambda x: x.permute(order))


def _slice(layer: Slice, inputs: Shapes) -> nn.Module:
    at = layer.index(inputs)
    length = layer.output_shape(inputs)[at]
    return Apply(lambda x: x.narrow(1 + at, layer.start, length))


def _crop(layer: Crop, inputs: Shapes) -> nn.Module:
    margins = [-amount for amount in torch_padding(layer.amounts(inputs))]
    return Apply(lambda x: functional.pad(x, margins))


def _pixel_shuffle(layer: PixelShuffle, inputs: Shapes) -> nn.Module:
    (channels, *sizes), factor = layer.output_shape(inputs), layer.factor
    rank = len(sizes)
    # (N, C, r, r, H, W) to (N, C, H, r, W, r)
    order = [0, 1, *(axis for i in range(rank) for axis in (2 + rank + i, 2 + i))]

    def shuffled(x: Tensor) -> Tensor:
        blocks = x.reshape(x.shape[0], channels, *(factor,) * rank, *x.shape[2:])
        return blocks.permute(order).reshape(x.shape[0], channels, *sizes)

    return Apply(shuffled)


def _channel_shuffle(layer: ChannelShuffle, inputs: Shapes) -> nn.Module:
    groups = layer.groups
    return Apply(lambda x: x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2))


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


def _largest(*inputs: Tensor) -> Tensor:
    first, *others = inputs
    for other in others:
        first = torch.maximum(first, other)
    return first


BUILDERS: dict[type[Layer], Builder] = {
    Conv: _conv_or_table,
    DepthwiseConv: _conv,
    ConvTranspose: _conv_transpose,
    Local: _local,
    Linear: lambda layer, inputs: nn.Linear(inputs[0][0], layer.units, bias=layer.bias),
    RBF: lambda layer, inputs: RBFOutput(layer.units, inputs[0][0]),
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    L2Pool: _l2_pool,
    Subsample: _subsample,
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
    ScaledTanh: lambda layer, inputs: Apply(lambda x: 1.7159 * torch.tanh(x * (2 / 3))),
    Softplus: lambda layer, inputs: nn.Softplus(layer.beta),
    Softmax: lambda layer, inputs: nn.Softmax(1),
    LogSoftmax: lambda layer, inputs: nn.LogSoftmax(1),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    GroupNorm: _group_norm,
    InstanceNorm: _instance_norm,
    Scale: lambda layer, inputs: ChannelScale(inputs[0][0], layer.init),
    LocalResponseNorm: lambda layer, inputs: nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k),
    LocalContrastNorm: lambda layer, inputs: LocalContrast(layer.kernels(inputs), layer.eps),
    Dropout: lambda layer, inputs: nn.Dropout(layer.rate),
    SpatialDropout: lambda layer, inputs: StructuredDropout(layer.rate, axes=2),
    DropPath: lambda layer, inputs: StructuredDropout(layer.rate, axes=1),
    Flatten: lambda layer, inputs: nn.Flatten(),
    Reshape: _reshape,
    Permute: _permute,
    Slice: _slice,
    Crop: _crop,
    Pad: _pad,
    Upsample: _upsample,
    PixelShuffle: _pixel_shuffle,
    ChannelShuffle: _channel_shuffle,
    Add: lambda layer, inputs: Apply(_sum),
    Multiply: lambda layer, inputs: Apply(_product),
    Maximum: lambda layer, inputs: Apply(_largest),
    Average: lambda layer, inputs: Apply(lambda *xs: _sum(*xs) / len(xs)),
    Concat: lambda layer, inputs: Apply(lambda *xs: torch.cat(xs, 1)),
    Identity: lambda layer, inputs: nn.Identity(),
}
