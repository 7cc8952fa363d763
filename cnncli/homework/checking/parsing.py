"""Parsing answers as people write them: ``27,000,100``, ``138M``, ``6@28x28``, ``(5*5*1 + 1) * 6``, ``does not fit``.

Answers alone may be in the digits of any script: ١٥٦ is 156.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from cnncli.arithmetic.numerals import in_ascii_digits
from cnncli.homework.reading.locales import COMMA, decimal_separator
from cnncli.language.expressions import evaluate
from cnncli.language.tokens import BadExpression

REFUSALS = (
    *("does not fit", "doesn't fit", "does not work", "doesn't work", "not possible", "impossible", "invalid", "no"),
    *("not an integer", "error", "none", "undefined"),
)
MULTIPLES = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
WORDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
NOT = re.compile(r"\b((does|is)(n't| not)|do not|cannot|can't|not|no) (fit|work|possible|an integer|a whole number)\b")
UNITS = re.compile(
    r"\b(parameters?|params?|weights?|biases|neurons?|units?|pixels?|px|macs?|flops?|operations?|ops|connections?|"
    r"values?|elements?|bytes?)\b\.?",
    re.IGNORECASE,
)
MANY = re.compile(r"(?<=[\d ])([kmgt])(?=(flops?|macs?|ops|params?)\b)", re.IGNORECASE)  # GFLOPs, MMACs


SWAPPED = str.maketrans(".,", ",.")


class ParsedAnswer(NamedTuple):
    """An answer as a number, a shape (or both), or a refusal ("does not fit"); an unreadable one has its text alone.

    ``expression`` is the text of a number that is written as one: ``5*5*6``.
    """

    text: str
    number: Fraction | None = None
    shape: tuple[int, ...] | None = None
    refuses: bool = False
    expression: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether the question was not answered."""
        return self.text.strip().lower() in ("", "~", "null", "-", "?", "n/a")


def parse(text: str, locale: str = "") -> ParsedAnswer:
    """Parse an answer. The ``locale`` says which separator is the decimal one: ``de`` reads 2.576 as 2576."""
    text = " ".join(text.split())
    plain = _bare(in_ascii_digits(text.lower()).replace("’", "'"))  # an apostrophe of a word processor
    if plain in REFUSALS or NOT.search(plain):
        return ParsedAnswer(text, refuses=True)
    if decimal_separator(locale) == COMMA and re.search(r"\d[.,]\d", plain):
        number, expression = _number(plain.translate(SWAPPED))
        return ParsedAnswer(text, number, _shape(plain), expression=expression)
    expression, equals, result = plain.rpartition("=")
    if equals and _number(expression)[0] is not None and _number(expression)[0] == _number(result)[0]:
        plain = expression  # of 400 * 120 = 48000, the expression is kept
    number, expression = _number(plain)
    return ParsedAnswer(text, number, _shape(plain), expression=expression)


def _bare(text: str) -> str:
    """The text without what people write around a value: ``~``, ``approx.``, brackets, a remark in parentheses."""
    text = re.sub(r"^(~|≈|about |approx\.? |approximately |ca\.? )\s*", "", text.strip().rstrip(" ."))
    text = re.sub(r"\s*\([a-z][^()]*\)$", "", text)
    return re.sub(r"^\[\s*([^\[\],]+?)\s*\]$", r"\1", text)


def without_units(text: str) -> str:
    """``0.83 GFLOPs`` as ``0.83 G``."""
    return UNITS.sub("", MANY.sub(r"\1 ", text)).strip()


def _shape(text: str) -> tuple[int, ...] | None:
    """``6x28x28``, ``6@28x28``, ``(6, 28, 28)``, ``6 × 28 × 28``; a lone number is a vector."""
    bare = without_units(text).strip(" ()[]")
    parts = re.split(r"\s*[x×@*,]\s*|\s+", bare)
    if not parts or len(parts) > 4 or not all(re.fullmatch(r"\d{1,10}", part) for part in parts):
        return None
    return tuple(map(int, parts))


def _number(text: str) -> tuple[Fraction | None, str]:
    """The number, and its text where it is an expression."""
    text = without_units(text).replace("×", "*").replace("·", "*").replace("^", "**").replace("−", "-").strip(" =")
    scale = 1
    for word, multiple in WORDS.items():
        if text.endswith(word):
            text, scale = text.removesuffix(word).strip(), multiple
    match = re.fullmatch(r"([\d.,_' ]+)\s*([kmgbt])", text)
    if match:
        text, scale = match[1].strip(), scale * MULTIPLES[match[2]]
    plain = _without_separators(text)
    if re.fullmatch(r"[+-]?(\d{1,30}(\.\d{0,20})?|\.\d{1,20})(e[+-]?\d{1,2})?", plain):
        return Fraction(plain) * scale, ""
    plain = f"{plain}*{scale}" if scale > 1 else plain
    if not re.fullmatch(r"[\d\s.,_'+\-*/()e%a-z]{1,300}", plain):
        return None, ""
    try:
        value = evaluate(plain, {})
    except (BadExpression, RecursionError):
        return None, ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, ""
    # Floating-point errors are rounded off, so that 4.1 * 1000000 is 4,100,000.
    exact = Fraction(value) if isinstance(value, int) else Fraction(value).limit_denominator(10**6)
    return exact, plain


def _without_separators(text: str) -> str:
    """The text without thousands separators: commas (also as 1,28,800), underscores, apostrophes, spaces, or points.

    Underscores and apostrophes separate groups of three digits: 1_56 is a slip, not a number.
    """
    text = re.sub(r"(?<![\d.])\d{1,3}(\.\d{3}){2,}(?![\d.])", lambda match: match[0].replace(".", ""), text)
    text = re.sub(r"(?<=\d)[_'](?=\d{3}(\D|$))", "", text)
    text = re.sub(r"(?<=\d),(?=\d{2,3}(\D|$))", "", text)
    return re.sub(r"(?<=\d) (?=\d{3}(\D|$))", "", text)
