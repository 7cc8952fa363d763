"""A derivation step, and the explanation that consists of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from cnncli.arithmetic.shape import Shape
from cnncli.arithmetic.tracing import PLAIN_FORMULA, PLAIN_NUMBERS, Expression, Name, expression_of, written

if TYPE_CHECKING:
    from fractions import Fraction

# The order in which symbols are listed; others follow, sorted.
SYMBOL_ORDER = (
    *("n_in", "C_in", "D", "H", "W", "L", "n_out", "C_out", "D_out", "H_out", "W_out", "L_out"),
    *("k", "s", "d", "p", "r_in", "j_in", "start_in"),
)


class DerivationStep(NamedTuple):
    """One ``quantity``: ``expression`` gives ``value``.

    That is a Fraction for a receptive field's stride below 1, and a float for the deviation of initial weights.
    ``remark`` adds in words what the formula does not show.
    """

    quantity: str
    expression: Expression
    value: int | Fraction | float
    remark: str = ""

    @classmethod
    def of(cls, quantity: str, number: int, remark: str = "") -> DerivationStep:
        """The step that derives a number, traced or plain."""
        return cls(quantity, expression_of(number), int(number), remark)

    @property
    def result(self) -> str:
        """The value as text."""
        return f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)

    @property
    def formula(self) -> str:
        """The formula: ``C_out * C_in * k * k + C_out``."""
        return written(self.expression, PLAIN_FORMULA)

    @property
    def numbers(self) -> str:
        """The formula with its numbers: ``6 * 1 * 5 * 5 + 6``."""
        return written(self.expression, PLAIN_NUMBERS)


class Explanation(NamedTuple):
    """A layer, or the network: what it computes, its shapes, what the symbols mean, the steps, and its notes."""

    name: str
    kind: str
    what: str
    inputs: tuple[tuple[str, Shape], ...]
    output: Shape
    meanings: Mapping[str, str]
    steps: tuple[DerivationStep, ...]
    notes: tuple[str, ...]

    @property
    def symbols(self) -> dict[str, int]:
        """The values of all symbols."""
        return symbols_of(self.steps)


def symbols_of(steps: Iterable[DerivationStep]) -> dict[str, int]:
    """The values of all symbols in the steps, in the order of the lectures."""

    def place(symbol: tuple[str, int]) -> tuple[int, str]:
        name, base = symbol[0], symbol[0].rpartition("_")[0]  # k_h is listed as k is
        found = [SYMBOL_ORDER.index(known) for known in (name, base) if known in SYMBOL_ORDER]
        return (found[0] if found else len(SYMBOL_ORDER), name)

    return dict(sorted((symbol for step in steps for symbol in _symbols(step.expression)), key=place))


def _symbols(expression: Expression) -> Iterator[tuple[str, int]]:
    if isinstance(expression, Name):
        yield expression.symbol, expression.value
    elif isinstance(expression, tuple):
        for part in expression:
            if isinstance(part, tuple):
                yield from _symbols(part)  # type: ignore[arg-type]
