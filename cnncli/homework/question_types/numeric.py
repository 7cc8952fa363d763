"""Questions for a number that the key gives, with a tolerance and a unit."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking import parsing
from cnncli.homework.checking.verdict import UNREADABLE, Verdict
from cnncli.homework.mistakes.matching import slips
from cnncli.homework.question_types.tolerance import Tolerance, decimal_text
from cnncli.homework.question_types.units import conversion, split_unit
from cnncli.homework.reading.locales import COMMA, POINT, decimal_separator

LONGEST_NUMBER = 300  # characters of an answer, with its unit
AMBIGUOUS = re.compile(r"\d[.,]\d{3}(?!\d)")  # a thousands separator or a decimal one


class NumericQuestion(NamedTuple):
    """A question for a number. ``unit`` is empty where none is asked; an answer without a unit is in the asked one."""

    value: Fraction
    text: str
    tolerance: Tolerance | None = None
    unit: str = ""

    @property
    def kind(self) -> str:
        return "numeric"

    def judge(self, name: str, given: str, locale: str = "") -> Verdict:
        """The verdict on an answer.

        Where both 2.576 and 2576 are possible and one is right, it is, with a remark for the teacher's review. So is a
        right number with words after it that are no unit: 3.3 ms per image, 3 layers.
        """
        verdict = Verdict(name, one_line(given), False, f"{self.text} {self.unit}".strip(), kind=self.kind)
        if parsing.is_blank(given):
            return verdict._replace(blank=True)
        first, *others = (self._read(given, separator) for separator in (locale, _other_separator(locale)))
        for number, remark in (first, *others):
            reason = None if number is None else self._reason(number)
            if reason is not None:
                is_certain = number == first[0] or first[0] is None or not AMBIGUOUS.search(given)
                for_review = "" if is_certain else f"{verdict.given} read as {_plain(number)}"
                remarks = tuple(filter(None, (remark, reason)))
                return verdict._replace(correct=True, remarks=remarks, credit=Fraction(1), remark=for_review)
        if first[0] is None and self._reason_with_words(given, locale) is not None:
            text = f"{self.text} {self.unit}".strip()
            return verdict._replace(correct=True, credit=Fraction(1), remark=f"{verdict.given} read as {text}")
        number, remark = first
        found = () if number is None else tuple(slips(self.value, number))
        return verdict._replace(diagnoses=found, remarks=tuple(filter(None, [remark])))

    def is_same(self, given: str, accepted: str, locale: str = "") -> bool:
        """Whether an answer is the same number as another one."""
        number = self._read(given, locale)[0]
        return number is not None and number == self._read(accepted, "")[0]

    def _reason(self, number: Fraction) -> str | None:
        """A remark on why a number is right, empty where it is the number itself; None for a wrong one."""
        if number == self.value:
            return ""
        return (self.tolerance.remark(number, self.value) if self.tolerance is not None else "") or None

    def _reason_with_words(self, given: str, locale: str) -> str | None:
        """As :meth:`_reason`, for a number with words after it: of a unit only the first may be one."""
        text, words = split_unit(given[:LONGEST_NUMBER])
        first, _, rest = words.partition(" ")
        factor = conversion(first, self.unit or "1")
        if not words or factor == 0 or (self.unit and (factor is None or not rest)):
            return None
        number = parsing.parse(text, locale).number
        return None if number is None else self._reason(number * (factor or 1))

    def _read(self, given: str, locale: str) -> tuple[Fraction | None, str]:
        """The number in the asked unit, and a remark on how it was read, or on why it could not be."""
        if len(given) > LONGEST_NUMBER:
            return None, f"{UNREADABLE}: longer than {LONGEST_NUMBER} characters"
        text, unit = split_unit(given)
        factor = conversion(unit, self.unit) if unit and self.unit else None
        if factor == 0:
            return None, f"the unit is {one_line(unit, 40)}, but {self.unit} is asked"
        found = parsing.parse(given if factor is None else text, locale)
        number = found.number if found.number is not None else found.product
        if number is None:
            wanted = f"a number in {self.unit}" if self.unit else "a number"
            return None, f"{UNREADABLE} as {wanted}"
        if factor is None or factor == 1:
            return number, ""
        return number * factor, f"{one_line(given, 60)} is {_plain(number * factor)} {self.unit}"


def _other_separator(locale: str) -> str:
    return POINT if decimal_separator(locale) == COMMA else COMMA


def _plain(number: Fraction | None) -> str:
    return "" if number is None else decimal_text(number)
