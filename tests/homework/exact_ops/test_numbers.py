"""Exact numbers stay exact: read as written, roots that are rational, and values of those that are not."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.numbers import exactly, number, refuse_roots, simplest, square_root, value_of_roots

some = settings(max_examples=30, deadline=None, derandomize=True, database=None)
fractions = st.fractions(-99, 99, max_denominator=60)


@some
@given(fractions, st.integers(0, 10**35), st.integers(0, 4))
def test_a_number_is_read_exactly(value: Fraction, long: int, decimals: int) -> None:
    found = number(str(value))
    assert found == value and isinstance(found, int) == (value.denominator == 1)
    assert number(f"{value.numerator}e-{decimals}") == Fraction(value.numerator, 10**decimals)
    tenths = Fraction(value.numerator, 10**decimals)
    written = f"{float(tenths):.{decimals}f}"
    for text in (written, f"+{written}" if tenths >= 0 else written, written.replace("0.", ".", 1)):
        assert (text.startswith((".", "-.")) and not decimals) or number(text) == tenths
    if len(str(long)) <= 30:
        assert number(str(long)) == long
    else:
        with pytest.raises(CnnError, match="is too long"):
            number(str(long))


@some
@given(st.fractions(0, 99, max_denominator=40), st.sampled_from(["sqrt({})", "√{}"]))
def test_a_root_is_a_number_exactly_where_it_is_rational(value: Fraction, written: str) -> None:
    square = value * value
    for found in (square_root(square), number(written.format(square))):
        assert found == value and isinstance(found, int) == (value.denominator == 1)
    root = square_root(value)
    if isinstance(root, str):
        assert math.isqrt(value.numerator) ** 2 != value.numerator or math.isqrt(value.denominator) ** 2 != (
            value.denominator
        )
        assert root == f"sqrt({value})" == number(written.format(value)) and value_of_roots(root) == pytest.approx(
            math.sqrt(value)
        )
        with pytest.raises(CnnError, match="irrational"):
            refuse_roots([1, root])
    else:
        assert root * root == value
        refuse_roots([1, root])
    if value:
        with pytest.raises(CnnError, match="root of a negative number"):
            number(written.format(-value))
    assert square_root(float(value)) == pytest.approx(math.sqrt(value)) and square_root("a + b") == "sqrt(a + b)"


terms = st.tuples(st.sampled_from(["+", "-"]), st.integers(1, 9), st.integers(1, 9), st.sampled_from([2, 3, 30, "1/3"]))


@some
@given(st.fractions(-9, 9, max_denominator=9), st.lists(terms, min_size=1, max_size=3))
def test_the_value_of_a_sum_of_roots_is_that_of_floating_point(start: Fraction, parts: list) -> None:  # type: ignore[type-arg]
    text, value = str(start), float(start)
    for sign, above, below, under in parts:
        root = math.sqrt(Fraction(under))
        for written, term in (
            (f"{above}/({below}*sqrt({under}))", above / (below * root)),
            (f"{above}/sqrt({under})", above / root),
            (f"sqrt({under})", root),
            (f"{above}/{below}", above / below),
        ):
            text += f" {sign} {written}"
            value += term if sign == "+" else -term
    assert value_of_roots(text) == pytest.approx(value, abs=1e-9)


def test_whole_fractions_become_integers_and_other_values_stay() -> None:
    for value, kind in ((Fraction(4, 2), int), (Fraction(1, 2), Fraction), (np.int64(3), int), ("sqrt(2)", str)):
        assert type(exactly(value)) is kind
    assert [type(value) for value in simplest(np.array([Fraction(6, 3), Fraction(1, 3), 5], dtype=object))] == [
        int, Fraction, int,
    ]  # fmt: skip
    floats = np.array([1.0, 2.5])
    assert simplest(floats) is floats
