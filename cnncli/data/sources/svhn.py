"""Street View House Numbers, cropped to single digits: two MATLAB 5 files, which scipy reads without running anything.

A file holds ``X``, uint8 (32, 32, 3, N), and ``y``, (N, 1), where the digit 0 is written as 10
(http://ufldl.stanford.edu/housenumbers/).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from cnncli.data.dataset import Dataset, Split
from cnncli.data.download import Remote, by_hand, fetch, writing
from cnncli.data.memory import check_fits
from cnncli.data.places import cache, mirrors, places
from cnncli.errors import CnnError
from cnncli.io.files import is_file, open_regular

FILES = {  # to train and to test with
    "train_32x32.mat": Remote("435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182_040_794),
    "test_32x32.mat": Remote("cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64_275_384),
}
FOLDERS = ("svhn", "SVHN", ".")
MIRRORS = ("http://ufldl.stanford.edu/housenumbers",)
IMAGE = (32, 32, 3)
CLASSES = tuple(map(str, range(10)))
ARRAYS = ("X", "y")
TEN = 10  # MATLAB counts from 1, so that this stands for the digit 0
AGAIN = "remove it: it is downloaded again"


def load(data_dir: Path | None) -> Dataset:
    """The training and the test part, images (3, 32, 32), from disk, or from the network the first time.

    Raises CnnError where scipy is not installed, a file cannot be had, or is none of the two.
    """
    reader = _reader()  # before anything is downloaded that could not be read
    train, test = (_split(path, reader) for path in _found(data_dir) or _downloaded(data_dir))
    return Dataset("svhn", train, test, CLASSES)


def is_local(data_dir: Path | None) -> bool:
    """Whether it can be used without a download."""
    return _found(data_dir) is not None


def _reader() -> Any:
    try:
        import scipy.io
    except ImportError:
        raise CnnError(
            "svhn: its files are MATLAB's, and scipy, which reads them, is not installed",
            "pip install 'cnn-calculator[svhn]'",
        ) from None
    return scipy.io


def _found(data_dir: Path | None) -> list[Path] | None:
    for place in places(FOLDERS, data_dir):
        paths = [place / name for name in FILES]
        if all(map(is_file, paths)):
            return paths
    return None


def _split(path: Path, reader: Any) -> Split:
    try:
        with open_regular(path) as file:
            for name, shape, kind in reader.whosmat(file):
                if name in ARRAYS:  # its size is known before anything of it is unpacked
                    size = math.prod(shape) * (1 if kind == "uint8" else 8)
                    check_fits(2 * size, f"{path}: {name}, {'x'.join(map(str, shape))} of {kind},", AGAIN)
            file.seek(0)
            arrays = reader.loadmat(file, variable_names=ARRAYS)
    except (CnnError, MemoryError):
        raise
    except Exception as error:  # a damaged file makes scipy's reader raise almost anything
        if isinstance(error, OSError) and error.strerror:
            raise CnnError(f"{path}: cannot be read: {error.strerror}") from None
        raise CnnError(f"{path}: is no MATLAB 5 file, or is damaged: {error or type(error).__name__}", AGAIN) from None
    if missing := [name for name in ARRAYS if not isinstance(arrays.get(name), np.ndarray)]:
        raise CnnError(f"{path}: holds no {' and no '.join(missing)}", AGAIN)
    pixels, labels = arrays["X"], arrays["y"].reshape(-1)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[:3] != IMAGE or not len(labels):
        shape = "x".join(map(str, pixels.shape))
        raise CnnError(f"{path}: X is {shape} of {pixels.dtype}, not 32x32x3xN of uint8", AGAIN)
    if len(labels) != pixels.shape[3]:
        raise CnnError(f"{path}: {pixels.shape[3]:,} images, and {len(labels):,} labels", AGAIN)
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > TEN:
        raise CnnError(f"{path}: the labels are not the digits 1 to 9, and 10 for 0", AGAIN)
    return Split(np.ascontiguousarray(pixels.transpose(3, 2, 0, 1)), labels.astype(np.int64) % TEN)


def _downloaded(data_dir: Path | None) -> list[Path]:
    addresses = mirrors("svhn", MIRRORS)
    folder = (data_dir or cache()) / "svhn"
    hint = by_hand(" and ".join(FILES), folder)
    with writing("svhn", folder):
        for name, remote in FILES.items():
            if not (folder / name).exists():
                fetch([f"{mirror}/{name}" for mirror in addresses], folder / name, remote, hint)
    return [folder / name for name in FILES]
