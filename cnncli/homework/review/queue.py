"""Which answers of a class belong into the review queue, and what it says about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.checking.parsing import value_text
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.key import KeyQuestion
from cnncli.homework.grading.points import points_text, worth
from cnncli.homework.review.same_answers import SameAnswer, plain_text, same_answer

SEVERAL = 2  # students who gave an unusual answer
# Why an answer is in the queue, in the order of the queue.
PENDING, UNREAD, AMBIGUOUS, UNUSUAL, NOT_LISTED = "to be graded", "unread", "ambiguous", "unusual", "not accepted"
_ORDER = (PENDING, UNREAD, AMBIGUOUS, UNUSUAL, NOT_LISTED, "")


class AnswerGroup(NamedTuple):
    """The same answer of one or more students, its automatic verdicts, and why it is in the queue, if it is.

    ``text`` is the text of the question, empty where the students' variants differ.
    """

    same: SameAnswer
    answer: str
    students: tuple[str, ...]
    automatic: str
    expected: str
    reason: str
    why: str
    text: str = ""


class _Given(NamedTuple):
    """An answer with its automatic verdict."""

    student: str
    written: str
    verdict: Verdict
    points: Fraction
    out_of: Fraction
    text: str


def answer_groups(
    questions: Iterable[KeyQuestion], submissions: Iterable[GradedSubmission], *, own_keys: bool
) -> list[AnswerGroup]:
    """All answers of a class, grouped by question and by what was written, in an order that depends on these only."""
    graded = [submission for submission in submissions if not submission.problem]
    found: list[AnswerGroup] = []
    for at, question in enumerate(questions):
        groups: dict[SameAnswer, list[_Given]] = {}
        for submission in graded:
            given = _given(submission.student, submission.answers[at])
            same = same_answer(question, given.written, given.verdict.expected, given.student, own_keys=own_keys)
            groups.setdefault(same, []).append(given)
        values = Counter(_value(given) for same in groups.values() for given in same if not given.verdict.pending)
        found += sorted((_group(same, given, values) for same, given in groups.items()), key=_rank)
    return found


def _rank(group: AnswerGroup) -> tuple[int, int, str, tuple[str, ...]]:
    return _ORDER.index(group.reason), -len(group.students), group.same.form, group.students


def _given(student: str, answer: GradedAnswer) -> _Given:
    verdict, points = answer.automatic or (answer.verdict, answer.points)
    return _Given(student, plain_text(answer.written), verdict, points, answer.out_of, answer.text)


def _value(given: _Given) -> str:
    """The value of an answer, with the correct one, which may be another for each student."""
    return f"{value_text(given.written)} where {given.verdict.expected}"


def _group(same: SameAnswer, answers: list[_Given], values: Counter[str]) -> AnswerGroup:
    spellings = Counter(given.written for given in answers)
    answer = min(spellings, key=lambda text: (-spellings[text], text))
    reasons = {_reason(given, values) for given in answers}
    reason, why = min(reasons, key=lambda pair: (_ORDER.index(pair[0]), pair[1]))
    texts = {given.text for given in answers}
    return AnswerGroup(
        same,
        answer,
        tuple(sorted({given.student for given in answers})),
        _automatic(answers),
        min(given.verdict.expected for given in answers),
        reason,
        why,
        texts.pop() if len(texts) == 1 else "",
    )


def _automatic(answers: list[_Given]) -> str:
    """``wrong, 0 of 2 points``; where the same answer had several verdicts, each with how often."""
    texts = Counter(
        given.verdict.status if given.verdict.pending else
        f"{given.verdict.status}, {points_text(given.points)} of {worth(given.out_of)}"
        for given in answers
    )  # fmt: skip
    return "; ".join(
        sorted(texts) if len(texts) == 1 else (f"{text} ({times})" for text, times in sorted(texts.items()))
    )


def _reason(given: _Given, values: Counter[str]) -> tuple[str, str]:
    """Why an answer is in the queue, and the same in full; two empty texts for one that is not."""
    verdict = given.verdict
    if verdict.pending:
        return PENDING, "to be graded by a person"
    if verdict.status == "wrong" and verdict.is_unreadable:
        return UNREAD, next((remark for remark in verdict.remarks), UNREAD)
    if verdict.remark:
        return AMBIGUOUS, f"ambiguous: {verdict.remark}"
    if verdict.status != "wrong" or verdict.diagnoses:
        return "", ""
    if verdict.kind == "text":
        return NOT_LISTED, "not among the accepted answers"
    if verdict.kind == "choice" or values[_value(given)] < SEVERAL:
        return "", ""
    reason = "; ".join(verdict.remarks) or "no known mistake explains it"
    return UNUSUAL, f"unusual: given {values[_value(given)]} times; {reason}"
