"""Layers with several inputs."""

from __future__ import annotations

from functools import reduce

from cnncli.executor.lowering.code import Lowering, TorchCode
from cnncli.layers.base import Layer, Shapes
from cnncli.layers.merge import Add, Average, Concat, Maximum, Multiply


def _operator(sign: str) -> Lowering:
    return lambda layer, inputs, own, *xs: TorchCode(f" {sign} ".join(xs))


def _average(layer: Average, inputs: Shapes, own: str, *xs: str) -> TorchCode:
    return TorchCode(f"({' + '.join(xs)}) / {len(xs)}")


def _maximum(layer: Maximum, inputs: Shapes, own: str, *xs: str) -> TorchCode:
    return TorchCode(reduce(lambda first, other: f"torch.maximum({first}, {other})", xs))


def _concat(layer: Concat, inputs: Shapes, own: str, *xs: str) -> TorchCode:
    return TorchCode(f"torch.cat([{', '.join(xs)}], 1)")


LOWERINGS: dict[type[Layer], Lowering] = {
    Add: _operator("+"),
    Multiply: _operator("*"),
    Maximum: _maximum,
    Average: _average,
    Concat: _concat,
}
