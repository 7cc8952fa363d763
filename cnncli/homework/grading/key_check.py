"""Checking an answer key before anything is graded by it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cnncli.errors import CnnError, Problem
from cnncli.homework.answer_key.questions import AnswerCache, expected_answer, refuse_invalid
from cnncli.homework.checking import parsing
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.grading.key import AnswerKey, KeyQuestion
from cnncli.homework.mistakes.matching import likely


def wrong_answers(key: AnswerKey, cache: AnswerCache) -> list[str]:
    """The wrong answers of a key, each with the likely mistake, the correct answer and its derivation.

    Raises CnnError for invalid questions.
    """
    sheet = key.sheet(questions=tuple(question.question for question in key.computed))
    refuse_invalid(sheet, cache)
    _refuse_useless(key, cache)
    found = []
    for question in key.computed:
        if not question.answer:
            continue
        expected = expected_answer(sheet, question.question, cache)
        verdict = compare(question.question._replace(given=question.answer), expected)
        if not verdict.correct:
            reason = f" ({likely(verdict.diagnoses)})" if verdict.diagnoses else ""
            derivation = "\n    ".join(verdict.derivation)
            text = f"{question.name}: the key has {question.answer}{reason}; correct answer: {verdict.expected}"
            found.append(f"{text}\n    {derivation}")
    return found


def _refuse_useless(key: AnswerKey, cache: AnswerCache) -> None:
    """Raises CnnError for entries of a question that do not apply to its answer."""
    problems = [
        Problem(f"{question.name}: {problem}", hint, question.question.place)
        for question in key.computed
        for problem, hint in _useless(question, expected_answer(key.sheet(), question.question, cache).value)
    ]
    if problems:
        raise CnnError.of(problems)


def _useless(question: KeyQuestion, expected: object) -> Iterator[tuple[str, str]]:
    is_number = isinstance(expected, int | Fraction)
    if question.tolerance is not None and isinstance(expected, tuple):
        yield "tolerance is for numbers, but the answer has several", "write by_cell: true for partial credit"
    if question.by_cell and is_number:
        yield "by_cell is for shapes and matrices, but the answer is a number", "write tolerance: 1%, or remove it"
    for text, _ in question.accept:
        accepted = parsing.parse(text)
        if accepted.is_blank:
            yield "accept has an empty answer", "remove it"
        elif is_number and accepted.number is None and accepted.shape is not None and len({*accepted.shape}) > 1:
            yield f"accept has {text}, but the answer is a number", "write a number"
