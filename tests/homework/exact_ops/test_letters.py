"""Letters as entries: what is computed with letters is what is computed with their values."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise
from cnncli.homework.exact_ops.letters import PRODUCTS_LIMIT, LetterSum, entry
from cnncli.homework.exact_ops.matrices import shown

some = settings(max_examples=20, deadline=None, derandomize=True, database=None)
NAMES = ("a", "b", "c", "x1", "x_12")
VALUES = {name: Fraction(2 * at + 3, at + 2) for at, name in enumerate(NAMES)}
entries = st.one_of(
    st.sampled_from(NAMES), st.integers(-3, 3).map(str), st.sampled_from(["-a", "2b", "-1/2c", "0.5x1", "3*x_12"])
)


def value(text: str) -> Fraction:
    """The value of a text of a polynomial, as written: factors stand side by side."""
    python = ""
    for token in re.findall(r"x_12|x1|[abc]|[0-9]+|[-+*/^()]", text):
        factor = "**" if token == "^" else f"Fraction({token})" if token.isdigit() else token
        python += ("*" if python and python[-1].isalnum() | (python[-1] == ")") and token[0].isalpha() else "") + factor
    return Fraction(eval(python, {**VALUES, "Fraction": Fraction}))


def of_numbers(word: str) -> Fraction:
    found = entry(word)
    return evaluated(found)


def evaluated(found: Any) -> Fraction:
    if not isinstance(found, LetterSum):
        return Fraction(found)
    terms = found.terms.items()
    return sum((Fraction(factor) * _product(product) for product, factor in terms), Fraction(0))


def _product(product: tuple[tuple[str, int], ...]) -> Fraction:
    total = Fraction(1)
    for name, power in product:
        total *= VALUES[name] ** power
    return total


matrices_2x2 = st.lists(entries, min_size=4, max_size=4)


def text(words: list[str]) -> str:
    return f"{words[0]} {words[1]}; {words[2]} {words[3]}"


@some
@given(matrices_2x2, matrices_2x2, st.sampled_from([{}, {"transposed": True}, {"padding": "1"}, {"flip": True}]))
def test_letters_commute_with_their_values(x: list[str], kernel: list[str], how: dict[str, Any]) -> None:
    exercise = read_exercise(ExerciseText(text(x), (text(kernel),), bias=("a",), **how), letters=True)
    numbers = exercise._replace(
        x=np.vectorize(evaluated, otypes=[object])(exercise.x),
        kernel=np.vectorize(evaluated, otypes=[object])(exercise.kernel),
        bias=tuple(map(evaluated, exercise.bias)),
    )
    for written, expected in zip(exercise.result().reshape(-1), numbers.result().reshape(-1), strict=True):
        assert evaluated(written) == value(shown(written)) == expected


@some
@given(entries, entries)
def test_polynomials_are_a_ring(one: str, other: str) -> None:
    a, b = entry(one), entry(other)
    assert a * b == b * a and a + b == b + a
    assert (a + b) * (a - b) == a * a - b * b
    assert a - a == 0 and not isinstance(a - a, LetterSum)
    assert evaluated((a + b) * b) == (of_numbers(one) + of_numbers(other)) * of_numbers(other)


@pytest.mark.parametrize(
    ("word", "shown_as"),
    [
        ("a", "a"),
        ("-b", "-b"),
        ("2c", "2c"),
        ("-1/2x", "-x/2"),
        ("x\u2081\u2082", "x12"),
        ("\u03b1", "\u03b1"),
        ("1e3", "1000"),
    ],
)
def test_entries_are_letters_with_numbers(word: str, shown_as: str) -> None:
    assert str(entry(word)) == shown_as


@pytest.mark.parametrize("word", ["ab", "a+b", "a1b", "inf", "nan", "a^2", "2 a", "1/0a"])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(CnnError):
        entry(word)


def test_too_many_products_of_letters_are_refused() -> None:
    size = PRODUCTS_LIMIT // 100 + 1
    with pytest.raises(CnnError, match="letters: more than"):
        read_exercise(ExerciseText(" ".join(["a"] * size), (" ".join(["1"] * 100),)), letters=True)


@pytest.mark.parametrize(
    ("word", "product"),
    [
        ("1e100", "1*e100"),
        ("-2.5E100", "-2.5*E100"),
        ("0x10", "0*x10"),
        ("0b11", "0*b11"),
        ("0o7", "0*o7"),
        ("1d2", "1*d2"),
        ("1f", "1*f"),
        ("1.5f", "1.5*f"),
    ],
)
def test_numbers_of_programming_languages_are_not_read_as_products(word: str, product: str) -> None:
    with pytest.raises(CnnError) as caught:
        entry(word)
    assert f"write {product}," in caught.value.problems[0].hint
    assert entry(product) is not None


@pytest.mark.parametrize("word", ["½", "²", "2²", "1e-100", "1" * 40, "0." + "1" * 40])
def test_what_is_neither_a_letter_nor_a_number_within_the_limits_is_refused(word: str) -> None:
    with pytest.raises(CnnError):
        entry(word)


@pytest.mark.parametrize("word", ["2*e1", "3*d2", "5*E3", "2e", "2*x10", "2f"])
def test_what_is_printed_for_a_product_is_read_as_the_same_product(word: str) -> None:
    assert isinstance(entry(word), LetterSum)
    assert entry(shown(entry(word))) == entry(word)
