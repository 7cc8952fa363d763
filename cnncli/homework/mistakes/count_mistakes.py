"""The value that each mistake gives for a layer's parameters and output values."""

from __future__ import annotations

from math import prod

from cnncli.arithmetic.shape import numel
from cnncli.homework.mistakes.dot_product import Dot, bias_mistakes, dot_of, factor_mistakes, pairs_of
from cnncli.homework.mistakes.shape_mistakes import flattened, of_shape
from cnncli.inference import BYTES_PER_PARAMETER, Inferred, LayerInfo
from cnncli.layers.linear import Linear
from cnncli.layers.norm import BatchNorm
from cnncli.layers.reshape import Dropout, Flatten

Counts = dict[str, int]


def of_params(inferred: Inferred, info: LayerInfo, *, pairs: bool = True) -> Counts:
    """The value that each mistake, and each pair of mistakes, gives for a layer's parameters."""
    stats, dot = info.stats, dot_of(info)
    if dot is None:
        found = _params_of_others(info)
    else:
        single = {**factor_mistakes(inferred, info, dot), **bias_mistakes(info, dot)}
        if isinstance(info.node.layer, Linear):
            single |= flattened_wrong(inferred, info, dot)
        else:
            single["no_weight_sharing"] = dot._replace(positions=numel(stats.output_shape[1:]))
        both = pairs_of(dot, single) if pairs else {}
        found = {name: wrong.total() for name, wrong in (single | both).items()}
        found |= _of_other_formulas(info, dot)
    found |= {"bytes_for_parameters": BYTES_PER_PARAMETER * stats.params}
    return {name: value for name, value in found.items() if value != stats.params}


def _of_other_formulas(info: LayerInfo, dot: Dot) -> Counts:
    """Mistakes that change more than a factor."""
    if not isinstance(info.node.layer, Linear):
        return {"counted_outputs": info.stats.activations}
    added = dot.filters + dot.channels
    return {"features_added": added, "features_added#1": added + info.stats.biases}


def flattened_wrong(inferred: Inferred, info: LayerInfo, dot: Dot) -> dict[str, Dot]:
    """A linear layer that follows another flattened feature map, or none."""
    flatten = inferred.layers.get(info.node.inputs[0])
    while flatten is not None and isinstance(flatten.node.layer, Dropout):
        flatten = inferred.layers.get(flatten.node.inputs[0])
    if flatten is None or not isinstance(flatten.node.layer, Flatten):
        return {}
    channels, *sizes = flatten.input_shapes[0]
    counts = {
        **flattened(inferred, flatten),
        "forgot_flatten": channels,
        "forgot_flatten#width": [channels, *sizes][-1],
    }
    counts.pop("flatten_without_positions", None)  # the same features as those of no flatten at all
    return {name: dot._replace(channels=count) for name, count in counts.items() if count != dot.channels}


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
        return {f"pool_has_params#{value}": value for value in sorted(values)}
    return {f"has_no_params#{value}": value for value in sorted({channels, stats.activations, 2 * channels})}


def of_weights(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's weights, which exclude the biases."""
    stats = info.stats
    found: Counts = {"counted_bias": stats.params, "one_bias_total#weights": stats.weights + 1}
    dot = dot_of(info)
    if dot is None:
        found |= of_params(inferred, info)
    else:
        bare = dot._replace(bias="none")
        factors = factor_mistakes(inferred, info, bare)
        if not isinstance(info.node.layer, Linear):
            factors["no_weight_sharing"] = bare._replace(positions=numel(stats.output_shape[1:]))
        else:
            factors |= flattened_wrong(inferred, info, bare)
        # A pair with counted biases gives the parameters with one mistake.
        single = factors | {"counted_bias": bare._replace(bias="per filter")}
        found |= {name: wrong.total() for name, wrong in (factors | pairs_of(bare, single)).items()}
        found |= _of_other_formulas(info, bare)
        found |= {"bytes_for_parameters": BYTES_PER_PARAMETER * stats.weights}
    return {name: value for name, value in found.items() if value != stats.weights}


def of_biases(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's biases."""
    dot = dot_of(info)
    if dot is None or not info.stats.biases:
        return {}
    found = {name: wrong.total() - info.stats.weights for name, wrong in bias_mistakes(info, dot).items()}
    found["no_weight_sharing"] = numel(info.stats.output_shape)
    return {name: value for name, value in found.items() if value != info.stats.biases and value}


def of_parameter_bytes(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for the bytes of a layer's parameters."""
    found = {name: BYTES_PER_PARAMETER * value for name, value in of_params(inferred, info).items()}
    found.pop("bytes_for_parameters", None)
    return {**found, "bytes_for_parameters#forgotten": info.stats.params}


def of_activations(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for the number of a layer's output values."""
    found = {name: numel(shape) for name, shape in of_shape(inferred, info).items() if "+" not in name}
    shape = info.stats.output_shape
    if len(shape) > 1:
        found["forgot_channels"] = numel(shape[1:])
        if len(shape) > 2:
            found |= {f"side_for_area#{axis}": shape[0] * side for axis, side in enumerate(dict.fromkeys(shape[1:]))}
    return {name: value for name, value in found.items() if value != info.stats.activations}
