"""A person's decision on an answer, which replaces the automatic verdict."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.key import KeyQuestion
from cnncli.homework.languages.messages import text

BY_REVIEW = text("by the teacher's review")  # in the feedback on every answer that a person has judged


class Decision(NamedTuple):
    """The fraction of the points that an answer earns, and remarks for the student."""

    share: Fraction
    remarks: tuple[str, ...] = ()

    def applied(self, verdict: Verdict) -> Verdict:
        """The verdict after the decision. What was said on how the answer was read goes where it is correct."""
        is_correct = self.share == 1
        return verdict._replace(
            correct=is_correct,
            partial=0 < self.share < 1,
            pending=False,
            blank=False,
            follow_through=False,
            diagnoses=() if is_correct else verdict.diagnoses,
            remarks=(*(() if is_correct else verdict.remarks), BY_REVIEW, *self.remarks),
            remark="",
        )


# The decision on the answer of a student to a question, given its automatic verdict; None where there is none.
Decide = Callable[[KeyQuestion, Verdict, str, str], Decision | None]
