"""The statistics of a class on each question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.checking import parsing
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
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
    """The statistics of a class on one question.

    ``top_mistake`` is the most frequent mistake, with its variant. A question is ``suspicious`` where so many agree on
    one wrong answer that the key may be wrong.
    """

    question: str
    out_of: Fraction
    mean: float
    correct: int
    follow_through: int
    blank: int
    wrong: tuple[WrongAnswer, ...]
    top_mistake: str
    suspicious: bool

    @property
    def top_mistake_text(self) -> str:
        """The most frequent mistake in words, or an empty text."""
        return likely([self.top_mistake] if self.top_mistake else [])


def class_statistics(key: AnswerKey, submissions: Iterable[GradedSubmission]) -> list[QuestionStatistics]:
    """The statistics of each question, over the submissions that were graded."""
    graded = [submission for submission in submissions if not submission.problem]
    return [
        _statistics(question, [(submission.student, submission.answers[at]) for submission in graded])
        for at, question in enumerate(key.questions)
    ]


def _statistics(question: KeyQuestion, answers: list[tuple[str, GradedAnswer]]) -> QuestionStatistics:
    wrong = _wrong_answers(answers)
    verdicts = [answer.verdict for _, answer in answers]
    blank = sum(verdict.blank for verdict in verdicts)
    most = wrong[0].times if wrong else 0
    return QuestionStatistics(
        question.name,
        question.points,
        float(sum((answer.points for _, answer in answers), Fraction(0))) / max(1, len(answers)),
        sum(verdict.correct for verdict in verdicts),
        sum(verdict.follow_through for verdict in verdicts),
        blank,
        wrong[:TOP_ANSWERS],
        _top_mistake([verdict.diagnoses for verdict in verdicts if not verdict.correct]),
        most >= SUSPICIOUS_COUNT and most > SUSPICIOUS_FRACTION * (len(answers) - blank),
    )


def _wrong_answers(answers: list[tuple[str, GradedAnswer]]) -> tuple[WrongAnswer, ...]:
    """The wrong answers, the most frequent first."""
    by_value: dict[str, list[tuple[str, GradedAnswer]]] = {}
    for student, answer in answers:
        if not (answer.verdict.correct or answer.verdict.blank):
            by_value.setdefault(_canonical(answer.verdict.given), []).append((student, answer))
    found = []
    for same in sorted(by_value.values(), key=len, reverse=True):
        verdict, students = same[0][1].verdict, tuple(student for student, _ in same[:NAMED_STUDENTS])
        found.append(WrongAnswer(verdict.given, len(same), verdict.diagnoses, students))
    return tuple(found)


def _top_mistake(diagnoses: list[tuple[str, ...]]) -> str:
    """The name of the most frequent mistake, in the first of its variants; empty where there is none."""
    ids = Counter(name for found in diagnoses for name in plain_ids(found))
    if not ids:
        return ""
    top = ids.most_common(1)[0][0]
    return next(name for found in diagnoses for name in found if plain(name) == top)


def _canonical(text: str) -> str:
    """An answer such that 1,516 and 1516 are the same value."""
    given = parsing.parse(text)
    return str(given.number if given.number is not None else given.shape or given.text.lower())
