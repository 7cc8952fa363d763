"""Normalisation and learned scales. ``channels`` means the first axis."""

from typing import Annotated

from cnncli.arithmetic.receptive_field import ITSELF, AxisField, whole
from cnncli.arithmetic.shape import Shape, numel
from cnncli.layers.base import (
    INPUT,
    Layer,
    LocalReceptiveField,
    Saved,
    ShapeError,
    Shapes,
    check_groups,
    expect_map,
    per_axis,
)
from cnncli.layers.fields import Count, Flag, Number, PerAxis, Positive, Share, one_of


def _affine(shape: Shape, affine: bool) -> dict[str, Shape]:
    return {"weight": shape, "bias": shape} if affine else {}


def _statistics_flops(values: int, groups: int, affine: bool) -> int:
    """Operations that normalise ``values`` numbers by their own mean and variance, in ``groups`` equal parts.

    Per part of n: the mean n, the centred squares 2n and their mean n, eps 1, the division n; scale and shift 2n.
    """
    return 5 * values + groups + (2 * values if affine else 0)


def _everything(inputs: Shapes) -> tuple[LocalReceptiveField, ...]:
    return (tuple(whole(size) for size in inputs[0][1:]),)


class Affine(Layer):
    """What the norms share: a trained weight and bias per channel, (C,) each, unless ``affine`` is false."""

    eps: Positive = 1e-5
    affine: Flag = True

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return _affine(inputs[0][:1], self.affine)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return 2 * numel(output) if self.affine else 0

    def groups_of_statistics(self, inputs: Shapes) -> int:
        """Means (and deviations) that are taken of one example."""
        return 1

    def saved(self, inputs: Shapes, output: Shape) -> Saved:
        return Saved(inputs=(0,), values=2 * self.groups_of_statistics(inputs))


class BatchNorm(Affine):
    """Per channel, with running statistics at inference: a scale and a shift. Ioffe and Szegedy 2015.

    Buffers running_mean and running_var (C,). ``momentum`` is PyTorch's (1 - Keras's).
    """

    kind = "batchnorm"
    aliases = ("batchnorm1d", "batchnorm2d", "batchnorm3d", "batchnormalization", "bn")

    eps: Positive = 1e-5
    affine: Flag = True
    momentum: Share = 0.1

    def buffers(self, inputs: Shapes) -> dict[str, Shape]:
        return {"running_mean": inputs[0][:1], "running_var": inputs[0][:1]}

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return 2 * numel(output)

    def saved(self, inputs: Shapes, output: Shape) -> Saved:
        return Saved(inputs=(0,), statistics=2 * inputs[0][0])


class LayerNorm(Affine):
    """Over all of an input (weight and bias as its shape), or over the channels of each position ((C,)). Ba 2016."""

    kind = "layernorm"
    aliases = ("layernormalization",)

    eps: Positive = 1e-5
    affine: Flag = True
    axes: Annotated[str, one_of("all", "channels")] = "all"

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return _affine(inputs[0] if self.axes == "all" else inputs[0][:1], self.affine)

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return _everything(inputs) if self.axes == "all" else ((ITSELF,) * (len(output) - 1),)

    def groups_of_statistics(self, inputs: Shapes) -> int:
        return 1 if self.axes == "all" else numel(inputs[0][1:])

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return _statistics_flops(numel(output), self.groups_of_statistics(inputs), self.affine)


class GroupNorm(Affine):
    """Over the positions of each group of channels. Wu and He 2018."""

    kind = "groupnorm"
    aliases = ("groupnormalization",)

    groups: Count

    def output_shape(self, inputs: Shapes) -> Shape:
        check_groups(self.groups, inputs[0][0])
        return inputs[0]

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return _everything(inputs)

    def groups_of_statistics(self, inputs: Shapes) -> int:
        return self.groups

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return _statistics_flops(numel(output), self.groups, self.affine)


class InstanceNorm(Affine):
    """Over the positions of each channel. Ulyanov et al. 2016."""

    kind = "instancenorm"
    aliases = ("instancenorm1d", "instancenorm2d", "instancenorm3d", "instancenormalization")

    def output_shape(self, inputs: Shapes) -> Shape:
        expect_map(self.kind, inputs[0])
        return inputs[0]

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return _everything(inputs)

    def groups_of_statistics(self, inputs: Shapes) -> int:
        return inputs[0][0]

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return _statistics_flops(numel(output), inputs[0][0], self.affine)


class Scale(Layer):
    """A learned factor per channel, weight (C,), starting at ``init``: ConvNeXt's layer scale. Liu et al. 2022."""

    kind = "scale"
    aliases = ("layerscale",)

    init: Number = 1.0

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        return {"weight": inputs[0][:1]}

    def flops(self, inputs: Shapes, output: Shape) -> int:
        return numel(output)

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return numel(output)

    def saved(self, inputs: Shapes, output: Shape) -> Saved:
        return INPUT


class LocalResponseNorm(Layer):
    """x / (k + alpha / size * sum of squares over ``size`` neighbouring channels) ^ beta. Krizhevsky et al. 2012."""

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

    def saved(self, inputs: Shapes, output: Shape) -> Saved:
        # the squares with their border of channels, the sums, and the divisor
        return Saved(inputs=(0,), values=2 * numel(output) + (inputs[0][0] + self.size - 1) * numel(output[1:]))


class LocalContrastNorm(Layer):
    """v = x - (mean of x around), y = v / max(eps, root of the mean of v^2 around). Jarrett et al. 2009.

    Both means are over all channels and a Gaussian window (deviation kernel / 4) of ``kernel`` pixels, weighted to 1
    inside the image. The paper's threshold is the image's mean deviation; a small constant keeps the layer local.
    """

    kind = "lcn"
    aliases = ("localcontrastnorm", "spatialcontrastivenormalization", "localcontrastnormalization")

    kernel: PerAxis = 9
    eps: Positive = 1e-4

    def output_shape(self, inputs: Shapes) -> Shape:
        expect_map(self.kind, inputs[0])
        for kernel in self.kernels(inputs):
            if kernel % 2 == 0:
                raise ShapeError(f"a kernel of {kernel} has no middle", "use an odd kernel, as 9", "kernel")
        return inputs[0]

    def kernels(self, inputs: Shapes) -> tuple[int, ...]:
        """The window's size on each spatial axis."""
        return per_axis(self.kernel, len(inputs[0]) - 1, "kernel")

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        # a window around it, and around each value in there another
        return (tuple(AxisField((1 - kernel,), (kernel - 1,), 1) for kernel in self.kernels(inputs)),)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        # at each position: two weighted sums over the window, and for each channel x - mean, v^2 and the division
        window = inputs[0][0] * numel(self.kernels(inputs))
        return numel(output[1:]) * (2 * (2 * window - 1) + 3 * inputs[0][0])

    def saved(self, inputs: Shapes, output: Shape) -> Saved:
        # the centred values and four maps; for a batch the window and how much of it lies inside
        return Saved(
            values=numel(output) + 4 * numel(output[1:]),
            statistics=numel(self.kernels(inputs)) + numel(output[1:]),
        )
