"""A connection to an untrusted server: it is closed when it stalls, and redirects are limited to http and https."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 20.0  # seconds without a byte
WINDOW, MIN_RATE = 60.0, 4096  # seconds, and the bytes per second that have to arrive during them
NETWORK_ERRORS = (OSError, http.client.HTTPException, ValueError)  # ValueError: not a URL


class FetchError(Exception):
    """A mirror did not deliver the file; the message explains why."""


class StallGuard:
    """Closes a connection that receives less than MIN_RATE for WINDOW seconds, counted from the request.

    A socket's timeout only bounds the wait for one byte: a server could send one every 19 seconds, even in headers.
    """

    def __init__(self) -> None:
        self.received = 0
        self.problem: str | None = None
        self.socket: socket.socket | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> StallGuard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raise a FetchError if the connection was closed: asking such a server again is useless."""
        if self.problem:
            raise FetchError(self.problem)

    def _run(self) -> None:
        before = 0
        while not self._done.wait(WINDOW):
            if self.received - before < MIN_RATE * WINDOW:
                self.problem = f"the server sends less than {MIN_RATE / 1000:g} kB per second"
                if self.socket is not None:
                    with suppress(OSError):  # closed already
                        socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
                return
            before = self.received


class _Guarded:
    """A connection that gives its socket to a guard."""

    def __init__(self, guard: StallGuard, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.guard = guard

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.guard.socket = self.sock  # type: ignore[attr-defined]


class _HTTPConnection(_Guarded, http.client.HTTPConnection): ...


class _HTTPSConnection(_Guarded, http.client.HTTPSConnection): ...


class _HTTP(urllib.request.HTTPHandler):
    def __init__(self, guard: StallGuard) -> None:
        super().__init__()
        self.guard = guard

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPConnection, self.guard), request)


class _HTTPS(urllib.request.HTTPSHandler):
    def __init__(self, guard: StallGuard) -> None:
        super().__init__()
        self.guard = guard

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPSConnection, self.guard), request)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to http and https, and from https only to https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        allowed = ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(guard: StallGuard) -> urllib.request.OpenerDirector:
    """An opener for http and https only; urllib's default one also opens files and FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
        _HTTP(guard),
        _HTTPS(guard),
    ):
        opener.add_handler(handler)
    return opener


def open_url(url: str, start: int, guard: StallGuard) -> http.client.HTTPResponse:
    """The server's response to a request for the bytes from ``start`` on."""
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "cnn-calculator"})
        if start:
            request.add_header("Range", f"bytes={start}-")
        response: http.client.HTTPResponse = _opener(guard).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return open_url(url, 0, guard)  # the part is longer than the file: start again
        raise FetchError(_status(error.code)) from None
    except NETWORK_ERRORS as error:
        guard.check()
        raise FetchError(error_text(error)) from None
    partial_content = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if partial_content and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        response.close()
        raise FetchError(f"the server did not resume at byte {start:,}")
    return response


def _status(code: int) -> str:
    """The meaning of a status code. The server's own phrase, which may be any text, is not shown."""
    if 300 <= code < 400:
        return f"redirect ({code}) not followed: too many redirects, or to another scheme"
    known = {status.value: f" {status.phrase}" for status in http.HTTPStatus}
    return f"the server responded with {code}{known.get(code, '')}"


def error_text(error: BaseException) -> str:
    """The message of the innermost error: urllib wraps the system's."""
    inner = getattr(error, "reason", error)
    text = str(getattr(inner, "strerror", None) or inner or type(inner).__name__)
    return "".join(char if char.isprintable() else "?" for char in text[:200])  # it may quote the server
