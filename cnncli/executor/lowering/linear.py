"""Layers from vector to vector."""

from __future__ import annotations

from cnncli.executor.lowering.code import Lowering, TorchCode, call, omit_default
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.linear import RBF, Linear


def _linear(layer: Linear, inputs: Shapes, own: str, x: str) -> TorchCode:
    return TorchCode(f"{own}({x})", call("nn.Linear", inputs[0][0], layer.units, bias=omit_default(layer.bias, True)))


def _rbf(layer: RBF, inputs: Shapes, own: str, x: str) -> TorchCode:
    uncounted = "torch does not count squared distances as a matrix product"
    return TorchCode(f"{own}({x})", call("RBFOutput", layer.units, inputs[0][0]), uncounted)


LOWERINGS: dict[type[Layer], Lowering] = {Linear: _linear, RBF: _rbf}
