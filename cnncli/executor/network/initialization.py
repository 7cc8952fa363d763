"""Initial weights: drawn by a scheme for convolutions and linear layers, the usual constants for all others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnncli.errors import CnnError
from cnncli.executor.lowering.build import weight_holder
from cnncli.executor.lowering.custom_modules import (
    ChannelScale,
    CroppedConvTranspose,
    CustomConv,
    RBFOutput,
    TrainableAvgPool,
)
from cnncli.executor.network.weights import load_start
from cnncli.executor.network.whitening import IMAGES, whiten
from cnncli.recipe import Recipe

Fill = Callable[[Tensor, int, int, torch.Generator], Tensor]


def _kaiming(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Normal with variance 2 / fan_in, for ReLU networks. He et al. 2015."""
    return weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)


def _xavier(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Uniform with variance 2 / (fan_in + fan_out). Glorot and Bengio 2010."""
    bound = math.sqrt(6 / (fan_in + fan_out))
    return weight.uniform_(-bound, bound, generator=generator)


def _lecun(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Normal with variance 1 / fan_in. LeCun et al. 1998, Efficient BackProp."""
    return weight.normal_(0, math.sqrt(1 / fan_in), generator=generator)


def _normal(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Normal with standard deviation 0.01. Krizhevsky et al. 2012."""
    return weight.normal_(0, 0.01, generator=generator)


def _dirac(weight: Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Convolutions: one filter per channel that copies it, the others uniform as in PyTorch; linear weights uniform
    with standard deviation 1. Jordan 2024."""
    if weight.dim() == 2:
        return weight.uniform_(-math.sqrt(3), math.sqrt(3), generator=generator)
    bound = 1 / math.sqrt(fan_in)
    weight.uniform_(-bound, bound, generator=generator)
    if weight.dim() <= 5:
        nn.init.dirac_(weight[: weight.shape[1]])
    return weight


SCHEMES: dict[str, Fill] = {"kaiming": _kaiming, "xavier": _xavier, "lecun": _lecun, "normal": _normal, "dirac": _dirac}
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, CroppedConvTranspose)
_WEIGHED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, CustomConv, *_TRANSPOSED)
_CONSTANT = (_BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.PReLU, ChannelScale, TrainableAvgPool, RBFOutput)


def _fans(module: nn.Module) -> tuple[int, int]:
    """Inputs of a unit, and units that read an input: (fan_in, fan_out)."""
    if isinstance(module, CustomConv):
        return module.fans
    weight = module.get_parameter("weight")
    area = math.prod(weight.shape[2:])
    first, second = weight.shape[1] * area, weight.shape[0] * area
    return (second, first) if isinstance(module, _TRANSPOSED) else (first, second)


def initialize_weights(network: nn.Module, recipe: Recipe, sample: Callable[[int], Tensor] | None) -> Iterator[str]:
    """Give a network on the CPU the weights with which training starts; yields messages for the user.

    ``sample`` returns the network's input for a number of training images; None if a checkpoint brings all weights,
    and only freezing is left to do. Raises CnnError if weights cannot be read, or none of them match.
    """
    scheme = recipe.init if recipe.init in SCHEMES else "kaiming"
    initialize(network, scheme, recipe.seed)
    if recipe.init not in SCHEMES and sample is not None:
        yield from load_start(network, recipe.init, partial=recipe.partial)
    if recipe.whiten:
        convolution = next((m for m in map(weight_holder, network.modules()) if isinstance(m, nn.Conv2d)), None)
        if convolution is None:
            raise CnnError("whiten: the network has no 2-D convolution", "leave whiten out")
        if sample is not None:
            whiten(convolution, sample(IMAGES))
        convolution.weight.requires_grad_(False)


@torch.no_grad()
def initialize(network: nn.Module, scheme: str, seed: int) -> None:
    """Fill the weights of a network on the CPU. They depend on the scheme and the seed only, not on earlier weights.

    Biases become 0, the weights of norms 1, and running statistics are reset; prelu and scale start at their ``init``.
    """
    generator = torch.Generator().manual_seed(seed)
    fill = SCHEMES[scheme]
    for module in map(weight_holder, network.modules()):
        if isinstance(module, _WEIGHED):
            fill(module.get_parameter("weight"), *_fans(module), generator)
            if isinstance(module.bias, Tensor):
                module.bias.zero_()
        elif isinstance(module, _CONSTANT):
            module.reset_parameters()
