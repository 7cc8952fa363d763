"""Grading an answer sheet by a key."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.questions import AnswerCache, expected_answer
from cnncli.homework.answer_key.sheet import Question, ReadingNote, Sheet
from cnncli.homework.checking import parsing
from cnncli.homework.checking.check import Accepts, check
from cnncli.homework.checking.parsing import ParsedAnswer
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.decision import BY_REVIEW, Decide
from cnncli.homework.grading.key import AnswerKey, KeyQuestion
from cnncli.homework.grading.question_matching import asked_names, match_answers, other_numbers, other_settings
from cnncli.homework.languages.messages import text as message
from cnncli.homework.question_types.reading import FreeQuestion
from cnncli.homework.submissions.drafts import Asked


class GradedAnswer(NamedTuple):
    """The verdict on an answer, the points that it earns, and the largest number of points.

    ``text`` is the text of the question, where the key gives it, and ``written`` the whole answer. ``automatic`` are
    the verdict and the points that a person has changed, None where nobody has.
    """

    verdict: Verdict
    points: Fraction
    out_of: Fraction
    text: str = ""
    written: str = ""
    automatic: tuple[Verdict, Fraction] | None = None

    @property
    def pending(self) -> Fraction:
        """The points that a person has yet to decide: all of them, or none."""
        return self.out_of if self.verdict.pending else Fraction(0)


class GradedSubmission(NamedTuple):
    """A graded sheet. ``problem`` says why it was not graded. ``extra`` are its answers that the key does not ask, and
    ``notes`` what the student should know about how the sheet was read.
    ``known_as`` are numbers, addresses and names of the student, of the platform where it was handed in.
    """

    file: str
    student: str
    answers: tuple[GradedAnswer, ...] = ()
    problem: str = ""
    extra: tuple[str, ...] = ()
    notes: tuple[ReadingNote, ...] = ()
    known_as: tuple[str, ...] = ()

    @property
    def points(self) -> Fraction:
        """The sum of the points, without pending ones."""
        return sum((answer.points for answer in self.answers), Fraction(0))

    @property
    def pending(self) -> Fraction:
        """The sum of the points that a person has yet to decide."""
        return sum((answer.pending for answer in self.answers), Fraction(0))


def grade(
    key: AnswerKey, file: str, sheet: Sheet, cache: AnswerCache, decide: Decide | None = None
) -> GradedSubmission:
    """Grade a sheet: the questions in the key's order, those without an answer as blank.

    ``decide`` gives a person's decisions. What one of them makes correct is so for the answers that follow from it.
    """
    found = match_answers(_names(key), sheet.questions)
    questions = tuple(
        question.question._replace(given=written.given if written is not None else "")
        for question, written in zip(key.questions, found.found, strict=True)
    )
    asked = key.sheet(sheet.student, questions)._replace(locale=sheet.locale or key.locale)
    student = sheet.student or file
    answers = _answers(key, asked, _verdicts(key, asked, cache))
    if decide is not None:
        answers = _decided(key, asked, cache, answers, decide, student)
    numbers = (
        note
        for question, written in zip(key.questions, found.found, strict=True)
        for note in (other_numbers(question.question, written) if written is not None else ())
    )
    notes = (*sheet.notes, *other_settings(sheet, asked), *found.notes, *numbers)
    return GradedSubmission(file, student, answers, extra=found.extra, notes=notes)


def _answers(key: AnswerKey, sheet: Sheet, verdicts: list[Verdict]) -> tuple[GradedAnswer, ...]:
    return tuple(_graded(key, *triple) for triple in zip(key.questions, sheet.questions, verdicts, strict=True))


def _decided(
    key: AnswerKey, sheet: Sheet, cache: AnswerCache, automatic: tuple[GradedAnswer, ...], decide: Decide, student: str
) -> tuple[GradedAnswer, ...]:
    """The answers after a person's decisions, each with its automatic verdict where that has changed."""
    asked = zip(key.questions, automatic, strict=True)
    decisions = [decide(question, answer.verdict, answer.written, student) for question, answer in asked]
    right = {
        question.name
        for question, answer, decision in zip(sheet.questions, automatic, decisions, strict=True)
        if decision is not None and decision.share == 1 and not answer.verdict.correct
    }
    answers = _answers(key, sheet, _verdicts(key, sheet, cache, frozenset(right))) if right else automatic
    found = []
    for before, answer, decision in zip(automatic, answers, decisions, strict=True):
        after = answer
        if decision is not None:
            points = answer.out_of * decision.share
            after = answer._replace(verdict=decision.applied(before.verdict), points=points)
        was = (before.verdict, before.points) if after != before else None
        found.append(after._replace(automatic=was))
    return tuple(found)


def _verdicts(key: AnswerKey, sheet: Sheet, cache: AnswerCache, right: frozenset[str] = frozenset()) -> list[Verdict]:
    """The verdicts on the answers of a sheet that has the key's questions, in their order.

    Answers to the questions named in ``right`` count as correct.
    """
    asked = [*zip(key.questions, sheet.questions, strict=True)]
    computed = tuple(question for key_question, question in asked if key_question.free is None)
    accepts = _accepts(key, cache, right)
    found = iter(check(sheet._replace(questions=computed), cache, accepts) if computed else ())
    return [
        next(found) if one.free is None else _judged(one, one.free, question.given, sheet.locale)
        for one, question in asked
    ]


def _judged(question: KeyQuestion, free: FreeQuestion, given: str, locale: str) -> Verdict:
    """The verdict on an answer to a question of a type, with what else the key accepts."""
    verdict = free.judge(question.name, given, locale)
    if verdict.correct or verdict.blank or verdict.pending:
        return verdict
    for text, reason in question.accept:
        if free.is_same(given, text, locale):
            return verdict._replace(correct=True, diagnoses=(), remarks=(_accepted_remark(text, reason),))
    return verdict


def asked_of(key: AnswerKey) -> Asked:
    """What a key asks, for those who read its sheets."""
    return asked_names(_names(key))


def _names(key: AnswerKey) -> list[tuple[str, ...]]:
    """The names of each question: ``q6``, and ``solve q6`` where a sheet writes the fields itself."""
    return [(question.name, question.question.name) for question in key.questions]


def _graded(key: AnswerKey, question: KeyQuestion, answered: Question, verdict: Verdict) -> GradedAnswer:
    verdict, credit = _credited(key, question, verdict._replace(question=question.name))
    return GradedAnswer(verdict, question.points * credit, question.points, question.text, answered.given)


def _credited(key: AnswerKey, question: KeyQuestion, verdict: Verdict) -> tuple[Verdict, Fraction]:
    """The verdict with the fraction of the points that it earns: for some parts only where the key says so."""
    if verdict.correct:
        return verdict, Fraction(1)
    credit = key.follow_through if verdict.follow_through else Fraction(0)
    by_cell = key.by_cell if question.by_cell is None else question.by_cell
    if question.free is not None:
        return verdict._replace(partial=verdict.credit > 0), verdict.credit
    if by_cell and verdict.credit > credit:
        credit = verdict.credit
        remarks = (*verdict.remarks, message("{share} of it is correct", share=credit))
        verdict = verdict._replace(remarks=remarks, partial=True)
    return verdict, credit


def _accepts(key: AnswerKey, cache: AnswerCache, right: frozenset[str]) -> Accepts:
    """Why an answer other than the expected one counts as correct by the key, or an empty text."""
    questions = {question.question.name: question for question in key.computed}

    def accepts(question: Question, given: ParsedAnswer, changed: ExpectedAnswer | None) -> str:
        if question.name in right:
            return BY_REVIEW
        key_question = questions[question.name]
        if changed is not None:  # after an earlier error
            return _tolerated(key_question, given, changed)
        for text, reason in key_question.accept:
            if _is_same(given, parsing.parse(text, key.locale)):
                return _accepted_remark(text, reason)
        return _tolerated(key_question, given, expected_answer(key.sheet(), question, cache))

    return accepts


def _is_same(given: ParsedAnswer, accepted: ParsedAnswer) -> bool:
    """Whether two answers mean the same, however each is written."""
    if given.refuses or accepted.refuses:
        return given.refuses and accepted.refuses
    same_number = given.number is not None and given.number == accepted.number
    same_shape = given.shape is not None and given.shape == accepted.shape
    return same_number or same_shape or given.text.lower() == accepted.text.lower()


def _accepted_remark(text: str, reason: str) -> str:
    if reason:
        return message("the key accepts {answer} ({reason})", answer=text, reason=reason)
    return message("the key accepts {answer}", answer=text)


def _tolerated(question: KeyQuestion, given: ParsedAnswer, expected: ExpectedAnswer) -> str:
    """A remark for a number within the tolerance, or an empty text."""
    if question.tolerance is None or given.number is None or not isinstance(expected.value, int | Fraction):
        return ""
    return question.tolerance.remark(given.number, Fraction(expected.value))
