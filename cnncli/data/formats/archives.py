"""Reading tar and zip files within limits of memory and time, which hold for hostile files, too.

Nothing is written to disk, so that no name in an archive can refer to a file outside. Python's readers are given no
more than a limited part of the file at a time; what they raise for a damaged one is up to the caller.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedIOBase, BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cnncli.errors import CnnError
from cnncli.io.files import open_regular

COMPRESSED = (GZIP, BZIP2, XZ) = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # magic numbers
DAMAGED = "it is incomplete or damaged: copy or download it again"
UNPACK = "unpack it and use the folder"

MAX_HEADERS = 1 << 20  # bytes of the headers of one member of a tar: with its name and its pax records
MAX_LISTED = 1 << 31  # bytes of the list of all members, at 512 for each and its name
MAX_TRAILING = 1 << 26  # zero bytes after the end of a tar: tar pads to blocks, of 10 KiB by default
MAX_UNPACKED, MAX_RATIO = 1 << 32, 100  # a compressed tar may unpack to 4 GiB, or to 100 times its size
MAX_XZ_MEMORY = 1 << 28  # bytes that unpacking xz may take: xz -9 takes 65 MiB
CHUNK = 1 << 20
CODED_CHUNK = 1 << 12  # for bzip2 and LZMA in a zip: zipfile decompresses all of such a chunk at once


class BadArchiveError(tarfile.TarError):
    """An archive that no program would have written; the message explains why."""


class ArchiveLimitError(tarfile.TarError):
    """An archive that takes more time or memory than the limits allow; the message names the limit."""


class NotATarError(tarfile.TarError):
    """The file does not start like a tar."""


class Member(NamedTuple):
    """A member of a tar; ``read`` returns its content, until the next member is requested."""

    info: tarfile.TarInfo
    read: Callable[[], bytes]


@contextmanager
def unpacked(path: Path) -> Iterator[BufferedIOBase]:
    """The bytes of a regular file, unpacked where it is a gzip, bzip2 or xz file. Raises CnnError, OSError."""
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path))
        magic = file.read(6)
        size = file.seek(0, 2)
        file.seek(0)
        if not magic.startswith(COMPRESSED):
            yield file  # type: ignore[misc]  # a BufferedReader
            return
        if magic.startswith(GZIP):
            plain: Any = gzip.GzipFile(fileobj=file)
        else:
            plain = bz2.BZ2File(file) if magic.startswith(BZIP2) else BufferedReader(_Xz(file), CHUNK)
        yield _Bounded(stack.enter_context(plain), max(MAX_UNPACKED, MAX_RATIO * size))


def tar_members(stream: BufferedIOBase) -> Iterator[Member]:
    """The members of a tar, in order; its end is checked.

    Raises NotATarError, BadArchiveError, EOFError where it ends too early, and what tarfile raises.
    """
    headers = _Headers(stream)
    try:
        archive = tarfile.TarFile(fileobj=headers)  # type: ignore[arg-type]  # it reads, seeks and tells
    except tarfile.ReadError:
        raise NotATarError from None
    listed = end = 0
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
        if member.size < 0 or member.offset_data < end or archive.offset < member.offset_data:
            raise BadArchiveError("a member has a negative size")
        listed += tarfile.BLOCKSIZE + len(member.name)
        if listed > MAX_LISTED:
            raise ArchiveLimitError(
                f"has more members than {MAX_LISTED >> 20:,} MiB can list, at 512 bytes and a name each"
            )
        end = archive.offset
        yield Member(member, lambda member=member: read_at(stream, member.offset_data, member.size))  # type: ignore[misc]
        headers.left = MAX_HEADERS
    _check_end(stream, archive.offset)


def read_at(stream: BufferedIOBase, offset: int, size: int) -> bytes:
    """``size`` bytes from ``offset`` on. Raises EOFError where there are fewer."""
    stream.seek(offset)
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _check_end(stream: BufferedIOBase, offset: int) -> None:
    """Only zeros may end a tar: tarfile accepts any end, even a broken header, and ignores the members after it.

    Reading to the end of the file makes a compressed stream verify its checksum.
    """
    if read_at(stream, offset, tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError
    trailing = 0
    while chunk := stream.read(CHUNK):
        trailing += len(chunk)
        if chunk.count(0) < len(chunk) or trailing > MAX_TRAILING:
            raise BadArchiveError("data follows its end, as if two archives had been joined")


class _Headers:
    """The stream that tarfile reads headers from: limits their size, which tarfile does not."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self.stream = stream
        self.left = MAX_HEADERS

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise BadArchiveError("a header has a negative size")
        if size > self.left:
            raise ArchiveLimitError(f"has a member whose headers take more than {MAX_HEADERS >> 20} MiB")
        self.left -= size
        return self.stream.read(size)

    def seek(self, offset: int) -> int:
        return self.stream.seek(offset)

    def tell(self) -> int:
        return self.stream.tell()


class _Bounded(BufferedIOBase):
    """A decompressed stream that fails when it yields implausibly many bytes, as a decompression bomb does."""

    def __init__(self, stream: BufferedIOBase, most: int) -> None:
        self.stream = stream
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        data = self.stream.read(size)
        self._check()
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == 0 and offset > self.most:
            offset = self.most + 1  # seeking further would decompress everything in between
        place = self.stream.seek(offset, whence)
        self._check()
        return place

    def tell(self) -> int:
        return self.stream.tell()

    def _check(self) -> None:
        if self.stream.tell() > self.most:
            raise ArchiveLimitError(f"unpacks to more than {self.most >> 20:,} MiB, {MAX_RATIO} times its size or more")


class _Xz(RawIOBase):
    """A decompressed xz file, like lzma.LZMAFile, which has no memory limit."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._rewind()

    def _rewind(self) -> None:
        self.file.seek(0)
        self.unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._some(len(buffer))
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)

    def _some(self, most: int) -> bytes:
        """The next bytes, empty only at the end of the last stream: xz files may contain several, zeros in between."""
        while True:
            if self.unpack.eof:
                rest = (self.unpack.unused_data or self.file.read(CODED_CHUNK)).lstrip(b"\0")
                if not rest:
                    if self.file.read(1):
                        self.file.seek(-1, 1)
                        continue
                    return b""
                self.unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)
            elif self.unpack.needs_input:
                rest = self.file.read(1 << 16)
                if not rest:
                    raise EOFError("the xz data ends too early")
            else:
                rest = b""
            if data := self.unpack.decompress(rest, most):
                return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        target = offset + {0: 0, 1: self.place}[whence]
        if target < self.place:
            self._rewind()
        while self.place < target and (data := self._some(min(target - self.place, CHUNK))):
            self.place += len(data)
        return self.place

    def tell(self) -> int:
        return self.place


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A regular file as a zip file that is not encrypted. Raises CnnError, and what zipfile raises."""
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        if any(member.flag_bits & 1 for member in archive.infolist()):
            raise CnnError(f"{path}: the archive is encrypted", UNPACK)
        yield archive


def zip_chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member, in chunks, up to its declared size.

    Raises EOFError where there is less, BadArchiveError where there is more, and what zipfile raises.
    """
    coded = member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    left = member.file_size
    with archive.open(member) as file:
        while chunk := file.read(
            min(CODED_CHUNK if coded else CHUNK, left + 1)
        ):  # reading one byte more makes it verify the CRC
            left -= len(chunk)
            if left < 0:
                raise BadArchiveError(f"{member.filename} is larger than declared")
            yield chunk
    if left:
        raise EOFError


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The content of a member. Raises like :func:`zip_chunks`."""
    content = BytesIO()  # joining a list of chunks would copy them
    for chunk in zip_chunks(archive, member):
        content.write(chunk)
    return content.getvalue()
