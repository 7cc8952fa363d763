"""Comparing a matrix cell by cell with the expected one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError
from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.messages import text
from cnncli.homework.mistakes.matching import chosen
from cnncli.homework.reading.matrices import matrix_texts

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.matrices import Maps

ROUNDING = Fraction(1, 200)  # the largest error of a value that is written with two decimals


def compare_matrix(verdict: Verdict, expected: ExpectedAnswer, given: str, locale: str = "") -> Verdict:
    """The verdict on the maps of a result; the number of correct cells is a remark."""
    from cnncli.homework.exact_ops.matrix_files import is_file

    if not re.search(r"[;\[({\\]", given):  # rows on lines of their own, which a report shows in one line
        verdict = verdict._replace(given=one_line("; ".join(filter(None, map(str.strip, given.splitlines())))))
    if is_file(given):
        return verdict._replace(remarks=(text("write the matrix, not a file name: 1 2; 3 4"),))
    try:
        value = _read(given, locale, expected.value)
    except CnnError as error:
        return verdict._replace(remarks=(text("could not be read: {reason}", reason=str(error).splitlines()[0]),))
    return _compare_maps(verdict, expected, value)


def _read(given: str, locale: str, expected: Maps) -> Maps:
    """The maps of an answer in the first reading that has the expected size; else in the first one that is a matrix.

    Raises CnnError where none is, for the most likely one.
    """
    from cnncli.homework.exact_ops.matrices import read_maps

    found: list[Maps] = []
    errors: list[CnnError] = []
    for written in matrix_texts(given, locale):
        try:
            value = read_maps(written)
        except CnnError as error:
            errors.append(error)
            continue
        if len(value) == 1 < len(expected) and {*map(len, expected)} == {1}:
            value = tuple((row,) for row in value[0])  # maps of one row each, written as the rows of one matrix
        if _shape(value) == _shape(expected):
            return value
        found.append(value)
    if not found:
        raise errors[0]
    return found[0]


def _compare_maps(verdict: Verdict, expected: ExpectedAnswer, value: Maps) -> Verdict:
    same_shape = _shape(value) == _shape(expected.value)
    cells = [*zip(_cells(value), _cells(expected.value), strict=True)] if same_shape else []
    correct = sum(_is_same_cell(a, b) for a, b in cells)
    if same_shape and correct == len(cells):
        remarks = () if value == expected.value else (text("read as rounded to two decimals"),)
        return verdict._replace(correct=True, credit=Fraction(1), remarks=remarks)
    found = chosen([name for name, wrong in expected.candidates.items() if _are_same_rows(value, wrong)])
    if not found and same_shape and correct:
        found = ["window_slip"]
    remark = text("the result has another shape")
    if same_shape:
        remark = text("{correct} of {cells} cells are correct", correct=correct, cells=len(cells))
    credit = Fraction(correct, len(cells)) if same_shape else Fraction(0)
    return verdict._replace(diagnoses=tuple(found), remarks=(remark,), credit=credit)


def _are_same_rows(given: Maps, wrong: Maps) -> bool:
    """Whether an answer has the rows of a wrong result, also as rounded to two decimals, in any number of maps."""
    rows, others = [*chain(*given)], [*chain(*wrong)]
    same = [*map(len, rows)] == [*map(len, others)]
    return same and all(map(_is_same_cell, chain(*rows), chain(*others)))


def _shape(maps: Maps) -> tuple[int, int, int]:
    return len(maps), len(maps[0]), len(maps[0][0])


def _cells(maps: Maps) -> Iterator[Any]:
    return chain.from_iterable(chain.from_iterable(maps))


def _is_same_cell(given: Any, expected: Any) -> bool:
    """Equal; or, for a value with more than two decimals (1/3, sqrt(30)), equal when rounded to two."""
    if given == expected:
        return True
    if isinstance(given, str):
        return False
    if isinstance(expected, str):
        from cnncli.homework.exact_ops.numbers import value_of_roots

        return bool(abs(float(given) - value_of_roots(expected)) <= ROUNDING)
    has_more_decimals = isinstance(expected, Fraction) and 100 % expected.denominator != 0
    return bool(has_more_decimals and abs(Fraction(given) - expected) <= ROUNDING)
