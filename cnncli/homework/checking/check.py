"""Checking a sheet: a verdict on each answer, the likely mistakes, and follow-through from earlier errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cnncli.errors import CnnError, Problem
from cnncli.homework.answer_key.expected import PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.questions import (
    AnswerCache,
    empty_cache,
    expected_answer,
    other_answers,
    refuse_invalid,
)
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.checking import parsing
from cnncli.homework.checking.answer_comparison import compare, likely_reading
from cnncli.homework.checking.correctness import contradiction, is_correct
from cnncli.homework.checking.follow_through import EarlierAnswers, expected_after, remember
from cnncli.homework.checking.parsing import ParsedAnswer
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.messages import text
from cnncli.homework.mistakes.texts import plain
from cnncli.homework.submissions.drafts import without_duplicates

WORK_LIMIT = 500_000  # answers times layers: follow-through evaluates the network again
Accepts = Callable[[Question, ParsedAnswer, ExpectedAnswer | None], str]


def check(sheet: Sheet, cache: AnswerCache | None = None, accepts: Accepts | None = None) -> list[Verdict]:
    """The verdict on every answer of a sheet, in order. Raises CnnError for invalid questions.

    ``accepts`` returns why an answer other than the expected one counts as correct, or an empty text; given what else
    would be expected after an earlier error, whether the answer is near enough to that.
    """
    cache = empty_cache() if cache is None else cache
    _refuse_too_much(sheet)
    refuse_invalid(sheet, cache)
    sheet = sheet._replace(locale=sheet.locale or _shown_locale(sheet, cache))
    # Follow-through from an accepted answer that differs from the expected one costs no points; from an error it may.
    earlier, accepted = EarlierAnswers({}, {}), EarlierAnswers({}, {})
    verdicts: list[Verdict] = []
    for question in sheet.questions:
        expected = expected_answer(sheet, question, cache)
        verdict = compare(question, expected, sheet.locale)
        if not verdict.correct and not verdict.blank:
            found = parsing.readings(question.given, sheet.locale)
            given = likely_reading(expected, found)
            verdict = _accepted(sheet, question, verdict, cache)
            verdict = verdict if verdict.correct else _accepted_by_key(question, expected, verdict, found, accepts)
            if verdict.correct:
                remember(sheet, question, given, accepted)
            else:
                for answers in (accepted, earlier):
                    after = [*expected_after(sheet, question, answers, cache)]
                    verdict = _following(question, after, verdict, found, accepts, is_full=answers is accepted)
            remember(sheet, question, given, earlier)
        verdicts.append(verdict)
    return _ranked(verdicts)


def checkable(sheet: Sheet, cache: AnswerCache) -> tuple[Sheet, list[Problem]]:
    """A sheet with those questions alone that can be asked, and the problems of the others with their places.

    A question whose name differs in case from that of a layer asks about this layer. What is answered in two ways does
    not count, and the notes of the sheet say so.
    """
    kept: list[Question] = []
    problems: list[Problem] = []
    questions, duplicates = without_duplicates(_in_case(sheet, question) for question in sheet.questions)
    for asked in questions:
        try:
            expected_answer(sheet, asked, cache)
        except CnnError as error:
            problems += [p if p.place else p._replace(place=asked.place) for p in error.problems]
        else:
            kept.append(asked)
    return sheet._replace(questions=tuple(kept), notes=(*sheet.notes, *duplicates)), problems


def _in_case(sheet: Sheet, question: Question) -> Question:
    """The question with the name of a layer as the network has it."""
    layer, dot, quantity = question.name.rpartition(".")
    if sheet.loaded is None or question.fields or not dot or layer in sheet.loaded.inferred.layers:
        return question
    same = [name for name in (*sheet.loaded.inferred.layers, "total") if name.lower() == layer.strip().lower()]
    return question._replace(name=f"{same[0]}.{quantity}") if len(same) == 1 else question


def _refuse_too_much(sheet: Sheet) -> None:
    if sheet.loaded is None:
        return
    layers, questions = len(sheet.loaded.inferred.layers), len(sheet.questions)
    if layers * questions > WORK_LIMIT:
        raise CnnError(
            f"{questions:,} answers times {layers:,} layers exceed {WORK_LIMIT:,} (the limit for a sheet)",
            "ask about a smaller network, or split the sheet",
        )


def _accepted(sheet: Sheet, question: Question, verdict: Verdict, cache: AnswerCache) -> Verdict:
    """The verdict under the first of the other accepted conventions that makes the answer correct."""
    for expected, conventions in other_answers(sheet, question, cache):
        other = compare(question, expected, sheet.locale)
        if other.correct:
            remarks = tuple(
                dict.fromkeys(
                    (*other.remarks, text("correct with {conventions}, which is accepted", conventions=conventions))
                )
            )
            return other._replace(expected=verdict.expected, remarks=remarks)
    return verdict


def _accepted_by_key(
    question: Question,
    expected: ExpectedAnswer,
    verdict: Verdict,
    found: tuple[ParsedAnswer, ...],
    accepts: Accepts | None,
) -> Verdict:
    """The verdict on an answer that the key accepts in one of its readings; the same verdict for any other."""
    for given in found:
        reason = "" if accepts is None or contradiction(expected, given) else accepts(question, given, None)
        if reason:
            remark = given.reading if given is not found[0] else ""
            return verdict._replace(correct=True, diagnoses=(), remarks=(reason,), remark=remark)
    return verdict


def _following(
    question: Question,
    after: list[tuple[ExpectedAnswer, str]],
    verdict: Verdict,
    found: tuple[ParsedAnswer, ...],
    accepts: Accepts | None,
    *,
    is_full: bool,
) -> Verdict:
    """The verdict on a wrong answer that may be correct after earlier ones: fully so (``is_full``) if the key accepts
    these. The tolerance of the question holds here as well."""
    if verdict.correct or verdict.follow_through:
        return verdict
    for expected, reason in after:
        for given in found:
            is_near = accepts is not None and not contradiction(expected, given) and accepts(question, given, expected)
            if is_near or is_correct(expected, given)[0]:
                remarks = (*verdict.remarks, text("correct given {reason}", reason=reason))
                return verdict._replace(correct=is_full, follow_through=not is_full, diagnoses=(), remarks=remarks)
    return verdict


def _shown_locale(sheet: Sheet, cache: AnswerCache) -> str:
    """The decimal separator that the numbers of a sheet show, ``point`` or ``comma``; empty where they show none."""
    texts = []
    for question in sheet.questions:
        expected = expected_answer(sheet, question, cache)
        is_list = "," in question.given and expected.order == PER_AXIS  # 5,5 are the sizes of two axes
        if not isinstance(expected.value, tuple) and not is_list:
            texts.append(question.given)
    return parsing.decimal_separator_of(texts)


def _ranked(verdicts: list[Verdict]) -> list[Verdict]:
    """The verdicts, each with those mistakes first that explain most of the other answers."""
    sure = Counter(name for verdict in verdicts for name in verdict.mistakes if len(verdict.mistakes) == 1)
    often = Counter(name for verdict in verdicts for name in verdict.mistakes)

    def rank(name: str) -> tuple[int, int]:
        parts = plain(name).split("+")
        return -min(sure[part] for part in parts), -min(often[part] for part in parts)

    return [verdict._replace(diagnoses=tuple(sorted(verdict.diagnoses, key=rank))) for verdict in verdicts]
