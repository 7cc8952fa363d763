"""The operations of a layer, carried out one by one on the shapes that torch gives: an independent count."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import ceil, floor, prod
from typing import Any

import torch

from cnncli.executor.lowering.build import build
from cnncli.layers import KINDS

Shape = tuple[int, ...]


class Tally:
    """Operations as they are carried out, on a torch module's ``output`` (without batch), ``params``, values of its
    ``weight`` alone and running statistics (``buffers``). ``macs`` are multiplications in a product of weights."""

    def __init__(self) -> None:
        self.flops = self.macs = self.uses = self.params = self.weight = self.buffers = 0
        self.output: Shape = ()

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
    tally.output, tally.params = output, sum(map(prod, weights.values()))
    tally.weight = prod(weights["weight"]) if "weight" in weights else 0
    tally.buffers = sum(value.numel() for name, value in module.named_buffers() if name.startswith("running_"))
    if layer.kind in RULES:
        RULES[layer.kind](tally, layer, inputs, output, weights)
    return tally
