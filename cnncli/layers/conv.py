"""Convolutions (cross-correlations, as in all libraries) over one, two or three spatial axes."""

from math import gcd
from typing import Self

from cnncli.arithmetic.axis_field import AxisField, with_gaps
from cnncli.arithmetic.shape import Shape, divides, exact_quotient, numel, smaller
from cnncli.arithmetic.window import Window, split_padding, transposed_size, transposed_taps
from cnncli.errors import counted
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes, per_axis
from cnncli.layers.fields import Count, Flag, Padding, PaddingMode, PerAxis, Rounding, Table, WholePerAxis
from cnncli.layers.window_fields import check_border, halved, output_sizes, padding_name, padding_text, windows_of


class Convolution(Layer):
    """The base of conv, depthwise_conv and local; :meth:`maps` gives the number of filters and groups."""

    kernel: PerAxis
    stride: PerAxis = 1
    padding: Padding = 0
    dilation: PerAxis = 1
    bias: Flag = True
    padding_mode: PaddingMode = "zeros"
    rounding: Rounding = "floor"

    @property
    def padding_name(self) -> str:
        return padding_name(self.padding)

    @property
    def padding_fill(self) -> str:
        return self.padding_mode

    @property
    def requires_exact_fit(self) -> bool:
        return self.rounding == "exact"

    def with_rounding(self, rounding: str) -> Self:
        # libraries only round up in pooling layers
        return self if self.has_same_padding or rounding == "ceil" else self.replace(rounding=rounding)

    def with_padding_in_total(self) -> Self:
        return self.replace(padding=halved(self.padding))

    def maps(self, channels: int) -> tuple[int, int]:
        """(filters, groups) for an input of that many channels."""
        raise NotImplementedError

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        return windows_of(self.kind, inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.rounding)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        sizes = output_sizes(shape, self.windows(inputs), same=self.has_same_padding)
        check_border(self.kind, shape, self.border(inputs), self.padding_mode)
        filters, _ = self.maps(shape[0])
        return (filters, *sizes)

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        (shape,) = inputs
        filters, groups = self.maps(shape[0])
        kernel = tuple(window.kernel for window in self.windows(inputs))
        weight = {"weight": (filters, exact_quotient(shape[0], groups), *kernel)}
        return {**weight, "bias": (filters,)} if self.bias else weight

    def fans(self, inputs: Shapes) -> tuple[int, int] | None:
        channels = inputs[0][0]
        filters, groups = self.maps(channels)
        area = numel(tuple(window.kernel for window in self.windows(inputs)))
        return exact_quotient(channels, groups) * area, filters * area

    def products(self, inputs: Shapes) -> int:
        """Multiplications of all filters at one position: the weights of a shared kernel."""
        channels = inputs[0][0]
        filters, groups = self.maps(channels)
        return filters * exact_quotient(channels, groups) * numel(tuple(w.kernel for w in self.windows(inputs)))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return numel(output[1:]) * self.products(inputs)

    def flops(self, inputs: Shapes, output: Shape) -> int:
        # a dot product of K terms takes K multiplications and K - 1 additions; a bias is one more addition
        additions_saved = 0 if self.bias else output[0]
        reweighted = numel(output) if self.padding_mode == "partial" else 0
        return numel(output[1:]) * (2 * self.products(inputs) - additions_saved) + reweighted

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        biases = output[0] if self.bias else 0
        return numel(output[1:]) * (self.products(inputs) + biases)


class FilterConvolution(Convolution):
    """The base of conv and local: filters that each read the channels of one group."""

    filters: Count
    groups: Count = 1

    def maps(self, channels: int) -> tuple[int, int]:
        return self.filters, divided(self.groups, channels, self.filters)


class Conv(FilterConvolution):
    """Map (C, H, W) to (filters, H', W'): each filter spans the channels of its group.

    weight (filters, C / groups, *kernel), bias (filters,). ``connections`` lists the input maps of each filter, counted
    from 0, as in LeNet-5's C3 (LeCun et al. 1998, table I); weight is then (entries of the table, *kernel).
    """

    kind = "conv"
    aliases = ("conv1d", "conv2d", "conv3d", "convolution", "convolution2d", "convolutional")

    connections: Table = None

    def field_problem(self) -> ShapeError | None:
        table = self.connections
        if table is None:
            return None
        if self.groups > 1:
            return ShapeError(
                "connections and groups both define the input channels of a filter", "keep one of them", "groups"
            )
        if len(table) != self.filters:
            hint = "give a list of input channels for each filter"
            return ShapeError(
                f"connections has {counted(len(table), 'list')} for {counted(self.filters, 'filter')}",
                hint,
                "connections",
            )
        if any(len(set(maps)) < len(maps) for maps in table):
            return ShapeError(
                "connections lists an input channel twice for one filter", "list each channel once", "connections"
            )
        return None

    def output_shape(self, inputs: Shapes) -> Shape:
        output = super().output_shape(inputs)
        channels = inputs[0][0]
        for filter_number, maps in enumerate(self.connections or ()):
            if max(maps) >= channels:
                raise ShapeError(
                    f"filter {filter_number} reads input channel {max(maps)}, but the input has {channels}",
                    f"channels are numbered from 0 to {channels - 1}",
                    "connections",
                )
        return output

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        weights = super().weights(inputs)
        if self.connections is not None:
            weights["weight"] = (sum(map(len, self.connections)), *weights["weight"][2:])
        return weights

    def fans(self, inputs: Shapes) -> tuple[int, int] | None:
        if self.connections is None:
            return super().fans(inputs)
        entries, area = sum(map(len, self.connections)), numel(tuple(w.kernel for w in self.windows(inputs)))
        return max(1, entries // self.filters) * area, max(1, entries // inputs[0][0]) * area

    def products(self, inputs: Shapes) -> int:
        if self.connections is None:
            return super().products(inputs)
        return numel(self.weights(inputs)["weight"])


def divided(groups: int, channels: int, filters: int) -> int:
    """The groups. Raises ShapeError unless they divide both the channels and the filters."""
    for what, count in (("input channel", channels), ("filter", filters)):
        if not divides(groups, count):
            raise ShapeError(
                f"{groups} groups do not divide {counted(count, what)}",
                f"groups must divide both {counted(channels, 'input channel')} and {counted(filters, 'filter')}",
                "groups",
            )
    return groups


class DepthwiseConv(Convolution):
    """Map (C, H, W) to (C * multiplier, H', W'): each filter reads one channel.

    weight (C * multiplier, 1, *kernel), bias (C * multiplier,).
    """

    kind = "depthwise_conv"
    aliases = ("depthwiseconv1d", "depthwiseconv2d", "depthwise", "depthwiseconv")

    multiplier: Count = 1

    def maps(self, channels: int) -> tuple[int, int]:
        return channels * self.multiplier, channels


class Local(FilterConvolution):
    """Map (C, H, W) to (filters, H', W') with separate weights at every position: locally connected.

    weight (filters, H', W', C / groups, *kernel), bias (filters, H', W'). LeCun 1989, Generalization and Network
    Design Strategies; Goodfellow, Bengio and Courville 2016, section 9.5 (unshared convolution).
    """

    kind = "local"
    aliases = ("locallyconnected1d", "locallyconnected2d", "locallyconnected", "unsharedconv")

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        output = self.output_shape(inputs)
        shared = super().weights(inputs)
        own = {"weight": (*output, *shared["weight"][1:])}
        return {**own, "bias": output} if self.bias else own


class ConvTranspose(Layer):
    """Map (C, H, W) to (filters, H', W') like the gradient of a convolution: each input is added into a window.

    H' = (H - 1) stride + dilation (kernel - 1) + 1 - padding + output_padding. weight (C, filters / groups, *kernel),
    bias (filters,). Dumoulin and Visin 2016, A guide to convolution arithmetic. Operations are counted per input
    position: each value of the input is multiplied once by each of its weights.
    """

    kind = "conv_transpose"
    aliases = (
        *("convtranspose1d", "convtranspose2d", "convtranspose3d", "conv2dtranspose", "conv1dtranspose"),
        *("conv3dtranspose", "transposedconv", "deconv", "deconvolution", "deconv2d"),
    )
    transposed = True

    filters: Count
    kernel: PerAxis
    stride: PerAxis = 1
    padding: Padding = 0
    output_padding: WholePerAxis = 0
    dilation: PerAxis = 1
    groups: Count = 1
    bias: Flag = True

    @property
    def padding_name(self) -> str:
        return padding_name(self.padding)

    def with_padding_in_total(self) -> Self:
        return self.replace(padding=halved(self.padding))

    def output_paddings(self, inputs: Shapes) -> tuple[int, ...]:
        """Rows added at the end of each spatial axis."""
        return per_axis(self.output_padding, len(inputs[0]) - 1, "output_padding")

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        """The window of each axis, as in the convolution that this layer inverts."""
        padding = 0 if self.has_same_padding else self.padding
        windows = windows_of(self.kind, inputs[0], self.kernel, self.stride, padding, self.dilation, "floor")
        return windows if padding == self.padding else tuple(map(self._cut_to_scale, windows))

    def _cut_to_scale(self, window: Window) -> Window:
        """The window with padding ``same``: the output is stride times the input."""
        total = window.effective_kernel - window.stride
        if total < 0:
            raise ShapeError(
                f"padding {self.padding} needs an effective kernel size of at least the stride {window.stride}",
                "use a larger kernel, or padding 0",
                "padding",
            )
        before, after = split_padding(total) if self.padding == "same" else split_padding(total)[::-1]
        return window._replace(before=before, after=after)

    def output_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        divided(self.groups, shape[0], self.filters)
        windows = self.windows(inputs)
        extras = self.output_paddings(inputs)
        for window, extra in zip(windows, extras, strict=True):
            if extra >= max(window.stride, window.dilation):
                raise ShapeError(
                    f"output_padding {extra} must be less than the stride {window.stride}",
                    "output_padding restores the rows that the stride of the inverted convolution drops",
                    "output_padding",
                )
        sizes = tuple(map(transposed_size, shape[1:], windows, extras))
        if any(size < 1 for size in sizes):
            raise ShapeError(
                f"padding {padding_text(self.border(inputs))} removes the entire output",
                f"use padding of at most {(min(w.effective_kernel for w in windows) - 1) // 2}",
                "padding",
            )
        return (self.filters, *sizes)

    def local_receptive_field(self, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
        return (tuple(map(_transposed_field, self.windows(inputs))),)

    def weights(self, inputs: Shapes) -> dict[str, Shape]:
        kernel = per_axis(self.kernel, len(inputs[0]) - 1, "kernel")
        weight = {"weight": (inputs[0][0], exact_quotient(self.filters, self.groups), *kernel)}
        return {**weight, "bias": (self.filters,)} if self.bias else weight

    def fans(self, inputs: Shapes) -> tuple[int, int] | None:
        # nn.init reads both from the weight's shape as if it were that of a convolution, and so exchanges them
        area = numel(per_axis(self.kernel, len(inputs[0]) - 1, "kernel"))
        return inputs[0][0] * area, exact_quotient(self.filters, self.groups) * area

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return numel(inputs[0][1:]) * numel(self.weights(inputs)["weight"])

    def flops(self, inputs: Shapes, output: Shape) -> int:
        # n products that are summed in one output take n - 1 additions; the bias is one more
        products = self.macs(inputs, output)
        return 2 * products - (0 if self.bias else smaller(products, numel(output)))

    def connection_count(self, inputs: Shapes, output: Shape) -> int:
        return self.macs(inputs, output) + (numel(output) if self.bias else 0)


def _transposed_field(window: Window) -> AxisField:
    """The inputs that are added into an output (:func:`transposed_taps`).

    An output that no tap reaches consists of the bias alone: its field is empty.
    """
    # every (stride / common)-th tap reaches the output, from inputs that are (dilation / common) apart
    common = gcd(window.dilation, window.stride)
    step, apart = window.dilation // common, window.stride // common

    def bounds(unit: int) -> tuple[int, int] | None:
        found = [*transposed_taps(unit, window)]
        return (min(found), max(found)) if found else None

    return with_gaps(bounds, window.stride, 1, lambda: (window.kernel - 1) // apart * step + 1, step)
