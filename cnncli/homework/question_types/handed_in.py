"""Questions that a person grades: a free text, or files that are handed in."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking.parsing import is_blank
from cnncli.homework.checking.verdict import Verdict


class HandedInQuestion(NamedTuple):
    """A question with the points of each criterion of its ``rubric``, if it has one.

    A text that is not ``uploaded`` and blank earns nothing. What is uploaded may have been handed in beside the sheet,
    so that a person always decides. ``solution`` is what students are shown afterwards.
    """

    rubric: dict[str, Fraction]
    uploaded: bool = False
    solution: str = ""

    @property
    def kind(self) -> str:
        return "upload" if self.uploaded else "manual"

    def judge(self, name: str, given: str, locale: str = "") -> Verdict:
        """The verdict on an answer: pending, or blank."""
        verdict = Verdict(name, one_line(given), False, self.solution, kind=self.kind)
        if not self.uploaded and is_blank(given):
            return verdict._replace(blank=True)
        return verdict._replace(pending=True)

    def is_same(self, given: str, accepted: str, locale: str = "") -> bool:
        """Whether an answer counts as another one: never, a person judges each."""
        return False
