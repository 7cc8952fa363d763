"""Layers that merge several paths."""

from typing import ClassVar

from cnncli.arithmetic.axis_field import ITSELF, ONLY_FIRST
from cnncli.arithmetic.shape import Shape, Size, add_up, format_shape, is_symbolic, numel, same_size
from cnncli.errors import enumerated
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes


class Merge(Layer):
    """Elementwise over inputs of one shape; an axis of size 1 is broadcast (a channel gate Cx1x1 times a map)."""

    merges: ClassVar[bool] = True
    min_inputs: ClassVar[int] = 2

    def output_shape(self, inputs: Shapes) -> Shape:
        ranks = {len(shape) for shape in inputs}
        if len(ranks) > 1:
            raise ShapeError(
                f"{self.kind} cannot merge {_shapes(inputs)}: they have different numbers of axes",
                field="from",
            )
        for sizes in zip(*inputs, strict=True):
            long = [size for size in dict.fromkeys(sizes) if size != 1]
            if not all(same_size(size, long[0]) for size in long[1:]):
                raise ShapeError(
                    f"{self.kind} needs equal shapes, but its inputs are {_shapes(inputs)}{_equal_only_if(long)}",
                    "give the paths equal channels, stride and padding, or use concat to stack channels",
                    "from",
                )
        return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*inputs, strict=True))

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return tuple(
            tuple(ONLY_FIRST if n == 1 < m else ITSELF for n, m in zip(shape[1:], output[1:], strict=True))
            for shape in inputs
        )

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return (len(inputs) - 1) * numel(output)


class Add(Merge):
    """The sum."""

    kind = "add"
    aliases = ("sum", "plus")


class Multiply(Merge):
    """The product: a gate."""

    kind = "multiply"
    aliases = ("mul",)


class Maximum(Merge):
    """The largest value."""

    kind = "maximum"
    aliases = ("max",)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return 0


class Average(Merge):
    """The mean: the sum, divided by the number of inputs."""

    kind = "average"
    aliases = ("mean",)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return len(inputs) * numel(output)


class Concat(Merge):
    """Maps (C1, H, W), (C2, H, W), … to (C1 + C2 + …, H, W)."""

    kind = "concat"
    min_inputs = 1
    aliases = ("concatenate", "cat", "depthconcat")

    def output_shape(self, inputs: Shapes) -> Shape:
        first = inputs[0][1:]
        unlike = [shape for shape in inputs if not _same_sizes(shape[1:], first)]
        if unlike:
            unequal = [pair for pair in zip(first, unlike[0][1:], strict=False) if not same_size(*pair)]
            where = _equal_only_if([*unequal[0]]) if unequal else ""
            raise ShapeError(
                f"concat needs feature maps of one size, but its inputs are {_shapes(inputs)}{where}",
                "match strides and padding: only the channels may differ",
                "from",
            )
        return (add_up(shape[0] for shape in inputs), *inputs[0][1:])

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return 0


def _same_sizes(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(map(same_size, one, other))


def _equal_only_if(sizes: list[Size]) -> str:
    """The condition under which two different symbolic sizes are equal, as an addition to a message."""
    unlike = next(size for size in sizes[1:] if not same_size(size, sizes[0]))
    if not any(map(is_symbolic, (sizes[0], unlike))):
        return ""
    from cnncli.arithmetic.symbolic import condition_for_equality

    condition = condition_for_equality(sizes[0], unlike)
    return f", which are equal only if {condition}" if condition else ""


def _shapes(inputs: Shapes) -> str:
    return enumerated(map(format_shape, inputs))
