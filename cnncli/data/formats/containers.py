"""The files in a folder, tar or zip archive, all as one type, :class:`Container`."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from cnncli.data.formats.archives import (
    COMPRESSED,
    DAMAGED,
    ArchiveLimitError,
    NotATarError,
    open_zip,
    read_at,
    read_member,
    tar_members,
    unpacked,
)
from cnncli.errors import CnnError
from cnncli.io.files import MAX_FILE_BYTES, open_regular, read_bytes

ARCHIVES = ".tar, .tar.gz, .tgz or .zip archive"

Kind = Literal["file", "folder", "link", "replaced"]


@dataclass(frozen=True)
class FileEntry:
    """An entry of a container: its ``path`` split at the slashes, and its ``size`` and ``offset`` in bytes.

    Reading entries in the order of their offsets reads an archive once from its beginning to its end. A ``link`` is
    anything other than a file or a folder; a ``replaced`` file has a later one of the same name in its archive.
    """

    path: tuple[str, ...]
    kind: Kind
    size: int = 0
    offset: int = 0

    @property
    def name(self) -> str:
        return "/".join(self.path)


@dataclass(frozen=True)
class Container:
    """The entries of a folder or an archive, and the function that reads files of it, in the order given.

    ``form`` is what it is; in a folder and in a tar that is not compressed, files can be read in any order.
    """

    path: Path
    entries: tuple[FileEntry, ...]
    contents: Callable[[Sequence[FileEntry]], Iterator[bytes]]
    form: Literal["folder", "tar", "compressed"]


def open_source(path: Path) -> Container:
    """List the folder or archive at ``path``; a CnnError when it is neither, or is damaged."""
    with _readable(path):
        if path.is_dir():
            return Container(
                path, tuple(_folder_entries(path)), lambda wanted: _folder_contents(path, wanted), "folder"
            )
        with open_regular(path) as file:
            magic = file.read(6)
        if magic.startswith(b"PK"):
            return Container(path, _zip_entries(path), lambda wanted: _zip_contents(path, wanted), "compressed")
        form: Literal["tar", "compressed"] = "compressed" if magic.startswith(COMPRESSED) else "tar"
        entries = _without_replaced([entry for entry, _ in members_of_tar(path)])
        return Container(path, entries, lambda wanted: _tar_contents(path, wanted), form)


def members_of_tar(path: Path) -> Iterator[tuple[FileEntry, Callable[[], bytes]]]:
    """The members of a tar, compressed or not, each with a function that reads it before the next one is requested.

    Raises CnnError.
    """
    with _readable(path), unpacked(path) as stream:
        try:
            for member in tar_members(stream):
                entry = _tar_entry(member.info)
                yield entry, partial(_read_member, path, entry, member.read)
        except NotATarError:
            raise CnnError(f"{path}: is neither a folder nor a {ARCHIVES}", "check the path") from None


def _folder_entries(root: Path) -> Iterator[FileEntry]:
    def unreadable(error: OSError) -> None:
        raise CnnError(f"{error.filename}: cannot be read ({error.strerror})") from None

    for folder, subfolders, files in os.walk(root, onerror=unreadable):
        above = Path(folder).relative_to(root).parts
        for name in subfolders + files:
            found = Path(folder, name).lstat()
            yield FileEntry((*above, name), _kind(found.st_mode), found.st_size)


def _folder_contents(root: Path, wanted: Sequence[FileEntry]) -> Iterator[bytes]:
    for entry in wanted:
        file = root.joinpath(*entry.path)
        with _readable(file):
            yield _checked(root, entry, lambda file=file: read_bytes(file))  # type: ignore[misc]


def _zip_entries(path: Path) -> tuple[FileEntry, ...]:
    with open_zip(path) as archive:
        return _without_replaced([_zip_entry(member) for member in archive.infolist()])


def _zip_entry(member: zipfile.ZipInfo) -> FileEntry:
    kind = "folder" if member.filename.endswith("/") else _kind(member.external_attr >> 16)
    # archives made on Windows may separate folders by backslashes
    return FileEntry(_parts(member.filename.replace("\\", "/")), kind, member.file_size, member.header_offset)


def _zip_contents(path: Path, wanted: Sequence[FileEntry]) -> Iterator[bytes]:
    with _readable(path), open_zip(path) as archive:
        by_offset = {member.header_offset: member for member in archive.infolist()}
        for entry in wanted:
            member = by_offset[entry.offset]
            yield _checked(path, entry, lambda member=member: read_member(archive, member))  # type: ignore[misc]


def _tar_entry(member: tarfile.TarInfo) -> FileEntry:
    plain = member.isreg() and not member.issparse()
    kind: Kind = "folder" if member.isdir() else "file" if plain else "link"
    return FileEntry(_parts(member.name), kind, member.size, member.offset_data)


def _tar_contents(path: Path, wanted: Sequence[FileEntry]) -> Iterator[bytes]:
    """The bytes at the entries' offsets, so that no header has to be parsed a second time."""
    with _readable(path), unpacked(path) as stream:
        for entry in wanted:
            yield _checked(path, entry, lambda entry=entry: read_at(stream, entry.offset, entry.size))  # type: ignore[misc]


def _read_member(path: Path, entry: FileEntry, read: Callable[[], bytes]) -> bytes:
    with _readable(path):
        return _checked(path, entry, read)


def _without_replaced(entries: list[FileEntry]) -> tuple[FileEntry, ...]:
    """Mark all but the last of several files of one name, which unpacking would overwrite."""
    last = {entry.path: number for number, entry in enumerate(entries)}
    return tuple(
        entry if last[entry.path] == number or entry.kind == "folder" else replace(entry, kind="replaced")
        for number, entry in enumerate(entries)
    )


def _checked(path: Path, entry: FileEntry, read: Callable[[], bytes]) -> bytes:
    """Read a file, unless it is too large to be an image."""
    if entry.size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES >> 20
        raise CnnError(f"{path}: {entry.name} is larger than {limit} MiB", "no image is that large: remove it")
    return read()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn every error of a missing or damaged file into a CnnError with its path."""
    try:
        yield
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file or folder", "check the path") from None
    except (CnnError, MemoryError):
        raise
    except ArchiveLimitError as error:
        raise CnnError(f"{path}: the archive {error}", "if you trust it, unpack it and use the folder") from None
    except Exception as error:  # a damaged archive makes Python's readers raise almost anything
        if isinstance(error, OSError) and error.strerror:
            raise CnnError(f"{path}: cannot be read ({error.strerror})") from None
        raise CnnError(f"{path}: the archive {_damage(error)}", DAMAGED) from None


def _damage(error: Exception) -> str:
    """The fault of an archive, from the error of its reader."""
    reason = str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, EOFError) or "unexpected end" in reason or "not a zip file" in reason:
        return "ends too early"
    return f"is damaged ({'its checksum is wrong' if 'CRC' in reason else reason})"


def _parts(name: str) -> tuple[str, ...]:
    """
    >>> _parts("./train/cat//x.jpg")
    ('train', 'cat', 'x.jpg')
    """
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _kind(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return "folder"
    # zip members often have no type and are files; devices and the like are skipped as links are
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "link"
