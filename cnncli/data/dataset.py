"""The types of a loaded dataset: images in memory or on disk, and their labels, wherever they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # listing the datasets needs no numpy
    from collections.abc import Iterable
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


VOID = 255  # the value of a mask's pixels that belong to no class and are ignored
MAX_CLASS_NAME = 200  # characters of a class's name


class ImageFiles(Protocol):
    """Encoded images on disk, numbered in an order in which reading them is fast.

    They can be pickled and hold no file open: several processes may read them at once.
    """

    def read(self, rows: Sequence[int] | NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The images of these ``rows``, uint8 (n, C, H, W), decoded to ``shape``, (C, H, W).

        Raises CnnError, IndexError.
        """

    def fingerprint(self) -> bytes:
        """A hash of the names, offsets and sizes of all files in their order, without reading their pixels."""


@dataclass(frozen=True, eq=False)
class LazyImages:
    """Images that stay on disk and are decoded each time they are read: ``shape`` is (N, C, H, W).

    ``pieces`` are the numbers of successive examples that lie together, in one shard, and sum to N: reading a piece at
    a time is fast. It is empty where any order is equally fast.
    """

    shape: tuple[int, ...]
    pieces: tuple[int, ...]
    files: ImageFiles

    def read(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at ``indices``, uint8 (n, C, H, W), decoded and resized like those in memory.

        Raises CnnError with the name of a file that cannot be read; IndexError.
        """
        return self.files.read(indices, self.shape[1:])

    def fingerprint(self) -> bytes:
        """A hash of which files these are and of the shape they are read as, without reading their pixels."""
        return repr(self.shape).encode() + self.files.fingerprint()


@dataclass(frozen=True)
class Split:
    """Images, uint8 (N, C, H, W), in memory or on disk, and the target of each, in memory.

    Arrays and tables may have another rank, (N, features) or (N, C, L), and be float32: then they are used unchanged.
    Targets are class numbers, int64 (N,); or numbers, float64 (N, K), for regression; or masks, uint8 (N, H, W) of the
    class of each pixel, 255 where there is none, for segmentation.
    """

    images: NDArray[np.uint8] | NDArray[np.float32] | LazyImages
    labels: NDArray[np.int64] | NDArray[np.float64] | NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """A training and a test split over the same ``classes``; ``notes`` describe what was converted or left out.

    The classes of a regression are its targets' names. ``columns`` are the names of a table's inputs, in the order of
    the values; empty where they have no names.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """The task its targets are for: classification, regression or segmentation."""
        kind = self.train.labels.dtype.kind
        return {"i": "classification", "f": "regression", "u": "segmentation"}[kind]


class ColumnNames(NamedTuple):
    """The columns of a table that a network was trained on, in its order; ``targets`` are those of a regression."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def unnamed_targets(count: int) -> tuple[str, ...]:
    """Names for the targets of a regression where the data has none: y0, y1, …"""
    return tuple(f"y{number}" for number in range(count))


def mask_classes(masks: Iterable[NDArray[Any]], outputs: int) -> tuple[str, ...]:
    """Class numbers as names for masks without class names: at least as many as the network's ``outputs``."""
    largest = max(int(mask[mask != VOID].max(initial=0)) for mask in masks)
    return tuple(str(number) for number in range(max(outputs, largest + 1)))
