"""Lines of Markdown as lines of a sheet: names in bold or as code, headings, quotations and rows of tables."""

from __future__ import annotations

import re

from cnncli.homework.submissions.drafts import Asked

_BEGIN = r"([ \t]*(?:(?:[-*+•–]|\(?\w{1,3}[.)])[ \t]+)?)"
_MARKED = re.compile(rf"{_BEGIN}(\*\*|__|\*|_|`)([^\W_][^*`:=]{{0,58}}?)([:=]?)\2[ \t]*([:=]?)(.*)")
_QUOTED = re.compile(r"^[ \t]*>[ \t]+(?=\S)")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(.{1,100}?)[ \t:#]*")
_CELLS = re.compile(r"[ \t]*\|[ \t]{0,40}[*_`]{0,4}([^\W\d][^|*`]{0,58}?)[*_`]{0,4}[ \t]{0,40}\|(.*)")


def without_markup(line: str, asked: Asked | None, *, is_markdown: bool) -> str:
    """A line as ``question: answer`` where Markdown has other characters; unchanged where it has no question.

    A # begins a heading only in a file that ``is_markdown``: elsewhere it begins a comment.
    """
    line = _QUOTED.sub("", line, count=1)
    if marked := _MARKED.fullmatch(line):
        begin, _, name, inside, after, answer = marked.groups()
        if inside or after or (not answer and _is_asked(name, asked)):
            return f"{begin}{name}: {answer.strip()}"
    if (cells := _CELLS.fullmatch(line)) and _is_asked(cells[1], asked):
        return f"{cells[1]}: {cells[2].strip().removesuffix('|').strip()}"
    heading = _HEADING.fullmatch(line) if is_markdown else None
    return f"{heading[1]}:" if heading and _is_asked(heading[1], asked) else line


def _is_asked(name: str, asked: Asked | None) -> bool:
    return asked is not None and asked.means(name)
