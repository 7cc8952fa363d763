"""Where a split is stored while a network trains: on the device, in memory, or on disk."""

from __future__ import annotations

import torch

from cnncli.data import LazyImages, Split
from cnncli.executor.feeding.device_images import Examples, Images
from cnncli.executor.feeding.streaming import streamed


def on_device(split: Split, device: torch.device, loaders: int) -> Examples:
    """A split to be read on ``device``; it is stored there if it takes at most a third of the free memory.

    Images on disk are read by ``loaders`` processes.
    """
    labels = torch.from_numpy(split.labels).to(device)
    if isinstance(split.images, LazyImages):
        return streamed(split.images, labels, loaders)
    pixels = torch.from_numpy(split.images)
    fits = device.type != "cuda" or pixels.nbytes < torch.cuda.mem_get_info(device)[0] / 3
    return Images(pixels.to(device) if fits else pixels.pin_memory(), labels)
