"""Errors that a user can fix: where, what is wrong, and what to write instead.

Everything here is plain data. A :class:`CnnError` carries one or more :class:`Problem`, so that all
independent problems of a file are reported at once; the command line prints them and exits with ``exit_code``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

INVALID = 2  # exit code: wrong usage or an invalid file
NO = 1  # exit code: a negative answer (a shape that does not fit, a missed target)

SHOWN_AT_MOST = 20  # problems printed for one file; the rest can wait until these are fixed

EXCERPT = 76  # characters of a line that is shown, beside its indentation in 80 columns

INTERNAL_ERROR = "a bug in cnn"  # in the message of every error that is not the user's


class Place(NamedTuple):
    """A place in a source text; ``line`` and ``column`` count from 1, ``text`` is the whole line."""

    source: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """The line with a caret under the column; a long line is cut around it."""
        lead = len(self.text) - len(self.text.lstrip())
        text, column = self.text.strip(), max(self.column - 1 - lead, 0)
        if column > 60:
            text, column = "…" + text[column - 40 :], 41
        shown = "".join(char if char.isprintable() else " " for char in shortened(text, EXCERPT))
        return f"    {shown}\n    {' ' * column}^"


class Problem(NamedTuple):
    """One problem. ``layer`` is the dotted name of the layer, ``way`` the shapes on the path to it."""

    message: str
    hint: str = ""
    place: Place | None = None
    layer: str = ""
    way: str = ""
    exit_code: int = INVALID

    def __str__(self) -> str:
        head = ": ".join(str(part) for part in (self.place, self.layer, self.message) if part)
        lines = [head]
        if self.place is not None and self.place.text.strip():
            lines.append(self.place.excerpt())
        if self.way:
            lines.append(f"  shapes so far: {self.way}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


class CnnError(Exception):
    """Raised for every error that a user can fix.

    Give it a message and a hint, or, for several at once, ``CnnError.of(problems)``.
    """

    problems: tuple[Problem, ...]

    def __init__(self, message: str, hint: str = "", *, exit_code: int = INVALID) -> None:
        super().__init__(message)
        self.problems = (Problem(message, hint, exit_code=exit_code),)

    @classmethod
    def of(cls, problems: list[Problem] | tuple[Problem, ...]) -> CnnError:
        """One exception for all ``problems`` (at least one), in the order of the file."""
        unique = dict.fromkeys(problems)
        error = cls(problems[0].message)
        error.problems = tuple(sorted(unique, key=_position))
        return error

    @property
    def exit_code(self) -> int:
        """2 when anything is invalid, else 1: a valid file whose shapes do not fit."""
        return max(problem.exit_code for problem in self.problems)

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:SHOWN_AT_MOST]]
        if len(self.problems) > SHOWN_AT_MOST:
            shown.append(f"… and {len(self.problems) - SHOWN_AT_MOST} more")
        return "\n\n".join(shown)


class Interrupted(Exception):
    """Ctrl-C (130) or SIGTERM (143), raised after the state has been saved and the user informed."""

    def __init__(self, exit_code: int = 130) -> None:
        super().__init__()
        self.exit_code = exit_code


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


def shortened(text: str, most: int = 60) -> str:
    """A text of unknown length, shortened to ``most`` characters for a message."""
    return text if len(text) <= most else text[: most - 1] + "…"


def enumerated(items: Iterable[object], conjunction: str = "and") -> str:
    """One or more items as in a sentence: ``3, 5 and 9``."""
    *first, last = map(str, items)
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def counted(count: float, noun: str) -> str:
    """A number with its noun in the singular or plural.

    >>> counted(1, "image"), counted(1200, "class"), counted(0, "axis"), counted(0.5, "epoch")
    ('1 image', '1,200 classes', '0 axes', '0.5 epochs')
    """
    count = int(count) if isinstance(count, float) and count.is_integer() else count
    ending = "es" if noun.endswith(("s", "x", "tch")) else "s"
    plural = noun.removesuffix("is") + "es" if noun == "axis" else noun + ending
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural}"


def closest(word: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known word that ``word`` is most likely a misspelling of, or None."""
    import difflib  # needed only for errors

    matches = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggestion(word: str, known: list[str] | tuple[str, ...], otherwise: str) -> str:
    """The hint for an unknown word: the nearest known one, or ``otherwise``."""
    near = closest(word, known)
    return f"did you mean {near}?" if near else otherwise
