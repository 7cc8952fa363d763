"""Comparing one answer with the expected one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnncli.homework.answer_key.expected import PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.sheet import Question, one_line
from cnncli.homework.checking import parsing
from cnncli.homework.checking.correctness import BESIDE_REFUSAL, contradiction, for_review, is_correct
from cnncli.homework.checking.follow_through import intended_shape
from cnncli.homework.checking.matrix_comparison import compare_matrix
from cnncli.homework.checking.parsing import ParsedAnswer
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.messages import text
from cnncli.homework.mistakes.matching import explanations, of_shape, slips

ROUNDED = text("correct to the digits given, but the exact value is asked")
REFUSED = text("says that it does not fit, but it does")
_SIZES = ("size", "shape", "input_shape", "input", "kernel", "stride", "padding", "dilation")
_EXAMPLES = {"number": ("1234", "5678"), "size": ("7", "13"), "shape": ("3x5x7", "2x4x6")}


def compare(question: Question, expected: ExpectedAnswer, locale: str = "") -> Verdict:
    """The verdict on the answer that a question was given, with the mistakes that explain a wrong one.

    Of a number with several readings, 2.576, the one that is correct counts; a remark for the teacher's review says so
    where the ``locale`` does not. Follow-through from earlier answers is not considered here.
    """
    found = parsing.readings(question.given, locale)
    verdict = Verdict(
        question.name, one_line(question.given), False, expected.text, derivation=expected.derivation,
        windows=expected.windows,
    )  # fmt: skip
    if found[0].is_blank:
        return verdict._replace(blank=True)
    if isinstance(expected.value, tuple) and expected.value and isinstance(expected.value[0], tuple):
        return compare_matrix(verdict, expected, question.given, locale)
    for given in found:
        correct, remark = is_correct(expected, given)
        if correct:
            review = for_review(expected, given, is_first=given is found[0], locale=locale)
            remarks = tuple(filter(None, (_evaluated(expected, given), remark)))
            return verdict._replace(correct=True, credit=Fraction(1), remarks=remarks, remark=one_line(review))
    return _diagnosed(verdict, expected, found)


def likely_reading(expected: ExpectedAnswer, found: tuple[ParsedAnswer, ...]) -> ParsedAnswer:
    """The reading of an answer that is not correct: one that a mistake gives, or a whole number where one is asked."""
    for given in found:
        value = _comparable(expected, given)
        if value is not None and explanations(expected.candidates, value):
            return given
    if isinstance(expected.value, int):
        return next((given for given in found if given.number is not None and given.number.denominator == 1), found[0])
    return found[0]


def _evaluated(expected: ExpectedAnswer, given: ParsedAnswer) -> str:
    """``5*5*6 = 150``, for an answer that is an expression, where a number is asked."""
    if not given.expression or not isinstance(expected.value, int | Fraction):
        return ""
    return f"{given.expression} = {_number_text(given.number)}"


def _diagnosed(verdict: Verdict, expected: ExpectedAnswer, found: tuple[ParsedAnswer, ...]) -> Verdict:
    """The verdict on a wrong answer with the mistakes that give it, or with a remark that says why it is wrong."""
    given = likely_reading(expected, found)
    value = _comparable(expected, given)
    names: list[str] = []
    remark = contradiction(expected, given) or _unread(expected, given, value)
    if value is None and not contradiction(expected, given):
        names = ["forgot_channels"] if _is_without_channels(expected.value, given) else _of_shape(expected, given)
    elif not remark and _is_rounded(expected.value, given):
        remark = ROUNDED
    elif not remark and value == expected.value:
        names = ["HWC_order"]  # the correct sizes in another order
    elif not remark:
        names = explanations(expected.candidates, value) or _of_shape(expected, given) or slips(expected.value, value)
    for_review = one_line(f'"{given.text}" {parsing.SEVERAL}') if given.refuses and remark == BESIDE_REFUSAL else ""
    credit = Fraction(0) if given.refuses else _credit(expected, given, value)
    is_explained = bool(remark)
    how_read = given.reading if given is not found[0] else ""
    remarks = tuple(filter(None, (_evaluated(expected, given), how_read, remark or given.remark)))
    return verdict._replace(
        diagnoses=tuple(names), remarks=remarks, credit=credit, is_explained=is_explained, remark=for_review
    )


def _of_shape(expected: ExpectedAnswer, given: ParsedAnswer) -> list[str]:
    """The mistakes in a feature map that was written in another order of its axes, or without its channels."""
    is_map = isinstance(expected.value, tuple) and len(expected.value) > 1 and expected.order != PER_AXIS
    return of_shape(expected.candidates, given.shape, expected.order) if is_map else []


def _unread(expected: ExpectedAnswer, given: ParsedAnswer, value: Any) -> str:
    """Why an answer has no value to compare, with an example of what can be read; empty where it has one."""
    if given.refuses and not isinstance(expected.value, str) and expected.quantity in _SIZES:
        return REFUSED
    if given.refuses and isinstance(expected.value, str):
        return ""
    is_list = value is None and isinstance(expected.value, int | Fraction) and given.shape is not None
    if not is_list and (value is not None or given.shape is not None):
        return ""
    kind = "shape" if isinstance(expected.value, tuple) else "size" if expected.quantity in _SIZES else "number"
    example = next(text for text in _EXAMPLES[kind] if text != expected.text)
    told = text("could not be read as a number such as {example}", example=example)
    if kind == "shape":
        told = text("could not be read as a shape such as {example}", example=example)
    problem = parsing.SEVERAL if is_list else given.problem
    return text("{told}: it {problem}", told=told, problem=problem) if problem else told


def _credit(expected: ExpectedAnswer, given: ParsedAnswer, value: Any) -> Fraction:
    """The fraction of a shape's axes that are correct; where one order is asked, as they are written."""
    sizes = expected.value
    if expected.order == "HxWxC" and isinstance(sizes, tuple):
        sizes, value = (*sizes[1:], sizes[0]), given.shape
    if not isinstance(sizes, tuple) or not isinstance(value, tuple) or len(sizes) != len(value):
        return Fraction(0)
    return Fraction(sum(a == b for a, b in zip(sizes, value, strict=True)), len(sizes))


def _comparable(expected: ExpectedAnswer, given: ParsedAnswer) -> Any:
    """The answer as a value that a mistake could have given, or None."""
    value = expected.value
    if isinstance(value, tuple):
        shape = given.shape or ()
        is_permuted = sorted(shape) == sorted(value) and expected.order != "HxWxC"
        is_as_asked = expected.order == "CxHxW" and len(shape) == len(value)
        return given.shape if is_permuted or is_as_asked else intended_shape(given, value, expected.order)
    if isinstance(value, str):
        return given.shape if given.number is None else given.number
    if given.number is None and given.shape is not None and len({*given.shape}) == 1:
        return Fraction(given.shape[0])
    return given.number if given.number is not None else given.product


def _is_without_channels(expected: Any, given: ParsedAnswer) -> bool:
    return isinstance(expected, tuple) and given.shape == expected[1:] != ()


def _is_rounded(expected: Any, given: ParsedAnswer) -> bool:
    """Whether an answer such as 138M or 1.4e8 is correct to as many digits as it has."""
    if not given.quantum or given.number is None or not isinstance(expected, int):
        return False
    return abs(given.number - expected) <= given.quantum / 2


def _number_text(number: Fraction | None) -> str:
    return "" if number is None else f"{int(number):,}" if number.denominator == 1 else str(number)
