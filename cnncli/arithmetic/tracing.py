"""Numbers that record their derivation, so that an explanation is the computation itself.

A :class:`Traced` is an integer with the expression that gave it. In place of a layer's sizes and fields, it passes
through the same methods that calculate the layer's quantities: no formula is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

SUM, QUOTIENT, PRODUCT, ATOM = 1, 2, 3, 4  # how tightly an expression binds


class Name(NamedTuple):
    """A quantity: its symbol and its value."""

    symbol: str
    value: int


class Sum(NamedTuple):
    """Terms with their signs."""

    terms: tuple[tuple[int, Expression], ...]


class Product(NamedTuple):
    """Factors."""

    factors: tuple[Expression, ...]


class Rounded(NamedTuple):
    """``floor(one / other)`` or ``ceil(one / other)``."""

    word: str
    one: Expression
    other: Expression


class Remainder(NamedTuple):
    """The remainder of one divided by other."""

    one: Expression
    other: Expression


class Quotient(NamedTuple):
    """One divided by other, exactly."""

    one: Expression
    other: Expression


class Max(NamedTuple):
    """The larger of two."""

    one: Expression
    other: Expression


class Root(NamedTuple):
    """The square root, which is not an integer."""

    of: Expression


Expression = Name | Sum | Product | Rounded | Remainder | Quotient | Max | Root | int


class Traced(int):
    """An integer with its expression. Comparisons are the integer's."""

    expression: Expression

    def __new__(cls, value: int, expression: Expression) -> Traced:
        made = super().__new__(cls, value)
        made.expression = expression
        return made

    def __hash__(self) -> int:
        return hash((int(self), self.expression))  # not the integer's: a cache must tell them apart

    def __add__(self, other: Any) -> Any:
        return _sum(self, other, int(self) + int(other)) if isinstance(other, int) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return _sum(other, self, int(other) + int(self)) if isinstance(other, int) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return _sum(self, -other, int(self) - int(other)) if isinstance(other, int) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return _sum(other, -self, int(other) - int(self)) if isinstance(other, int) else NotImplemented

    def __neg__(self) -> Any:
        expression = self.expression
        if isinstance(expression, Rounded) and _is_negative(expression.one):
            opposite = {"floor": "ceil", "ceil": "floor"}[expression.word]  # -floor(-x / s) = ceil(x / s)
            return Traced(-int(self), Rounded(opposite, _negative(expression.one), expression.other))
        return Traced(-int(self), _negative(expression))

    def __mul__(self, other: Any) -> Any:
        return _product(self, other, int(self) * int(other)) if isinstance(other, int) else NotImplemented

    def __rmul__(self, other: Any) -> Any:
        return _product(other, self, int(other) * int(self)) if isinstance(other, int) else NotImplemented

    def __floordiv__(self, other: Any) -> Any:
        return _rounded(self, other, int(self) // int(other)) if isinstance(other, int) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return _rounded(other, self, int(other) // int(self)) if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        return Traced(int(self) % int(other), Remainder(expression_of(self), expression_of(other)))

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return _product(self, self ** (other - 1), int(self) ** int(other)) if other > 1 else self


def named(symbol: str, value: int) -> Traced:
    """An integer with a symbol as its expression."""
    return Traced(value, Name(symbol, value))


def expression_of(number: int) -> Expression:
    """The expression of a number; a plain int is its own."""
    return number.expression if isinstance(number, Traced) else number


def _is_plain(number: int, value: int) -> bool:
    return not isinstance(number, Traced) and number == value


def _sum(one: int, other: int, value: int) -> int:
    if _is_plain(one, 0) or _is_plain(other, 0):
        return other if _is_plain(one, 0) else one
    return _of_terms([*_terms(expression_of(one)), *_terms(expression_of(other))], value)


def add_up(numbers: Iterable[int]) -> int:
    """The sum, in time linear in the number of terms; adding one after the other takes quadratic time."""
    known = [number for number in numbers if not _is_plain(number, 0)]
    terms = [term for number in known for term in _terms(expression_of(number))]
    return _of_terms(terms, sum(map(int, known)))


def _of_terms(terms: Sequence[tuple[int, Expression]], value: int) -> int:
    constant = sum(sign * term for sign, term in terms if isinstance(term, int))
    kept: list[tuple[int, Expression]] = [(sign, term) for sign, term in terms if not isinstance(term, int)]
    if constant:
        kept.append((1 if constant > 0 else -1, abs(constant)))
    if len(kept) == 1 and kept[0][0] == 1:
        return Traced(value, kept[0][1])
    return Traced(value, Sum(tuple(kept))) if kept else value


def _terms(expression: Expression) -> tuple[tuple[int, Expression], ...]:
    return expression.terms if isinstance(expression, Sum) else ((1, expression),)


def _negative(expression: Expression) -> Expression:
    terms = tuple((-sign, term) for sign, term in _terms(expression))
    return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Sum(terms)


def _is_negative(expression: Expression) -> bool:
    return isinstance(expression, Sum) and expression.terms[0][0] < 0


def _product(one: int, other: int, value: int) -> int:
    if _is_plain(one, 1) or _is_plain(other, 1):
        return other if _is_plain(one, 1) else one
    if _is_plain(one, 0) or _is_plain(other, 0):
        return 0
    expressions = [expression_of(one), expression_of(other)]
    sign = 1
    for at, expression in enumerate(expressions):
        if isinstance(expression, Sum) and len(expression.terms) == 1:  # (-p) * j is -(p * j)
            sign, expressions[at] = sign * expression.terms[0][0], expression.terms[0][1]
    product = Product((*_factors(expressions[0]), *_factors(expressions[1])))
    return Traced(value, product if sign > 0 else Sum(((-1, product),)))


def _factors(expression: Expression) -> tuple[Expression, ...]:
    return expression.factors if isinstance(expression, Product) else (expression,)


def _rounded(one: int, other: int, value: int) -> int:
    if _is_plain(other, 1) or _is_plain(one, 0):
        return one
    numerator, divisor = expression_of(one), expression_of(other)
    if all(sign < 0 for sign, _ in _terms(numerator)):  # floor(-x / s) = -ceil(x / s)
        return Traced(value, Sum(((-1, Rounded("ceil", _negative(numerator), divisor)),)))
    return Traced(value, Rounded("floor", numerator, divisor))


def exact_quotient(one: int, other: int) -> int:
    """``one / other`` for a divisor of ``one``: no floor, and 1 for a quantity divided by itself."""
    if _is_plain(other, 1):
        return one
    numerator, denominator = expression_of(one), expression_of(other)
    ratio = 1 if numerator == denominator else Quotient(numerator, denominator)
    return Traced(int(one) // int(other), ratio)


def maximum(one: int, other: int) -> int:
    """``max(one, other)``, whichever is larger."""
    return Traced(max(int(one), int(other)), Max(expression_of(one), expression_of(other)))


# Writing ----------------------------------------------------------------------------------------------------------


class Notation(NamedTuple):
    """The notation of expressions: names, products, quotients and brackets."""

    name: Callable[[Name], str]
    times: str
    rounded: str  # with {word}, {left}, {right} (the bars of floor and ceil), {one}, {other}
    remainder: str
    quotient: str
    maximum: str
    root: str
    brackets: tuple[str, str] = ("(", ")")
    has_fraction_bars: bool = False  # which separate numerator and denominator without brackets
    bars: Mapping[str, tuple[str, str]] = {}


PLAIN_FORMULA = Notation(
    lambda name: name.symbol,
    " * ",
    "{word}({one} / {other})",
    "({one}) % {other}",
    "{one} / {other}",
    "max({one}, {other})",
    "sqrt({of})",
)
PLAIN_NUMBERS = PLAIN_FORMULA._replace(name=lambda name: str(name.value))
_BARS = {"floor": (r"\left\lfloor ", r" \right\rfloor"), "ceil": (r"\left\lceil ", r" \right\rceil")}


def _latex_name(name: Name) -> str:
    letter, _, index = name.symbol.partition("_")
    letter = letter if len(letter) == 1 else rf"\mathrm{{{letter}}}"
    return rf"{letter}_{{\mathrm{{{index}}}}}" if index else letter


LATEX_FORMULA = Notation(
    _latex_name,
    r" \cdot ",
    r"{left}\frac{{{one}}}{{{other}}}{right}",
    r"({one}) \bmod {other}",
    r"\frac{{{one}}}{{{other}}}",
    r"\max\left({one}, {other}\right)",
    r"\sqrt{{{of}}}",
    (r"\left(", r"\right)"),
    True,
    _BARS,
)
LATEX_NUMBERS = LATEX_FORMULA._replace(name=lambda name: str(name.value))


def written(expression: Expression, notation: Notation) -> str:
    """``floor((H + 2 * p - k) / s) + 1`` or, with numbers, ``floor((28 + 2 * 2 - 5) / 1) + 1``."""
    return _write(expression, notation)[0]


def _write(expression: Expression, notation: Notation) -> tuple[str, int]:
    """The text, and how tightly it binds."""
    if isinstance(expression, int):
        return str(expression), ATOM if expression >= 0 else SUM
    if isinstance(expression, Name):
        text = notation.name(expression)
        return text, SUM if text.startswith("-") else ATOM
    if isinstance(expression, Sum):
        text = _write_sum(expression, notation)
        return text, ATOM if text == "0" else SUM
    if isinstance(expression, Product):
        return notation.times.join(_inside(factor, PRODUCT, notation) for factor in expression.factors), PRODUCT
    if isinstance(expression, Remainder):  # as a factor, it needs brackets
        other = _inside(expression.other, ATOM, notation)
        return notation.remainder.format(one=written(expression.one, notation), other=other), SUM
    if isinstance(expression, Max):
        one, other = (written(part, notation) for part in expression)
        return notation.maximum.format(one=one, other=other), ATOM
    if isinstance(expression, Root):
        return notation.root.format(of=written(expression.of, notation)), ATOM
    bars = notation.has_fraction_bars
    one = _inside(expression.one, SUM if bars else PRODUCT, notation)
    other = _inside(expression.other, SUM if bars else ATOM, notation)
    if isinstance(expression, Quotient):
        return notation.quotient.format(one=one, other=other), ATOM if bars else QUOTIENT
    left, right = notation.bars.get(expression.word, ("", ""))
    return notation.rounded.format(word=expression.word, one=one, other=other, left=left, right=right), ATOM


def _write_sum(expression: Sum, notation: Notation) -> str:
    parts: list[str] = []
    terms = _collected(expression)
    leading = next((at for at, (sign, _) in enumerate(terms) if sign > 0), 0)  # s - p, not -p + s
    for sign, term in (terms[leading], *terms[:leading], *terms[leading + 1 :]):
        leads = sign > 0 and not parts  # elsewhere one sign would follow another
        parts += ["-" if sign < 0 else "+", _inside(term, SUM if leads else QUOTIENT, notation)]
    return ("" if parts[0] == "+" or parts[1] == "0" else "-") + " ".join(parts[1:])  # not -0


def _collected(expression: Sum) -> list[tuple[int, Expression]]:
    """The terms with equal ones collected: p + p is 2 * p."""
    counts: dict[Expression, int] = {}
    for sign, term in expression.terms:
        counts[term] = counts.get(term, 0) + sign
    return [
        (1 if count > 0 else -1, term if abs(count) == 1 else Product((abs(count), *_factors(term))))
        for term, count in counts.items()
        if count
    ] or [(1, 0)]


def _inside(expression: Expression, least: int, notation: Notation) -> str:
    text, binds = _write(expression, notation)
    return text if binds >= least else f"{notation.brackets[0]}{text}{notation.brackets[1]}"
