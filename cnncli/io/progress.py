"""The progress of a long job on stderr: a bar on a terminal, else a plain line from time to time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Task
    from rich.text import Text

SECONDS_BETWEEN_LINES = 10.0

Advance = Callable[[int], None]


def progress(description: str, total: int | None, unit: str) -> AbstractContextManager[Advance]:
    """Show the progress of the ``with`` block, which receives a function that adds ``n`` completed units.

    ``total`` is None if it is unknown; ``unit`` is a plural ("images") or "B" for bytes.
    """
    return _bar(description, total, unit) if _on_terminal() else _lines(description, total, unit)


def amount(count: float, unit: str) -> str:
    """``count`` units in readable form.

    >>> amount(60000, "images"), amount(9912422, "B")
    ('60,000 images', '9.9 MB')
    """
    return f"{count / 1e6:,.1f} MB" if unit == "B" else f"{count:,.0f} {unit}"


def _on_terminal() -> bool:
    # rich draws nothing on a dumb terminal, so lines are printed there
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


@contextmanager
def _lines(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """A line at the start, one every ten seconds at most, and one at the end."""
    started = shown = time.monotonic()
    done = 0

    def advance(n: int) -> None:
        nonlocal done, shown
        done += n
        now = time.monotonic()
        if now - shown >= SECONDS_BETWEEN_LINES:
            shown = now
            _say(f"{description}: {_done_of(done, total, unit)}, {_rate(done, now - started, unit)}")

    _say(description if total is None else f"{description}: {amount(total, unit)}")
    yield advance
    seconds = time.monotonic() - started
    _say(f"{description}: {_done_of(done, total, unit)} in {seconds:.1f} s, {_rate(done, seconds, unit)}")


@contextmanager
def _bar(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from cnncli.io import terminal

    class Count(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(_done_of(int(task.completed), total, unit))

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{amount(speed, unit)}/s")

    described = TextColumn("{task.description}", markup=False)
    columns = (described, BarColumn(), Count(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=terminal.console(stderr=True)) as bar:
        terminal.guard()
        task = bar.add_task(description, total=total)
        yield lambda n: bar.advance(task, n)


def _done_of(done: int, total: int | None, unit: str) -> str:
    if total is None or done == total:
        return amount(done, unit)
    return f"{amount(done, unit).split()[0]} of {amount(total, unit)}"


def _rate(done: int, seconds: float, unit: str) -> str:
    return f"{amount(done / max(seconds, 1e-6), unit)}/s"


def _say(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)
