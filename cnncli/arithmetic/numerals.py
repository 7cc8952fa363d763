"""Decimal numbers in text, with the digits 0 to 9 only. Python accepts more: it reads ``1_6`` as 16."""

from __future__ import annotations

import re

MINUS_SIGN = "\u2212"
NUMBER_LIMIT = 1e300  # of decimal fractions
LONGEST_NUMBER = 4000  # characters; Python reads integers of up to 4,300 digits
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")
ZEROS = {"k": 3, "m": 6, "g": 9}  # of 32k, 1M and 4G


def read_number(text: str) -> int | float | None:
    """``16``, ``010`` (ten), ``1e-3`` or ``.5``; None for anything else, infinities and fractions from 1e300 on.

    An integer may have up to 4,000 digits: the caller, who knows the valid range, reports those that are too large.
    Underscores and the digits of other scripts are rejected.
    """
    if "_" in text or not text.isascii() or len(text) >= LONGEST_NUMBER:
        return None
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        return number if isinstance(number, int) or abs(number) < NUMBER_LIMIT else None
    return None


_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def is_out_of_range(text: str) -> bool:
    """Whether a text is a decimal number that :func:`read_number` does not read, because it is too large or too long.

    >>> is_out_of_range("1e300"), is_out_of_range("1e3"), is_out_of_range("1e3px")
    (True, False, False)
    """
    return bool(_NUMBER.fullmatch(text)) and read_number(text) is None


_NUMBER_STARTS = frozenset("0123456789+-.")
_CONSTANTS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


def read_plain(text: str) -> int | float | bool | str | None:
    """A text by its form: a whole number, a number, true or false, nothing, or the text itself.

    ``1e-3`` and ``.5`` are numbers; ``010`` is ten; ``0x10``, ``1:30``, ``yes``, ``nan`` and ``1_6`` are texts.
    """
    number = read_number(text) if text[:1] in _NUMBER_STARTS else None
    return number if number is not None else _CONSTANTS.get(text, text)


def is_digits(text: str) -> bool:
    """Whether a text is an unsigned integer. ``str.isdigit`` also accepts ``²`` and ``٣``."""
    return text.isascii() and text.isdigit()


def in_ascii_digits(text: str) -> str:
    """A text with the decimal digits of every script as 0 to 9; ``²`` is not a decimal digit and stays.

    >>> in_ascii_digits("١٥٦ x ２ x 3²")
    '156 x 2 x 3²'
    """
    if text.isascii():
        return text
    import unicodedata

    return "".join(str(unicodedata.decimal(char, char)) for char in text)


def read_percentage(text: str) -> float | None:
    """``50%`` or ``50 %`` as 0.5; None for anything else."""
    number = read_number(text[:-1].strip()) if text.endswith("%") else None
    return None if number is None else number / 100


_SHORT = 60  # characters of a text in which a number is looked for
_POWER_LIMIT = 40
_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_CALCULATION = r"([0-9]{1,6}) *(\^|\*\*|\*) *([0-9]{1,6})"
_WITH_UNIT = r"([+-]?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?) *((?!(?:[eE]+|[xX])$)[A-Za-z]+)"
_DECIMAL_COMMA = r"[0-9]+,[0-9]+"


def rewritten(text: str) -> str:
    """``write 16`` for ``1_6``, ``１６``, ``2^4`` and the like; "" for a text that means no number, or is one.

    >>> [rewritten(text) for text in ("1_6", "２", "−3", "2^6", "3px", "64 filters", "1k", "1,000", "0,5", "ten")]
    ['write 16', 'write 2', 'write -3', 'write 64', 'write 3', 'write 64', 'write 1000', 'write 1000', 'write 0.5', \
'write 10']
    """
    if len(text) > _SHORT or read_number(text) is not None:
        return ""
    intended = _intended(in_ascii_digits(text.strip().replace("_", "").replace(MINUS_SIGN, "-")))
    return f"write {intended}" if intended else ""


def _intended(text: str) -> str:
    """The number that a text means, as it is written; "" if it means none."""
    if text.lower() in _WORDS:
        return str(_WORDS.index(text.lower()))
    if match := re.fullmatch(_CALCULATION, text):
        return _calculated(int(match[1]), match[2], int(match[3]))
    if match := re.fullmatch(_WITH_UNIT, text):
        zeros = ZEROS.get(match[2].lower())
        return match[1] if zeros is None else f"{float(match[1]) * 10**zeros:.12g}"
    if _THOUSANDS.fullmatch(text):
        return text.replace(",", "")
    plain = text.replace(",", ".") if re.fullmatch(_DECIMAL_COMMA, text) else text
    return plain if read_number(plain) is not None else ""


def _calculated(left: int, sign: str, right: int) -> str:
    if sign in ("^", "**"):
        return str(left**right) if right <= _POWER_LIMIT else ""
    return str(left * right)


_SIZES = r"\s*[xX*,×✕✖⨯⨉]\s*|\s+by\s+"


def split_sizes(text: str, commas: bool = True) -> list[str]:
    """The parts of ``5x3``, ``5 × 3``, ``5*3``, ``(5, 3)``, ``[5, 3]`` or ``5, 3``; one part for anything else.

    Without ``commas`` a comma outside parentheses separates nothing: ``1,5`` may be a decimal fraction.
    """
    text = text.strip()
    enclosed = text[:1] + text[-1:] in ("()", "[]")
    inner = text[1:-1].strip().removesuffix(",") if enclosed else text
    if "," in inner and not (enclosed or commas):
        return [text]
    return re.split(_SIZES, inner.strip())
