"""Parsing matrices as people, NumPy, PyTorch, MATLAB and LaTeX write them.

The table of separators is in docs/by-hand.md ("How a matrix is written"). :mod:`.matrix_spelling` makes the spelling
uniform (LaTeX commands, dashes, ``array(…)``). The text is then split into words, brackets and the gaps between them,
and the gaps decide what is a row and what a channel. An ambiguous text is refused with both ways to write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from cnncli.errors import CnnError, shortened
from cnncli.homework.exact_ops.matrix_spelling import HINT, quoted, uniform
from cnncli.homework.exact_ops.numbers import number

Nested = Any  # a number, or a list of such
Entry = Callable[[str], Any]  # reads an entry of a matrix
DEPTH_LIMIT = 5  # axes: filters, channels and three of space


_TOKEN = re.compile(r"([\s,;&|]+)|([\[({])|([\])}])|([^\s,;&|\[\](){}]+)")
_CLOSES = {"(": ")", "[": "]", "{": "}"}


class _Level:
    """The content of a pair of brackets, or of the text: items, and the gap before each."""

    def __init__(self, opened: str, depth: int, entry: Entry) -> None:
        self.opened = opened
        self.depth = depth
        self.entry = entry
        self.items: list[str | list[Any]] = []
        self.gaps: list[str] = []
        self.gap = ""  # after the last item

    def add(self, item: str | list[Any], text: str) -> None:
        if self.items and not self.gap:
            raise CnnError(
                f"{quoted(text)}: missing separator next to a bracket",
                "separate lists with commas; multiply a factor before a matrix into its entries",
            )
        self.items.append(item)
        self.gaps.append(self.gap)
        self.gap = ""


def parse(text: str, entry: Entry = number) -> list[Any]:
    """Nested lists of exact numbers, of equal lengths on each axis; a single number is a list of one. Raises CnnError.

    ``entry`` reads each word, by default as a number. A row is a list; several rows are a list of lists, and channels
    a list of those.
    """
    nested = _channels(_outermost(text, entry), text)
    check_equal_lengths(nested, text)
    return nested


def has_row_channels(text: str) -> bool:
    """Whether each channel of a text that :func:`parse` reads is one row, without brackets in brackets: ``1 2 | 3 4``.

    Such channels have one axis of space. A matrix of one row is written ``[[1, 2]]``.
    """
    if "|" not in text:
        return False
    parts = _parts(_outermost(text, str), text)
    return len(parts) > 1 and not any(isinstance(part[0], list) for part in parts)


def _outermost(text: str, entry: Entry) -> _Level:
    """The items outside of all brackets."""
    plain = uniform(text)
    levels = [_Level("", 0, entry)]
    for gap, opened, closed, word in _TOKEN.findall(plain):
        level = levels[-1]
        if gap:
            level.gap += gap
        elif opened:
            if len(levels) > DEPTH_LIMIT:
                raise CnnError(f"{quoted(text)}: more than {DEPTH_LIMIT} nested brackets", HINT)
            levels.append(_Level(opened, len(levels), entry))
        elif closed:
            if _CLOSES.get(level.opened) != closed:
                raise CnnError(f"{quoted(text)}: {closed} without {_opening(closed)}", "close every bracket")
            levels.pop()
            levels[-1].add(_closed(level, text), text)
        else:
            level.add(word, text)
    if len(levels) > 1:
        raise CnnError(f"{quoted(text)}: {levels[-1].opened} is not closed", "close every bracket")
    return levels[0]


def split_filters(text: str) -> list[str]:
    """The texts of several filters, which ``||`` separates."""
    return text.split("||")


# Brackets, channels, rows, entries --------------------------------------------------------------------------------


def _closed(level: _Level, text: str) -> str | list[Any]:
    """The value of a pair of brackets; parentheses around a single value are that value, as in Python."""
    if not level.items:
        raise CnnError(f"{quoted(text)}: nothing between {level.opened} and {_CLOSES[level.opened]}", HINT)
    lone = len(level.items) == 1 and not (level.gaps[0] + level.gap).strip()
    if lone and level.opened == "(":
        return level.items[0]
    return _channels(level, text)


def _channels(level: _Level, text: str) -> list[Any]:
    parts = _parts(level, text)
    if len(parts) == 1:
        return parts[0]
    return [part if isinstance(part[0], list) else [part] for part in parts]


def _parts(level: _Level, text: str) -> list[list[Any]]:
    """The matrix or the row of each channel."""
    if not level.items:
        raise CnnError(f"{quoted(text)} does not contain a number" if text.strip() else "the matrix is empty", HINT)
    starts = [at for at, gap in enumerate(level.gaps) if "|" in gap]
    for gap in (*level.gaps, level.gap):
        if "|" in gap and not re.fullmatch(r"[\s,;&]*\|\s*", gap):
            raise CnnError(
                f"{quoted(text)}: an empty channel, at {gap.strip()[:9]}",
                "write | between channels (and || between the filters of a kernel)",
            )
    if level.gaps[0].strip():
        raise CnnError(f"{quoted(text)}: nothing before {level.gaps[0].strip()[:9]}", HINT)
    if not starts:
        return [_matrix(level, 0, len(level.items), text)]
    bounds = [0, *starts, len(level.items)]
    return [_matrix(level, begin, end, text, is_channel=True) for begin, end in pairwise(bounds)]


def _matrix(level: _Level, begin: int, end: int, text: str, *, is_channel: bool = False) -> list[Any]:
    """The items from ``begin`` to ``end``: rows of numbers, or lists in brackets."""
    items, gaps = level.items[begin:end], level.gaps[begin + 1 : end]
    lists = [item for item in items if isinstance(item, list)]
    if not lists:
        words = [item for item in items if isinstance(item, str)]
        return _rows(words, gaps, level, text)
    if len(lists) < len(items):
        raise CnnError(f"{quoted(text)}: numbers and brackets side by side", "write every row in brackets, or none")
    if len(lists) == 1 and (is_channel or level.depth == 0):
        return lists[0]
    if level.depth == 0 and not isinstance(lists[0][0], list) and any(map(_has_empty_line, gaps)):
        raise _empty_line(text)
    kinds = {_kind(gap) for gap in gaps}
    if len(kinds) > 1 or any(len(kind) > 1 for kind in kinds):
        raise CnnError(f"{quoted(text)}: different separators between lists", "write [[1, 2], [3, 4]]")
    if level.depth == 0 and kinds == {" "} and isinstance(lists[0][0], list):
        raise CnnError(f"{quoted(text)}: two matrices side by side", "write | between channels")
    return lists


def _kind(gap: str) -> str:
    """The separators between two lists: ``;``, ``,``, ``&``, a line break, or a space."""
    return re.sub(r"\s", "", gap) or ("\n" if "\n" in gap else " ")


def _rows(words: Sequence[str], gaps: Sequence[str], level: _Level, text: str) -> list[Any]:
    rows, at = [], 0
    for end, gap in enumerate(gaps, 1):
        if _ends_row(gap, level.depth, text):
            rows.append(_row(words[at:end], gaps[at : end - 1], level.entry, text))
            at = end
    rows.append(_row(words[at:], gaps[at:], level.entry, text))
    return rows if len(rows) > 1 else rows[0]


def _ends_row(gap: str, depth: int, text: str) -> bool:
    """Whether a gap between two numbers ends a row. Raises CnnError for an invalid combination of separators."""
    bare = re.sub(r"[^\S\n]+", "", gap)
    if _has_empty_line(gap) and not (depth and "," in bare):  # in brackets, a row continues after a comma
        raise _empty_line(text)
    if re.fullmatch(r"[,&]?\n*;\n*", bare):
        return True
    if "\n" in bare and ";" not in bare:
        if depth and re.fullmatch(r"\n*,\n*", bare):
            return False  # in brackets, a row continues after a comma, as in Python and JSON
        if depth > 1:
            raise CnnError(
                f"{quoted(text)}: a line ends inside a row in brackets",
                "write [1, 2, 3, 4] for one row, or [1, 2], [3, 4] for two",
            )
        if re.fullmatch(r"[,&]?\n+", bare):
            return True
    elif len(bare) <= 1 and ";" not in bare:
        return False
    raise CnnError(
        f"{quoted(text)}: an empty row or entry, at {' '.join(gap.split())[:9]}", "write 0 for an empty entry"
    )


def _has_empty_line(gap: str) -> bool:
    return re.search(r"\n[^\S\n]*\n", gap) is not None


def _empty_line(text: str) -> CnnError:
    """The error for an empty line between rows, which separates channels in printed arrays."""
    return CnnError(
        f"{quoted(text)}: an empty line may separate channels, or mean nothing",
        "write | between channels, or remove the empty line",
    )


def _row(words: Sequence[str], gaps: Sequence[str], entry: Entry, text: str) -> list[Any]:
    try:
        row = [entry(word) for word in words]
    except CnnError as error:
        raise CnnError(f"{error.problems[0].message}, in {quoted(text)}", error.problems[0].hint) from None
    kinds = {gap.strip() or " " for gap in gaps}
    if len(kinds) > 1:
        raise _mixed(words, gaps, kinds)
    for gap, (one, other) in zip(gaps, pairwise(words), strict=True):
        if gap == "," and re.fullmatch(r"[+-]?[1-9][0-9]{0,2}", one) and re.fullmatch(r"0[0-9]{2}", other):
            raise CnnError(
                f"{one},{other} may be one number or two",
                f"write {one}{other} without a comma, or {one}, {int(other)} with a space",
            )
    return row


def _mixed(words: Sequence[str], gaps: Sequence[str], kinds: set[str]) -> CnnError:
    """The error for a row with two separators: ``1 2, 3 4`` may be two rows, and ``0,5`` one number."""
    written = "".join(f"{gap}{word}" for gap, word in zip(("", *gaps), words, strict=True))
    one_row = " ".join(words)
    if kinds == {",", " "} and all(gap == "," or not gap.strip() for gap in gaps):
        decimals = re.fullmatch(r"(?:[+-]?[0-9]+(?:,[0-9]+)?\s+)*[+-]?[0-9]+(?:,[0-9]+)?", written)
        if decimals:
            return CnnError(
                f"{quoted(written)} may have decimal commas",
                f"write {shortened(written.replace(',', '.'))}, or {shortened(one_row)} for entries of their own",
            )
    strongest = "," if "," in kinds else "&"
    rows = "".join(f"{';' if strongest in gap else ''} {word}" for gap, word in zip(("", *gaps), words, strict=True))
    are_equal = len({row.count(" ") for row in rows.split(";")}) == 1
    between = " and ".join(sorted("spaces" if kind == " " else kind for kind in kinds))
    return CnnError(
        f"{quoted(written)} is ambiguous: its numbers are separated by {between}",
        f"write {shortened(rows.strip())} for rows, or {shortened(one_row)} for one row"
        if are_equal
        else f"write {shortened(one_row)} for one row",
    )


def check_equal_lengths(nested: Nested, text: str) -> None:
    """Raises CnnError where lists on one axis have different lengths."""
    if not isinstance(nested, list) or not isinstance(nested[0], list):
        if isinstance(nested, list) and any(isinstance(item, list) for item in nested):
            raise CnnError(f"{quoted(text)}: rows have different depths", HINT)
        return
    for item in nested:
        check_equal_lengths(item, text)
    shapes = [shape_of(item) for item in nested]
    for at, shape in enumerate(shapes):
        if shape != shapes[0]:
            what = "row" if len(shapes[0]) == 1 else "block"
            raise CnnError(
                f"{quoted(text)}: {what}s have different lengths: {what} 1 has {_size(shapes[0])}, "
                f"{what} {at + 1} has {_size(shape)}",
                HINT,
            )


def shape_of(nested: Nested) -> tuple[int, ...]:
    """The shape of nested lists of equal lengths."""
    return (len(nested), *shape_of(nested[0])) if isinstance(nested, list) else ()


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _opening(closed: str) -> str:
    return next(opened for opened, other in _CLOSES.items() if other == closed)
