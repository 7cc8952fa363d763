"""Images that stay on disk, read ahead by other processes, for datasets larger than the memory.

Nothing here has state: which images a batch holds is a function of (seed, epoch, step), and the processes get the list
for each batch. A training resumes in the middle of an epoch by asking for the remaining batches.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cnncli.data.dataset import LazyImages
from cnncli.errors import CnnError, Problem
from cnncli.executor.feeding.device_images import Images, to_device
from cnncli.executor.feeding.seeded_draws import evenly_spaced, generator
from cnncli.executor.runtime.children import safe_path

MAX_SAMPLE = 2_000  # images for statistics: reading and decoding them takes time
MIN_SHARED_MEMORY = 2 << 30  # bytes, for the batches that are read ahead
SHUFFLED_FILES = 16  # whose images are shuffled together, so that an epoch reads nearly sequentially


@dataclass(frozen=True)
class Streamed:
    """A split on disk: the images at ``rows`` of ``source``, and their targets, on the device."""

    source: LazyImages
    rows: Tensor
    labels: Tensor
    loaders: int

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, index: Tensor) -> Streamed:
        """The images at ``index``, as a split."""
        return Streamed(self.source, self.rows[index.cpu()], self.labels[index.to(self.labels.device)], self.loaders)

    def order(self, seed: int, epoch: int) -> Tensor:
        """The order of an epoch, a pure function of (seed, epoch).

        If files hold many images, as shards do, the files come in random order, and the images of a few successive
        files are shuffled together.
        """
        draws = generator(seed, epoch, "order")
        if len(self.source.pieces) < 2:
            return torch.randperm(len(self), generator=draws)
        ends = torch.tensor(self.source.pieces).cumsum(0)
        file_of = torch.searchsorted(ends, self.rows, right=True)
        images_of = torch.split(file_of.argsort(stable=True), file_of.bincount(minlength=len(ends)).tolist())
        files = [images_of[number] for number in torch.randperm(len(ends), generator=draws).tolist()]
        together = [torch.cat(files[at : at + SHUFFLED_FILES]) for at in range(0, len(files), SHUFFLED_FILES)]
        return torch.cat([images[torch.randperm(len(images), generator=draws)] for images in together])

    def read(self, indices: Iterable[Tensor | slice]) -> Iterator[Images]:
        """The images at each of the ``indices``, on the device; the next ones are read meanwhile."""
        wanted = [torch.arange(*at.indices(len(self))) if isinstance(at, slice) else at.cpu() for at in indices]
        rows = [self.rows[at].tolist() for at in wanted]
        device = self.labels.device
        loader = DataLoader(
            _Batches(self.source, rows),
            batch_size=None,
            num_workers=min(self.loaders, max(0, len(rows) - 1), os.cpu_count() or 1),  # a single one is read here
            collate_fn=_unchanged if _is_memory_shared() else _as_array,
            pin_memory=device.type == "cuda",
            worker_init_fn=_ignore_ctrl_c,
            generator=torch.Generator(),  # by default it would draw from the generator that dropout uses
        )
        with safe_path():
            batches = iter(loader)  # starts the processes
        for at, read in zip(wanted, batches, strict=True):
            if isinstance(read, list):
                raise CnnError.of([Problem(*problem) for problem in read])
            yield Images(to_device(torch.as_tensor(read), device), self.labels[to_device(at, device)])

    def sample(self, count: int) -> Tensor:
        """The pixels of ``count`` evenly spaced images, at most MAX_SAMPLE, on the device."""
        chosen = evenly_spaced(min(count, MAX_SAMPLE), len(self))
        return torch.cat([images.pixels for images in self.read(torch.split(chosen, 64))])


def streamed(source: LazyImages, labels: Tensor, loaders: int) -> Streamed:
    """All images of a source on disk."""
    return Streamed(source, torch.arange(len(labels)), labels, loaders)


class _Batches(Dataset["Read"]):
    """Batches of pixels by their number; the problems instead of a batch that cannot be read."""

    def __init__(self, source: LazyImages, rows: Sequence[list[int]]) -> None:
        self.source, self.rows = source, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Read:
        try:
            return torch.from_numpy(self.source.read(self.rows[number]))
        except CnnError as error:  # raised in another process, it would arrive with a traceback
            return [(problem.message, problem.hint) for problem in error.problems]


Read = Tensor | list[tuple[str, str]]


def _unchanged(read: Read) -> Read:
    """Tensors are sent to this process through shared memory."""
    return read


def _as_array(read: Read) -> Any:
    """Arrays are sent through a pipe, which is slower and needs no shared memory."""
    return read.numpy() if isinstance(read, Tensor) else read


def _is_memory_shared() -> bool:
    """Whether there is enough: a container may have as little as 64 MiB, and torch would crash with a bus error."""
    try:
        found = os.statvfs("/dev/shm")
    except (OSError, AttributeError):
        return True
    return found.f_bavail * found.f_frsize > MIN_SHARED_MEMORY


def _ignore_ctrl_c(number: int) -> None:
    """A terminal sends Ctrl-C to all processes; this one ends with the training process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
