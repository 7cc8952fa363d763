"""Modules that PyTorch does not have, each with its formula and its paper.

Exported files contain copies of these classes, and the code of a lowering is evaluated among these names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnncli.arithmetic.window import Window

# by the number of spatial axes, from one; typed as Any because PyTorch types each for one number of axes
CONV: tuple[Any, ...] = (functional.conv1d, functional.conv2d, functional.conv3d)
CONV_TRANSPOSE: tuple[Any, ...] = (
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
)
PAD_MODES = {"zeros": "constant", "partial": "constant"}
CODES_SEED = 1998


def torch_padding(pads: tuple[tuple[int, int], ...]) -> list[int]:
    """(before, after) per axis in the order of functional.pad: the last axis first."""
    return [amount for pair in reversed(pads) for amount in pair]


def pads_of(windows: tuple[Window, ...]) -> tuple[tuple[int, int], ...]:
    """(before, after) of each axis."""
    return tuple((window.before, window.after) for window in windows)


class CustomConv(nn.Module):
    """A convolution with ``weight`` and, if there is one, ``bias`` of the given ``shapes``."""

    def __init__(self, shapes: Mapping[str, Any], windows: tuple[Window, ...], groups: int, mode: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shapes["weight"]))
        self.bias = nn.Parameter(torch.empty(shapes["bias"])) if "bias" in shapes else None
        self.windows, self.groups, self.mode = windows, groups, mode
        self.pads = torch_padding(pads_of(windows))
        self.stride = tuple(window.stride for window in windows)
        self.dilation = tuple(window.dilation for window in windows)
        self.reset_parameters()

    @property
    def fan_in(self) -> int:
        """Inputs of a unit. Exported files hold this class, but not the layers' classes that define both fans."""
        return math.prod(self.weight.shape[1:])

    def reset_parameters(self) -> None:
        """As in PyTorch's convolutions: uniform within 1 / sqrt(fan_in)."""
        bound = 1 / math.sqrt(self.fan_in)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def padded(self, x: Tensor) -> Tensor:
        """The input with its padding; without padding the input itself, not a copy."""
        if not any(self.pads):
            return x
        return functional.pad(x, self.pads, mode=PAD_MODES.get(self.mode, self.mode))

    def finished(self, output: Tensor, x: Tensor) -> Tensor:
        """The output with the bias, re-weighted near the border if the padding is partial."""
        if self.mode == "partial":
            output = output * self.border_weights(x)
        if self.bias is None:
            return output
        return output + self.bias.view(*self.bias.shape, *(1,) * (output.dim() - 1 - self.bias.dim()))

    def border_weights(self, x: Tensor) -> Tensor:
        """The window's area over the part of it inside the image, for each position. Liu et al. 2018, Partial
        Convolution based Padding, formula 3: r = |1| / |mask|; 0 where all of the window is padding."""
        convolve = CONV[len(self.windows) - 1]
        kernel = [window.kernel for window in self.windows]
        ones = functional.pad(x.new_ones(1, 1, *x.shape[2:]), self.pads)
        inside = convolve(ones, x.new_ones(1, 1, *kernel), None, self.stride, 0, self.dilation)
        return torch.where(inside > 0, math.prod(kernel) / inside.clamp_min(1), torch.zeros_like(inside))


class PaddedConv(CustomConv):
    """A convolution with any padding, also partial or different on the two sides of an axis.

    Its weight is (filters, channels / groups, *kernel), its bias (filters,), as in PyTorch's convolutions.
    """

    def kernel(self) -> Tensor:
        """The weights as PyTorch's convolution functions take them."""
        return self.weight

    def forward(self, x: Tensor) -> Tensor:
        convolve = CONV[len(self.windows) - 1]
        output = convolve(self.padded(x), self.kernel(), None, self.stride, 0, self.dilation, self.groups)
        return self.finished(cast(Tensor, output), x)


class ConnectionTableConv(PaddedConv):
    """A convolution whose filters read some of the input feature maps only. LeCun et al. 1998, table I: LeNet-5's C3.

    weight (entries of the table, *kernel), ordered by filter.
    """

    def __init__(
        self,
        table: tuple[tuple[int, ...], ...],
        channels: int,
        shapes: Mapping[str, Any],
        windows: tuple[Window, ...],
        mode: str,
    ) -> None:
        self.rows = [number for number, maps in enumerate(table) for _ in maps]
        self.columns = [channel for maps in table for channel in maps]
        self.channels, self.filters = channels, len(table)
        super().__init__(shapes, windows, 1, mode)

    @property
    def fan_in(self) -> int:
        return max(1, len(self.rows) // self.filters) * math.prod(self.weight.shape[1:])

    def kernel(self) -> Tensor:
        full = self.weight.new_zeros(self.filters, self.channels, *self.weight.shape[1:])
        return full.index_put((torch.tensor(self.rows), torch.tensor(self.columns)), self.weight)


class LocallyConnected(CustomConv):
    """Separate weights at every position: y[f, p] = bias[f, p] + sum over c, k of weight[f, p, c, k] x[c, p + k].

    weight (filters, *positions, channels / groups, *kernel), bias (filters, *positions). LeCun 1989.
    """

    @property
    def fan_in(self) -> int:
        return math.prod(self.weight.shape[1 + len(self.windows) :])

    def forward(self, x: Tensor) -> Tensor:
        rank = len(self.windows)
        patches = self.padded(x)
        for axis, window in enumerate(self.windows):
            patches = patches.unfold(2 + axis, window.effective_kernel, window.stride)[..., :: window.dilation]
        batch, positions, kernel = x.shape[0], patches.shape[2 : 2 + rank], patches.shape[2 + rank :]
        grouped = patches.reshape(batch, self.groups, -1, math.prod(positions), math.prod(kernel))
        weight = self.weight.reshape(self.groups, -1, math.prod(positions), grouped.shape[2], grouped.shape[4])
        output = torch.einsum("ngcpk,gfpck->ngfp", grouped, weight).reshape(batch, -1, *positions)
        return self.finished(output, x)


class CroppedConvTranspose(nn.Module):
    """A transposed convolution whose padding differs on the two sides of an axis: computed without it, then cropped.

    Its weight is (channels, filters / groups, *kernel), its bias (filters,), as in PyTorch's.
    """

    def __init__(self, conv: nn.Module, pads: tuple[tuple[int, int], ...], sizes: tuple[int, ...]) -> None:
        super().__init__()
        plain = cast(Any, conv)
        self.weight, self.bias = plain.weight, plain.bias
        self.stride, self.dilation, self.groups = plain.stride, plain.dilation, plain.groups
        self.starts, self.sizes = [before for before, _ in pads], sizes

    def forward(self, x: Tensor) -> Tensor:
        transpose = CONV_TRANSPOSE[len(self.sizes) - 1]
        whole: Tensor = transpose(x, self.weight, None, self.stride, 0, 0, self.groups, self.dilation)
        ends = [start + size for start, size in zip(self.starts, self.sizes, strict=True)]
        missing = [max(0, end - have) for end, have in zip(ends, whole.shape[2:], strict=True)]
        whole = functional.pad(whole, [amount for extra in reversed(missing) for amount in (0, extra)])
        for axis, (start, size) in enumerate(zip(self.starts, self.sizes, strict=True)):
            whole = whole.narrow(2 + axis, start, size)
        if self.bias is None:
            return whole
        return cast(Tensor, whole + self.bias.view(-1, *(1,) * len(self.sizes)))


class TrainableAvgPool(nn.Module):
    """y = coefficient * mean of the window + bias, one of each per channel. LeCun et al. 1998, layers S2 and S4."""

    def __init__(self, average: nn.Module, channels: int) -> None:
        super().__init__()
        self.average = average
        self.weight, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the plain average."""
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        each = (-1, *(1,) * (x.dim() - 2))
        average: Tensor = self.average(x)
        return average * self.weight.view(each) + self.bias.view(each)


class RBFOutput(nn.Module):
    """y_i = sum over j of (x_j - code_ij)^2, with fixed codes of -1 and 1. LeCun et al. 1998, formula 3.

    The paper draws the codes as images of the characters and says that random ones would do; these are random, and
    always the same.
    """

    def __init__(self, units: int, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(units, inputs), requires_grad=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the codes, from a fixed seed."""
        if self.weight.is_meta:
            return
        generator = torch.Generator().manual_seed(CODES_SEED)
        bits = torch.randint(0, 2, self.weight.shape, generator=generator)
        self.weight.data.copy_(2 * bits - 1)

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(1) - self.weight).square().sum(2)


class LocalContrast(nn.Module):
    """v = x - m(x), y = v / max(eps, sqrt(m(v^2))), where m is the mean over all channels under a Gaussian window.

    Jarrett et al. 2009, What is the best multi-stage architecture for object recognition, section 2.
    """

    def __init__(self, kernels: tuple[int, ...], eps: float) -> None:
        super().__init__()
        self.kernels, self.eps = kernels, eps

    def window(self, x: Tensor) -> Tensor:
        """The Gaussian, (1, 1, *kernel), with standard deviation kernel / 4 on each axis; it sums to 1."""
        window = x.new_ones(())
        for size in self.kernels:
            places = torch.arange(size, device=x.device, dtype=x.dtype) - (size - 1) / 2
            window = window.unsqueeze(-1) * torch.exp(-places.square() / (2 * (size / 4) ** 2))
        return (window / window.sum())[None, None]

    def forward(self, x: Tensor) -> Tensor:
        convolve, window = CONV[len(self.kernels) - 1], self.window(x)
        padding = [size // 2 for size in self.kernels]
        inside = convolve(x.new_ones(1, 1, *x.shape[2:]), window, None, 1, padding)

        def mean(values: Tensor) -> Tensor:
            return cast(Tensor, convolve(values.mean(1, keepdim=True), window, None, 1, padding) / inside)

        centered = x - mean(x)
        deviation = mean(centered.square()).clamp_min(self.eps**2).sqrt()
        return centered / deviation


class StructuredDropout(nn.Module):
    """While training, set whole slices to 0 with probability ``rate`` and scale the others up.

    A slice has one index on each of the first ``axes`` axes: 1 drops examples (stochastic depth, Huang et al. 2016), 2
    drops channels (Tompson et al. 2015).
    """

    def __init__(self, rate: float, axes: int) -> None:
        super().__init__()
        self.rate, self.axes = rate, axes

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = x.new_ones(*x.shape[: self.axes], *(1,) * (x.dim() - self.axes))
        return x * functional.dropout(kept, self.rate)


class Apply(nn.Module):
    """A function without weights, of one or more tensors."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


class ChannelScale(nn.Module):
    """A learned factor per channel, weight (C,)."""

    def __init__(self, channels: int, init: float) -> None:
        super().__init__()
        self.init = init
        self.weight = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All factors to ``init``."""
        nn.init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *(1,) * (x.dim() - 2))
