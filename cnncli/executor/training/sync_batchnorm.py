"""Batch normalization with statistics over the shards of all workers, as a single worker would compute them.

torch's SyncBatchNorm takes only CUDA tensors; this one works on every device, and is tested without GPUs. The sums go
through an all-reduce whose gradient is an all-reduce, too, so that the gradient is that of the whole batch.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnncli.executor.runtime import distributed


def synchronize_batchnorm(network: nn.Module) -> None:
    """Make the network's batchnorm layers compute their statistics over all workers in training."""
    if distributed.world_size() > 1:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


class _Sum(torch.autograd.Function):
    """The sum over all workers, on each of them; its gradient is summed the same way."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _summed(tensor: Tensor) -> Tensor:
    return cast(Tensor, _Sum.apply(tensor))  # type: ignore[no-untyped-call]


def _forward(module: _BatchNorm, x: Tensor) -> Tensor:
    """Batch normalization (Ioffe and Szegedy 2015), with mean and variance over the images of all workers."""
    if not module.training:
        return _BatchNorm.forward(module, x)
    values = x.float()
    rest = (0, *range(2, x.dim()))
    each = (1, -1, *(1,) * (x.dim() - 2))
    weight = float(distributed.is_counted())  # duplicates of another worker's images do not count
    own = torch.tensor([weight * values.numel() / values.shape[1]], device=x.device)
    sums = _summed(torch.cat([weight * values.sum(rest), own]))
    count = sums[-1].detach()
    mean = sums[:-1] / count
    centered = values - mean.view(each)
    variance = _summed(weight * centered.square().sum(rest)) / count
    with torch.no_grad():
        if module.running_mean is not None and module.running_var is not None and module.momentum is not None:
            module.running_mean.lerp_(mean, module.momentum)
            module.running_var.lerp_(variance * count / (count - 1).clamp_min(1), module.momentum)
        if module.num_batches_tracked is not None:
            module.num_batches_tracked.add_(1)
    result = centered * (variance + module.eps).rsqrt().view(each)
    if module.weight is not None:
        result = result * module.weight.view(each) + module.bias.view(each)
    return result.to(x.dtype)
