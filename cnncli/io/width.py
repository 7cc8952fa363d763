"""How wide output may be, and text within it.

Tables are fitted to a terminal and complete on a pipe, so that ``cnn … > file`` loses nothing. Text (titles, sources,
notes, derivations) is wrapped at ``TEXT`` columns, or at the width of a narrower terminal.
"""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TextIO

from cnncli.arithmetic.numerals import is_digits

TEXT = 80
NARROWEST = 30  # columns; on a narrower terminal, lines are longer than it


def output_width(stream: TextIO | None = None) -> int | None:
    """The width of standard output, or of ``stream``: ``$COLUMNS`` or the terminal's; None, for no limit, on a pipe."""
    columns = os.environ.get("COLUMNS", "")
    if is_digits(columns) and 0 < int(columns[:10]) < 10**9:
        return int(columns)
    stream = sys.stdout if stream is None else stream
    # A terminal of unknown size reports 0.
    return (os.get_terminal_size(stream.fileno()).columns or None) if stream.isatty() else None


def text_width() -> int:
    """The width at which text on standard output is wrapped."""
    return max(min(output_width() or TEXT, TEXT), NARROWEST)


def wrapped(line: str, more: int = 2, width: int | None = None) -> list[str]:
    """A line as lines of at most ``width`` columns (of text, if None), broken at spaces.

    The indentation of the line stays; the further lines are indented by ``more``.
    """
    width = text_width() if width is None else width
    if len(line) <= width:
        return [line]
    text = line.lstrip(" ")
    indent = " " * (len(line) - len(text))
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent + " " * more,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def wrapped_text(text: str, more: int = 2, width: int | None = None) -> str:
    """The lines of a text, each ``wrapped``."""
    return "\n".join(part for line in text.split("\n") for part in wrapped(line, more, width))
