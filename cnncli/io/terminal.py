"""Standard input, output and error as cnn uses them.

``guarded`` ensures that all three are open, that any text can be written, and that nothing written controls the
terminal: everything printed (by a command, click, a library's warning) passes through it. Colors and bars bypass it,
through the consoles created here, which escape the texts instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from cnncli.errors import CnnError
from cnncli.io.escaping import visible
from cnncli.io.width import output_width, text_width, wrapped_text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment


class Guard:
    """Wraps a text ``stream`` and makes control characters visible."""

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
        if name == "buffer":  # writing bytes would bypass the guard
            raise AttributeError(name)
        return getattr(self.stream, name)


class Notes(Guard):
    """Standard error: its lines are wrapped on a terminal; on a pipe each stays whole, for programs that read it.

    A closed pipe (``cnn train … 2>&1 | head``) ends the notes, not the work.
    """

    def write(self, text: str) -> int:
        """Write ``text``, escaped, and discard it once the reader has closed the pipe. Returns its length."""
        try:
            on_pipe = output_width(self.stream) is None
            super().write(text if on_pipe else wrapped_text(text, width=text_width(self.stream), code="    "))
            return len(text)
        except BrokenPipeError:
            discard(self.stream)
            return len(text)

    def flush(self) -> None:
        """Flush the stream, and discard it once the reader has closed the pipe."""
        try:
            self.stream.flush()
        except BrokenPipeError:
            discard(self.stream)


def discard(stream: TextIO) -> None:
    """Point a stream at the null device, so that later writes, also at the interpreter's exit, do not fail."""
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
                stream.reconfigure(errors="backslashreplace")  # a character that the encoding lacks must not fail
        guard()
        if before[1] is None:
            raise CnnError("standard output is closed", "use > /dev/null to discard the output")
        yield
    finally:
        if None not in before:
            sys.stdin, sys.stdout, sys.stderr = before


def guard() -> None:
    """Guard the current ``sys.stdout`` and ``sys.stderr``: a progress bar on a terminal replaces them."""
    for name, kind in (("stdout", Guard), ("stderr", Notes)):
        stream = getattr(sys, name)
        if not isinstance(stream, Guard):
            setattr(sys, name, cast(TextIO, kind(stream)))


@contextmanager
def unguarded() -> Iterator[None]:
    """Inside, standard error is not escaped, so that progress bars of libraries work."""
    before = sys.stderr
    if isinstance(before, Guard):
        sys.stderr = before.stream
    try:
        yield
    finally:
        sys.stderr = before


def _open_closed() -> None:
    """Open closed streams (``cnn … 2>&-``) on the null device.

    The descriptors too: otherwise the next opened file would get number 2, and warnings would be written into it.
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
    """A rich console for standard output or error that escapes every text that it renders."""
    from rich.console import Console

    class EscapingConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=visible(segment.text))

    stream = sys.stderr if stderr else sys.stdout
    return EscapingConsole(file=stream.stream if isinstance(stream, Guard) else stream, highlight=False)
