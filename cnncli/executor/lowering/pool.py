"""Pooling. Where PyTorch's functions cannot pad as the layer does, ``functional.pad`` adds the border before them."""

from __future__ import annotations

import math
from typing import Any

from cnncli.analysis.torch_operations import pooling_pads
from cnncli.arithmetic.window import Window
from cnncli.executor.lowering.code import Lowering, TorchCode, call, compact, omit_default, padded
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AdaptivePool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    L2Pool,
    MaxPool,
    Subsample,
)


def _kernel_and_stride(windows: tuple[Window, ...]) -> tuple[Any, dict[str, Any]]:
    """The kernel, and the stride as an option where it differs from the kernel."""
    kernel = compact([window.kernel for window in windows])
    return kernel, {"stride": compact([window.stride for window in windows], kernel)}


def _max_pool(layer: MaxPool, inputs: Shapes, own: str, x: str) -> TorchCode:
    windows = layer.windows(inputs)
    function = f"functional.max_pool{len(windows)}d"
    kernel, options = _kernel_and_stride(windows)
    dilation = compact([window.dilation for window in windows], 1)
    if pooling_pads(layer, inputs):
        options["padding"] = compact([window.before for window in windows], 0)
        return TorchCode(call(function, x, kernel, **options, dilation=dilation, ceil_mode=windows[0].ceil or None))
    border = padded(x, layer.border_with_overhang(inputs), value="-math.inf")
    return TorchCode(call(function, border, kernel, **options, dilation=dilation))


def _native_average(layer: AvgPool, inputs: Shapes) -> tuple[Any, dict[str, Any]]:
    """The kernel and the options of PyTorch's average pooling."""
    windows = layer.windows(inputs)
    kernel, options = _kernel_and_stride(windows)
    options["padding"] = compact([window.before for window in windows], 0)
    options["ceil_mode"] = windows[0].ceil or None
    options["count_include_pad"] = omit_default(layer.count_include_pad, True)
    return kernel, options


def _avg_pool(layer: AvgPool, inputs: Shapes, own: str, x: str) -> TorchCode:
    windows = layer.windows(inputs)
    function = f"functional.avg_pool{len(windows)}d"
    if pooling_pads(layer, inputs):
        kernel, options = _native_average(layer, inputs)
        return TorchCode(call(function, x, kernel, **options))
    kernel, options = _kernel_and_stride(windows)
    border = layer.border_with_overhang(inputs)
    # averaging ones, with zeros where values do not count, gives the part of each window that is in the divisor
    counted = layer.border(inputs) if layer.count_include_pad else ((0, 0),) * len(windows)
    rest = [(a - b, c - d) for (a, c), (b, d) in zip(border, counted, strict=True)]
    ones = padded(padded(f"torch.ones_like({x})", counted, value="1.0"), rest)
    values, divisors = (call(function, text, kernel, **options) for text in (padded(x, border), ones))
    return TorchCode(f"{values} / {divisors}")


def _subsample(layer: Subsample, inputs: Shapes, own: str, x: str) -> TorchCode:
    average = AvgPool(kernel=layer.kernel, stride=layer.stride, padding=layer.padding, rounding=layer.rounding)
    if pooling_pads(layer, inputs):
        kernel, options = _native_average(average, inputs)
        module = call(f"nn.AvgPool{len(inputs[0]) - 1}d", kernel, **options)
    else:
        module = call("Apply", f"lambda x: {_avg_pool(average, inputs, own, 'x').forward}")
    return TorchCode(f"{own}({x})", call("TrainableAvgPool", module, inputs[0][0]))


def _l2_pool(layer: L2Pool, inputs: Shapes, own: str, x: str) -> TorchCode:
    windows = layer.windows(inputs)
    kernel, options = _kernel_and_stride(windows)
    squares = padded(f"{x}.square()", layer.border_with_overhang(inputs))
    means = call(f"functional.avg_pool{len(windows)}d", squares, kernel, **options)
    area = math.prod(window.kernel for window in windows)
    # the root has no gradient at 0
    return TorchCode(f"({means} * {area}).clamp_min(torch.finfo(torch.float32).tiny).sqrt()")


def _adaptive(operation: str) -> Lowering:
    def lower(layer: AdaptivePool, inputs: Shapes, own: str, x: str) -> TorchCode:
        output = layer.output_shape(inputs)[1:]
        return TorchCode(call(f"functional.adaptive_{operation}_pool{len(output)}d", x, compact(output)))

    return lower


def _global(method: str) -> Lowering:
    def lower(layer: Layer, inputs: Shapes, own: str, x: str) -> TorchCode:
        return TorchCode(f"{x}.{method}({compact(range(2, len(inputs[0]) + 1))})")

    return lower


LOWERINGS: dict[type[Layer], Lowering] = {
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    L2Pool: _l2_pool,
    Subsample: _subsample,
    AdaptiveAvgPool: _adaptive("avg"),
    AdaptiveMaxPool: _adaptive("max"),
    GlobalAvgPool: _global("mean"),
    GlobalMaxPool: _global("amax"),
}
