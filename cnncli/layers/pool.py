"""Pooling: over windows, to a given output size (adaptive), and over the entire feature map (global)."""

from functools import partial
from typing import Self

from cnncli.arithmetic.axis_field import AxisField, full_axis, periodic
from cnncli.arithmetic.shape import Shape, larger, numel
from cnncli.arithmetic.window import (
    Window,
    adaptive_end,
    adaptive_pattern,
    adaptive_start,
    adaptive_total,
    overhang,
)
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes, expect_map, per_axis
from cnncli.layers.fields import Flag, MaybePerAxis, Padding, PerAxis, WindowRounding
from cnncli.layers.window_fields import halved, output_sizes, padding_name, windows_of


class WindowPool(Layer):
    """Map (C, H, W) to (C, H', W'), one window per output; the stride defaults to the kernel."""

    kernel: PerAxis
    stride: MaybePerAxis = None
    padding: Padding = 0
    rounding: WindowRounding = "floor"

    is_pool = True

    @property
    def padding_name(self) -> str:
        return padding_name(self.padding)

    @property
    def requires_exact_fit(self) -> bool:
        return self.rounding == "exact"

    def with_rounding(self, rounding: str) -> Self:
        # libraries only round up in pooling layers without weights
        rounds = not self.has_same_padding and (self.is_pool or rounding != "ceil")
        return self.replace(rounding=rounding) if rounds else self

    def with_padding_in_total(self) -> Self:
        return self.replace(padding=halved(self.padding))

    def with_default_stride(self, stride: int) -> Self:
        return self.replace(stride=stride) if self.is_pool and self.stride is None else self

    def spacing(self) -> int | tuple[int, ...]:
        """The dilation: inputs from one tap of the window to the next."""
        return 1

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        stride = self.kernel if self.stride is None else self.stride
        return windows_of(self.kind, inputs[0], self.kernel, stride, self.padding, self.spacing(), self.rounding)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        windows = self.windows(inputs)
        sizes = output_sizes(shape, windows, same=self.has_same_padding)
        for window in windows:
            padding = larger(window.before, window.after)
            if padding > window.effective_kernel // 2:
                raise ShapeError(
                    f"padding {padding} is more than half of the effective kernel size {window.effective_kernel}: "
                    "a window would contain only padding",
                    f"use padding of at most {window.effective_kernel // 2}",
                    "padding",
                )
        return (shape[0], *sizes)

    def border_with_overhang(self, inputs: Shapes) -> tuple[tuple[int, int], ...]:
        """(before, after) per axis: the padding, and how far a last window hangs over the end (rounding: ceil)."""
        pairs = zip(inputs[0][1:], self.windows(inputs), strict=True)
        return tuple((window.before, larger(window.after, overhang(size, window))) for size, window in pairs)


class MaxPool(WindowPool):
    """The largest value of each window; padding is never the maximum."""

    kind = "maxpool"
    aliases = ("maxpool1d", "maxpool2d", "maxpool3d", "maxpooling1d", "maxpooling2d", "maxpooling3d", "maxpooling")

    dilation: PerAxis = 1

    def spacing(self) -> int | tuple[int, ...]:
        return self.dilation


class AvgPool(WindowPool):
    """The mean of each window; ``count_include_pad`` counts the zeros of the padding in the divisor."""

    kind = "avgpool"
    aliases = (
        *("avgpool1d", "avgpool2d", "avgpool3d", "averagepooling1d", "averagepooling2d", "averagepooling3d"),
        *("averagepool", "averagepooling", "meanpool"),
    )

    count_include_pad: Flag = True

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return numel(output) * numel(tuple(window.kernel for window in self.windows(inputs)))


class L2Pool(WindowPool):
    """The root of the sum of squares of each window; padding adds nothing. PyTorch's LPPool with p = 2."""

    kind = "l2pool"
    aliases = ("lppool1d", "lppool2d", "lppool", "l2pooling")

    def flops(self, inputs: Shapes, output: Shape) -> int:
        window = numel(tuple(window.kernel for window in self.windows(inputs)))
        return numel(output) * (2 * window - 1)


class Subsample(WindowPool):
    """The mean of each window, times a trained coefficient, plus a trained bias: one of each per channel.

    weight (C,), bias (C,). LeCun et al. 1998, layers S2 and S4 of LeNet-5; the paper counts one connection per input of
    the window and one for the bias.
    """

    kind = "subsample"
    is_pool = False  # it has weights
    aliases = ("subsampling",)

    kernel: PerAxis = 2

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return {"weight": inputs[0][:1], "bias": inputs[0][:1]}

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return numel(output) * (numel(tuple(window.kernel for window in self.windows(inputs))) + 2)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return numel(output) * (numel(tuple(window.kernel for window in self.windows(inputs))) + 1)


class AdaptivePool(Layer):
    """Map (C, H, W) to (C, *output): window i spans floor(i n / m) … ceil((i + 1) n / m) - 1."""

    is_pool = True

    output: PerAxis

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        expect_map(self.kind, shape)
        return (shape[0], *per_axis(self.output, len(shape) - 1, "output"))

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return (tuple(_adaptive_field(n, m) for n, m in zip(inputs[0][1:], output[1:], strict=True)),)


def _adaptive_field(size: int, output: int) -> AxisField:
    if output == 1:  # one window over the entire axis
        return full_axis(size)
    return periodic(
        partial(adaptive_start, size, output), partial(adaptive_end, size, output), *adaptive_pattern(size, output)
    )


class AdaptiveAvgPool(AdaptivePool):
    """The mean over windows chosen so that the output has the given size."""

    kind = "adaptive_avgpool"
    aliases = ("adaptiveavgpool1d", "adaptiveavgpool2d", "adaptiveavgpool3d", "adaptiveaveragepooling2d")

    def flops(self, inputs: Shapes, output: Shape) -> int:
        # the sum of all window sizes is a product of one sum per axis
        return output[0] * numel(tuple(map(adaptive_total, inputs[0][1:], output[1:])))


class AdaptiveMaxPool(AdaptivePool):
    """The maximum over windows chosen so that the output has the given size."""

    kind = "adaptive_maxpool"
    aliases = ("adaptivemaxpool1d", "adaptivemaxpool2d", "adaptivemaxpool3d", "adaptivemaxpooling2d")


class GlobalPool(Layer):
    """Map (C, H, W) to a vector of C: one value per channel."""

    is_global = True
    is_pool = True

    def output_shape(self, inputs: Shapes) -> Shape:
        expect_map(self.kind, inputs[0])
        return inputs[0][:1]


class GlobalAvgPool(GlobalPool):
    """The mean of each channel."""

    kind = "global_avgpool"
    aliases = (
        *("globalaveragepooling1d", "globalaveragepooling2d", "globalaveragepooling3d"),
        *("globalavgpool2d", "globalaveragepool", "globalaveragepooling", "gap"),
    )

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return numel(inputs[0])


class GlobalMaxPool(GlobalPool):
    """The maximum of each channel."""

    kind = "global_maxpool"
    aliases = (
        *("globalmaxpooling1d", "globalmaxpooling2d", "globalmaxpooling3d"),
        *("globalmaxpool2d", "globalmaxpooling"),
    )
