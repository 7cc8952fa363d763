"""What autograd saves of each layer until the backward pass, as PyTorch's own operations do.

``RULES`` has one entry per layer type. The tests compare each with what torch saves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from cnncli.analysis.torch_operations import is_view, pooling_pads
from cnncli.arithmetic.shape import Shape, numel
from cnncli.arithmetic.window import is_symmetric
from cnncli.layers import Layer, Shapes
from cnncli.layers.activation import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    ReLU6,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from cnncli.layers.conv import Conv, Convolution, ConvTranspose, DepthwiseConv, Local
from cnncli.layers.linear import RBF, Linear
from cnncli.layers.merge import Add, Average, Concat, Maximum, Multiply
from cnncli.layers.norm import (
    Affine,
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalContrastNorm,
    LocalResponseNorm,
    Scale,
)
from cnncli.layers.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    L2Pool,
    MaxPool,
    Subsample,
    WindowPool,
)
from cnncli.layers.reshape import (
    ChannelShuffle,
    Crop,
    Dropout,
    DropPath,
    Flatten,
    Identity,
    Pad,
    Permute,
    PixelShuffle,
    Reshape,
    Slice,
    SpatialDropout,
    Upsample,
)


class Saved(NamedTuple):
    """The tensors that one layer saves.

    ``inputs`` (by index) and the ``output`` are saved as they are; ``values`` are additional numbers per example, in
    the network's precision; ``indices`` are 8-byte numbers per example, ``statistics`` 4-byte numbers per batch.
    """

    inputs: tuple[int, ...] = ()
    output: bool = False
    values: int = 0
    indices: int = 0
    statistics: int = 0


L = TypeVar("L", bound=Layer, covariant=True)


class LayerCall(NamedTuple, Generic[L]):
    """A layer on inputs of given shapes; ``gradients`` marks the inputs that need a gradient.

    The network's inputs need none, nor does what is computed from them without trainable weights.
    """

    layer: L
    inputs: Shapes
    output: Shape
    gradients: tuple[bool, ...]


Rule = Callable[[LayerCall[Any]], Saved]


def saved_for_backward(layer: Layer, inputs: Shapes, output: Shape, gradients: tuple[bool, ...]) -> Saved:
    """The tensors that a layer saves. ``gradients``: whether the backward pass needs a gradient for each input.

    Raises KeyError for a layer type without a rule.
    """
    rule = RULES[type(layer)]
    return rule if isinstance(rule, Saved) else rule(LayerCall(layer, inputs, output, gradients))


# Convolutions -----------------------------------------------------------------------------------------------------


def _convolution(call: LayerCall[Any]) -> Saved:
    saved = _convolution_input(call)
    # the input itself, beside its padded copy, is only needed for the gradient through a border that repeats it
    return saved if call.gradients[0] or not saved.values else saved._replace(inputs=())


def _convolution_input(call: LayerCall[Convolution]) -> Saved:
    layer = call.layer
    if layer.padding_mode == "zeros" and is_symmetric(layer.border(call.inputs)):
        return INPUT  # the convolution pads internally
    ratio = _partial_ratio(call)
    if not _is_padded(call):
        return Saved(inputs=(0,), statistics=ratio)
    repeats = layer.padding_mode in ("reflect", "replicate")
    return Saved(inputs=(0,) if repeats else (), values=_padded_input(call), statistics=ratio)


def _table_convolution(call: LayerCall[Conv]) -> Saved:
    """A connection table is computed as a full kernel with zeros, on an input that is padded first."""
    saved = _convolution(call)
    if call.layer.connections is None:
        return saved
    full_kernel = call.output[0] * call.inputs[0][0] * _kernel_size(call)
    entries = sum(map(len, call.layer.connections))
    if _is_padded(call) and not saved.values:
        saved = Saved(values=_padded_input(call), statistics=saved.statistics)
    return saved._replace(statistics=saved.statistics + full_kernel + 4 * entries)


def _patches(call: LayerCall[Local]) -> Saved:
    """One patch of the input for each position of the window."""
    positions = numel(call.output[1:])
    return Saved(values=call.inputs[0][0] * _kernel_size(call) * positions, statistics=_partial_ratio(call))


def _is_padded(call: LayerCall[Any]) -> bool:
    return any(window.before or window.after for window in call.layer.windows(call.inputs))


def _padded_input(call: LayerCall[Any]) -> int:
    """Values of the input including its padding."""
    shape, windows = call.inputs[0], call.layer.windows(call.inputs)
    return numel((shape[0], *(n + w.before + w.after for n, w in zip(shape[1:], windows, strict=True))))


def _partial_ratio(call: LayerCall[Any]) -> int:
    """The weight of each position in padding mode ``partial``."""
    return numel(call.output[1:]) if call.layer.padding_mode == "partial" else 0


def _kernel_size(call: LayerCall[Any]) -> int:
    return numel(tuple(window.kernel for window in call.layer.windows(call.inputs)))


# Pooling ----------------------------------------------------------------------------------------------------------


def _padded_pool_input(call: LayerCall[Any]) -> int:
    """Values of the input with the padding that pooling does not do internally; else 0."""
    return 0 if pooling_pads(call.layer, call.inputs) else _bordered_pool_input(call)


def _bordered_pool_input(call: LayerCall[WindowPool]) -> int:
    shape, borders = call.inputs[0], call.layer.border_with_overhang(call.inputs)
    return numel((shape[0], *(before + n + after for n, (before, after) in zip(shape[1:], borders, strict=True))))


def _max_pool(call: LayerCall[MaxPool]) -> Saved:
    padded = _padded_pool_input(call)
    return Saved(inputs=() if padded else (0,), values=padded, indices=numel(call.output))


def _avg_pool(call: LayerCall[AvgPool]) -> Saved:
    padded = _padded_pool_input(call)
    return Saved(values=padded + numel(call.output)) if padded else INPUT


def _l2_pool(call: LayerCall[L2Pool]) -> Saved:
    squares = _bordered_pool_input(call)
    return Saved(inputs=(0,), output=True, values=squares + numel(call.output))


def _subsample(call: LayerCall[Subsample]) -> Saved:
    means = numel(call.output)
    if not call.gradients[0]:
        return Saved(values=means)
    padded = _padded_pool_input(call)
    return Saved(values=padded + 2 * means) if padded else Saved(inputs=(0,), values=means)


def _adaptive_avg_pool(call: LayerCall[AdaptiveAvgPool]) -> Saved:
    return NOTHING if all(size == 1 for size in call.output[1:]) else INPUT


# Normalization ----------------------------------------------------------------------------------------------------


def _mean_and_variance(call: LayerCall[Affine]) -> Saved:
    return Saved(inputs=(0,), values=2 * call.layer.statistic_groups(call.inputs))


def _local_response_norm(call: LayerCall[LocalResponseNorm]) -> Saved:
    # the squares with their border of channels, the sums, and the divisor
    (shape,) = call.inputs
    border = (shape[0] + call.layer.size - 1) * numel(call.output[1:])
    return Saved(inputs=(0,), values=2 * numel(call.output) + border)


def _local_contrast_norm(call: LayerCall[LocalContrastNorm]) -> Saved:
    # the centered values and four maps; per batch the window, and how much of it lies inside the image
    positions = numel(call.output[1:])
    return Saved(
        values=numel(call.output) + 4 * positions, statistics=numel(call.layer.kernels(call.inputs)) + positions
    )


# Merges -----------------------------------------------------------------------------------------------------------


def _pairwise(needed: Callable[[bool, bool], tuple[bool, bool]]) -> Rule:
    """Computed two inputs at a time; with three or more inputs, intermediate results may be saved as well.

    ``needed`` marks which of two operands are needed for the gradients with respect to the left and the right one.
    """

    def rule(call: LayerCall[Any]) -> Saved:
        kept: list[int] = []
        values, shape, has_gradient = 0, call.inputs[0], call.gradients[0]
        for at in range(1, len(call.inputs)):
            left, right = needed(has_gradient, call.gradients[at])
            if left and at == 1:
                kept.append(0)
            elif left:
                values += numel(shape)
            if right:
                kept.append(at)
            has_gradient = has_gradient or call.gradients[at]
            shape = call.layer.output_shape((shape, call.inputs[at]))
        return Saved(tuple(kept), values=values)

    return rule


def _other_factor(left: bool, right: bool) -> tuple[bool, bool]:
    """The gradient of one factor is the value of the other."""
    return right, left


def _both(left: bool, right: bool) -> tuple[bool, bool]:
    """Any gradient depends on which of the two is larger."""
    return left or right, left or right


# The table --------------------------------------------------------------------------------------------------------


def _values_of_output(call: LayerCall[Any]) -> Saved:
    return Saved(values=numel(call.output))


def _dropout_mask(size: Callable[[LayerCall[Any]], int]) -> Rule:
    return lambda call: Saved(values=size(call)) if call.layer.rate else NOTHING


def _pad(call: LayerCall[Pad]) -> Saved:
    needs_input = call.layer.mode in ("reflect", "replicate") and not is_view(call.layer, call.inputs)
    return INPUT if needs_input else NOTHING


NOTHING, INPUT, OUTPUT = Saved(), Saved(inputs=(0,)), Saved(output=True)

RULES: dict[type[Layer], Saved | Rule] = {
    Conv: _table_convolution,
    DepthwiseConv: _convolution,
    ConvTranspose: INPUT,
    Local: _patches,
    Linear: INPUT,
    RBF: lambda call: Saved(values=numel((call.layer.units, *call.inputs[0]))),  # the differences
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    L2Pool: _l2_pool,
    Subsample: _subsample,
    AdaptiveAvgPool: _adaptive_avg_pool,
    AdaptiveMaxPool: lambda call: Saved(inputs=(0,), indices=numel(call.output)),
    GlobalAvgPool: NOTHING,
    GlobalMaxPool: Saved(inputs=(0,), output=True),
    **dict.fromkeys((ReLU, Sigmoid, Tanh, Softmax, LogSoftmax), OUTPUT),
    **dict.fromkeys((ReLU6, LeakyReLU, PReLU, ELU, GELU, SiLU, HardSwish, HardSigmoid, Softplus), INPUT),
    ScaledTanh: _values_of_output,  # tanh, before the factor
    BatchNorm: lambda call: Saved(inputs=(0,), statistics=2 * call.inputs[0][0]),
    LayerNorm: _mean_and_variance,
    GroupNorm: _mean_and_variance,
    InstanceNorm: _mean_and_variance,
    Scale: INPUT,
    LocalResponseNorm: _local_response_norm,
    LocalContrastNorm: _local_contrast_norm,
    Dropout: _dropout_mask(lambda call: numel(call.output)),
    SpatialDropout: _dropout_mask(lambda call: call.inputs[0][0]),
    DropPath: _dropout_mask(lambda call: 1),
    Pad: _pad,
    Multiply: _pairwise(_other_factor),
    Maximum: _pairwise(_both),
    **dict.fromkeys((Flatten, Reshape, Permute, Slice, Crop, Upsample, PixelShuffle, ChannelShuffle), NOTHING),
    **dict.fromkeys((Add, Average, Concat, Identity), NOTHING),
}
