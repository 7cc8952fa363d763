"""The number format that a network is computed in: float32, bfloat16, or float16 with its loss scaled."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor


def chosen(wanted: str, device: torch.device) -> str:
    """``auto`` is bf16 where the device multiplies it faster: CUDA from Ampere on, CPUs with AMX or AVX512-BF16."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    fast = device.type == "cpu" and torch.cpu._is_amx_tile_supported()
    return "bf16" if fast else "fp32"


class Precision:
    """How a forward and a backward pass are computed on a device."""

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self.device = chosen(name, device), device
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
