"""Real numbers that are not rational, to 50 digits: what exp, log and sqrt give.

Rational numbers stay exact (:class:`int` and :class:`~fractions.Fraction`), also as results of these functions where
they are rational (exp(0), sqrt(4)). A number of the type :class:`Approximate` shows that a value is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any

from cnncli.homework.exact_ops.numbers import exactly, square_root

DIGITS = 50
CANCELED = Decimal(10) ** (10 - DIGITS)  # a sum this small relative to its terms is 0 but for their rounding
TINY = Fraction(1, 10**DIGITS)  # the terms of a series below this part of the sum change nothing
CONTEXT = Context(prec=DIGITS, Emin=-999_999, Emax=999_999, traps=[Overflow, DivisionByZero, InvalidOperation])
SMALL = Fraction(1, 10**9)  # numbers below it have functions that are calculated by series
SHOWN = Context(prec=6)
EXPONENT_LIMIT = 64  # of powers that are calculated exactly


class Approximate:
    """A real number with :data:`DIGITS` digits. Its sums and products with exact numbers are approximate as well.

    A product with an exact 0 is exactly 0. Raises ArithmeticError for divisions by 0 and numbers above 10^999999.
    """

    __slots__ = ("value",)

    def __init__(self, value: Decimal) -> None:
        self.value = value

    def __add__(self, other: Any) -> Approximate:
        one, two = self.value, _decimal(other)
        total = CONTEXT.add(one, two)
        largest = max(one.copy_abs(), two.copy_abs())  # - and abs() would round to the digits of the thread's context
        is_rounding = total and total.copy_abs() < CONTEXT.multiply(largest, CANCELED)
        return Approximate(Decimal(0) if is_rounding else total)

    def __abs__(self) -> Approximate:
        return Approximate(self.value.copy_abs())

    def __neg__(self) -> Approximate:
        return Approximate(self.value.copy_negate())

    def __sub__(self, other: Any) -> Approximate:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Approximate:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int | Fraction) and not other:
            return 0
        return Approximate(CONTEXT.multiply(self.value, _decimal(other)))

    def __truediv__(self, other: Any) -> Approximate:
        return Approximate(CONTEXT.divide(self.value, _decimal(other)))

    def __rtruediv__(self, other: Any) -> Any:
        return Approximate(CONTEXT.divide(_decimal(other), self.value)) if other else 0

    def square_root(self) -> Approximate:
        """The square root."""
        return Approximate(CONTEXT.sqrt(self.value))

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Any) -> bool:
        return self.value < _decimal(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= _decimal(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > _decimal(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= _decimal(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | Fraction | float | Approximate) and self.value == _decimal(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return format(self)

    def __format__(self, form: str) -> str:
        """With six significant digits, whatever the form."""
        value = SHOWN.plus(self.value).normalize(SHOWN)
        if not value:
            return "0"
        return f"{value:f}" if -5 <= value.adjusted() < 12 else f"{value:g}"


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Approximate):
        return value.value
    if isinstance(value, Fraction):
        return CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
    return Decimal(value)


def approximate(value: Any) -> Approximate:
    """A number, rounded to :data:`DIGITS` digits."""
    return Approximate(_decimal(value))


def is_approximate(value: Any) -> bool:
    """Whether a number, or any in an array, is rounded."""
    return any(isinstance(item, Approximate) for item in (value.reshape(-1) if hasattr(value, "reshape") else [value]))


# Functions --------------------------------------------------------------------------------------------------------


def exp(x: Any) -> Any:
    """e^x; exactly 1 for 0."""
    return Approximate(CONTEXT.exp(_decimal(x))) if x else 1


def expm1(x: Any) -> Any:
    """e^x - 1, also of a small x, where the difference would lose its digits; exactly 0 for 0."""
    return _series(x, lambda term, n: term * x / (n + 1)) if abs(x) < SMALL else exp(x) - 1


def log1p(x: Any) -> Any:
    """log(1 + x), also of a small x. Raises ArithmeticError for -1."""
    return _series(x, lambda term, n: -term * x * Fraction(n, n + 1)) if abs(x) < SMALL else log(1 + x)


def _series(first: Any, following: Callable[[Any, int], Any]) -> Any:
    """The sum of a series of falling terms; ``following`` takes a term and its number, from 1."""
    if not first:
        return first
    term = total = approximate(first)
    number = 1
    while abs(term) > abs(total) * TINY:
        term = following(term, number)
        total, number = total + term, number + 1
    return total


def log(x: Any) -> Any:
    """The natural logarithm; exactly 0 for 1. Raises ArithmeticError for 0."""
    if x == 0:
        raise ZeroDivisionError
    return Approximate(CONTEXT.ln(_decimal(x))) if x != 1 or isinstance(x, Approximate) else 0


def sqrt(x: Any) -> Any:
    """The square root, exactly where it is rational."""
    root = square_root(x)
    return Approximate(CONTEXT.sqrt(_decimal(x))) if isinstance(root, str) else root


def power(base: Any, exponent: Fraction) -> Any:
    """A positive number to a rational power; exactly where square roots and products give it: 16^(3/4) = 8."""
    root, count = base, exponent.denominator
    while count % 2 == 0 and not isinstance(root, Approximate):
        root, count = sqrt(root), count // 2
    if count == 1 and not isinstance(root, Approximate) and abs(exponent.numerator) <= EXPONENT_LIMIT:
        return exactly(Fraction(root) ** exponent.numerator)
    return exp(log(base) * exponent)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)); exactly 1/2 for 0."""
    if not x:
        return Fraction(1, 2)
    power = exp(-abs(x))  # at most 1, so that it cannot overflow
    return (1 if x > 0 else power) / (1 + power)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent; exactly 0 for 0."""
    if not x:
        return 0
    below = expm1(-2 * abs(x))  # from -1 to 0, so that neither a large nor a small x loses digits
    return (-below if x > 0 else below) / (2 + below)


def erf(x: Any) -> Any:
    """The error function; exactly 0 for 0. Abramowitz and Stegun, formula 7.1.6, whose terms have one sign."""
    if not x:
        return 0
    if abs(x) > 12:  # 1 to more digits than are calculated
        return approximate(1 if x > 0 else -1)
    square = 2 * approximate(x) * x
    term = total = approximate(x)
    odd = 1
    while abs(term) > abs(total) * TINY:
        odd += 2
        term = term * square / odd
        total = total + term
    return 2 * total * exp(-square / 2) / sqrt(PI)


PI = approximate(Decimal("3.14159265358979323846264338327950288419716939937510582097"))
