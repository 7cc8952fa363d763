"""Separable kernels: outer products of a column and a row."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

from cnncli.homework.exact_ops.letters import LetterSum
from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.exact_ops.numbers import exactly

DENOMINATOR_LIMIT = 10_000


class OuterProduct(NamedTuple):
    """``scale * column^T row``, with whole numbers without a common divisor in the column and in the row."""

    scale: Any
    column: tuple[int, ...]
    row: tuple[int, ...]

    @property
    def text(self) -> str:
        """``1/16 * (1 2 1)^T (1 2 1)``."""
        column, row = (f"({' '.join(map(shown, vector))})" for vector in (self.column, self.row))
        return f"{'' if self.scale == 1 else f'{self.scale} * '}{column}^T {row}"


def outer_product(matrix: Any) -> OuterProduct | None:
    """The vectors of a matrix of numbers with rank 1; None for another rank, and for letters."""
    import numpy as np

    if any(isinstance(value, LetterSum) for value in matrix.reshape(-1)):
        return None
    matrix = np.frompyfunc(_exact, 1, 1)(matrix)
    if _rank(matrix) != 1:
        return None
    row = next(tuple(row) for row in matrix if any(row))
    pivot = next(at for at, value in enumerate(row) if value)
    column = tuple(Fraction(value) / row[pivot] for value in matrix[:, pivot])
    column_scale, whole_column = _primitive(column)
    row_scale, whole_row = _primitive(row)
    return OuterProduct(exactly(column_scale * row_scale), whole_column, whole_row)


def _exact(value: Any) -> Fraction:
    """A number exactly; a float, as in the kernel of an image, is the simple fraction that it stands for."""
    exact = Fraction(value)
    simple = exact.limit_denominator(DENOMINATOR_LIMIT)
    return simple if isinstance(value, float) and float(simple) == float(value) else exact


def _primitive(vector: tuple[Any, ...]) -> tuple[Fraction, tuple[int, ...]]:
    """A vector as a positive factor and whole numbers without a common divisor."""
    exact = [Fraction(value) for value in vector]
    below = lcm(*(value.denominator for value in exact))
    above = gcd(*(int(value * below) for value in exact))
    return Fraction(above, below), tuple(int(value * below) // above for value in exact)


def _rank(matrix: Any) -> int:
    """The rank of a matrix of exact numbers, by Gaussian elimination."""
    rows, rank = [[Fraction(value) for value in row] for row in matrix], 0
    for at in range(matrix.shape[1]):
        pivot = next((row for row in rows if row[at]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows = [[x - row[at] / pivot[at] * y for x, y in zip(row, pivot, strict=True)] for row in rows]
        rank += 1
    return rank
