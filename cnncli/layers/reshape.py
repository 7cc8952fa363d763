"""Layers that move or repeat values without weights: flatten, pad, upsample, dropout, identity."""

from math import gcd
from typing import TYPE_CHECKING, Annotated

from cnncli.field import Field, periodic
from cnncli.layers.base import Layer, Misfit, Reach, Shapes, expect_map, per_axis, wrong_length
from cnncli.layers.fields import Factors, Margins, MaybePerAxis, Share, one_of
from cnncli.layers.sliding import check_border, sides
from cnncli.shape import SIZE_LIMIT, Shape, elements
from cnncli.window import scaled_size

if TYPE_CHECKING:
    from fractions import Fraction
from functools import partial


class Identity(Layer):
    """Passes its input on."""

    kind = "identity"


class Dropout(Layer):
    """Sets values to 0 with probability ``rate`` while training, scaling the rest up. Srivastava et al. 2014."""

    kind = "dropout"

    rate: Share = 0.5


class Flatten(Layer):
    """Map (C, H, W) to a vector of C * H * W."""

    kind = "flatten"
    sees_everything = True

    def output_shape(self, inputs: Shapes) -> Shape:
        return (elements(inputs[0]),)


class Pad(Layer):
    """Map (C, H, W) to (C, top + H + bottom, left + W + right)."""

    kind = "pad"
    foreign = ("zeropad2d", "zeropadding2d", "zeropadding1d", "reflectionpad2d", "replicationpad2d", "constantpad2d")

    padding: Margins
    mode: Annotated[str, one_of("zeros", "reflect", "replicate", "circular")] = "zeros"

    def amounts(self, inputs: Shapes) -> tuple[tuple[int, int], ...]:
        """(before, after) for each spatial axis."""
        return sides(self.padding, len(inputs[0]) - 1)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        amounts = self.amounts(inputs)
        check_border(self.kind, shape, amounts, self.mode)
        return (shape[0], *(before + n + after for n, (before, after) in zip(shape[1:], amounts, strict=True)))

    def reach(self, inputs: Shapes, output: Shape) -> tuple[Reach, ...]:
        return (tuple(Field((-before,), (-before,), 1) for before, _ in self.amounts(inputs)),)


class Upsample(Layer):
    """Map (C, H, W) to (C, scale * H, scale * W), or to ``size``.

    Output i reads input floor(i n / m) (nearest), or interpolates around (i + 1/2) n / m - 1/2 between 2 (linear) or
    4 (cubic) inputs per axis: PyTorch's interpolate with align_corners off.
    """

    kind = "upsample"
    foreign = ("upsampling1d", "upsampling2d", "upsampling3d", "interpolate", "resize")

    scale: Factors = None
    size: MaybePerAxis = None
    mode: Annotated[str, one_of("nearest", "linear", "cubic")] = "nearest"

    def field_problem(self) -> Misfit | None:
        if (self.scale is None) == (self.size is None):
            return Misfit("upsample needs a scale or a size, and one of them only", "write upsample: 2")
        return None

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        rank = len(shape) - 1
        if self.mode == "cubic" and rank != 2:
            raise Misfit(f"cubic upsampling is for 2 spatial axes, the input has {rank}", "use linear", "mode")
        if self.size is not None:
            return (shape[0], *per_axis(self.size, rank, "size"))
        return (shape[0], *map(self._scaled, shape[1:], self._factors(rank)))

    def _factors(self, rank: int) -> "tuple[Fraction, ...]":
        from fractions import Fraction  # as cnncli.field: slow to import, and seldom needed

        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * rank
        if len(scales) != rank:
            raise wrong_length("scale", len(scales), rank)
        return tuple(Fraction(str(scale)) for scale in scales)

    def _scaled(self, size: int, factor: "Fraction") -> int:
        scaled: int = scaled_size(size, factor.numerator, factor.denominator)
        if not 1 <= scaled < SIZE_LIMIT:
            raise Misfit(f"a scale of {float(factor):g} makes {scaled} of {size}", "use a scale nearer to 1", "scale")
        return scaled

    def reach(self, inputs: Shapes, output: Shape) -> tuple[Reach, ...]:
        return (tuple(_interpolation(n, m, self.mode) for n, m in zip(inputs[0][1:], output[1:], strict=True)),)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        taps: int = {"nearest": 0, "linear": 2, "cubic": 4}[self.mode] ** (len(output) - 1)
        return max(0, 2 * taps - 1) * elements(output)


def _interpolation(size: int, output: int, mode: str) -> Field:
    """Which of ``size`` inputs each of ``output`` outputs reads. One input stretched is read by all."""
    if size == 1:
        return Field((0,), (0,), 0)
    period, advance = output // gcd(size, output), size // gcd(size, output)
    if mode == "nearest":
        return periodic(lambda i: i * advance // period, lambda i: i * advance // period, period, advance)
    if period == 1 == advance:  # nothing to interpolate
        return Field((0,), (0,), 1)
    left, right = (0, 1) if mode == "linear" else (-1, 2)

    def tap(step: int, i: int) -> int:
        # the centre of output i, in halves of a period: exact, so that a weight of zero is seen to be zero
        whole, beside = divmod((2 * i + 1) * advance - period, 2 * period)
        return whole + step if beside else whole

    return periodic(partial(tap, left), partial(tap, right), period, advance)
