"""The bundled 1,797 handwritten digits: a real dataset without a download. See LICENSE.md."""

from __future__ import annotations

import gzip
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Dataset, Split
from cnncli.data.registry import DIGITS, Request

BRIGHTEST = 16  # pixels are counts of set points in 4x4 blocks


def load(request: Request) -> Dataset:
    """The digits as images (1, 8, 8); the first four fifths of the file, which is not sorted by class, train."""
    packed = files("cnncli.data.sources.digits").joinpath("digits.csv.gz").read_bytes()
    table = np.loadtxt(gzip.decompress(packed).decode("ascii").splitlines(), delimiter=",", dtype=np.int64)
    cut = request.row.train
    return Dataset(request.row.name, _split(table[:cut]), _split(table[cut:]), DIGITS)


def _split(rows: NDArray[np.int64]) -> Split:
    """Rows of 64 pixels and the digit, as images and labels."""
    pixels = np.rint(rows[:, :64] * 255 / BRIGHTEST).astype(np.uint8)
    return Split(pixels.reshape(-1, 1, 8, 8), rows[:, 64])
