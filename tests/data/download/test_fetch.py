from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cnncli.data.download.fetch import fetch
from cnncli.data.download.published import sole_writer
from cnncli.data.registry import Remote
from cnncli.errors import CnnError

CONTENT = bytes(range(256)) * 1000
FILE = Remote(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Mirror(ThreadingHTTPServer):
    """A server that gives ``content`` for any path, as badly as it is told to; ``asked`` are the ranges asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.status = 200
        self.ranges = True
        self.at_most = len(CONTENT)  # bytes per answer, whatever its Content-Length says
        self.wrong_range = False
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.gz"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        if self.server.status != 200 or start > len(self.server.content):
            self.send_error(416 if self.server.status == 200 else self.server.status)
            return
        self.send_response(206 if asked and self.server.ranges else 200)
        body = self.server.content[start:]
        if asked and self.server.ranges:
            first = 0 if self.server.wrong_range else start
            self.send_header(
                "Content-Range", f"bytes {first}-{len(self.server.content) - 1}/{len(self.server.content)}"
            )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.at_most])


@pytest.fixture
def mirrors() -> Iterator[list[Mirror]]:
    servers = [Mirror(), Mirror()]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mirror(mirrors: list[Mirror]) -> Mirror:
    return mirrors[0]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file.gz"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.gz.part"


def failure(urls: list[str], target: Path) -> str:
    with pytest.raises(CnnError) as error:
        fetch(urls, target, FILE, "the hint")
    assert not target.exists()
    return str(error.value)


def test_a_download_is_the_file_and_leaves_nothing_else(mirror: Mirror, target: Path, part: Path) -> None:
    fetch([mirror.url], target, FILE, "")
    assert target.read_bytes() == CONTENT
    assert not part.exists()
    assert mirror.asked == [None]


def test_a_download_goes_on_where_it_broke_off(mirror: Mirror, target: Path, part: Path) -> None:
    part.write_bytes(CONTENT[:1000])
    fetch([mirror.url], target, FILE, "")
    assert target.read_bytes() == CONTENT
    assert mirror.asked == ["bytes=1000-"]


def test_a_server_without_ranges_begins_again(mirror: Mirror, target: Path, part: Path) -> None:
    mirror.ranges = False
    part.write_bytes(CONTENT[:1000])
    fetch([mirror.url], target, FILE, "")
    assert target.read_bytes() == CONTENT


def test_a_finished_part_needs_no_network(target: Path, part: Path) -> None:
    part.write_bytes(CONTENT)
    fetch(["http://127.0.0.1:9/"], target, FILE, "")
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("old", [b"x" * 1000, b"x" * (len(CONTENT) + 1)], ids=["wrong", "too long"])
def test_a_spoilt_part_is_thrown_away(mirror: Mirror, target: Path, part: Path, old: bytes) -> None:
    part.write_bytes(old)
    fetch([mirror.url], target, FILE, "")
    assert target.read_bytes() == CONTENT
    assert mirror.asked == ([f"bytes={len(old)}-", None] if len(old) < len(CONTENT) else [None])


def test_a_body_cut_short_is_continued(mirror: Mirror, target: Path) -> None:
    mirror.at_most = 100_000
    fetch([mirror.url], target, FILE, "")
    assert target.read_bytes() == CONTENT
    assert mirror.asked == [None, "bytes=100000-", "bytes=200000-"]


def test_a_body_cut_short_without_ranges_is_an_error_and_kept(mirror: Mirror, target: Path, part: Path) -> None:
    mirror.ranges, mirror.at_most = False, 100_000
    assert failure([mirror.url], target) == (
        f"cannot download file.gz\n  {mirror.url}: the connection closed after 100,000 of 256,000 bytes\n  the hint"
    )
    assert part.read_bytes() == CONTENT[:100_000]


def test_a_wrong_checksum_is_an_error_and_removed(mirror: Mirror, target: Path, part: Path) -> None:
    mirror.content = b"<html>please log in</html>"
    assert failure([mirror.url], target) == (
        f"cannot download file.gz\n  {mirror.url}: the file has the wrong checksum\n  the hint"
    )
    assert not part.exists()


def test_mirrors_are_tried_in_turn_until_one_has_it(mirrors: list[Mirror], target: Path) -> None:
    mirrors[0].status = 404
    fetch([mirrors[0].url, mirrors[1].url, "http://127.0.0.1:9/"], target, FILE, "")
    assert target.read_bytes() == CONTENT
    assert [len(server.asked) for server in mirrors] == [1, 1]


def test_the_first_mirror_that_has_it_is_the_only_one_asked(mirrors: list[Mirror], target: Path) -> None:
    fetch([server.url for server in mirrors], target, FILE, "")
    assert [len(server.asked) for server in mirrors] == [1, 0]


def test_a_mirror_continues_what_another_began(mirrors: list[Mirror], target: Path) -> None:
    mirrors[0].ranges, mirrors[0].at_most = False, 100_000
    fetch([server.url for server in mirrors], target, FILE, "")
    assert mirrors[1].asked == ["bytes=100000-"]
    assert target.read_bytes() == CONTENT


def test_all_that_was_tried_is_named(mirror: Mirror, target: Path) -> None:
    mirror.status = 404
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{unused.getsockname()[1]}/file.gz"
        message = failure([mirror.url, refused, "http://a b/"], target)
    lines = message.splitlines()
    assert lines[:3] == [
        "cannot download file.gz",
        f"  {mirror.url}: the server responded with 404 Not Found",
        f"  {refused}: Connection refused",
    ]
    assert lines[3].startswith("  http://a b/: URL can't contain control characters")
    assert lines[4:] == ["  the hint"]


def test_another_range_than_asked_for_is_refused(mirror: Mirror, target: Path, part: Path) -> None:
    mirror.wrong_range = True
    part.write_bytes(CONTENT[:1000])
    assert failure([mirror.url], target) == (
        f"cannot download file.gz\n  {mirror.url}: the server did not resume at byte 1,000\n  the hint"
    )
    assert part.read_bytes() == CONTENT[:1000]


def test_progress_is_on_stderr_alone(mirror: Mirror, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch([mirror.url], target, FILE, "")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[0] == f"downloading {mirror.url}: 0.3 MB"


def test_one_process_downloads_into_a_folder_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    entered = threading.Event()

    def second() -> None:
        with sole_writer(tmp_path):
            entered.set()

    with sole_writer(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.wait(0.05)
    waiting.join(5)
    assert entered.is_set()
