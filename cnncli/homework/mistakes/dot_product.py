"""Convolutions and linear layers as dot products: a mistake changes one factor of their number of weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import prod
from typing import NamedTuple

from cnncli.arithmetic.shape import numel
from cnncli.homework.mistakes.table import MISTAKES
from cnncli.homework.mistakes.texts import pair
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.conv import Conv, ConvTranspose, DepthwiseConv
from cnncli.layers.linear import Linear


class Dot(NamedTuple):
    """The factors of the parameters, or of the operations, of a convolution or a linear layer.

    ``bias``: per filter, none, one, per input channel, or per kernel (for each input channel of each filter).
    """

    filters: int
    channels: int
    groups: int
    area: int
    bias: str
    positions: int = 1

    def total(self) -> int:
        """(filters * channels / groups * area + biases) * positions."""
        kernels = self.filters * (self.channels // self.groups)
        biases = {
            "none": 0,
            "one": 1,
            "per filter": self.filters,
            "per input channel": self.channels,
            "per kernel": kernels,
        }
        return (kernels * self.area + biases[self.bias]) * self.positions


def dot_of(info: LayerInfo) -> Dot | None:
    """The dot product of a layer's parameters, or None for a layer of another kind."""
    layer, shapes = info.node.layer, info.stats.weight_shapes
    weight = shapes.get("weight")
    if weight is None or not isinstance(layer, Conv | DepthwiseConv | ConvTranspose | Linear):
        return None
    if isinstance(layer, Conv) and layer.connections:
        return None
    channels, filters = info.input_shapes[0][0], info.stats.output_shape[0]
    area = prod(weight[2:])
    groups = filters * channels * area // numel(weight)
    return Dot(filters, channels, groups, area, "per filter" if "bias" in shapes else "none")


def factor_mistakes(inferred: Inferred, info: LayerInfo, dot: Dot) -> dict[str, Dot]:
    """Each mistake that changes a factor of the weights, with the changed factors."""
    is_depthwise, is_linear = dot.groups == dot.channels > 1, isinstance(info.node.layer, Linear)
    found = {
        "forgot_in_channels": dot._replace(channels=dot.groups),
        "one_filter_only": dot._replace(filters=1),
        "depthwise_as_full" if is_depthwise else "groups_ignored": dot._replace(groups=1),
    }
    if not is_linear:
        found |= {name: dot._replace(area=area) for name, area in _areas(inferred, info)}
    return named_for(info, {name: other for name, other in found.items() if other != dot})


def _areas(inferred: Inferred, info: LayerInfo) -> Iterator[tuple[str, int]]:
    """The wrong areas of a kernel."""
    windows = info.stats.windows
    if len(windows) > 1:
        for axis, kernel in enumerate(dict.fromkeys(window.kernel for window in windows)):
            yield (f"kernel_not_squared#{axis}" if axis else "kernel_not_squared"), kernel
    yield "kernel_as_span", prod(window.effective_kernel for window in windows)
    yield "kernel_with_padding", prod(window.kernel + window.before + window.after for window in windows)
    yield "kernel_with_padding#once", prod(window.kernel + window.before for window in windows)
    above = _windowed_layer_above(inferred, info)
    if above is not None:
        area = prod(window.kernel for window in above.stats.windows)
        yield f"kernel_of_layer_above#of {above.node.name}", area
    yield "counted_input_pixels", numel(info.input_shapes[0][1:])


def _windowed_layer_above(inferred: Inferred, info: LayerInfo) -> LayerInfo | None:
    """The nearest earlier layer with windows, along first inputs."""
    layer = inferred.layers.get(info.node.inputs[0])
    while layer is not None and not layer.stats.windows:
        layer = inferred.layers.get(layer.node.inputs[0])
    return layer


def bias_mistakes(info: LayerInfo, dot: Dot) -> dict[str, Dot]:
    """Each mistake in the number of biases."""
    if dot.bias == "none":
        return {"counted_bias": dot._replace(bias="per filter")}
    wrong = {
        "forgot_bias": "none",
        "one_bias_total": "one",
        "bias_per_input": "per input channel",
        "bias_per_in_channel": "per kernel",
    }
    return named_for(info, {name: dot._replace(bias=bias) for name, bias in wrong.items()})


def named_for(info: LayerInfo, mistakes: dict[str, Dot]) -> dict[str, Dot]:
    """The mistakes under their names for a layer: a linear layer has units and input features."""
    if not isinstance(info.node.layer, Linear):
        return mistakes
    return {f"{name}#linear" if "linear" in MISTAKES[name].variants else name: it for name, it in mistakes.items()}


def pairs_of(dot: Dot, single: dict[str, Dot]) -> dict[str, Dot]:
    """Each pair of mistakes in different factors, with the changed factors of both."""
    found = {}
    for (one, first), (two, second) in combinations(single.items(), 2):
        changed = {name: value for name, value in second._asdict().items() if value != getattr(dot, name)}
        if all(getattr(first, name) == getattr(dot, name) for name in changed):
            found[pair(one, two)] = first._replace(**changed)
    return found
