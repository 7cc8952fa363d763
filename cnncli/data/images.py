"""``images:PATH``: a folder or archive of images, one folder per class, as arrays of the network's input size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.data.classes import Labelled, arrange
from cnncli.data.dataset import Dataset, Split
from cnncli.data.decoding import conversions, decoded, threads_for, times
from cnncli.data.memory import check_fits
from cnncli.data.pixels import MODES, strict
from cnncli.data.sources import Entry, Source, open_source
from cnncli.errors import CnnError
from cnncli.progress import progress


def load(path: str, shape: tuple[int, ...]) -> Dataset:
    """Load the folder or archive ``path`` as images of ``shape``, (C, H, W), with C 1 (grey) or 3 (RGB)."""
    channels, height, width = wanted_shape(shape)
    if not path:
        raise CnnError("images: needs a path", "write images:PATH, a folder or an archive with one folder per class")
    source = open_source(Path(path).expanduser())
    arranged = arrange(source.path, source.entries)
    files = [entry for entry, _ in arranged.train + arranged.test]
    check_fits(
        len(files) * channels * height * width,
        f"{source.path}: {len(files):,} images of {channels}x{height}x{width}",
        "give the network a smaller input, or use fewer images",
    )
    images, notes = _decode_all(source, files, (channels, height, width))
    cut = len(arranged.train)
    train, test = Split(images[:cut], _labels(arranged.train)), Split(images[cut:], _labels(arranged.test))
    return Dataset(f"images:{path}", train, test, arranged.classes, arranged.notes + notes)


def wanted_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape as (C, H, W). Raises CnnError where no image has it."""
    if len(shape) != 3:
        message = f"images have 3 axes, and the network's input {times(shape)} has {len(shape)}"
        raise CnnError(message, "give the network an input of channels, height and width, such as 3x32x32")
    if shape[0] not in MODES:
        message = f"images have 1 channel (grey) or 3 (RGB), and the network's input {times(shape)} has {shape[0]}"
        raise CnnError(message, "give the network an input of 1 or 3 channels")
    return shape[0], shape[1], shape[2]


def _decode_all(
    source: Source, files: Sequence[Entry], shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Decode the ``files`` into one array (N, C, H, W) in their order, and say what was converted."""
    images = np.empty((len(files), *shape), np.uint8)
    # archives are read from front to back, whatever the order of the rows
    rows = sorted(range(len(files)), key=lambda row: files[row].offset)
    names = (f"{source.path}: {files[row].name}" for row in rows)
    contents = zip(names, source.contents([files[row] for row in rows]), strict=True)
    threads = threads_for(len(files), sum(file.size for file in files))
    found: Counter[tuple[str, int, int]] = Counter()
    with strict(), progress(f"reading {source.path.name}", len(files), "images") as advance:
        for row, image in zip(rows, decoded(contents, shape, threads, advance), strict=True):
            images[row] = image.pixels
            found[image.mode, image.height, image.width] += 1
    return images, conversions(found, shape)


def _labels(images: Labelled) -> NDArray[np.int64]:
    return np.array([label for _, label in images], np.int64)
