from __future__ import annotations

import io
import re
import sys

import pytest

import cnncli.io.progress
from cnncli.io.progress import amount, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_a_line_at_the_start_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading cats", 1200, "images") as advance:
        for _ in range(1200):
            advance(1)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0] == "reading cats: 1,200 images"
    assert re.fullmatch(r"reading cats: 1,200 images in 0\.\d s, [\d,]+ images/s", lines[1])
    assert len(lines) == 2


def test_a_pipe_gets_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 9.0, 11.0, 12.0, 20.0, 22.0, 30.0])
    monkeypatch.setattr(cnncli.io.progress.time, "monotonic", lambda: next(clock))
    with progress("reading", 100, "images") as advance:
        for _ in range(6):
            advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "reading: 100 images",
        "reading: 30 of 100 images, 3 images/s",
        "reading: 60 of 100 images, 3 images/s",
        "reading: 60 of 100 images in 30.0 s, 2 images/s",
    ]


def test_an_unknown_total_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("downloading", None, "B") as advance:
        advance(2_500_000)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "downloading"
    assert last.startswith("downloading: 2.5 MB in ")


def test_a_terminal_gets_a_bar_on_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("reading [cats]", 1200, "images") as advance:
        advance(1200)
    assert capsys.readouterr().out == ""
    assert "reading [cats]" in terminal.getvalue()
    assert "━" in terminal.getvalue()
    assert "1,200 images" in terminal.getvalue()
    assert "\x1b[3" not in terminal.getvalue()  # no color


def test_a_failure_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), progress("reading", 2, "images"):
        raise KeyError
    assert capsys.readouterr().err == "reading: 2 images\n"


def test_no_stderr_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with progress("reading", 2, "images") as advance:
        advance(2)


def test_amounts_are_written_for_people() -> None:
    assert amount(60000, "images") == "60,000 images"
    assert amount(9_912_422, "B") == "9.9 MB"
