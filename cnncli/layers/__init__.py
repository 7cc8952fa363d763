"""The kinds of layer, all of them, in the order of the language page. A new kind gets its line here."""

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
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from cnncli.layers.base import Layer, Misfit, Reach, Shapes
from cnncli.layers.conv import Conv, DepthwiseConv
from cnncli.layers.linear import Linear
from cnncli.layers.merge import Add, Concat, Multiply
from cnncli.layers.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Scale
from cnncli.layers.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from cnncli.layers.reshape import Dropout, Flatten, Identity, Pad, Upsample

ALL: tuple[type[Layer], ...] = (
    *(Conv, DepthwiseConv, Linear),
    *(MaxPool, AvgPool, AdaptiveAvgPool, AdaptiveMaxPool, GlobalAvgPool, GlobalMaxPool),
    *(ReLU, ReLU6, LeakyReLU, PReLU, ELU, GELU, SiLU, HardSwish, HardSigmoid),
    *(Sigmoid, Tanh, Softplus, Softmax, LogSoftmax),
    *(BatchNorm, LayerNorm, GroupNorm, InstanceNorm, Scale, LocalResponseNorm),
    *(Dropout, Flatten, Pad, Upsample),
    *(Add, Multiply, Concat, Identity),
)

KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in ALL}

__all__ = ["ALL", "KINDS", "Layer", "Misfit", "Reach", "Shapes"]
