"""How other tools count the parameters and operations of the same network, and why their numbers differ from ours.

The rules follow the tools' sources and were compared with what the tools print: torchvision 0.29 (its published
GMACs; torch.utils.flop_counter gives twice as much), fvcore 0.1.5 (evaluation mode), torchinfo 1.8.0, thop 0.1.1,
Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnncli.analysis.torch_operations import takes_padding_by_name
from cnncli.arithmetic.shape import Size, add_up, numel
from cnncli.errors import CnnError, suggestion
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers import ALL, Layer
from cnncli.layers.activation import PReLU, Softmax
from cnncli.layers.conv import Conv, Convolution, ConvTranspose, DepthwiseConv, Local
from cnncli.layers.linear import RBF, Linear
from cnncli.layers.norm import Affine, BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Scale
from cnncli.layers.pool import AdaptiveAvgPool, AvgPool, GlobalAvgPool, Subsample
from cnncli.layers.reshape import Upsample

Rule = Callable[[LayerInfo], Size]


class Convention(NamedTuple):
    """The conventions of a tool: the operations of a layer by its type (``rules``); it ignores other layer types.

    ``what`` describes what is counted, ``reasons`` why the count of a layer type differs from ours.
    """

    name: str
    tool: str
    what: str
    rules: Mapping[type[Layer], Rule]
    reasons: Mapping[type[Layer], str] = {}
    extra_params: Callable[[LayerInfo], Size] | None = None
    counts_operations: bool = True
    caveat: Callable[[Inferred], str] | None = None  # depends on how the PyTorch code is written


def _macs(info: LayerInfo) -> Size:
    return info.stats.macs


def _values(factor: int) -> Rule:
    """``factor`` operations per value of the input."""
    return lambda info: factor * numel(info.input_shapes[0])


def _affine_values(plain: int, affine: int) -> Rule:
    """``affine`` operations per value of a norm with weights, ``plain`` of one without."""

    def rule(info: LayerInfo) -> Size:
        layer = info.node.layer
        return _values(affine if isinstance(layer, Affine) and layer.affine else plain)(info)

    return rule


def _outputs(info: LayerInfo) -> Size:
    return info.stats.activations


def _params_once(info: LayerInfo) -> Size:
    return info.stats.params


def _params_at_every_position(info: LayerInfo) -> Size:
    return info.stats.params * numel(info.stats.output_shape[1:])


def _by_output(info: LayerInfo) -> Size:
    """A transposed convolution counted as if it slid over its output."""
    weight = info.node.layer.weights(info.input_shapes)["weight"]
    return numel(weight) * numel(info.stats.output_shape[1:])


def _adaptive_average(info: LayerInfo) -> Size:
    """thop: the (rounded) window and one division per output."""
    shape, output = info.input_shapes[0], info.stats.output_shape
    positions = numel(output[1:]) if len(output) > 1 else 1
    return output[0] * (numel(shape[1:]) + positions)


def _softmax(info: LayerInfo) -> Size:
    shape = info.input_shapes[0]
    return numel(shape[1:]) * (3 * shape[0] - 1)


def _upsampled(factors: Mapping[str, int]) -> Rule:
    """Operations per output, by mode and number of spatial axes: ``{"linear2": 4}``."""

    def rule(info: LayerInfo) -> Size:
        layer, rank = info.node.layer, len(info.stats.output_shape) - 1
        assert isinstance(layer, Upsample)
        return factors.get(f"{layer.mode}{rank}", 0) * info.stats.activations

    return rule


def _keras_params(info: LayerInfo) -> Size:
    """Running statistics, and the bias that Keras's convolutions have by default."""
    layer, stats = info.node.layer, info.stats
    has_no_bias = isinstance(layer, Convolution | ConvTranspose) and not layer.bias
    return stats.buffers + (stats.output_shape[0] if has_no_bias else 0)


def _padding_by_name(inferred: Inferred) -> str:
    """fvcore: padding given by name is another operator (aten::_convolution_mode), which it does not know.

    With padding modes other than zeros, a separate operator pads, and the convolution itself is counted.
    """
    named = [
        info.stats.macs
        for info in inferred.layers.values()
        if isinstance(info.node.layer, Convolution) and takes_padding_by_name(info.node.layer, info.input_shapes)
    ]
    if not named:
        return ""
    layers = f"{len(named)} layers are" if len(named) > 1 else "1 layer is"
    less = f"{add_up(named):,} less if {layers} written this way"
    return f"fvcore counts 0 for convolutions written with padding='same' or 'valid': {less}"


CONVOLUTIONS = (Conv, DepthwiseConv, ConvTranspose, Local)
_PRODUCTS = dict.fromkeys((*CONVOLUTIONS, Linear), _macs)
_NORMS = (BatchNorm, LayerNorm, GroupNorm, InstanceNorm)
_AVERAGES = (AdaptiveAvgPool, GlobalAvgPool)
CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "cnn",
            "cnn",
            "multiply-accumulates of convolutions and matrix products, biases excluded",
            {**_PRODUCTS, RBF: _macs},
        ),
        Convention(
            "torchvision",
            "torchvision 0.29",
            "multiply-accumulates of convolutions and matrix products, biases excluded (GFLOPS in its tables)",
            _PRODUCTS,
        ),
        Convention(
            "fvcore",
            "fvcore 0.1.5",
            "flops, each a multiply-accumulate; some layers between as well",
            {
                **_PRODUCTS,
                BatchNorm: _affine_values(1, 2),
                **dict.fromkeys((LayerNorm, GroupNorm, InstanceNorm), _affine_values(4, 5)),
                **dict.fromkeys(_AVERAGES, _values(1)),
                Upsample: _upsampled({"nearest2": 1, "linear2": 4}),
            },
            {
                BatchNorm: "2 for each value",
                **dict.fromkeys((LayerNorm, GroupNorm, InstanceNorm), "5 for each value, a rough estimate"),
                **dict.fromkeys(_AVERAGES, "1 for each value that is averaged"),
                Upsample: "1 for each nearest value, 4 for each bilinear one",
            },
            caveat=_padding_by_name,
        ),
        Convention(
            "torchinfo",
            "torchinfo 1.8.0",
            "mult-adds: a convolution's parameters, biases as well, at every position; other parameters once",
            {
                **dict.fromkeys(ALL, _params_once),
                **dict.fromkeys((Conv, DepthwiseConv, ConvTranspose), _params_at_every_position),
            },
            {
                **dict.fromkeys((Conv, DepthwiseConv), "the biases, at every position"),
                ConvTranspose: "at every position of its output instead of its input; biases",
                Linear: "the biases",
                **dict.fromkeys((*_NORMS, Scale, PReLU, Subsample), "its parameters, once"),
                Local: "the biases",
            },
        ),
        Convention(
            "thop",
            "thop 0.1.1",
            "MACs, with some operations of other layers added",
            {
                **_PRODUCTS,
                ConvTranspose: _by_output,
                BatchNorm: _affine_values(2, 4),
                **dict.fromkeys((LayerNorm, InstanceNorm), _affine_values(2, 4)),
                PReLU: _values(1),
                Softmax: _softmax,
                AvgPool: _outputs,
                **dict.fromkeys(_AVERAGES, _adaptive_average),
                Upsample: _upsampled(
                    {"nearest1": 1, "nearest2": 1, "nearest3": 1, "linear1": 5, "linear2": 11, "cubic2": 259}
                ),
            },
            {
                ConvTranspose: "at every position of its output instead of its input",
                **dict.fromkeys((BatchNorm, LayerNorm, InstanceNorm), "4 for each value (2 without weights)"),
                PReLU: "1 for each value",
                Softmax: "3 for each value, minus 1",
                AvgPool: "1 for each output, whatever the window",
                **dict.fromkeys(_AVERAGES, "additions and a division"),
                Upsample: "1, 5, 11 or 259 for each output, by mode",
            },
        ),
        Convention(
            "keras",
            "Keras 3",
            "no operations; running statistics are parameters, and convolutions have a bias by default",
            {},
            extra_params=_keras_params,
            counts_operations=False,
        ),
    )
}


class Recounted(NamedTuple):
    """A network counted by another convention, and notes about it."""

    inferred: Inferred
    notes: tuple[str, ...]


def convention_named(name: str) -> Convention:
    """Raises CnnError for an unknown name."""
    if name not in CONVENTIONS:
        hint = suggestion(name, list(CONVENTIONS), f"the conventions are {', '.join(CONVENTIONS)}")
        raise CnnError(f"--count: unknown convention {name!r}", hint)
    return CONVENTIONS[name]


def operations(convention: Convention, info: LayerInfo) -> Size:
    """The operations of a layer as the tool counts them."""
    rule = convention.rules.get(type(info.node.layer))
    return rule(info) if rule is not None else 0


def params(convention: Convention, info: LayerInfo) -> Size:
    """The parameters of a layer as the tool counts them."""
    more = convention.extra_params(info) if convention.extra_params is not None else 0
    return info.stats.params + more


def recount(inferred: Inferred, convention: Convention) -> Recounted:
    """The network with ``macs`` and ``params`` as the tool counts them."""
    layers = {
        name: info._replace(
            stats=info.stats._replace(macs=operations(convention, info), params=params(convention, info))
        )
        for name, info in inferred.layers.items()
    }
    return Recounted(inferred._replace(layers=layers), tuple(_notes(inferred, convention)))


def _notes(inferred: Inferred, convention: Convention) -> list[str]:
    notes = [f"counted as {convention.tool} does: {convention.what}"]
    types = [type(info.node.layer) for info in inferred.layers.values() if info.stats.flops != 0]
    missed = {layer.kind: types.count(layer) for layer in dict.fromkeys(types) if layer not in convention.rules}
    if missed and convention.counts_operations:
        notes.append(f"not counted: {', '.join(f'{kind} ({count})' for kind, count in missed.items())}")
    if convention.extra_params is not None:
        notes += _keras_notes(inferred)
    return [*notes, *caveats(inferred, convention)]


def caveats(inferred: Inferred, convention: Convention) -> list[str]:
    """The counts of the tool that depend on how the network is written in PyTorch."""
    return list(filter(None, [convention.caveat(inferred)])) if convention.caveat is not None else []


def _keras_notes(inferred: Inferred) -> list[str]:
    statistics = add_up(info.stats.buffers for info in inferred.layers.values())
    biases = add_up(_keras_params(info) - info.stats.buffers for info in inferred.layers.values())
    if not biases:
        return []
    total = inferred.totals["params"] + statistics
    return [
        f"{biases:,} of these are biases of convolutions that have none here: a Keras model with use_bias=False "
        f"has {total:,}"
    ]


# Reconciling ------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """The number of operations by which a tool's count for a layer type differs from ours, and why."""

    kind: str
    layers: int
    more: int
    reason: str


def differences(inferred: Inferred, convention: Convention) -> list[Difference]:
    """The differences of the operations, by layer type: they sum to the tool's total minus ours."""
    found: list[Difference] = []
    by_type: dict[type[Layer], list[LayerInfo]] = {}
    for info in inferred.layers.values():
        by_type.setdefault(type(info.node.layer), []).append(info)
    for layer, layers in by_type.items():
        more = sum(operations(convention, info) - info.stats.macs for info in layers)
        if more:
            reason = convention.reasons.get(layer, "not counted by the tool")
            found.append(Difference(layer.kind, len(layers), more, reason))
    return found


def param_differences(inferred: Inferred, convention: Convention) -> list[Difference]:
    """The differences of the parameters."""
    if convention.extra_params is None:
        return []
    info = inferred.layers.values()
    norms = [entry for entry in info if entry.stats.buffers]
    statistics = sum(entry.stats.buffers for entry in norms)
    biased = [entry for entry in info if _keras_params(entry) > entry.stats.buffers]
    biases = sum(_keras_params(entry) - entry.stats.buffers for entry in biased)
    found = [
        Difference(BatchNorm.kind, len(norms), statistics, "running statistics"),
        Difference(Conv.kind, len(biased), biases, "a bias that each convolution has by default"),
    ]
    return [difference for difference in found if difference.more]
