"""Images and their targets in memory, on the device or beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cnncli.executor.feeding.draws import evenly_spaced, generator, split_rows


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


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device, without waiting for what a GPU computes: CUDA keeps what is copied aside until it is."""
    return tensor.to(device, non_blocking=device.type == "cuda")


def random_split(images: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """(the rest, a ``share`` of the images chosen by ``seed``). Raises CnnError where either would be empty."""
    rest, chosen = split_rows(len(images), share, seed)
    return images.part(rest), images.part(chosen)
