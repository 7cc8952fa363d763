"""Convolutions whose kernel reaches beyond their maps, without the weights that meet nothing but padding.

A kernel of 3x3 on a map of 1x1 multiplies its one pixel by the weight in the middle and eight zeros by the others; a
ResNet has such layers where its images are small. What is left out adds zeros, and its gradient is zero.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple, cast

from torch import Tensor, nn
from torch.nn import functional

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
WORTH = 1 / 2  # of the weights, at most: cutting a kernel has its price too
_CONVOLVE = {nn.Conv1d: functional.conv1d, nn.Conv2d: functional.conv2d, nn.Conv3d: functional.conv3d}


class Span(NamedTuple):
    """The part of a kernel's axis that meets values: its first place, its length, and the padding that it needs."""

    first: int
    length: int
    padding: int


def span(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Span:
    """The part of an axis' kernel that ever meets one of ``size`` values; the whole where less would not do.

    Less does where the same padding on both sides gives as many positions as before.
    """
    whole = Span(0, kernel, padding)
    count = _positions(size, kernel, stride, padding, dilation)
    begins = [position * stride - padding for position in (0, count - 1)]
    # the first position is the one that looks furthest to the left, the last one furthest to the right
    first = min(tap for tap in range(kernel + 1) if tap == kernel or begins[-1] + tap * dilation >= 0)
    last = max(tap for tap in range(-1, kernel) if tap == -1 or begins[0] + tap * dilation < size)
    length, needed = last - first + 1, padding - first * dilation
    if length < 1 or needed < 0 or _positions(size, length, stride, needed, dilation) != count:
        return whole
    return Span(first, length, needed)


def _positions(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def spans(conv: Convolution, sizes: tuple[int, ...]) -> list[Span] | None:
    """The part of each of a kernel's axes on a map of ``sizes``; None where cutting it is not worth it."""
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        return None
    axes = zip(sizes, conv.kernel_size, conv.stride, conv.padding, conv.dilation, strict=True)
    found = [span(*axis) for axis in axes]
    share = prod(part.length / kernel for part, kernel in zip(found, conv.kernel_size, strict=True))
    return found if share <= WORTH else None


class CroppedConv(nn.Module):
    """A convolution by that part of its kernel which its map can meet. The weights stay the layer's."""

    def __init__(self, convolution: Convolution) -> None:
        super().__init__()
        self.layers = (convolution,)  # in a tuple, so that the weights are not registered a second time

    def forward(self, x: Tensor) -> Tensor:
        (conv,) = self.layers
        found = spans(conv, tuple(x.shape[2:]))
        if found is None:
            return cast(Tensor, conv(x))
        weight = conv.weight
        for axis, part in enumerate(found, 2):
            weight = weight.narrow(axis, part.first, part.length)
        padding = [part.padding for part in found]
        return _CONVOLVE[type(conv)](x, weight, conv.bias, conv.stride, padding, conv.dilation, conv.groups)
