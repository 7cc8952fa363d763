"""What a data set is once it is in memory: arrays of pixels and labels, and nothing about where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the names of the data sets are wanted where numpy is not
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Images, uint8 (N, C, H, W), and the class number of each, int64 (N,).

    Arrays and tables may be of another rank, (N, features) or (N, C, L), and float32: then they are taken as they are.
    """

    images: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """A training and a test split over the same ``classes``; ``notes`` say what was done to the data on the way."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
