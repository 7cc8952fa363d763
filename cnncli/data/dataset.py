"""What a data set is once it is loaded: pixels in memory or on disk, labels, and nothing about where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnncli.data.image_files import ImageFiles

if TYPE_CHECKING:  # the names of the data sets are wanted where numpy is not
    from collections.abc import Iterable
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


VOID = 255  # of a mask: a pixel that counts for nothing


@dataclass(frozen=True, eq=False)
class LazyImages:
    """Images that stay on disk, and are decoded each time they are asked for: ``shape`` is (N, C, H, W).

    ``pieces`` says how many successive examples lie together, in one shard: to read a piece at a time is quick, and
    they sum to N. It is empty where any order is as good as another.
    """

    shape: tuple[int, ...]
    pieces: tuple[int, ...]
    files: ImageFiles

    def read(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at ``indices``, uint8 (n, C, H, W), decoded and resized as those in memory are.

        Raises CnnError with the name of a file that cannot be read; IndexError.
        """
        from cnncli.data.formats.lazy_images import read

        return read(self.files, indices, self.shape)

    def fingerprint(self) -> bytes:
        """A hash of which files these are, and of the shape they are read as; their pixels stay unread."""
        return repr(self.shape).encode() + self.files.fingerprint()


@dataclass(frozen=True)
class Split:
    """Images, uint8 (N, C, H, W), in memory or on disk, and the target of each, in memory.

    Arrays and tables may be of another rank, (N, features) or (N, C, L), and float32: then they are taken as they are.
    Targets are class numbers, int64 (N,); or numbers, float64 (N, K), of a regression; or masks, uint8 (N, H, W) of the
    class of each pixel, 255 where there is none, of a segmentation.
    """

    images: NDArray[np.uint8] | NDArray[np.float32] | LazyImages
    labels: NDArray[np.int64] | NDArray[np.float64] | NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """A training and a test split over the same ``classes``; ``notes`` say what was done to the data on the way.

    The classes of a regression are its targets' names. ``columns`` are the names of a table's inputs, in the order of
    the values; none where there are no names.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What its targets are for: classification, regression or segmentation."""
        kind = self.train.labels.dtype.kind
        return {"i": "classification", "f": "regression", "u": "segmentation"}[kind]


def mask_classes(masks: Iterable[NDArray[Any]], outputs: int) -> tuple[str, ...]:
    """The numbers of the classes of masks that have no names: those of a network of so many ``outputs``, or more."""
    largest = max(int(mask[mask != VOID].max(initial=0)) for mask in masks)
    return tuple(str(number) for number in range(max(outputs, largest + 1)))
