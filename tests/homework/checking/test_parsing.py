"""Answers are read as the number, the shape or the refusal that they are, however they are written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.checking.parsing import ParsedAnswer, parse
from cnncli.homework.reading.words import MULTIPLES, WORDS

some = settings(max_examples=25, deadline=None, derandomize=True, database=None)
POWERS = {"k": 3, "m": 6, "g": 9, "b": 9, "t": 12, "thousand": 3, "million": 6, "billion": 9}


def grouped(value: int, separator: str) -> str:
    return f"{value:,}".replace(",", separator)


def test_every_multiple_has_a_power() -> None:
    assert {**MULTIPLES, **WORDS}.keys() == POWERS.keys()


@some
@given(value=st.integers(0, 10**12), around=st.sampled_from(["{}", "~{}", "about {}", "[{}]", "= {}", "{} (as asked)"]))
def test_separators_of_thousands_change_nothing(value: int, around: str) -> None:
    for separator in ("", "_", "'", "’", " ", *([","] if around != "[{}]" else [])):  # [1,000] is a list
        assert parse(around.format(grouped(value, separator))).number == value
    if value >= 10**6:  # 1.234 is a decimal fraction
        assert parse(around.format(grouped(value, "."))).number == value


@some
@given(value=st.integers(1, 9999), decimals=st.integers(0, 3), unit=st.sampled_from(["", " params", " weights", " px"]))
def test_a_multiple_is_a_power_of_ten(value: int, decimals: int, unit: str) -> None:
    exact = Fraction(value, 10**decimals)
    written = f"{value / 10**decimals:.{decimals}f}"
    for name, power in POWERS.items():
        for text in (f"{written} {name}", f"{written} {name.upper()}", f"~{written}{' ' * (len(name) > 1)}{name}"):
            assert parse(text + unit).number == exact * 10**power, text + unit
    for prefix, power in (("k", 3), ("M", 6), ("G", 9), ("T", 12)):
        for counted in ("MACs", "FLOPs"):
            assert parse(f"{written} {prefix}{counted}").number == exact * 10**power


@some
@given(a=st.integers(1, 999), b=st.integers(1, 999), off=st.integers(-2, 2))
def test_an_equation_has_its_result_and_a_remark_where_the_sides_differ(a: int, b: int, off: int) -> None:
    equation = parse(f"{a}*{b} = {a * b + off}")
    assert (equation.number, bool(equation.remark)) == (a * b + off, off != 0)
    assert equation.expression == ("" if off else f"{a}*{b}")
    assert parse(f"{a * b} = {a * b + off}").number == (None if off else a * b)
    for neither in (f"{a}x{b} = {a + 1}x{b}", f"{a}x{b}x{b} = what", f"what = {a}", "this = that"):
        found = parse(neither)
        assert (found.number, found.shape, found.refuses) == (None, None, False), neither


@some
@given(above=st.integers(0, 10**6), below=st.integers(2, 10**6), scale=st.sampled_from(["", *WORDS]))
def test_an_expression_is_exact(above: int, below: int, scale: str) -> None:
    factor = 10 ** POWERS.get(scale, 0)
    found = parse(f"{above} / {below}")
    assert found.number == Fraction(above, below) and found.expression
    assert parse(f"({above} + {below}) * 2 - 1").number == 2 * (above + below) - 1
    scaled = parse(f"2*{above} {scale}")
    assert scaled.number == 2 * above * factor and scaled.expression


@some
@given(sizes=st.lists(st.integers(0, 10**4), min_size=1, max_size=6))
def test_a_shape_has_one_to_four_axes(sizes: list[int]) -> None:
    expected = tuple(sizes) if len(sizes) <= 4 else None
    for text in ("x".join(map(str, sizes)), " × ".join(map(str, sizes)), "@".join(map(str, sizes))):
        assert parse(text).shape == expected, text
    if len(sizes) > 1:
        assert parse(f"({', '.join(map(str, sizes))})").shape == expected
        assert parse("x".join(map(str, sizes)) + " px").shape == expected


BLANK = ("", "  ", "~", "null", "NULL", "-", "?", "n/a", " N/A ")
REFUSED = (
    *("does not fit", "Doesn't fit.", "does not work", "doesn't work", "not possible", "impossible", "invalid", "no"),
    *("not an integer", "error", "none", "undefined", "it cannot fit", "is not a whole number", "isn’t possible"),
)


@pytest.mark.parametrize("text", [*BLANK, *REFUSED, "5", "0", "6x6", "fits", "nothing", "yes", "--", "noise"])
def test_blanks_and_refusals_are_told_from_answers(text: str) -> None:
    found = parse(text)
    assert (found.is_blank, found.refuses) == (text in BLANK, text in REFUSED)
    if found.is_blank or found.refuses:
        assert (found.number, found.shape, found.expression) == (None, None, "")


@some
@given(st.text(max_size=30) | st.text("0123456789.,_' x*@()[]=+-/kmM~e\u2212\u0663", max_size=20))
def test_any_text_is_read_without_an_error_and_kept(text: str) -> None:
    found = parse(text)
    assert isinstance(found, ParsedAnswer) and found.text == " ".join(text.split())
    assert found.number is None or isinstance(found.number, Fraction | int)
    assert not found.expression or found.number is not None
