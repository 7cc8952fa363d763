"""Lists and ranges of values in options: ``64,128``, ``64..512``, ``64..512:32``; real ones also ``log:1e-4..1e-1``.

Every option that takes several values reads them here, so that they are written the same way everywhere.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncli.arithmetic.numerals import read_number
from cnncli.errors import CnnError, shortened

DIGITS_LIMIT = 10  # of each number of a range of integers
MOST_VALUES = 10_000  # of all ranges together
_WHOLE = re.compile(r"([0-9]{1,10})(?:\.\.([0-9]{1,10})(?::([0-9]{1,10}))?)?")
_OTHERWISE = re.compile(  # 64-512, 64...512, 64 to 512 by 32, 64:512:32, range(64, 512, 32)
    r"(?:range)?\(?\s*([0-9]+)\s*(?:-|–|:|/|\.\.+|…|to|;)\s*([0-9]+)(?:\s*(?:-|:|/|;|by|step)\s*([0-9]+))?\s*\)?",
    re.IGNORECASE,
)


class RealRange(NamedTuple):
    """The real numbers from ``first`` to ``last``, both included: every ``step``-th of them, or all if it is None.

    ``log`` means that they are spread evenly by their logarithms, as learning rates are; a single number has
    ``first == last``.
    """

    first: float
    last: float
    step: float | None = None
    log: bool = False


def read_ranges(text: str, where: str, largest: int, hint: str) -> list[int]:
    """The values of ``16,32``, ``8..64`` (both ends included) or ``8..64:8`` (from, to, step), in the order written.

    Raises CnnError, with ``where`` (``--vary w=8..64``) in its message, for anything else, for values outside 1 to
    ``largest``, and for more than MOST_VALUES.
    """
    values: list[int] = []
    for part in map(str.strip, text.split(",")):
        match = _WHOLE.fullmatch(part)
        if match is None:
            raise _not_a_range(part, where, hint)
        first, last, step = (int(group) if group else None for group in match.groups())
        assert first is not None
        steps = range(first, (first if last is None else last) + 1, step or 1)
        if step == 0:
            raise CnnError(f"{where}: the step of {part} is 0", hint)
        if not steps:
            raise CnnError(f"{where}: {part} ends before it starts", hint)
        if first < 1 or steps[-1] > largest:
            beyond = first if first < 1 else steps[-1]
            raise CnnError(f"{where}: {beyond} is not between 1 and {largest}", hint)
        if len(values) + len(steps) > MOST_VALUES:
            raise CnnError(f"{where}: more than {MOST_VALUES:,} values (the limit)", "use a larger step")
        values.extend(steps)
    return values


def _not_a_range(part: str, where: str, hint: str) -> CnnError:
    """The error for what is no range of integers, with what to write where that can be told."""
    if part.startswith("log:"):
        powers = "write the values, e.g. 8,16,32,64"
        return CnnError(f"{where}: log: is for real numbers, and these are integers", powers)
    meant = _OTHERWISE.fullmatch(part)
    if any(len(digits) > DIGITS_LIMIT for digits in re.findall("[0-9]+", part)):
        return CnnError(f"{where}: a number of more than {DIGITS_LIMIT} digits (the limit)", hint)
    if meant is not None:
        first, last, step = meant.groups()
        hint = f"write {first}..{last}{f':{step}' if step else ''}"
    return CnnError(f"{where}: {shortened(part, 20) or 'nothing'!r} is not a number or a range", hint)


def read_real_ranges(text: str, where: str, hint: str) -> list[RealRange]:
    """The ranges of ``0.1,0.3``, ``0..0.5:0.1`` or ``log:1e-4..1e-1``, in the order written.

    >>> read_real_ranges("0.9,log:1e-4..1e-1", "--vary lr", "")
    [RealRange(first=0.9, last=0.9, step=None, log=False), RealRange(first=0.0001, last=0.1, step=None, log=True)]

    Raises CnnError, with ``where`` in its message, for anything else, for a range that ends before it starts, for a
    step that is not above 0, and for a logarithmic range with a step or with numbers that are not above 0.
    """
    return [_read_real(part.strip(), where, hint) for part in text.split(",")]


def _read_real(part: str, where: str, hint: str) -> RealRange:
    inner = part.removeprefix("log:")
    log = inner != part
    ends, colon, step_text = inner.partition(":")
    first_text, dots, last_text = ends.partition("..")
    first = read_number(first_text.strip())
    last = read_number(last_text.strip()) if dots else first
    step = read_number(step_text.strip()) if colon else None
    if first is None or last is None or (colon and (step is None or not dots)) or (log and not dots):
        raise CnnError(f"{where}: {shortened(part, 20) or 'nothing'!r} is not a number or a range", hint)
    if last < first:
        raise CnnError(f"{where}: {part} ends before it starts", hint)
    if step is not None and (log or step <= 0):
        why = "a logarithmic range has no step" if log else f"the step of {part} is not above 0"
        raise CnnError(f"{where}: {why}", "leave it out, or write the values" if log else hint)
    if log and first <= 0:
        raise CnnError(
            f"{where}: {part} starts at {first:g}, which has no logarithm", "start above 0, e.g. log:1e-4..1e-1"
        )
    return RealRange(float(first), float(last), None if step is None else float(step), log)
