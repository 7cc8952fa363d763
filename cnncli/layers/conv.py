"""Convolutions (cross-correlations, as all libraries compute them) over one, two or three spatial axes."""

from cnncli.layers.base import Layer, Misfit, Shapes, dot_product_flops
from cnncli.layers.fields import Count, Flag, Padding, PaddingMode, PerAxis, Rounding
from cnncli.layers.sliding import check_border, check_fit, windows_of
from cnncli.shape import Shape, elements
from cnncli.window import Window, output_size


class Convolution(Layer):
    """What conv and depthwise_conv share; ``_maps`` says how many filters there are and in how many groups."""

    kernel: PerAxis
    stride: PerAxis = 1
    padding: Padding = 0
    dilation: PerAxis = 1
    bias: Flag = True
    padding_mode: PaddingMode = "zeros"
    rounding: Rounding = "floor"

    def maps(self, channels: int) -> tuple[int, int]:
        """(filters, groups) for an input of that many channels."""
        raise NotImplementedError

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        return windows_of(self.kind, inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.rounding)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        windows = self.windows(inputs)
        check_fit(shape, windows)
        check_border(self.kind, shape, tuple((w.before, w.after) for w in windows), self.padding_mode)
        filters, _ = self.maps(shape[0])
        return (filters, *map(output_size, shape[1:], windows))

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        (shape,) = inputs
        filters, groups = self.maps(shape[0])
        kernel = tuple(window.kernel for window in self.windows(inputs))
        weight = {"weight": (filters, shape[0] // groups, *kernel)}
        return {**weight, "bias": (filters,)} if self.bias else weight

    def products(self, inputs: Shapes) -> int:
        """Terms of the dot product behind one output: channels of a group times the window's area."""
        channels = inputs[0][0]
        _, groups = self.maps(channels)
        return channels // groups * elements(tuple(window.kernel for window in self.windows(inputs)))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return elements(output) * self.products(inputs)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return elements(output) * dot_product_flops(self.products(inputs), self.bias)

    def connections(self, inputs: Shapes, output: Shape) -> int:
        return elements(output) * (self.products(inputs) + self.bias)


class Conv(Convolution):
    """Map (C, H, W) to (filters, H', W'): each filter spans the channels of its group.

    weight (filters, C / groups, *kernel), bias (filters,).
    """

    kind = "conv"
    foreign = ("conv1d", "conv2d", "conv3d", "convolution", "convolution2d")

    filters: Count
    kernel: PerAxis
    stride: PerAxis = 1
    padding: Padding = 0
    dilation: PerAxis = 1
    groups: Count = 1

    def maps(self, channels: int) -> tuple[int, int]:
        for what, count, field in (("input channels", channels, "groups"), ("filters", self.filters, "groups")):
            if count % self.groups:
                raise Misfit(
                    f"{self.groups} groups do not divide {count} {what}",
                    f"groups must divide both {channels} input channels and {self.filters} filters",
                    field,
                )
        return self.filters, self.groups


class DepthwiseConv(Convolution):
    """Map (C, H, W) to (C * multiplier, H', W'): each filter sees one channel.

    weight (C * multiplier, 1, *kernel), bias (C * multiplier,).
    """

    kind = "depthwise_conv"
    foreign = ("depthwiseconv1d", "depthwiseconv2d", "depthwise", "depthwiseconv")

    kernel: PerAxis
    multiplier: Count = 1

    def maps(self, channels: int) -> tuple[int, int]:
        return channels * self.multiplier, channels
