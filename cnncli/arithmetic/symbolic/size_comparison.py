"""Comparisons of symbolic sizes: decided for all large sizes, recording what they assume or demand of them.

From the recorded assumptions follows the smallest size that works (:mod:`cnncli.arithmetic.symbolic.solving`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product as combinations
from typing import Any

from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.symbolic.growth import PERIOD_LIMIT, bounds, is_linear, period, trend
from cnncli.arithmetic.symbolic.polynomial import Atom, Factor, Letter, Polynomial

_assumed: list[dict[Any, None]] = []


@contextmanager
def assumptions() -> Iterator[dict[Any, None]]:
    """Collects the polynomials that comparisons have assumed to be at least 0."""
    found: dict[Any, None] = {}
    _assumed.append(found)
    try:
        yield found
    finally:
        _assumed.pop()


def not_negative(difference: Any) -> bool:
    """Whether a size is at least 0 at all large sizes. Raises Undecided where that depends on the size."""
    if not isinstance(difference, Polynomial):
        return bool(difference >= 0)
    direction = trend(difference)
    if direction > 0:
        _assume(difference)
        return True
    if direction < 0:
        _assume(-difference - 1)
        return False
    least, most = bounds(difference)
    if least >= 0:
        return True
    if most < 0:
        return False
    raise Undecided


def _assume(polynomial: Polynomial) -> None:
    for found in _assumed:
        found[polynomial] = None


_demanded: list[dict[Any, None]] = []


@contextmanager
def demands() -> Iterator[dict[Any, None]]:
    """Collects the polynomials that must be 0: meanwhile, sizes that are equal for some values count as equal."""
    found: dict[Any, None] = {}
    _demanded.append(found)
    try:
        yield found
    finally:
        _demanded.pop()


def collects_demands() -> bool:
    """Whether anything collects demands."""
    return bool(_demanded)


def demand(difference: Polynomial) -> None:
    """Records that a polynomial must be 0."""
    for found in _demanded:
        found[difference] = None


def always_equal(one: Any, other: Any) -> bool:
    """Whether two sizes are equal for all values of their letters that are large enough for the network."""
    difference = one - other
    if not isinstance(difference, Polynomial):
        return bool(difference == 0)
    try:
        return trend(difference) == 0 and is_linear(difference) and bounds(difference) == (0, 0)
    except Undecided:
        return False


def sign_everywhere(difference: Any) -> int | None:
    """1 if a size is at least 0 at all sizes from 1 on, -1 if it is at most 0 at all of them; None if neither is sure.

    Unlike a comparison this assumes no size to be large, so that what follows from it is exact at the smallest as well.
    """
    if not isinstance(difference, Polynomial):
        return 1 if difference >= 0 else -1
    letters, length = difference.letters, period(difference)
    if is_linear(difference) and length ** len(letters) <= PERIOD_LIMIT:
        ones = dict.fromkeys(letters, 1)
        rises = [difference.at({**ones, name: 1 + length}) - difference.at(ones) for name in letters]
        sizes = [range(1, length + 1)] * len(letters)
        first = [difference.at(dict(zip(letters, values, strict=True))) for values in combinations(*sizes)]
        if min(first) >= 0 and min(rises) >= 0:  # f(H + period) = f(H) + rise: it never falls below these
            return 1
        return -1 if max(first) <= 0 and max(rises) <= 0 else None
    if _is_nonnegative(difference):
        return 1
    return -1 if _is_nonnegative(-difference) else None


Coefficients = Mapping[tuple[str, ...], int]


def _is_nonnegative(polynomial: Polynomial) -> bool:
    """Whether it is provably at least 0: in H - 1, W - 1, … none of its coefficients is negative."""
    total: dict[tuple[str, ...], int] = {(): polynomial.constant}
    for product, count in polynomial.terms:
        expanded: Coefficients = {(): count}
        for atom in product:
            factor = _in_letters_less_1(atom)
            if factor is None:
                return False
            expanded = _multiplied(expanded, factor)
        for letters, coefficient in expanded.items():
            total[letters] = total.get(letters, 0) + coefficient
    return min(total.values()) >= 0


def _in_letters_less_1(atom: Atom) -> Coefficients | None:
    """A letter, or a sum of letters, as coefficients by product of H - 1, W - 1, …; None for other atoms."""
    if isinstance(atom, Letter):
        return {(): 1, (atom.name,): 1}
    if not isinstance(atom, Factor):
        return None
    found: dict[tuple[str, ...], int] = {(): atom.polynomial.constant}
    for product, count in atom.polynomial.terms:
        if len(product) != 1 or not isinstance(product[0], Letter):
            return None
        found[(product[0].name,)] = count
        found[()] += count
    return found


def _multiplied(one: Coefficients, other: Coefficients) -> Coefficients:
    found: dict[tuple[str, ...], int] = {}
    for first, a in one.items():
        for second, b in other.items():
            letters = tuple(sorted((*first, *second)))
            found[letters] = found.get(letters, 0) + a * b
    return found
