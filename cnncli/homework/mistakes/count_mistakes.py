"""The value that each mistake gives for parameters and operations, of a layer and of a sum over layers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import prod
from typing import NamedTuple

from cnncli.arithmetic.shape import numel
from cnncli.homework.mistakes.size_mistakes import other_maps
from cnncli.homework.mistakes.texts import MISTAKES, pair, plain
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.conv import Conv, DepthwiseConv
from cnncli.layers.linear import Linear
from cnncli.layers.norm import BatchNorm
from cnncli.layers.reshape import Dropout, Flatten

BATCHES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)  # common batch sizes
Counts = dict[str, int | None]


class Dot(NamedTuple):
    """The factors of the parameters of a convolution or a linear layer; a mistake changes one of them."""

    filters: int
    channels: int
    groups: int
    area: int
    bias: str  # per filter, none, one, per input channel
    positions: int = 1

    def total(self) -> int:
        """The number of parameters."""
        channels = self.channels // self.groups
        weights = self.filters * channels * self.area
        biases = {"none": 0, "one": 1, "per input channel": self.filters * channels}.get(self.bias, self.filters)
        return (weights + biases) * self.positions


def _dot(info: LayerInfo) -> Dot | None:
    layer, stats = info.node.layer, info.stats
    if not isinstance(layer, Conv | DepthwiseConv | Linear) or (isinstance(layer, Conv) and layer.connections):
        return None
    weight = stats.weight_shapes.get("weight")
    if weight is None:
        return None
    channels = info.input_shapes[0][0]
    bias = "per filter" if "bias" in stats.weight_shapes else "none"
    return Dot(weight[0], channels, channels // weight[1], prod(weight[2:]), bias)


def _dot_mistakes(info: LayerInfo, dot: Dot) -> dict[str, Dot]:
    depthwise, is_linear = dot.groups == dot.channels > 1, isinstance(info.node.layer, Linear)
    found: dict[str, Dot] = {
        "forgot_in_channels": dot._replace(channels=dot.groups),
        "one_filter_only": dot._replace(filters=1),
        "depthwise_as_full" if depthwise else "groups_ignored": dot._replace(groups=1),
        "no_weight_sharing": dot._replace(positions=numel(info.stats.output_shape[1:])),
    }
    if not is_linear:
        found["counted_input_pixels"] = dot._replace(area=numel(info.input_shapes[0][1:]))
    if dot.bias == "per filter":
        found["forgot_bias"] = dot._replace(bias="none")
        found["one_bias_total"] = dot._replace(bias="one")
        found["bias_per_in_channel"] = dot._replace(bias="per input channel")
    else:
        found["counted_bias"] = dot._replace(bias="per filter")
    wrong = {name: other for name, other in found.items() if other != dot}
    return {_of_linear(name): other for name, other in wrong.items()} if is_linear else wrong


def _of_linear(name: str) -> str:
    """The name of a mistake about a linear layer, which has units and input features."""
    return f"{name}#linear" if "linear" in MISTAKES[name].variants else name


def of_params(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake, and each pair of mistakes, gives for a layer's parameters."""
    stats = info.stats
    dot = _dot(info)
    if dot is None:
        return _params_of_others(info)
    single = _dot_mistakes(info, dot)
    candidates: Counts = {name: wrong.total() for name, wrong in single.items()}
    for (one, first), (two, second) in combinations(single.items(), 2):
        changed = {f: v for f, v in second._asdict().items() if v != getattr(dot, f)}
        candidates[pair(one, two)] = first._replace(**changed).total()
    if not isinstance(info.node.layer, Linear):
        candidates["counted_outputs"] = stats.activations
    else:
        candidates |= _flattened_wrong(inferred, info, dot)
    return {name: value for name, value in candidates.items() if value != stats.params}


def _flattened_wrong(inferred: Inferred, info: LayerInfo, dot: Dot) -> Counts:
    """A linear layer that follows another flattened feature map, or none."""
    flatten = inferred.layers.get(info.node.inputs[0])
    while flatten is not None and isinstance(flatten.node.layer, Dropout):
        flatten = inferred.layers.get(flatten.node.inputs[0])
    if flatten is None or not isinstance(flatten.node.layer, Flatten):
        return {}
    found: Counts = {
        f"wrong_flatten#{text}": dot._replace(channels=count).total() for text, count in other_maps(inferred, flatten)
    }
    found["forgot_flatten"] = dot._replace(channels=flatten.input_shapes[0][0]).total()
    found["forgot_flatten#width"] = dot._replace(channels=flatten.input_shapes[0][-1]).total()
    return found


def _params_of_others(info: LayerInfo) -> Counts:
    stats, layer = info.stats, info.node.layer
    channels = info.input_shapes[0][0]
    if isinstance(layer, BatchNorm):
        return {"bn_count": 4 * channels, "forgot_bias": channels}
    if stats.params:
        return {}
    if layer.is_pool and stats.windows:
        area = prod(window.kernel for window in stats.windows)
        values = {area, area + 1, area * channels, (area + 1) * channels}
        return {f"pool_has_params#{value}": value for value in values}
    return {f"has_no_params#{value}": value for value in {channels, stats.activations, 2 * channels}}


def of_weights(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's weights, which exclude the biases."""
    stats = info.stats
    of_all = {name: value for name, value in of_params(inferred, info).items() if plain(name) != "one_bias_total"}
    found = {"counted_bias": stats.params, **of_all, "one_bias_total#weights": stats.weights + 1}
    return {name: value for name, value in found.items() if value != stats.weights}


def of_macs(info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's multiply-accumulates (MACs)."""
    stats = info.stats
    if not stats.macs:
        return {}
    found: Counts = {"macs_vs_flops": 2 * stats.macs, "macs_include_bias": stats.connections}
    if stats.windows:
        input_size, output_size = numel(info.input_shapes[0][1:]), numel(stats.output_shape[1:])
        found["macs_input_size"] = stats.macs // output_size * input_size
        found["forgot_in_channels"] = stats.macs // info.input_shapes[0][0]
        found["one_filter_only"] = stats.macs // stats.output_shape[0]
    found |= _of_batches(stats.macs)
    return {name: value for name, value in found.items() if value != stats.macs}


def of_flops(info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's floating-point operations (FLOPs)."""
    stats = info.stats
    found: Counts = {
        "macs_vs_flops": stats.macs,
        "forgot_bias": 2 * stats.macs - numel(stats.output_shape),
        **_of_batches(stats.flops),
    }
    return {name: value for name, value in found.items() if value != stats.flops}


def _of_batches(count: int) -> Counts:
    return {f"macs_per_batch#a batch of {batch}": count * batch for batch in BATCHES} if count else {}


def of_sum(inferred: Inferred, members: Iterable[LayerInfo], quantity: str) -> Counts:
    """Mistakes in a sum: one mistake in every layer, a layer left out or counted twice, a product instead of a sum."""
    layers = list(members)
    counts = {info.node.name: getattr(info.stats, quantity) for info in layers}
    total, found = sum(counts.values()), dict[str, int | None]()
    if quantity in ("params", "trainable"):
        found["forgot_bias"] = total - sum(info.stats.biases for info in layers)
        found["bn_count"] = total + sum(info.stats.buffers for info in layers)
        found |= _product(layers)
    if quantity == "macs":
        found |= {"macs_vs_flops": 2 * total, **_of_batches(total)}
    if quantity == "flops":
        found["macs_vs_flops"] = sum(info.stats.macs for info in layers)
    by_kind: dict[str, int] = {}
    for info in layers:
        by_kind[info.node.layer.kind] = by_kind.get(info.node.layer.kind, 0) + counts[info.node.name]
    for kind, count in by_kind.items():
        if count and total - count:
            found[f"total_missing_or_double#{kind} layers only"] = count
            found[f"total_missing_or_double#without the {kind} layers"] = total - count
    for name, count in counts.items():
        if count and total - count:
            found[f"total_missing_or_double#without {name}"] = total - count
            found[f"total_missing_or_double#{name} counted twice"] = total + count
    return {name: value for name, value in found.items() if value != total}


def _product(layers: list[LayerInfo]) -> Counts:
    """The product of a depthwise and a pointwise convolution."""
    parameterized = [info for info in layers if info.stats.params]
    parts = [info.stats.weights for info in parameterized if isinstance(info.node.layer, Conv | DepthwiseConv)]
    if len(parts) != 2 or len(parameterized) != 2:
        return {}
    return {"separable_product": parts[0] * parts[1]}
