"""The arrays of an npz file, read one by one: a header is checked against what the file holds before memory is taken.

The format is that of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Of the numbers, texts and
truth values that a header may name those are read which have a fixed size; nothing is ever unpickled.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnncli.data.archives import open_zip, zip_chunks
from cnncli.data.memory import check_fits
from cnncli.errors import CnnError

HINT = "write it with np.savez(FILE, x=…, y=…)"
MAGIC = b"\x93NUMPY"
LENGTHS = {
    b"\1\0": (2, "latin-1"),
    b"\2\0": (4, "latin-1"),
    b"\3\0": (4, "utf-8"),
}  # by version: of the header's length
MAX_HEADER = 10_000  # bytes, as numpy's own max_header_size
MAX_AXES = 32  # of numpy 1
MAX_CODE = 0x10FFFF  # of Unicode

KEYS = (
    r"""['"]descr['"]\s*:\s*(?P<descr>['"][^'"]*['"]|\[.*\])""",
    r"""['"]fortran_order['"]\s*:\s*(?P<order>True|False)""",
    r"""['"]shape['"]\s*:\s*\(\s*(?P<shape>(?:\d{1,19}L?(?:\s*,\s*\d{1,19}L?)*\s*,?)?)\s*\)""",  # L: of Python 2
)
HEADER = re.compile(r"\{\s*[^{}]*\}\s*", re.ASCII)
TYPE = re.compile(r"""['"]([<>|=]?[biufSU]\d{1,9})['"]""", re.ASCII)  # no object, date, complex number or record


class Header(NamedTuple):
    """What a .npy file says of its array."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Npz:
    """The names of the arrays in an npz file; ``file[name]`` reads one. Raises CnnError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _readable(path), open_zip(path) as archive:
            names = [member.filename.removesuffix(".npy") for member in archive.infolist()]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise CnnError(f"{path}: is not a file of arrays: it holds two called {twice[0]}", HINT)
        self.names = tuple(names)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> NDArray[Any]:
        with _readable(self.path), open_zip(self.path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            return _read(f"{self.path}: {name}", archive, members[name])


def _read(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """The array in a member. Raises CnnError where it would not fit in memory, ValueError and what zipfile raises."""
    chunks = zip_chunks(archive, member)
    start = b""

    def take(count: int) -> bytes:
        nonlocal start
        while len(start) < count:
            start += next(chunks, None) or _ends_early()
        taken, start = start[:count], start[count:]
        return taken

    header, length = read_header(take)
    if header.nbytes != member.file_size - length:
        text = "x".join(map(str, header.shape)) or "one"
        raise ValueError(
            f"the header of {member.filename} says {text} of {header.dtype}, {header.nbytes:,} bytes, "
            f"and {member.file_size - length:,} follow it"
        )
    check_fits(2 * header.nbytes, f"{name}, read and split,", "use fewer examples, or smaller numbers such as uint8")
    values = np.empty(math.prod(header.shape), header.dtype)
    place, target = 0, values.view(np.uint8)
    for chunk in chain([start], chunks):
        target[place : place + len(chunk)] = np.frombuffer(chunk, np.uint8)
        place += len(chunk)
    return _sound(values).reshape(header.shape, order="F" if header.fortran_order else "C")


def read_header(read: Callable[[int], bytes]) -> tuple[Header, int]:
    """The header of a .npy file and its length in bytes; ``read`` gives so many bytes. Raises ValueError."""
    start = read(len(MAGIC) + 2)
    if not start.startswith(MAGIC) or start[len(MAGIC) :] not in LENGTHS:
        raise ValueError("an array in it does not begin as a .npy file does")
    width, encoding = LENGTHS[start[len(MAGIC) :]]
    length = int.from_bytes(read(width), "little")
    if length > MAX_HEADER:
        raise ValueError(f"the header of an array has {length:,} bytes, more than {MAX_HEADER:,}")
    return parse_header(read(length).decode(encoding)), len(start) + width + length


def parse_header(text: str) -> Header:
    """The header in its text, a dictionary with three keys, which is not evaluated. Raises ValueError."""
    found = [[*re.finditer(key, text, re.ASCII | re.DOTALL)] for key in KEYS]
    if not HEADER.fullmatch(text) or any(len(each) != 1 for each in found):
        raise ValueError("the header of an array is not one of numpy's")
    (descr,), (order,), (shape,) = found
    kind = TYPE.fullmatch(descr["descr"])
    if kind is None:
        raise ValueError(f"an array holds {descr['descr'][:40]}, which is not numbers, and is not unpickled")
    try:
        dtype = np.dtype(kind[1])
    except (TypeError, ValueError):
        raise ValueError(f"an array holds {kind[1]}, which is no type") from None
    sizes = tuple(int(size) for size in re.findall(r"\d+", shape["shape"], re.ASCII))
    if not dtype.itemsize or len(sizes) > MAX_AXES or math.prod(filter(None, sizes)) > np.iinfo(np.int64).max:
        raise ValueError(f"an array of {shape['shape'][:80]} elements of {dtype} cannot be")
    return Header(sizes, order["order"] == "True", dtype)


def _sound(values: NDArray[Any]) -> NDArray[Any]:
    """The values, if they are some of their type. Raises ValueError."""
    if values.dtype.kind == "b":
        truth: NDArray[np.bool_] = values.view(np.uint8) != 0
        return truth
    if values.dtype.kind == "U":
        order = values.dtype.byteorder
        codes = values.view(np.dtype(np.uint32).newbyteorder(order if order in "<>" else "="))
        if codes.max(initial=0) > MAX_CODE:
            raise ValueError("a text holds codes beyond Unicode")
    return values


def _ends_early() -> bytes:
    raise EOFError


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn each way in which a file can be missing or broken into a CnnError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise CnnError(f"{path}: there is no such file") from None
    except (CnnError, MemoryError):
        raise
    except Exception as error:  # a damaged zip file makes zipfile raise almost anything
        reason = "it ends too early" if isinstance(error, EOFError) else str(error).partition("\n")[0]
        raise CnnError(f"{path}: is not a file of arrays: {reason or type(error).__name__}", HINT) from None
