"""Fully connected layers."""

from cnncli.layers.base import Layer, Misfit, Shapes, dot_product_flops
from cnncli.layers.fields import Count, Flag
from cnncli.shape import Shape, format_shape


class Linear(Layer):
    """Map a vector of n to one of ``units``: weight (units, n), bias (units,)."""

    kind = "linear"
    foreign = ("dense", "fullyconnected", "fc", "lazylinear", "innerproduct")
    sees_everything = True

    units: Count
    bias: Flag = True

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) > 1:
            raise Misfit(
                f"linear takes a vector, and its input is a map of {format_shape(shape)}",
                "put flatten (or global_avgpool) above it",
            )
        return (self.units,)

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        weight: dict[str, Shape] = {"weight": (self.units, inputs[0][0])}
        return {**weight, "bias": (self.units,)} if self.bias else weight

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self.units * inputs[0][0]

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return self.units * dot_product_flops(inputs[0][0], self.bias)

    def connections(self, inputs: Shapes, output: Shape) -> int:
        return self.units * (inputs[0][0] + self.bias)
