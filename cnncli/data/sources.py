"""What lies in a folder or an archive, and the bytes of its files: three ways in, one :class:`Source` out.

Archives are read as streams and nothing is ever written to disk, so no name in one can reach outside of it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Literal

from cnncli.data.files import MAX_FILE_BYTES
from cnncli.errors import CnnError

ARCHIVES = ".tar, .tar.gz, .tgz or .zip archive"
COMPRESSED = (GZIP, BZIP2, XZ) = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # how such files begin
DAMAGED = "it is incomplete or damaged: copy or download it again"
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError)


@dataclass(frozen=True)
class Entry:
    """One thing in a source: its ``path`` split at the slashes, and its ``size`` and ``offset`` in bytes.

    Reading entries in the order of their offsets reads an archive once from its beginning to its end.
    """

    path: tuple[str, ...]
    kind: Literal["file", "folder", "link"]
    size: int = 0
    offset: int = 0

    @property
    def name(self) -> str:
        return "/".join(self.path)


@dataclass(frozen=True)
class Source:
    """The entries of a folder or an archive, and the function that reads files of it, in the order given.

    ``form`` is what it is; in a folder and in a tar that is not compressed, files can be read in any order.
    """

    path: Path
    entries: tuple[Entry, ...]
    contents: Callable[[Sequence[Entry]], Iterator[bytes]]
    form: Literal["folder", "tar", "compressed"]


def open_source(path: Path) -> Source:
    """List the folder or archive at ``path``; a CnnError when it is neither, or is damaged."""
    with _readable(path):
        if path.is_dir():
            return Source(path, tuple(_folder_entries(path)), lambda wanted: _folder_contents(path, wanted), "folder")
        with path.open("rb") as file:
            magic = file.read(6)
        if magic.startswith(b"PK"):
            return Source(path, tuple(_zip_entries(path)), lambda wanted: _zip_contents(path, wanted), "compressed")
        form: Literal["tar", "compressed"] = "compressed" if magic.startswith(COMPRESSED) else "tar"
        return Source(path, _tar_entries(path, magic), lambda wanted: _tar_contents(path, magic, wanted), form)


def _folder_entries(root: Path) -> Iterator[Entry]:
    def unreadable(error: OSError) -> None:
        raise CnnError(f"{error.filename}: cannot be read ({error.strerror})") from None

    for folder, subfolders, files in os.walk(root, onerror=unreadable):
        above = Path(folder).relative_to(root).parts
        for name in subfolders + files:
            found = Path(folder, name).lstat()
            yield Entry((*above, name), _kind(found.st_mode), found.st_size)


def _folder_contents(root: Path, wanted: Sequence[Entry]) -> Iterator[bytes]:
    for entry in wanted:
        with _readable(root.joinpath(*entry.path)):
            yield _checked(root, entry, root.joinpath(*entry.path).read_bytes)


def _zip_entries(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}  # of two with one name, the later one
    if any(member.flag_bits & 1 for member in members.values()):
        raise CnnError(f"{path}: the archive is encrypted", "unpack it, and give the folder")
    return map(_zip_entry, members.values())


def _zip_entry(member: zipfile.ZipInfo) -> Entry:
    kind = "folder" if member.is_dir() else _kind(member.external_attr >> 16)
    # archives made on Windows may separate folders in its way
    return Entry(_parts(member.filename.replace("\\", "/")), kind, member.file_size, member.header_offset)


def _zip_contents(path: Path, wanted: Sequence[Entry]) -> Iterator[bytes]:
    with _readable(path), zipfile.ZipFile(path) as archive:
        by_offset = {member.header_offset: member for member in archive.infolist()}
        for entry in wanted:
            member = by_offset[entry.offset]
            yield _checked(path, entry, lambda member=member: archive.read(member))  # type: ignore[misc]


def _tar_entries(path: Path, magic: bytes) -> tuple[Entry, ...]:
    with _unpacked(path, magic) as stream:
        try:
            archive = tarfile.TarFile(fileobj=stream)
        except tarfile.ReadError:
            raise CnnError(f"{path}: is neither a folder nor a {ARCHIVES}", "check the path") from None
        # a later member replaces an earlier one of the same name, as it would when unpacked
        entries = {member.name: _tar_entry(member) for member in archive}
        _check_end(path, stream, archive.offset)
    return tuple(entries.values())


def _tar_entry(member: tarfile.TarInfo) -> Entry:
    plain = member.isreg() and not member.issparse()
    kind: Literal["file", "folder", "link"] = "folder" if member.isdir() else "file" if plain else "link"
    return Entry(_parts(member.name), kind, member.size, member.offset_data)


def _check_end(path: Path, stream: BufferedIOBase, offset: int) -> None:
    """Raise a CnnError unless a block of zeros ends the archive: tarfile takes any end, even a broken header, for one.

    Reading on to the end of the file makes a compressed stream check its checksum.
    """
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise CnnError(f"{path}: the archive ends too early", DAMAGED)
    while stream.read(1 << 20):
        pass


def _tar_contents(path: Path, magic: bytes, wanted: Sequence[Entry]) -> Iterator[bytes]:
    """The bytes at the entries' offsets: after the listing no header needs to be understood a second time."""
    with _readable(path), _unpacked(path, magic) as stream:
        for entry in wanted:
            stream.seek(entry.offset)
            yield _checked(path, entry, lambda entry=entry: stream.read(entry.size))  # type: ignore[misc]


def _unpacked(path: Path, magic: bytes) -> BufferedIOBase:
    if magic.startswith(GZIP):
        return gzip.open(path)
    if magic.startswith(BZIP2):
        return bz2.open(path)
    return lzma.open(path) if magic.startswith(XZ) else path.open("rb")


def _checked(path: Path, entry: Entry, read: Callable[[], bytes]) -> bytes:
    """Read a file of a size that an image may have."""
    if entry.size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES >> 20
        raise CnnError(f"{path}: {entry.name} is larger than {limit} MiB", "no image is that large: remove it")
    return read()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn each way in which a file can be missing or broken into a CnnError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file or folder", "check the path") from None
    except BROKEN as error:
        if isinstance(error, OSError) and error.strerror:
            raise CnnError(f"{path}: cannot be read ({error.strerror})") from None
        raise CnnError(f"{path}: the archive {_damage(error)}", DAMAGED) from None


def _damage(error: Exception) -> str:
    """What is wrong with an archive, from what its reader says."""
    if isinstance(error, EOFError) or "unexpected end" in str(error) or "not a zip file" in str(error):
        return "ends too early"
    return f"is damaged ({'its checksum is wrong' if 'CRC' in str(error) else error})"


def _parts(name: str) -> tuple[str, ...]:
    """
    >>> _parts("./train/cat//x.jpg")
    ('train', 'cat', 'x.jpg')
    """
    return tuple(part for part in PurePosixPath(name).parts if part != "/")


def _kind(mode: int) -> Literal["file", "folder", "link"]:
    if stat.S_ISDIR(mode):
        return "folder"
    # zip files often do not say what a member is: a file then; a device or the like is as little for us as a link
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "link"
