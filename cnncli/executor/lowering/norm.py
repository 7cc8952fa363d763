"""Normalization and learned scales."""

from __future__ import annotations

import math

from cnncli.executor.lowering.code import Lowering, TorchCode, call, omit_default
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalContrastNorm,
    LocalResponseNorm,
    Scale,
)


def _batch_norm(layer: BatchNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    rank = max(1, len(inputs[0]) - 1)
    module = call(
        f"nn.BatchNorm{rank}d", inputs[0][0],
        eps=omit_default(layer.eps, 1e-5),
        momentum=omit_default(layer.momentum, 0.1),
        affine=omit_default(layer.affine, True),
    )  # fmt: skip
    return TorchCode(f"{own}({x})", module)


def _layer_norm(layer: LayerNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    shape = inputs[0] if layer.axes == "all" else inputs[0][:1]
    options = {"eps": omit_default(layer.eps, 1e-5), "elementwise_affine": omit_default(layer.affine, True)}
    module = call("nn.LayerNorm", shape[0] if len(shape) == 1 else shape, **options)
    if len(shape) == len(inputs[0]):
        return TorchCode(f"{own}({x})", module)
    return TorchCode(f"{own}({x}.movedim(1, -1)).movedim(-1, 1)", module)


def _in_groups(groups: int, layer: GroupNorm | InstanceNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    options = {"eps": omit_default(layer.eps, 1e-5), "affine": omit_default(layer.affine, True)}
    module = call("nn.GroupNorm", groups, inputs[0][0], **options)
    if math.prod(inputs[0]) > groups:
        return TorchCode(f"{own}({x})", module)
    # the module refuses a batch of 1 where a group is a single value
    return TorchCode(f"torch.group_norm({x}, {groups}, {own}.weight, {own}.bias, {layer.eps!r})", module)


def _group_norm(layer: GroupNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    return _in_groups(layer.groups, layer, inputs, own, x)


def _instance_norm(layer: InstanceNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    return _in_groups(inputs[0][0], layer, inputs, own, x)  # the same as one group per channel


def _local_response(layer: LocalResponseNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    options = {
        "alpha": omit_default(layer.alpha, 1e-4),
        "beta": omit_default(layer.beta, 0.75),
        "k": omit_default(layer.k, 1.0),
    }
    return TorchCode(call("functional.local_response_norm", x, layer.size, **options))


def _local_contrast(layer: LocalContrastNorm, inputs: Shapes, own: str, x: str) -> TorchCode:
    uncounted = "torch counts the Gaussian windows, which are not weights of the network"
    return TorchCode(f"{own}({x})", call("LocalContrast", layer.kernels(inputs), layer.eps), uncounted)


def _scale(layer: Scale, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(f"{own}({x})", call("ChannelScale", inputs[0][0], layer.init))


LOWERINGS: dict[type[Layer], Lowering] = {
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    GroupNorm: _group_norm,
    InstanceNorm: _instance_norm,
    Scale: _scale,
    LocalResponseNorm: _local_response,
    LocalContrastNorm: _local_contrast,
}
