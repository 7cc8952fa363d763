"""Faster computations of the graph, with provably the same results except for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple, TypeGuard, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnncli.executor.lowering.build import Expression, computes
from cnncli.executor.network.fusion.banded import BandedConvPoolReLU, is_halving
from cnncli.executor.network.fusion.cropping import Convolution, CroppedConv, spans
from cnncli.executor.network.fusion.shared_weights import SharedWeights
from cnncli.layers.activation import ReLU
from cnncli.layers.pool import MaxPool

LANES = 8  # channels that a CPU pools at once in channels-last images
FEW_MACS = (
    8_000_000  # of a linear layer on a batch, up to which float32 is as fast on a CPU as bfloat16 with conversions
)


class FusedStep(NamedTuple):
    """A layer in the computation: its module, the values it reads, and those that are not read after it."""

    name: str
    module: nn.Module
    inputs: tuple[str, ...]
    done_with: tuple[str, ...]


def rewritten(steps: list[FusedStep], sizes: Mapping[str, tuple[int, ...]]) -> list[FusedStep]:
    """All rewritings in turn. ``sizes`` are the spatial sizes of the input that each step reads."""
    found = small_in_float32(banded_first(wide_before_pool(pool_before_relu(steps))))
    return [cropped(step, sizes[step.name]) for step in found]


def _feeds_only(step: FusedStep, following: FusedStep) -> bool:
    """Whether a step's value is read by the following step and by no other."""
    return following.inputs == (step.name,) and step.name in following.done_with


def is_relu(module: nn.Module) -> bool:
    """Whether a module is a ReLU, in place or not."""
    return isinstance(module, nn.ReLU) or computes(module, ReLU)


def is_plain(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a module is a convolution of images that is padded by zeros."""
    return type(module) is nn.Conv2d and module.padding_mode == "zeros"


def pool_before_relu(steps: list[FusedStep]) -> list[FusedStep]:
    """Swap a ReLU and the max pooling after it, so that the ReLU computes fewer values.

    max(relu(a), relu(b)) = relu(max(a, b)), to the last bit and in the gradients: ReLU preserves the order of numbers,
    and a window of negative values passes no gradient either way.
    """
    found = list(steps)
    for at, (relu, pool) in enumerate(pairwise(steps)):
        if _feeds_only(relu, pool) and is_relu(relu.module) and computes(pool.module, MaxPool):
            found[at] = relu._replace(module=pool.module)
            found[at + 1] = pool._replace(module=nn.ReLU(inplace=True))  # nothing else reads what it overwrites
    return found


def wide_before_pool(steps: list[FusedStep]) -> list[FusedStep]:
    """Pad a convolution with few filters before max pooling by filters of zeros, to a multiple of a CPU's lanes.

    Pooling 6 channels takes twice as long as pooling 8. The added filters are removed after the pooling: no other value
    changes, and they get no gradient.
    """
    found = list(steps)
    for at, (conv, pool) in enumerate(pairwise(steps)):
        module = conv.module
        if not is_plain(module) or not computes(pool.module, MaxPool) or not _feeds_only(conv, pool):
            continue
        if module.out_channels < 2 * LANES and module.out_channels % LANES and module.groups == 1:
            found[at] = conv._replace(module=WideConvThenPool(module, pool.module))
            found[at + 1] = pool._replace(module=nn.Identity())
    return found


def banded_first(steps: list[FusedStep]) -> list[FusedStep]:
    """Compute the first convolution, the 2x2 max pooling after it and the ReLU as one matrix product in training.

    The sums are the same in another order. Nothing changes where that is not faster, or no ReLU follows.
    """
    found = list(steps)
    for at, (conv, pool, relu) in enumerate(zip(steps, steps[1:], steps[2:], strict=False)):
        module = conv.module
        if isinstance(module, WideConvThenPool):
            convolution, pooling = module.layers
            otherwise = nn.Sequential(module, relu.module)
        elif is_plain(module) and computes(pool.module, MaxPool) and _feeds_only(conv, pool):
            convolution, pooling = module, pool.module
            otherwise = nn.Sequential(module, pool.module, relu.module)
        else:
            continue
        followed = is_relu(relu.module) and _feeds_only(pool, relu)
        if convolution.in_channels == 1 and is_halving(pooling) and followed:
            found[at] = conv._replace(module=BandedConvPoolReLU(convolution, otherwise))
            found[at + 1], found[at + 2] = (step._replace(module=nn.Identity()) for step in (pool, relu))
        break
    return found


def cropped(step: FusedStep, sizes: tuple[int, ...]) -> FusedStep:
    """A convolution without the weights that only multiply padding, on a feature map of ``sizes``."""
    if spans(step.module, sizes) is None:
        return step
    return step._replace(module=CroppedConv(cast(Convolution, step.module)))


def small_in_float32(steps: list[FusedStep]) -> list[FusedStep]:
    """Keep small linear layers in float32 where autocast uses bfloat16 on a CPU.

    Converting their values and weights takes longer than the matrix product.
    """
    return [
        step._replace(module=SmallInFloat32(step.module)) if type(step.module) is nn.Linear else step for step in steps
    ]


class SmallInFloat32(SharedWeights[nn.Linear]):
    """A linear layer without autocast on a CPU while its batch is small."""

    def forward(self, x: Tensor) -> Tensor:
        (linear,) = self.layers
        if torch.is_autocast_enabled("cpu") and x.is_cpu and x.numel() * linear.out_features <= FEW_MACS:
            with torch.autocast("cpu", enabled=False):
                return cast(Tensor, linear(x.float()))
        return cast(Tensor, linear(x))


class WideConvThenPool(SharedWeights[nn.Conv2d, Expression]):
    """A convolution and the max pooling after it, with filters added on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        convolution, pool = self.layers
        if x.device.type != "cpu" or not convolution.training:
            return cast(Tensor, pool(convolution(x)))
        filters = convolution.out_channels
        more = -filters % LANES
        weight = functional.pad(convolution.weight, (0, 0, 0, 0, 0, 0, 0, more))
        bias = None if convolution.bias is None else functional.pad(convolution.bias, (0, more))
        c = convolution
        wide = functional.conv2d(x, weight, bias, c.stride, cast("tuple[int, int]", c.padding), c.dilation)
        return cast(Tensor, pool(wide))[:, :filters]
