"""``images:PATH``: a folder or archive of images, one folder per class, as arrays of the network's input size."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cnncli.data.classes import Labelled, arrange
from cnncli.data.dataset import Dataset, Split
from cnncli.data.memory import check_fits
from cnncli.data.pixels import MODES, Decoded, NotDecoded, decode, mode_name, strict
from cnncli.data.sources import Entry, Source, open_source
from cnncli.errors import CnnError
from cnncli.progress import progress

T = TypeVar("T", bound=Hashable)

BATCH = 64  # files held in memory at a time

# Below this many bytes a file, most of the time goes into Pillow's Python, which runs one thread at a time: on two
# cores, two threads took 7.0 to 9.8 s for the 60,000 files of 1 kB for which one took 5.9 s.
WORTH_A_THREAD = 1 << 14


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
    images, notes = decode_all(source, files, (channels, height, width))
    cut = len(arranged.train)
    train, test = Split(images[:cut], _labels(arranged.train)), Split(images[cut:], _labels(arranged.test))
    return Dataset(f"images:{path}", train, test, arranged.classes, arranged.notes + notes)


def wanted_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape as (C, H, W). Raises CnnError where no image has it."""
    if len(shape) != 3:
        message = f"images have 3 axes, and the network's input {_times(shape)} has {len(shape)}"
        raise CnnError(message, "give the network an input of channels, height and width, such as 3x32x32")
    if shape[0] not in MODES:
        message = f"images have 1 channel (grey) or 3 (RGB), and the network's input {_times(shape)} has {shape[0]}"
        raise CnnError(message, "give the network an input of 1 or 3 channels")
    return shape[0], shape[1], shape[2]


def decode_all(
    source: Source, files: Sequence[Entry], shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Decode the ``files`` into one array (N, C, H, W) in their order, and say what was converted."""
    images = np.empty((len(files), *shape), np.uint8)
    # archives are read from front to back, whatever the order of the rows
    rows = sorted(range(len(files)), key=lambda row: files[row].offset)
    found: Counter[tuple[str, int, int]] = Counter()
    with strict(), progress(f"reading {source.path.name}", len(files), "images") as advance:
        for row, image in zip(rows, _decoded(source, [files[row] for row in rows], shape, advance), strict=True):
            images[row] = image.pixels
            found[image.mode, image.height, image.width] += 1
    return images, _notes(found, shape)


def _decoded(
    source: Source, files: Sequence[Entry], shape: tuple[int, int, int], advance: Callable[[int], None]
) -> Iterator[Decoded]:
    """The decoded ``files``, in their order; large ones several at a time."""

    def decode_one(file: Entry, content: bytes) -> Decoded:
        try:
            return decode(content, *shape)
        except NotDecoded as error:
            hint = "replace or remove it"
            raise CnnError(f"{source.path}: {file.name} cannot be read as an image: {error}", hint) from None

    small = sum(file.size for file in files) < WORTH_A_THREAD * len(files)
    contents = source.contents(files)
    with ThreadPoolExecutor(1 if small else os.cpu_count()) as pool:
        for start in range(0, len(files), BATCH):
            batch = list(islice(contents, BATCH))
            yield from (map if small else pool.map)(decode_one, files[start : start + BATCH], batch)
            advance(len(batch))


def _notes(found: Counter[tuple[str, int, int]], shape: tuple[int, int, int]) -> tuple[str, ...]:
    """What was done to how many images, shortly; ``found`` counts (mode, height, width)."""
    total, (channels, height, width) = found.total(), shape
    modes = _tally((mode, count) for (mode, _, _), count in found.items() if mode != MODES[channels])
    sizes = _tally(((h, w), count) for (_, h, w), count in found.items() if (h, w) != (height, width))
    wanted = mode_name(MODES[channels])
    notes = [f"{n:,} of {total:,} images converted from {mode_name(mode)} to {wanted}" for mode, n in modes.items()]
    if sizes:
        before = " and ".join(_times(size) for size in sorted(sizes))
        if len(sizes) > 2:
            before = f"{len(sizes):,} sizes ({_times(min(sizes))} to {_times(max(sizes))})"
        notes.append(f"{sizes.total():,} of {total:,} images resized from {before} to {height}x{width}")
    return tuple(notes)


def _tally(counts: Iterable[tuple[T, int]]) -> Counter[T]:
    tally: Counter[T] = Counter()
    for key, count in counts:
        tally[key] += count
    return tally


def _labels(images: Labelled) -> NDArray[np.int64]:
    return np.array([label for _, label in images], np.int64)


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
