"""Questions for a number that the key gives, with a tolerance and a unit."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking import parsing
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.messages import text as message
from cnncli.homework.mistakes.matching import slips
from cnncli.homework.question_types.quantities import InUnit, OtherUnit, in_unit
from cnncli.homework.question_types.tolerance import Tolerance, decimal_text
from cnncli.homework.question_types.units import WrongCase, is_binary, is_known, split_unit
from cnncli.homework.reading.words import BOUNDS, DENIALS, HEDGES

LONGEST_NUMBER = 300  # characters of an answer, with its unit


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
        found = self._readings(given, locale)
        first, remark = found[0]
        for number, how_read in found:
            reason = None if number is None else self._reason(number)
            if number is not None and reason is not None:
                read_as = f"{verdict.given} read as {decimal_text(number)}"
                for_review = read_as if number != first else parsing.parse(self._stem(given)[0], locale).remark
                remarks = tuple(filter(None, (how_read, reason)))
                return verdict._replace(correct=True, remarks=remarks, credit=Fraction(1), remark=for_review)
        if first is None and self._reason_with_words(given, locale) is not None:
            text = f"{self.text} {self.unit}".strip()
            return verdict._replace(correct=True, credit=Fraction(1), remark=f"{verdict.given} read as {text}")
        mistakes = () if first is None else tuple(slips(self.value, first))
        return verdict._replace(diagnoses=mistakes, remarks=tuple(filter(None, [remark])))

    def is_same(self, given: str, accepted: str, locale: str = "") -> bool:
        """Whether an answer is the same number as another one."""
        number = self._readings(given, locale)[0][0]
        return number is not None and number == self._readings(accepted, "")[0][0]

    def _reason(self, number: Fraction) -> str | None:
        """A remark on why a number is right, empty where it is the number itself; None for a wrong one."""
        if number == self.value:
            return ""
        return (self.tolerance.remark(number, self.value) if self.tolerance is not None else "") or None

    def _reason_with_words(self, given: str, locale: str) -> str | None:
        """As :meth:`_reason`, for a number with words after it, which a question with a unit has after its unit."""
        stem, words = self._stem(given[:LONGEST_NUMBER])
        said = {*re.findall(r"[^\W\d_]+|[<>≤≥±]", words.lower())}
        if not said or any(char.isdigit() for char in words) or said & (HEDGES | DENIALS | BOUNDS):
            return None
        answer = parsing.parse(given, locale)
        number = None if answer.refuses or answer.problem else self._readings(stem, locale)[0][0]
        return None if number is None else self._reason(number)

    def _stem(self, given: str) -> tuple[str, str]:
        """The number with its unit, and the words after it; no words where there is none of both."""
        if not self.unit:
            text, words = split_unit(given)
            return text, "" if is_known(words.partition(" ")[0]) else words
        try:
            found = in_unit(given, self.unit)
        except (OtherUnit, WrongCase):
            return given, ""
        return (found.stem, found.words) if found.has_unit else (given, "")

    def _readings(self, given: str, locale: str) -> list[tuple[Fraction | None, str]]:
        """Each number that an answer may be, in the asked unit, and a remark on how it was read; the likely one first.

        One None, with a remark on why, for an answer that could not be read.
        """
        if len(given) > LONGEST_NUMBER:
            return [(None, message("could not be read: longer than {limit} characters", limit=LONGEST_NUMBER))]
        if not self.unit:
            if split_unit(given)[1] == "%" and self.value.denominator == 1 and abs(self.value) > 1:
                return [(None, message("could not be read as a number"))]  # 16200% for a count of 162
            bare = [(number, "") for number in _numbers(given, locale)]
            return [*bare] or [(None, message("could not be read as a number"))]
        try:
            found = in_unit(given, self.unit)
        except OtherUnit as other:
            told = message("the unit is {unit}, but {asked} is asked", unit=one_line(str(other), 40), asked=self.unit)
            return [(None, told)]
        except WrongCase as case:
            written, _, known = str(case).partition(" ")
            return [
                (None, message("could not be read: {given} is not a unit, but {known} is", given=written, known=known))
            ]
        numbers = [(number, self._told(given, number, found)) for number in _numbers(found.text, locale)]
        if numbers and is_binary(self.unit):
            habit = in_unit(given, self.unit, binary=True)
            numbers += [(one, "") for one in _numbers(habit.text, locale) if (one, "") not in numbers]
        return [*numbers] or [(None, message("could not be read as a number in {unit}", unit=self.unit))]

    def _told(self, given: str, number: Fraction, found: InUnit) -> str:
        """A remark on a number that was given in another unit; empty for others."""
        if not found.converted:
            return ""
        value = f"{decimal_text(number)} {self.unit}"
        return message("{given} is {value}", given=one_line(given, 60), value=value)


def _numbers(given: str, locale: str) -> list[Fraction]:
    """Each number that an answer may be, the likely one first; none where that one could not be read."""
    found = parsing.readings(given, locale)
    numbers = [_number(one) for one in found]
    return [] if numbers[0] is None else [number for number in numbers if number is not None]


def _number(answer: parsing.ParsedAnswer) -> Fraction | None:
    """The number of an answer; None for a whole one beside a refusal, which contradicts it."""
    number = answer.number if answer.number is not None else answer.product
    return None if answer.refuses and number is not None and number.denominator == 1 else number
