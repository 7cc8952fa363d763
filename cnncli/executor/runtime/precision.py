"""The number format for computing a network: float32, bfloat16, or float16 with loss scaling."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MACS_PER_VALUE, MACS_PER_WEIGHT = 21, 100  # from which on bfloat16 was faster, measured on a CPU with AMX


def choose_precision(wanted: str, device: torch.device, totals: Mapping[str, int], batch_size: int) -> str:
    """The precision; ``auto`` is bf16 if it is faster, else fp32, decided without measuring: runs are repeatable.

    CUDA GPUs multiply bf16 faster from Ampere on. So do CPUs with AMX, which convert each value and, once per step,
    each weight: it is faster with enough multiplications per value and weight (``totals`` are those of the network for
    one input).
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
    """An optimizer's step without hooks and profiler records, which take a quarter of the time in a small network."""
    inspect.unwrap(type(optimizer).step)(optimizer)


class Precision:
    """Runs forward and backward passes in a number format on a device; ``name`` is fp32, bf16 or fp16."""

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self.device = name, device
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.name == "fp16")

    def forward(self) -> contextlib.AbstractContextManager[Any]:
        """The context for a forward pass and its loss."""
        if self.name == "fp32":
            return contextlib.nullcontext()
        kind = torch.bfloat16 if self.name == "bf16" else torch.float16
        return torch.autocast(self.device.type, dtype=kind)

    def backward(self, loss: Tensor) -> None:
        """Backpropagate a loss, scaled for float16 so that small gradients do not vanish (Micikevicius et al. 2018)."""
        torch.autograd.backward(self.scaler.scale(loss))

    def step(self, optimizers: list[torch.optim.Optimizer], clip_norm: float) -> None:
        """Clip the global gradient norm, unless ``clip_norm`` is 0, and step all optimizers."""
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
        """The state to save: the loss scale, and for how many steps it has been stable."""
        return dict(self.scaler.state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        if state:
            self.scaler.load_state_dict(state)
