"""Downloading one file: from the first mirror that has it, resumed after an interruption, and verified.

The server is not trusted: the size of each file is known, stalling connections are closed, the number of requests is
limited, and so are redirects. urllib is used for HTTP, because libraries such as pooch and requests have neither these
limits nor resumption.
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
from cnncli.io.writing import sync_folder

CHUNK = 1 << 16
MAX_REQUESTS = 100  # to one mirror for one file, where each response delivers a part of it


def fetch(urls: Sequence[str], target: Path, remote: Remote, hint: str) -> None:
    """Download ``target`` from the first of ``urls`` that delivers the file ``remote``.

    An interrupted download stays in ``target``.part and is continued by the next mirror or the next run.
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
            with suppress(OSError):  # not every file system can
                sync_folder(target.parent)
            return
    raise CnnError(f"cannot download {target.name}\n  " + "\n  ".join(failures), hint)


def _download(url: str, part: Path, remote: Remote) -> None:
    """Fill ``part`` from ``url`` and check it; a ``part`` with a wrong checksum is removed."""
    if _size(part) > remote.size:
        part.unlink()
    resumed = _size(part) > 0
    if resumed and _sha256(part) == remote.sha256:  # the last run was stopped just before renaming it
        return
    _receive_all(url, part, remote.size)
    if _sha256(part) == remote.sha256:
        return
    part.unlink()
    if not resumed:
        raise FetchError("the file has the wrong checksum")
    _download(url, part, remote)  # the old part may have been at fault, not this mirror


def _receive_all(url: str, part: Path, size: int) -> None:
    """Append to ``part`` until it is complete, with further requests as long as each one delivers something."""
    for _ in range(MAX_REQUESTS):
        before = _size(part)
        broken = _receive(url, part, size)
        if broken is None:
            return
        if _size(part) <= before:
            raise FetchError(broken)
    raise FetchError(f"the server sent {_size(part):,} of {size:,} bytes in {MAX_REQUESTS} responses")


def _receive(url: str, part: Path, size: int) -> str | None:
    """Request the rest of ``part`` once and append it; None if it is complete, else the reason why it is not."""
    with StallGuard() as guard, open_url(url, _size(part), guard) as response:
        start = _size(part) if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        length = _content_length(response)
        if length is not None and start + length > size:
            raise FetchError(f"the server offers {start + length:,} bytes, but the file has {size:,}")
        total = size if length is None else start + length
        with part.open("ab" if start else "wb") as file, progress(f"downloading {url}", total, "B") as advance:
            advance(start)
            while True:
                try:
                    chunk = response.read1(CHUNK)  # what has arrived: read() would wait for all of the chunk
                except NETWORK_ERRORS as error:
                    guard.check()
                    return error_text(error)
                if not chunk:
                    break
                if file.tell() + len(chunk) > size:
                    file.truncate(0)
                    raise FetchError(f"the server sends more than the file's {size:,} bytes")
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
    """The declared length of the response in bytes; None if there is none, or if it is not a number."""
    text = response.headers.get("Content-Length", "")
    return int(text[:20]) if is_digits(text) else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
