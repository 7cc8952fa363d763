"""Exact numbers: integers, fractions, and square roots that stay texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from math import isqrt
from typing import Any

from cnncli.arithmetic.numerals import is_digits
from cnncli.errors import CnnError, shortened

_ROOT = re.compile(r"sqrt\(([^()√]{1,60})\)|√([^()√]{1,60})")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(/[0-9]{1,30}|(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?)|[+-]?\.[0-9]{1,30}")
_LONG = re.compile(r"[+-]?[0-9]*(\.[0-9]*)?(/[0-9]+|[eE][+-]?[0-9]+)?")  # the same without limits
LIMIT_HINT = "numbers have at most 30 digits, and exponents from -99 to 99 (the limit)"
_TERM = re.compile(r"([+-]?) ?([^ +-]+)")  # of a sum
_QUOTIENT = re.compile(r"(?:([0-9]+)/)?\(?(?:([0-9]+)\*)?sqrt\(([0-9/]+)\)\)?")


def number(word: str) -> Any:
    """``3``, ``-1/9``, ``0.25`` or ``1e-3``, exactly; an irrational root stays ``sqrt(30)``. Raises CnnError."""
    if len(word) <= 30 and is_digits(word):
        return int(word)  # the common case, in files with many numbers
    root = _ROOT.fullmatch(word)
    if root:
        value = number(root[1] or root[2])
        if value < 0:
            raise CnnError(f"{word!r} is the root of a negative number")
        return square_root(value)
    if not _NUMBER.fullmatch(word):
        if any(map(str.isdigit, word)) and _LONG.fullmatch(word):
            raise CnnError(f"{shortened(word, 40)!r} is too long, or its exponent too large", LIMIT_HINT)
        raise CnnError(f"{word[:40] or 'nothing'!r} is not a number", "write 3, -1/9 or 0.25")
    try:
        exact = Fraction(word)
    except ZeroDivisionError:
        raise CnnError(f"{word!r} divides by zero") from None
    return exactly(exact)


def exactly(value: Any) -> Any:
    """A fraction that is an integer as an integer; numpy's integers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def square_root(value: Any) -> Any:
    """The exact root where it is rational, else ``sqrt(30)``, also of letters; a float for floats.

    A number with a method ``square_root`` has its own.
    """
    if isinstance(value, float):
        return value**0.5
    if hasattr(value, "square_root"):
        return value.square_root()
    if not isinstance(value, int | Fraction):
        return f"sqrt({value})"
    exact = Fraction(value)
    numerator, denominator = isqrt(exact.numerator), isqrt(exact.denominator)
    if numerator**2 == exact.numerator and denominator**2 == exact.denominator:
        return exactly(Fraction(numerator, denominator))
    return f"sqrt({exactly(exact)})"


def value_of_roots(text: str) -> float:
    """The value of a result that is written with irrational roots: ``sqrt(30)``, ``1/2 - 3/(2*sqrt(30))``."""
    total = 0.0
    for sign, term in _TERM.findall(text):
        quotient = _QUOTIENT.fullmatch(term)
        if quotient is None:
            value = float(Fraction(term))
        else:
            above, below, root = quotient.groups()
            value = float(Fraction(root)) ** 0.5
            value = int(above) / (int(below or 1) * value) if above else value
        total += -value if sign == "-" else value
    return total


def refuse_roots(values: Iterable[Any]) -> None:
    """Raises CnnError for an irrational root, which is a text."""
    if any(isinstance(value, str) for value in values):
        raise CnnError("irrational roots are not supported here", "write a number, e.g. 1.41")


def simplest(array: Any) -> Any:
    """An array with integers instead of fractions with denominator 1."""
    import numpy as np

    return np.frompyfunc(exactly, 1, 1)(array) if array.dtype == object else array
