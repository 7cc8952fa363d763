"""Decoding many image files: in batches, large files in several threads, with a count of what was converted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_input_shape, format_shape
from cnncli.data.formats.containers import Container, FileEntry
from cnncli.data.formats.pixels import MODES, Decoded, NotDecoded, decode, mode_name, strict
from cnncli.errors import CnnError, counted
from cnncli.io.progress import progress

T = TypeVar("T", bound=Hashable)

BATCH, BATCH_BYTES = 64, 1 << 26  # limits for the encoded files held in memory at a time; always at least one file

# For smaller files most of the time is spent in Pillow's Python code, which runs in one thread at a time: on two
# cores, two threads took 7.0 to 9.8 s for the 60,000 files of 1 kB for which one took 5.9 s.
MIN_THREADED_BYTES = 1 << 14


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape as (C, H, W). Raises CnnError if no image can have it."""
    written = format_input_shape(shape)
    if len(shape) != 3:
        message = f"images have 3 axes, but the network's input {written} has {len(shape)}"
        raise CnnError(message, "give the network an input of channels, height and width, such as 3x32x32")
    if shape[0] not in MODES:
        message = f"images have 1 channel (grayscale) or 3 (RGB), but the network's input {written} has {shape[0]}"
        raise CnnError(message, "give the network an input of 1 or 3 channels")
    return shape[0], shape[1], shape[2]


def decode_all(
    source: Container, files: Sequence[FileEntry], shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Decode the ``files`` into one array (N, C, H, W) in their order; the notes describe what was converted."""
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


def threads_for(count: int, size: int) -> int:
    """The number of threads to decode ``count`` files with, which have ``size`` bytes in total."""
    return 1 if size < MIN_THREADED_BYTES * count else os.cpu_count() or 1


def decoded(
    files: Iterable[tuple[str, bytes]], shape: tuple[int, int, int], threads: int, advance: Callable[[int], None]
) -> Iterator[Decoded]:
    """The decoded ``files``, each a name and its bytes, in their order. Raises CnnError with the name of a broken one.

    ``advance`` is called with the number of files done. Must run inside ``strict()`` of pixels.py.
    """

    def decode_one(file: tuple[str, bytes]) -> Decoded:
        name, content = file
        try:
            return decode(content, *shape)
        except NotDecoded as error:
            raise CnnError(f"{name} cannot be read as an image: {error}", "replace or remove it") from None

    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(files):
            yield from (pool.map if threads > 1 else map)(decode_one, batch)
            advance(len(batch))


def _batches(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """The files, BATCH or BATCH_BYTES of them at a time, whichever is less."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file[1])
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def conversions(found: Counter[tuple[str, int, int]], shape: tuple[int, int, int]) -> tuple[str, ...]:
    """Notes on the images that were converted or resized; ``found`` counts each (mode, height, width)."""
    total, (channels, height, width) = found.total(), shape
    modes = _tally((mode, count) for (mode, _, _), count in found.items() if mode != MODES[channels])
    sizes = _tally(((h, w), count) for (_, h, w), count in found.items() if (h, w) != (height, width))
    wanted = mode_name(MODES[channels])
    notes = [
        f"{n:,} of {counted(total, 'image')} converted from {mode_name(mode)} to {wanted}" for mode, n in modes.items()
    ]
    if sizes:
        before = " and ".join(format_shape(size) for size in sorted(sizes))
        if len(sizes) > 2:
            before = f"{len(sizes):,} sizes ({format_shape(min(sizes))} to {format_shape(max(sizes))})"
        notes.append(f"{sizes.total():,} of {counted(total, 'image')} resized from {before} to {height}x{width}")
    return tuple(notes)


def _tally(counts: Iterable[tuple[T, int]]) -> Counter[T]:
    tally: Counter[T] = Counter()
    for key, count in counts:
        tally[key] += count
    return tally
