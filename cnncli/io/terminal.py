"""Standard input, output and error as cnn uses them.

``guarded`` sees to it that all three are open, that any text can be written, and that nothing written drives the
terminal: whatever prints (a command, click, a warning of a library) prints through it. Colours and bars are written
past it, by the consoles made here, which escape the texts instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from cnncli.errors import CnnError
from cnncli.io.escaping import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment


class Guard:
    """A text stream with its control characters made visible; otherwise the ``stream`` that it is given."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write ``text``, escaped. Returns its length."""
        self.stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write them all, escaped."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # the bytes below would be a way past the guard
            raise AttributeError(name)
        return getattr(self.stream, name)


class Notes(Guard):
    """Standard error: a reader that leaves (``cnn train … 2>&1 | head``) ends the notes, not what they are about."""

    def write(self, text: str) -> int:
        """Write ``text``, escaped; nowhere once the reader has left. Returns its length."""
        try:
            return super().write(text)
        except BrokenPipeError:
            discard(self.stream)
            return len(text)

    def flush(self) -> None:
        """Write what is held back; nowhere once the reader has left."""
        try:
            self.stream.flush()
        except BrokenPipeError:
            discard(self.stream)


def discard(stream: TextIO) -> None:
    """Point a stream at nothing: what is still written to it, also when the interpreter ends, is no error then."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
    except (OSError, ValueError):
        return


@contextmanager
def guarded() -> Iterator[None]:
    """Inside, the standard streams are open and guarded. Raises CnnError where standard output is closed."""
    before = sys.stdin, sys.stdout, sys.stderr
    try:
        _open_closed()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")  # a letter that the encoding lacks is no failure
        guard()
        if before[1] is None:
            raise CnnError("standard output is closed", "write > /dev/null where the output is not wanted")
        yield
    finally:
        if None not in before:
            sys.stdin, sys.stdout, sys.stderr = before


def guard() -> None:
    """Guard what ``sys.stdout`` and ``sys.stderr`` are now: a bar that is drawn on a terminal replaces them."""
    for name, kind in (("stdout", Guard), ("stderr", Notes)):
        stream = getattr(sys, name)
        if not isinstance(stream, Guard):
            setattr(sys, name, cast(TextIO, kind(stream)))


@contextmanager
def unguarded() -> Iterator[None]:
    """Inside, what a library writes to standard error is written as it is: the bars of others draw themselves."""
    before = sys.stderr
    if isinstance(before, Guard):
        sys.stderr = before.stream
    try:
        yield
    finally:
        sys.stderr = before


def _open_closed() -> None:
    """Open what is closed (``cnn … 2>&-``) on the null device.

    The descriptors too: the next file that is opened would be given the number 2, and warnings written into it.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end


def console(*, stderr: bool = False) -> Console:
    """A console of rich's for standard output or error, which escapes every text that it renders."""
    from rich.console import Console

    class EscapingConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=visible(segment.text))

    stream = sys.stderr if stderr else sys.stdout
    return EscapingConsole(file=stream.stream if isinstance(stream, Guard) else stream, highlight=False)
