"""Layer -> Python: what builds its module, and its line of ``forward``; keyed by type, as in ``modules.py``.

What torch has no function for stands in the file as cnn's own class (:mod:`cnncli.executor.export.copied`). Tests hold
every kind, and random networks, against the modules that the executor builds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from cnncli.arithmetic.window import Window
from cnncli.executor.lowering.custom_modules import PAD_MODES, pads_of, torch_padding
from cnncli.executor.lowering.modules import is_torch_s_own, overhanging_pads
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


class Line(NamedTuple):
    """What a layer's line of ``forward`` computes, and what builds the module that it calls, if it calls one."""

    value: str
    module: str = ""


Writer = Callable[..., Line]  # (layer, shapes of its inputs, the place of its module, the variables that it reads)


def written(layer: Layer, inputs: Shapes, own: str, read: tuple[str, ...]) -> Line:
    """The line of a layer whose module stands at ``own`` (``self.c1``) and whose inputs are the variables ``read``."""
    return WRITERS[type(layer)](layer, inputs, own, *read)


def called(function: str, *arguments: object, **options: object) -> str:
    """``function(1, 2, stride=3)``; options that are None are left out."""
    named = [f"{name}={quoted(value)}" for name, value in options.items() if value is not None]
    return f"{function}({', '.join([*map(str, arguments), *named])})"


def quoted(value: object) -> str:
    """A value as Python, texts in double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(key)}: {quoted(item)}' for key, item in value.items())}}}"
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and '"' not in text else text


def _unless(value: object, default: object) -> Any:
    """None for the default, which needs no saying."""
    return None if value == default else value


def _axes(values: list[int] | tuple[int, ...], default: object = None) -> Any:
    """One number where all axes have it, else a tuple; None for the default."""
    short = values[0] if len(set(values)) == 1 else tuple(values)
    return None if short == default else short


def _padded(x: str, pads: list[int], mode: str = "constant", value: str = "") -> str:
    """The variable with a border, given in the order of functional.pad; itself where there is none."""
    if not any(pads):
        return x
    filled = f", value={value}" if value else ""
    named = f", mode={quoted(mode)}" if mode != "constant" else ""
    return f"functional.pad({x}, {tuple(pads)}{named}{filled})"


# Convolutions -----------------------------------------------------------------------------------------------------


def _conv(layer: Convolution, inputs: Shapes, own: str, x: str) -> Line:
    windows, mode = layer.windows(inputs), layer.padding_mode
    if mode == "partial":
        module = called(
            "PaddedConv", quoted(layer.weights(inputs)), _windows(windows), layer.maps(inputs[0][0])[1], quoted(mode)
        )
        return Line(f"{own}({x})", module)
    filters, groups = layer.maps(inputs[0][0])
    even = all(window.before == window.after for window in windows)
    module = called(
        f"nn.Conv{len(windows)}d", inputs[0][0], filters,
        _axes([window.kernel for window in windows]),
        stride=_axes([window.stride for window in windows], 1),
        padding=_axes([window.before for window in windows], 0) if even else None,
        dilation=_axes([window.dilation for window in windows], 1),
        groups=_unless(groups, 1),
        bias=_unless(layer.bias, True),
        padding_mode=_unless(mode, "zeros") if even and any(window.before for window in windows) else None,
    )  # fmt: skip
    pads = [] if even else torch_padding(pads_of(windows))  # torch's own pads both sides alike
    return Line(f"{own}({_padded(x, pads, PAD_MODES.get(mode, mode))})", module)


def _conv_or_table(layer: Conv, inputs: Shapes, own: str, x: str) -> Line:
    if layer.connections is None:
        return _conv(layer, inputs, own, x)
    windows = _windows(layer.windows(inputs))
    arguments = (layer.connections, inputs[0][0], quoted(layer.weights(inputs)), windows, quoted(layer.padding_mode))
    return Line(f"{own}({x})", called("ConnectionTableConv", *arguments))


def _local(layer: Local, inputs: Shapes, own: str, x: str) -> Line:
    windows = _windows(layer.windows(inputs))
    return Line(
        f"{own}({x})",
        called("LocallyConnected", quoted(layer.weights(inputs)), windows, layer.groups, quoted(layer.padding_mode)),
    )


def _windows(windows: tuple[Window, ...]) -> str:
    """The windows as cnn's own classes take them."""
    texts = [
        called(
            "Window", window.kernel,
            stride=_unless(window.stride, 1), before=_unless(window.before, 0), after=_unless(window.after, 0),
            dilation=_unless(window.dilation, 1),
        )
        for window in windows
    ]  # fmt: skip
    return f"({', '.join(texts)},)" if len(texts) == 1 else f"({', '.join(texts)})"


def _conv_transpose(layer: ConvTranspose, inputs: Shapes, own: str, x: str) -> Line:
    windows = layer.windows(inputs)
    even = all(window.before == window.after for window in windows)
    extra = layer.output_padding
    module = called(
        f"nn.ConvTranspose{len(windows)}d", inputs[0][0], layer.filters,
        _axes([window.kernel for window in windows]),
        stride=_axes([window.stride for window in windows], 1),
        padding=_axes([window.before for window in windows], 0) if even else None,
        output_padding=_axes(extra if isinstance(extra, tuple) else (extra,), 0) if even else None,
        groups=_unless(layer.groups, 1),
        bias=_unless(layer.bias, True),
        dilation=_axes([window.dilation for window in windows], 1),
    )  # fmt: skip
    if not even:
        module = called("CroppedConvTranspose", module, pads_of(windows), layer.output_shape(inputs)[1:])
    return Line(f"{own}({x})", module)


def _linear(layer: Linear, inputs: Shapes, own: str, x: str) -> Line:
    return Line(f"{own}({x})", called("nn.Linear", inputs[0][0], layer.units, bias=_unless(layer.bias, True)))


def _rbf(layer: RBF, inputs: Shapes, own: str, x: str) -> Line:
    return Line(f"{own}({x})", called("RBFOutput", layer.units, inputs[0][0]))


# Pooling ----------------------------------------------------------------------------------------------------------


def _steps(windows: tuple[Window, ...]) -> tuple[Any, dict[str, Any]]:
    """The kernel of a pool, and its stride where that is another."""
    kernel = _axes([window.kernel for window in windows])
    return kernel, {"stride": _axes([window.stride for window in windows], kernel)}


def _max_pool(layer: MaxPool, inputs: Shapes, own: str, x: str) -> Line:
    windows = layer.windows(inputs)
    pool = f"functional.max_pool{len(windows)}d"
    kernel, options = _steps(windows)
    dilation = _axes([window.dilation for window in windows], 1)
    if is_torch_s_own(windows, inputs[0][1:]):
        options["padding"] = _axes([window.before for window in windows], 0)
        return Line(called(pool, x, kernel, **options, dilation=dilation, ceil_mode=windows[0].ceil or None))
    pads = overhanging_pads(windows, inputs, layer.output_shape(inputs))
    return Line(called(pool, _padded(x, pads, value="-math.inf"), kernel, **options, dilation=dilation))


def _even_average(layer: AvgPool | Subsample, inputs: Shapes) -> dict[str, Any]:
    """The options of torch's own average pooling, beside kernel and stride."""
    windows = layer.windows(inputs)
    padding = _axes([window.before for window in windows], 0)
    excluded = None if getattr(layer, "count_include_pad", True) else False
    return {"padding": padding, "ceil_mode": windows[0].ceil or None, "count_include_pad": excluded}


def _avg_pool(layer: AvgPool | Subsample, inputs: Shapes, own: str, x: str) -> Line:
    windows = layer.windows(inputs)
    pool = f"functional.avg_pool{len(windows)}d"
    kernel, options = _steps(windows)
    if is_torch_s_own(windows, inputs[0][1:]):
        return Line(called(pool, x, kernel, **options, **_even_average(layer, inputs)))
    pads = overhanging_pads(windows, inputs, layer.output_shape(inputs))
    include = getattr(layer, "count_include_pad", True)
    counted = torch_padding(pads_of(windows)) if include else [0] * len(pads)
    rest = [total - count for total, count in zip(pads, counted, strict=True)]
    ones = _padded(_padded(f"torch.ones_like({x})", counted, value="1.0"), rest)
    values, shares = (called(pool, text, kernel, **options) for text in (_padded(x, pads), ones))
    return Line(f"{values} / {shares}")


def _subsample(layer: Subsample, inputs: Shapes, own: str, x: str) -> Line:
    windows = layer.windows(inputs)
    kernel, options = _steps(windows)
    if is_torch_s_own(windows, inputs[0][1:]):
        average = called(f"nn.AvgPool{len(windows)}d", kernel, **options, **_even_average(layer, inputs))
    else:
        average = called("Apply", f"lambda x: {_avg_pool(layer, inputs, own, 'x').value}")
    return Line(f"{own}({x})", called("TrainableAvgPool", average, inputs[0][0]))


def _l2_pool(layer: L2Pool, inputs: Shapes, own: str, x: str) -> Line:
    windows = layer.windows(inputs)
    kernel, options = _steps(windows)
    squares = _padded(f"{x}.square()", overhanging_pads(windows, inputs, layer.output_shape(inputs)))
    means = called(f"functional.avg_pool{len(windows)}d", squares, kernel, **options)
    area = math.prod(window.kernel for window in windows)
    return Line(f"({means} * {area}).clamp_min(torch.finfo(torch.float32).tiny).sqrt()")


def _adaptive(kind: str) -> Writer:
    def writer(layer: AdaptiveAvgPool, inputs: Shapes, own: str, x: str) -> Line:
        output = layer.output_shape(inputs)[1:]
        return Line(called(f"functional.adaptive_{kind}_pool{len(output)}d", x, _axes(output)))

    return writer


def _global(method: str) -> Writer:
    def writer(layer: Layer, inputs: Shapes, own: str, x: str) -> Line:
        axes = tuple(range(2, len(inputs[0]) + 1))
        return Line(f"{x}.{method}({_axes(axes)})")

    return writer


# Norms ------------------------------------------------------------------------------------------------------------


def _batch_norm(layer: BatchNorm, inputs: Shapes, own: str, x: str) -> Line:
    rank = max(1, len(inputs[0]) - 1)
    momentum = _unless(layer.momentum, 0.1)
    options = {"eps": _unless(layer.eps, 1e-5), "momentum": momentum, "affine": _unless(layer.affine, True)}
    return Line(f"{own}({x})", called(f"nn.BatchNorm{rank}d", inputs[0][0], **options))


def _layer_norm(layer: LayerNorm, inputs: Shapes, own: str, x: str) -> Line:
    shape = inputs[0] if layer.axes == "all" else inputs[0][:1]
    normalised = shape[0] if len(shape) == 1 else shape
    options = {"eps": _unless(layer.eps, 1e-5), "elementwise_affine": _unless(layer.affine, True)}
    module = called("nn.LayerNorm", normalised, **options)
    if len(shape) == len(inputs[0]):
        return Line(f"{own}({x})", module)
    return Line(f"{own}({x}.movedim(1, -1)).movedim(-1, 1)", module)


def _in_groups(groups: int, layer: GroupNorm | InstanceNorm, inputs: Shapes, own: str, x: str) -> Line:
    options = {"eps": _unless(layer.eps, 1e-5), "affine": _unless(layer.affine, True)}
    module = called("nn.GroupNorm", groups, inputs[0][0], **options)
    if math.prod(inputs[0]) > groups:
        return Line(f"{own}({x})", module)
    # the module refuses a batch of 1 where a group is a single value
    return Line(f"torch.group_norm({x}, {groups}, {own}.weight, {own}.bias, {layer.eps!r})", module)


def _group_norm(layer: GroupNorm, inputs: Shapes, own: str, x: str) -> Line:
    return _in_groups(layer.groups, layer, inputs, own, x)


def _instance_norm(layer: InstanceNorm, inputs: Shapes, own: str, x: str) -> Line:
    return _in_groups(inputs[0][0], layer, inputs, own, x)  # one group per channel is the same


def _lrn(layer: LocalResponseNorm, inputs: Shapes, own: str, x: str) -> Line:
    options = {"alpha": _unless(layer.alpha, 1e-4), "beta": _unless(layer.beta, 0.75), "k": _unless(layer.k, 1.0)}
    return Line(called("functional.local_response_norm", x, layer.size, **options))


def _lcn(layer: LocalContrastNorm, inputs: Shapes, own: str, x: str) -> Line:
    return Line(f"{own}({x})", called("LocalContrast", layer.kernels(inputs), repr(layer.eps)))


def _scale(layer: Scale, inputs: Shapes, own: str, x: str) -> Line:
    return Line(f"{own}({x})", called("ChannelScale", inputs[0][0], repr(layer.init)))


# Element by element -----------------------------------------------------------------------------------------------


def _applied(function: str, **fields: object) -> Writer:
    """A function of the input; ``fields`` are those of the layer that it takes, with its own defaults."""

    def writer(layer: Layer, inputs: Shapes, own: str, x: str) -> Line:
        options = {name: _unless(getattr(layer, _FIELDS.get(name, name)), value) for name, value in fields.items()}
        return Line(called(function, x, **options))

    return writer


_FIELDS = {"negative_slope": "slope"}  # where torch calls it otherwise


def _prelu(layer: PReLU, inputs: Shapes, own: str, x: str) -> Line:
    count = inputs[0][0] if layer.per_channel else 1
    return Line(f"{own}({x})", called("nn.PReLU", *[count][: count > 1], init=_unless(layer.init, 0.25)))


def _over_channels(function: str) -> Writer:
    return lambda layer, inputs, own, x: Line(called(function, x, 1))


def _dropout(layer: Dropout, inputs: Shapes, own: str, x: str) -> Line:
    return Line(f"functional.dropout({x}, {layer.rate!r}, self.training)")


def _drop_whole(axes: int) -> Writer:
    return lambda layer, inputs, own, x: Line(f"{own}({x})", called("StructuredDropout", repr(layer.rate), axes=axes))


# Shapes -----------------------------------------------------------------------------------------------------------


def _reshape(layer: Reshape, inputs: Shapes, own: str, x: str) -> Line:
    return Line(called(f"{x}.reshape", f"{x}.shape[0]", *layer.shape))


def _permute(layer: Permute, inputs: Shapes, own: str, x: str) -> Line:
    return Line(called(f"{x}.permute", 0, *(axis + 1 for axis in layer.order)))


def _indexed(x: str, ranges: list[tuple[int, int]], shape: tuple[int, ...]) -> str:
    """``x[:, :, 1:7]``: the part of each axis of ``shape``, from and to."""
    texts = [f"{start or ''}:{stop if stop < size else ''}" for (start, stop), size in zip(ranges, shape, strict=True)]
    while texts and texts[-1] == ":":
        texts.pop()
    return f"{x}[{', '.join([':', *texts])}]"


def _slice(layer: Slice, inputs: Shapes, own: str, x: str) -> Line:
    at, shape = layer.index(inputs), inputs[0]
    length = layer.output_shape(inputs)[at]
    ranges = [(layer.start, layer.start + length) if axis == at else (0, size) for axis, size in enumerate(shape)]
    return Line(_indexed(x, ranges, shape))


def _crop(layer: Crop, inputs: Shapes, own: str, x: str) -> Line:
    shape, amounts = inputs[0], ((0, 0), *layer.amounts(inputs))
    ranges = [(before, size - after) for size, (before, after) in zip(shape, amounts, strict=True)]
    return Line(_indexed(x, ranges, shape))


def _pad(layer: Pad, inputs: Shapes, own: str, x: str) -> Line:
    return Line(_padded(x, torch_padding(layer.amounts(inputs)), PAD_MODES.get(layer.mode, layer.mode)))


def _upsample(layer: Upsample, inputs: Shapes, own: str, x: str) -> Line:
    size = layer.output_shape(inputs)[1:]
    modes = {"nearest": "nearest", "cubic": "bicubic", "linear": ("linear", "bilinear", "trilinear")[len(size) - 1]}
    mode = _unless(modes[layer.mode], "nearest")
    return Line(called("functional.interpolate", x, size=_axes(size), mode=mode))


def _pixel_shuffle(layer: PixelShuffle, inputs: Shapes, own: str, x: str) -> Line:
    (channels, *sizes), factor = layer.output_shape(inputs), layer.factor
    rank = len(sizes)
    if rank == 2:
        return Line(f"functional.pixel_shuffle({x}, {factor})")
    # (N, C, r, W) to (N, C, W, r), and so on
    order = [0, 1, *(axis for i in range(rank) for axis in (2 + rank + i, 2 + i))]
    blocks = called(f"{x}.reshape", f"{x}.shape[0]", channels, *(factor,) * rank, *inputs[0][1:])
    return Line(f"{called(f'{blocks}.permute', *order)}{called('.reshape', f'{x}.shape[0]', channels, *sizes)}")


def _channel_shuffle(layer: ChannelShuffle, inputs: Shapes, own: str, x: str) -> Line:
    return Line(f"{x}.unflatten(1, ({layer.groups}, -1)).transpose(1, 2).flatten(1, 2)")


# Joins ------------------------------------------------------------------------------------------------------------


def _joined(sign: str) -> Writer:
    return lambda layer, inputs, own, *xs: Line(f" {sign} ".join(xs))


def _average(layer: Average, inputs: Shapes, own: str, *xs: str) -> Line:
    return Line(f"({' + '.join(xs)}) / {len(xs)}")


def _largest(layer: Maximum, inputs: Shapes, own: str, first: str, *others: str) -> Line:
    for other in others:
        first = f"torch.maximum({first}, {other})"
    return Line(first)


def _concat(layer: Concat, inputs: Shapes, own: str, *xs: str) -> Line:
    return Line(f"torch.cat([{', '.join(xs)}], 1)")


WRITERS: dict[type[Layer], Writer] = {
    Conv: _conv_or_table,
    DepthwiseConv: _conv,
    ConvTranspose: _conv_transpose,
    Local: _local,
    Linear: _linear,
    RBF: _rbf,
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    L2Pool: _l2_pool,
    Subsample: _subsample,
    AdaptiveAvgPool: _adaptive("avg"),
    AdaptiveMaxPool: _adaptive("max"),
    GlobalAvgPool: _global("mean"),
    GlobalMaxPool: _global("amax"),
    ReLU: _applied("functional.relu"),
    ReLU6: _applied("functional.relu6"),
    LeakyReLU: _applied("functional.leaky_relu", negative_slope=0.01),
    PReLU: _prelu,
    ELU: _applied("functional.elu", alpha=1.0),
    GELU: _applied("functional.gelu", approximate="none"),
    SiLU: _applied("functional.silu"),
    HardSwish: _applied("functional.hardswish"),
    HardSigmoid: _applied("functional.hardsigmoid"),
    Sigmoid: _applied("torch.sigmoid"),
    Tanh: _applied("torch.tanh"),
    ScaledTanh: lambda layer, inputs, own, x: Line(f"1.7159 * torch.tanh({x} * (2 / 3))"),
    Softplus: _applied("functional.softplus", beta=1.0),
    Softmax: _over_channels("functional.softmax"),
    LogSoftmax: _over_channels("functional.log_softmax"),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    GroupNorm: _group_norm,
    InstanceNorm: _instance_norm,
    Scale: _scale,
    LocalResponseNorm: _lrn,
    LocalContrastNorm: _lcn,
    Dropout: _dropout,
    SpatialDropout: _drop_whole(axes=2),
    DropPath: _drop_whole(axes=1),
    Flatten: lambda layer, inputs, own, x: Line(f"{x}.flatten(1)"),
    Reshape: _reshape,
    Permute: _permute,
    Slice: _slice,
    Crop: _crop,
    Pad: _pad,
    Upsample: _upsample,
    PixelShuffle: _pixel_shuffle,
    ChannelShuffle: _channel_shuffle,
    Add: _joined("+"),
    Multiply: _joined("*"),
    Maximum: _largest,
    Average: _average,
    Concat: _concat,
    Identity: lambda layer, inputs, own, x: Line(x),
}
