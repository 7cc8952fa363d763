"""MathML of formulas: its elements, evaluated, give the formula's value."""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.arithmetic.mathml import NotFormulaError, equation, mathml

SIGNS = {"+": "+", "−": "-", "·": "*", "mod": "%", "(": "(", ")": ")", ",": ",", "⌊": "floor(", "⌋": ")"}
SIGNS |= {"⌈": "ceil(", "⌉": ")"}


def as_python(element: ElementTree.Element) -> str:
    """A MathML element as a Python expression: the reverse of the writer, without looking at the formula."""
    inner = [as_python(child) for child in element if not child.tag.endswith("mtext")]
    match element.tag.rpartition("}")[2]:
        case "mn":
            return f"F({element.text})"
        case "mi":
            return element.text or ""
        case "mo":
            return SIGNS[element.text or ""]
        case "msub":
            return f"{inner[0]}_{element[1].text}"
        case "mfrac":
            return f"(({inner[0]}) / ({inner[1]}))"
        case "msup":
            return f"({inner[0]}) ** ({inner[1]})"
        case "msqrt":
            return f"sqrt({inner[0]})"
        case "mrow" | "math":
            return "".join(inner)
    raise AssertionError(element.tag)


some = settings(max_examples=60, deadline=None, derandomize=True, database=None)
NAMES = {"H": Fraction(28), "C_out": Fraction(6), "p": Fraction(-2), "k": Fraction(5)}
FUNCTIONS = {"F": Fraction, "floor": math.floor, "ceil": math.ceil, "max": max}


def value(expression: str) -> Fraction:
    return Fraction(eval(expression, {"__builtins__": {}}, {**FUNCTIONS, **NAMES}))


atoms = st.sampled_from(["H", "C_out", "p", "k"]) | st.integers(0, 99).map(str)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return (
        pairs.map(lambda two: f"{two[0]} + {two[1]}")
        | st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})")
        | st.tuples(inner, st.integers(1, 9)).map(lambda parts: f"floor(({parts[0]}) / {parts[1]})")
        | st.tuples(inner, st.integers(1, 9)).map(lambda parts: f"ceil(({parts[0]}) / {parts[1]}) + 1")
        | pairs.map(lambda two: f"max({two[0]}, {two[1]})")
        | inner.map(lambda one: f"-({one})")
    )


@some
@given(st.recursive(atoms, larger, max_leaves=12))
def test_the_elements_of_a_formula_evaluate_to_its_value(formula: str) -> None:
    element = ElementTree.fromstring(f"<math>{mathml(formula)}</math>")
    assert value(as_python(element)) == value(formula)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [("8 % 3", 2), ("2 * (8 % 3)", 4), ("2 ** (1 + 2)", 8), ("(1 + 2) ** 2", 9), ("1 / 3 * 3", 1), ("6 - (3 - 2)", 5)],
)
def test_operators_keep_their_order(formula: str, expected: int) -> None:
    element = ElementTree.fromstring(f"<math>{mathml(formula)}</math>")
    text = as_python(element)
    assert value(text) == value(ast.unparse(ast.parse(formula))) == expected


def test_a_short_equation_has_one_row_and_a_long_one_a_row_for_each_side() -> None:
    assert "mtable" not in equation(["k * k", "25"])
    long = ElementTree.fromstring(equation([" + ".join(["12345"] * 9), "x", "111105"]))
    rows = [*long.iter("{http://www.w3.org/1998/Math/MathML}mtr")]
    signs = ["".join(mo.text or "" for mo in row[0]) for row in rows]
    assert signs == ["", "=", "="]


def test_a_result_may_end_in_words() -> None:
    found = ElementTree.fromstring(equation(["7 / 3", "2.333 is not whole"]))
    assert "".join(found.itertext()) == "73=2.333\u00a0is not whole"


@pytest.mark.parametrize(
    "text",
    ["no padding gives 16", "", "1 +", "[1]", "f(x=1)", "'a'", "True", "a.b", "1 <b> 2", "~1", "1 | 2", "x" * 5000],
)
def test_a_text_that_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(NotFormulaError):
        mathml(text)


def test_a_long_sum_needs_no_recursion() -> None:
    element = ElementTree.fromstring(f"<math>{mathml(' + '.join(['1'] * 900))}</math>")
    assert len([*element.iter("mn")]) == 900
