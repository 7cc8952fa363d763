"""The verdict on one answer."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnncli.arithmetic.window import Window
from cnncli.homework.languages.messages import text
from cnncli.homework.mistakes.matching import NAMED_AT_MOST, likely
from cnncli.homework.mistakes.texts import detail, plain_ids

# The states of an answer, as students read them.
STATUSES = {
    "correct": text("correct"),
    "pending": text("pending"),
    "blank": text("blank"),
    "follow-through": text("follow-through"),
    "partial": text("partial"),
    "wrong": text("wrong"),
}
UNREADABLE = "could not be read"  # the beginning of the remark on such an answer


class Verdict(NamedTuple):
    """The verdict on one answer. ``remarks`` say how it was read, and which earlier errors it follows from.

    ``diagnoses`` are the mistakes that give the answer, each with its variant (see :mod:`..mistakes.table`).
    ``credit`` is the fraction of a shape or a matrix that is correct, for points by cell. ``pending`` is an answer that
    a person has yet to judge, ``partial`` one that earned a part of its points. ``kind`` is the type of a question
    other than the computed ones, e.g. ``text``: no mistakes are known for these. ``remark`` is for the teacher's
    review, not for the student: how an ambiguous answer was read. ``windows`` are the axes over which a window
    slides, for a picture. ``is_explained``: the remarks say why a wrong answer is wrong, e.g. that its unit
    contradicts the question.
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
    pending: bool = False
    partial: bool = False
    kind: str = ""
    remark: str = ""
    windows: tuple[tuple[int, Window], ...] = ()
    is_explained: bool = False

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
        """The first that applies: correct, pending, blank, follow-through, partial, otherwise wrong."""
        states = {
            "correct": self.correct, "pending": self.pending, "blank": self.blank,
            "follow-through": self.follow_through, "partial": self.partial,
        }  # fmt: skip
        return next((state for state, applies in states.items() if applies), "wrong")

    @property
    def is_unexplained(self) -> bool:
        """Whether a wrong answer was understood, and matches no known mistake."""
        return self.status == "wrong" and not (self.diagnoses or self.is_unreadable or self.is_explained or self.kind)

    @property
    def is_unreadable(self) -> bool:
        """Whether the answer could not be read."""
        return any(remark.startswith(UNREADABLE) for remark in self.remarks)

    @property
    def hints(self) -> list[str]:
        """The remarks, and what explains a wrong answer, which do not give the correct one away."""
        if self.diagnoses and not self.correct:
            return [*self.remarks, text("likely: {mistakes}", mistakes=likely(self.diagnoses))]
        return [*self.remarks, *([text("matches no known mistake")] if self.is_unexplained else [])]
