"""The interface of a layer type.

A layer type is a small frozen class in its family's module. Its annotated fields are its YAML schema, in the order of
the language page; the first one is what a bare value sets (``linear: 120``). Methods take the shapes of the layer's
inputs (channels first, no batch) and return integers. A layer does not know its name or place, so one that does not fit
its input raises :class:`ShapeError`, and the caller adds where.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

from cnncli.arithmetic.axis_field import ITSELF, AxisField, window_field
from cnncli.arithmetic.shape import Shape, divides
from cnncli.arithmetic.window import SAME_NAMES, Window
from cnncli.errors import counted
from cnncli.schema import Record

Shapes = tuple[Shape, ...]
LocalReceptiveField = tuple[AxisField, ...]  # one field per spatial axis of the output, on one of the layer's inputs


class ShapeError(Exception):
    """A layer cannot take its input: the fault, what to do, and the field of the file that it concerns."""

    def __init__(self, message: str, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.field = field


class Layer(Record):
    """The base of all layer types. One without weights, windows or operations overrides ``output_shape`` at most."""

    kind: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()  # its names in PyTorch and Keras, in lower case
    merges: ClassVar[bool] = False  # takes several inputs
    min_inputs: ClassVar[int] = 1
    is_global: ClassVar[bool] = False  # each output depends on the entire input
    is_pool: ClassVar[bool] = False  # reduces windows without weights
    transposed: ClassVar[bool] = False  # its windows slide over the output
    non_trainable: ClassVar[tuple[str, ...]] = ()  # names of weights that are not trained

    @property
    def family(self) -> str:
        """The module that defines it: activation, conv, linear, merge, norm, pool or reshape."""
        return type(self).__module__.rpartition(".")[2]

    # Shapes and windows -------------------------------------------------------------------------------------------

    def output_shape(self, inputs: Shapes) -> Shape:
        """The output's shape. Raises ShapeError if the layer cannot take these inputs."""
        return inputs[0]

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        """One window per spatial axis for layers that slide, else none."""
        return ()

    def border(self, inputs: Shapes) -> tuple[tuple[int, int], ...]:
        """(before, after) that is added to (pad, padded windows) or removed from (crop) each spatial axis, if any."""
        return tuple((window.before, window.after) for window in self.windows(inputs))

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        """For each input, which of its values one unit reads on each spatial axis of the output."""
        windows = self.windows(inputs)
        if windows:
            return (tuple(window_field(w.stride, w.before, w.effective_kernel, w.dilation) for w in windows),)
        return tuple((ITSELF,) * (len(output) - 1) for _ in inputs)

    @property
    def padding_name(self) -> str:
        """``valid``, ``same``, ``same_lower`` or ``full`` if the padding is given by name, else empty."""
        return ""

    @property
    def has_same_padding(self) -> bool:
        """Whether the padding depends on the input size such that the output is ceil(size / stride)."""
        return self.padding_name in SAME_NAMES

    @property
    def padding_fill(self) -> str:
        """The fill of the border: ``zeros``, ``reflect``, ``replicate``, ``circular`` or ``partial``."""
        return "zeros"

    @property
    def requires_exact_fit(self) -> bool:
        """Whether windows that drop rows or columns are an error (``rounding: exact``)."""
        return False

    @property
    def permutes_axes(self) -> bool:
        """Whether a spatial axis of the input becomes another one of the output (:meth:`map_axis`)."""
        return False

    def map_axis(self, axis: int) -> int:
        """The spatial axis of the output that a spatial axis of the input becomes."""
        return axis

    # Counts -------------------------------------------------------------------------------------------------------

    def weights(self, inputs: Shapes) -> Mapping[str, Shape]:
        """The trainable tensors, with PyTorch's names and shapes; parameter counts are sums over them."""
        return {}

    def fans(self, inputs: Shapes) -> tuple[int, int] | None:
        """(fan_in, fan_out) that scale initial weights: inputs of a unit, and units that read an input.

        Only convolutions and linear layers have them. As in PyTorch, fan_out counts the filters of all groups, and a
        stride does not matter.
        """
        return None

    def buffers(self, inputs: Shapes) -> Mapping[str, Shape]:
        """Tensors that are saved but not trained: running statistics."""
        return {}

    def macs(self, inputs: Shapes, output: Shape) -> int:
        """Multiply-accumulates of convolutions and matrix products for one example, biases excluded."""
        return 0

    def flops(self, inputs: Shapes, output: Shape) -> int:
        """Multiplications, divisions and additions for one example; comparisons, exp, erf, … do not count."""
        return 0

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        """LeCun's count of connections: one for each use of a weight and each use of a bias."""
        return 0

    # Variants -----------------------------------------------------------------------------------------------------

    def with_rounding(self, rounding: str) -> Self:
        """The layer with this rounding of output sizes, if it rounds them and can round them this way."""
        return self

    def with_padding_in_total(self) -> Self:
        """The layer with its padding read as the total of both sides of an axis, where it is given as numbers."""
        return self

    def with_default_stride(self, stride: int) -> Self:
        """The layer with this stride, if it is a pool whose stride is not given."""
        return self

    def field_problem(self) -> ShapeError | None:
        """A contradiction between fields, found without any shape."""
        return None


def per_axis(value: int | tuple[int, ...], rank: int, field: str) -> tuple[int, ...]:
    """A field's value for each of ``rank`` axes. Raises ShapeError for a list of another length."""
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise wrong_length(field, len(value), rank)
    return value


def wrong_length(field: str, length: int, rank: int) -> ShapeError:
    """The error for a list whose length is not the number of spatial axes."""
    return ShapeError(
        f"{field} is given for {_axes(length)}, but the input has {_axes(rank)} besides its channels",
        f"give one number, or a list of {rank}",
        field,
    )


def spatial_axes(kind: str, shape: Shape) -> Shape:
    """The sizes after the channels: 1 to 3 of them. Raises ShapeError for a vector."""
    if len(shape) < 2:
        raise ShapeError(
            f"{kind} needs a feature map, but its input is a vector of {counted(shape[0], 'value')}",
            "put it before the flatten or the global pool, or use linear",
        )
    return shape[1:]


def expect_map(kind: str, shape: Shape) -> None:
    """Raises ShapeError for a vector."""
    if len(shape) < 2:
        raise ShapeError(f"{kind} needs a feature map, but its input is a vector of {counted(shape[0], 'value')}")


def check_groups(groups: int, channels: int) -> None:
    """Raises ShapeError if the groups do not divide the channels."""
    if not divides(groups, channels):
        raise ShapeError(
            f"{groups} groups do not divide {counted(channels, 'channel')}", "groups must divide the channels", "groups"
        )


def dot_product_flops(length: int, bias: bool) -> int:
    """Operations of a dot product: ``length`` multiplications and ``length`` - 1 additions, one more with a bias."""
    return 2 * length if bias else 2 * length - 1


def _axes(count: int) -> str:
    return counted(count, "axis")
