"""What a data set is once it is in memory: arrays of pixels and labels, and nothing about where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the names of the data sets are wanted where numpy is not
    from collections.abc import Iterable, Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


VOID = 255  # of a mask: a pixel that counts for nothing


class OnDisk(Protocol):
    """Images that stay on disk, uint8 (N, C, H, W); it can be sent to other processes.

    ``pieces`` says how many successive ones lie together in a file each; empty where none do.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def pieces(self) -> tuple[int, ...]: ...
    def read(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """Some of them, (n, C, H, W). Raises CnnError for a file that cannot be read."""

    def identity(self) -> str:
        """What tells these images from others without reading them: the names, sizes and places of the files."""


@dataclass(frozen=True)
class Split:
    """Images, uint8 (N, C, H, W), and the target of each.

    Arrays and tables may be of another rank, (N, features) or (N, C, L), and float32: then they are taken as they are.
    Targets are class numbers, int64 (N,); or numbers, float32 (N, K), of a regression; or masks, uint8 (N, H, W) of the
    class of each pixel, 255 where there is none, of a segmentation.
    """

    images: NDArray[np.uint8] | NDArray[np.float32] | OnDisk
    labels: NDArray[np.int64] | NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """A training and a test split over the same ``classes``; ``notes`` say what was done to the data on the way.

    The classes of a regression are its targets' names.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What its targets are for: classification, regression or segmentation."""
        kind = self.train.labels.dtype.kind
        return {"i": "classification", "f": "regression", "u": "segmentation"}[kind]


def mask_classes(masks: Iterable[NDArray[Any]], outputs: int) -> tuple[str, ...]:
    """The numbers of the classes of masks that have no names: those of a network of so many ``outputs``, or more."""
    largest = max(int(mask[mask != VOID].max(initial=0)) for mask in masks)
    return tuple(str(number) for number in range(max(outputs, largest + 1)))
