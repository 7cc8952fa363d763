"""The scale of a layer's initial weights by He's and by Xavier's rule."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnncli.analysis.explanation.steps import DerivationStep
from cnncli.arithmetic.tracing import Quotient, Root, expression_of, named
from cnncli.inference import LayerInfo
from cnncli.layers.base import Layer, Shapes

INITIALIZATION = ("fan_in", "fan_out", "He", "Xavier")  # the first words of these steps' quantities
EXCHANGED = "PyTorch's nn.init exchanges fan_in and fan_out of a transposed convolution"


def initialization_steps(info: LayerInfo, layer: Layer, inputs: Shapes) -> Iterator[DerivationStep]:
    """The fans, and of each rule the deviation and the limit of the uniform distribution with that deviation.

    ``layer`` and ``inputs`` have symbols.
    """
    fans = None if info.node.shares else layer.fans(inputs)
    if fans is None:
        return
    remark = EXCHANGED if layer.transposed else ""
    yield DerivationStep.of("fan_in", fans[0], remark)
    yield DerivationStep.of("fan_out", fans[1], remark)
    fan_in, fan_out = named("fan_in", int(fans[0])), named("fan_out", int(fans[1]))
    rules = (("He", fan_in, "He et al. 2015, for ReLU"), ("Xavier", fan_in + fan_out, "Glorot and Bengio 2010"))
    for rule, fan, source in rules:
        yield _root(f"{rule} std", 2, fan, source)
        yield _root(f"{rule} limit", 6, fan, "uniform from -limit to limit has the same std")


def _root(quantity: str, numerator: int, fan: int, remark: str) -> DerivationStep:
    expression = Root(Quotient(numerator, expression_of(fan)))
    return DerivationStep(quantity, expression, math.sqrt(numerator / int(fan)), remark)
