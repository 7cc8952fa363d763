"""Comparing one answer with the expected one."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.sheet import Question, one_line
from cnncli.homework.checking import parsing
from cnncli.homework.checking.follow_through import intended_shape
from cnncli.homework.checking.matrix_comparison import compare_matrix
from cnncli.homework.checking.parsing import ParsedAnswer
from cnncli.homework.checking.verdict import UNREADABLE, Verdict
from cnncli.homework.mistakes.matching import explanations, slips
from cnncli.homework.reading.locales import COMMA, POINT, decimal_separator

CHANNELS_LAST = "read as height x width x channels (channels last)"
ROUNDED = "correct to the digits given, but the exact value is asked"


def compare(question: Question, expected: ExpectedAnswer, locale: str = "") -> Verdict:
    """The verdict on the answer that a question was given, with the mistakes that explain a wrong one.

    A number such as 2.576, which the ``locale`` does not decide, is correct if one of its readings is; a remark for the
    teacher's review says so. Follow-through from earlier answers is not considered here.
    """
    verdict = _compared(question, expected, parsing.parse(question.given, locale))
    other = POINT if decimal_separator(locale) == COMMA else COMMA
    if verdict.correct or verdict.blank or not re.search(r"\d[.,]\d{3}(?!\d)", question.given):
        return verdict
    given = parsing.parse(question.given, other)
    found = _compared(question, expected, given)
    if not found.correct or given.number is None:
        return verdict
    return found._replace(remark=f"{found.given} read as {_number_text(given.number).replace(',', '')}")


def _compared(question: Question, expected: ExpectedAnswer, given: ParsedAnswer) -> Verdict:
    verdict = Verdict(
        question.name, one_line(question.given), False, expected.text, derivation=expected.derivation,
        windows=expected.windows,
    )  # fmt: skip
    if given.is_blank:
        return verdict._replace(blank=True)
    if isinstance(expected.value, tuple) and expected.value and isinstance(expected.value[0], tuple):
        return compare_matrix(verdict, expected, question.given)
    correct, remark = is_correct(expected, given)
    is_number = isinstance(expected.value, int | Fraction)
    evaluated = f"{given.expression} = {_number_text(given.number)}" if given.expression and is_number else ""
    verdict = verdict._replace(remarks=tuple(filter(None, (evaluated, remark))))
    if correct:
        return verdict._replace(correct=True, credit=Fraction(1))
    return _diagnosed(verdict, expected, given)


def _diagnosed(verdict: Verdict, expected: ExpectedAnswer, given: ParsedAnswer) -> Verdict:
    """The verdict on a wrong answer with the mistakes that give it, or with a remark that says why it is wrong."""
    value = _comparable(expected, given)
    found: list[str] = []
    remark = ""
    if value is None:
        wanted = "a shape such as 6x28x28" if isinstance(expected.value, tuple) else "a number"
        remark = f"{UNREADABLE} as {wanted}" if given.shape is None else ""
        found = ["forgot_channels"] if _is_without_channels(expected.value, given) else []
    elif _is_rounded(expected.value, given):
        remark = ROUNDED
    elif value == expected.value:
        found = ["HWC_order"]  # the correct sizes in another order
    else:
        found = explanations(expected.candidates, value) or slips(expected.value, value)
    remarks = (*verdict.remarks, *filter(None, [remark]))
    return verdict._replace(diagnoses=tuple(found), remarks=remarks, credit=_credit(expected, given, value))


def _credit(expected: ExpectedAnswer, given: ParsedAnswer, value: Any) -> Fraction:
    """The fraction of a shape's axes that are correct; where one order is asked, as they are written."""
    sizes = expected.value
    if expected.order == "HxWxC" and isinstance(sizes, tuple):
        sizes, value = (*sizes[1:], sizes[0]), given.shape
    if not isinstance(sizes, tuple) or not isinstance(value, tuple) or len(sizes) != len(value):
        return Fraction(0)
    return Fraction(sum(a == b for a, b in zip(sizes, value, strict=True)), len(sizes))


def is_correct(expected: ExpectedAnswer, given: ParsedAnswer) -> tuple[bool, str]:
    """Whether an answer other than a matrix is correct, and a remark about how it was read."""
    value, text = expected.value, given.text.strip().lower()
    if text in expected.words:
        return True, ""
    if isinstance(value, str):
        refuses = given.refuses and (value == NO_FIT or NO_FIT in expected.words)
        return refuses or text == value, ""
    if not isinstance(value, tuple):
        numbers = {value, *expected.also}
        square = given.shape is not None and len(given.shape) > 1 and {*given.shape} == {value}
        return given.number in numbers or (square and expected.order == PER_AXIS), ""
    if len(value) == 1 and given.number is not None:
        return given.number == value[0], ""
    return _is_same_shape(value, given.shape, expected.order)


def _is_same_shape(value: tuple[int, ...], shape: tuple[int, ...] | None, order: str) -> tuple[bool, str]:
    channels_last = (*value[1:], value[0])
    if order == "HxWxC":
        return shape == channels_last, ""
    if shape == value:
        return True, ""
    if order == PER_AXIS:
        return False, ""
    if shape == (1, *value):
        return True, "read with a leading batch size of 1"
    if len(value) == 1 and shape is not None and shape[:1] == value and {*shape[1:]} == {1}:
        return True, "read without its axes of size 1"
    if order != "CxHxW" and len(value) > 1 and shape == channels_last:
        return True, CHANNELS_LAST
    return False, ""


def _comparable(expected: ExpectedAnswer, given: ParsedAnswer) -> Any:
    """The answer as a value that a mistake could have given, or None."""
    value = expected.value
    if isinstance(value, tuple):
        is_permuted = given.shape is not None and sorted(given.shape) == sorted(value) and expected.order != "HxWxC"
        return given.shape if is_permuted else intended_shape(given, value, expected.order)
    if isinstance(value, str):
        return given.shape if given.number is None else given.number
    if given.number is None and given.shape is not None and len({*given.shape}) == 1:
        return Fraction(given.shape[0])
    return given.number


def _is_without_channels(expected: Any, given: ParsedAnswer) -> bool:
    return isinstance(expected, tuple) and given.shape == expected[1:] != ()


def _is_rounded(expected: Any, given: ParsedAnswer) -> bool:
    """Whether an answer such as 138M or 1.4e8 is correct to as many digits as it has."""
    rounded = re.fullmatch(
        r"[~≈]?\s*(\d+)(?:\.(\d+))?\s*([kmgbt]|e\+?(\d+)|thousand|million|billion)",
        parsing.without_units(given.text.lower()),
    )
    if rounded is None or given.number is None or not isinstance(expected, int):
        return False
    last_digit = given.number / int((rounded[1] + (rounded[2] or "")).lstrip("0") or "1")
    return abs(given.number - expected) <= last_digit / 2


def _number_text(number: Fraction | None) -> str:
    return "" if number is None else f"{int(number):,}" if number.denominator == 1 else str(number)
