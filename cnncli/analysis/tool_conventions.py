"""How other tools count the parameters and operations of the same network, and why their numbers differ from ours.

The rules follow the tools' sources and were compared with what the tools print: torchvision 0.29 (its published
GMACs; torch.utils.flop_counter gives twice as much), fvcore 0.1.5 (evaluation mode), torchinfo 1.8.0, thop 0.1.1,
Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnncli.analysis.torch_operations import takes_padding_by_name
from cnncli.arithmetic.shape import Size, add_up, numel
from cnncli.errors import CnnError, suggestion
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers import ALL, Layer
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

Rule = Callable[[LayerInfo], Size]


class Convention(NamedTuple):
    """The conventions of a tool: the operations of a layer by its type (``rules``); it gives
    other layer types no operations. Each type has a rule of a tool or is one of ``UNCOUNTED``.

    ``what`` describes what is counted, ``reasons`` why the count of a layer type differs from ours.
    """

    name: str
    tool: str
    what: str
    rules: Mapping[type[Layer], Rule]
    reasons: Mapping[type[Layer], str] = {}
    extra_params: Callable[[LayerInfo], Size] | None = None
    counts_operations: bool = True
    caveat: Callable[[Inferred], str] | None = None  # depends on how the PyTorch code is written


def _macs(info: LayerInfo) -> Size:
    return info.stats.macs


def _values(factor: int) -> Rule:
    """``factor`` operations per value of the input."""
    return lambda info: factor * numel(info.input_shapes[0])


def _affine_values(plain: int, affine: int) -> Rule:
    """``affine`` operations per value of a norm with weights, ``plain`` of one without."""

    def rule(info: LayerInfo) -> Size:
        layer = info.node.layer
        return _values(affine if isinstance(layer, Affine) and layer.affine else plain)(info)

    return rule


def _outputs(info: LayerInfo) -> Size:
    return info.stats.activations


def _params_once(info: LayerInfo) -> Size:
    return info.stats.params


def _params_at_every_position(info: LayerInfo) -> Size:
    return info.stats.params * numel(info.stats.output_shape[1:])


def _by_output(info: LayerInfo) -> Size:
    """A transposed convolution counted as if it slid over its output."""
    weight = info.node.layer.weights(info.input_shapes)["weight"]
    return numel(weight) * numel(info.stats.output_shape[1:])


def _adaptive_average(info: LayerInfo) -> Size:
    """thop: the (rounded) window and one division per output."""
    shape, output = info.input_shapes[0], info.stats.output_shape
    positions = numel(output[1:]) if len(output) > 1 else 1
    return output[0] * (numel(shape[1:]) + positions)


def _softmax(info: LayerInfo) -> Size:
    shape = info.input_shapes[0]
    return numel(shape[1:]) * (3 * shape[0] - 1)


def _upsampled(factors: Mapping[str, int]) -> Rule:
    """Operations per output, by mode and number of spatial axes: ``{"linear2": 4}``."""

    def rule(info: LayerInfo) -> Size:
        layer, rank = info.node.layer, len(info.stats.output_shape) - 1
        assert isinstance(layer, Upsample)
        return factors.get(f"{layer.mode}{rank}", 0) * info.stats.activations

    return rule


def keras_params(info: LayerInfo) -> Size:
    """Running statistics, and the bias that Keras's convolutions have by default."""
    layer, stats = info.node.layer, info.stats
    has_no_bias = isinstance(layer, Convolution | ConvTranspose) and not layer.bias
    return stats.buffers + (stats.output_shape[0] if has_no_bias else 0)


def _padding_by_name(inferred: Inferred) -> str:
    """fvcore: padding given by name is another operator (aten::_convolution_mode), which it does not know.

    With padding modes other than zeros, a separate operator pads, and the convolution itself is counted.
    """
    named = [
        info.stats.macs
        for info in inferred.layers.values()
        if isinstance(info.node.layer, Convolution) and takes_padding_by_name(info.node.layer, info.input_shapes)
    ]
    if not named:
        return ""
    layers = f"{len(named)} layers are" if len(named) > 1 else "1 layer is"
    less = f"{add_up(named):,} less if {layers} written this way"
    return f"fvcore counts 0 for convolutions written with padding='same' or 'valid': {less}"


# layer types to which the tools give no operations; torchinfo counts the parameters of every type, once
UNCOUNTED = (
    *(MaxPool, L2Pool, Subsample, AdaptiveMaxPool, GlobalMaxPool),
    *(ReLU, ReLU6, LeakyReLU, ELU, GELU, SiLU, HardSwish, HardSigmoid, Sigmoid, Tanh, ScaledTanh, Softplus, LogSoftmax),
    *(Scale, LocalResponseNorm, LocalContrastNorm),
    *(Identity, Dropout, SpatialDropout, DropPath),
    *(Flatten, Reshape, Permute, Slice, Crop, Pad, PixelShuffle, ChannelShuffle),
    *(Add, Multiply, Maximum, Average, Concat),
)
CONVOLUTIONS = (Conv, DepthwiseConv, ConvTranspose, Local)
_PRODUCTS = dict.fromkeys((*CONVOLUTIONS, Linear), _macs)
_NORMS = (BatchNorm, LayerNorm, GroupNorm, InstanceNorm)
_AVERAGES = (AdaptiveAvgPool, GlobalAvgPool)
CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "cnn",
            "cnn",
            "multiply-accumulates of convolutions and matrix products, biases excluded",
            {**_PRODUCTS, RBF: _macs},
        ),
        Convention(
            "torchvision",
            "torchvision 0.29",
            "multiply-accumulates of convolutions and matrix products, biases excluded (GFLOPS in its tables)",
            _PRODUCTS,
        ),
        Convention(
            "fvcore",
            "fvcore 0.1.5",
            "flops, each a multiply-accumulate; some layers between as well",
            {
                **_PRODUCTS,
                BatchNorm: _affine_values(1, 2),
                **dict.fromkeys((LayerNorm, GroupNorm, InstanceNorm), _affine_values(4, 5)),
                **dict.fromkeys(_AVERAGES, _values(1)),
                Upsample: _upsampled({"nearest2": 1, "linear2": 4}),
            },
            {
                BatchNorm: "2 for each value",
                **dict.fromkeys((LayerNorm, GroupNorm, InstanceNorm), "5 for each value, a rough estimate"),
                **dict.fromkeys(_AVERAGES, "1 for each value that is averaged"),
                Upsample: "1 for each nearest value, 4 for each bilinear one",
            },
            caveat=_padding_by_name,
        ),
        Convention(
            "torchinfo",
            "torchinfo 1.8.0",
            "mult-adds: a convolution's parameters, biases as well, at every position; other parameters once",
            {
                **dict.fromkeys(ALL, _params_once),
                **dict.fromkeys((Conv, DepthwiseConv, ConvTranspose), _params_at_every_position),
            },
            {
                **dict.fromkeys((Conv, DepthwiseConv), "the biases, at every position"),
                ConvTranspose: "at every position of its output instead of its input; biases",
                Linear: "the biases",
                **dict.fromkeys((*_NORMS, Scale, PReLU, Subsample), "its parameters, once"),
                Local: "the biases",
            },
        ),
        Convention(
            "thop",
            "thop 0.1.1",
            "MACs, with some operations of other layers added",
            {
                **_PRODUCTS,
                ConvTranspose: _by_output,
                BatchNorm: _affine_values(2, 4),
                **dict.fromkeys((LayerNorm, InstanceNorm), _affine_values(2, 4)),
                PReLU: _values(1),
                Softmax: _softmax,
                AvgPool: _outputs,
                **dict.fromkeys(_AVERAGES, _adaptive_average),
                Upsample: _upsampled(
                    {"nearest1": 1, "nearest2": 1, "nearest3": 1, "linear1": 5, "linear2": 11, "cubic2": 259}
                ),
            },
            {
                ConvTranspose: "at every position of its output instead of its input",
                **dict.fromkeys((BatchNorm, LayerNorm, InstanceNorm), "4 for each value (2 without weights)"),
                PReLU: "1 for each value",
                Softmax: "3 for each value, minus 1",
                AvgPool: "1 for each output, whatever the window",
                **dict.fromkeys(_AVERAGES, "additions and a division"),
                Upsample: "1, 5, 11 or 259 for each output, by mode",
            },
        ),
        Convention(
            "keras",
            "Keras 3",
            "no operations; running statistics are parameters, and convolutions have a bias by default",
            {},
            extra_params=keras_params,
            counts_operations=False,
        ),
    )
}


def convention_named(name: str) -> Convention:
    """Raises CnnError for an unknown name."""
    if name not in CONVENTIONS:
        hint = suggestion(name, list(CONVENTIONS), f"the conventions are {', '.join(CONVENTIONS)}")
        raise CnnError(f"--count: unknown convention {name!r}", hint)
    return CONVENTIONS[name]
