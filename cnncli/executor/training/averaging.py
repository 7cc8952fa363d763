"""Averages of the weights over the steps: a running average (EMA), and lookahead.

Both hold copies by name, and are updated in place; batchnorm's statistics are averaged with the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnncli.executor.network.network import own_tensors

LOOKAHEAD_SHARE = 0.5  # of the way from the slow weights to the fast ones


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in own_tensors(network).items() if tensor.is_floating_point()}


class WeightAverage:
    """Slow copies of all weights. ``decay`` is that of the running average; 0 with lookahead alone."""

    def __init__(self, network: nn.Module, decay: float, lookahead: int) -> None:
        self.network, self.decay, self.lookahead = network, decay, lookahead
        self.tensors = {name: tensor.detach().clone() for name, tensor in _averaged(network).items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After a step (from 1). The running average starts with a shorter memory: min(decay, step / (step + 9))."""
        fast = [tensor.detach() for tensor in _averaged(self.network).values()]
        slow = [*self.tensors.values()]
        if self.decay:
            torch._foreach_lerp_(slow, fast, 1 - min(self.decay, step / (step + 9)))
        elif step % self.lookahead == 0:
            torch._foreach_lerp_(slow, fast, LOOKAHEAD_SHARE)
            torch._foreach_copy_(fast, slow)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network with the averaged weights, within the block."""
        if not self.decay:  # lookahead's slow weights are the network's own at every look ahead
            yield
            return
        own = _averaged(self.network)
        kept = {name: tensor.detach().clone() for name, tensor in own.items()}
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(self.tensors[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in own.items():
                    tensor.copy_(kept[name])
