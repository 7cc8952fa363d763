"""Answers in units as answers in one unit: 3300 µs is ``3300*1/1000`` in ms, for the reader of all answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.question_types.units import LONGEST_UNIT, WrongCase, binary_of, conversion
from cnncli.homework.reading.spelling import spelled

_EQUALITY = re.compile(r"(=+>?|≈|→|->)")
_NAME = re.compile(r"(?<![^\W\d_])(?:%|[^\W\d_]+(?:/[^\W\d_]+)?)(?!\w)")
_RESTATED = re.compile(r"(?<=\w)\s*[(\[]([^()\[\]]*\d[^()\[\]]*)[)\]]")
_JUST_AFTER = re.compile(r"[\d)\]%]\s*[(\[]?$")  # a number, before its unit
_PER = re.compile(r"(?:\b(?:per|pro|por)|\d\s*/)\s*$")  # 3.3 per ms is no time
_ALSO = re.compile(r"^\s*(?:(?:and|und|et|e|y)\s+)?(?=\d)")  # 2 min 30 s
_SUM = re.compile(r"[\s\d.,'()*+/x×^-]*\d\s*[-+]\s*[\d(][\s\d.,'()*+/x×^-]*")


class OtherUnit(Exception):
    """An answer in a unit that contradicts the asked one. The text is the unit."""


class InUnit(NamedTuple):
    """An answer without its units: ``text`` gives the value in the asked one.

    ``has_unit`` says whether one was written after a number, ``converted`` whether it was another than the asked one.
    ``stem`` is the written answer up to its first unit, and ``words`` what follows.
    """

    text: str
    has_unit: bool = False
    converted: bool = False
    stem: str = ""
    words: str = ""


class _Written(NamedTuple):
    """A unit in a text, with the factor to the asked one."""

    begin: int
    end: int
    factor: Fraction
    is_after_number: bool


def in_unit(given: str, asked: str, *, binary: bool = False) -> InUnit:
    """An answer in the asked unit; with ``binary`` KB is 1024 bytes.

    Raises OtherUnit where its unit contradicts, and WrongCase where it is none in this case: 3.3 Ms.

    >>> in_unit("3300 µs = 3.3 ms per image", "ms").text
    '3300*1/1000 = 3.3 per image'
    """
    plain = spelled(given)
    found = [*_units(plain, asked, binary)]
    after = [unit for unit in found if unit.is_after_number]
    if not found:
        _refuse_other_units(plain, asked)
    converted = bool(found) and all(unit.factor != 1 for unit in found)
    if converted and not any(char.isdigit() for char in plain):
        return InUnit(plain)  # three seconds
    stem, words = (plain[: after[0].end], plain[after[0].end :]) if after else ("", "")
    return InUnit(
        _in_one_unit(_restated_first(plain, asked, binary), asked, binary), bool(after), converted, stem, words
    )


def _units(text: str, asked: str, binary: bool) -> Iterator[_Written]:
    """The units of a text that can be converted into the asked one."""
    literal = text.casefold().find(asked.casefold()) if " " in asked or "/" in asked else -1
    if literal >= 0:
        yield _Written(literal, literal + len(asked), Fraction(1), bool(re.search(r"\d", text[:literal])))
        return
    for match in _NAME.finditer(text):
        for name in dict.fromkeys((match[0], match[0].partition("/")[0])):
            begin, end = match.start(), match.start() + len(name)
            just_after = bool(_JUST_AFTER.search(text[:begin]))
            factor = _factor(name, asked, binary)
            if factor and _PER.search(text[:begin]):
                raise OtherUnit(f"per {name}")
            if factor and (just_after or len(name) > 1):
                begin, end = _with_brackets(text, begin, end)
                is_after = any(char.isdigit() for char in re.split(_EQUALITY, text[:begin])[-1])
                yield _Written(begin, end, factor, is_after)
                break


def _factor(name: str, asked: str, binary: bool) -> Fraction | None:
    """The factor from a unit to the asked one; None where there is none."""
    if len(name) > max(LONGEST_UNIT, len(asked)):
        return None
    try:
        return conversion((binary and binary_of(name)) or name, asked) or None
    except WrongCase:
        return None


def _with_brackets(text: str, begin: int, end: int) -> tuple[int, int]:
    """The place of a unit with the brackets around it alone: ``3.3 [ms]``."""
    opened, closed = re.search(r"[(\[]\s*$", text[:begin]), re.match(r"\s*[)\]]", text[end:])
    return (opened.start(), end + closed.end()) if opened and closed else (begin, end)


def _refuse_other_units(text: str, asked: str) -> None:
    """Raises OtherUnit or WrongCase for the first unit after a number, if it is a known one."""
    for match in _NAME.finditer(text):
        if not _JUST_AFTER.search(text[: match.start()]):
            continue
        try:
            factor = conversion(match[0], asked) if len(match[0]) <= LONGEST_UNIT else None
        except WrongCase as error:
            own = asked if match[0].casefold() == asked.casefold() else str(error)
            raise WrongCase(f"{match[0]} {own}") from None
        if factor == 0:
            raise OtherUnit(match[0])


def _restated_first(text: str, asked: str, binary: bool) -> str:
    """``246824 bytes = 241.04 KiB`` for ``241.04 KiB (246824 bytes)``: what is restated comes first."""
    for match in _RESTATED.finditer(text):
        if any(unit.is_after_number for unit in _units(match[1], asked, binary)):
            return f"{match[1].strip().lstrip('=≈ ')} = {text[: match.start()]}{text[match.end() :]}"
    return text


def _in_one_unit(text: str, asked: str, binary: bool) -> str:
    """The sides of an answer, each in the asked unit.

    A side without a unit has that of the name before it, ``t in µs = 3300``, or of the next side with one.
    """
    parts = _EQUALITY.split(text)
    sides = [(part, [*_units(part, asked, binary)]) for part in parts[::2]]
    factors = [next((unit.factor for unit in units), None) for _, units in sides]
    converted: list[str] = []
    for at, (side, units) in enumerate(sides):
        has_number = any(char.isdigit() for char in side)
        later = [factor for factor in factors[at + 1 :] if factor is not None]
        named = factors[at - 1] if at and not any(char.isdigit() for char in sides[at - 1][0]) else None
        own = named or (later[0] if later else Fraction(1))
        converted.append(_converted(side, units, own) if has_number else _without(side, units))
    pieces = (piece for at, side in enumerate(converted) for piece in (side, *parts[2 * at + 1 : 2 * at + 2]))
    return " ".join(" ".join(pieces).split())


def _without(side: str, units: list[_Written]) -> str:
    for unit in reversed(units):
        side = f"{side[: unit.begin]}{side[unit.end :]}"
    return side


def _converted(side: str, units: list[_Written], own: Fraction) -> str:
    """A side in the asked unit; ``own`` is the factor where it has no unit."""
    after = [unit for unit in units if unit.is_after_number]
    if not after:
        factor = units[0].factor if units else own
        return _times(_without(side, units).rstrip(), factor)
    if len(units) == 1 and not any(char.isdigit() for char in side[after[0].end :]):
        unit = after[0]
        return f"{_times(side[: unit.begin].rstrip(), unit.factor)}{side[unit.end :]}"
    for unit in reversed(units):
        factor = unit.factor if unit.is_after_number else Fraction(1)
        rest = _ALSO.sub("+", side[unit.end :], count=1)
        side = f"{_times(side[: unit.begin].rstrip(), factor, whole=False)}{rest}"
    return side


def _times(text: str, factor: Fraction, *, whole: bool = True) -> str:
    """A text times a factor; with ``whole`` all of a sum."""
    if factor == 1:
        return text
    text = f"({text.strip()})" if whole and _SUM.fullmatch(text) else text
    return f"{text}*{factor.numerator}/{factor.denominator}"
