"""How a polynomial changes with its letters: its trend, slope, period and bounds, and whether it is monotone.

A sum of floors of affine polynomials is periodic up to a slope: f(H + period) = f(H) + slope * period.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import product as combinations
from math import lcm
from typing import Any

from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.symbolic.polynomial import Atom, Bound, CommonDivisor, Factor, Floor, Letter, Polynomial, Product

PERIOD_LIMIT = 1 << 14  # sizes tried to decide a question that depends on the remainders


def trend(polynomial: Polynomial) -> int:
    """1 if it grows without bound, -1 if it falls without bound, 0 if it stays between bounds. Raises Undecided."""
    found = _trend_of_one_floor(polynomial)
    if found is not None:
        return found
    leading: dict[tuple[str, ...], Any] = {}
    for product, count in polynomial.terms:
        letters, rate = _growth(product)
        leading[letters] = leading.get(letters, 0) + count * rate
    degree = max(map(len, leading))
    if degree == 0:
        return 0
    rates = [rate for letters, rate in leading.items() if len(letters) == degree and rate]
    if not rates and degree > 1:
        raise Undecided  # the leading terms cancel
    if all(rate > 0 for rate in rates) or all(rate < 0 for rate in rates):
        return 0 if not rates else 1 if rates[0] > 0 else -1
    raise Undecided


def _trend_of_one_floor(polynomial: Polynomial) -> int | None:
    """The trend of a letter or a floor of one, which most sizes are; None for anything else."""
    if len(polynomial.terms) != 1 or len(polynomial.terms[0][0]) != 1:
        return None
    ((product, count),) = polynomial.terms
    atom = product[0]
    if isinstance(atom, Floor) and len(atom.numerator.terms) == 1:
        ((product, inner),) = atom.numerator.terms
        count, atom = count * inner, product[0]
    if not isinstance(atom, Letter) or len(product) != 1:
        return None
    return 1 if count > 0 else -1


def _growth(product: Product) -> tuple[tuple[str, ...], Any]:
    """The letters that a product grows with, once per factor, and the rate: the product tends to rate * letters."""
    letters: list[str] = []
    rate: Any = 1
    for atom in product:
        names = Polynomial.of(atom).letters
        if len(names) > 1 and len(product) > 1:
            raise Undecided
        slopes = {name: _atom_slope(atom, name) for name in names}
        growing = [name for name in names if slopes[name]]
        if len(growing) > 1 or (not growing and len(product) > 1):
            raise Undecided
        letters += growing
        rate *= slopes[growing[0]] if growing else 1
    return tuple(sorted(letters)), rate


def slope(size: Any, letter: str) -> Any:
    """The average growth of a sum per unit of a letter: a Fraction or an int. Raises Undecided for products."""
    if not isinstance(size, Polynomial):
        return 0
    if any(len(product) > 1 for product, _ in size.terms):
        raise Undecided
    return sum(count * _atom_slope(product[0], letter) for product, count in size.terms)


def _atom_slope(atom: Atom, letter: str) -> Any:
    if isinstance(atom, Letter):
        return int(atom.name == letter)
    if isinstance(atom, Floor):
        from fractions import Fraction  # slow to import, and needed for symbolic sizes alone

        return Fraction(slope(atom.numerator, letter)) / atom.divisor
    if isinstance(atom, Factor):
        return slope(atom.polynomial, letter)
    if isinstance(atom, Bound):
        return (max if atom.function == "max" else min)(slope(atom.one, letter), slope(atom.other, letter))
    return 0


def period(size: Any) -> int:
    """The number of sizes after which the remainders of a polynomial's floors repeat."""
    if not isinstance(size, Polynomial):
        return 1
    return reduce(lcm, (_atom_period(atom) for product, _ in size.terms for atom in product), 1)


def _atom_period(atom: Atom) -> int:
    if isinstance(atom, Floor):
        return period(atom.numerator) * atom.divisor
    if isinstance(atom, Factor):
        return period(atom.polynomial)
    if isinstance(atom, Bound):
        return lcm(period(atom.one), period(atom.other))
    if isinstance(atom, CommonDivisor):
        return lcm(period(atom.polynomial), atom.number)
    return 1


def bounds(polynomial: Polynomial) -> tuple[int, int]:
    """The least and the largest value at large sizes, for a polynomial with trend 0. Raises Undecided."""
    length = period(polynomial)
    letters = polynomial.letters
    if length ** len(letters) > PERIOD_LIMIT:
        raise Undecided
    found = [polynomial.at(values) for values in remainders(letters, length)]
    return min(found), max(found)


def remainders(letters: tuple[str, ...], length: int) -> Iterator[dict[str, int]]:
    """Large values of the letters with all combinations of remainders modulo ``length``."""
    base = length * (PERIOD_LIMIT // length + 1)
    for offsets in combinations(range(length), repeat=len(letters)):
        yield {letter: base + offset for letter, offset in zip(letters, offsets, strict=True)}


def is_monotone(size: Any) -> bool:
    """Whether it provably never decreases when a letter grows: sums, floors and bounds of monotone terms."""
    if not isinstance(size, Polynomial):
        return True
    return all(count > 0 and len(product) == 1 and _is_monotone(product[0]) for product, count in size.terms)


def _is_monotone(atom: Atom) -> bool:
    if isinstance(atom, Bound):
        return is_monotone(atom.one) and is_monotone(atom.other)
    if isinstance(atom, Floor):
        return is_monotone(atom.numerator)
    return isinstance(atom, Letter) or (isinstance(atom, Factor) and is_monotone(atom.polynomial))


def is_linear(size: Any) -> bool:
    """Whether f(H + period) = f(H) + slope * period at every integer H, not at large ones alone."""
    if not isinstance(size, Polynomial):
        return True
    return all(len(product) == 1 and _is_linear(product[0]) for product, _ in size.terms)


def _is_linear(atom: Atom) -> bool:
    if isinstance(atom, Floor):
        return is_linear(atom.numerator)
    if isinstance(atom, Factor):
        return is_linear(atom.polynomial)
    if not isinstance(atom, Bound):
        return True
    if not (is_linear(atom.one) and is_linear(atom.other)):
        return False
    letters = {name: None for side in (atom.one, atom.other) if isinstance(side, Polynomial) for name in side.letters}
    return all(slope(atom.one, name) == slope(atom.other, name) for name in letters)
