"""Image files that are read when they are needed: what a folder, an archive and a set of shards have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol


class ImageFiles(Protocol):
    """Where the image files of a split lie: their order is one in which they are read quickly.

    It can be pickled, and holds nothing open: any process may read, and several at once.
    """

    def contents(self, rows: Sequence[int]) -> Iterator[bytes]:
        """The bytes of the files of these ``rows``, in the order given. Raises CnnError."""

    def name(self, row: int) -> str:
        """What messages call the file: where it lies, in full."""

    def fingerprint(self) -> bytes:
        """A hash of the names, places and sizes of all files in their order, not of their pixels: those stay unread."""
