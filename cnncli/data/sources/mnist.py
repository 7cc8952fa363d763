"""MNIST and the datasets in its format: four IDX files, of the images and the labels of each split."""

from __future__ import annotations

from cnncli.arithmetic.shape import format_shape
from cnncli.data.dataset import Dataset, Split
from cnncli.data.download.published import local_or_downloaded
from cnncli.data.formats.idx import HINT, read_labeled
from cnncli.data.registry import Request
from cnncli.errors import CnnError


def load(request: Request) -> Dataset:
    """Images (1, H, W) and labels from disk, or from the network the first time. Raises CnnError."""
    row = request.row
    assert isinstance(row.classes, tuple)  # IDX files contain no class names
    paths = local_or_downloaded(request)
    train, test = (Split(*read_labeled(paths[at], paths[at + 1], len(row.classes))) for at in (0, 2))
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join(format_shape(split.images.shape[2:]) for split in (train, test))
        raise CnnError(f"{paths[0]} and {paths[2]} contain images of different sizes, {sizes}", HINT)
    return Dataset(row.name, train, test, row.classes)
