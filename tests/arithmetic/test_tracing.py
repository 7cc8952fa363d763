"""A traced number's formula, read again as Python, gives its value: leading minus, floors and remainders included."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from formulas import evaluated, from_latex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.arithmetic.tracing import (
    LATEX_FORMULA,
    LATEX_NUMBERS,
    PLAIN_FORMULA,
    PLAIN_NUMBERS,
    Traced,
    exact_quotient,
    expression_of,
    maximum,
    named,
    written,
)

thorough = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SYMBOLS = ("a", "b", "c_in")
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "r-": lambda one, other: other - one,
    "ceil": lambda one, other: -(-one // other),
    "/": lambda one, other: exact_quotient(one, other),
    "max": lambda one, other: maximum(one, other) if Traced in (type(one), type(other)) else max(one, other),
    "neg": lambda one, other: -one,
    "**": lambda one, other: one ** (abs(int(other)) % 3 + 1),
}


@st.composite
def computations(draw: st.DrawFn) -> tuple[int, int, dict[str, int]]:
    """The same random computation with traced and with plain numbers, and the values of the symbols."""
    values = {symbol: draw(st.integers(-9, 12)) for symbol in SYMBOLS}
    pairs: list[tuple[int, int]] = [(named(symbol, value), value) for symbol, value in values.items()]
    pairs += [(number, number) for number in draw(st.lists(st.integers(-4, 5), min_size=1, max_size=3))]
    for _ in range(draw(st.integers(1, 6))):
        one, other = draw(st.sampled_from(pairs)), draw(st.sampled_from(pairs))
        name = draw(st.sampled_from(sorted(OPERATIONS)))
        if name == "/" and (other[1] == 0 or one[1] % other[1]):
            continue
        if (name in ("//", "ceil", "%") and other[1] == 0) or abs(one[1] * other[1]) > 10**6 or abs(one[1]) > 10**4:
            continue
        traced, plain = (OPERATIONS[name](one[at], other[at]) for at in (0, 1))
        pairs.append((traced, plain))
    traced, plain = pairs[-1]
    return traced, plain, values


def brackets(text: str) -> list[tuple[int, int]]:
    """The places of the brackets of a text that enclose no function's arguments."""
    opened: list[int] = []
    found = []
    for at, char in enumerate(text):
        if char == "(":
            opened.append(at)
        elif char == ")":
            start = opened.pop()
            found += [] if text[start - 1 : start].isalpha() else [(start, at)]
    return found


def assert_brackets_have_a_reason(text: str) -> None:
    """Without any pair the text would be read otherwise, if they hold no fraction or remainder, and no sign leads."""
    for start, end in brackets(text):
        inside = text[start + 1 : end]
        if not inside.startswith("-") and "/" not in inside and "%" not in inside + text[end : end + 3]:
            without = text[:start] + inside + text[end + 1 :]
            assert ast.dump(ast.parse(without)) != ast.dump(ast.parse(text)), text


def assert_simple(text: str) -> None:
    """No zero is added, and no term is there twice."""
    assert not re.search(r"[+-] 0\b(?! [*/])", text), text
    if "(" not in text and "%" not in text:
        terms = re.split(r" [+-] ", text.removeprefix("-"))
        assert len({*terms}) == len(terms), text


@thorough
@given(computations())
def test_a_traced_number_is_the_plain_one_and_its_formula_gives_it(found: tuple[int, int, dict[str, int]]) -> None:
    traced, plain, values = found
    assert traced == plain
    expression = expression_of(traced)
    for notation in (PLAIN_FORMULA, PLAIN_NUMBERS):
        text = written(expression, notation)
        assert evaluated(text, values) == plain, text
        assert not re.search(r"[+-] *[+-]|\* *-|/ *-|--", text), text  # a negative number stands in brackets
        assert not re.search(r"-0\b", text), text
        assert_brackets_have_a_reason(text)
    assert_simple(written(expression, PLAIN_FORMULA))


@settings(thorough, max_examples=100)
@given(computations())
def test_the_formula_in_latex_is_the_same_arithmetic(found: tuple[int, int, dict[str, int]]) -> None:
    traced, plain, values = found
    text = from_latex(written(expression_of(traced), LATEX_NUMBERS))
    assert evaluated(text, values) == plain, text


def test_numbers_of_one_value_and_other_expressions_are_told_apart_by_caches() -> None:
    one, other = named("a", 7), named("b", 7)
    assert one == other and hash(one) != hash(other) and hash(one) == hash(named("a", 7))
    assert isinstance(one + 1, Traced) and one + 0 is one and one * 1 is one and one // 1 is one


@settings(thorough, max_examples=50)
@given(st.integers(-50, 50), st.integers(1, 9))
def test_a_ceiling_is_written_as_one(one: int, other: int) -> None:
    found = -(-named("n", one) // named("s", other))
    assert found == math.ceil(Fraction(one, other))
    assert written(expression_of(found), PLAIN_FORMULA) == "ceil(n / s)"
    assert written(expression_of(-(found - 1)), PLAIN_FORMULA) == "1 - ceil(n / s)"
    assert written(expression_of(found), LATEX_FORMULA) == r"\left\lceil \frac{n}{s} \right\rceil"
    floor = -named("n", one) // named("s", other)
    assert written(expression_of(floor), PLAIN_FORMULA) == "-ceil(n / s)"
    rows, step = named("n", one) - named("k", 3), named("s", other)
    for traced, formula in (
        (-(-rows // step), "ceil((n - k) / s)"),
        (rows // step, "floor((n - k) / s)"),
        (-(rows // step), "-floor((n - k) / s)"),
    ):
        assert written(expression_of(traced), PLAIN_FORMULA) == formula
    assert written(expression_of(named("r", 3) - floor * named("j", 2)), PLAIN_FORMULA) == "r + ceil(n / s) * j"


def test_an_exact_quotient_is_a_fraction_and_1_for_a_quantity_divided_by_itself() -> None:
    filters, channels, groups, kernel = (named(*pair) for pair in (("C_out", 8), ("C_in", 6), ("g", 2), ("k", 3)))
    grouped = filters * exact_quotient(channels, groups) * kernel * kernel
    assert grouped == 8 * 3 * 3 * 3
    assert written(expression_of(grouped), PLAIN_FORMULA) == "C_out * (C_in / g) * k * k"
    assert written(expression_of(exact_quotient(channels, groups) + 1), PLAIN_FORMULA) == "C_in / g + 1"
    assert written(expression_of(grouped), LATEX_FORMULA) == (
        r"C_{\mathrm{out}} \cdot \frac{C_{\mathrm{in}}}{g} \cdot k \cdot k"
    )
    depthwise = channels * exact_quotient(channels, channels) * kernel * kernel
    assert written(expression_of(depthwise), PLAIN_FORMULA) == "C_in * 1 * k * k"
    assert exact_quotient(channels, 1) is channels
