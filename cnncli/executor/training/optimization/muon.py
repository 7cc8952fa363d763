"""Muon: orthogonalized momentum (Jordan et al. 2024), for filters as well as matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic polynomial that brings singular values close to 1 fastest
ITERATIONS = 3


def orthogonalize(matrix: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """A matrix (…, rows, columns) with the same singular vectors and singular values near 1 (Newton-Schulz)."""
    a, b, c = COEFFICIENTS
    x: Tensor = matrix.bfloat16() if matrix.is_cuda else matrix.float()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.size(-2) > x.size(-1)
    x = x.mT if tall else x
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Stochastic gradient descent with orthogonalized Nesterov momentum.

    A filter (out, in, *kernel) is treated as a matrix (out, in * kernel). Before the step its norm is set to sqrt(out),
    so that a learning rate means the same for all filters. Weight decay is decoupled.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float = 0.02, momentum: float = 0.9) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            if not group["lr"]:  # frozen: the norm is not set either
                continue
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:
                    continue
                state = self.state[parameter]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(gradient)
                buffer = state["momentum_buffer"]
                buffer.mul_(group["momentum"]).add_(gradient)
                direction = gradient.add(buffer, alpha=group["momentum"])
                update = orthogonalize(direction.reshape(len(direction), -1)).view(direction.shape)
                parameter.mul_(len(parameter) ** 0.5 / (parameter.norm() + 1e-12))
                if group["weight_decay"]:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update, alpha=-group["lr"])
