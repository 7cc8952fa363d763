"""Initial weights: drawn by a scheme for convolutions and linear layers, the usual constants for all others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnncli.errors import CnnError
from cnncli.executor.lowering.build import fans_of, weight_holder
from cnncli.executor.lowering.custom_modules import (
    ChannelScale,
    ConnectionTableConv,
    CroppedConvTranspose,
    LocallyConnected,
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
    """Convolutions uniform as in PyTorch, before one filter per channel copies it (:func:`_start_as_dirac`); linear
    weights uniform with standard deviation 1. Jordan 2024."""
    bound = math.sqrt(3) if weight.dim() == 2 else 1 / math.sqrt(fan_in)
    return weight.uniform_(-bound, bound, generator=generator)


SCHEMES: dict[str, Fill] = {"kaiming": _kaiming, "xavier": _xavier, "lecun": _lecun, "normal": _normal, "dirac": _dirac}
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, CroppedConvTranspose)
_CONSTANT = (_BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.PReLU, ChannelScale, TrainableAvgPool, RBFOutput)


def _start_as_dirac(module: nn.Module) -> None:
    """Let one filter of a convolution copy each channel; weights of single connections or positions stay as drawn.

    As in :func:`torch.nn.init.dirac_`, the filters of a group copy its channels.
    """
    weight = module.get_parameter("weight")
    if weight.dim() == 2 or isinstance(module, ConnectionTableConv | LocallyConnected):
        return
    for group in weight.chunk(cast(int, module.groups)):
        filters = group.transpose(0, 1) if isinstance(module, _TRANSPOSED) else group
        nn.init.dirac_(filters[: filters.shape[1]])


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
        fans = fans_of(module)
        if fans is not None:
            fill(module.get_parameter("weight"), *fans, generator)
            if scheme == "dirac":
                _start_as_dirac(module)
            if isinstance(module.bias, Tensor):
                module.bias.zero_()
        elif isinstance(module, _CONSTANT):
            module.reset_parameters()
