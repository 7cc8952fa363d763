"""Sizes that stay open: exact whole-number functions of letters such as H, as ``floor((H - 27) / 16) + 1``.

A :class:`SymbolicSize` stands wherever a size does and takes part in the same arithmetic: no formula is written twice.
A chain of convolutions and pools comes to one floor of an affine form, since floor((floor(x / m) + b) / c) =
floor((x + b m) / (m c)). Products (operations, activations) keep their factors.

A comparison is decided for all large sizes, and what it takes for granted is kept (:func:`assumptions`): from these
follows the smallest size that works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from math import gcd, lcm, prod
from typing import Any, NamedTuple, cast

from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.size import SIZE_LIMIT, Undecided

Values = Mapping[str, int]
WORDS_LIMIT = 256  # remainders that are told in words
PERIOD_LIMIT = 1 << 14  # sizes looked at to decide whether two forms are the same for every size


class Letter(NamedTuple):
    """An open size."""

    name: str

    def __str__(self) -> str:
        return self.name

    def at(self, values: Values) -> int:
        return values[self.name]


class Floor(NamedTuple):
    """floor(form / divisor)."""

    form: SymbolicSize
    divisor: int

    def __str__(self) -> str:
        text = str(self.form)
        return f"floor({text if self.form.is_simple else f'({text})'} / {self.divisor})"

    def at(self, values: Values) -> int:
        return self.form.at(values) // self.divisor


class Bound(NamedTuple):
    """The larger or the smaller (``word``: max, min) of two."""

    word: str
    one: Any
    other: Any

    def __str__(self) -> str:
        return f"{self.word}({self.one}, {self.other})"

    def at(self, values: Values) -> int:
        choose = max if self.word == "max" else min
        return choose(value_of(self.one, values), value_of(self.other, values))


class CommonDivisor(NamedTuple):
    """The greatest common divisor of a form and a number."""

    form: SymbolicSize
    number: int

    def __str__(self) -> str:
        return f"gcd({self.form}, {self.number})"

    def at(self, values: Values) -> int:
        return gcd(self.form.at(values), self.number)


class Factor(NamedTuple):
    """A sum in a product, kept together."""

    form: SymbolicSize

    def __str__(self) -> str:
        return f"({self.form})"

    def at(self, values: Values) -> int:
        return self.form.at(values)


Atom = Letter | Floor | Bound | CommonDivisor | Factor
Product = tuple[Atom, ...]


class SymbolicSize:
    """A sum of products with whole coefficients, and a constant. Immutable; equal where it is written the same."""

    __slots__ = ("_as_factor", "_hash", "_text", "constant", "terms")

    def __init__(self, terms: tuple[tuple[Product, int], ...], constant: int) -> None:
        self.terms = terms
        self.constant = constant
        self._text = ""
        self._hash = 0
        self._as_factor: tuple[Product, int] | None = None

    def __hash__(self) -> int:
        if not self._hash:
            self._hash = hash((frozenset(self.terms), self.constant))
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if (
            not isinstance(other, SymbolicSize)
            or self.constant != other.constant
            or len(self.terms) != len(other.terms)
        ):
            return False
        return self.terms == other.terms or dict(self.terms) == dict(other.terms)

    def __bool__(self) -> bool:
        return True

    # Arithmetic ---------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, SymbolicSize):
            return SymbolicSize(self.terms, self.constant + other) if isinstance(other, int) else NotImplemented
        terms = dict(self.terms)
        for product, count in other.terms:
            terms[product] = terms.get(product, 0) + count
        return _made(terms, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return SymbolicSize(tuple((product, -count) for product, count in self.terms), -self.constant)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            if other in (0, 1):
                return self if other else 0
            return SymbolicSize(tuple((product, count * other) for product, count in self.terms), self.constant * other)
        if not isinstance(other, SymbolicSize):
            return NotImplemented
        (one, first), (two, second) = _factored(self), _factored(other)
        return _made({tuple(sorted((*one, *two), key=str)): first * second}, 0)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Any) -> Any:
        if isinstance(divisor, SymbolicSize):
            return _whole_ratio(self, divisor)
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
                return _floor(inner.form + self.constant * inner.divisor, inner.divisor * divisor)
        whole = {product: count // divisor for product, count in self.terms if count % divisor == 0}
        if not whole:
            return _floor(self, divisor)
        rest = tuple((product, count) for product, count in self.terms if count % divisor)
        return (_floor(SymbolicSize(rest, self.constant), divisor) if rest else self.constant // divisor) + _made(
            whole, 0
        )

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

    # Comparisons: for all large sizes -----------------------------------------------------------------------------

    def __ge__(self, other: Any) -> bool:
        return not_negative(self - other)

    def __gt__(self, other: Any) -> bool:
        return not_negative(self - other - 1)

    def __le__(self, other: Any) -> bool:
        return not_negative(other - self)

    def __lt__(self, other: Any) -> bool:
        return not_negative(other - self - 1)

    # What it is ---------------------------------------------------------------------------------------------------

    @property
    def is_simple(self) -> bool:
        """Whether it is written without + or -."""
        return len(self.terms) == 1 and not self.constant

    @property
    def letters(self) -> tuple[str, ...]:
        """The open sizes in it."""
        found: dict[str, None] = {}
        pending: list[Any] = [self]
        while pending:
            entry = pending.pop()
            if isinstance(entry, SymbolicSize):
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
        if not self._text:
            self._text = _written(self)
        return self._text

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return str(self)


def letters_of(sizes: Iterable[Any]) -> tuple[str, ...]:
    """The open sizes in all of these."""
    return tuple(dict.fromkeys(name for size in sizes if isinstance(size, SymbolicSize) for name in size.letters))


def letter(name: str) -> Any:
    """The form of an open size. To type checkers a size is an int; a Form behaves as one."""
    return _of(Letter(name))


def opened_text(shape: Sequence[int]) -> str:
    """An input's shape with letters in place of its spatial sizes, as --input would give it: ``3xHxW``.

    ``shape`` has channels first and one to three spatial sizes.
    """
    return "x".join([str(shape[0]), *(axis.letter for axis in SPATIAL_AXES[len(shape) - 1])])


def _of(atom: Atom) -> SymbolicSize:
    return SymbolicSize((((atom,), 1),), 0)


def _made(terms: Mapping[Product, int], constant: int) -> Any:
    """The sum: a plain number where nothing is left open."""
    left = tuple((product, count) for product, count in terms.items() if count)
    return SymbolicSize(left, constant) if left else constant


def _floor(form: Any, divisor: int) -> Any:
    if not isinstance(form, SymbolicSize):
        return form // divisor
    shared = gcd(divisor, *(count for _, count in form.terms))
    if shared > 1:  # floor((g a + b) / (g c)) = floor((a + floor(b / g)) / c)
        form = SymbolicSize(tuple((product, count // shared) for product, count in form.terms), form.constant // shared)
        divisor //= shared
    return form if divisor == 1 else _of(Floor(form, divisor))


def _whole_ratio(form: SymbolicSize, divisor: SymbolicSize) -> int:
    """``2 * H // H``: 2 at every size. Raises Undecided for a form that is no multiple of the other."""
    product, count = divisor.terms[0]
    times = dict(form.terms).get(product, 0) // count
    if times * divisor != form:
        raise Undecided
    return times


def _factored(form: SymbolicSize) -> tuple[Product, int]:
    """A form as one product and its coefficient; worked out once, as sizes are multiplied again and again."""
    if form._as_factor is None:
        form._as_factor = _factor(form)
    return form._as_factor


def _factor(form: SymbolicSize) -> tuple[Product, int]:
    form = as_positions(form)
    if form.is_simple:
        return form.terms[0]
    shared = gcd(form.constant, *(count for _, count in form.terms))
    inner = SymbolicSize(tuple((product, count // shared) for product, count in form.terms), form.constant // shared)
    return (Factor(inner),), shared


def as_positions(form: SymbolicSize) -> SymbolicSize:
    """The size after a chain of windows as their formula has it, ``floor((H - 27) / 16) + 1``, whatever the chain."""
    if len(form.terms) != 1 or form.constant == 1:
        return form
    ((product, count),) = form.terms
    atom = product[0]
    if count != 1 or len(product) != 1 or not isinstance(atom, Floor) or [*atom.form.terms[0]][1] != 1:
        return form
    numerator: SymbolicSize = atom.form + (form.constant - 1) * atom.divisor
    return SymbolicSize(_of(Floor(numerator, atom.divisor)).terms, 1)


def _written(form: SymbolicSize) -> str:
    """``floor((H - 1) / 2) + 1``; products with ``*``."""
    form = as_positions(form)
    parts: list[str] = []
    for product, count in form.terms:
        factors = [*([] if abs(count) == 1 else [f"{abs(count):,}".replace(",", "")]), *map(str, product)]
        parts += ["-" if count < 0 else "+", " * ".join(factors)]
    if form.constant:
        parts += ["-" if form.constant < 0 else "+", str(abs(form.constant))]
    text = " ".join(parts)
    return text.removeprefix("+ ") if text.startswith("+") else f"-{text.removeprefix('- ')}"


# Deciding ---------------------------------------------------------------------------------------------------------

_assumed: list[dict[Any, None]] = []


@contextmanager
def assumptions() -> Iterator[dict[Any, None]]:
    """Collects the forms that comparisons have taken to be at least 0."""
    found: dict[Any, None] = {}
    _assumed.append(found)
    try:
        yield found
    finally:
        _assumed.pop()


def not_negative(difference: Any) -> bool:
    """Whether a number or a form is at least 0, for all large sizes. Raises Undecided where that depends on them."""
    if not isinstance(difference, SymbolicSize):
        return bool(difference >= 0)
    trend = _trend(difference)
    if trend > 0:
        _assume(difference)
        return True
    if trend < 0:
        _assume(-difference - 1)
        return False
    least, most = bounds(difference)
    if least >= 0:
        return True
    if most < 0:
        return False
    raise Undecided


def _assume(form: SymbolicSize) -> None:
    for found in _assumed:
        found[form] = None


def _trend(form: SymbolicSize) -> int:
    """1 where a form grows without bound, -1 where it falls, 0 where it stays between bounds. Raises Undecided."""
    if len(form.terms) == 1 and len(form.terms[0][0]) == 1:  # a letter or one floor, most often
        ((product, count),) = form.terms
        atom = product[0]
        if isinstance(atom, Floor) and len(atom.form.terms) == 1:
            ((product, inner),) = atom.form.terms
            count, atom = count * inner, product[0]
        if isinstance(atom, Letter) and len(product) == 1:
            return 1 if count > 0 else -1
    leading: dict[tuple[str, ...], Any] = {}
    for product, count in form.terms:
        letters, rate = _growth(product)
        leading[letters] = leading.get(letters, 0) + count * rate
    degree = max(map(len, leading))
    if degree == 0:
        return 0
    rates = [rate for letters, rate in leading.items() if len(letters) == degree and rate]
    if not rates and degree > 1:
        raise Undecided  # the largest parts cancel
    if all(rate > 0 for rate in rates) or all(rate < 0 for rate in rates):
        return 0 if not rates else 1 if rates[0] > 0 else -1
    raise Undecided


def _growth(product: Product) -> tuple[tuple[str, ...], Any]:
    """How a product grows: as its letters, multiplied, times a rate."""
    letters: list[str] = []
    rate: Any = 1
    for atom in product:
        names = SymbolicSize((((atom,), 1),), 0).letters
        if len(names) > 1 and len(product) > 1:
            raise Undecided
        slopes = {name: _atom_slope(atom, name) for name in names}
        growing = [name for name in names if slopes[name]]
        if len(growing) > 1 or (not growing and len(product) > 1):
            raise Undecided
        letters += growing
        rate *= slopes[growing[0]] if growing else 1
    return tuple(sorted(letters)), rate


def slope(form: Any, name: str) -> Any:
    """By how much a sum of sizes grows with a letter, on the average: a Fraction or a number. Raises Undecided."""
    if not isinstance(form, SymbolicSize):
        return 0
    if any(len(product) > 1 for product, _ in form.terms):
        raise Undecided  # it has none
    return sum(count * _atom_slope(product[0], name) for product, count in form.terms)


def _atom_slope(atom: Atom, name: str) -> Any:
    if isinstance(atom, Letter):
        return int(atom.name == name)
    if isinstance(atom, Floor):
        from fractions import Fraction  # slow to import, and needed for open sizes alone

        return Fraction(slope(atom.form, name)) / atom.divisor
    if isinstance(atom, Factor):
        return slope(atom.form, name)
    if isinstance(atom, Bound):
        return (max if atom.word == "max" else min)(slope(atom.one, name), slope(atom.other, name))
    return 0


def period(form: Any) -> int:
    """After how many sizes a form has gone through its remainders: f(H + period) = f(H) + slope * period."""
    if not isinstance(form, SymbolicSize):
        return 1
    return reduce(lcm, (_atom_period(atom) for product, _ in form.terms for atom in product), 1)


def _atom_period(atom: Atom) -> int:
    if isinstance(atom, Floor):
        return period(atom.form) * atom.divisor
    if isinstance(atom, Factor):
        return period(atom.form)
    if isinstance(atom, Bound):
        return lcm(period(atom.one), period(atom.other))
    if isinstance(atom, CommonDivisor):
        return lcm(period(atom.form), atom.number)
    return 1


def bounds(form: SymbolicSize) -> tuple[int, int]:
    """The least and the largest value of a form that stays between bounds, at large sizes. Raises Undecided."""
    length = period(form)
    names = form.letters
    if length ** len(names) > PERIOD_LIMIT:
        raise Undecided
    found = [form.at(values) for values in _remainders(names, length)]
    return min(found), max(found)


def _remainders(names: tuple[str, ...], length: int) -> Iterator[dict[str, int]]:
    from itertools import product

    base = length * (PERIOD_LIMIT // length + 1)  # large, and a whole number of periods
    for offsets in product(range(length), repeat=len(names)):
        yield {name: base + offset for name, offset in zip(names, offsets, strict=True)}


_demanded: list[dict[Any, None]] = []


@contextmanager
def demands() -> Iterator[dict[Any, None]]:
    """Collects the forms that have to be 0: meanwhile sizes that are the same for some values count as the same."""
    found: dict[Any, None] = {}
    _demanded.append(found)
    try:
        yield found
    finally:
        _demanded.pop()


def same(one: Any, other: Any) -> bool:
    """Whether two sizes are equal for every value of their letters (large enough for the network)."""
    if one == other:
        return True
    difference = one - other
    if not isinstance(difference, SymbolicSize):
        return bool(difference == 0)
    try:
        trend = _trend(difference)
        if trend == 0 and is_linear(difference) and bounds(difference) == (0, 0):
            return True
    except Undecided:
        return False
    if not _demanded or not where_same(one, other):
        return False
    for found in _demanded:
        found[difference] = None
    return True


def where_same(one: Any, other: Any) -> str:
    """Of two sizes that are not the same: for which values they are, in words, or nothing."""
    difference = one - other
    if not isinstance(difference, SymbolicSize) or len(difference.letters) != 1:
        return ""
    (name,) = difference.letters
    try:
        if _trend(difference) != 0:
            return _single_solution(difference, name)
    except Undecided:
        return ""
    length = period(difference)
    if length > WORDS_LIMIT:
        return ""
    equal = [values[name] % length for values in _remainders((name,), length) if difference.at(values) == 0]
    if not equal:
        return ""
    shown = " or ".join(str(remainder) for remainder in sorted(equal)[:4])
    if equal == [0]:
        return f"only where {name} is a multiple of {length}"
    return f"only where {name} leaves {shown} when divided by {length}"


def _single_solution(difference: SymbolicSize, name: str) -> str:
    found = zeros(difference, name)
    if not found:
        return ""
    *first, last = map(str, found[:WORDS_LIMIT])
    return f"only where {name} is {', '.join(first)}{' or ' if first else ''}{last}"


def smallest(forms: Iterable[Any], name: str) -> int | None:
    """The smallest value of a letter from which on all forms are at least 0; None if there is none below 2^31.

    The forms must grow with it, as sizes do. Conditions on two sizes at once are left out.
    """
    needed = 1
    for form in forms:
        if isinstance(form, SymbolicSize) and form.letters == (name,):
            found = settled(form, name)
            if found is None:
                return None
            needed = max(needed, found)
    return needed


def settled(form: SymbolicSize, name: str) -> int | None:
    """The smallest value of the one letter of a growing form from which on it is at least 0; None from 2^31 on.

    Raises Undecided for a form that also falls between two sizes and whose pattern repeats too seldom to go through.
    """
    if is_monotone(form):
        return _first_of(lambda size: form.at({name: size}) >= 0)
    length, rate = period(form), slope(form, name)
    if length > PERIOD_LIMIT or not is_linear(form):
        raise Undecided
    last = 0  # the last value at which it is negative: f(H + k period) = f(H) + k rate period
    for size in range(1, length + 1):
        value = form.at({name: size})
        if value < 0:
            last = max(last, size + int(-(value // (rate * length)) - 1) * length)
    return last + 1 if last + 1 < SIZE_LIMIT else None


def zeros(form: SymbolicSize, name: str) -> tuple[int, ...]:
    """All values from 1 on of the one letter of a growing or falling form at which it is 0, at most a few hundred.

    Raises Undecided as :func:`settled` does.
    """
    rising = form if slope(form, name) > 0 else -form
    if is_monotone(rising):
        first = _first_of(lambda size: rising.at({name: size}) >= 0)
        last = _first_of(lambda size: rising.at({name: size}) >= 1)
        return () if first is None else tuple(range(first, SIZE_LIMIT if last is None else last))
    length, rate = period(rising), slope(rising, name)
    if length > PERIOD_LIMIT or not is_linear(rising):
        raise Undecided
    found = []
    for size in range(1, length + 1):
        steps, rest = divmod(-rising.at({name: size}), rate * length)
        if rest == 0 and steps >= 0 and size + steps * length < SIZE_LIMIT:
            found.append(int(size + steps * length))
    return tuple(sorted(found))


def is_monotone(form: Any) -> bool:
    """Whether a form surely never falls when a letter grows: sums, floors and bounds of what does not."""
    if not isinstance(form, SymbolicSize):
        return True
    return all(count > 0 and len(product) == 1 and _is_monotone(product[0]) for product, count in form.terms)


def _is_monotone(atom: Atom) -> bool:
    if isinstance(atom, Bound):
        return is_monotone(atom.one) and is_monotone(atom.other)
    return isinstance(atom, Letter) or (isinstance(atom, Floor | Factor) and is_monotone(atom.form))


def _first_of(holds: Callable[[int], bool]) -> int | None:
    """The first size from 1 on at which a condition holds that goes on to hold; None from 2^31 on."""
    low, high = 0, 1
    while not holds(high):
        low, high = high, 2 * high
        if high > SIZE_LIMIT:
            return None
    while high - low > 1:  # at low it does not hold (or low was never tried), at high it does
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


# Arithmetic that numbers have as functions -------------------------------------------------------------------------


def larger(one: Any, other: Any) -> Any:
    """max(one, other) at every size from 1 on: one of the two where it is the larger everywhere, else both."""
    order = _order(one - other)
    return _of(Bound("max", one, other)) if order is None else one if order > 0 else other


def smaller(one: Any, other: Any) -> Any:
    """min(one, other) at every size from 1 on, as :func:`larger`."""
    order = _order(one - other)
    return _of(Bound("min", one, other)) if order is None else other if order > 0 else one


def _order(difference: Any) -> int | None:
    """1 where a form is at least 0 at all sizes from 1 on, -1 where it is at most 0 at all; None where neither is sure.

    Unlike a comparison this takes no size to be large, so that what follows from it is exact at the smallest as well.
    """
    if not isinstance(difference, SymbolicSize):
        return 1 if difference >= 0 else -1
    names, length = difference.letters, period(difference)
    if is_linear(difference) and length ** len(names) <= PERIOD_LIMIT:
        from itertools import product

        rates = [slope(difference, name) for name in names]
        sizes = [range(1, length + 1)] * len(names)
        first = [difference.at(dict(zip(names, values, strict=True))) for values in product(*sizes)]
        if min(first) >= 0 and min(rates) >= 0:  # f(H + period) = f(H) + rate * period: it never falls below these
            return 1
        return -1 if max(first) <= 0 and max(rates) <= 0 else None
    if _is_positive(difference):
        return 1
    return -1 if _is_positive(-difference) else None


def is_linear(form: Any) -> bool:
    """Whether f(H + period) = f(H) + slope * period at every whole H, not at large ones alone."""
    if not isinstance(form, SymbolicSize):
        return True
    for product, _ in form.terms:
        if len(product) > 1:
            return False
        atom = product[0]
        if isinstance(atom, Floor | Factor) and not is_linear(atom.form):
            return False
        if isinstance(atom, Bound):
            if not (is_linear(atom.one) and is_linear(atom.other)):
                return False
            names = letters_of((atom.one, atom.other))
            if any(slope(atom.one, name) != slope(atom.other, name) for name in names):
                return False
    return True


def _is_positive(form: SymbolicSize) -> bool:
    """Whether a polynomial of letters is surely at least 0: in H - 1, W - 1, … none of its coefficients is negative."""
    shifted: dict[tuple[str, ...], int] = {(): form.constant}
    for product, count in form.terms:
        expanded: dict[tuple[str, ...], int] = {(): count}
        for atom in product:
            factor = _shifted(atom)
            if factor is None:
                return False
            expanded = _multiplied(expanded, factor)
        for letters, coefficient in expanded.items():
            shifted[letters] = shifted.get(letters, 0) + coefficient
    return min(shifted.values()) >= 0


def _shifted(atom: Atom) -> dict[tuple[str, ...], int] | None:
    """A letter, or a sum of letters, in the letters less 1: coefficients by product of letters."""
    if isinstance(atom, Letter):
        return {(): 1, (atom.name,): 1}
    if not isinstance(atom, Factor):
        return None
    found: dict[tuple[str, ...], int] = {(): atom.form.constant}
    for product, count in atom.form.terms:
        if len(product) != 1 or not isinstance(product[0], Letter):
            return None
        found[(product[0].name,)] = count
        found[()] += count
    return found


def _multiplied(one: Mapping[tuple[str, ...], int], other: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for first, a in one.items():
        for second, b in other.items():
            letters = tuple(sorted((*first, *second)))
            found[letters] = found.get(letters, 0) + a * b
    return found


def common_divisor(one: Any, other: Any) -> Any:
    """gcd(one, other)."""
    if isinstance(one, SymbolicSize) and isinstance(other, int):
        return 1 if other == 1 else _of(CommonDivisor(one, other))
    if isinstance(one, SymbolicSize) or isinstance(other, SymbolicSize):
        raise Undecided
    return gcd(one, other)


def add_up(values: Iterable[Any]) -> Any:
    """The sum; of many forms at the cost of their terms."""
    constant = 0
    terms: dict[Product, int] = {}
    for value in values:
        if isinstance(value, SymbolicSize):
            constant += value.constant
            for product, count in value.terms:
                terms[product] = terms.get(product, 0) + count
        else:
            constant += value
    return _made(terms, constant) if terms else constant


def value_of(size: Any, values: Values) -> int:
    """A size at given values of its letters."""
    return size.at(values) if isinstance(size, SymbolicSize) else cast(int, size)
