"""From stored pixels to the network's input: channels, size, normalization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.arithmetic.shape import Shape, format_input_shape, format_shape, numel
from cnncli.errors import CnnError
from cnncli.executor.feeding.device_images import Examples, to_device
from cnncli.runs.folder import Normalization

STATISTICS_SAMPLE = 10_000  # examples
MAX_COUNTED = 200_000_000  # pixels that are all counted: more than CIFAR has, in well under a second
ROUNDING = 1e-7  # of float32: values whose relative difference is no larger count as equal
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: the weights of red, green and blue in a grayscale value


@dataclass(frozen=True)
class InputTransform:
    """Turns raw pixels into the network's input: channels, normalization, size.

    ``shape`` is the network's input without the batch. A value becomes ``value * scale + shift``, both (C,).
    """

    shape: Shape
    scale: Tensor
    shift: Tensor

    def __call__(self, pixels: Tensor) -> Tensor:
        """Map pixels (N, c, h, w), or examples of any rank, to float32 (N, *shape)."""
        each = (1, -1, *(1,) * (pixels.dim() - 2))
        scale, shift = self.scale.view(each), self.shift.view(each)
        if len(self.shape) == 1:
            return torch.mul(pixels.float(), scale).add_(shift).flatten(1)
        channels, *size = self.shape
        # on a CPU addcmul takes twice as long
        images = torch.mul(convert_channels(pixels, channels), scale).add_(shift)
        if pixels.dim() != 4:
            return images
        if list(images.shape[2:]) != size:
            images = functional.interpolate(images, size=size, mode="bilinear", antialias=True)
        return channels_last(images)


def channels_last(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in the channels-last memory format, which makes convolutions faster.

    Grayscale images have both formats at once. torch recognizes a format by its strides, and those of an axis of size 1
    are arbitrary: they are set here to those of channels-last.
    """
    if images.shape[1] != 1:
        return images.contiguous(memory_format=torch.channels_last)
    _, _, height, width = images.shape
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))


def convert_channels(pixels: Tensor, channels: int) -> Tensor:
    """Map (N, c, h, w) to float32 (N, channels, h, w): gray is repeated, RGB is converted to grayscale."""
    images = pixels.float()
    have = images.shape[1]
    if have == channels or images.dim() != 4:
        return images
    if have == 1:
        return images.expand(-1, channels, -1, -1)
    return (images * gray_weights(images)).sum(1, keepdim=True)


def gray_weights(images: Tensor) -> Tensor:
    """The weights of the channels of images (N, 3, *sizes) in grayscale values."""
    weights = to_device(torch.tensor(LUMA, dtype=images.dtype), images.device)
    return weights.view(1, 3, *(1,) * (images.dim() - 2))


def conversion_notes(shape: Shape, name: str, have: Shape) -> list[str]:
    """The conversions of images of shape ``have`` to an input of ``shape``, in words.

    Raises CnnError if they cannot be converted.
    """
    if shape == have:
        return []
    if len(shape) == 1 and shape[0] == numel(have):
        return [f"{name}: images of {format_shape(have)} are read as vectors of {shape[0]}"]
    if len(shape) != 3 or (shape[0] != have[0] and (have[0], shape[0]) != (3, 1) and have[0] != 1):
        written = format_input_shape(shape)
        raise CnnError(
            f"{name} has images of {format_shape(have)}, which cannot be converted to the network's input {written}",
            "use --input 1xHxW or 3xHxW, the inputs for images",
        )
    notes = []
    if shape[1:] != have[1:]:
        notes.append(f"resized from {format_shape(have[1:])} to {format_shape(shape[1:])}")
    if shape[0] != have[0]:
        notes.append("gray repeated in each channel" if have[0] == 1 else "converted to grayscale")
    return [f"{name}: images {' and '.join(notes)}"]


def normalization_of(images: Examples, shape: Shape) -> Normalization:
    """Mean and standard deviation of each channel of the network's input, over the training images.

    Pixels (uint8) are scaled to 0 … 1 first; other numbers are used as they are. These, and images whose channels are
    converted, are sampled; pixels are counted by value, all of them unless there are more than MAX_COUNTED. The std is
    1 if all values are equal.
    """
    few = images.sample(1)
    channels = few.shape[1] if len(shape) == 1 else shape[0]
    if few.dtype == torch.uint8 and channels == few.shape[1]:
        pixels = images.sample(max(STATISTICS_SAMPLE, MAX_COUNTED // few.numel()))
        found = [_of_counts(torch.bincount(values.flatten(), minlength=256)) for values in pixels.unbind(1)]
        return Normalization(tuple(mean for mean, _ in found), tuple(std for _, std in found))
    pixels = images.sample(STATISTICS_SAMPLE).cpu()  # exact sums need float64, which not every device has
    unit = 255.0 if pixels.dtype == torch.uint8 else 1.0
    sample = convert_channels(pixels, channels).double() / unit
    rest = (0, *range(2, sample.dim()))
    mean, std = sample.mean(rest).tolist(), sample.std(rest).tolist()
    if unit == 1.0:
        largest = sample.abs().amax(rest).tolist()
        there = [value if value > ROUNDING * most else 1.0 for value, most in zip(std, largest, strict=True)]
        return Normalization(tuple(mean), tuple(there), unit)
    return Normalization(
        tuple(round(value, 6) for value in mean),
        tuple(round(value, 6) if value > 1e-6 else 1.0 for value in std),
        unit,
    )


def _of_counts(counts: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of pixels scaled to 0 … 1, exactly, from the ``counts`` (256,) of their values."""
    many: list[int] = counts.tolist()
    total = max(1, sum(many))
    mean = Fraction(sum(value * count for value, count in enumerate(many)), total)
    squares = Fraction(sum(value * value * count for value, count in enumerate(many)), total) - mean * mean
    std = math.sqrt(squares * total / max(1, total - 1)) / 255
    return round(float(mean / 255), 6), round(std, 6) if std > 1e-6 else 1.0


def input_transform(shape: Shape, normalization: Normalization, device: torch.device) -> InputTransform:
    """The transform for a network input of ``shape``."""
    mean, std = (torch.tensor(values, device=device) for values in (normalization.mean, normalization.std))
    return InputTransform(shape, 1 / (normalization.unit * std), -mean / std)
