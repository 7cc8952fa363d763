"""Images as batches of the network's input: the whole split is one uint8 tensor, indexed.

It lies on the device, or where it is too large for that in the machine's memory; what stays on disk is
:class:`cnncli.executor.feeding.streaming.Streamed`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.arithmetic.shape import Shape, elements, format_input_shape, format_shape
from cnncli.data import LazyImages, Split
from cnncli.errors import CnnError
from cnncli.executor.runtime import distributed
from cnncli.runs.folder import Normalisation

EVALUATION_BATCH = 512
STATISTICS_SAMPLE = 10_000  # examples
MOST_COUNTED = 200_000_000  # pixels: more than CIFAR has, and counted in a moment
ROUNDING = 1e-7  # of a float32: values that differ by no more of their size are all the same
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601: how much of each colour a grey value holds


@dataclass(frozen=True)
class Images:
    """A split on a device: ``pixels`` uint8 (N, C, H, W), or float32 of any rank, and their targets, ``labels``.

    The pixels may be elsewhere than the labels: what is read of them comes to these.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, index: Tensor) -> Images:
        """The images at ``index``, a split of its own."""
        there = to_device(index, self.labels.device)
        here = there if self.pixels.device == self.labels.device else index.to(self.pixels.device)
        # on a CPU index_select is ten times as fast as an index in brackets
        return Images(self.pixels.index_select(0, here), self.labels.index_select(0, there))

    def order(self, seed: int, epoch: int) -> Tensor:
        """The order of an epoch, a pure function of (seed, epoch): nothing random has a state that could be lost."""
        return torch.randperm(len(self), generator=generator(seed, epoch, "order"))

    def read(self, indices: Iterable[Tensor | slice]) -> Iterator[Images]:
        """The images at each of the ``indices``, on the device."""
        device = self.labels.device
        for index in indices:
            # a slice is a view of the split, without a copy
            found = self.part(index) if isinstance(index, Tensor) else Images(self.pixels[index], self.labels[index])
            pixels = to_device(found.pixels, device)
            yield found if pixels is found.pixels else Images(pixels, found.labels)

    def sample(self, count: int) -> Tensor:
        """The pixels of ``count`` images from all over the split, on the device: folders lie in it one by one."""
        found = (
            self.pixels[evenly_spaced(count, len(self)).to(self.pixels.device)] if count < len(self) else self.pixels
        )
        return found.to(self.labels.device)


class Examples(Protocol):
    """A split that is read batch by batch, wherever it lies; see :class:`Images`. ``labels`` are on the device."""

    @property
    def labels(self) -> Tensor: ...
    def __len__(self) -> int: ...
    def part(self, index: Tensor) -> Examples: ...
    def order(self, seed: int, epoch: int) -> Tensor: ...
    def read(self, indices: Iterable[Tensor | slice]) -> Iterator[Images]: ...
    def sample(self, count: int) -> Tensor: ...


@dataclass(frozen=True)
class InputTransform:
    """Turns raw pixels into the network's input: channels, normalisation, size.

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
        images = torch.mul(with_channels(pixels, channels), scale).add_(shift)  # on a CPU addcmul takes twice as long
        if pixels.dim() != 4:
            return images
        if list(images.shape[2:]) != size:
            images = functional.interpolate(images, size=size, mode="bilinear", antialias=True)
        return channels_last(images)


def channels_last(images: Tensor) -> Tensor:
    """Images (N, C, H, W) with their channels side by side in memory, which convolutions are faster with.

    Grey images are so already, and torch does not count them as such: its layout follows the strides, which say nothing
    where an axis has one place. So they are said here.
    """
    if images.shape[1] != 1:
        return images.contiguous(memory_format=torch.channels_last)
    _, _, height, width = images.shape
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))


def with_channels(pixels: Tensor, channels: int) -> Tensor:
    """Map (N, c, h, w) to float32 (N, channels, h, w): grey is repeated, colours are weighed into grey."""
    images = pixels.float()
    have = images.shape[1]
    if have == channels or images.dim() != 4:
        return images
    if have == 1:
        return images.expand(-1, channels, -1, -1)
    return (images * grey_weights(images)).sum(1, keepdim=True)


def grey_weights(images: Tensor) -> Tensor:
    """What each colour of images (N, 3, *sizes) counts in grey."""
    weights = to_device(torch.tensor(GREY, dtype=images.dtype), images.device)
    return weights.view(1, 3, *(1,) * (images.dim() - 2))


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device, without waiting for what a GPU computes: CUDA keeps what is copied aside until it is."""
    return tensor.to(device, non_blocking=device.type == "cuda")


def on_device(split: Split, device: torch.device, loaders: int) -> Examples:
    """A split to be read on ``device``: it lies there if it takes no more than a third of the memory that is free.

    What stays on disk is read by so many processes, the ``loaders``.
    """
    labels = torch.from_numpy(split.labels).to(device)
    if isinstance(split.images, LazyImages):
        from cnncli.executor.feeding.streaming import streamed

        return streamed(split.images, labels, loaders)
    pixels = torch.from_numpy(split.images)
    fits = device.type != "cuda" or pixels.nbytes < torch.cuda.mem_get_info(device)[0] / 3
    return Images(pixels.to(device) if fits else pixels.pin_memory(), labels)


def conversion_notes(shape: Shape, name: str, have: Shape) -> list[str]:
    """What has to be done to images of shape ``have`` for an input of ``shape``.

    Raises CnnError where images cannot become such an input.
    """
    if shape == have:
        return []
    if len(shape) == 1 and shape[0] == elements(have):
        return [f"{name}: images of {format_shape(have)} are read as vectors of {shape[0]}"]
    if len(shape) != 3 or (shape[0] != have[0] and (have[0], shape[0]) != (3, 1) and have[0] != 1):
        written = format_input_shape(shape)
        raise CnnError(
            f"{name} has images of {format_shape(have)}, which cannot become the network's input {written}",
            "an input for images is 1xHxW or 3xHxW: change it with --input",
        )
    notes = []
    if shape[1:] != have[1:]:
        notes.append(f"resized from {format_shape(have[1:])} to {format_shape(shape[1:])}")
    if shape[0] != have[0]:
        notes.append("grey repeated in each channel" if have[0] == 1 else "colours made grey")
    return [f"{name}: images {' and '.join(notes)}"]


def normalisation_of(images: Examples, shape: Shape) -> Normalisation:
    """Mean and standard deviation of each channel of the network's input, over the training images.

    Pixels, of uint8, are scaled to 0 … 1 before; other numbers are taken as they are, whatever their unit. These, and
    images whose channels have to be converted, are asked by a sample; pixels are counted by value, all of them unless
    they are very many. The deviation is 1 where all values are the same.
    """
    few = images.sample(1)
    channels = few.shape[1] if len(shape) == 1 else shape[0]
    if few.dtype == torch.uint8 and channels == few.shape[1]:
        pixels = images.sample(max(STATISTICS_SAMPLE, MOST_COUNTED // few.numel()))
        found = [_of_counts(torch.bincount(values.flatten(), minlength=256)) for values in pixels.unbind(1)]
        return Normalisation(tuple(mean for mean, _ in found), tuple(std for _, std in found))
    pixels = images.sample(STATISTICS_SAMPLE).cpu()  # exact sums want float64, which not every device has
    unit = 255.0 if pixels.dtype == torch.uint8 else 1.0
    sample = with_channels(pixels, channels).double() / unit
    rest = (0, *range(2, sample.dim()))
    mean, std = sample.mean(rest).tolist(), sample.std(rest).tolist()
    if unit == 1.0:
        largest = sample.abs().amax(rest).tolist()
        there = [value if value > ROUNDING * most else 1.0 for value, most in zip(std, largest, strict=True)]
        return Normalisation(tuple(mean), tuple(there), unit)
    return Normalisation(
        tuple(round(value, 6) for value in mean),
        tuple(round(value, 6) if value > 1e-6 else 1.0 for value in std),
        unit,
    )


def _of_counts(counts: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of pixels from 0 to 1, of which each value was counted: in whole numbers, exactly."""
    many: list[int] = counts.tolist()
    total = max(1, sum(many))
    mean = Fraction(sum(value * count for value, count in enumerate(many)), total)
    squares = Fraction(sum(value * value * count for value, count in enumerate(many)), total) - mean * mean
    std = math.sqrt(squares * total / max(1, total - 1)) / 255
    return round(float(mean / 255), 6), round(std, 6) if std > 1e-6 else 1.0


def preparation(shape: Shape, normalisation: Normalisation, device: torch.device) -> InputTransform:
    """The preparation for a network input of ``shape``."""
    mean, std = (torch.tensor(values, device=device) for values in (normalisation.mean, normalisation.std))
    return InputTransform(shape, 1 / (normalisation.unit * std), -mean / std)


def random_split(images: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """(the rest, a ``share`` of the images chosen by ``seed``). Raises CnnError where either would be empty."""
    rest, chosen = split_rows(len(images), share, seed)
    return images.part(rest), images.part(chosen)


def split_rows(total: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """The numbers of the images of :func:`random_split`, in order. Raises CnnError where either would be empty."""
    count = round(total * share)
    if not 0 < count < total:
        raise CnnError(f"validation: a share of {share:g} takes {count} of {total} images", "use a share such as 0.1")
    order = torch.randperm(total, generator=generator(seed, 0, "validation"))
    return order[count:].sort().values, order[:count].sort().values


def evenly_spaced(count: int, total: int) -> Tensor:
    """The numbers of ``count`` images, from the first to the last of ``total``; all where there are no more."""
    count = min(count, total)
    return torch.arange(count) * (total - 1) // max(1, count - 1)


def generator(seed: int, number: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose and number, so that one draw never shifts another."""
    return torch.Generator().manual_seed(mixed_seed(seed, number, purpose))


def mixed_seed(seed: int, number: int, purpose: str) -> int:
    """A 63-bit seed for (seed, number, purpose)."""
    from hashlib import blake2b

    digest = blake2b(f"{seed} {number} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Batch(NamedTuple):
    """Some images and their numbers among all, (n,): a worker's share of a batch of ``size``.

    It ``counts`` unless the images are another worker's as well. The numbers lie on the CPU, where augmentation draws:
    to fetch them from a GPU would wait for all that it computes.
    """

    images: Images
    indices: Tensor
    size: int
    counts: bool


def training_batches(images: Examples, batch_size: int, seed: int, epoch: int, first: int = 0) -> Iterator[Batch]:
    """The batches of an epoch, from number ``first`` on.

    A last batch of a single image is left out: batch normalisation cannot train on it.
    """
    whole = torch.split(images.order(seed, epoch), batch_size)[first : batches_per_epoch(len(images), batch_size)]
    own = [distributed.shard(index) for index in whole]
    for index, mine, read in zip(whole, own, images.read(own), strict=True):
        yield Batch(read, mine, len(index), distributed.counts(index))


def batches_per_epoch(count: int, batch_size: int) -> int:
    """How many batches :func:`training_batches` yields."""
    whole, rest = divmod(count, batch_size)
    return whole + (rest > 1 or (rest == 1 and count == 1))


def evaluation_batches(images: Examples) -> Iterator[Images]:
    """All images in order; of several workers each has every n-th batch."""
    starts = range(distributed.rank() * EVALUATION_BATCH, len(images), distributed.world_size() * EVALUATION_BATCH)
    return images.read(slice(start, start + EVALUATION_BATCH) for start in starts)
