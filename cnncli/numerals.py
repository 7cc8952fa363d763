"""Numbers in texts: decimal, in the digits 0 to 9 alone. Python itself reads more, and ``1_6`` would be 16."""

from __future__ import annotations

LONGEST_NUMBER = 4000  # characters; Python reads no whole number past 4,300 digits


def read_number(text: str) -> int | float | None:
    """``16``, ``010`` (ten), ``1e-3`` or ``.5``; None for anything else, infinities and numbers from 1e300 on as well.

    Underscores and the digits of other scripts are no part of a number.
    """
    if "_" in text or not text.isascii() or len(text) >= LONGEST_NUMBER:
        return None
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        return number if abs(number) < 1e300 else None
    return None


def is_digits(text: str) -> bool:
    """Whether a text is a whole number without a sign. ``str.isdigit`` holds for ``²`` and ``٣``, too."""
    return text.isascii() and text.isdigit()


def in_ascii_digits(text: str) -> str:
    """A text with the decimal digits of every script as 0 to 9; ``²``, which is none, stays.

    >>> in_ascii_digits("١٥٦ x ２ x 3²")
    '156 x 2 x 3²'
    """
    if text.isascii():
        return text
    import unicodedata

    return "".join(str(unicodedata.decimal(char, char)) for char in text)


def rewritten(text: str) -> str:
    """What to write instead of ``1_6``, ``１６`` or ``−3``, where that is no number only by its characters; else ""."""
    digits = in_ascii_digits(text[:60].replace("_", "").replace("\N{MINUS SIGN}", "-"))
    return f"write {digits}" if digits != text[:60] and read_number(digits) is not None else ""
