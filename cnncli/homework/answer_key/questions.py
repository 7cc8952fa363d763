"""The expected answer to every question: about a network, one size (``solve``) or one matrix (``convolve``)."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncli.errors import CnnError, Problem
from cnncli.homework.answer_key.asked_quantities import SHAPES, not_a_question, parse_question
from cnncli.homework.answer_key.conventions import (
    NETWORK_CONVENTIONS,
    PHRASES,
    Conventions,
    difference,
    network_under,
)
from cnncli.homework.answer_key.expected import NO_FIT, ExpectedAnswer
from cnncli.homework.answer_key.network_answers import network_answer
from cnncli.homework.answer_key.sheet import Question, Sheet, is_convolve, is_solve
from cnncli.homework.languages.messages import text as message
from cnncli.inference import Inferred

FLOOR, EXACT = "floor", "exact"


class AnswerCache(NamedTuple):
    """Expected answers and inferred networks, kept from one sheet of a class to the next."""

    answers: dict[tuple[Any, ...], ExpectedAnswer]
    networks: dict[tuple[Any, ...], Inferred]
    other_answers: dict[tuple[Any, ...], list[tuple[ExpectedAnswer, str]]]


def empty_cache() -> AnswerCache:
    """A cache without entries."""
    return AnswerCache({}, {}, {})


def expected_answer(
    sheet: Sheet, question: Question, cache: AnswerCache, conventions: Conventions | None = None
) -> ExpectedAnswer:
    """The expected answer to a question, by default under the sheet's first conventions.

    Raises CnnError for an invalid question.
    """
    chosen = sheet.conventions[0] if conventions is None else conventions
    key = (*_key(question), chosen)
    if key not in cache.answers:
        if sheet.loaded is not None and not question.fields and "." not in question.name:
            raise not_a_question(sheet.loaded.inferred, question.name, question.given)
        cache.answers[key] = _computed(sheet, question._replace(given=""), cache, chosen)
    return cache.answers[key]


def refuse_invalid(sheet: Sheet, cache: AnswerCache) -> None:
    """Raises CnnError with all invalid questions of a sheet, each with its place."""
    problems: list[Problem] = []
    for question in sheet.questions:
        try:
            expected_answer(sheet, question, cache)
        except CnnError as error:
            problems += [p if p.place else p._replace(place=question.place) for p in error.problems]
    if problems:
        raise CnnError.of(problems)


def _key(question: Question) -> tuple[Any, ...]:
    return question.name, repr(sorted(question.fields.items()))


def other_answers(sheet: Sheet, question: Question, cache: AnswerCache) -> list[tuple[ExpectedAnswer, str]]:
    """The other answers under all accepted conventions, each with the conventions that differ from the first ones.

    Where nothing states the rounding, sizes that are rounded down and windows that must fit exactly are both accepted.
    """
    key = _key(question)
    if key not in cache.other_answers:
        first, *others = sheet.conventions
        default = expected_answer(sheet, question, cache)
        found: dict[Any, tuple[ExpectedAnswer, str]] = {}
        other = _with_other_rounding(sheet, question, default)
        if other is not None:
            found[other.value, other.order] = (other, _unstated(FLOOR if default.value == NO_FIT else EXACT))
        for conventions in sorted(others, key=lambda c: sum(a != b for a, b in zip(c, first, strict=True))):
            expected = expected_answer(sheet, question, cache, conventions)
            if (expected.value, expected.order) != (default.value, default.order):
                found.setdefault((expected.value, expected.order), (expected, difference(conventions, first)))
        cache.other_answers[key] = [*found.values()]
    return cache.other_answers[key]


def _with_other_rounding(sheet: Sheet, question: Question, default: ExpectedAnswer) -> ExpectedAnswer | None:
    """The other answer about a window that does not fit exactly, where nothing states the rounding."""
    conventions = sheet.conventions[0]
    if any(other.rounding for other in sheet.conventions) or is_convolve(question):
        return None
    if is_solve(question):
        from cnncli.homework.answer_key.size_answers import solve_answer, states_rounding

        if states_rounding(question, conventions) or question.fields.get("find", "output") != "output":
            return None
        rounded = solve_answer(question, conventions._replace(rounding=FLOOR))
        return None if rounded.value == default.value else rounded
    assert sheet.loaded is not None
    layer, quantity = parse_question(sheet.loaded.inferred, question.name)
    info = sheet.loaded.inferred.layers.get(layer)
    is_output = quantity in SHAPES and quantity != "input_shape"
    if info is None or not is_output or not any(info.stats.dropped) or any(w.ceil for w in info.stats.windows):
        return None
    return default._replace(value=NO_FIT, text=NO_FIT)


def _computed(sheet: Sheet, question: Question, cache: AnswerCache, conventions: Conventions) -> ExpectedAnswer:
    if is_solve(question):
        from cnncli.homework.answer_key.size_answers import solve_answer

        return solve_answer(question, conventions)
    if is_convolve(question):
        from cnncli.homework.answer_key.convolution_answers import convolve_answer

        return convolve_answer(question)
    if sheet.loaded is None:
        raise CnnError(f"{question.name}: missing architecture", "write architecture: lenet5")
    layer, quantity = parse_question(sheet.loaded.inferred, question.name)
    inferred = _network(sheet, cache, conventions)
    return network_answer(inferred, layer, quantity, conventions, sheet.loaded.inferred)


def _network(sheet: Sheet, cache: AnswerCache, conventions: Conventions) -> Inferred:
    """The sheet's network under conventions."""
    assert sheet.loaded is not None
    key = tuple(getattr(conventions, name) for name in NETWORK_CONVENTIONS)
    if not any(key):
        return sheet.loaded.inferred
    if key not in cache.networks:
        cache.networks[key] = network_under(sheet.loaded.graph, conventions)
    return cache.networks[key]


def _unstated(rounding: str) -> str:
    """The convention of a size whose question states no rounding."""
    return message("{convention} (no rounding is stated)", convention=PHRASES["rounding", rounding])
