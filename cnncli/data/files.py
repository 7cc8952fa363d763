"""Opening the files of data: regular files alone, because a FIFO waits for a writer and a device may never end."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from cnncli.errors import CnnError

MAX_FILE_BYTES = 1 << 28  # an encoded image of 256 MiB is a mistake or an attack

# No waiting for the writer of a FIFO, and no terminal that becomes the controlling one. Windows knows neither of the
# two, and reads text unless told otherwise.
FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


def given_path(text: str) -> Path:
    """The path that a user wrote, in which ~ is a home directory. Raises CnnError for what cannot be one."""
    try:
        path = Path(text).expanduser()
        path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long; no such user; a NUL
        raise CnnError(f"{text}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return path


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading bytes; symbolic links are followed.

    Raises CnnError for a directory, a FIFO, a socket or a device, and for a text that cannot be a path; OSError for
    what cannot be opened.
    """
    try:
        _check_regular(path, path.stat().st_mode)  # before it is opened, as opening a device may do something
        descriptor = os.open(path, FLAGS)
    except ValueError as error:  # a NUL in the path
        raise CnnError(f"{str(path)!r}: is not a path: {error}") from None
    try:
        _check_regular(path, os.fstat(descriptor).st_mode)  # it may have been replaced since
    except CnnError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """The content of a regular file of at most ``most`` bytes. Raises CnnError for a larger one, and as above."""
    with open_regular(path) as file:
        content = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else None
    if content is None or len(content) > most:
        raise CnnError(f"{path}: is larger than {most >> 20} MiB", "check that this is the file that was meant")
    return content


def is_regular(path: Path) -> bool:
    """Whether ``path`` is a regular file or a link to one that can be looked at."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # in a directory that may not be entered, or no path at all
        return False


def _check_regular(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO (named pipe)", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    raise CnnError(f"{path}: is {kind}, not a regular file", "give a regular file: data is not read from anything else")
