"""The verdict on one answer."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.mistakes.matching import NAMED_AT_MOST, likely
from cnncli.homework.mistakes.texts import detail, plain_ids

UNREADABLE = "could not be read"  # the beginning of the remark on such an answer


class Verdict(NamedTuple):
    """The verdict on one answer. ``remarks`` say how it was read, and which earlier errors it follows from.

    ``diagnoses`` are the mistakes that give the answer, each with its variant (see :mod:`..mistakes.table`).
    ``credit`` is the fraction of a shape or a matrix that is correct, for points by cell.
    """

    question: str
    given: str
    correct: bool
    expected: str
    diagnoses: tuple[str, ...] = ()
    follow_through: bool = False
    derivation: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    blank: bool = False
    credit: Fraction = Fraction(0)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The public ids of the mistakes that give the answer."""
        return plain_ids(self.diagnoses)

    @property
    def details(self) -> tuple[str, ...]:
        """The variants of the mistakes, if there are several: ``without conv2``."""
        return tuple(dict.fromkeys(filter(None, map(detail, self.diagnoses))))[:NAMED_AT_MOST]

    @property
    def status(self) -> str:
        """``correct``, ``blank``, ``follow-through`` or ``wrong``."""
        if self.correct:
            return "correct"
        return "blank" if self.blank else "follow-through" if self.follow_through else "wrong"

    @property
    def is_unexplained(self) -> bool:
        """Whether a wrong answer was understood, and matches no known mistake."""
        is_unreadable = any(remark.startswith(UNREADABLE) for remark in self.remarks)
        return self.status == "wrong" and not self.diagnoses and not is_unreadable

    @property
    def hints(self) -> list[str]:
        """The remarks, and what explains a wrong answer, which do not give the correct one away."""
        if self.diagnoses and not self.correct:
            return [*self.remarks, f"likely: {likely(self.diagnoses)}"]
        return [*self.remarks, *(["matches no known mistake"] if self.is_unexplained else [])]
