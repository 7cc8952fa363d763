"""Units of numbers, and the factors between them."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

_SMALL = {"n": Fraction(1, 10**9), "μ": Fraction(1, 10**6), "u": Fraction(1, 10**6), "m": Fraction(1, 10**3)}
_LARGE = {name: Fraction(1000) ** power for power, name in enumerate("kMGTP", 1)} | {"K": Fraction(1000)}
_BINARY = {f"{name}i": Fraction(1024) ** power for power, name in enumerate("KMGTP", 1)}
_ONE = {"": Fraction(1)}


class _Dimension(NamedTuple):
    """The names of units that can be converted into each other, with their sizes, and their prefixes."""

    symbols: dict[str, Fraction]
    prefixes: dict[str, Fraction] = _ONE
    words: dict[str, Fraction] = {}  # names without a prefix  # noqa: RUF012


def _sizes(**sizes: int | Fraction) -> dict[str, Fraction]:
    return {name: Fraction(size) for name, size in sizes.items()}


_DIMENSIONS = (
    _Dimension(
        _sizes(s=1), _ONE | _SMALL,
        _sizes(sec=1, second=1, min=60, minute=60, h=3600, hr=3600, hour=3600, millisecond=Fraction(1, 1000)),
    ),
    _Dimension(
        _sizes(B=1, byte=1, bit=Fraction(1, 8)), _ONE | _LARGE | _BINARY,
        _sizes(kilobyte=1000, megabyte=10**6, gigabyte=10**9, kibibyte=1 << 10, mebibyte=1 << 20, gibibyte=1 << 30),
    ),
    _Dimension(_sizes(FLOP=1), _ONE | _LARGE),
    _Dimension({"FLOP/s": Fraction(1)}, _ONE | _LARGE),
    _Dimension(_sizes(MAC=1), _ONE | _LARGE),
    _Dimension(_sizes(Hz=1), _ONE | _LARGE),
    _Dimension(_sizes(W=1), _ONE | _SMALL | _LARGE),
    _Dimension(_sizes(J=1, Wh=3600), _ONE | _SMALL | _LARGE),
    _Dimension(_sizes(m=1, cm=Fraction(1, 100)), _ONE | _SMALL | {"k": Fraction(1000)}),
    _Dimension({"%": Fraction(1)}, _ONE, _sizes(percent=1, pct=1)),
)  # fmt: skip


def _known_units() -> dict[str, tuple[int, Fraction]]:
    """Each name of a unit with its dimension and its size."""
    known: dict[str, tuple[int, Fraction]] = {}
    for at, dimension in enumerate(_DIMENSIONS):
        for prefix, factor in dimension.prefixes.items():
            known |= {f"{prefix}{symbol}": (at, factor * size) for symbol, size in dimension.symbols.items()}
        known |= {word: (at, size) for word, size in dimension.words.items()}
    return known


_KNOWN = _known_units()


def _names(unit: str) -> tuple[str, str]:
    """A unit as written and without the ending of a plural, in one form of each character."""
    name = unicodedata.normalize("NFKC", unit).strip().rstrip(".")
    return name, name[:-1] if len(name) > 2 and name.endswith(("s", "S")) else name


def _readings(unit: str) -> list[tuple[int, Fraction]]:
    """The known units that a name may mean: by its exact letters, or without regard to case."""
    names = _names(unit)
    exact = [_KNOWN[name] for name in names if name in _KNOWN]
    if exact:
        return exact
    folded = {name.casefold() for name in names}
    return [reading for name, reading in _KNOWN.items() if name.casefold() in folded]


def conversion(given: str, asked: str) -> Fraction | None:
    """The factor from one unit to another: 0 where they contradict each other, None for an unknown unit.

    >>> conversion("s", "ms"), conversion("bytes", "ms"), conversion("pixels", "px")
    (Fraction(1000, 1), Fraction(0, 1), None)
    """
    if {name.casefold() for name in _names(given)} & {name.casefold() for name in _names(asked)}:
        exact = _names(given)[0] == _names(asked)[0] or not (_readings(given) and _readings(asked))
        if exact:
            return Fraction(1)
    readings, wanted = _readings(given), _readings(asked)
    if not readings:
        return None
    if not wanted:
        return Fraction(0)
    dimension, size = wanted[0]
    return next((other / size for at, other in readings if at == dimension), Fraction(0))


def split_unit(text: str) -> tuple[str, str]:
    """A number and the unit after it, both as texts: ``3.3 ms``, ``75%``; the unit is empty where there is none."""
    found = re.fullmatch(r"(.*?[\d).²³])\s*([^\W\d_%][^\d()]*|%)", text.strip())
    return (found[1], found[2].strip()) if found else (text.strip(), "")
