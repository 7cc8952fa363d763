"""An exact number reads back as itself in every notation, and no answer takes long."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.checking.parsing import readings
from cnncli.homework.reading.locales import decimal_separator

some = settings(max_examples=30, deadline=None, derandomize=True, database=None)
DIGITS = {"ascii": "0123456789", "arabic": "٠١٢٣٤٥٦٧٨٩", "devanagari": "०१२३४५६७८९", "wide": "０１２３４５６７８９"}
AROUND = (
    "{}", " {} ", "= {}", "x = {}", "answer: {}", '"{}"', "“{}”", "«{}»", "${}$", r"\({}\)", "**{}**", "({})", "[{}]",
    "~{}", "about {}", "{}.", "{} parameters", "{} trainable parameters", "{} (weights and biases)", "{}, because",
    "{} px",
)  # fmt: skip
GROUPS = {"point": (",", "'", " ", "\u202f", "’", "_", ""), "comma": (".", "'", " ", "\u202f", "’", "")}


def grouped(value: int, separator: str, decimals: str, mark: str) -> str:
    return f"{value:,}".replace(",", separator) + (f"{mark}{decimals}" if decimals else "")


@some
@given(
    value=st.integers(0, 10**12),
    decimals=st.sampled_from(["", "5", "25", "3125"]),
    around=st.sampled_from(AROUND),
    locale=st.sampled_from(["en", "de"]),
    digits=st.sampled_from([*DIGITS.values()]),
    data=st.data(),
)
def test_a_number_reads_back_as_itself_in_every_notation(
    value: int, decimals: str, around: str, locale: str, digits: str, data: st.DataObject
) -> None:
    mark = decimal_separator(locale)
    separator = data.draw(st.sampled_from([one for one in GROUPS[mark] if around != "[{}]" or one in ("", "'")]))
    number = grouped(value, separator, decimals, "." if mark == "point" else ",")
    text = around.format(number.translate(str.maketrans(DIGITS["ascii"], digits)))
    assert readings(text, locale)[0].number == Fraction(f"{value}.{decimals or 0}"), text


@some
@given(numbers=st.lists(st.integers(1, 99), min_size=2, max_size=5), data=st.data())
def test_an_expression_has_its_exact_value_in_every_notation(numbers: list[int], data: st.DataObject) -> None:
    signs = [data.draw(st.sampled_from("+-*/")) for _ in numbers[1:]]
    text, value = str(numbers[0]), f"Fraction({numbers[0]})"
    for sign, number in zip(signs, numbers[1:], strict=True):
        shown = data.draw(st.sampled_from({"*": "*·×⋅", "/": "/÷", "-": "-−", "+": "+"}[sign]))
        text, value = f"({text}) {shown} {number}", f"({value}) {sign} {number}"
    exact = eval(value, {"Fraction": Fraction})
    for written in (text, f"${text}$", f"p = {text}", f"{text}²".replace(f"{numbers[-1]}²", f"({numbers[-1]})¹")):
        found = readings(written)[0]
        assert exact in (found.number, found.product), written


@some
@given(value=st.integers(1000, 10**9), off=st.sampled_from([-1000, -1, 1, 10, 999]), around=st.sampled_from(AROUND))
def test_a_wrong_number_is_wrong_in_every_notation(value: int, off: int, around: str) -> None:
    expected = ExpectedAnswer(value, str(value), (), {})
    for separator in (",", ".", "'", " ", ""):
        text = around.format(grouped(value + off, separator, "", ""))
        assert not compare(Question("c1.params", text, {}), expected).correct, text


@some
@given(sizes=st.lists(st.integers(2, 999), min_size=3, max_size=3, unique=True))
def test_a_shape_reads_back_as_itself_in_every_notation(sizes: list[int]) -> None:
    c, h, w = sizes
    for text in (
        f"{c}x{h}x{w}", f"{c} × {h} × {w}", f"{c}@{h}x{w}", f"({c}, {h}, {w})", f"[{c},{h},{w}]", f"{c}*{h}*{w}",
        f"{c} by {h} by {w}", f"{c} maps of {h}x{w}", f"C={c}, H={h}, W={w}", f"H={h}, W={w}, C={c}", f"{c}·{h}·{w}",
        f"(None, {c}, {h}, {w})", f"torch.Size([{c}, {h}, {w}])", f"{h}x{w}x{c} (HxWxC)", f"{c}x{h}x{w} = {c * h * w}",
        rf"${c} \times {h} \times {w}$", f"shape: ({c}, {h}, {w})", f"{h}x{w} with {c} channels",
    ):  # fmt: skip
        assert readings(text)[0].shape == (c, h, w), text


HUGE = [
    *(
        "9^9^9",
        "9**9**9**9",
        "(" * 3000,
        "1" * 5000,
        "1e999999999",
        "2^-99999",
        "9" * 190 + "*" + "9" * 190,
        "-" * 5000,
    ),
    *("1/" * 1000 + "1", "+".join(["1"] * 3000), "1,234" * 500, "x" * 5000, "6x" * 2000, "\\frac{" * 900, "½" * 2000),
    *(
        "not " * 900 + "fit",
        "$" * 4000,
        "{" * 4000,
        "a=" * 1500 + "1",
        "1 " * 2000,
        "²" * 3000,
        "2^" * 40 + "2",
        "=" * 4000,
    ),
]


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:8])
def test_no_answer_takes_long_or_is_huge(text: str) -> None:
    started = time.process_time()
    for found in readings(text):
        assert found.number is None or found.number.numerator.bit_length() < 700
    assert time.process_time() - started < 3
