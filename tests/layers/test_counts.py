"""FLOPs, MACs, uses of weights and memory of single layers, counted independently: operation by operation, on the
shapes that torch gives, and against the tensors that autograd keeps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import ceil, floor, prod
from types import SimpleNamespace
from typing import Any

import networks
import pytest
import torch
from cases import CASES, Case
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kept import kept_by_autograd

from cnncli.executor.modules import build
from cnncli.executor.network import Network
from cnncli.inference import Facts
from cnncli.layers import KINDS
from cnncli.memory import memory

SOME = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = settings(SOME, max_examples=2000)


class Tally:
    """Operations as they are carried out. ``macs`` are multiplications that belong to a product of weights."""

    def __init__(self) -> None:
        self.flops = self.macs = self.uses = 0

    def operate(self, times: int = 1, uses: int = 0) -> None:
        self.flops += times
        self.uses += uses

    def dot(self, length: int, *, bias: bool) -> None:
        """``length`` products, summed, plus the bias."""
        for at in range(length):
            self.operate(uses=1)
            self.macs += 1
            if at:
                self.operate()
        if bias:
            self.operate(uses=1)

    def mean(self, length: int) -> None:
        """``length - 1`` additions and a division."""
        self.operate(length)


Shape = tuple[int, ...]
Rule = Callable[[Tally, Any, tuple[Shape, ...], Shape, dict[str, Shape]], None]
RULES: dict[str, Rule] = {}


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


@rule("conv", "depthwise_conv")
def convolution(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for filter_number in range(output[0]):
        table = getattr(layer, "connections", None)
        length = len(table[filter_number]) * prod(weights["weight"][1:]) if table else prod(weights["weight"][1:])
        for _ in product(*map(range, output[1:])):
            tally.dot(length, bias="bias" in weights)
            if layer.padding_mode == "partial":
                tally.operate()  # the share of the window that lies inside


@rule("local")
def local(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for _ in product(*map(range, output)):
        tally.dot(prod(weights["weight"][len(output) :]), bias="bias" in weights)
        if layer.padding_mode == "partial":
            tally.operate()


@rule("conv_transpose")
def transposed(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    products = 0
    for _ in product(*map(range, inputs[0])):  # each value of the input meets the weights of its channel
        tally.operate(prod(weights["weight"][1:]), uses=prod(weights["weight"][1:]))
        products += prod(weights["weight"][1:])
    tally.macs = products
    if "bias" in weights:
        tally.operate(products, uses=prod(output))  # each product is added to what was there: the bias at first
    else:
        tally.operate(products - min(products, prod(output)))


@rule("linear")
def linear(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for _ in range(output[0]):
        tally.dot(weights["weight"][1], bias="bias" in weights)


@rule("rbf")
def distances(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for _ in range(output[0]):
        for at in range(weights["weight"][1]):
            tally.operate(2, uses=1)  # the difference, its square
            tally.macs += 1
            tally.operate(1 if at else 0)


def per_axis(value: Any, rank: int) -> Shape:
    return value if isinstance(value, tuple) else (value,) * rank


@rule("avgpool", "l2pool", "subsample")
def pooled(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    window = prod(per_axis(layer.kernel, len(output) - 1))
    for _ in product(*map(range, output)):
        if layer.kind == "l2pool":
            tally.operate(window + window - 1)  # squares, and their sum
        else:
            tally.mean(window)
        if layer.kind == "subsample":
            tally.operate(2, uses=window + 1)  # a connection from each input of the window, as LeCun counts them


@rule("adaptive_avgpool", "global_avgpool")
def adapted(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    sizes, wanted = inputs[0][1:], output[1:] or (1,) * (len(inputs[0]) - 1)
    windows = [
        [ceil((i + 1) * size / count) - floor(i * size / count) for i in range(count)]
        for size, count in zip(sizes, wanted, strict=True)
    ]
    for _ in range(output[0]):
        for lengths in product(*windows):
            tally.mean(prod(lengths))


# operations of the defining formula for one value; exp, log, erf, tanh, roots and comparisons are none
ELEMENTWISE = {
    "leaky_relu": "slope * x", "prelu": "slope * x", "elu": "alpha * (exp(x) - 1)",
    "gelu": "half * x * (1 + erf(x / root))", "silu": "x * (1 / (1 + exp(x)))", "hardswish": "x * relu6(x + 3) / 6",
    "hardsigmoid": "relu6(x + 3) / 6", "sigmoid": "1 / (1 + exp(x))", "scaled_tanh": "a * tanh(b * x)",
    "softplus": "log(1 + exp(beta * x)) / beta", "batchnorm": "x * w + b", "scale": "x * w",
    "relu": "x", "relu6": "x", "tanh": "x",
}  # fmt: skip
USES = {"prelu": 1, "scale": 1}


def elementwise(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    uses = 2 * bool(weights) if layer.kind == "batchnorm" else USES.get(layer.kind, 0)
    for _ in product(*map(range, output)):
        tally.operate(sum(ELEMENTWISE[layer.kind].count(sign) for sign in "+-*/"), uses=uses)


RULES.update(dict.fromkeys(ELEMENTWISE, elementwise))


@rule("softmax", "log_softmax")
def softmax(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for _ in product(*map(range, output[1:])):
        for channel in range(output[0]):
            tally.operate(2 if channel else 1)  # the sum's addition; the division


@rule("layernorm", "groupnorm", "instancenorm")
def normalised(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    channels, positions = output[0], prod(output[1:])
    groups = {
        "layernorm": [channels] * positions if getattr(layer, "axes", "") == "channels" else [channels * positions],
        "groupnorm": [prod(output) // getattr(layer, "groups", 1)] * getattr(layer, "groups", 1),
        "instancenorm": [positions] * channels,
    }[layer.kind]
    for values in groups:
        tally.mean(values)
        for _ in range(values):
            tally.operate(2)  # the distance to the mean, and its square
        tally.mean(values)
        tally.operate()  # eps
        for _ in range(values):
            tally.operate()  # the division by the deviation
            if weights:
                tally.operate(2, uses=2)


@rule("lrn")
def response(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for _ in product(*map(range, output)):
        tally.operate(layer.size + layer.size - 1)  # squares, and their sum
        tally.operate(3)  # times alpha / size, plus k, x divided by the power


@rule("lcn")
def contrast(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    window = output[0] * prod(per_axis(layer.kernel, len(output) - 1))
    for _ in product(*map(range, output[1:])):
        for _ in range(2):  # the mean, and the mean of the squares
            tally.operate(window + window - 1)
        for _ in range(output[0]):
            tally.operate(3)  # x - mean, its square, the division


@rule("upsample")
def upsampled(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    taps = {"nearest": 1, "linear": 2, "cubic": 4}[layer.mode] ** (len(output) - 1)
    for _ in product(*map(range, output)):
        if taps > 1:
            tally.operate(taps + taps - 1)


@rule("add", "multiply", "average")
def merged(tally: Tally, layer: Any, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape]) -> None:
    for _ in product(*map(range, output)):
        tally.operate(len(inputs) - 1)
        if layer.kind == "average":
            tally.operate()


FREE = {*KINDS} - {*RULES}  # no arithmetic: comparisons, moves and random zeros


def counted(layer: Any, inputs: tuple[Shape, ...]) -> Tally:
    """The layer's operations, on the shapes that torch gives its output and weights."""
    module = build(layer, inputs).eval()
    output = tuple(module(*(torch.zeros(1, *shape) for shape in inputs)).shape)[1:]
    weights = {name: tuple(value.shape) for name, value in module.named_parameters()}
    tally = Tally()
    if layer.kind in RULES:
        RULES[layer.kind](tally, layer, inputs, output, weights)
    return tally


def assert_counted(layer: Any, inputs: tuple[Shape, ...], figures: Any) -> None:
    tally = counted(layer, inputs)
    assert (figures.flops, figures.macs, figures.connections) == (tally.flops, tally.macs, tally.uses), layer


def test_the_kinds_without_operations_are_those_that_compare_or_move() -> None:
    assert {
        "maxpool", "adaptive_maxpool", "global_maxpool", "maximum", "concat", "identity", "flatten", "reshape",
        "permute", "slice", "crop", "pixel_shuffle", "channel_shuffle", "pad", "dropout", "spatial_dropout",
        "drop_path",
    } == FREE  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_operations_of_every_kind_are_those_of_its_formula(case: Case) -> None:
    from cnncli.inference import work_out

    assert_counted(case.layer, case.inputs, work_out(case.layer, case.inputs))


SIZES = {0: (), 1: (9,), 2: (6, 5), 3: (4, 5, 4)}


@st.composite
def single_layers(draw: st.DrawFn) -> str:
    """A network of one layer, behind a trained factor so that autograd passes it: any kind, rank and fields."""
    rank = draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))
    shape = [draw(st.integers(1, 6)), *(draw(st.integers(1, size)) for size in SIZES[rank])]
    several = draw(st.integers(2, 3))
    merge = f"{draw(st.sampled_from(['add', 'multiply', 'maximum', 'average', 'concat']))}: [scale1, scale2, scale3]"
    units, bias = draw(st.integers(1, 4)), draw(st.sampled_from(["true", "false"]))
    vectors = [f"linear: {{units: {units}, bias: {bias}}}", f"rbf: {units}", *networks.ACTIVATIONS]
    chosen = [networks.conv, networks.conv_transpose, networks.pool, networks.other]
    whole = [*networks.NORMS, "global_avgpool", "global_maxpool", "layernorm: {affine: false}",
             "groupnorm: {groups: 2, affine: false}", "upsample: {scale: 2, mode: cubic}", "dropout: 0",
             "drop_path: 0", "spatial_dropout: 0", "lrn: {size: 2}", "lcn: {kernel: 5}",
             "pad: {padding: 1, mode: reflect}", "pad: {padding: [[0, 1]], mode: replicate}"]  # fmt: skip
    if not rank:
        layer = draw(st.sampled_from([*vectors, "batchnorm", "layernorm", "scale: 2", "flatten"]))
    elif draw(st.integers(0, 7)) == 0:
        layer = merge.replace(", scale3", "") if several == 2 else merge
    else:
        layer = draw(st.one_of([kind(rank) for kind in chosen] + [st.sampled_from(whole)]))
    stretched = [shape[0], *[1] * rank] if draw(st.booleans()) else shape
    inputs = f"inputs: {{one: {shape_text(shape)}, two: {shape_text(stretched)}, three: {shape_text(shape)}}}"
    scales = "scale: {from: one, name: scale2}, scale: {from: two, name: scale3}, scale: {from: three, name: scale1}"
    return f"{inputs}\nlayers: [{scales}, {layer}]\n"


def shape_text(shape: list[int]) -> str:
    return f"{shape[0]}@{'x'.join(map(str, shape[1:]))}" if len(shape) > 1 else str(shape[0])


def loaded_layer(text: str) -> SimpleNamespace:
    loaded = networks.load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    facts: Facts = [*loaded.inferred.facts.values()][-1]
    return SimpleNamespace(
        inferred=loaded.inferred, layer=facts.node.layer, inputs=facts.input_shapes, figures=facts.figures
    )


def operations_are_those_carried_out(text: str) -> None:
    found = loaded_layer(text)
    assert_counted(found.layer, found.inputs, found.figures)


def autograd_keeps_what_is_calculated(text: str) -> None:
    found = loaded_layer(text)
    assume(found.layer.kind != "local")  # torch copies its patches or not as their strides have it
    network = Network(found.inferred).train()
    batch = 2
    measured = kept_by_autograd(network, [torch.randn(batch, *entry.shape) for entry in found.inferred.graph.inputs])
    assert memory(found.inferred, batch).saved_activations == measured


@SOME
@given(single_layers())
def test_the_operations_of_random_layers_are_those_carried_out(text: str) -> None:
    operations_are_those_carried_out(text)


@SOME
@given(single_layers())
def test_what_autograd_keeps_of_random_layers_is_what_torch_keeps(text: str) -> None:
    autograd_keeps_what_is_calculated(text)


@pytest.mark.slow
@MANY
@given(single_layers())
def test_the_operations_of_many_random_layers_are_those_carried_out(text: str) -> None:
    operations_are_those_carried_out(text)


@pytest.mark.slow
@MANY
@given(single_layers())
def test_what_autograd_keeps_of_many_random_layers_is_what_torch_keeps(text: str) -> None:
    autograd_keeps_what_is_calculated(text)
