"""Polynomials with integer coefficients in atoms: letters such as ``H``, floors, bounds, divisors and factors.

A chain of convolutions and pools gives one floor of an affine polynomial, since floor((floor(x / m) + b) / c) =
floor((x + b m) / (m c)). Products (MACs, activations) keep their factors: ``6 * (H - 4) * (W - 4)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd, prod
from typing import Any, NamedTuple, Self, cast

from cnncli.arithmetic.size import Undecided

Values = Mapping[str, int]


class Letter(NamedTuple):
    """The symbolic size of an axis of an input."""

    name: str

    def __str__(self) -> str:
        return self.name

    def at(self, values: Values) -> int:
        return values[self.name]


class Floor(NamedTuple):
    """floor(numerator / divisor)."""

    numerator: Polynomial
    divisor: int

    def __str__(self) -> str:
        text = str(self.numerator)
        return f"floor({text if self.numerator.is_monomial else f'({text})'} / {self.divisor})"

    def at(self, values: Values) -> int:
        return self.numerator.at(values) // self.divisor


class Bound(NamedTuple):
    """The larger (``function``: max) or the smaller (min) of two sizes."""

    function: str
    one: Any
    other: Any

    def __str__(self) -> str:
        return f"{self.function}({self.one}, {self.other})"

    def at(self, values: Values) -> int:
        choose = max if self.function == "max" else min
        return choose(value_of(self.one, values), value_of(self.other, values))


class CommonDivisor(NamedTuple):
    """The greatest common divisor of a polynomial and a number."""

    polynomial: Polynomial
    number: int

    def __str__(self) -> str:
        return f"gcd({self.polynomial}, {self.number})"

    def at(self, values: Values) -> int:
        return gcd(self.polynomial.at(values), self.number)


class Factor(NamedTuple):
    """A sum that is a factor of a product: it is not multiplied out."""

    polynomial: Polynomial

    def __str__(self) -> str:
        return f"({self.polynomial})"

    def at(self, values: Values) -> int:
        return self.polynomial.at(values)


Atom = Letter | Floor | Bound | CommonDivisor | Factor
Product = tuple[Atom, ...]


class Polynomial:
    """A sum of products with integer coefficients, and a constant. Immutable; equal if the terms are the same.

    A result without a letter is a plain int.
    """

    __slots__ = ("_as_factor", "_hash", "_text", "constant", "terms")

    def __init__(self, terms: tuple[tuple[Product, int], ...], constant: int) -> None:
        self.terms = terms
        self.constant = constant
        self._text = ""
        self._hash = 0
        self._as_factor: tuple[Product, int] | None = None

    @classmethod
    def of(cls, atom: Atom) -> Self:
        """The atom as a polynomial."""
        return cls((((atom,), 1),), 0)

    @classmethod
    def sum_of(cls, terms: Mapping[Product, int], constant: int) -> Any:
        """The sum of these products times their coefficients: an int if all coefficients are 0."""
        kept = tuple((product, count) for product, count in terms.items() if count)
        return cls(kept, constant) if kept else constant

    def __hash__(self) -> int:
        if not self._hash:
            self._hash = hash((frozenset(self.terms), self.constant))
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Polynomial) or self.constant != other.constant or len(self.terms) != len(other.terms):
            return False
        return self.terms == other.terms or dict(self.terms) == dict(other.terms)

    def __bool__(self) -> bool:
        return True

    # Arithmetic ---------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Polynomial):
            return type(self)(self.terms, self.constant + other) if isinstance(other, int) else NotImplemented
        terms = dict(self.terms)
        for product, count in other.terms:
            terms[product] = terms.get(product, 0) + count
        return self.sum_of(terms, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return type(self)(tuple((product, -count) for product, count in self.terms), -self.constant)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            if other in (0, 1):
                return self if other else 0
            return type(self)(tuple((product, count * other) for product, count in self.terms), self.constant * other)
        if not isinstance(other, Polynomial):
            return NotImplemented
        (one, first), (two, second) = self._factored(), other._factored()
        return self.sum_of({tuple(sorted((*one, *two), key=str)): first * second}, 0)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Any) -> Any:
        if isinstance(divisor, Polynomial):
            return self._integer_ratio(divisor)
        if not isinstance(divisor, int) or divisor < 1:
            raise Undecided
        if divisor == 1:
            return self
        if all(count < 0 for _, count in self.terms):  # floor(-x / d) = -ceil(x / d) = -floor((x + d - 1) / d)
            return -((-self + (divisor - 1)) // divisor)
        if len(self.terms) == 1:
            ((product, count),) = self.terms
            if count == 1 and len(product) == 1 and isinstance(product[0], Floor):
                inner = product[0]
                return self._floor(inner.numerator + self.constant * inner.divisor, inner.divisor * divisor)
        multiples = {product: count // divisor for product, count in self.terms if count % divisor == 0}
        if not multiples:
            return self._floor(self, divisor)
        rest = {product: count for product, count in self.terms if count % divisor}
        return self._floor(self.sum_of(rest, self.constant), divisor) + self.sum_of(multiples, 0)

    def __mod__(self, divisor: Any) -> Any:
        if divisor == 1:
            return 0
        return self - self // divisor * divisor  # not negative, as the divisors are sizes and counts

    def __truediv__(self, other: Any) -> Any:
        raise Undecided

    def __rfloordiv__(self, other: Any) -> Any:
        raise Undecided

    def __index__(self) -> int:
        raise Undecided

    @classmethod
    def _floor(cls, numerator: Any, divisor: int) -> Any:
        if not isinstance(numerator, Polynomial):
            return numerator // divisor
        common = gcd(divisor, *(count for _, count in numerator.terms))
        if common > 1:  # floor((g a + b) / (g c)) = floor((a + floor(b / g)) / c)
            numerator, divisor = numerator._divided(common), divisor // common
        return numerator if divisor == 1 else cls.of(Floor(numerator, divisor))

    def _divided(self, divisor: int) -> Self:
        """The polynomial with its coefficients divided by a common divisor, and the constant rounded down."""
        return type(self)(tuple((product, count // divisor) for product, count in self.terms), self.constant // divisor)

    def _integer_ratio(self, divisor: Polynomial) -> int:
        """``2 * H // H``: 2 at every size. Raises Undecided if the ratio is not an integer at all sizes."""
        product, count = divisor.terms[0]
        ratio = dict(self.terms).get(product, 0) // count
        if ratio * divisor != self:
            raise Undecided
        return ratio

    def _factored(self) -> tuple[Product, int]:
        """One product and its coefficient; cached, as sizes are multiplied again and again."""
        if self._as_factor is None:
            simplest = as_window_positions(self)
            if simplest.is_monomial:
                self._as_factor = simplest.terms[0]
            else:
                common = gcd(simplest.constant, *(count for _, count in simplest.terms))
                self._as_factor = (Factor(simplest._divided(common)),), common
        return self._as_factor

    # Properties ---------------------------------------------------------------------------------------------------

    @property
    def is_monomial(self) -> bool:
        """Whether it is written without + or -."""
        return len(self.terms) == 1 and not self.constant

    @property
    def letters(self) -> tuple[str, ...]:
        """The names of the letters in it."""
        found: dict[str, None] = {}
        pending: list[Any] = [self]
        while pending:
            entry = pending.pop()
            if isinstance(entry, Polynomial):
                pending.extend(atom for product, _ in reversed(entry.terms) for atom in reversed(product))
            elif isinstance(entry, Letter):
                found[entry.name] = None
            elif isinstance(entry, tuple):
                pending.extend(entry)
        return tuple(found)

    def at(self, values: Values) -> int:
        """Its value at given sizes."""
        return self.constant + sum(count * prod(atom.at(values) for atom in product) for product, count in self.terms)

    def __str__(self) -> str:
        """``floor((H - 1) / 2) + 1``; products with ``*``."""
        if not self._text:
            self._text = _written(as_window_positions(self))
        return self._text

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return str(self)


def value_of(size: Any, values: Values) -> int:
    """A size at given values of its letters."""
    return size.at(values) if isinstance(size, Polynomial) else cast(int, size)


# Writing ------------------------------------------------------------------------------------------------------------


def as_window_positions(size: Polynomial) -> Polynomial:
    """The size after a chain of windows as their formula has it: ``floor((H - 27) / 16) + 1``, whatever the chain.

    Where the constants cancel, nothing is added: ``floor(H / 2)``, not ``floor((H - 2) / 2) + 1``.
    """
    cancelled = _cancelled(size)
    if cancelled is not None:
        return cancelled
    if len(size.terms) != 1 or size.constant == 1:
        return size
    ((product, count),) = size.terms
    atom = product[0]
    if count != 1 or len(product) != 1 or not isinstance(atom, Floor) or atom.numerator.terms[0][1] != 1:
        return size
    numerator: Polynomial = atom.numerator + (size.constant - 1) * atom.divisor
    return type(size)(size.of(Floor(numerator, atom.divisor)).terms, 1)


def _cancelled(size: Polynomial) -> Polynomial | None:
    """The polynomial without a constant, if the constants in its floors cancel it; else None.

    floor((x - q d) / d) + q = floor(x / d).
    """
    terms: dict[Product, int] = {}
    constant, cancels = size.constant, False
    for product, count in size.terms:
        atom = product[0]
        if len(product) == 1 and isinstance(atom, Floor) and atom.numerator.constant % atom.divisor == 0:
            constant += count * (atom.numerator.constant // atom.divisor)
            product, cancels = (Floor(atom.numerator - atom.numerator.constant, atom.divisor),), True
        terms[product] = terms.get(product, 0) + count
    return type(size)(tuple(terms.items()), 0) if cancels and constant == 0 and all(terms.values()) else None


def _written(size: Polynomial) -> str:
    parts: list[str] = []
    for product, count in size.terms:
        factors = [*([] if abs(count) == 1 else [str(abs(count))]), *map(str, product)]
        parts += ["-" if count < 0 else "+", " * ".join(factors)]
    if size.constant:
        parts += ["-" if size.constant < 0 else "+", str(abs(size.constant))]
    text = " ".join(parts)
    return text.removeprefix("+ ") if text.startswith("+") else f"-{text.removeprefix('- ')}"
