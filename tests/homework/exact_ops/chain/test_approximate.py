"""Numbers to 50 digits: as mpmath has them, and exact where they are rational."""

from __future__ import annotations

import operator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.exact_ops.chain import approximate as ours
from cnncli.homework.exact_ops.chain.approximate import Approximate, approximate, is_approximate

some = settings(max_examples=30, deadline=None, derandomize=True, database=None)
numbers = st.integers(-30, 30) | st.fractions(-40, 40, max_denominator=30)
CLOSE = Decimal(10) ** -45
mpmath.mp.dps = 70


def precise(value: Any) -> Any:
    if isinstance(value, Approximate):
        return mpmath.mpf(str(value.value))
    return mpmath.mpf(value.numerator) / value.denominator


def close(found: Any, expected: Any) -> bool:
    return bool(abs(precise(found) - expected) <= mpmath.mpf("1e-45") * max(1, abs(expected)))


FUNCTIONS = {
    "exp": mpmath.exp, "sqrt": mpmath.sqrt, "log": mpmath.log, "erf": mpmath.erf, "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "expm1": mpmath.expm1, "log1p": mpmath.log1p,
}  # fmt: skip
EXACT = {"exp": {0: 1}, "log": {1: 0}, "erf": {0: 0}, "tanh": {0: 0}, "sigmoid": {0: Fraction(1, 2)}}


@some
@given(x=numbers, twice=st.booleans())
def test_functions_have_50_digits(x: Any, twice: bool) -> None:
    for name, expected in FUNCTIONS.items():
        if x > 0 or name not in ("sqrt", "log", "log1p"):
            for value in (x, approximate(x)):
                assert close(getattr(ours, name)(value), expected(precise(x))), (name, x)


@some
@given(st.integers(-99, -1).map(lambda power: Fraction(10) ** power), st.sampled_from([1, -1]))
def test_functions_of_tiny_numbers_keep_their_digits(tiny: Fraction, sign: int) -> None:
    slope = {"erf": 2 / mpmath.sqrt(mpmath.pi)}  # at 0; 1 for the others
    for name in ("expm1", "log1p", "tanh", "erf"):
        for x in (sign * tiny, approximate(sign * tiny)):
            found = precise(getattr(ours, name)(x))
            with mpmath.workdps(300):
                expected = getattr(mpmath, name)(precise(x))
            assert abs(found - expected) < abs(slope.get(name, 1) * precise(x)) * mpmath.mpf("1e-38"), (name, x)


@pytest.mark.parametrize("name", [*EXACT, "sqrt"])
def test_rational_values_stay_exact(name: str) -> None:
    function = getattr(ours, name)
    for x in range(5):
        value = None if name == "log" and x == 0 else function(x)
        exact = EXACT.get(name, {0: 0, 1: 1, 4: 2})
        assert value is None or is_approximate(value) == (x not in exact)
        assert x not in exact or value == exact[x]
    with pytest.raises(ArithmeticError):
        ours.log(0)
    assert ours.sqrt(Fraction(9, 4)) == Fraction(3, 2)


@some
@given(x=numbers.filter(lambda x: x > 0), exponent=st.fractions(-3, 3, max_denominator=6))
def test_powers_have_50_digits_and_are_exact_where_roots_are(x: Any, exponent: Fraction) -> None:
    for value in (x, approximate(x)):
        assert close(ours.power(value, exponent), precise(x) ** precise(exponent))
    assert ours.power(x**4, Fraction(exponent.numerator, 4)) == Fraction(x) ** exponent.numerator
    assert not is_approximate(ours.power(x**4, Fraction(exponent.numerator, 4)))


@some
@given(x=numbers, y=numbers)
def test_arithmetic_with_exact_numbers_is_that_of_real_numbers(x: Any, y: Any) -> None:
    one, other = approximate(x), precise(y)
    for name in ("add", "sub", "mul", "truediv"):
        operation = getattr(operator, name)
        if y or name != "truediv":
            assert close(operation(one, y), operation(precise(x), other)), name
            assert close(operation(one, approximate(y)), operation(precise(x), other)), name
        if x or name != "truediv":
            assert close(operation(y, one), operation(other, precise(x))), name
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        compare = getattr(operator, name)
        dyadic = Fraction(round(y * 4), 4)  # has its own digits
        for against in (dyadic, approximate(dyadic)):
            assert compare(approximate(Fraction(round(x * 4), 4)), against) == compare(
                Fraction(round(x * 4), 4), dyadic
            )
    assert close(-one, -precise(x)) and close(abs(one), abs(precise(x))) and bool(one) == bool(x)
    assert float(one) == pytest.approx(float(x))
    assert one * 0 == 0 and not is_approximate(one * 0) and not is_approximate(0 * one)
    assert not x or (not is_approximate(0 / one) and is_approximate(Fraction(1, 3) / one))


@some
@given(x=st.integers(2, 99).filter(lambda x: int(x**0.5) ** 2 != x), y=st.integers(1, 99))
def test_a_difference_of_equal_numbers_is_0_and_a_small_one_is_kept(x: int, y: int) -> None:
    root = ours.sqrt(x)
    assert (root + y) - y - root == 0 == root * root - x and root - root == 0
    tiny = approximate(Fraction(1, 10**30))
    assert close((root + tiny - root) * 10**30, 1) and (root + tiny) != root
    assert not root + tiny < root and root + tiny > root


SHOWN = {
    "0": 0, "1": 1, "0.333333": Fraction(1, 3), "-1234.57": Fraction(-123457, 100), "1e-7": Fraction(1, 10**7),
    "0.00001": Fraction(1, 10**5), "123456": Fraction(1234564, 10), "123456000000": 123456 * 10**6,
    "1.5e+12": 15 * 10**11,
}  # fmt: skip


@pytest.mark.parametrize("text", SHOWN)
def test_six_digits_are_shown(text: str) -> None:
    shown = str(approximate(SHOWN[text]))
    assert shown == text or (float(shown) == float(text) and ("e" in shown.lower()) == ("e" in text)), shown
    assert f"{approximate(SHOWN[text]):.3f}" == shown
