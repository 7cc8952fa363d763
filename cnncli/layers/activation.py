"""Activation functions: elementwise, except softmax and log_softmax, which normalize over the channels.

``operations`` counts the multiplications, divisions and additions of the defining formula for one element.
Comparisons and elementary functions (exp, log, tanh, erf) do not count.
"""

from typing import Annotated, ClassVar

from cnncli.arithmetic.shape import Shape, numel
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.fields import Flag, Number, Positive, one_of


class Activation(Layer):
    """Keeps the shape."""

    operations: ClassVar[int] = 0

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return self.operations * numel(output)


class ReLU(Activation):
    """max(0, x)."""

    kind = "relu"


class ReLU6(Activation):
    """min(max(0, x), 6)."""

    kind = "relu6"


class LeakyReLU(Activation):
    """x where x > 0, else slope * x."""

    kind = "leaky_relu"
    operations = 1

    slope: Number = 0.01


class PReLU(Activation):
    """leaky_relu with a learned slope: one for all channels, or one ``per_channel``. He et al. 2015."""

    kind = "prelu"
    operations = 1

    init: Number = 0.25
    per_channel: Flag = False

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return {"weight": (inputs[0][0] if self.per_channel else 1,)}

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return numel(output)


class ELU(Activation):
    """x where x > 0, else alpha * (exp(x) - 1). Clevert et al. 2016."""

    kind = "elu"
    operations = 2

    alpha: Positive = 1.0


class GELU(Activation):
    """0.5 x (1 + erf(x / sqrt 2)), or its tanh approximation. Hendrycks and Gimpel 2016."""

    kind = "gelu"
    operations = 4

    approximate: Annotated[str, one_of("none", "tanh")] = "none"


class SiLU(Activation):
    """x * sigmoid(x), also called swish."""

    kind = "silu"
    aliases = ("swish",)
    operations = 3


class HardSwish(Activation):
    """x * relu6(x + 3) / 6. Howard et al. 2019."""

    kind = "hardswish"
    operations = 3


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    kind = "hardsigmoid"
    operations = 2


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    kind = "sigmoid"
    aliases = ("logistic",)
    operations = 2


class Tanh(Activation):
    """The hyperbolic tangent."""

    kind = "tanh"


class ScaledTanh(Activation):
    """1.7159 tanh(2 x / 3), for which f(1) is about 1. LeCun et al. 1998, appendix A."""

    kind = "scaled_tanh"
    operations = 2


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta."""

    kind = "softplus"
    operations = 3

    beta: Positive = 1.0


class Softmax(Activation):
    """exp(x) divided by its sum over the channels."""

    kind = "softmax"

    def flops(self, inputs: Shapes, output: Shape) -> int:
        positions = numel(output[1:])
        return positions * (output[0] - 1) + numel(output)


class LogSoftmax(Softmax):
    """x minus the logarithm of the sum of exp(x) over the channels."""

    kind = "log_softmax"
