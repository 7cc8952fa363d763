"""Reading the files that a user, a run folder or a sheet names: regular files within a limit of size.

A FIFO waits for a writer, a device may never end, and a file may be larger than the memory. Every untrusted file is
opened here. :func:`open_regular` and :func:`read_bytes` raise OSError for what the system cannot open; :func:`named`
turns that into a CnnError where the caller has nothing to add.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cnncli.errors import CnnError

TEXT_LIMIT = 1 << 20  # bytes of a text that people write: a network, a sheet, a matrix, a class list
MAX_FILE_BYTES = 1 << 28  # an encoded image of 256 MiB is a mistake or an attack

# Pillow's format by the ending of a name: what is read as an image, whether as data, a mask or a matrix. Others stay
# closed: Pillow would start Ghostscript for an EPS named x.jpg.
IMAGE_FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP",
    ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM",
}  # fmt: skip

# Do not wait for the writer of a FIFO, and do not let a terminal become the controlling one. Windows has neither flag,
# and opens files as text unless O_BINARY is set.
FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
DESCRIPTORS = ("/dev/fd", "/proc/self/fd")  # where a shell finds the pipes of ``<(command)``
KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO (named pipe)", stat.S_IFSOCK: "a socket"}


def open_regular(path: Path | str, *, fifo: bool = False) -> BinaryIO:
    """Open a regular file for reading bytes; symbolic links are followed.

    With ``fifo`` a FIFO of the process's own descriptors is read, too, to its end: a shell passes ``<(command)`` as
    ``/dev/fd/63``. One in a folder may never get a writer, and is refused; the hint then names standard input.
    Raises CnnError for a directory, a socket, a device and any other FIFO, and for a text that cannot be a path;
    OSError for what cannot be opened.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  (a text keeps its form in messages)
        hint = "give a regular file, or - for standard input" if fifo else "give a regular file"
        piped = fifo and os.path.dirname(path) in DESCRIPTORS  # noqa: PTH120  (as above)
        _check_kind(path, mode, piped, hint)  # before it is opened, because opening a device may have effects
        waits = stat.S_ISFIFO(mode)
        descriptor = os.open(path, FLAGS & ~getattr(os, "O_NONBLOCK", 0) if waits else FLAGS)
    except ValueError as error:  # a NUL or a lone surrogate
        raise CnnError(f"{str(path)!r}: is not a path: {error}") from None
    try:
        _check_kind(path, os.fstat(descriptor).st_mode, waits, hint)  # it may have been replaced since
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(descriptor, True)  # an empty file of /proc would give None
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path | str, limit: int = MAX_FILE_BYTES, hint: str = "", *, fifo: bool = False) -> bytes:
    """The content of a regular file of at most ``limit`` bytes; no more than these are read.

    Raises CnnError, with ``hint``, for a larger one, and otherwise as :func:`open_regular`.
    """
    with open_regular(path, fifo=fifo) as file:
        content = file.read(limit + 1) if os.fstat(file.fileno()).st_size <= limit else None
    if content is None or len(content) > limit:
        raise too_large(path, limit, hint)
    return content


def too_large(name: Path | str, limit: int, hint: str = "") -> CnnError:
    """The error for a content of more than ``limit`` bytes, a whole number of MiB."""
    message = f"{name}: is larger than {limit >> 20} MiB (the limit)"
    return CnnError(message, hint or "check that this is the intended file")


def is_file(path: Path | str) -> bool:
    """Whether there is an accessible regular file; False for a text that cannot be a path."""
    return os.path.isfile(path)  # noqa: PTH113  (Path.is_file raises for a long name and in a closed folder)


def exists(path: Path | str) -> bool:
    """Whether there is anything accessible; False for a text that cannot be a path."""
    return os.path.exists(path)  # noqa: PTH110  (as above)


def is_missing(path: Path | str) -> bool:
    """Whether there is nothing of that name; False where it cannot be told, e.g. in a closed folder."""
    try:
        os.stat(path)  # noqa: PTH116  (as above)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def given_path(text: str) -> Path:
    """The path that a user wrote, with ~ expanded. Raises CnnError for an invalid one."""
    try:
        path = Path(text).expanduser()
        path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long; no such user; a NUL
        raise CnnError(f"{text}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return path


@contextmanager
def named(path: Path | str) -> Iterator[None]:
    """Turn an OSError inside the ``with`` block into a CnnError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file") from None
    except OSError as error:
        raise CnnError(f"{path}: cannot be read: {error.strerror or error}") from None


def _check_kind(path: Path | str, mode: int, fifo: bool, hint: str) -> None:
    if stat.S_ISREG(mode) or (fifo and stat.S_ISFIFO(mode)):
        return
    kind = KINDS.get(stat.S_IFMT(mode), "a device")
    raise CnnError(f"{path}: is {kind}, not a regular file", "name a file in it" if stat.S_ISDIR(mode) else hint)
