"""Convolutions with a kernel larger than their feature map, without the weights that only ever multiply padding.

A 3x3 kernel on a 1x1 feature map multiplies the one value by its center weight and eight zeros by the others; a ResNet
has such layers if its images are small. What is omitted adds zeros, and has a gradient of zero.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple, cast

from torch import Tensor, nn
from torch.nn import functional

from cnncli.arithmetic.window import Window, output_size, taps_inside
from cnncli.executor.network.fusion.shared_weights import SharedWeights

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
LARGEST_PART = 1 / 2  # of the weights: cropping a kernel costs time too
CONVOLVE = {nn.Conv1d: functional.conv1d, nn.Conv2d: functional.conv2d, nn.Conv3d: functional.conv3d}


class Span(NamedTuple):
    """The part of a kernel along an axis that is used: its first tap, its length, and the padding that it needs."""

    first: int
    length: int
    padding: int


def span(size: int, window: Window) -> Span:
    """The part of a kernel along an axis of ``size`` values that is used; all of it if it cannot be cropped.

    It can if the same padding on both sides then gives as many positions as before.
    """
    taps = taps_inside(size, window)
    padding = window.before - taps.start * window.dilation
    cut = window._replace(kernel=len(taps), before=padding, after=padding)
    if not taps or padding < 0 or output_size(size, cut) != output_size(size, window):
        return Span(0, window.kernel, window.before)
    return Span(taps.start, len(taps), padding)


def spans(conv: nn.Module, sizes: tuple[int, ...]) -> list[Span] | None:
    """The part of a convolution's kernel that is used on a feature map of ``sizes``, per axis.

    None if cropping does not pay, for other layers, and for subclasses of convolutions.
    """
    if type(conv) not in CONVOLVE:
        return None
    conv = cast(Convolution, conv)
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        return None
    axes = zip(sizes, conv.kernel_size, conv.stride, conv.padding, conv.dilation, strict=True)
    found = [span(size, Window(kernel, stride, side, side, apart)) for size, kernel, stride, side, apart in axes]
    part_used = prod(part.length / kernel for part, kernel in zip(found, conv.kernel_size, strict=True))
    return found if part_used <= LARGEST_PART else None


class CroppedConv(SharedWeights[Convolution]):
    """A convolution with the part of its kernel that is used."""

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
