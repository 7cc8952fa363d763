"""Servers that send without end, next to nothing, too much or elsewhere: each is left, and nothing of it stays."""

from __future__ import annotations

import hashlib
import socketserver
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cnncli.data.download import connection
from cnncli.data.download import fetch as fetching
from cnncli.data.download.fetch import fetch
from cnncli.data.registry import DATASETS, Remote
from cnncli.errors import CnnError

CONTENT = bytes(range(256)) * 1000
FILE = Remote(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
Send = Callable[[bytes], None]
Script = Callable[[Send, bytes], None]  # what to send, given the request


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """An address at which ``script`` answers each request."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = b""
            while not request.endswith(b"\r\n\r\n") and (line := self.rfile.readline()):
                request += line
            with suppress(OSError):  # the client has left
                script(self.send, request)

        def send(self, data: bytes) -> None:
            self.wfile.write(data)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/file.gz"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WINDOW", 0.4)


def failure(script: Script, target: Path, seconds: float = 5) -> str:
    """What is said of a mirror that cannot be used; it takes no longer than ``seconds``."""
    started = time.monotonic()
    with serving(script) as url, pytest.raises(CnnError) as caught:
        fetch([url], target, FILE, "the hint")
    assert time.monotonic() - started < seconds
    assert not target.exists()
    lines = str(caught.value).splitlines()
    assert lines[0] == "cannot download file.gz" and lines[2:] == ["  the hint"]
    return lines[1].removeprefix(f"  {url}: ")


def start_of(request: bytes) -> int:
    return int(request.partition(b"bytes=")[2].partition(b"-")[0] or b"0")


def slowly(send: Send, data: Iterator[bytes]) -> None:
    for each in data:
        send(each)
        time.sleep(0.05)


def test_a_body_without_end_is_read_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    sent = []

    def script(send: Send, request: bytes) -> None:
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            send(bytes(1 << 16))
            sent.append(1 << 16)

    assert failure(script, tmp_path / "file.gz") == "the server sends more than the file's 256,000 bytes"
    assert sum(sent) < 1 << 26  # what the buffers of the system hold
    assert (tmp_path / "file.gz.part").stat().st_size == 0


def test_chunks_without_end_are_read_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    def script(send: Send, request: bytes) -> None:
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            send(b"1000\r\n" + bytes(0x1000) + b"\r\n")

    assert "the server sends more than" in failure(script, tmp_path / "file.gz")


def test_parts_without_end_are_asked_for_so_many_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_REQUESTS", 7)
    asked = []

    def script(send: Send, request: bytes) -> None:
        start = start_of(request)
        asked.append(start)
        status = "206 Partial Content" if start else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Range: bytes {start}-9/10\r\nContent-Length: 1000\r\n\r\n"
        send(head.encode() + b"x")

    assert failure(script, tmp_path / "file.gz") == "the server sent 7 of 256,000 bytes in 7 responses"
    assert asked == [*range(7)]


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 256000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["status", "headers", "body", "chunks", "body of any length"],
)
def test_a_byte_now_and_then_is_not_waited_for(tmp_path: Path, before: bytes) -> None:
    def script(send: Send, request: bytes) -> None:
        send(before)
        slowly(send, (b"1" for _ in count()))

    assert failure(script, tmp_path / "file.gz") == "the server sends less than 4.096 kB per second"


def test_answers_that_come_before_the_answer_without_end_are_not_read_for_ever(tmp_path: Path) -> None:
    def script(send: Send, request: bytes) -> None:
        while True:
            send(b"HTTP/1.1 100 Continue\r\n\r\n")

    assert failure(script, tmp_path / "file.gz") == "the server sends less than 4.096 kB per second"


def test_a_slow_mirror_gives_way_to_the_next_one_which_continues_it(tmp_path: Path) -> None:
    asked = []

    def slow(send: Send, request: bytes) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 256000\r\n\r\n" + CONTENT[:50_000])
        slowly(send, (CONTENT[at : at + 1] for at in range(50_000, 256_000)))

    def quick(send: Send, request: bytes) -> None:
        start = start_of(request)
        asked.append(start)
        rest = f"Content-Range: bytes {start}-255999/256000\r\nContent-Length: {256_000 - start}"
        send(f"HTTP/1.1 206 Partial Content\r\n{rest}\r\n\r\n".encode() + CONTENT[start:])

    with serving(slow) as first, serving(quick) as second:
        fetch([first, second], tmp_path / "file.gz", FILE, "")
    assert (tmp_path / "file.gz").read_bytes() == CONTENT and asked[0] >= 50_000


def test_a_download_that_takes_longer_than_the_window_but_is_quick_enough_is_finished(tmp_path: Path) -> None:
    def script(send: Send, request: bytes) -> None:
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        slowly(send, (CONTENT[at : at + 10_000] for at in range(0, 256_000, 10_000)))

    with serving(script) as url:
        fetch([url], tmp_path / "file.gz", FILE, "")
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("length", ["256001", "1" + "0" * 15, "9" * 5000])
def test_more_bytes_than_the_file_has_are_not_begun(tmp_path: Path, length: str) -> None:
    def script(send: Send, request: bytes) -> None:
        send(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + CONTENT)

    assert "bytes, but the file has 256,000" in failure(script, tmp_path / "file.gz")
    assert not (tmp_path / "file.gz.part").exists()


@pytest.mark.parametrize("length", ["-1", "0x10", "\xb2", "", "٣", "1e3"])
def test_a_length_that_is_no_number_is_not_used(tmp_path: Path, length: str) -> None:
    def script(send: Send, request: bytes) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: " + length.encode() + b"\r\n\r\n" + CONTENT)

    with serving(script) as url:
        fetch([url], tmp_path / "file.gz", FILE, "")
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:text/plain,x", "javascript:1", "gopher://x/", "/again"]
)
def test_redirects_lead_to_http_alone_and_not_for_ever(tmp_path: Path, code: int, place: str) -> None:
    def script(send: Send, request: bytes) -> None:
        send(f"HTTP/1.1 {code} X\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())

    said = f"redirect ({code}) not followed: too many redirects, or to another scheme"
    assert failure(script, tmp_path / "file.gz") == said


def test_a_redirect_to_another_mirror_is_followed(tmp_path: Path) -> None:
    def script(send: Send, request: bytes) -> None:
        send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode() + CONTENT)

    with serving(script) as other:

        def redirecting(send: Send, request: bytes) -> None:
            send(f"HTTP/1.1 302 Found\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n".encode())

        with serving(redirecting) as url:
            fetch([url], tmp_path / "file.gz", FILE, "")
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("old", "new", "followed"),
    [("http", "http", True), ("http", "https", True), ("https", "https", True), ("https", "http", False)],
)
def test_https_is_not_left(old: str, new: str, followed: bool) -> None:
    request = urllib.request.Request(f"{old}://example.org/")
    headers: Any = {}
    found = connection._Redirects().redirect_request(request, None, 302, "", headers, f"{new}://example.org/")
    assert (found is not None) == followed


@pytest.mark.parametrize("code", [404, 503, 418, 799])
def test_the_phrase_of_a_status_is_not_the_servers(tmp_path: Path, code: int) -> None:
    def script(send: Send, request: bytes) -> None:
        send(f"HTTP/1.1 {code} \x1b]0;owned\x07\u202e\r\nContent-Length: 0\r\n\r\n".encode())

    said = failure(script, tmp_path / "file.gz")
    assert said.startswith(f"the server responded with {code}") and "owned" not in said and said.isprintable()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x1b[2J\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * 100_000, b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000],
)
def test_what_is_no_http_is_said_in_printable_characters(tmp_path: Path, answer: bytes) -> None:
    said = failure(lambda send, request: send(answer), tmp_path / "file.gz")
    assert said.isprintable() and len(said) < 300


def test_each_dataset_says_how_large_its_files_are() -> None:
    remotes = [remote for row in DATASETS if row.published for remote in row.published.downloads.values()]
    assert len({remote.sha256 for remote in remotes}) == len(remotes) >= 12
    assert all(len(remote.sha256) == 64 and 4_000 < remote.size < 200_000_000 for remote in remotes)
