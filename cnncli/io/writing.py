"""Writing files: completely or not at all, and never through a link in an untrusted folder."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cnncli.errors import CnnError

FILE_TIME = (2000, 1, 1, 0, 0, 0)  # of the files in an archive: the same files give the same bytes


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError inside the ``with`` block into a CnnError that names what cannot be written."""
    try:
        yield
    except OSError as error:
        raise CnnError(f"{path}: cannot be written: {error.strerror or error}") from None


def open_no_link(path: str, flags: int) -> int:
    """A descriptor of a file, for an ``opener``. Raises OSError for a symbolic link; never waits for a FIFO."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)


def sync_folder(folder: Path) -> None:
    """Sync a folder to the disk: until then, a power failure can undo a rename in it. Raises OSError."""
    if os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes, *, synced: bool = True) -> None:
    """Write a file so that it exists completely or not at all: under another name, synced to the disk, renamed.

    Data that can easily be produced again need not be ``synced``. Whatever has the name is replaced, a link or a device
    as well: a ``weights.safetensors`` in an untrusted folder may point anywhere. Raises OSError; IsADirectoryError
    for a folder.
    """
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)  # left there by a kill; a link is not followed
    with aside.open("xb") as file:
        file.write(data)
        if synced:
            file.flush()
            os.fsync(file.fileno())
    try:
        aside.replace(path)
    except OSError:
        aside.unlink()
        raise


def write_output(path: Path, data: bytes) -> None:
    """Write a file that a user named: as :func:`write_whole`, but a device or a FIFO, e.g. /dev/stdout, is written to.

    Raises OSError.
    """
    if not path.exists() or path.is_file():
        write_whole(path, data)
        return
    # without a reader, a FIFO is an error at once instead of an endless wait
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor)
        os.set_blocking(descriptor, True)
        file.write(data)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, not even as a link. Raises OSError: FileExistsError if it does."""
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            path.unlink()
            raise


def zip_archive(files: Mapping[str, bytes], executable: tuple[str, ...] = ()) -> bytes:
    """A zip archive of files by name, some of them executable. The same files give the same bytes."""
    import zipfile

    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, FILE_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            made.writestr(entry, data)
    return written.getvalue()
