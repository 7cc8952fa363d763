"""Modules that compute other modules in a different way, with the weights of these."""

from __future__ import annotations

from typing import Generic, TypeVarTuple

from torch import nn

Layers = TypeVarTuple("Layers")


class SharedWeights(nn.Module, Generic[*Layers]):
    """Computes its ``layers`` differently. These own the weights: in a tuple, they are not registered again."""

    def __init__(self, *layers: *Layers) -> None:
        super().__init__()
        self.layers = layers
