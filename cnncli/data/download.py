"""Downloading one file: from the first mirror that has it, resumed where it broke off, and checked before it counts.

The server is not trusted: of each file the size is known, a connection that gives next to nothing is cut, the number of
requests is limited, and redirects lead to http and https alone. urllib does the HTTP; libraries such as pooch and
requests would leave just these limits, and the resuming, to be written here.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cnncli.arithmetic.numerals import is_digits
from cnncli.errors import CnnError
from cnncli.io.progress import progress

CHUNK = 1 << 16
TIMEOUT = 20.0  # seconds without a byte
WINDOW, MIN_RATE = 60.0, 4096  # seconds, and the bytes per second that have to arrive during them
MAX_REQUESTS = 100  # to one mirror for one file, where each brings a part of it
NETWORK_ERRORS = (OSError, http.client.HTTPException, ValueError)  # ValueError: an address that is none


class Remote(NamedTuple):
    """What a file to download is known by: its SHA-256 and its size in bytes, which is also the most that is read."""

    sha256: str
    size: int


class _FailedError(Exception):
    """A mirror did not give the file; the text says why."""


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
        raise _FailedError("it has the wrong checksum, so it is not the file asked for")
    _download(url, part, remote)  # the old part may have been at fault, not this mirror


def _receive_all(url: str, part: Path, size: int) -> None:
    """Append to ``part`` until it is complete, asking again as long as each answer brings something."""
    for _ in range(MAX_REQUESTS):
        before = _size(part)
        broken = _receive(url, part, size)
        if broken is None:
            return
        if _size(part) <= before:
            raise _FailedError(broken)
    raise _FailedError(f"it gave {_size(part):,} of {size:,} bytes in {MAX_REQUESTS} answers")


def _receive(url: str, part: Path, size: int) -> str | None:
    """Ask once for the rest of ``part`` and append it; None when that was all, else what broke it off."""
    with _Watch() as watch, _answer(url, _size(part), watch) as response:
        start = _size(part) if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        length = _content_length(response)
        if length is not None and start + length > size:
            raise _FailedError(f"it offers {start + length:,} bytes, and the file has {size:,}")
        total = size if length is None else start + length
        with part.open("ab" if start else "wb") as file, progress(f"downloading {url}", total, "B") as advance:
            advance(start)
            while True:
                try:
                    chunk = response.read1(CHUNK)  # what there is: read() would wait for all of it
                except NETWORK_ERRORS as error:
                    watch.check()
                    return _reason(error)
                if not chunk:
                    break
                if file.tell() + len(chunk) > size:
                    file.truncate(0)
                    raise _FailedError(f"it sends more than the {size:,} bytes that the file has")
                file.write(chunk)
                watch.received += len(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
            received = file.tell()
    if length is not None and received == total:
        return None
    watch.check()
    return None if length is None else f"the connection closed after {received:,} of {total:,} bytes"


class _Watch:
    """Cuts a connection over which less than MIN_RATE arrives for WINDOW seconds, from the request on.

    The timeout of a socket is for one byte: a server could send one every 19 seconds, in headers, too.
    """

    def __init__(self) -> None:
        self.received = 0
        self.problem: str | None = None
        self.socket: socket.socket | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raise a _FailedError if the connection was cut: there is no use in asking such a server again."""
        if self.problem:
            raise _FailedError(self.problem)

    def _run(self) -> None:
        before = 0
        while not self._done.wait(WINDOW):
            if self.received - before < MIN_RATE * WINDOW:
                self.problem = f"it gives less than {MIN_RATE / 1000:g} kB a second"
                if self.socket is not None:
                    with suppress(OSError):  # closed already
                        socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
                return
            before = self.received


class _Watched:
    """A connection whose socket is known to a watch."""

    def __init__(self, watch: _Watch, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.watch = watch

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.watch.socket = self.sock  # type: ignore[attr-defined]


class _HTTPConnection(_Watched, http.client.HTTPConnection): ...


class _HTTPSConnection(_Watched, http.client.HTTPSConnection): ...


class _HTTP(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPConnection, self.watch), request)


class _HTTPS(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPSConnection, self.watch), request)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects to http and https alone, and from https to https alone."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        allowed = ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(watch: _Watch) -> urllib.request.OpenerDirector:
    """What opens addresses of http and https; that of urllib would open files and FTP, too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
        _HTTP(watch),
        _HTTPS(watch),
    ):
        opener.add_handler(handler)
    return opener


def _answer(url: str, start: int, watch: _Watch) -> http.client.HTTPResponse:
    """The server's answer when it is asked for the bytes from ``start`` on."""
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "cnn-calculator"})
        if start:
            request.add_header("Range", f"bytes={start}-")
        response: http.client.HTTPResponse = _opener(watch).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _answer(url, 0, watch)  # the part is longer than the file: begin again
        raise _FailedError(_status(error.code)) from None
    except NETWORK_ERRORS as error:
        watch.check()
        raise _FailedError(_reason(error)) from None
    partial_content = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if partial_content and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        response.close()
        raise _FailedError(f"the server sends another part than the one from byte {start:,}")
    return response


def _content_length(response: http.client.HTTPResponse) -> int | None:
    """The bytes that the answer says it has; None where it says nothing, or no number."""
    text = response.headers.get("Content-Length", "")
    return int(text[:20]) if is_digits(text) else None


def _status(code: int) -> str:
    """What an answer of this status means; its own phrase, which may be any text, is not shown."""
    if 300 <= code < 400:
        return f"it redirects ({code}) in a way that is not followed: too often, or to another scheme"
    known = {status.value: f" {status.phrase}" for status in http.HTTPStatus}
    return f"the server answers {code}{known.get(code, '')}"


def _reason(error: BaseException) -> str:
    """What went wrong, in the words of the innermost error: urllib wraps the system's."""
    inner = getattr(error, "reason", error)
    text = str(getattr(inner, "strerror", None) or inner or type(inner).__name__)
    return "".join(char if char.isprintable() else "?" for char in text[:200])  # it may quote the server


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
