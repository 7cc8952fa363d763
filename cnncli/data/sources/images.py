"""``images:PATH``: a folder or archive of images, one folder per class, as arrays of the network's input size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_input_shape
from cnncli.data.dataset import Dataset, ImageFiles, LazyImages, Split
from cnncli.data.formats.containers import Container, FileEntry, open_source
from cnncli.data.formats.decoding import conversions, decoded, threads_for, times
from cnncli.data.formats.lazy_images import in_folder, in_tar
from cnncli.data.formats.pixels import MODES, strict
from cnncli.data.memory import check_fits, fits, gib
from cnncli.data.sources.class_folders import IMAGE_FOLDERS, MASK_FOLDERS, Labelled, arrange
from cnncli.errors import CnnError
from cnncli.io.files import given_path
from cnncli.io.progress import progress

PAIRED = [{image, mask} for image in IMAGE_FOLDERS for mask in MASK_FOLDERS]
UNPACK = "unpack it: the images of a folder can stay on disk"


def load(path: str, shape: tuple[int, ...], stream: bool = False) -> Dataset:
    """Load the folder or archive ``path`` as images of ``shape``, (C, H, W), with C 1 (grey) or 3 (RGB).

    Where they do not fit in memory, or with ``stream``, those of a folder or of a tar that is not compressed stay on
    disk, and each is decoded when it is wanted. Raises CnnError.
    """
    wanted = wanted_shape(shape)
    if not path:
        raise CnnError("images: needs a path", "write images:PATH, a folder or an archive with one folder per class")
    source = open_source(given_path(path))
    arranged = arrange(source.path, source.entries)
    if {*map(str.lower, arranged.classes)} in PAIRED:
        message = f"{source.path}: holds {' and '.join(arranged.classes)}, which are no classes"
        raise CnnError(message, "masks are for a segmentation: --task segmentation, a network that ends in a map")
    count = len(arranged.train) + len(arranged.test)
    needed = count * int(np.prod(wanted))
    what = f"{count:,} images of {times(shape)}"
    stays = stream or not fits(needed)
    if stays and source.form == "compressed":
        if not stream:
            check_fits(needed, f"{source.path}: {what}", f"{UNPACK}; or give the network a smaller input")
        raise CnnError(f"{source.path}: is compressed, and images are read at random", UNPACK)
    if stays:
        note = f"the {what}, {gib(needed)}, stay on disk and are read while training"
        train, test = (_on_disk(source, part, wanted) for part in (arranged.train, arranged.test))
        return Dataset(f"images:{path}", train, test, arranged.classes, (*arranged.notes, note))
    images, notes = decode_all(source, [entry for entry, _ in arranged.train + arranged.test], wanted)
    cut = len(arranged.train)
    train, test = Split(images[:cut], _labels(arranged.train)), Split(images[cut:], _labels(arranged.test))
    return Dataset(f"images:{path}", train, test, arranged.classes, arranged.notes + notes)


def _on_disk(source: Container, part: Labelled, shape: tuple[int, int, int]) -> Split:
    """The images of a part where they lie; those of a tar in the order in which they lie in it."""
    if source.form == "folder":
        files: ImageFiles = in_folder(source.path, [entry for entry, _ in part])
        return Split(LazyImages((len(part), *shape), (), files), _labels(part))
    placed = tuple(sorted(part, key=lambda image: image[0].offset))
    files = in_tar(source.path, [entry for entry, _ in placed])
    return Split(LazyImages((len(part), *shape), (), files), _labels(placed))


def wanted_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape as (C, H, W). Raises CnnError where no image has it."""
    written = format_input_shape(shape)
    if len(shape) != 3:
        message = f"images have 3 axes, and the network's input {written} has {len(shape)}"
        raise CnnError(message, "give the network an input of channels, height and width, such as 3x32x32")
    if shape[0] not in MODES:
        message = f"images have 1 channel (grey) or 3 (RGB), and the network's input {written} has {shape[0]}"
        raise CnnError(message, "give the network an input of 1 or 3 channels")
    return shape[0], shape[1], shape[2]


def decode_all(
    source: Container, files: Sequence[FileEntry], shape: tuple[int, int, int]
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
