"""Downloading one file: from the first mirror that has it, resumed where it broke off, and checked before it counts.

The server is not trusted: of each file the size is known, a connection that gives next to nothing is cut, the number of
requests is limited, and redirects lead to http and https alone. urllib does the HTTP; libraries such as pooch and
requests would leave just these limits, and the resuming, to be written here.
"""

from __future__ import annotations

import hashlib
import http.client
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cnncli.arithmetic.numerals import is_digits
from cnncli.data.download.connection import NETWORK_ERRORS, FetchError, StallGuard, error_text, open_url
from cnncli.data.registry import Remote
from cnncli.errors import CnnError
from cnncli.io.progress import progress

CHUNK = 1 << 16
MAX_REQUESTS = 100  # to one mirror for one file, where each answer brings a part of it


def fetch(urls: Sequence[str], target: Path, remote: Remote, hint: str) -> None:
    """Download ``target`` from the first of ``urls`` that gives the file ``remote``.

    What arrived of a broken download stays in ``target``.part and is continued by the next mirror or the next run.
    Raises a CnnError with every address tried and ``hint``; an OSError when ``target`` cannot be written.
    """
    part = target.with_name(target.name + ".part")
    failures = []
    for url in urls:
        try:
            _download(url, part, remote)
        except FetchError as failure:
            failures.append(f"{url}: {failure}")
        else:
            part.replace(target)
            _sync_folder(target.parent)
            return
    raise CnnError(f"cannot download {target.name}\n  " + "\n  ".join(failures), hint)


def _download(url: str, part: Path, remote: Remote) -> None:
    """Fill ``part`` from ``url`` and check it; a ``part`` with a wrong checksum is removed."""
    if _size(part) > remote.size:
        part.unlink()
    resumed = _size(part) > 0
    if resumed and _sha256(part) == remote.sha256:  # the last run was stopped just before the renaming
        return
    _receive_all(url, part, remote.size)
    if _sha256(part) == remote.sha256:
        return
    part.unlink()
    if not resumed:
        raise FetchError("it has the wrong checksum, so it is not the file asked for")
    _download(url, part, remote)  # the old part may have been at fault, not this mirror


def _receive_all(url: str, part: Path, size: int) -> None:
    """Append to ``part`` until it is complete, asking again as long as each answer brings something."""
    for _ in range(MAX_REQUESTS):
        before = _size(part)
        broken = _receive(url, part, size)
        if broken is None:
            return
        if _size(part) <= before:
            raise FetchError(broken)
    raise FetchError(f"it gave {_size(part):,} of {size:,} bytes in {MAX_REQUESTS} answers")


def _receive(url: str, part: Path, size: int) -> str | None:
    """Ask once for the rest of ``part`` and append it; None when that was all, else what broke it off."""
    with StallGuard() as guard, open_url(url, _size(part), guard) as response:
        start = _size(part) if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        length = _content_length(response)
        if length is not None and start + length > size:
            raise FetchError(f"it offers {start + length:,} bytes, and the file has {size:,}")
        total = size if length is None else start + length
        with part.open("ab" if start else "wb") as file, progress(f"downloading {url}", total, "B") as advance:
            advance(start)
            while True:
                try:
                    chunk = response.read1(CHUNK)  # what there is: read() would wait for all of it
                except NETWORK_ERRORS as error:
                    guard.check()
                    return error_text(error)
                if not chunk:
                    break
                if file.tell() + len(chunk) > size:
                    file.truncate(0)
                    raise FetchError(f"it sends more than the {size:,} bytes that the file has")
                file.write(chunk)
                guard.received += len(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
            received = file.tell()
    if length is not None and received == total:
        return None
    guard.check()
    return None if length is None else f"the connection closed after {received:,} of {total:,} bytes"


def _content_length(response: http.client.HTTPResponse) -> int | None:
    """The bytes that the answer says it has; None where it says nothing, or no number."""
    text = response.headers.get("Content-Length", "")
    return int(text[:20]) if is_digits(text) else None


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
