r"""The one reader of matrices that are written as text, as people, NumPy, PyTorch, MATLAB and LaTeX write them.

The table of what separates what stands in docs/exercises.md ("How a matrix is written"). A text is read in three
steps: spellings are made uniform (LaTeX commands, dashes, ``array(…)``), the text is split into words, brackets and the
gaps between them, and the gaps decide what is a row and what a channel. Where two readings are possible, the text is
refused with both ways to write it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cnncli.errors import CnnError, shortened
from cnncli.homework.exact_ops.numbers import number

Nested = Any  # a number, or a list of such
DEPTH_LIMIT = 5  # axes: filters, channels and three of space
HINT = 'write rows with ; and numbers with spaces: "0 1 2; 3 4 5", channels with |'

# How other writers spell what is read here.
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-") | {"\u2044": "/"})
_CONTROL = re.compile("[\x00-\x08\v\f\x0e-\x1f\x7f]")
_NEWLINE = re.compile("\r\n?|[\u0085\u2028\u2029]")
_SQRT = re.compile(r"(?:sqrt|√)\s{0,9}\(\s{0,9}([^()\s]{1,60})\s{0,9}\)")
_CALL = re.compile(r"(?:[A-Za-z_]\w{0,30}\.)?(?:array|asarray|tensor|Tensor|matrix|Matrix)\s{0,9}\(")
_NAMED = re.compile(r"((?:\$\$?|\\[\[(])?)\s{0,9}([^\W\d][\w']{0,30})\s{0,9}:?=")
_KEYWORD = re.compile(r",\s{0,99}[a-z_]{1,30}=(?:<[^<>]{0,99}>|\([^()]{0,99}\)|[\w.':]{1,99})\s{0,99}$")

# What LaTeX's commands are read as, in this order.
_ENVIRONMENT = r"\{(?:[pbBvV]?(?:small)?matrix\*?|array)\}"
_LATEX: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), read_as)
    for pattern, read_as in (
        (r"^\s*(?:\$\$?|\\[\[(])|(?:\$\$?|(?<!\\)\\[\])])\s*$", ""),  # $…$, $$…$$, \[…\], \(…\)
        (r"\\\\\s{0,9}\[\s{0,9}-?[0-9.]{1,9}\s{0,9}[a-z]{2}\s{0,9}\]|\\cr(?![A-Za-z])", r"\\\\"),
        (r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])\s{0,9}(?:\\[{}|]|[.\[\](){}|])?", " "),
        (rf"\\begin{_ENVIRONMENT}(?:\{{[^{{}}]{{0,99}}\}}|\[[a-z]\])?", "["),
        (rf"\\end{_ENVIRONMENT}", "]"),
        (r"(?<![0-9.)}/A-Za-z])\\[dt]?frac\s{0,9}\{\s{0,9}([^{}\s]{1,60})\s{0,9}\}\s{0,9}\{\s{0,9}([^{}\s]{1,60})"
         r"\s{0,9}\}", r"\1/\2"),
        (r"(?<![0-9.)}/A-Za-z])\\[dt]?frac\s{0,9}([0-9])\s{0,9}([0-9])", r"\1/\2"),
        (r"\\sqrt\s{0,9}\{\s{0,9}([^{}\s]{1,60})\s{0,9}\}", r"√\1"),
        (r"\\hline(?![A-Za-z])|\\displaystyle(?![A-Za-z])|\\phantom\{[^{}]{0,9}\}|\\q?quad(?![A-Za-z])|(?<!\\)\\[,:;!]|~",
         " "),
    )
)  # fmt: skip
_COMMAND = re.compile(r"\\[A-Za-z]+")
_CONTROL_SPACE = re.compile(r"(?<!\\)\\ ")
_BREAK = re.compile(r"\\\\?")  # a lone backslash is what a shell or a YAML file leaves of two

_TOKEN = re.compile(r"([\s,;&|]+)|([\[({])|([\])}])|([^\s,;&|\[\](){}]+)")
_CLOSES = {"(": ")", "[": "]", "{": "}"}


class _Level:
    """What stands between two brackets, or in the whole text: items, and the gap before each."""

    def __init__(self, opened: str, depth: int) -> None:
        self.opened = opened
        self.depth = depth
        self.items: list[str | list[Any]] = []
        self.gaps: list[str] = []
        self.gap = ""  # after the last item

    def add(self, item: str | list[Any], text: str) -> None:
        if self.items and not self.gap:
            raise CnnError(
                f"{_shown(text)}: nothing stands between a bracket and what is beside it",
                "a factor before a matrix is not multiplied: write it into the entries; separate lists with commas",
            )
        self.items.append(item)
        self.gaps.append(self.gap)
        self.gap = ""


def parse(text: str) -> list[Any]:
    """Nested lists of exact numbers, all of one length on each axis; a lone number is a list of one. Raises CnnError.

    A row is a list; several rows are a list of lists, and channels a list of those.
    """
    plain = _uniform(text)
    levels = [_Level("", 0)]
    for gap, opened, closed, word in _TOKEN.findall(plain):
        level = levels[-1]
        if gap:
            level.gap += gap
        elif opened:
            if len(levels) > DEPTH_LIMIT:
                raise CnnError(f"{_shown(text)}: more than {DEPTH_LIMIT} brackets in each other", HINT)
            levels.append(_Level(opened, len(levels)))
        elif closed:
            if _CLOSES.get(level.opened) != closed:
                raise CnnError(f"{_shown(text)}: {closed} closes no {_opening(closed)}", "brackets come in pairs")
            levels.pop()
            levels[-1].add(_closed(level, text), text)
        else:
            level.add(word, text)
    if len(levels) > 1:
        raise CnnError(f"{_shown(text)}: {levels[-1].opened} is not closed", "brackets come in pairs")
    nested = _channels(levels[0], text)
    check_equal_lengths(nested, text)
    return nested


def split_filters(text: str) -> list[str]:
    """The texts of several filters, which ``||`` sets apart."""
    return text.split("||")


def _uniform(text: str) -> str:
    """The text with one spelling for each thing: ASCII minus signs, ``;`` for LaTeX's row breaks, no commands."""
    control = _CONTROL.search(text)
    if control:
        raise CnnError(
            f"{_shown(text)} holds the control character {control[0]!r}",
            r"in a YAML file, write LaTeX in single quotes: in double quotes \b and \f are control characters",
        )
    text = _NEWLINE.sub("\n", text.removeprefix("\ufeff").translate(_DASHES)).strip()
    named = _NAMED.match(text)
    if named:
        rest = shortened(" ".join((named[1] + text[named.end() :]).split()))
        hint = f"leave the name out: {rest}" if rest else HINT
        raise CnnError(f"{_shown(text)}: {named[2]} = is no part of a matrix", hint)
    if "\\" in text or "$" in text or "~" in text:
        text = _without_latex(text)
    text = _SQRT.sub(r"√\1", text)
    call = _CALL.match(text)
    if call and text.endswith(")"):
        text = text[call.end() : -1]
        while keyword := _KEYWORD.search(text[-200:]):
            text = text[: len(text) - len(keyword[0])]
    return text.strip()


def _without_latex(text: str) -> str:
    written = text
    if "\\begin" in text:
        text = text.replace("\n", " ")  # a line break is a space to LaTeX
    for pattern, read_as in _LATEX:
        text = pattern.sub(read_as, text)
    unknown = _COMMAND.search(text)
    if unknown:
        raise CnnError(
            f"{_shown(written)}: {unknown[0][:30]} is not understood in a matrix",
            r"matrices, \frac{1}{9} and \sqrt{2} are; write a factor before a matrix or a fraction into the entries",
        )
    if "\\\\" in text:
        text = _CONTROL_SPACE.sub(" ", text)
    return _BREAK.sub(";", text)


# Brackets, channels, rows, entries --------------------------------------------------------------------------------


def _closed(level: _Level, text: str) -> str | list[Any]:
    """The value of a pair of brackets; parentheses around one thing alone are that thing, as in Python."""
    if not level.items:
        raise CnnError(f"{_shown(text)}: there is nothing between {level.opened} and {_CLOSES[level.opened]}", HINT)
    lone = len(level.items) == 1 and not (level.gaps[0] + level.gap).strip()
    if lone and level.opened == "(":
        return level.items[0]
    return _channels(level, text)


def _channels(level: _Level, text: str) -> list[Any]:
    if not level.items:
        raise CnnError(f"{_shown(text)} does not contain a number" if text.strip() else "the matrix is empty", HINT)
    starts = [at for at, gap in enumerate(level.gaps) if "|" in gap]
    for gap in (*level.gaps, level.gap):
        if "|" in gap and not re.fullmatch(r"[\s,;&]*\|\s*", gap):
            raise CnnError(
                f"{_shown(text)}: an empty channel, at {gap.strip()[:9]}",
                "one | sets two channels apart (and || the filters of a kernel)",
            )
    if level.gaps[0].strip():
        raise CnnError(f"{_shown(text)}: nothing stands before {level.gaps[0].strip()[:9]}", HINT)
    if not starts:
        return _matrix(level, 0, len(level.items), text)
    bounds = [0, *starts, len(level.items)]
    parts = [_matrix(level, begin, end, text, is_channel=True) for begin, end in pairwise(bounds)]
    return [part if isinstance(part[0], list) else [part] for part in parts]


def _matrix(level: _Level, begin: int, end: int, text: str, *, is_channel: bool = False) -> list[Any]:
    """The items from ``begin`` to ``end``: rows of numbers, or lists that their brackets set apart already."""
    items, gaps = level.items[begin:end], level.gaps[begin + 1 : end]
    lists = [item for item in items if isinstance(item, list)]
    if not lists:
        words = [item for item in items if isinstance(item, str)]
        return _rows(words, gaps, level.depth, text)
    if len(lists) < len(items):
        raise CnnError(
            f"{_shown(text)}: numbers and brackets stand side by side", "put each row in brackets, or none of them"
        )
    if len(lists) == 1 and (is_channel or level.depth == 0):
        return lists[0]
    if level.depth == 0 and not isinstance(lists[0][0], list) and any(map(_has_empty_line, gaps)):
        raise _empty_line(text)
    kinds = {_kind(gap) for gap in gaps}
    if len(kinds) > 1 or any(len(kind) > 1 for kind in kinds):
        raise CnnError(f"{_shown(text)}: lists are set apart in different ways", "write [[1, 2], [3, 4]]")
    if level.depth == 0 and kinds == {" "} and isinstance(lists[0][0], list):
        raise CnnError(f"{_shown(text)}: two matrices stand side by side", "set channels apart with |")
    return lists


def _kind(gap: str) -> str:
    """What sets two lists apart: ``;``, ``,``, ``&``, a line break, or a space; several where they are repeated."""
    return re.sub(r"\s", "", gap) or ("\n" if "\n" in gap else " ")


def _rows(words: Sequence[str], gaps: Sequence[str], depth: int, text: str) -> list[Any]:
    rows, at = [], 0
    for end, gap in enumerate(gaps, 1):
        if _ends_row(gap, depth, text):
            rows.append(_row(words[at:end], gaps[at : end - 1], text))
            at = end
    rows.append(_row(words[at:], gaps[at:], text))
    return rows if len(rows) > 1 else rows[0]


def _ends_row(gap: str, depth: int, text: str) -> bool:
    """Whether a gap between two numbers ends a row. Raises CnnError for separators that do not go together."""
    bare = re.sub(r"[^\S\n]+", "", gap)
    if _has_empty_line(gap) and not (depth and "," in bare):  # in brackets a comma carries on, whatever the lines are
        raise _empty_line(text)
    if re.fullmatch(r"[,&]?\n*;\n*", bare):
        return True
    if "\n" in bare and ";" not in bare:
        if depth and re.fullmatch(r"\n*,\n*", bare):
            return False  # in brackets a comma carries on over the end of the line, as in Python and JSON
        if depth > 1:
            raise CnnError(
                f"{_shown(text)}: a line ends inside a row that has brackets of its own",
                "write [1, 2, 3, 4] for one row, or [1, 2], [3, 4] for two",
            )
        if re.fullmatch(r"[,&]?\n+", bare):
            return True
    elif len(bare) <= 1 and ";" not in bare:
        return False
    raise CnnError(
        f"{_shown(text)}: an empty row or entry, at {' '.join(gap.split())[:9]}", "write 0 where nothing stands"
    )


def _has_empty_line(gap: str) -> bool:
    return re.search(r"\n[^\S\n]*\n", gap) is not None


def _empty_line(text: str) -> CnnError:
    """The refusal of an empty line between rows, which sets channels apart where they are printed."""
    return CnnError(
        f"{_shown(text)}: an empty line may separate channels, or mean nothing",
        "write | between channels, or remove the empty line",
    )


def _row(words: Sequence[str], gaps: Sequence[str], text: str) -> list[Any]:
    try:
        row = [number(word) for word in words]
    except CnnError as error:
        raise CnnError(f"{error.problems[0].message}, in {_shown(text)}", error.problems[0].hint) from None
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
    """The refusal of a row in which two things separate: ``1 2, 3 4`` may be two rows, and ``0,5`` one number."""
    written = "".join(f"{gap}{word}" for gap, word in zip(("", *gaps), words, strict=True))
    one_row = " ".join(words)
    if kinds == {",", " "} and all(gap == "," or not gap.strip() for gap in gaps):
        decimals = re.fullmatch(r"(?:[+-]?[0-9]+(?:,[0-9]+)?\s+)*[+-]?[0-9]+(?:,[0-9]+)?", written)
        if decimals:
            return CnnError(
                f"{_shown(written)} may have decimal commas",
                f"write {shortened(written.replace(',', '.'))}, or {shortened(one_row)} for entries of their own",
            )
    strongest = "," if "," in kinds else "&"
    rows = "".join(f"{';' if strongest in gap else ''} {word}" for gap, word in zip(("", *gaps), words, strict=True))
    are_equal = len({row.count(" ") for row in rows.split(";")}) == 1
    between = " and ".join(sorted("spaces" if kind == " " else kind for kind in kinds))
    return CnnError(
        f"{_shown(written)} is ambiguous: its numbers are separated by {between}",
        f"write {shortened(rows.strip())} for rows, or {shortened(one_row)} for one row"
        if are_equal
        else f"write {shortened(one_row)} for one row",
    )


def check_equal_lengths(nested: Nested, text: str) -> None:
    """Raises CnnError where lists on one axis have different lengths, saying which."""
    if not isinstance(nested, list) or not isinstance(nested[0], list):
        if isinstance(nested, list) and any(isinstance(item, list) for item in nested):
            raise CnnError(f"{_shown(text)}: its rows are not equally deep", HINT)
        return
    for item in nested:
        check_equal_lengths(item, text)
    shapes = [shape_of(item) for item in nested]
    for at, shape in enumerate(shapes):
        if shape != shapes[0]:
            what = "row" if len(shapes[0]) == 1 else "block"
            raise CnnError(
                f"{_shown(text)}: its {what}s are not equally long: {what} 1 has {_size(shapes[0])} and "
                f"{what} {at + 1} has {_size(shape)}",
                HINT,
            )


def shape_of(nested: Nested) -> tuple[int, ...]:
    """The shape of nested lists that are equally long."""
    return (len(nested), *shape_of(nested[0])) if isinstance(nested, list) else ()


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _opening(closed: str) -> str:
    return next(opened for opened, other in _CLOSES.items() if other == closed)


def _shown(text: str) -> str:
    return repr(shortened(" ".join(text.split())))
