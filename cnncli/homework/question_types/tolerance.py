"""Tolerances of numbers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import text_of
from cnncli.homework.checking import parsing
from cnncli.homework.languages.messages import text as message
from cnncli.language.reading import is_nothing
from cnncli.language.source import Source, Value


class Tolerance(NamedTuple):
    """The largest error of a number: ``amount``, or that fraction of the expected answer."""

    amount: Fraction
    is_relative: bool

    def remark(self, number: Fraction, expected: Fraction) -> str:
        """The remark on a number within the tolerance, or an empty text."""
        if abs(number - expected) > (self.amount * abs(expected) if self.is_relative else self.amount):
            return ""
        text = f"{decimal_text(100 * self.amount)}%" if self.is_relative else decimal_text(self.amount)
        return message("within {tolerance} of the correct answer", tolerance=text)


def decimal_text(number: Fraction) -> str:
    """A number in at most ten digits; a number of any size, which a float may not hold.

    >>> decimal_text(Fraction(33, 10)), decimal_text(Fraction(10) ** 400)
    ('3.3', '1E+400')
    """
    return f"{Decimal(number.numerator) / Decimal(number.denominator):.10g}"


def read_tolerance(text: str) -> Tolerance | None:
    """A number of at least 0, or a percentage; None for anything else."""
    number = parsing.parse(text.removesuffix("%")).number
    if number is None or number < 0:
        return None
    return Tolerance(number / 100, True) if text.endswith("%") else Tolerance(number, False)


def tolerance_entry(source: Source, name: str, value: Value | None) -> Tolerance | None:
    """The tolerance of a question of a key; None where it has none. Raises CnnError for anything else."""
    if value is None or is_nothing(value):
        return None
    found = read_tolerance(text_of(source, value))
    if found is None:
        message = f"{name}: tolerance must be a percentage of the answer, or a number"
        raise source.error(value, message, "write tolerance: 1%")
    return found
