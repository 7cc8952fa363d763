"""Arrays that NumPy saved, in a .npy or an npz file: a header is checked before memory is allocated.

The format is that of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Numbers,
strings and booleans of a fixed size are read; nothing is ever unpickled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_shape
from cnncli.data.formats.archives import open_zip, zip_chunks
from cnncli.data.memory_limit import check_fits
from cnncli.errors import CnnError, shortened

HINT = "write it with np.savez(FILE, x=…, y=…)"
MAGIC = b"\x93NUMPY"
LENGTHS = {
    b"\1\0": (2, "latin-1"),
    b"\2\0": (4, "latin-1"),
    b"\3\0": (4, "utf-8"),
}  # by version: the size of the header's length, and its encoding
MAX_HEADER = 10_000  # bytes, as numpy's own max_header_size
MAX_AXES = 32  # the limit of NumPy 1
MAX_CODE = 0x10FFFF  # the largest code point of Unicode

KEYS = (
    r"""['"]descr['"]\s*:\s*(?P<descr>['"][^'"]*['"]|\[.*\])""",
    r"""['"]fortran_order['"]\s*:\s*(?P<order>True|False)""",
    r"""['"]shape['"]\s*:\s*\(\s*(?P<shape>(?:\d{1,19}L?(?:\s*,\s*\d{1,19}L?)*\s*,?)?)\s*\)""",  # L: from Python 2
)
HEADER = re.compile(r"\{\s*[^{}]*\}\s*", re.ASCII)
TYPE = re.compile(r"""['"]([<>|=]?[biufSU]\d{1,9})['"]""", re.ASCII)  # no objects, dates, complex numbers or records


class DtypeError(ValueError):
    """An array of objects, dates, complex numbers or records; ``dtype`` is what its header says, e.g. ``|O``."""

    def __init__(self, descr: str) -> None:
        self.dtype = descr.strip("'\"")
        super().__init__(f"an array has the dtype {descr[:40]}, which is not numeric, and nothing is unpickled")


class Header(NamedTuple):
    """The header of a .npy file."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def shown_shape(self) -> str:
        """``3x32x32``; ``one`` for a single value; shortened if it is long."""
        return shortened(format_shape(self.shape), 80) or "one"


class Npz:
    """The names of the arrays in an npz file; ``file[name]`` reads one. Raises CnnError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _readable(path), open_zip(path) as archive:
            files = archive.namelist()
        self._files: dict[str, str] = {}  # the member of each array's name
        for file in files:
            name = file.removesuffix(".npy")
            if name in self._files:
                raise CnnError(f"{path}: is not an npz file: it contains two arrays called {name}", HINT)
            self._files[name] = file

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __getitem__(self, name: str) -> NDArray[Any]:
        with _readable(self.path), open_zip(self.path) as archive:
            member = archive.getinfo(self._files[name])
            what, hint = f"{self.path}: {name}, read and split,", "use fewer examples, or smaller numbers such as uint8"
            return read_array(
                member.filename,
                zip_chunks(archive, member),
                member.file_size,
                lambda header: check_fits(2 * header.nbytes, what, hint),
            )


def read_array(name: str, chunks: Iterator[bytes], size: int, check: Callable[[Header], None]) -> NDArray[Any]:
    """The array in the ``size`` bytes of a .npy file called ``name``, which come in ``chunks``.

    Memory is allocated after ``check``, which may raise, has accepted the header and its size is right.
    Raises ValueError, EOFError where there are fewer bytes, and what the reading of the chunks raises.
    """
    start = b""

    def take(count: int) -> bytes:
        nonlocal start
        while len(start) < count:
            start += next(chunks, None) or _ends_early()
        taken, start = start[:count], start[count:]
        return taken

    header, length = read_header(take)
    check(header)
    if header.nbytes != size - length:
        raise ValueError(
            f"the header of {name} declares {header.shown_shape} of {header.dtype}, {header.nbytes:,} bytes, "
            f"but {size - length:,} follow"
        )
    values = np.empty(math.prod(header.shape), header.dtype)
    place, target = 0, values.view(np.uint8)
    for chunk in chain([start], chunks):
        target[place : place + len(chunk)] = np.frombuffer(chunk, np.uint8)
        place += len(chunk)
    if place < len(target):
        raise EOFError
    return _sound(values).reshape(header.shape, order="F" if header.fortran_order else "C")


def read_header(read: Callable[[int], bytes]) -> tuple[Header, int]:
    """The header of a .npy file and its length in bytes; ``read(n)`` returns n bytes. Raises ValueError."""
    start = read(len(MAGIC) + 2)
    if not start.startswith(MAGIC) or start[len(MAGIC) :] not in LENGTHS:
        raise ValueError("an array in it does not start like a .npy file")
    width, encoding = LENGTHS[start[len(MAGIC) :]]
    length = int.from_bytes(read(width), "little")
    if length > MAX_HEADER:
        raise ValueError(f"the header of an array has {length:,} bytes, more than {MAX_HEADER:,}")
    return parse_header(read(length).decode(encoding)), len(start) + width + length


def parse_header(text: str) -> Header:
    """Parse the header, the text of a dictionary with three keys, without evaluating it. Raises ValueError."""
    found = [[*re.finditer(key, text, re.ASCII | re.DOTALL)] for key in KEYS]
    if not HEADER.fullmatch(text) or any(len(each) != 1 for each in found):
        raise ValueError("the header of an array is not a NumPy header")
    (descr,), (order,), (shape,) = found
    kind = TYPE.fullmatch(descr["descr"])
    if kind is None:
        raise DtypeError(descr["descr"])
    try:
        dtype = np.dtype(kind[1])
    except (TypeError, ValueError):
        raise ValueError(f"an array has the dtype {kind[1]}, which does not exist") from None
    sizes = tuple(int(size) for size in re.findall(r"\d+", shape["shape"], re.ASCII))
    if not dtype.itemsize or len(sizes) > MAX_AXES or math.prod(filter(None, sizes)) > np.iinfo(np.int64).max:
        raise ValueError(f"an array of {shape['shape'][:80]} elements of {dtype} is impossible")
    return Header(sizes, order["order"] == "True", dtype)


def _sound(values: NDArray[Any]) -> NDArray[Any]:
    """The values, if they are valid for their dtype. Raises ValueError."""
    if values.dtype.kind == "b":
        truth: NDArray[np.bool_] = values.view(np.uint8) != 0
        return truth
    if values.dtype.kind == "U":
        order = values.dtype.byteorder
        codes = values.view(np.dtype(np.uint32).newbyteorder(order if order in "<>" else "="))
        if codes.max(initial=0) > MAX_CODE:
            raise ValueError("a string contains codes beyond Unicode")
    return values


def _ends_early() -> bytes:
    raise EOFError


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn every error of a missing or damaged file into a CnnError with its path."""
    try:
        yield
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file") from None
    except (CnnError, MemoryError):
        raise
    except Exception as error:  # a damaged zip file makes zipfile raise almost anything
        reason = "it ends too early" if isinstance(error, EOFError) else str(error).partition("\n")[0]
        raise CnnError(f"{path}: is not an npz file: {reason or type(error).__name__}", HINT) from None
