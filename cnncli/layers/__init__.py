"""All layer types, in the order of the language page. Add a new one here."""

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
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes
from cnncli.layers.conv import Conv, ConvTranspose, DepthwiseConv, Local
from cnncli.layers.linear import RBF, Linear
from cnncli.layers.merge import Add, Average, Concat, Maximum, Multiply
from cnncli.layers.norm import (
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

ALL: tuple[type[Layer], ...] = (
    *(Conv, DepthwiseConv, ConvTranspose, Local, Linear, RBF),
    *(MaxPool, AvgPool, L2Pool, Subsample, AdaptiveAvgPool, AdaptiveMaxPool, GlobalAvgPool, GlobalMaxPool),
    *(ReLU, ReLU6, LeakyReLU, PReLU, ELU, GELU, SiLU, HardSwish, HardSigmoid),
    *(Sigmoid, Tanh, ScaledTanh, Softplus, Softmax, LogSoftmax),
    *(BatchNorm, LayerNorm, GroupNorm, InstanceNorm, Scale, LocalResponseNorm, LocalContrastNorm),
    *(Dropout, SpatialDropout, DropPath),
    *(Flatten, Reshape, Permute, Slice, Crop, Pad, Upsample, PixelShuffle, ChannelShuffle),
    *(Add, Multiply, Maximum, Average, Concat, Identity),
)

KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in ALL}

__all__ = ["ALL", "KINDS", "Layer", "LocalReceptiveField", "ShapeError", "Shapes"]
