"""The statistics of a class on each question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.checking.parsing import value_text
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.item_statistics import difficulty, discrimination
from cnncli.homework.grading.key import AnswerKey, KeyQuestion
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.mistakes.texts import plain, plain_ids

TOP_ANSWERS = 3  # wrong answers that are reported for each question
NAMED_STUDENTS = 5  # students who are named for each wrong answer
# When more than this fraction of those who answered, and at least this many, give the same wrong answer, the key or the
# wording of the question may be wrong.
SUSPICIOUS_FRACTION, SUSPICIOUS_COUNT = 0.5, 5


class WrongAnswer(NamedTuple):
    """A wrong answer of several students: how many, the mistakes that explain it, and the first of the students."""

    value: str
    times: int
    diagnoses: tuple[str, ...]
    students: tuple[str, ...]


class QuestionStatistics(NamedTuple):
    """The statistics of a class on one question, without the answers that are ``pending``.

    ``top_mistake`` is the most frequent mistake, with its variant, made ``top_times``. ``difficulty`` and
    ``discrimination`` are those of :mod:`.item_statistics`. ``suspicion`` says in what so many agree that the key may
    be wrong; it is empty where there is none.
    """

    question: str
    out_of: Fraction
    mean: float
    correct: int
    follow_through: int
    blank: int
    wrong: tuple[WrongAnswer, ...]
    top_mistake: str
    top_times: int = 0
    difficulty: float | None = None
    discrimination: float | None = None
    suspicion: str = ""
    pending: int = 0

    @property
    def top_mistake_text(self) -> str:
        """The most frequent mistake in words, or an empty text."""
        return likely([self.top_mistake] if self.top_mistake else [])


def class_statistics(key: AnswerKey, submissions: Iterable[GradedSubmission]) -> list[QuestionStatistics]:
    """The statistics of each question, over the submissions that were graded."""
    graded = [submission for submission in submissions if not submission.problem]
    totals = [submission.points for submission in graded]
    return [
        _statistics(question, [(submission.student, submission.answers[at]) for submission in graded], totals)
        for at, question in enumerate(key.questions)
    ]


def _statistics(
    question: KeyQuestion, answers: list[tuple[str, GradedAnswer]], totals: list[Fraction]
) -> QuestionStatistics:
    pending = sum(answer.verdict.pending for _, answer in answers)
    totals = [total for total, (_, answer) in zip(totals, answers, strict=True) if not answer.verdict.pending]
    answers = [(student, answer) for student, answer in answers if not answer.verdict.pending]
    wrong = _wrong_answers(answers)
    verdicts = [answer.verdict for _, answer in answers]
    points = [answer.points for _, answer in answers]
    top, times = _top_mistake([verdict.diagnoses for verdict in verdicts if not verdict.correct])
    return QuestionStatistics(
        question.name,
        question.points,
        float(sum(points, Fraction(0))) / max(1, len(answers)),
        sum(verdict.correct for verdict in verdicts),
        sum(verdict.follow_through for verdict in verdicts),
        sum(verdict.blank for verdict in verdicts),
        wrong[:TOP_ANSWERS],
        top,
        times,
        difficulty(points, question.points),
        discrimination(points, totals),
        _suspicion(verdicts, wrong, top, times),
        pending,
    )


def _suspicion(verdicts: list[Verdict], wrong: tuple[WrongAnswer, ...], top: str, times: int) -> str:
    """In what too many agree: one wrong answer, one mistake in the variants of a question, or no known mistake."""
    answering = sum(not verdict.blank for verdict in verdicts)

    def too_many(count: int) -> bool:
        return count >= SUSPICIOUS_COUNT and count > SUSPICIOUS_FRACTION * answering

    if wrong and too_many(wrong[0].times):
        return f"{wrong[0].times} of {answering} answers are {wrong[0].value}"
    if too_many(times) and len({verdict.expected for verdict in verdicts}) > 1:
        return f"{times} of {answering} answers have the same mistake, {likely([top])}"
    unexplained = sum(verdict.is_unexplained for verdict in verdicts)
    if too_many(unexplained):
        return f"{unexplained} of {answering} answers are neither correct nor a known mistake"
    return ""


def _wrong_answers(answers: list[tuple[str, GradedAnswer]]) -> tuple[WrongAnswer, ...]:
    """The wrong answers, the most frequent first."""
    by_value: dict[str, list[tuple[str, GradedAnswer]]] = {}
    for student, answer in answers:
        if not (answer.verdict.correct or answer.verdict.blank):
            by_value.setdefault(value_text(answer.verdict.given), []).append((student, answer))
    found = []
    for same in sorted(by_value.values(), key=len, reverse=True):
        verdict, students = same[0][1].verdict, tuple(student for student, _ in same[:NAMED_STUDENTS])
        found.append(WrongAnswer(verdict.given, len(same), verdict.diagnoses, students))
    return tuple(found)


def _top_mistake(diagnoses: list[tuple[str, ...]]) -> tuple[str, int]:
    """The name of the most frequent mistake, in the first of its variants, and how often; "" where there is none."""
    ids = Counter(name for found in diagnoses for name in plain_ids(found))
    if not ids:
        return "", 0
    top, times = ids.most_common(1)[0]
    return next(name for found in diagnoses for name in found if plain(name) == top), times
