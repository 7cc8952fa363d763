"""Solves conditions on symbolic sizes: the smallest size from which on they hold, and the sizes at which they are 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cnncli.arithmetic.size import SIZE_LIMIT, Undecided
from cnncli.arithmetic.symbolic.growth import PERIOD_LIMIT, is_linear, is_monotone, period, remainders, slope, trend
from cnncli.arithmetic.symbolic.polynomial import Polynomial
from cnncli.arithmetic.symbolic.size_comparison import always_equal, collects_demands, demand
from cnncli.errors import enumerated

LISTED_LIMIT = 256  # the longest period whose remainders are examined for a condition
LISTED_REMAINDERS = 6


def same(one: Any, other: Any) -> bool:
    """Whether two sizes are equal for every value of their letters (large enough for the network)."""
    if one == other or always_equal(one, other):
        return True
    if not collects_demands() or not condition_for_equality(one, other):
        return False
    demand(one - other)
    return True


def condition_for_equality(one: Any, other: Any) -> str:
    """The values of the letter for which two sizes are equal: ``H mod 4 = 1``, ``H = 10``; "" if none, or too many."""
    difference = one - other
    if not isinstance(difference, Polynomial) or len(difference.letters) != 1:
        return ""
    (letter,) = difference.letters
    try:
        if trend(difference) != 0:
            found = zeros(difference, letter)[:LISTED_LIMIT]
            return f"{letter} = {enumerated(found, 'or')}" if found else ""
    except Undecided:
        return ""
    length = period(difference)
    if length > LISTED_LIMIT:
        return ""
    equal = sorted(values[letter] % length for values in remainders((letter,), length) if difference.at(values) == 0)
    return f"{letter} mod {length} = {remainders_text(equal)}" if equal else ""


def remainders_text(numbers: Sequence[int]) -> str:
    """``0, 1 or 3``; of many the first: ``0, 1, 2, … (8 remainders)``."""
    if len(numbers) <= LISTED_REMAINDERS:
        return enumerated(numbers, "or")
    return f"{', '.join(map(str, numbers[: LISTED_REMAINDERS - 1]))}, … ({len(numbers)} remainders)"


def smallest(conditions: Iterable[Any], letter: str) -> int | None:
    """The smallest value of a letter from which on all these sizes are at least 0; None if there is none below 2^31.

    The sizes must grow with the letter. Conditions on two letters are ignored.
    """
    needed = 1
    for size in conditions:
        if isinstance(size, Polynomial) and size.letters == (letter,):
            found = settled(size, letter)
            if found is None:
                return None
            needed = max(needed, found)
    return needed


def settled(growing: Polynomial, letter: str) -> int | None:
    """The smallest value of the only letter from which on a growing polynomial is at least 0; None from 2^31 on.

    Raises Undecided for a polynomial that also falls between two sizes and whose period is too long to try.
    """
    if is_monotone(growing):
        return _first_of(lambda size: growing.at({letter: size}) >= 0)
    length, rate = period(growing), slope(growing, letter)
    if length > PERIOD_LIMIT or not is_linear(growing):
        raise Undecided
    last = 0  # the last size at which it is negative: f(H + n period) = f(H) + n rate period
    for size in range(1, length + 1):
        value = growing.at({letter: size})
        if value < 0:
            last = max(last, size + int(-(value // (rate * length)) - 1) * length)
    return last + 1 if last + 1 < SIZE_LIMIT else None


def zeros(polynomial: Polynomial, letter: str) -> tuple[int, ...]:
    """All values of at least 1 of the only letter at which a growing or falling polynomial is 0.

    Raises Undecided as :func:`settled` does.
    """
    rising = polynomial if slope(polynomial, letter) > 0 else -polynomial
    if is_monotone(rising):
        first = _first_of(lambda size: rising.at({letter: size}) >= 0)
        last = _first_of(lambda size: rising.at({letter: size}) >= 1)
        return () if first is None else tuple(range(first, SIZE_LIMIT if last is None else last))
    length, rate = period(rising), slope(rising, letter)
    if length > PERIOD_LIMIT or not is_linear(rising):
        raise Undecided
    found = []
    for size in range(1, length + 1):
        periods, rest = divmod(-rising.at({letter: size}), rate * length)
        if rest == 0 and periods >= 0 and size + periods * length < SIZE_LIMIT:
            found.append(int(size + periods * length))
    return tuple(sorted(found))


def _first_of(holds: Callable[[int], bool]) -> int | None:
    """The first size from 1 on at which a condition holds that holds from then on; None from 2^31 on."""
    low, high = 0, 1
    while not holds(high):
        low, high = high, 2 * high
        if high > SIZE_LIMIT:
            return None
    while high - low > 1:  # it does not hold at low (or low is 0, which is not a size), and it holds at high
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
