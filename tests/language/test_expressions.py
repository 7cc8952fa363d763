"""The arithmetic of $name expressions: as Python's where it exists, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.language.expressions import POWER_LIMIT, VALUE_LIMIT, evaluate
from cnncli.language.tokens import LENGTH_LIMIT, BadExpression

ENV: dict[str, Any] = {"w": 3, "mode": "same", "half": 0.5, "yes": True, "list": [1, 2], "none": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 // 2", 3), ("-7 // 2", -4), ("7 % 3", 1), ("-7 % 3", 2),
        ("2 ** 3 ** 2", 512), ("-2 ** 2", -4), ("2 ** -1", 0.5), ("(-2) ** 2", 4), ("- - 3", 3), ("+3", 3),
        ("7 / 2", 3.5), ("6 / 2", 3), ("1e3", 1000), (".5 + 1", 1.5),
        ("1 < 2 < 3", True), ("1 < 3 < 2", False), ("3 >= 3", True), ("1 != 2", True), ("$mode == 'same'", True),
        ("$mode == \"valid\"", False), ("not true", False), ("not not true", True), ("not 1 == 2", True),
        ("true or false and false", True), ("1 if $yes else 2", 1), ("1 if false else 2 if false else 3", 3),
        ("min(3, 1, 2)", 1), ("max($w, 5)", 5), ("min(4)", 4), ("round(2.6)", 3), ("ceil(2.1)", 3), ("floor(-2.1)", -3),
        ("$w", 3), ("$w*4", 12), ("$half * 4", 2.0), ("True", True), ("'a b'", "a b"), ("$list == $list", True),
        ("true or 1 / 0 > 1", True), ("1 if true else 1 / 0", 1), ("10 ** 18", 10**18), ("\n$w\n+ 1", 4),
    ],
)  # fmt: skip
def test_values(text: str, expected: object) -> None:
    found = evaluate(text, ENV)
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", "calls __import__, which does not exist"),
        ("$w.__class__", "has an unexpected '.__class__'"),
        ("$list[0]", "has an unexpected '['"),
        ("lambda: 1", "has an unexpected ':'"),
        ("open('/etc/passwd')", "calls open, which does not exist"),
        ("1; 2", "has an unexpected ';'"),
        ("$w @ 2", "has an unexpected '@'"),
        ("f'{1}'", "has an unexpected 'f'"),
        ("w", "has an unexpected 'w'"),
        ("$v", "uses $v, which is not defined"),
        ("${w}", "has a $ without a name"),
        ("$", "has a $ without a name"),
        ("1 +", "is incomplete"),
        ("", "is incomplete"),
        ("(1", "needs ')' here"),
        ("1)", "has an unexpected ')'"),
        ("1 if true", "needs 'else' here"),
        ("max()", "has an unexpected ')'"),
        ("round(1, 2)", "passes round 2 values; it takes one"),
        ("'a", "has an unclosed quote"),
        ("1 / 0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("0 ** -1", "divides by zero"),
        ("(-1) ** 0.5", "takes a root of a negative number"),
        ("$mode + 1", "calculates with 'same', which is not a number"),
        ("$yes + 1", "calculates with true, which is not a number"),
        ("$none + 1", "calculates with nothing, which is not a number"),
        ("$list * 2", "calculates with [1, 2], which is not a number"),
        ("'a' < 'b'", "calculates with 'a', which is not a number"),
        ("1 if $w else 2", "uses 3 as true or false"),
        ("not 1", "uses 1 as true or false"),
        ("2 ** 65", f"has a power of 65; the limit is {POWER_LIMIT}"),
        ("9 ** 64", "gives a number above 10^18 (the limit)"),
        ("10 ** 18 * 10", "gives a number above 10^18 (the limit)"),
        ("$w ** ($w ** $w * 2)", "gives a number above 10^18 (the limit)"),
        ("1e19", "has '1e19', which is not a number up to 10^18"),
        ("9" * 900, "has '" + "9" * 40 + "', which is not a number up to 10^18"),
        ("0x10", "has '0x10', which is not a number up to 10^18"),
        ("1_000", "has '1_000', which is not a number up to 10^18"),
        ("1٣", "has '1٣', which is not a number up to 10^18"),
        ("$w * ３", "has an unexpected '３'"),
        ("1.5.2", "has '1.5.2', which is not a number up to 10^18"),
        ("1 " * 600, f"is an expression of 1,200 characters; the limit is {LENGTH_LIMIT:,}"),
        ("(" * 31 + "1" + ")" * 31, "is nested deeper than 30 levels (the limit)"),
        ("1" + "**1" * 300, "is nested deeper than 30 levels (the limit)"),
        ("1 if true else " * 60 + "1", "is nested deeper than 30 levels (the limit)"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadExpression) as caught:
        evaluate(text, ENV)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["$w" + "+1" * 499, "-" * 990 + "1", "not " * 240 + "true", "1" + "*1" * 490])
def test_long_chains_are_no_nesting(text: str) -> None:
    evaluate(text, ENV)


numbers = st.integers(0, 99).map(str)
sums = st.recursive(
    numbers,
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!="]), part).map(" ".join),
        st.tuples(part, part, part, part).map(lambda p: f"({p[0]} if {p[1]} < {p[2]} else {p[3]})"),
        part.map(lambda p: f"({p})"),
        part.map(lambda p: f"-{p}"),
    ),
    max_leaves=8,
)


@given(sums)
def test_it_agrees_with_python(text: str) -> None:
    try:
        found = evaluate(text, {})
    except BadExpression:
        return  # a limit, a division by zero, a truth value used as a number
    assert found == pytest.approx(eval(text))  # texts made above: numbers and operators only


@given(st.text("$wx0123456789.+-*/%<>=!()'\", _abcdefilmnorstuy", max_size=40))
def test_any_text_is_a_value_or_a_bad_expression(text: str) -> None:
    try:
        found = evaluate(text, ENV)
    except BadExpression as error:
        assert str(error)
        assert 0 <= error.at <= len(text)
    else:
        assert not isinstance(found, int | float) or abs(found) <= VALUE_LIMIT


def test_numbers_up_to_ten_to_the_eighteenth_are_given_and_no_others() -> None:
    largest = 1_000_000_000_000_000_000
    for text in (str(largest), f"{largest - 1} + 1", "10 ** 9 * 10 ** 9", "2 * 5e17"):
        assert evaluate(text, {}) == -evaluate(f"-({text})", {}) == largest
    for text in (str(largest + 1), f"{largest} + 1", f"-{largest} - 1", "10 ** 9 * 1000000001", "2 ** 60", "-3 ** 64"):
        with pytest.raises(BadExpression, match=r"10\^18"):
            evaluate(text, {})
