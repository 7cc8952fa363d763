"""Numbers in words, against a few lines that spell them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.checking.parsing import parse

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
some = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def in_words(number: int, conjunction: str, hyphen: str) -> str:
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = in_words(number % size, conjunction, hyphen) if number % size else ""
            joined = f"{conjunction if number % size < 100 or size == 100 else ' '}{rest}" if rest else ""
            return f"{in_words(number // size, conjunction, hyphen)} {name}{joined}"
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"{hyphen}{ONES[number % 10]}" if number % 10 else "")


@some
@given(
    st.one_of(st.integers(0, 999), st.integers(0, 10**9 - 1)),
    st.sampled_from([" ", " and "]),
    st.sampled_from(["-", " "]),
    st.sampled_from(["{}", "{} parameters", "about {}", "total: {}"]),
)
def test_a_number_in_words_is_read(number: int, conjunction: str, hyphen: str, phrase: str) -> None:
    assert parse(phrase.format(in_words(number, conjunction, hyphen))).number == number


@pytest.mark.parametrize("text", ["four five", "six twenty", "twenty ten", "two and three", "hundred and", "third"])
def test_words_that_are_no_one_number_are_not_added(text: str) -> None:
    assert parse(text).number is None


def test_fractions_in_words_are_exact_and_percent_is_a_hundredth() -> None:
    assert parse("two thirds").number == Fraction(2, 3) and parse("2 thirds").quantum == 0
    assert parse("three quarters").number == Fraction(3, 4)
    assert parse("66.7 percent").number == Fraction(667, 1000)


@pytest.mark.parametrize(
    ("text", "shape"), [("6х28х28", (6, 28, 28)), ("6 Х 28 Х 28", (6, 28, 28)), ("χ = 6χ28χ28", (6, 28, 28))]
)
def test_letters_of_other_scripts_that_look_like_x_separate_sizes(text: str, shape: tuple[int, ...]) -> None:
    assert parse(text).shape == shape


def test_an_equation_that_begins_with_an_operator_goes_on_from_the_result_before() -> None:
    assert parse("6*25 = 150; +6 = 156").number == parse("6*25 = 150, + 6 = 156").number == 156
    assert parse("不可能").refuses and parse("невозможно").refuses
