"""Layers that join several paths."""

from typing import ClassVar

from cnncli.field import ITSELF, ONLY_FIRST
from cnncli.layers.base import Layer, Misfit, Reach, Shapes
from cnncli.shape import Shape, elements, format_shape


class Merge(Layer):
    """Element by element over inputs of one shape; an axis of size 1 stretches (a channel gate Cx1x1 times a map)."""

    merges: ClassVar[bool] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        ranks = {len(shape) for shape in inputs}
        if len(ranks) > 1:
            raise Misfit(
                f"{self.kind} cannot join {_listed(inputs)}: they have different numbers of axes", field="from"
            )
        output = tuple(max(sizes) for sizes in zip(*inputs, strict=True))
        for sizes in zip(*inputs, strict=True):
            if len(set(sizes) - {1}) > 1:
                raise Misfit(
                    f"{self.kind} needs one shape, and its inputs are {_listed(inputs)}",
                    "make the paths end alike (channels, stride and padding), or use concat to stack channels",
                    "from",
                )
        return output

    def reach(self, inputs: Shapes, output: Shape) -> tuple[Reach, ...]:
        return tuple(
            tuple(ONLY_FIRST if n == 1 < m else ITSELF for n, m in zip(shape[1:], output[1:], strict=True))
            for shape in inputs
        )

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return (len(inputs) - 1) * elements(output)


class Add(Merge):
    """The sum."""

    kind = "add"
    foreign = ("sum", "plus")


class Multiply(Merge):
    """The product: a gate."""

    kind = "multiply"
    foreign = ("mul",)


class Maximum(Merge):
    """The largest value."""

    kind = "maximum"
    foreign = ("max",)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return 0


class Average(Merge):
    """The mean: the sum, divided by the number of inputs."""

    kind = "average"
    foreign = ("mean",)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return len(inputs) * elements(output)


class Concat(Merge):
    """Maps (C1, H, W), (C2, H, W), … to (C1 + C2 + …, H, W)."""

    kind = "concat"
    foreign = ("concatenate", "cat", "depthconcat")

    def output_shape(self, inputs: Shapes) -> Shape:
        if len({shape[1:] for shape in inputs}) > 1:
            raise Misfit(
                f"concat needs maps of one size, and its inputs are {_listed(inputs)}",
                "only the channels may differ: match strides and padding",
                "from",
            )
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return 0


def _listed(inputs: Shapes) -> str:
    *first, last = map(format_shape, inputs)
    return f"{', '.join(first)} and {last}" if first else last
