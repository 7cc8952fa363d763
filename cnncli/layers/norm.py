"""Normalization and learned scales. The channels are the first axis."""

from typing import Annotated

from cnncli.arithmetic.axis_field import ITSELF, AxisField, full_axis
from cnncli.arithmetic.shape import Shape, numel
from cnncli.layers.base import (
    Layer,
    LocalReceptiveField,
    ShapeError,
    Shapes,
    check_groups,
    expect_map,
    per_axis,
)
from cnncli.layers.fields import Count, Epsilon, Flag, Number, PerAxis, Positive, UnitInterval, one_of


def _affine(shape: Shape, affine: bool) -> dict[str, Shape]:
    return {"weight": shape, "bias": shape} if affine else {}


def _full_extent(inputs: Shapes) -> tuple[LocalReceptiveField, ...]:
    return (tuple(full_axis(size) for size in inputs[0][1:]),)


class Affine(Layer):
    """The base of the norms: a trained weight and bias per channel, (C,) each, unless ``affine`` is false."""

    eps: Epsilon = 1e-5
    affine: Flag = True

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return _affine(inputs[0][:1], self.affine)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return 2 * numel(output) if self.affine else 0

    def statistic_groups(self, inputs: Shapes) -> int:
        """Means (and variances) that are computed per example."""
        return 1

    def flops(self, inputs: Shapes, output: Shape) -> int:
        """Normalization of each value by the mean and variance of its group.

        Per group of n values: the mean n, the centered squares 2n and their mean n, eps 1, the division n; then the
        scale and shift 2n.
        """
        values = numel(output)
        return 5 * values + self.statistic_groups(inputs) + (2 * values if self.affine else 0)


class BatchNorm(Affine):
    """Per channel; at inference, running statistics make it a scale and a shift. Ioffe and Szegedy 2015.

    Buffers running_mean and running_var (C,). ``momentum`` is PyTorch's: 1 - momentum in Keras.
    """

    kind = "batchnorm"
    aliases = ("batchnorm1d", "batchnorm2d", "batchnorm3d", "batchnormalization", "bn")

    momentum: UnitInterval = 0.1

    def buffers(self, inputs: Shapes) -> dict[str, Shape]:
        return {"running_mean": inputs[0][:1], "running_var": inputs[0][:1]}

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return 2 * numel(output)


class LayerNorm(Affine):
    """Over the entire input (weight and bias of its shape), or over the channels of each position ((C,)). Ba 2016."""

    kind = "layernorm"
    aliases = ("layernormalization",)

    axes: Annotated[str, one_of("all", "channels")] = "all"

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return _affine(inputs[0] if self.axes == "all" else inputs[0][:1], self.affine)

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return _full_extent(inputs) if self.axes == "all" else ((ITSELF,) * (len(output) - 1),)

    def statistic_groups(self, inputs: Shapes) -> int:
        return 1 if self.axes == "all" else numel(inputs[0][1:])


class GroupNorm(Affine):
    """Over the positions of each group of channels. Wu and He 2018."""

    kind = "groupnorm"
    aliases = ("groupnormalization",)

    groups: Count

    def output_shape(self, inputs: Shapes) -> Shape:
        check_groups(self.groups, inputs[0][0])
        return inputs[0]

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return _full_extent(inputs)

    def statistic_groups(self, inputs: Shapes) -> int:
        return self.groups


class InstanceNorm(Affine):
    """Over the positions of each channel. Ulyanov et al. 2016."""

    kind = "instancenorm"
    aliases = ("instancenorm1d", "instancenorm2d", "instancenorm3d", "instancenormalization")

    def output_shape(self, inputs: Shapes) -> Shape:
        expect_map(self.kind, inputs[0])
        return inputs[0]

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return _full_extent(inputs)

    def statistic_groups(self, inputs: Shapes) -> int:
        return inputs[0][0]


class Scale(Layer):
    """A learned factor per channel, weight (C,), initialized to ``init``: ConvNeXt's layer scale. Liu et al. 2022."""

    kind = "scale"
    aliases = ("layerscale",)

    init: Number = 1.0

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return {"weight": inputs[0][:1]}

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return numel(output)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return numel(output)


class LocalResponseNorm(Layer):
    """x / (k + alpha / size * sum of squares over ``size`` neighboring channels) ^ beta. Krizhevsky et al. 2012."""

    kind = "lrn"
    aliases = ("localresponsenorm", "crossmaplrn2d")

    size: Count = 5
    alpha: Number = 1e-4
    beta: Number = 0.75
    k: Number = 1.0

    def output_shape(self, inputs: Shapes) -> Shape:
        expect_map(self.kind, inputs[0])
        return inputs[0]

    def flops(self, inputs: Shapes, output: Shape) -> int:
        # size squares and size - 1 additions, the factor, k, and the division
        return (2 * self.size + 2) * numel(output)


class LocalContrastNorm(Layer):
    """v = x - local mean of x, y = v / max(eps, sqrt(local mean of v^2)). Jarrett et al. 2009.

    Both means are over all channels and a Gaussian window (std kernel / 4) of ``kernel`` pixels, whose weights inside
    the image sum to 1. The paper's threshold is the image's mean std; a small constant keeps the layer local.
    """

    kind = "lcn"
    aliases = ("localcontrastnorm", "spatialcontrastivenormalization", "localcontrastnormalization")

    kernel: PerAxis = 9
    eps: Positive = 1e-4

    def output_shape(self, inputs: Shapes) -> Shape:
        expect_map(self.kind, inputs[0])
        for kernel in self.kernels(inputs):
            if kernel % 2 == 0:
                raise ShapeError(f"a kernel of {kernel} has no center", "use an odd kernel, e.g. 9", "kernel")
        return inputs[0]

    def kernels(self, inputs: Shapes) -> tuple[int, ...]:
        """The window's size on each spatial axis."""
        return per_axis(self.kernel, len(inputs[0]) - 1, "kernel")

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        # the window around a unit, and another one around each value in it
        return (tuple(AxisField((1 - kernel,), (kernel - 1,), 1) for kernel in self.kernels(inputs)),)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        # at each position: two weighted sums over the window, and for each channel x - mean, v^2 and the division
        window = inputs[0][0] * numel(self.kernels(inputs))
        return numel(output[1:]) * (2 * (2 * window - 1) + 3 * inputs[0][0])
