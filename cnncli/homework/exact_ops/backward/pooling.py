"""The gradients of max, average and L2 pooling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.backward.convolution import check_upstream, place_of, steps_of
from cnncli.homework.exact_ops.letters import LetterSum, has_letters
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import exactly, square_root
from cnncli.homework.exact_ops.pooling import PoolWindow, Windows, pool_windows, pooled_sizes
from cnncli.homework.exact_ops.sliding import WindowStep


class Share(NamedTuple):
    """What one window adds to the gradient of one input: ``gradient * weight / divisor``, each a number.

    The divisor may be an irrational root, which is a text: ``sqrt(30)``. ``input`` is a position (channel, *place).
    """

    input: tuple[int, ...]
    gradient: Any
    weight: Any = 1
    divisor: Any = 1

    @property
    def text(self) -> str:
        """As a term of a sum: ``2*3/5``, without factors and divisors of 1."""
        weight = "" if isinstance(self.weight, int) and self.weight == 1 else f"*{factor_text(self.weight)}"
        divisor = "" if isinstance(self.divisor, int) and self.divisor == 1 else f"/{factor_text(self.divisor)}"
        return f"{factor_text(self.gradient)}{weight}{divisor}"


def pool_gradient(x: Any, kind: str, upstream: Any, how: Windows, *, count_include_pad: bool = True) -> Any:
    """The gradient to the input, (C, *sizes), of :func:`pool` for the gradient ``upstream`` at its output.

    Max: each upstream value goes to the maximum of its window, at a tie to the first, as in PyTorch. Average: it is
    divided by the number of values. L2: dy/dx = x / y, and 0 where y is 0, as PyTorch defines it. Quotients by
    irrational roots stay texts: ``2/sqrt(30)``. Raises CnnError for another shape than the output's, and for letters
    in the input of a max or L2 pool.
    """
    import numpy as np

    if kind != "avg" and has_letters(x):
        raise CnnError(
            "the gradient of this pool depends on the values of the letters in the input",
            "give numbers as the input; the upstream gradient may have letters",
        )
    check_upstream(upstream, (x.shape[0], *pooled_sizes(x.shape[1:], how)))
    shares: dict[tuple[int, ...], list[Share]] = {}
    for share in _shares(x, kind, upstream, pool_windows(x, kind, how, count_include_pad=count_include_pad)):
        shares.setdefault(share.input, []).append(share)
    found: Any = np.zeros(x.shape, dtype=x.dtype)
    for at, added in shares.items():
        found[at] = _sum(added)
    return found


def pool_gradient_steps(
    x: Any, kind: str, upstream: Any, how: Windows, *, count_include_pad: bool = True
) -> list[WindowStep]:
    """Every value of the gradient to the input with the terms that it sums."""
    found = pool_gradient(x, kind, upstream, how, count_include_pad=count_include_pad)
    terms: dict[tuple[int, ...], list[str]] = {}
    for share in _shares(x, kind, upstream, pool_windows(x, kind, how, count_include_pad=count_include_pad)):
        terms.setdefault(share.input, []).append(share.text)
    return steps_of(terms, found, 1)


class MaximumAt(NamedTuple):
    """The first maximum of a window: the window's position, the input's, and the number of equal maxima."""

    window: tuple[int, ...]
    input: tuple[int, ...]
    equal: int


def maxima(x: Any, how: Windows) -> Iterator[MaximumAt]:
    """Where the maximum of every window of max pooling is, the first in the order of rows, as in PyTorch."""
    for window in pool_windows(x, "max", how):
        largest = max(window.values)
        first = window.origins[window.values.index(largest)]
        yield MaximumAt(window.position, _input(window, first, x), window.values.count(largest))


def _input(window: PoolWindow, origin: int, x: Any) -> tuple[int, ...]:
    place = place_of(origin, x.shape[1:])
    assert place is not None, "padding has no position in the input"
    return window.position[0], *place


def _shares(x: Any, kind: str, upstream: Any, windows: Iterable[PoolWindow]) -> Iterator[Share]:
    for window in windows:
        gradient = upstream[window.position]
        largest = window.values.index(max(window.values)) if kind == "max" else -1
        norm = square_root(sum(value * value for value in window.values)) if kind == "l2" else 0
        for at, (value, origin) in enumerate(zip(window.values, window.origins, strict=True)):
            if origin < 0:
                continue
            place = _input(window, origin, x)
            if kind == "avg":
                yield Share(place, gradient, divisor=len(window.values))
            elif kind == "l2" and norm:
                yield Share(place, gradient, value, norm)
            elif at == largest:
                yield Share(place, gradient)


def _sum(shares: list[Share]) -> Any:
    """The sum: a number where all divisors are, else a text such as ``1/2 + 2/sqrt(30)``."""
    over: dict[str, Any] = {}  # the sums of the numerators over each irrational root, "" for none
    for share in shares:
        is_root = isinstance(share.divisor, str)
        numerator = share.gradient * share.weight
        over.setdefault(share.divisor if is_root else "", 0)
        over[share.divisor if is_root else ""] += numerator if is_root else _quotient(numerator, share.divisor)
    terms = [_over_root(exactly(total), root) for root, total in over.items() if root and total]
    rest = exactly(over.get("", 0))
    if not terms:
        return rest
    first, *others = ([str(rest)] if rest else []) + terms
    return "".join([first, *(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in others)])


def _quotient(numerator: Any, divisor: Any) -> Any:
    is_exact = isinstance(numerator, int | Fraction) and isinstance(divisor, int | Fraction)
    return Fraction(numerator) / divisor if is_exact else numerator / divisor


def _over_root(numerator: Any, root: str) -> str:
    if isinstance(numerator, LetterSum):
        return f"{factor_text(numerator)}/{root}"
    exact = Fraction(numerator)
    return f"{exact.numerator}/{root}" if exact.denominator == 1 else f"{exact.numerator}/({exact.denominator}*{root})"
