"""Numerals: digits with separators, which mean different numbers in different countries."""

from __future__ import annotations

import re
from fractions import Fraction

from cnncli.homework.reading.locales import COMMA, POINT

LONGEST_NUMERAL = 200  # digits
LARGEST_EXPONENT = 99
ARABIC_POINT = "\u066b"  # the decimal separator of Arabic scripts, which separates nothing else
_DECIMAL = {POINT: f".{ARABIC_POINT}", COMMA: f",{ARABIC_POINT}"}
_GROUPING = {POINT: ",'_ ", COMMA: ".'_ "}
OTHER = {POINT: COMMA, COMMA: POINT}


def numeral_value(text: str, convention: str) -> Fraction | None:
    """The value of a numeral by a convention (``point`` or ``comma``), or by the other where it alone is possible.

    >>> [str(numeral_value("2.576", convention)) for convention in (POINT, COMMA)]
    ['322/125', '2576']
    >>> str(numeral_value("1,56", POINT)), numeral_value("1_56", POINT)
    ('39/25', None)
    """
    found = _value(text, convention)
    return found if found is not None else _value(text, OTHER[convention])


def meanings(text: str) -> dict[str, Fraction]:
    """The possible values of a numeral by the convention that gives each."""
    found = {convention: _value(text, convention) for convention in (POINT, COMMA)}
    return {convention: value for convention, value in found.items() if value is not None}


def decides(text: str) -> str:
    """The convention that a numeral shows to be meant: ``point`` for 0.5 and 1,234,567; empty for 156 and 2.576."""
    found = meanings(text)
    return next(iter(found)) if len(found) == 1 else ""


def decimals_of(text: str, convention: str) -> int:
    """The number of decimals of a numeral, less its exponent: 1.25e3 has -1."""
    mantissa, _, exponent = text.partition("e")
    at = max(mantissa.rfind(mark) for mark in _DECIMAL[convention])
    if _value(text, convention) is None:
        at = max(mantissa.rfind(mark) for mark in _DECIMAL[OTHER[convention]])
    return (len(mantissa) - at - 1 if at >= 0 else 0) - int(exponent or 0)


def _value(text: str, convention: str) -> Fraction | None:
    mantissa, _, exponent = text.partition("e")
    if len(mantissa) > LONGEST_NUMERAL or (exponent and abs(int(exponent)) > LARGEST_EXPONENT):
        return None
    marks = [at for at, char in enumerate(mantissa) if char in _DECIMAL[convention]]
    if len(marks) > 1:
        return None
    at = marks[0] if marks else len(mantissa)
    whole, decimals = _without_groups(mantissa[:at], _GROUPING[convention]), mantissa[at + 1 :]
    if whole is None or not re.fullmatch("[0-9]*", decimals) or not whole + decimals:
        return None
    return Fraction(f"{whole or '0'}.{decimals or '0'}{'e' + exponent if exponent else ''}")


def _without_groups(text: str, separators: str) -> str | None:
    """The digits of a whole number; None where its groups have other lengths than thousands, or those of India."""
    found = {char for char in text if not char.isdigit()}
    if not found:
        return text
    if len(found) > 1 or not found <= set(separators):
        return None
    first, *groups = text.split(found.pop())
    is_grouped = 0 < len(first) <= 3 and first[0] != "0" and len(groups[-1]) == 3
    lengths = {len(group) for group in groups[:-1]}
    if not is_grouped or not (lengths <= {3} or (lengths == {2} and len(first) <= 2)):
        return None
    return first + "".join(groups)
