"""Averages of the weights over the steps: an exponential moving average (EMA), and lookahead.

Both hold copies by name and update them in place; the batchnorm statistics are averaged with the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnncli.executor.network.network import own_tensors

LOOKAHEAD_STEP = 0.5  # alpha of Zhang et al. 2019: how far the slow weights move towards the fast ones


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in own_tensors(network).items() if tensor.is_floating_point()}


class WeightAverage:
    """Averaged copies of all weights: an EMA with ``decay``, or, if that is 0, lookahead every ``lookahead`` steps."""

    def __init__(self, network: nn.Module, decay: float, lookahead: int) -> None:
        self.network, self.decay, self.lookahead = network, decay, lookahead
        self.tensors = {name: tensor.detach().clone() for name, tensor in _averaged(network).items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update after a step (from 1). The EMA starts with a smaller decay: min(decay, step / (step + 9))."""
        fast = [tensor.detach() for tensor in _averaged(self.network).values()]
        slow = [*self.tensors.values()]
        if self.decay:
            torch._foreach_lerp_(slow, fast, 1 - min(self.decay, step / (step + 9)))
        elif step % self.lookahead == 0:
            torch._foreach_lerp_(slow, fast, LOOKAHEAD_STEP)
            torch._foreach_copy_(fast, slow)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the network its EMA weights within the ``with`` block."""
        if not self.decay:  # with lookahead the network's own weights are used
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
