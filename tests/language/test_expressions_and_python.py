"""Expressions of the language agree with Python, where Python's are numbers or truths."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.language.expressions import POWER_LIMIT, VALUE_LIMIT, evaluate
from cnncli.language.tokens import BadExpression

thorough = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ENV = {"w": 3, "half": 0.5, "many": 64, "yes": True, "no": False, "minus": -2}
NUMBERS = ("0", "1", "2", "3", "7", "64", "1e-5", "1E3", "2.5e+1", "1e5", ".5", "5.", "0.25", "$w", "$half", "$many",
           "$minus")  # fmt: skip


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    space = st.sampled_from(["", " "])
    signs = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
    return st.one_of(
        st.builds("{}{}{}{}{}".format, parts, space, signs, space, parts),
        st.builds("({})".format, parts),
        st.builds("-{}".format, parts),
        st.builds("+ {}".format, parts),
        st.builds("min({}, {})".format, parts, parts),
        st.builds("max({}, {}, {})".format, parts, parts, parts),
        st.builds("{}({})".format, st.sampled_from(["round", "ceil", "floor"]), parts),
    )


numbers = st.recursive(st.sampled_from(NUMBERS), joined, max_leaves=6)
comparisons = st.builds(
    "{} {} {}".format, numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers
) | st.builds("{} < {} <= {}".format, numbers, numbers, numbers)
truths = st.recursive(
    comparisons | st.sampled_from(["true", "false", "$yes", "$no"]),
    lambda parts: st.one_of(
        st.builds("{} and {}".format, parts, parts),
        st.builds("{} or {}".format, parts, parts),
        st.builds("not {}".format, parts),
        st.builds("({})".format, parts),
    ),
    max_leaves=5,
)
choices = st.builds("{} if {} else {}".format, numbers, truths, numbers)


def python(text: str) -> object:
    """The value that Python gives; None for what is no real number of the language's size."""
    code = re.sub(r"\$(\w+)", r"\1", text).replace("true", "True").replace("false", "False")
    names = {**ENV, "min": min, "max": max, "round": round, "ceil": math.ceil, "floor": math.floor}
    try:
        value = eval(code, {"__builtins__": {}}, names)
    except (ZeroDivisionError, OverflowError, TypeError, ValueError):
        return None
    return value if isinstance(value, int | float) and abs(value) <= VALUE_LIMIT else None


@thorough
@given(st.one_of(numbers, truths, choices))
def test_the_value_of_an_expression_is_python_s(text: str) -> None:
    try:
        found = evaluate(text, ENV)
    except BadExpression as error:
        # limits of its own, and what is no number: nothing else is refused
        said = ("divides by zero", "limit", "root of a negative", "too large")
        assert any(part in str(error) for part in said), (text, str(error))
        return
    expected = python(text)
    assert expected is not None, text
    assert found == expected and isinstance(found, bool) == isinstance(expected, bool), text


@thorough
@given(st.sampled_from(NUMBERS[:13]), st.sampled_from(NUMBERS[:13]))
def test_a_number_ends_where_python_s_does(one: str, other: str) -> None:
    for text in (f"{one}-{other}", f"{one}+{other}", f"-{one}", f"{one} - {other}", f"{one}*-{other}"):
        assert evaluate(text, {}) == eval(text)


@pytest.mark.parametrize("power", [POWER_LIMIT, -POWER_LIMIT])
def test_powers_up_to_the_limit_are_worked_out_and_no_others(power: int) -> None:
    assert evaluate(f"1 ** {power}", {}) == 1
    with pytest.raises(BadExpression, match="limit"):
        evaluate(f"1 ** {power + (1 if power > 0 else -1)}", {})


def test_a_division_that_comes_out_even_is_a_whole_number() -> None:
    for one in range(-12, 13):
        for other in range(1, 5):
            found = evaluate(f"({one}) / {other}", {})
            assert found == one / other and isinstance(found, int) == (one % other == 0)
