"""The expected answer to a question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cnncli.arithmetic.window import Window
from cnncli.homework.mistakes.wrong_values import Values

NO_FIT = "does not fit"
PER_AXIS = "per axis"  # the order of one number per axis, height first, without channels


def is_remark(line: str) -> bool:
    """Whether a line of a derivation is a remark in words: one pair of parentheses encloses all of it."""
    depth = 0
    for at, char in enumerate(line):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at == len(line) - 1 and line.startswith("(")
    return False


def equations(derivation: Iterable[str]) -> list[str]:
    """The lines of a derivation without its remarks; one without equal signs is the sides of one equation."""
    lines = [line for line in derivation if not is_remark(line)]
    return lines if not lines or any(" = " in line for line in lines) else [" = ".join(lines)]


class ExpectedAnswer(NamedTuple):
    """The expected answer (a number, a shape, the maps of a result, or "does not fit") and its derivation.

    ``candidates`` are the wrong values that typical mistakes give, the most likely first. ``also`` are other correct
    values, ``words`` other correct texts. ``order`` is the order of a shape's axes where only one is accepted, or
    PER_AXIS. ``windows`` are the axes over which a window slides, each with its size, for a picture. ``quantity`` is
    what is asked, with its canonical name (``params``, ``padding``): a unit of another quantity contradicts it.
    """

    value: Any
    text: str
    derivation: tuple[str, ...]
    candidates: Values
    also: frozenset[Any] = frozenset()
    words: frozenset[str] = frozenset()
    order: str = ""
    windows: tuple[tuple[int, Window], ...] = ()
    quantity: str = ""
