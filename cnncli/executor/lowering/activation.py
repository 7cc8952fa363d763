"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncli.executor.lowering.code import Lowering, TorchCode, call, omit_default
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
from cnncli.layers.base import Layer, Shapes


def _function(name: str, options: Callable[[Any], dict[str, object]] = lambda layer: {}) -> Lowering:
    """A function of the input; ``options`` gives its options from the layer's fields."""
    return lambda layer, inputs, own, x: TorchCode(call(name, x, **options(layer)))


def _over_channels(name: str) -> Lowering:
    return lambda layer, inputs, own, x: TorchCode(call(name, x, 1))


def _prelu(layer: PReLU, inputs: Shapes, own: str, x: str) -> TorchCode:
    slopes = (inputs[0][0],) if layer.per_channel and inputs[0][0] > 1 else ()
    return TorchCode(f"{own}({x})", call("nn.PReLU", *slopes, init=omit_default(layer.init, 0.25)))


def _scaled_tanh(layer: ScaledTanh, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(f"1.7159 * torch.tanh({x} * (2 / 3))")


LOWERINGS: dict[type[Layer], Lowering] = {
    ReLU: _function("functional.relu"),
    ReLU6: _function("functional.relu6"),
    LeakyReLU: _function("functional.leaky_relu", lambda layer: {"negative_slope": omit_default(layer.slope, 0.01)}),
    PReLU: _prelu,
    ELU: _function("functional.elu", lambda layer: {"alpha": omit_default(layer.alpha, 1.0)}),
    GELU: _function("functional.gelu", lambda layer: {"approximate": omit_default(layer.approximate, "none")}),
    SiLU: _function("functional.silu"),
    HardSwish: _function("functional.hardswish"),
    HardSigmoid: _function("functional.hardsigmoid"),
    Sigmoid: _function("torch.sigmoid"),
    Tanh: _function("torch.tanh"),
    ScaledTanh: _scaled_tanh,
    Softplus: _function("functional.softplus", lambda layer: {"beta": omit_default(layer.beta, 1.0)}),
    Softmax: _over_channels("functional.softmax"),
    LogSoftmax: _over_channels("functional.log_softmax"),
}
