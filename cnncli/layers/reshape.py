"""Layers without weights that move, repeat or drop values."""

from typing import TYPE_CHECKING, Annotated, Self

from cnncli.arithmetic.axes import AXIS_NAMES, SPATIAL_AXES
from cnncli.arithmetic.axis_field import ITSELF, AxisField, full_axis, periodic
from cnncli.arithmetic.shape import (
    Shape,
    divides,
    exact_quotient,
    format_shape,
    is_symbolic,
    numel,
    too_large,
)
from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.window import adaptive_pattern, scaled_size
from cnncli.errors import counted
from cnncli.layers.base import (
    Layer,
    LocalReceptiveField,
    ShapeError,
    Shapes,
    check_groups,
    expect_map,
    per_axis,
    wrong_length,
)
from cnncli.layers.fields import (
    Count,
    Factors,
    Margins,
    MaybePerAxis,
    Order,
    UnitInterval,
    WantedShape,
    Whole,
    WholeOrEnd,
    one_of,
)
from cnncli.layers.window_fields import check_border, halved, sides

if TYPE_CHECKING:
    from fractions import Fraction
from functools import partial


class Identity(Layer):
    """Returns its input."""

    kind = "identity"


class Dropout(Layer):
    """Sets values to 0 with probability ``rate`` while training, scaling up the rest. Srivastava et al. 2014."""

    kind = "dropout"

    rate: UnitInterval = 0.5


class SpatialDropout(Layer):
    """Sets entire channels to 0 with probability ``rate`` while training. Tompson et al. 2015."""

    kind = "spatial_dropout"
    aliases = ("dropout1d", "dropout2d", "dropout3d", "spatialdropout1d", "spatialdropout2d", "spatialdropout3d")

    rate: UnitInterval = 0.5


class DropPath(Layer):
    """Sets all of an example to 0 with probability ``rate`` while training: stochastic depth. Huang et al. 2016."""

    kind = "drop_path"
    aliases = ("stochasticdepth",)

    rate: UnitInterval = 0.5


class Flatten(Layer):
    """Map (C, H, W) to a vector of C * H * W."""

    kind = "flatten"
    is_global = True

    def output_shape(self, inputs: Shapes) -> Shape:
        return (numel(inputs[0]),)


class Reshape(Layer):
    """The same values in another ``shape``, in row-major order."""

    kind = "reshape"
    aliases = ("view", "unflatten")
    is_global = True

    shape: WantedShape

    def output_shape(self, inputs: Shapes) -> Shape:
        held, wanted = numel(inputs[0]), numel(self.shape)
        if held != wanted:
            raise ShapeError(
                f"a shape of {format_shape(self.shape)} has {counted(wanted, 'value')}, but the input "
                f"{format_shape(inputs[0])} has {held:,}",
                "use a shape with the same number of values",
                "shape",
            )
        return self.shape


class Permute(Layer):
    """The axes in another ``order``, counted from 0 (the channels), without the batch."""

    kind = "permute"
    aliases = ("transpose",)

    order: Order

    @property
    def mixes_channels(self) -> bool:
        """Whether channels become positions."""
        return self.order[0] != 0

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) != len(self.order):
            raise ShapeError(
                f"order lists {counted(len(self.order), 'axis')}, but the input {format_shape(shape)} has {len(shape)}",
                "list every axis, including the channels (0)",
                "order",
            )
        return tuple(shape[axis] for axis in self.order)

    @property
    def permutes_axes(self) -> bool:
        return not self.mixes_channels and list(self.order) != sorted(self.order)

    def map_axis(self, axis: int) -> int:
        return self.order.index(axis + 1) - 1

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        if self.mixes_channels:
            return (tuple(map(full_axis, inputs[0][1:])),)
        return ((ITSELF,) * (len(output) - 1),)


class Slice(Layer):
    """The values from ``start`` up to but not including ``stop`` (default: the end) of one axis."""

    kind = "slice"
    aliases = ("narrow", "split")

    start: Whole = 0
    stop: WholeOrEnd = None
    axis: Annotated[str, one_of("channels", *AXIS_NAMES)] = "channels"

    def index(self, inputs: Shapes) -> int:
        """The axis's index in the shape. Raises ShapeError where the input has no such axis."""
        names = ("channels", *(axis.name for axis in SPATIAL_AXES[len(inputs[0]) - 1]))
        if self.axis not in names:
            raise ShapeError(
                f"the input {format_shape(inputs[0])} has no {self.axis}", f"its axes are {', '.join(names)}", "axis"
            )
        return names.index(self.axis)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        at = self.index(inputs)
        stop = shape[at] if self.stop is None else self.stop
        if not self.start < stop <= shape[at]:
            wrong = f"start {self.start} and stop {stop} do not fit an axis of {shape[at]} ({self.axis})"
            raise ShapeError(wrong, "use start < stop <= size", "stop" if self.stop else "start")
        return (*shape[:at], stop - self.start, *shape[at + 1 :])

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        at = self.index(inputs)
        return (tuple(_shifted(self.start if axis + 1 == at else 0) for axis in range(len(output) - 1)),)


def _shifted(start: int) -> AxisField:
    """Unit i reads input i + start."""
    return AxisField((start,), (start,), 1)


class Crop(Layer):
    """Map (C, H, W) to (C, H - top - bottom, W - left - right)."""

    kind = "crop"
    aliases = ("cropping1d", "cropping2d", "cropping3d", "centercrop")

    margins: Margins

    def border(self, inputs: Shapes) -> tuple[tuple[int, int], ...]:
        return sides(self.margins, len(inputs[0]) - 1, "margins")

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        sizes = tuple(n - before - after for n, (before, after) in zip(shape[1:], self.border(inputs), strict=True))
        if any(size < 1 for size in sizes):
            raise ShapeError(
                f"the margins remove the entire input {format_shape(shape)}", "use smaller margins", "margins"
            )
        return (shape[0], *sizes)

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return (tuple(_shifted(before) for before, _ in self.border(inputs)),)


class PixelShuffle(Layer):
    """Map (C r^2, H, W) to (C, r H, r W): channels become the pixels of a block. Shi et al. 2016."""

    kind = "pixel_shuffle"
    aliases = ("depthtospace", "subpixel")

    factor: Count

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        block = self.factor ** (len(shape) - 1)
        if not divides(block, shape[0]):
            raise ShapeError(
                f"{shape[0]} channels are not a multiple of {self.factor}^{len(shape) - 1} = {block}",
                f"use a multiple of {block} channels",
                "factor",
            )
        return (exact_quotient(shape[0], block), *(self.factor * size for size in shape[1:]))

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        block = periodic(lambda i: i // self.factor, lambda i: i // self.factor, self.factor, 1)
        return ((block,) * (len(output) - 1),)


class ChannelShuffle(Layer):
    """Interleaves the channels of ``groups`` groups: (g, C / g) is transposed to (C / g, g). Zhang et al. 2018."""

    kind = "channel_shuffle"

    groups: Count

    def output_shape(self, inputs: Shapes) -> Shape:
        check_groups(self.groups, inputs[0][0])
        return inputs[0]


class Pad(Layer):
    """Map (C, H, W) to (C, top + H + bottom, left + W + right)."""

    kind = "pad"
    aliases = ("zeropad2d", "zeropadding2d", "zeropadding1d", "reflectionpad2d", "replicationpad2d", "constantpad2d")

    padding: Margins
    mode: Annotated[str, one_of("zeros", "reflect", "replicate", "circular")] = "zeros"

    @property
    def padding_fill(self) -> str:
        return self.mode

    def with_padding_in_total(self) -> Self:
        return self.replace(padding=halved(self.padding))

    def border(self, inputs: Shapes) -> tuple[tuple[int, int], ...]:
        return sides(self.padding, len(inputs[0]) - 1)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        border = self.border(inputs)
        check_border(self.kind, shape, border, self.mode)
        return (shape[0], *(before + n + after for n, (before, after) in zip(shape[1:], border, strict=True)))

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return (tuple(_shifted(-before) for before, _ in self.border(inputs)),)


class Upsample(Layer):
    """Map (C, H, W) to (C, scale * H, scale * W), or to ``size``.

    Output i reads input floor(i n / m) (nearest), or interpolates around (i + 1/2) n / m - 1/2 between 2 (linear) or
    4 (cubic) inputs per axis: PyTorch's interpolate with align_corners off.
    """

    kind = "upsample"
    aliases = ("upsampling1d", "upsampling2d", "upsampling3d", "interpolate", "resize")

    scale: Factors = None
    size: MaybePerAxis = None
    mode: Annotated[str, one_of("nearest", "linear", "cubic")] = "nearest"

    def field_problem(self) -> ShapeError | None:
        if (self.scale is None) == (self.size is None):
            return ShapeError("upsample needs either a scale or a size", "write upsample: 2")
        return None

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        rank = len(shape) - 1
        if self.mode == "cubic" and rank != 2:
            raise ShapeError(f"cubic upsampling needs 2 spatial axes, but the input has {rank}", "use linear", "mode")
        if self.size is not None:
            return (shape[0], *per_axis(self.size, rank, "size"))
        return (shape[0], *map(self._scaled, shape[1:], self._factors(rank)))

    def _factors(self, rank: int) -> "tuple[Fraction, ...]":
        from fractions import Fraction  # slow to import, and rarely needed

        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * rank
        if len(scales) != rank:
            raise wrong_length("scale", len(scales), rank)
        return tuple(Fraction(str(scale)) for scale in scales)

    def _scaled(self, size: int, factor: "Fraction") -> int:
        scaled: int = scaled_size(size, factor.numerator, factor.denominator)
        if scaled < 1 or too_large((scaled,)):
            raise ShapeError(
                f"a scale of {float(factor):g} turns size {size} into {scaled}", "use a scale closer to 1", "scale"
            )
        return scaled

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return (tuple(_interpolation(n, m, self.mode) for n, m in zip(inputs[0][1:], output[1:], strict=True)),)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        taps: int = {"nearest": 0, "linear": 2, "cubic": 4}[self.mode] ** (len(output) - 1)
        return max(0, 2 * taps - 1) * numel(output)


def _ratio(output: int, size: int) -> tuple[int, int]:
    """output / size in lowest terms. Raises Undecided if that depends on symbolic sizes."""
    if is_symbolic(size):
        for factor in range(1, 65):
            if output == size * factor:
                return factor, 1
        raise Undecided
    return adaptive_pattern(size, output)


def _interpolation(size: int, output: int, mode: str) -> AxisField:
    """Which of ``size`` inputs each of ``output`` outputs reads. A single input is read by all."""
    if size == 1:
        return AxisField((0,), (0,), 0)
    period, advance = _ratio(output, size)
    if mode == "nearest":
        return periodic(lambda i: i * advance // period, lambda i: i * advance // period, period, advance)
    if period == 1 == advance:  # nothing to interpolate
        return AxisField((0,), (0,), 1)
    left, right = (0, 1) if mode == "linear" else (-1, 2)

    def tap(step: int, i: int) -> int:
        # the center of output i, in units of half a period: exact, so that a weight of zero is recognized
        first, beside = divmod((2 * i + 1) * advance - period, 2 * period)
        return first + step if beside else first

    return periodic(partial(tap, left), partial(tap, right), period, advance)
