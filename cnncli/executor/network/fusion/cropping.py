"""Convolutions whose kernel reaches beyond their maps, without the weights that meet nothing but padding.

A kernel of 3x3 on a map of 1x1 multiplies its one pixel by the weight in the middle and eight zeros by the others; a
ResNet has such layers where its images are small. What is left out adds zeros, and its gradient is zero.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple, cast

from torch import Tensor, nn
from torch.nn import functional

from cnncli.arithmetic.window import Window, output_size, taps_inside
from cnncli.executor.network.fusion.shared_weights import SharedWeights

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
WORTH = 1 / 2  # of the weights, at most: cutting a kernel has its price too
CONVOLVE = {nn.Conv1d: functional.conv1d, nn.Conv2d: functional.conv2d, nn.Conv3d: functional.conv3d}


class Span(NamedTuple):
    """The part of a kernel's axis that meets values: its first place, its length, and the padding that it needs."""

    first: int
    length: int
    padding: int


def span(size: int, window: Window) -> Span:
    """The part of a kernel's axis that ever meets one of ``size`` values; the whole where less would not do.

    Less does where the same padding on both sides gives as many positions as before.
    """
    taps = taps_inside(size, window)
    padding = window.before - taps.start * window.dilation
    cut = window._replace(kernel=len(taps), before=padding, after=padding)
    if not taps or padding < 0 or output_size(size, cut) != output_size(size, window):
        return Span(0, window.kernel, window.before)
    return Span(taps.start, len(taps), padding)


def spans(conv: nn.Module, sizes: tuple[int, ...]) -> list[Span] | None:
    """The part of each axis of a convolution's kernel on a map of ``sizes``; None where cutting it is not worth it.

    None as well for other layers, and for what is made of a convolution.
    """
    if type(conv) not in CONVOLVE:
        return None
    conv = cast(Convolution, conv)
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        return None
    axes = zip(sizes, conv.kernel_size, conv.stride, conv.padding, conv.dilation, strict=True)
    found = [span(size, Window(kernel, stride, side, side, apart)) for size, kernel, stride, side, apart in axes]
    share = prod(part.length / kernel for part, kernel in zip(found, conv.kernel_size, strict=True))
    return found if share <= WORTH else None


class CroppedConv(SharedWeights[Convolution]):
    """A convolution by that part of its kernel which its map can meet."""

    def forward(self, x: Tensor) -> Tensor:
        (conv,) = self.layers
        found = spans(conv, tuple(x.shape[2:]))
        if found is None:
            return cast(Tensor, conv(x))
        weight = conv.weight
        for axis, part in enumerate(found, 2):
            weight = weight.narrow(axis, part.first, part.length)
        padding = [part.padding for part in found]
        return CONVOLVE[type(conv)](x, weight, conv.bias, conv.stride, padding, conv.dilation, conv.groups)
