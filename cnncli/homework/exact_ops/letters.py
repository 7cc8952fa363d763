"""Letters as entries of matrices: polynomials with exact coefficients, ``a + 2b + 3c``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.numbers import LIMIT_HINT, exactly, number

PRODUCTS_LIMIT = 4_000

Monomial = tuple[tuple[str, int], ...]  # letters with their powers, in order; () for a number

_NAME = r"[^\W\d_](?:_?[0-9]{1,4}|[\u2080-\u2089]{1,4})?"
_LETTER = re.compile(rf"([+-]?)([0-9./]{{0,30}})\*?({_NAME})")
# Numbers of programming languages that would be read as a factor and a letter: 1e100, 0x10, 0b11, 0o7, 1d2, 1.5f.
_LITERAL = re.compile(
    r"[+-]?([0-9./]*[0-9.][eE][+-]?[0-9]+|0[xX][0-9a-fA-F]+|0[bBoO][0-9]+|[0-9./]*[0-9.][dD][0-9]+"
    r"|(?:1|[0-9]*\.[0-9]*)[fF])"
)
_SUBSCRIPTS = {0x2080 + digit: str(digit) for digit in range(10)}


class LetterSum:
    """A sum of products of letters, each with a number that is not 0; at least one product has a letter.

    Unlike the symbolic sizes of :mod:`cnncli.arithmetic.symbolic`, which are whole, these have fractions and no order.
    Sums and products are of this class, or plain numbers where no letter is left.
    """

    __slots__ = ("terms",)
    __array_ufunc__ = None  # NumPy's own numbers leave the arithmetic to this class

    def __init__(self, terms: Mapping[Monomial, Any]) -> None:
        self.terms = dict(terms)

    def __add__(self, other: Any) -> Any:
        total = dict(self.terms)
        for product, factor in _terms(other).items():
            total[product] = total.get(product, 0) + factor
        return _simplest(total)

    def __mul__(self, other: Any) -> Any:
        total: dict[Monomial, Any] = {}
        for one, factor in self.terms.items():
            for two, other_factor in _terms(other).items():
                product = _times(one, two)
                total[product] = total.get(product, 0) + factor * other_factor
        return _simplest(total)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, divisor: Any) -> Any:
        """Divided by a number. Raises TypeError for a polynomial."""
        if isinstance(divisor, LetterSum):
            raise TypeError("a polynomial cannot be divided by a polynomial")
        return self * (Fraction(1) / divisor)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LetterSum) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    @property
    def is_letter(self) -> bool:
        """Whether this is a single letter, without a number or a power."""
        return [*self.terms.values()] == [1] and [power for product in self.terms for _, power in product] == [1]

    def __str__(self) -> str:
        """``a + 2b - 3``, ``(a + b)/4``; factors with subscripts are separated: ``2x1*w1``."""
        divisor = lcm(*(factor.denominator for factor in self.terms.values() if isinstance(factor, Fraction)))
        text = ""
        for product in sorted(self.terms, key=_order):
            factor = exactly(self.terms[product] * divisor)
            sign = "-" if factor < 0 else "+"
            text += (f" {sign} " if text else sign) + _product_text(abs(factor), product)
        text = text.removeprefix("+")
        if divisor == 1:
            return text
        return f"({text})/{divisor}" if len(self.terms) > 1 else f"{text}/{divisor}"

    __repr__ = __str__


def entry(word: str) -> Any:
    """An entry of a matrix: a number (:func:`number`), or a letter such as ``a``, ``-b``, ``2c`` or ``x_12``.

    Raises CnnError.
    """
    try:
        return number(word)  # first: 2e3 is a number
    except CnnError as error:
        problem = error.problems[0]
    letter = _LETTER.fullmatch(word)
    if letter is not None and _LITERAL.fullmatch(word):
        raise CnnError(*_ambiguous(word, letter))
    if letter is None or not letter[3][0].isalpha():  # ½ and ² are no letters
        is_malformed = problem.hint and problem.hint != LIMIT_HINT
        raise CnnError(problem.message, "write 3, -1/9, 0.25, or a letter: a, 2b, x1" if is_malformed else problem.hint)
    factor = number(letter[1] + (letter[2] or "1"))
    return _simplest({((letter[3].translate(_SUBSCRIPTS), 1),): factor})


def _ambiguous(word: str, letter: re.Match[str]) -> tuple[str, str]:
    """The message and the hint for a word that may be a number, or a factor and a letter."""
    product = f"{letter[1]}{letter[2]}*{letter[3]}"
    return f"{word!r} may be a number or {product}", f"write {product}, or the number in decimal digits"


def has_letters(array: Any) -> bool:
    """Whether any value of an array is a polynomial."""
    return array.dtype == object and any(isinstance(value, LetterSum) for value in array.reshape(-1))


def refuse_many_letters(x: Any, kernel: Any) -> None:
    """Raises CnnError where an operation with letters in either array would take too many products."""
    if x.size * kernel.size > PRODUCTS_LIMIT and (has_letters(x) or has_letters(kernel)):
        raise CnnError(f"letters: more than {PRODUCTS_LIMIT:,} products (the limit)", "use smaller matrices")


def _terms(value: Any) -> Mapping[Monomial, Any]:
    return value.terms if isinstance(value, LetterSum) else {(): value}


def _simplest(terms: Mapping[Monomial, Any]) -> Any:
    kept = {product: exactly(factor) for product, factor in terms.items() if factor}
    return LetterSum(kept) if any(kept) else kept.get((), 0)


def _times(one: Monomial, other: Monomial) -> Monomial:
    powers = dict(one)
    for name, power in other:
        powers[name] = powers.get(name, 0) + power
    return tuple(sorted(powers.items(), key=lambda item: _name_order(item[0])))


def _name_order(name: str) -> tuple[str, int]:
    subscript = name[1:].removeprefix("_")
    return name[0], int(subscript or 0)


def _order(product: Monomial) -> tuple[int, list[tuple[tuple[str, int], int]]]:
    """By falling degree, then by the letters."""
    return -sum(power for _, power in product), [(_name_order(name), -power) for name, power in product]


def _product_text(factor: Any, product: Monomial) -> str:
    names = [name if power == 1 else f"{name}^{power}" for name, power in product]
    letters = ("" if all(len(name) == 1 for name, _ in product) else "*").join(names)
    number_text = f"{factor:.6g}" if isinstance(factor, float) else str(factor)
    if not product or factor == 1:
        return letters if product else number_text
    sign = "*" if _LITERAL.match(number_text + letters) else ""  # 2*e1: 2e1 is 20
    return f"{number_text}{sign}{letters}"
