"""Street View House Numbers, cropped to single digits: two MATLAB 5 files, which scipy reads without running anything.

A file contains ``X``, uint8 (32, 32, 3, N), and ``y``, (N, 1), where the digit 0 is written as 10
(http://ufldl.stanford.edu/housenumbers/).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from cnncli.arithmetic.shape import format_shape
from cnncli.data.dataset import Dataset, Split
from cnncli.data.download.published import local_or_downloaded
from cnncli.data.memory_limit import check_fits
from cnncli.data.registry import DIGITS, Request
from cnncli.errors import CnnError, counted
from cnncli.io.files import open_regular

IMAGE = (32, 32, 3)
ARRAYS = ("X", "y")
TEN = 10  # the label of the digit 0, as MATLAB counts from 1
AGAIN = "remove it to download it again"


def load(request: Request) -> Dataset:
    """The training and the test split, images (3, 32, 32), from disk, or from the network the first time.

    Raises CnnError where scipy is not installed, and for a file that is missing or not one of the two.
    """
    reader = _reader()  # before anything is downloaded that could not be read
    train, test = (_split(path, reader) for path in local_or_downloaded(request))
    return Dataset(request.row.name, train, test, DIGITS)


def _reader() -> Any:
    try:
        import scipy.io
    except ImportError:
        raise CnnError(
            "svhn: its MATLAB files are read by scipy, which is not installed",
            "pip install 'cnn-calculator[svhn]'",
        ) from None
    return scipy.io


def _split(path: Path, reader: Any) -> Split:
    try:
        with open_regular(path) as file:
            for name, shape, kind in reader.whosmat(file):
                if name in ARRAYS:  # check the size before decompressing
                    size = math.prod(shape) * (1 if kind == "uint8" else 8)
                    check_fits(2 * size, f"{path}: {name}, {format_shape(shape)} of {kind},", AGAIN)
            file.seek(0)
            arrays = reader.loadmat(file, variable_names=ARRAYS)
    except (CnnError, MemoryError):
        raise
    except Exception as error:  # a damaged file makes scipy's reader raise almost anything
        if isinstance(error, OSError) and error.strerror:
            raise CnnError(f"{path}: cannot be read: {error.strerror}") from None
        raise CnnError(
            f"{path}: is not a MATLAB 5 file, or is damaged: {error or type(error).__name__}", AGAIN
        ) from None
    if missing := [name for name in ARRAYS if not isinstance(arrays.get(name), np.ndarray)]:
        raise CnnError(f"{path}: contains no {' and no '.join(missing)}", AGAIN)
    pixels, labels = arrays["X"], arrays["y"].reshape(-1)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[:3] != IMAGE or not len(labels):
        shape = format_shape(pixels.shape)
        raise CnnError(f"{path}: X is {shape} of {pixels.dtype}, not 32x32x3xN of uint8", AGAIN)
    if len(labels) != pixels.shape[3]:
        raise CnnError(f"{path}: {counted(pixels.shape[3], 'image')}, and {counted(len(labels), 'label')}", AGAIN)
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > TEN:
        raise CnnError(f"{path}: the labels are not the digits 1 to 9, and 10 for 0", AGAIN)
    return Split(np.ascontiguousarray(pixels.transpose(3, 2, 0, 1)), labels.astype(np.int64) % TEN)
