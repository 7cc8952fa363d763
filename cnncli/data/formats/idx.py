"""The IDX format of MNIST: a magic number, one 32-bit big-endian size per axis, then the bytes, plain or gzipped.

Source: http://yann.lecun.com/exdb/mnist/ (the magic's third byte is the type of the numbers, its fourth the axes).
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_shape
from cnncli.data.memory_limit import check_fits
from cnncli.errors import CnnError, counted
from cnncli.io.files import open_regular

HINT = "delete the file to download it again; if it is your own, check how it was written"

UNSIGNED_BYTE = 8
TYPES = {9: "signed bytes", 11: "16-bit integers", 12: "32-bit integers", 13: "floats", 14: "doubles"}
MAX_AXES = 4  # more than any image has
CHUNK = 1 << 20
LABEL_BYTES = 9  # of memory for a label: its byte, and its number as int64


def read_labeled(images: Path, labels: Path, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read an images file (N, H, W) as (N, 1, H, W), and its labels file (N,). Raises CnnError where they disagree."""
    pixels, numbers = read_idx(images, axes=3), read_idx(labels, axes=1)
    if len(pixels) != len(numbers):
        message = (
            f"{images} contains {counted(len(pixels), 'image')}, but {labels} contains {counted(len(numbers), 'label')}"
        )
        raise CnnError(message, f"they belong to different datasets: {HINT.replace('the file', 'both files', 1)}")
    if pixels.size == 0:
        raise CnnError(f"{images}: contains no pixels (its shape is {format_shape(pixels.shape)})", HINT)
    if numbers.max() >= classes:
        raise CnnError(f"{labels}: label {numbers.max()} is out of range: the classes are 0 to {classes - 1}", HINT)
    return pixels[:, None], numbers.astype(np.int64)


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with ``axes`` axes. Raises CnnError if it is damaged."""
    try:
        with _opened(path) as stream:
            shape = _header(path, stream, axes)
            return np.frombuffer(_body(path, stream, shape), np.uint8).reshape(shape)
    except EOFError:
        raise CnnError(f"{path}: the gzip data ends too early", HINT) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CnnError(f"{path}: the gzip data is damaged ({_reason(error)})", HINT) from None
    except OSError as error:
        raise CnnError(f"{path}: cannot be read ({error.strerror})") from None


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """The decompressed bytes. Recognized by content, as browsers decompress some downloads but keep the .gz."""
    with open_regular(path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            yield file  # type: ignore[misc]  # a BufferedReader
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked


def _header(path: Path, stream: BufferedIOBase, axes: int) -> tuple[int, ...]:
    """The sizes of the axes."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or not 1 <= magic[3] <= MAX_AXES:
        raise CnnError(f"{path}: is not an IDX file (it starts with {magic.hex(' ') or 'nothing'})", HINT)
    if magic[2] != UNSIGNED_BYTE:
        kind = TYPES.get(magic[2], f"numbers of the unknown type {magic[2]}")
        raise CnnError(f"{path}: contains {kind}; only unsigned bytes are supported", HINT)
    if magic[3] != axes:
        raise CnnError(f"{path}: contains {_content(magic[3])}, not {_content(axes)}", f"are two files swapped? {HINT}")
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise CnnError(f"{path}: ends inside its header", HINT)
    return tuple(int(size) for size in np.frombuffer(sizes, ">u4"))


def _content(axes: int) -> str:
    return {1: "labels (1 axis)", 3: "images (3 axes)"}.get(axes, f"an array of {axes} axes")


def _body(path: Path, stream: BufferedIOBase, shape: tuple[int, ...]) -> bytearray:
    """The numbers, read in chunks, so that a wrong size in the header allocates no memory."""
    expected = math.prod(shape)
    declared = f"{format_shape(shape)} = {expected:,}"
    each = LABEL_BYTES if len(shape) == 1 else 1
    check_fits(expected * each, f"{path}: {format_shape(shape)} bytes", HINT)
    data = bytearray()
    # One byte more than declared, to detect a file that is too long and to make gzip check its CRC at the end.
    while len(data) <= expected and (chunk := stream.read(min(CHUNK, expected + 1 - len(data)))):
        data += chunk
    if len(data) < expected:
        raise CnnError(f"{path}: has {len(data):,} bytes, but its header declares {declared}", HINT)
    if len(data) > expected:
        raise CnnError(f"{path}: has more bytes than the {declared} its header declares", HINT)
    return data


def _reason(error: Exception) -> str:
    return "its checksum is wrong" if "CRC" in str(error) else str(error)
