"""Images and their targets in memory: the device's, or else the CPU's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cnncli.executor.feeding.seeded_draws import evenly_spaced, generator, split_rows


@dataclass(frozen=True)
class Images:
    """A split on a device: ``pixels`` uint8 (N, C, H, W), or float32 of any rank, and their targets, ``labels``.

    The pixels may be on another device; batches are moved to that of the labels.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, index: Tensor) -> Images:
        """The images at ``index``, as a split."""
        there = to_device(index, self.labels.device)
        here = there if self.pixels.device == self.labels.device else index.to(self.pixels.device)
        # on a CPU index_select is ten times as fast as an index in brackets
        return Images(self.pixels.index_select(0, here), self.labels.index_select(0, there))

    def order(self, seed: int, epoch: int) -> Tensor:
        """The order of an epoch, a pure function of (seed, epoch): there is no random state to save."""
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
        """The pixels of ``count`` evenly spaced images, on the device: neighbors often have the same class."""
        found = (
            self.pixels[evenly_spaced(count, len(self)).to(self.pixels.device)] if count < len(self) else self.pixels
        )
        return found.to(self.labels.device)


class Examples(Protocol):
    """A split that is read batch by batch, from memory or disk; see :class:`Images`. ``labels`` are on the device."""

    @property
    def labels(self) -> Tensor: ...
    def __len__(self) -> int: ...
    def part(self, index: Tensor) -> Examples: ...
    def order(self, seed: int, epoch: int) -> Tensor: ...
    def read(self, indices: Iterable[Tensor | slice]) -> Iterator[Images]: ...
    def sample(self, count: int) -> Tensor: ...


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device, without waiting for a GPU: CUDA keeps a tensor until it has been copied."""
    return tensor.to(device, non_blocking=device.type == "cuda")


def random_split(images: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """(the rest, a ``fraction`` of the images drawn with ``seed``). Raises CnnError if either is empty."""
    rest, chosen = split_rows(len(images), fraction, seed)
    return images.part(rest), images.part(chosen)
