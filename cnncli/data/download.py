"""Downloading one file: from the first mirror that has it, resumed where it broke off, and checked before it counts."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cnncli.errors import CnnError
from cnncli.progress import progress

CHUNK = 1 << 16
TIMEOUT = 20.0  # seconds without a byte
NETWORK_ERRORS = (OSError, http.client.HTTPException, ValueError)  # ValueError: an address that is none


class _FailedError(Exception):
    """A mirror did not give the file; the text says why."""


def fetch(urls: Sequence[str], target: Path, sha256: str, hint: str) -> None:
    """Download ``target`` from the first of ``urls`` that gives a file with that ``sha256``.

    What arrived of a broken download stays in ``target``.part and is continued by the next mirror or the next run.
    Raises a CnnError with every address tried and ``hint``; an OSError when ``target`` cannot be written.
    """
    part = target.with_name(target.name + ".part")
    failures = []
    for url in urls:
        try:
            _download(url, part, sha256)
        except _FailedError as failure:
            failures.append(f"{url}: {failure}")
        else:
            part.replace(target)
            _sync_folder(target.parent)
            return
    raise CnnError(f"cannot download {target.name}\n  " + "\n  ".join(failures), hint)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads into ``folder``: two of them would write one .part file."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock, and refuses to rename a file that another process writes
        yield
        return
    with (folder / ".lock").open("w") as file:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def writing(name: str, folder: Path) -> Iterator[None]:
    """Make the folder of a data set, and be the only one to write into it. Raises CnnError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with sole_writer(folder):
            yield
    except OSError as error:
        message = f"cannot write {name} to {folder}: {error.strerror or error}"
        raise CnnError(message, "choose a folder for it with --data-dir, or use digits, which needs no file") from None


def by_hand(files: str, folder: Path) -> str:
    """What to do where nothing can be downloaded: the hint of a data set made of these ``files``."""
    return (
        f"without a network, put {files} into {folder} by hand; "
        "CNN_MIRROR names another address to download from; digits needs no download"
    )


def _download(url: str, part: Path, sha256: str) -> None:
    """Fill ``part`` from ``url`` and check it; a ``part`` with a wrong checksum is removed."""
    resumed = _size(part) > 0
    if resumed and _sha256(part) == sha256:  # the last run was stopped just before the renaming
        return
    _receive_all(url, part)
    if _sha256(part) == sha256:
        return
    part.unlink()
    if not resumed:
        raise _FailedError("it has the wrong checksum, so it is not the file asked for")
    _download(url, part, sha256)  # the old part may have been at fault, not this mirror


def _receive_all(url: str, part: Path) -> None:
    """Append to ``part`` until it is complete, asking again as long as each answer brings something."""
    while True:
        before = _size(part)
        broken = _receive(url, part)
        if broken is None:
            return
        if _size(part) <= before:
            raise _FailedError(broken)


def _receive(url: str, part: Path) -> str | None:
    """Ask once for the rest of ``part`` and append it; None when that was all, else what broke it off."""
    with _answer(url, _size(part)) as response:
        start = _size(part) if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        with part.open("ab" if start else "wb") as file, progress(f"downloading {url}", total, "B") as advance:
            advance(start)
            while True:
                try:
                    chunk = response.read(CHUNK)
                except NETWORK_ERRORS as error:
                    return _reason(error)
                if not chunk:
                    break
                file.write(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
            received = file.tell()
    if total is not None and received < total:
        return f"the connection closed after {received:,} of {total:,} bytes"
    return None


def _answer(url: str, start: int) -> http.client.HTTPResponse:
    """The server's answer when it is asked for the bytes from ``start`` on."""
    request = urllib.request.Request(url, headers={"User-Agent": "cnn-calculator"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _answer(url, 0)  # the part is longer than the file: begin again
        raise _FailedError(f"the server answers {error.code} {error.reason}") from None
    except NETWORK_ERRORS as error:
        raise _FailedError(_reason(error)) from None
    partial = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if partial and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        response.close()
        raise _FailedError(f"the server sends another part than the one from byte {start:,}")
    return response


def _reason(error: BaseException) -> str:
    """What went wrong, in the words of the innermost error: urllib wraps the system's."""
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the renaming outlive a power cut, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
