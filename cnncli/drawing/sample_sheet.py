"""A sheet of a dataset's images, a row for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from cnncli.data.dataset import Dataset, LazyImages
from cnncli.errors import CnnError
from cnncli.io.writing import writing

PER_CLASS = 10  # images in a row
MAX_CLASSES = 100  # rows
MIN_SIDE = 56  # pixels to which small images are enlarged


def write_sample_sheet(dataset: Dataset, path: Path) -> None:
    """Write the first training images of each class as a PNG file. Raises CnnError."""
    images, labels = dataset.train.images, dataset.train.labels
    are_bytes = isinstance(images, LazyImages) or images.dtype == np.uint8
    if len(images.shape) != 4 or not are_bytes or images.shape[1] not in (1, 3):
        raise CnnError(f"--samples: {dataset.name} has no images", "omit it")
    if path.suffix.lower() != ".png":
        raise CnnError(f"{path}: samples are written as PNG", "use a name that ends in .png")
    if dataset.task != "classification":
        raise CnnError(f"--samples: {dataset.name} has no classes of images", "omit it")
    _, channels, height, width = images.shape
    rows = min(len(dataset.classes), MAX_CLASSES)
    sheet = np.full((rows * (height + 1), PER_CLASS * (width + 1), channels), 255, np.uint8)
    for row in range(rows):
        chosen = np.flatnonzero(labels == row)[:PER_CLASS]
        for column, image in enumerate(images.read(chosen) if isinstance(images, LazyImages) else images[chosen]):
            top, left = row * (height + 1), column * (width + 1)
            sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    _save(Image.fromarray(sheet if channels == 3 else sheet[:, :, 0]), max(1, MIN_SIDE // max(height, width)), path)


def _save(sheet: Image.Image, scale: int, path: Path) -> None:
    with writing(path):
        sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST).save(path)
