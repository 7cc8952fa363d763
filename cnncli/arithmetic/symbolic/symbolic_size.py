"""The symbolic size: a polynomial that can be compared, and what numbers have as functions (max, min, gcd, sum)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import Any

from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.symbolic.polynomial import Bound, CommonDivisor, Letter, Polynomial, Product
from cnncli.arithmetic.symbolic.size_comparison import not_negative, sign_everywhere


class SymbolicSize(Polynomial):
    """A polynomial in place of a size. Comparisons are decided for all large sizes; they raise Undecided otherwise."""

    __slots__ = ()

    def __ge__(self, other: Any) -> bool:
        return not_negative(self - other)

    def __gt__(self, other: Any) -> bool:
        return not_negative(self - other - 1)

    def __le__(self, other: Any) -> bool:
        return not_negative(other - self)

    def __lt__(self, other: Any) -> bool:
        return not_negative(other - self - 1)


def letter(name: str) -> Any:
    """The symbolic size of an axis. To type checkers a size is an int; a symbolic size behaves as one."""
    return SymbolicSize.of(Letter(name))


def letters_of(sizes: Iterable[Any]) -> tuple[str, ...]:
    """The letters in all of these sizes."""
    return tuple(dict.fromkeys(name for size in sizes if isinstance(size, SymbolicSize) for name in size.letters))


def symbolic_shape(shape: Sequence[int]) -> str:
    """An input's shape with letters in place of its spatial sizes, as --input takes it: ``3xHxW``.

    ``shape`` has channels first and one to three spatial sizes.
    """
    return "x".join([str(shape[0]), *(axis.letter for axis in SPATIAL_AXES[len(shape) - 1])])


def larger(one: Any, other: Any) -> Any:
    """max(one, other) at every size from 1 on: one of the two if it is the larger everywhere, else both."""
    sign = sign_everywhere(one - other)
    return SymbolicSize.of(Bound("max", one, other)) if sign is None else one if sign > 0 else other


def smaller(one: Any, other: Any) -> Any:
    """min(one, other) at every size from 1 on, as :func:`larger`."""
    sign = sign_everywhere(one - other)
    return SymbolicSize.of(Bound("min", one, other)) if sign is None else other if sign > 0 else one


def common_divisor(one: Any, other: Any) -> Any:
    """gcd(one, other)."""
    if isinstance(one, SymbolicSize) and isinstance(other, int):
        return 1 if other == 1 else SymbolicSize.of(CommonDivisor(one, other))
    if isinstance(one, SymbolicSize) or isinstance(other, SymbolicSize):
        raise Undecided
    return gcd(one, other)


def add_up(values: Iterable[Any]) -> Any:
    """The sum; of many symbolic sizes in time linear in their terms."""
    constant = 0
    terms: dict[Product, int] = {}
    for value in values:
        if isinstance(value, SymbolicSize):
            constant += value.constant
            for product, count in value.terms:
                terms[product] = terms.get(product, 0) + count
        else:
            constant += value
    return SymbolicSize.sum_of(terms, constant)
