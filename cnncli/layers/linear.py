"""Layers from vector to vector: fully connected, and radial basis functions."""

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.layers.base import Layer, ShapeError, Shapes, dot_product_flops
from cnncli.layers.fields import Count, Flag


class VectorLayer(Layer):
    """Map a vector of n values to one of ``units``."""

    is_global = True

    units: Count

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) > 1:
            raise ShapeError(
                f"{self.kind} needs a vector, but its input is a feature map of {format_shape(shape)}",
                "put flatten (or global_avgpool) before it",
            )
        return (self.units,)


class Linear(VectorLayer):
    """Map a vector of n values to one of ``units``: weight (units, n), bias (units,)."""

    kind = "linear"
    aliases = ("dense", "fullyconnected", "fc", "lazylinear", "innerproduct")

    bias: Flag = True

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        weight: dict[str, Shape] = {"weight": (self.units, inputs[0][0])}
        return {**weight, "bias": (self.units,)} if self.bias else weight

    def fans(self, inputs: Shapes) -> tuple[int, int] | None:
        return inputs[0][0], self.units

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self.units * inputs[0][0]

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return self.units * dot_product_flops(inputs[0][0], self.bias)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return self.units * (inputs[0][0] + self.bias)


class RBF(VectorLayer):
    """Squared distances of a vector of n values to ``units`` fixed codes: y_i = sum over j of (x_j - w_ij)^2.

    weight (units, n) of -1 and 1, not trained. LeCun et al. 1998, the output layer of LeNet-5: the class with the
    smallest distance is the prediction.
    """

    kind = "rbf"
    aliases = ("euclideanradialbasis", "radialbasisfunction")
    non_trainable = ("weight",)

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return {"weight": (self.units, inputs[0][0])}

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self.units * inputs[0][0]

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return self.units * (3 * inputs[0][0] - 1)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return self.units * inputs[0][0]
