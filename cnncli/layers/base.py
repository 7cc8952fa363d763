"""What every layer kind answers.

A kind is a small frozen class in its family's file. Its annotated fields are its YAML schema, in the order of the
language page, the first one being what a bare value means (``linear: 120``). Methods get the shapes of the layer's
inputs (channels first, no batch) and return whole numbers; none of them knows the layer's name or place, so a
layer that does not fit its input raises :class:`ShapeError` and the caller says where.
"""

from collections.abc import Mapping
from typing import ClassVar

from cnncli.arithmetic.receptive_field import ITSELF, AxisField, sliding
from cnncli.arithmetic.shape import Shape, divides
from cnncli.arithmetic.window import Window
from cnncli.schema import Record

Shapes = tuple[Shape, ...]
LocalReceptiveField = tuple[AxisField, ...]  # one field per spatial axis, on one of the layer's inputs


class ShapeError(Exception):
    """A layer cannot take its input: what is wrong, what to do, and the field of the file to point at."""

    def __init__(self, message: str, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.field = field


class Layer(Record):
    """The base of all kinds. A kind without weights, windows or operations overrides ``output_shape`` at most."""

    kind: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()  # what PyTorch and Keras call it, in lower case
    merges: ClassVar[bool] = False  # takes several inputs
    is_global: ClassVar[bool] = False  # each output depends on the whole input
    transposed: ClassVar[bool] = False  # its windows slide over the output
    non_trainable: ClassVar[tuple[str, ...]] = ()  # weights that are not trained

    # What a kind answers ------------------------------------------------------------------------------------------

    def output_shape(self, inputs: Shapes) -> Shape:
        """The output's shape. Raises ShapeError where the layer cannot take these inputs."""
        return inputs[0]

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        """One window per spatial axis, for kinds that slide; else none."""
        return ()

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        """Per input, what a unit sees of it on each spatial axis of the output."""
        windows = self.windows(inputs)
        if windows:
            return (tuple(sliding(w.stride, w.before, w.effective_kernel, w.dilation) for w in windows),)
        return tuple((ITSELF,) * (len(output) - 1) for _ in inputs)

    def weights(self, inputs: Shapes) -> Mapping[str, Shape]:
        """The trained tensors by name, with PyTorch's names and shapes; counts are sums over them."""
        return {}

    def buffers(self, inputs: Shapes) -> Mapping[str, Shape]:
        """Tensors that are kept but not trained: running statistics."""
        return {}

    @property
    def permutes_axes(self) -> bool:
        """Whether a spatial axis of the input becomes another one of the output (:meth:`map_axis`)."""
        return False

    def map_axis(self, axis: int) -> int:
        """The spatial axis of the output that a spatial axis of the input becomes."""
        return axis

    def macs(self, inputs: Shapes, output: Shape) -> int:
        """Multiply-accumulates of convolutions and matrix products, for one input, biases excluded."""
        return 0

    def flops(self, inputs: Shapes, output: Shape) -> int:
        """Multiplications (divisions are some) plus additions for one input; comparisons, exp, erf, … are none."""
        return 0

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        """LeCun's count: one for each use of a weight and each use of a bias."""
        return 0

    @property
    def is_view(self) -> bool:
        """Whether the output is the input's own memory, seen in another way."""
        return False

    def field_problem(self) -> ShapeError | None:
        """A mistake in how the fields go together, known without any shape."""
        return None


def per_axis(value: int | tuple[int, ...], rank: int, field: str) -> tuple[int, ...]:
    """Spread a field's value over ``rank`` axes. Raises ShapeError where a list has another length."""
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise wrong_length(field, len(value), rank)
    return value


def wrong_length(field: str, length: int, rank: int) -> ShapeError:
    """The answer to a list that has another length than the input has axes."""
    return ShapeError(
        f"{field} is given for {_axes(length)}, and the input has {_axes(rank)} besides its channels",
        f"give one number, or a list of {rank}",
        field,
    )


def spatial_axes(kind: str, shape: Shape) -> Shape:
    """The sizes after the channels: 1 to 3 of them. Raises ShapeError for a vector."""
    if len(shape) < 2:
        raise ShapeError(
            f"{kind} slides over a map, and its input is a vector of {shape[0]} values",
            "put it above the flatten or the global pool, or use linear",
        )
    return shape[1:]


def expect_map(kind: str, shape: Shape) -> None:
    """Raises ShapeError for a vector."""
    if len(shape) < 2:
        raise ShapeError(f"{kind} takes a map, and its input is a vector of {shape[0]} values")


def check_groups(groups: int, channels: int) -> None:
    """Raises ShapeError where groups do not divide the channels."""
    if not divides(groups, channels):
        raise ShapeError(
            f"{groups} groups do not divide {channels} channels", "groups must divide the channels", "groups"
        )


def dot_product_flops(length: int, bias: bool) -> int:
    """A dot product of ``length`` terms: as many multiplications, one addition fewer, one more for a bias."""
    return 2 * length if bias else 2 * length - 1


def _axes(count: int) -> str:
    return f"{count} axis" if count == 1 else f"{count} axes"
