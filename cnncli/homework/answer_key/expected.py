"""The right answer to a question."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncli.homework.mistakes import Candidates

NO_FIT = "does not fit"
PER_AXIS = "per axis"  # the order of what is one number for each axis, height first: no channels stand in it


def is_remark(line: str) -> bool:
    """Whether a line of a derivation is said in words: it stands in parentheses as a whole."""
    depth = 0
    for at, char in enumerate(line):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at == len(line) - 1 and line.startswith("(")
    return False


class ExpectedAnswer(NamedTuple):
    """The right answer (a number, a shape, the maps of a result, or "does not fit") and how it comes about.

    ``candidates`` is what each typical mistake gives. ``also`` are other values that are right, ``words`` other texts.
    ``order`` is the order of a shape's axes where only one is accepted, or PER_AXIS.
    """

    value: Any
    text: str
    derivation: tuple[str, ...]
    candidates: Candidates
    also: frozenset[Any] = frozenset()
    words: frozenset[str] = frozenset()
    order: str = ""
