"""``images:PATH``: a folder or archive of images, one folder per class, as arrays of the network's input size."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_shape
from cnncli.data.dataset import Dataset, ImageFiles, LazyImages, Split
from cnncli.data.formats.containers import Container, open_source
from cnncli.data.formats.decoding import decode_all, image_shape
from cnncli.data.formats.lazy_images import in_folder, in_tar
from cnncli.data.memory_limit import check_fits, fits, gib
from cnncli.data.registry import Request
from cnncli.data.sources import masks
from cnncli.data.sources.class_folders import IMAGE_FOLDERS, MASK_FOLDERS, Labeled, split_class_folders
from cnncli.errors import CnnError, counted
from cnncli.io.files import given_path

PAIRED = [{image, mask} for image in IMAGE_FOLDERS for mask in MASK_FOLDERS]
UNPACK = "unpack it: the images of a folder can stay on disk"


def load(request: Request) -> Dataset:
    """Load a folder or archive as images of the network's input shape, (C, H, W), with C 1 (grayscale) or 3 (RGB).

    Where they do not fit in memory, or with ``stream``, those of a folder or of a tar that is not compressed stay on
    disk and are decoded for each batch. For segmentation they are read with their masks. Raises CnnError.
    """
    if request.task == "segmentation":
        return masks.load(request)
    shape = image_shape(request.shape)
    if not request.argument:
        raise CnnError("images: needs a path", "use images:PATH, a folder or an archive with one folder per class")
    source = open_source(given_path(request.argument))
    found = split_class_folders(source.path, source.entries)
    if {*map(str.lower, found.classes)} in PAIRED:
        message = f"{source.path}: contains {' and '.join(found.classes)}, which are not classes"
        raise CnnError(message, "for masks, use --task segmentation and a network that ends in a feature map")
    count = len(found.train) + len(found.test)
    needed = count * prod(shape)
    what = f"{counted(count, 'image')} of {format_shape(shape)}"
    stays = request.stream or not fits(needed)
    if stays and source.form == "compressed":
        if not request.stream:
            check_fits(needed, f"{source.path}: {what}", f"{UNPACK}; or give the network a smaller input")
        raise CnnError(f"{source.path}: is compressed, so its images cannot be read in any order", UNPACK)
    if stays:
        note = f"the {what}, {gib(needed)}, stay on disk and are read while training"
        train, test = (_on_disk(source, images, shape) for images in (found.train, found.test))
        return Dataset(request.spec, train, test, found.classes, (*found.notes, note))
    images, notes = decode_all(source, [entry for entry, _ in found.train + found.test], shape)
    cut = len(found.train)
    train, test = Split(images[:cut], _labels(found.train)), Split(images[cut:], _labels(found.test))
    return Dataset(request.spec, train, test, found.classes, found.notes + notes)


def _on_disk(source: Container, images: Labeled, shape: tuple[int, int, int]) -> Split:
    """The images of a split, on disk; those of a tar in the order of their offsets."""
    if source.form == "folder":
        files: ImageFiles = in_folder(source.path, [entry for entry, _ in images])
        return Split(LazyImages((len(images), *shape), (), files), _labels(images))
    placed = tuple(sorted(images, key=lambda image: image[0].offset))
    files = in_tar(source.path, [entry for entry, _ in placed])
    return Split(LazyImages((len(images), *shape), (), files), _labels(placed))


def _labels(images: Labeled) -> NDArray[np.int64]:
    return np.array([label for _, label in images], np.int64)
