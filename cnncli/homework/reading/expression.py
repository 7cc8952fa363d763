"""The exact value of an expression such as ``16·(5²·3 + 1)``, in fractions and within limits.

Grammar, loosest first: ``+ -``; ``* × x / : //`` and products without a sign, ``16(5 + 1)``; the sign of a number;
``^``; a number with its multiple (``138 M``) or as a mixed number (``2 1/3``); ``(…)``, ``⌊…⌋``, ``floor(…)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.reading.numerals import decimals_of, numeral_value
from cnncli.homework.reading.tokens import NUMBER, SIGN, WORD, AnswerToken
from cnncli.homework.reading.words import FRACTION_WORDS, MULTIPLE_WORDS, NUMBER_WORDS

DEEPEST = 30  # parentheses
_BITS = 680  # of a numerator or denominator, about 200 digits
_LARGEST_POWER = 660
_CLOSES = {"(": ")", "[": "]", "⌊": "⌋", "⌈": "⌉"}


class NotAnExpression(Exception):
    """The tokens are no expression, or one whose value is too large."""


class ExactValue(NamedTuple):
    """A value; ``operators`` are those between its numbers, in order, and ``quantum`` the worth of the last digit of a
    number that may be rounded: 100000 of 1.4e6; 0 otherwise."""

    number: Fraction
    operators: tuple[str, ...] = ()
    quantum: Fraction = Fraction(0)


def _root(value: Fraction) -> Fraction:
    """The root of a square. Raises NotAnExpression for an irrational one."""
    if value < 0:
        raise NotAnExpression
    found = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    if found**2 != value:
        raise NotAnExpression
    return found


FUNCTIONS: dict[str, Callable[[Fraction], Fraction]] = {
    **dict.fromkeys(("floor", "int", "trunc", "abrunden", "⌊"), lambda value: Fraction(math.floor(value))),
    **dict.fromkeys(("ceil", "ceiling", "aufrunden", "⌈"), lambda value: Fraction(math.ceil(value))),
    "round": lambda value: Fraction(round(value)),
    "abs": abs,
    **dict.fromkeys(("sqrt", "√"), _root),
}
_PRODUCTS = ("*", "x", "×", "/", ":", "//")


def evaluate(tokens: Sequence[AnswerToken], convention: str) -> ExactValue:
    """The value of an expression whose numerals are read by a convention. Raises NotAnExpression."""
    parser = _Parser(tokens, convention)
    try:
        number = parser.sum()
    except (ZeroDivisionError, OverflowError):
        raise NotAnExpression from None
    if parser.position < len(tokens):
        raise NotAnExpression
    return ExactValue(number, tuple(parser.operators), parser.quantum if not parser.operators else Fraction(0))


class _Parser:
    """Recursive descent; the depth is bounded."""

    def __init__(self, tokens: Sequence[AnswerToken], convention: str) -> None:
        self.tokens = tokens
        self.convention = convention
        self.position = 0
        self.depth = 0
        self.operators: list[str] = []
        self.quantum = Fraction(0)

    def peek(self, ahead: int = 0) -> AnswerToken:
        at = self.position + ahead
        return self.tokens[at] if at < len(self.tokens) else AnswerToken("end", "")

    def take(self, *signs: str) -> str:
        token = self.peek()
        if token.kind == SIGN and token.text in signs:
            self.position += 1
            return token.text
        return ""

    def operator(self, *signs: str) -> str:
        sign = self.take(*signs)
        if sign:
            self.operators.append(sign)
        return sign

    def sum(self) -> Fraction:
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotAnExpression
        value = self.product()
        while sign := self.operator("+", "-"):
            other = self.product()
            value = _limited(value + other if sign == "+" else value - other)
        self.depth -= 1
        return value

    def product(self) -> Fraction:
        value = self.signed()
        while True:
            sign = self.operator(*_PRODUCTS)
            if not sign and not self._continues():
                return value
            if not sign:
                self.operators.append("*")
            value = _limited(_combined(sign or "*", value, self.signed()))

    def _continues(self) -> bool:
        """Whether a product without a sign follows: ``16(5 + 1)`` or ``(5 + 1)16``."""
        token, last = self.peek(), self.tokens[self.position - 1]
        if token.kind == SIGN and token.text in _CLOSES:
            return True
        return token.kind == NUMBER and last.kind == SIGN and last.text in _CLOSES.values()

    def signed(self) -> Fraction:
        negative = False
        while sign := self.take("-", "+"):
            negative ^= sign == "-"
        value = self.power()
        return -value if negative else value

    def power(self) -> Fraction:
        base = self.atom()
        if not self.operator("^"):
            return base
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotAnExpression
        exponent = self.signed()
        self.depth -= 1
        return _power(base, exponent)

    def atom(self) -> Fraction:
        token = self.peek()
        self.position += 1
        if token.kind == NUMBER:
            return self.numeral(token.text)
        if token.kind == WORD and token.text in NUMBER_WORDS:
            return self.parts(self.multiplied(Fraction(NUMBER_WORDS[token.text])))
        if token.text in FUNCTIONS and token.text not in _CLOSES:
            opened = self.take("(", "[")
            if not opened:
                raise NotAnExpression
            return FUNCTIONS[token.text](self.enclosed(opened))
        if token.kind == SIGN and token.text in _CLOSES:
            value = self.enclosed(token.text)
            return FUNCTIONS[token.text](value) if token.text in FUNCTIONS else value
        raise NotAnExpression

    def enclosed(self, opened: str) -> Fraction:
        value = self.sum()
        if not self.take(_CLOSES[opened]):
            raise NotAnExpression
        return value

    def numeral(self, text: str) -> Fraction:
        while self._is_next_group(text):
            text = f"{text} {self.peek().text}"
            self.position += 1
        value = numeral_value(text, self.convention)
        if value is None:
            raise NotAnExpression
        before = self.position
        multiplied = self.multiplied(value)
        if self.position > before or "e" in text:
            self.quantum = (multiplied / value if value else Fraction(1)) / Fraction(10) ** decimals_of(
                text, self.convention
            )
        return self.parts(multiplied + self.fraction_after(value))

    def _is_next_group(self, text: str) -> bool:
        """Whether white space separates a group of thousands: 1 234 567."""
        token = self.peek()
        is_group = (
            token.kind == NUMBER
            and token.spaced
            and len(token.text) >= 3
            and token.text[:3].isdigit()
            and token.text[3:4] in ("", ".", ",")
        )
        return is_group and all(part.isdigit() for part in text.split()) and len(text.split()[0]) <= 3

    def fraction_after(self, whole: Fraction) -> Fraction:
        """The fraction of a mixed number, 1/3 of ``2 1/3``."""
        above, slash, below = (self.peek(ahead) for ahead in range(3))
        is_mixed = above.kind == below.kind == NUMBER and above.spaced and slash.text == "/" and whole.denominator == 1
        if not is_mixed or not (above.text.isdigit() and below.text.isdigit() and int(above.text) < int(below.text)):
            return Fraction(0)
        self.position += 3
        return Fraction(int(above.text), int(below.text))

    def parts(self, value: Fraction) -> Fraction:
        """The value divided by the fraction after it: ``two thirds``, ``66.7 percent``."""
        token = self.peek()
        if token.kind != WORD or token.text not in FRACTION_WORDS:
            return value
        self.position += 1
        self.quantum /= FRACTION_WORDS[token.text]
        return value / FRACTION_WORDS[token.text]

    def multiplied(self, value: Fraction) -> Fraction:
        """The value with the multiples and percent signs after it: ``138 M``, ``2 thousand``, ``50%``."""
        while True:
            token = self.peek()
            if token.kind == WORD and token.text in MULTIPLE_WORDS:
                value = _limited(value * MULTIPLE_WORDS[token.text])
            elif token.kind == SIGN and token.text == "%" and self.peek(1).kind != NUMBER:
                value /= 100
            else:
                return value
            self.position += 1


def _combined(sign: str, one: Fraction, other: Fraction) -> Fraction:
    if sign == "//":
        return Fraction(one // other)
    return one / other if sign in "/:" else one * other


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > _LARGEST_POWER:
        raise NotAnExpression
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits > 1 and bits * abs(exponent) > 2 * _BITS:
        raise NotAnExpression
    return _limited(base ** int(exponent))


def _limited(value: Fraction) -> Fraction:
    if max(abs(value.numerator).bit_length(), value.denominator.bit_length()) > _BITS:
        raise NotAnExpression
    return value
