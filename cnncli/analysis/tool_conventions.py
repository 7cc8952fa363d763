"""How other tools count, by name: what each makes of the same network, and why the numbers differ.

The rules were read in the tools' sources and compared with what the tools print: torchvision 0.29 (its published
GMACs; torch.utils.flop_counter gives twice as much), fvcore 0.1.5 (evaluation mode), torchinfo 1.8.0, thop 0.1.1,
Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnncli.arithmetic.shape import Size, add_up, numel
from cnncli.errors import CnnError, suggestion
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers import KINDS
from cnncli.layers.conv import Convolution

Rule = Callable[[LayerInfo], Size]


class Convention(NamedTuple):
    """How a tool counts: operations of a layer by kind (``rules``); it passes over other kinds in silence.

    ``what`` says what one operation is, ``reasons`` why a kind's count differs from ours.
    """

    name: str
    tool: str
    what: str
    rules: Mapping[str, Rule]
    reasons: Mapping[str, str] = {}
    extra_params: Callable[[LayerInfo], Size] | None = None
    counts_operations: bool = True
    caveat: Callable[[Inferred], str] | None = None  # what the tool counts otherwise where PyTorch code is written so


def _macs(facts: LayerInfo) -> Size:
    return facts.figures.macs


def _values(factor: int) -> Rule:
    """So many operations for each value of the input."""
    return lambda facts: factor * numel(facts.input_shapes[0])


def _affine_values(plain: int, affine: int) -> Rule:
    return lambda facts: _values(affine if getattr(facts.node.layer, "affine", True) else plain)(facts)


def _outputs(facts: LayerInfo) -> Size:
    return facts.figures.activations


def _params_once(facts: LayerInfo) -> Size:
    return facts.figures.params


def _params_at_every_position(facts: LayerInfo) -> Size:
    return facts.figures.params * numel(facts.figures.output_shape[1:])


def _by_output(facts: LayerInfo) -> Size:
    """A transposed convolution as if it slid over its output."""
    weight = facts.node.layer.weights(facts.input_shapes)["weight"]
    return numel(weight) * numel(facts.figures.output_shape[1:])


def _adaptive_average(facts: LayerInfo) -> Size:
    """thop: the (rounded) window and one division for each output."""
    shape, output = facts.input_shapes[0], facts.figures.output_shape
    positions = numel(output[1:]) if len(output) > 1 else 1
    return output[0] * (numel(shape[1:]) + positions)


def _softmax(facts: LayerInfo) -> Size:
    shape = facts.input_shapes[0]
    return numel(shape[1:]) * (3 * shape[0] - 1)


def _upsampled(factors: Mapping[str, int]) -> Rule:
    def rule(facts: LayerInfo) -> Size:
        layer, rank = facts.node.layer, len(facts.figures.output_shape) - 1
        return factors.get(f"{layer.__dict__['mode']}{rank}", 0) * facts.figures.activations

    return rule


def _keras_params(facts: LayerInfo) -> Size:
    """Running statistics, and the bias that Keras's convolutions have by default."""
    layer, figures = facts.node.layer, facts.figures
    forgone = figures.output_shape[0] if layer.kind in CONVOLUTIONS and layer.__dict__.get("bias") is False else 0
    return figures.buffers + forgone


def _padding_by_name(inferred: Inferred) -> str:
    """fvcore: padding that is given by its name is another operator (aten::_convolution_mode), which it does not know.

    Other modes than zeros pad with an operator of their own, and the convolution is counted again.
    """
    named = [
        facts.figures.macs
        for facts in inferred.facts.values()
        if isinstance(facts.node.layer, Convolution) and facts.node.layer.has_named_padding(facts.input_shapes)
    ]
    if not named:
        return ""
    layers = f"{len(named)} layers are" if len(named) > 1 else "1 layer is"
    less = f"{add_up(named):,} less if {layers} written so"
    return f"fvcore counts 0 where PyTorch code has padding='same' or 'valid': {less}"


CONVOLUTIONS = ("conv", "depthwise_conv", "conv_transpose", "local")
_PRODUCTS = dict.fromkeys((*CONVOLUTIONS, "linear"), _macs)
_NORMS = ("batchnorm", "layernorm", "groupnorm", "instancenorm")
_AVERAGES = ("adaptive_avgpool", "global_avgpool")
CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "cnn",
            "cnn",
            "multiply-accumulates of convolutions and matrix products, biases excluded",
            {**_PRODUCTS, "rbf": _macs},
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
                "batchnorm": _affine_values(1, 2),
                **dict.fromkeys(("layernorm", "groupnorm", "instancenorm"), _affine_values(4, 5)),
                **dict.fromkeys(_AVERAGES, _values(1)),
                "upsample": _upsampled({"nearest2": 1, "linear2": 4}),
            },
            {
                "batchnorm": "2 for each value",
                **dict.fromkeys(("layernorm", "groupnorm", "instancenorm"), "5 for each value, a rough estimate"),
                **dict.fromkeys(_AVERAGES, "1 for each value that is averaged"),
                "upsample": "1 for each nearest value, 4 for each bilinear one",
            },
            caveat=_padding_by_name,
        ),
        Convention(
            "torchinfo",
            "torchinfo 1.8.0",
            "mult-adds: a convolution's parameters, biases as well, at every position; other parameters once",
            {
                **dict.fromkeys(KINDS, _params_once),
                **dict.fromkeys(("conv", "depthwise_conv", "conv_transpose"), _params_at_every_position),
            },
            {
                **dict.fromkeys(("conv", "depthwise_conv"), "the biases, at every position"),
                "conv_transpose": "at every position of its output, where the input's are meant; biases",
                "linear": "the biases",
                **dict.fromkeys((*_NORMS, "scale", "prelu", "subsample"), "its parameters, once"),
                "local": "the biases",
            },
        ),
        Convention(
            "thop",
            "thop 0.1.1",
            "MACs, with some operations of other layers added",
            {
                **_PRODUCTS,
                "conv_transpose": _by_output,
                "batchnorm": _affine_values(2, 4),
                **dict.fromkeys(("layernorm", "instancenorm"), _affine_values(2, 4)),
                "prelu": _values(1),
                "softmax": _softmax,
                "avgpool": _outputs,
                **dict.fromkeys(_AVERAGES, _adaptive_average),
                "upsample": _upsampled(
                    {"nearest1": 1, "nearest2": 1, "nearest3": 1, "linear1": 5, "linear2": 11, "cubic2": 259}
                ),
            },
            {
                "conv_transpose": "by its output, where the input's positions are meant",
                **dict.fromkeys(("batchnorm", "layernorm", "instancenorm"), "4 for each value (2 without weights)"),
                "prelu": "1 for each value",
                "softmax": "3 for each value, less 1",
                "avgpool": "1 for each output, whatever the window",
                **dict.fromkeys(_AVERAGES, "additions and a division"),
                "upsample": "1, 5, 11 or 259 for each output, by mode",
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
    """A network with the figures of a convention in place of ours, and what has to be said of it."""

    inferred: Inferred
    notes: tuple[str, ...]


def convention_named(name: str) -> Convention:
    """Raises CnnError for an unknown one."""
    if name not in CONVENTIONS:
        hint = suggestion(name, list(CONVENTIONS), f"the conventions are {', '.join(CONVENTIONS)}")
        raise CnnError(f"--count: there is no convention {name!r}", hint)
    return CONVENTIONS[name]


def operations(convention: Convention, facts: LayerInfo) -> Size:
    """The operations of a layer as the tool counts them."""
    rule = convention.rules.get(facts.node.layer.kind)
    return rule(facts) if rule is not None else 0


def params(convention: Convention, facts: LayerInfo) -> Size:
    """The parameters of a layer as the tool counts them."""
    more = convention.extra_params(facts) if convention.extra_params is not None else 0
    return facts.figures.params + more


def recount(inferred: Inferred, convention: Convention) -> Recounted:
    """The network with ``macs`` and ``params`` as the tool counts them."""
    facts = {
        name: facts._replace(
            figures=facts.figures._replace(macs=operations(convention, facts), params=params(convention, facts))
        )
        for name, facts in inferred.facts.items()
    }
    return Recounted(inferred._replace(facts=facts), tuple(_notes(inferred, convention)))


def _notes(inferred: Inferred, convention: Convention) -> list[str]:
    said = [f"counted as {convention.tool} does: {convention.what}"]
    working = [facts.node.layer.kind for facts in inferred.facts.values() if facts.figures.flops != 0]
    missed = {kind: working.count(kind) for kind in dict.fromkeys(working) if kind not in convention.rules}
    if missed and convention.counts_operations:
        said.append(f"not counted: {', '.join(f'{kind} ({count})' for kind, count in missed.items())}")
    if convention.extra_params is not None:
        said += _keras_notes(inferred)
    return [*said, *caveats(inferred, convention)]


def caveats(inferred: Inferred, convention: Convention) -> list[str]:
    """What the tool counts otherwise, depending on how the network is written in PyTorch."""
    return list(filter(None, [convention.caveat(inferred)])) if convention.caveat is not None else []


def _keras_notes(inferred: Inferred) -> list[str]:
    statistics = add_up(facts.figures.buffers for facts in inferred.facts.values())
    biases = add_up(_keras_params(facts) - facts.figures.buffers for facts in inferred.facts.values())
    if not biases:
        return []
    total = inferred.totals["params"] + statistics
    return [
        f"{biases:,} of these are biases of convolutions that have none here: a Keras model with use_bias=False "
        f"has {total:,}"
    ]


# Reconciling ------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """What a tool counts more (or less) than we do for all layers of a kind, and why."""

    kind: str
    layers: int
    more: int
    reason: str


def differences(inferred: Inferred, convention: Convention) -> list[Difference]:
    """Of the operations, by kind: they sum to the tool's total less ours."""
    found: list[Difference] = []
    by_kind: dict[str, list[LayerInfo]] = {}
    for facts in inferred.facts.values():
        by_kind.setdefault(facts.node.layer.kind, []).append(facts)
    for kind, layers in by_kind.items():
        more = sum(operations(convention, facts) - facts.figures.macs for facts in layers)
        if more:
            found.append(Difference(kind, len(layers), more, convention.reasons.get(kind, "not counted by the tool")))
    return found


def param_differences(inferred: Inferred, convention: Convention) -> list[Difference]:
    """Of the parameters."""
    if convention.extra_params is None:
        return []
    facts = inferred.facts.values()
    norms = [entry for entry in facts if entry.figures.buffers]
    statistics = sum(entry.figures.buffers for entry in norms)
    biased = [entry for entry in facts if _keras_params(entry) > entry.figures.buffers]
    biases = sum(_keras_params(entry) - entry.figures.buffers for entry in biased)
    found = [
        Difference("batchnorm", len(norms), statistics, "running statistics"),
        Difference("conv", len(biased), biases, "a bias that each convolution has by default"),
    ]
    return [difference for difference in found if difference.more]
