"""The batches of an epoch, and each worker's shard of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from cnncli.executor.feeding.device_images import Examples, Images
from cnncli.executor.runtime import distributed

EVALUATION_BATCH = 512


class Batch(NamedTuple):
    """A worker's shard of a batch of ``size``: its images, and their ``indices`` (n,) in the training set.

    It is ``counted`` unless another worker has the same images. The indices are on the CPU, where augmentation draws:
    fetching them from a GPU would wait for everything that it computes.
    """

    images: Images
    indices: Tensor
    size: int
    counted: bool


def training_batches(images: Examples, batch_size: int, seed: int, epoch: int, first: int = 0) -> Iterator[Batch]:
    """The batches of an epoch, starting with number ``first``.

    A last batch of a single image is dropped: batch normalization cannot train on it.
    """
    whole = torch.split(images.order(seed, epoch), batch_size)[first : batches_per_epoch(len(images), batch_size)]
    own = [distributed.shard(index) for index in whole]
    for index, mine, read in zip(whole, own, images.read(own), strict=True):
        yield Batch(read, mine, len(index), distributed.has_shard(index))


def batches_per_epoch(count: int, batch_size: int) -> int:
    """The number of batches that :func:`training_batches` yields."""
    whole, rest = divmod(count, batch_size)
    return whole + (rest > 1 or (rest == 1 and count == 1))


def evaluation_batches(images: Examples) -> Iterator[Images]:
    """All images in order; each of n workers gets every n-th batch."""
    starts = range(distributed.rank() * EVALUATION_BATCH, len(images), distributed.world_size() * EVALUATION_BATCH)
    return images.read(slice(start, start + EVALUATION_BATCH) for start in starts)
