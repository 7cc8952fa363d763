"""How wide output may be, and text within it.

Tables are fitted to a terminal and complete on a pipe, so that ``cnn … > file`` loses nothing. Text (titles, sources,
notes, derivations) is wrapped at ``TEXT`` columns, or at the width of a narrower terminal.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
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


def text_width(stream: TextIO | None = None) -> int:
    """The width at which text on standard output, or on ``stream``, is wrapped."""
    return max(min(output_width(stream) or TEXT, TEXT), NARROWEST)


def columns_of(text: str) -> int:
    """The columns of a terminal that a text takes: two for each wide character, such as those of Chinese.

    >>> columns_of("conv1"), columns_of("网络")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


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


def equation_lines(line: str) -> list[str]:
    """A line of arithmetic, broken before equal signs if it is too long, and only then at spaces."""
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    lines: list[str] = []
    for part in line.split(" = "):
        if lines and len(lines[-1]) + len(" = ") + len(part) <= text_width():
            lines[-1] += f" = {part}"
        else:
            lines.append(f"{indent}= {part}" if lines else part)
    return [short for line in lines for short in wrapped(line)]


def wrapped_text(text: str, more: int = 2, width: int | None = None, code: str | None = None) -> str:
    """The lines of a text, each ``wrapped``; those that begin with ``code`` stay as they are."""
    return "\n".join(
        part
        for line in text.split("\n")
        for part in ([line] if code is not None and line.startswith(code) else wrapped(line, more, width))
    )


def titled(*parts: str) -> str:
    """``LeNet-5 · input 1x28x28 · LeCun et al. 1998``; a source that does not fit begins a line of its own."""
    *first, last = [part for part in parts if part]
    line = " · ".join([*first, last])
    if columns_of(line) <= text_width() or not first:
        return wrapped_text(line)
    return wrapped_text(f"{' · '.join(first)}\n  {last}", more=0)


def cut(text: str, most: int) -> str:
    """A text of at most ``most`` characters: a name is shortened in the middle, a text with spaces at its end.

    >>> cut("homework_of_week_3_final.yaml", 16), cut("He et al. 2016, Deep Residual Learning", 16)
    ('homewor…nal.yaml', 'He et al. 2016,…')
    """
    return _cut(text, most, most // 2)


def _cut(text: str, most: int, end: int) -> str:
    """The text, of a name its last ``end`` characters."""
    if len(text) <= most:
        return text
    if " " in text.strip():
        return text[: most - 1] + "…"
    return text[: most - 1 - end] + "…" + text[len(text) - end :]


def cut_all(texts: Sequence[str], most: int) -> list[str]:
    """Each text ``cut`` to at most ``most`` characters, at a place where different names remain different if there is
    one.

    >>> cut_all(["block1.conv1.weight", "block2.conv1.weight"], 14)
    ['block1….weight', 'block2….weight']
    >>> cut_all(["encoder_block_1_of_the_net", "encoder_block_2_of_the_net"], 14)
    ['e…1_of_the_net', 'e…2_of_the_net']
    """
    if max(map(len, texts), default=0) <= most:
        return [*texts]
    half, count = most // 2, len({*texts})
    for end in sorted(range(most), key=lambda end: abs(end - half)):
        found = [_cut(text, most, end) for text in texts]
        if len({*found}) == count:
            return found
    return [cut(text, most) for text in texts]
