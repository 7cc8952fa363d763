"""Image files that stay on disk, read when a batch wants them: those in a folder, and those inside of tar files.

Nothing is held open between two batches, so that no two processes share a place in a file. Opening costs microseconds.
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
from cnncli.data.image_files import ImageFiles
from cnncli.errors import CnnError
from cnncli.io.files import MAX_FILE_BYTES, open_regular, read_bytes

CHANGED = "it has changed, or has been moved, since it was listed: begin again"


def read(files: ImageFiles, indices: Sequence[int] | NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The images at ``indices`` of all (N, C, H, W), as (n, C, H, W). Raises CnnError, or an IndexError."""
    count, channels, height, width = shape
    wanted = np.asarray(indices, np.int64).reshape(-1)
    if len(wanted) and not (wanted.min() >= 0 and wanted.max() < count):
        raise IndexError(f"there are {count:,} images, and no {wanted.min():,} or no {wanted.max():,}")
    images = np.empty((len(wanted), channels, height, width), np.uint8)
    places = np.argsort(wanted, kind="stable")  # files lie in the order of their rows
    rows: list[int] = wanted[places].tolist()
    with strict():
        for place, row, content in zip(places, rows, files.contents(rows), strict=True):
            try:
                images[place] = decode(content, channels, height, width).pixels
            except NotDecoded as error:
                message = f"{files.name(row)} cannot be read as an image: {error}"
                raise CnnError(message, "replace or remove it") from None
    return images


@dataclass(frozen=True, eq=False)
class InFolder:
    """Files below ``root``: their paths from there as bytes, one array for all, of which a million takes little."""

    root: Path
    paths: NDArray[np.bytes_]
    sizes: NDArray[np.int64]

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
class InTars:
    """Members of uncompressed tar files: ``tars``, and for each row the number of its tar, its place and its size."""

    tars: tuple[Path, ...]
    numbers: NDArray[np.int32]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]

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
        """The tar and the member: looked up in it again, as names are wanted of broken files alone."""
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
    _check_sizes(root, files)
    paths = np.array([os.fsencode(entry.name) for entry in files], np.bytes_)
    return InFolder(root.absolute(), paths, np.array([entry.size for entry in files], np.int64))


def in_tar(path: Path, files: Sequence[FileEntry]) -> InTars:
    """The ``files`` of one tar, in the order of their places in it. Raises CnnError."""
    _check_sizes(path, files)
    offsets, sizes = (np.array(each, np.int64) for each in ([e.offset for e in files], [e.size for e in files]))
    return InTars((path.absolute(),), np.zeros(len(files), np.int32), offsets, sizes)


def _check_sizes(path: Path, files: Sequence[FileEntry]) -> None:
    for entry in files:
        if entry.size > MAX_FILE_BYTES:
            message = f"{path}: {entry.name} is larger than {MAX_FILE_BYTES >> 20} MiB"
            raise CnnError(message, "no image is that large: remove it")
