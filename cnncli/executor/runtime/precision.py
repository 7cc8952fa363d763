"""The number format that a network is computed in: float32, bfloat16, or float16 with its loss scaled."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MACS_PER_VALUE, MACS_PER_WEIGHT = 21, 100  # from which bfloat16 was the faster one, on a CPU with AMX


def chosen(wanted: str, device: torch.device, totals: Mapping[str, int], batch_size: int) -> str:
    """What ``auto`` means: bf16 where it is faster, else fp32. A function of the network: a run can be repeated.

    CUDA multiplies it faster from Ampere on. A CPU with AMX does as well, but converts each value and, once a step,
    each weight: that pays where there are enough multiplications for them (``totals`` are the network's, for one
    input).
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or not torch.cpu._is_amx_tile_supported():
        return "fp32"
    pays = totals["macs"] >= MACS_PER_VALUE * totals["activations"]
    return "bf16" if pays and totals["macs"] * batch_size >= MACS_PER_WEIGHT * totals["params"] else "fp32"


@torch.no_grad()
def _step(optimizer: torch.optim.Optimizer) -> None:
    """An optimizer's step without its hooks and the notes for a profiler, which take a quarter of a small network's."""
    inspect.unwrap(type(optimizer).step)(optimizer)


class Precision:
    """How a forward and a backward pass are computed on a device: ``name`` is fp32, bf16 or fp16."""

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self.device = name, device
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.name == "fp16")

    def forward(self) -> contextlib.AbstractContextManager[Any]:
        """The context of a forward pass and its loss."""
        if self.name == "fp32":
            return contextlib.nullcontext()
        kind = torch.bfloat16 if self.name == "bf16" else torch.float16
        return torch.autocast(self.device.type, dtype=kind)

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss, scaled for float16 so that small ones do not vanish (Micikevicius et al. 2018)."""
        torch.autograd.backward(self.scaler.scale(loss))

    def step(self, optimizers: list[torch.optim.Optimizer], clip_norm: float) -> None:
        """Clip the gradients, where asked, and step all optimizers."""
        if clip_norm:
            for optimizer in optimizers:
                self.scaler.unscale_(optimizer)
            parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        if self.name != "fp16":
            for optimizer in optimizers:
                _step(optimizer)
            return
        for optimizer in optimizers:
            self.scaler.step(optimizer)
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        """What has to be kept: the scale and how long it has held."""
        return dict(self.scaler.state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """As it was."""
        if state:
            self.scaler.load_state_dict(state)
