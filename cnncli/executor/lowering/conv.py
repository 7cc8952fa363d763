"""Convolutions.

``nn.Conv2d`` pads both sides of an axis equally. Other padding is added by ``functional.pad`` before the module; what
PyTorch has no module for is a custom module.
"""

from __future__ import annotations

import math

from cnncli.arithmetic.window import is_symmetric
from cnncli.executor.lowering.code import Lowering, TorchCode, call, compact, omit_default, padded, quoted, window_tuple
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.conv import Conv, Convolution, ConvTranspose, DepthwiseConv, Local

PARTIAL = "torch also counts the convolution that computes the border weights"
ONE_TERM = "torch does not count sums of one term as a matrix product"
TABLE = "torch counts the zeros of unconnected feature maps"


def _convolution(layer: Convolution, inputs: Shapes, own: str, x: str) -> TorchCode:
    windows, mode = layer.windows(inputs), layer.padding_mode
    filters, groups = layer.maps(inputs[0][0])
    if mode == "partial":
        module = call("PaddedConv", quoted(layer.weights(inputs)), window_tuple(windows), groups, quoted(mode))
        return TorchCode(f"{own}({x})", module, PARTIAL)
    border = layer.border(inputs)
    symmetric = is_symmetric(border)
    module = call(
        f"nn.Conv{len(windows)}d", inputs[0][0], filters,
        compact([window.kernel for window in windows]),
        stride=compact([window.stride for window in windows], 1),
        padding=compact([window.before for window in windows], 0) if symmetric else None,
        dilation=compact([window.dilation for window in windows], 1),
        groups=omit_default(groups, 1),
        bias=omit_default(layer.bias, True),
        # without padding the mode would only make PyTorch copy the input
        padding_mode=omit_default(mode, "zeros") if symmetric and any(map(any, border)) else None,
    )  # fmt: skip
    return TorchCode(f"{own}({x if symmetric else padded(x, border, mode)})", module)


def _conv(layer: Conv, inputs: Shapes, own: str, x: str) -> TorchCode:
    if layer.connections is None:
        return _convolution(layer, inputs, own, x)
    shapes, windows = quoted(layer.weights(inputs)), window_tuple(layer.windows(inputs))
    arguments = (layer.connections, inputs[0][0], shapes, windows, quoted(layer.padding_mode))
    return TorchCode(f"{own}({x})", call("ConnectionTableConv", *arguments), TABLE)


def _local(layer: Local, inputs: Shapes, own: str, x: str) -> TorchCode:
    windows, shapes = layer.windows(inputs), layer.weights(inputs)
    arguments = (quoted(shapes), window_tuple(windows), layer.groups, quoted(layer.padding_mode))
    terms = math.prod(shapes["weight"][1 + len(windows) :])
    uncounted = PARTIAL if layer.padding_mode == "partial" else ONE_TERM if terms == 1 else ""
    return TorchCode(f"{own}({x})", call("LocallyConnected", *arguments), uncounted)


def _conv_transpose(layer: ConvTranspose, inputs: Shapes, own: str, x: str) -> TorchCode:
    windows, border = layer.windows(inputs), layer.border(inputs)
    symmetric = is_symmetric(border)
    module = call(
        f"nn.ConvTranspose{len(windows)}d", inputs[0][0], layer.filters,
        compact([window.kernel for window in windows]),
        stride=compact([window.stride for window in windows], 1),
        padding=compact([window.before for window in windows], 0) if symmetric else None,
        output_padding=compact(layer.output_paddings(inputs), 0) if symmetric else None,
        groups=omit_default(layer.groups, 1),
        bias=omit_default(layer.bias, True),
        dilation=compact([window.dilation for window in windows], 1),
    )  # fmt: skip
    if not symmetric:
        module = call("CroppedConvTranspose", module, border, layer.output_shape(inputs)[1:])
    return TorchCode(f"{own}({x})", module)


LOWERINGS: dict[type[Layer], Lowering] = {
    Conv: _conv,
    DepthwiseConv: _convolution,
    ConvTranspose: _conv_transpose,
    Local: _local,
}
