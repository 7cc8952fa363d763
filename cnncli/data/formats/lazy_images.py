"""Image files that stay on disk and are read for each batch: those in a folder, and those inside tar files.

No file is kept open between two batches, so that processes do not share a file position. Opening takes microseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.data.formats.containers import FileEntry, open_source
from cnncli.data.formats.pixels import NotDecoded, decode, strict
from cnncli.errors import CnnError
from cnncli.io.files import MAX_FILE_BYTES, open_regular, read_bytes

CHANGED = "it has changed, or has been moved, since it was listed: start again"


@dataclass(frozen=True, eq=False)
class _Files:
    """Image files on disk with their sizes in bytes: an ``ImageFiles`` of the dataset."""

    sizes: NDArray[np.int64]

    def contents(self, rows: Sequence[int]) -> Iterator[bytes]:
        """The encoded files of these ``rows``, in the order given. Raises CnnError."""
        raise NotImplementedError

    def name(self, row: int) -> str:
        """The full path of a file, with the archive that contains it, for messages."""
        raise NotImplementedError

    def read(self, rows: Sequence[int] | NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The images of these ``rows``, uint8 (n, C, H, W), decoded to ``shape``. Raises CnnError, IndexError."""
        channels, height, width = shape
        wanted = np.asarray(rows, np.int64).reshape(-1)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < len(self.sizes)):
            raise IndexError(f"rows {wanted.min():,} to {wanted.max():,} of {len(self.sizes):,} images")
        images = np.empty((len(wanted), channels, height, width), np.uint8)
        places = np.argsort(wanted, kind="stable")  # files are stored in the order of their rows
        ascending: list[int] = wanted[places].tolist()
        with strict():
            for place, row, content in zip(places, ascending, self.contents(ascending), strict=True):
                try:
                    images[place] = decode(content, channels, height, width).pixels
                except NotDecoded as error:
                    message = f"{self.name(row)} cannot be read as an image: {error}"
                    raise CnnError(message, "replace or remove it") from None
        return images


@dataclass(frozen=True, eq=False)
class InFolder(_Files):
    """Files below ``root``: their relative paths as bytes, in one array, which stays small for a million files."""

    root: Path
    paths: NDArray[np.bytes_]

    def contents(self, rows: Sequence[int]) -> Iterator[bytes]:
        for row in rows:
            try:
                content = read_bytes(self._path(row))
            except OSError as error:
                raise CnnError(f"{self._path(row)}: cannot be read ({error.strerror})", CHANGED) from None
            yield content

    def name(self, row: int) -> str:
        return f"{self.root}: {os.fsdecode(self.paths[row])}"

    def fingerprint(self) -> bytes:
        digest = blake2b(self.sizes.tobytes(), digest_size=16)
        digest.update(b"\0".join(self.paths.tolist()))
        return digest.digest()

    def _path(self, row: int) -> Path:
        return self.root / os.fsdecode(self.paths[row])


@dataclass(frozen=True, eq=False)
class InTars(_Files):
    """Members of uncompressed tar files: ``tars``, and for each row the number of its tar and its offset in it."""

    tars: tuple[Path, ...]
    numbers: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def contents(self, rows: Sequence[int]) -> Iterator[bytes]:
        for number, together in groupby(rows, lambda row: int(self.numbers[row])):
            yield from self._of_one(self.tars[number], list(together))

    def _of_one(self, path: Path, rows: list[int]) -> Iterator[bytes]:
        try:
            with open_regular(path) as file:
                for row in rows:
                    file.seek(self.offsets[row])
                    size = int(self.sizes[row])
                    content = file.read(size)
                    if len(content) < size:
                        raise CnnError(f"{path}: ends too early", CHANGED)
                    yield content
        except OSError as error:
            raise CnnError(f"{path}: cannot be read ({error.strerror or error})", CHANGED) from None

    def name(self, row: int) -> str:
        """The tar and its member, which is looked up again: only messages about broken files need names."""
        path, offset = self.tars[self.numbers[row]], self.offsets[row]
        entries = open_source(path).entries
        return f"{path}: {next((entry.name for entry in entries if entry.offset == offset), f'byte {offset:,}')}"

    def fingerprint(self) -> bytes:
        digest = blake2b("\0".join(path.name for path in self.tars).encode("utf-8", "surrogateescape"), digest_size=16)
        for array in (self.numbers, self.offsets, self.sizes):
            digest.update(array.tobytes())
        return digest.digest()


def in_folder(root: Path, files: Sequence[FileEntry]) -> InFolder:
    """The ``files`` of the folder ``root``. Raises CnnError."""
    paths = np.array([os.fsencode(entry.name) for entry in files], np.bytes_)
    return InFolder(_sizes(root, files), root.absolute(), paths)


def in_tar(path: Path, files: Sequence[FileEntry]) -> InTars:
    """The ``files`` of one tar, in the order of their offsets. Raises CnnError."""
    offsets = np.array([entry.offset for entry in files], np.int64)
    return InTars(_sizes(path, files), (path.absolute(),), np.zeros(len(files), np.int32), offsets)


def _sizes(path: Path, files: Sequence[FileEntry]) -> NDArray[np.int64]:
    """The sizes in bytes. Raises CnnError for a file too large to be an image."""
    for entry in files:
        if entry.size > MAX_FILE_BYTES:
            message = f"{path}: {entry.name} is larger than {MAX_FILE_BYTES >> 20} MiB"
            raise CnnError(message, "no image is that large: remove it")
    return np.array([entry.size for entry in files], np.int64)
