"""Decimal numbers in text, with the digits 0 to 9 only. Python accepts more: it reads ``1_6`` as 16."""

from __future__ import annotations

import re

from cnncli.errors import CnnError

LONGEST_NUMBER = 4000  # characters; Python reads integers of up to 4,300 digits
MOST_VALUES = 10_000  # of all ranges together
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")
ZEROS = {"k": 3, "m": 6, "g": 9}  # of 32k, 1M and 4G
_RANGE = re.compile(r"\s*([0-9]{1,10})(?:\.\.([0-9]{1,10})(?::([0-9]{1,10}))?)?\s*")


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
        return number if isinstance(number, int) or abs(number) < 1e300 else None
    return None


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


def rewritten(text: str) -> str:
    """The valid spelling of ``1_6``, ``１６``, ``−3``, ``1,000`` or ``32k``, if only the notation is wrong; else ""."""
    short = text[:60].strip()
    digits = in_ascii_digits(short.replace("_", "").replace("\N{MINUS SIGN}", "-"))
    if _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    unit = digits[-1:].lower()
    if unit in ZEROS and is_digits(digits[:-1]):
        digits = digits[:-1] + "0" * ZEROS[unit]
    return f"write {digits}" if digits != text[:60] and read_number(digits) is not None else ""


def read_ranges(text: str, where: str, largest: int, hint: str) -> list[int]:
    """The values of ``16,32``, ``8..64`` (both ends included) or ``8..64:8`` (from, to, step), in the order written.

    Raises CnnError, with ``where`` (``--vary w=8..64``) in its message, for anything else, for values outside 1 to
    ``largest``, and for more than MOST_VALUES.
    """
    values: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise CnnError(f"{where}: {part[:20] or 'nothing'!r} is not a number or a range", hint)
        first, last, step = (int(group) if group else None for group in match.groups())
        assert first is not None
        steps = range(first, (first if last is None else last) + 1, step or 1)
        if step == 0:
            raise CnnError(f"{where}: the step of {part.strip()} is 0", hint)
        if not steps:
            raise CnnError(f"{where}: {part.strip()} ends before it starts", hint)
        if first < 1 or steps[-1] > largest:
            beyond = first if first < 1 else steps[-1]
            raise CnnError(f"{where}: {beyond} is not between 1 and {largest}", hint)
        if len(values) + len(steps) > MOST_VALUES:
            raise CnnError(f"{where}: more than {MOST_VALUES:,} values (the limit)", "use a larger step")
        values.extend(steps)
    return values
