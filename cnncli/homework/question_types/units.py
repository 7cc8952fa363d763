"""Units of numbers, and the factors between them."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.reading.words import MULTIPLES

_SMALL = {"n": Fraction(1, 10**9), "μ": Fraction(1, 10**6), "u": Fraction(1, 10**6), "m": Fraction(1, 10**3)}
_LARGE = {name: Fraction(1000) ** power for power, name in enumerate("kMGTP", 1)} | {"K": Fraction(1000)}
_BINARY = {f"{name}i": Fraction(1024) ** power for power, name in enumerate("KMGTP", 1)}
_ONE = {"": Fraction(1)}
_PREFIX_WORDS = _ONE | {
    **dict.fromkeys(("nano", "nanos"), Fraction(1, 10**9)),
    **dict.fromkeys(("micro", "mikro", "micros"), Fraction(1, 10**6)),
    **dict.fromkeys(("milli", "mili", "milis"), Fraction(1, 10**3)),
    **{name: Fraction(1000) ** power for power, name in enumerate(("kilo", "mega", "giga", "tera", "peta"), 1)},
    **{name: Fraction(1024) ** power for power, name in enumerate(("kibi", "mebi", "gibi", "tebi", "pebi"), 1)},
}


class _Dimension(NamedTuple):
    """The names of units that can be converted into each other, with their sizes, and their prefixes."""

    symbols: dict[str, Fraction]
    prefixes: dict[str, Fraction] = _ONE
    words: dict[str, Fraction] = {}  # names whose case does not count  # noqa: RUF012


def _sizes(**sizes: int | Fraction) -> dict[str, Fraction]:
    return {name: Fraction(size) for name, size in sizes.items()}


def _words(names: str, prefixes: dict[str, Fraction], size: int | Fraction = 1) -> dict[str, Fraction]:
    """The names with and without each prefix."""
    return {f"{prefix}{name}": factor * size for prefix, factor in (_ONE | prefixes).items() for name in names.split()}


_DIMENSIONS = (
    _Dimension(
        _sizes(s=1), _ONE | _SMALL,
        _words("sec second seconde sekunde sek segundo secondo 초", _PREFIX_WORDS | _SMALL)
        | _words("min minute minuten minuto 분", _ONE, 60)
        | _words("h hr hour stunde std hora heure 시간", _ONE, 3600) | {"밀리초": Fraction(1, 1000)},
    ),
    _Dimension(
        _sizes(B=1), _ONE | _LARGE | _BINARY,
        _words("byte octet oktett 바이트", _LARGE | _BINARY | _PREFIX_WORDS)
        | _words("bit", _LARGE | _BINARY | _PREFIX_WORDS, Fraction(1, 8))
        | dict.fromkeys(("Kb", "kb"), _LARGE["K"])
        | dict.fromkeys(("kiB", "KIB", "Kib", "kib"), _BINARY["Ki"]),
    ),
    _Dimension({}, _ONE, _words("FLOP", _LARGE | _PREFIX_WORDS)),
    _Dimension({}, _ONE, _words("FLOP/s FLOPs/s", _LARGE)),
    _Dimension({}, _ONE, _words("MAC", _LARGE | _PREFIX_WORDS)),
    _Dimension({}, _ONE, _words("Hz hertz", _LARGE | _PREFIX_WORDS)),
    _Dimension(_sizes(W=1), _ONE | _SMALL | _LARGE, _words("watt", _PREFIX_WORDS)),
    _Dimension(_sizes(J=1, Wh=3600), _ONE | _SMALL | _LARGE, _words("joule", _PREFIX_WORDS)),
    _Dimension(
        _sizes(m=1, cm=Fraction(1, 100)), _ONE | _SMALL | {"k": Fraction(1000)},
        _words("meter metre", _PREFIX_WORDS | {"centi": Fraction(1, 100)}),
    ),
    _Dimension({"%": Fraction(1)}, _ONE, _words("percent pct prozent", _ONE) | {"per cent": Fraction(1)}),
)  # fmt: skip


class WrongCase(Exception):
    """A unit in upper or lower case that it does not have: Ms is not ms. The text is the name with its own case."""


def _known_units() -> dict[str, tuple[int, Fraction]]:
    """Each name of a unit with its dimension and its size."""
    known: dict[str, tuple[int, Fraction]] = {}
    for at, dimension in enumerate(_DIMENSIONS):
        for prefix, factor in dimension.prefixes.items():
            known |= {f"{prefix}{symbol}": (at, factor * size) for symbol, size in dimension.symbols.items()}
        known |= {word: (at, size) for word, size in dimension.words.items()}
    return known


_KNOWN = _known_units()
_SYMBOLS = {name.casefold(): name for name in _KNOWN if all(name not in one.words for one in _DIMENSIONS)}
_WORDS = {name.casefold(): meaning for name, meaning in _KNOWN.items() if name.casefold() not in _SYMBOLS}
LONGEST_UNIT = max(map(len, _KNOWN)) + 1  # with the ending of a plural


def _names(unit: str) -> tuple[str, ...]:
    """A unit as written and without the ending of a plural, in one form of each character."""
    name = unicodedata.normalize("NFKC", unit).strip().rstrip(".")
    if len(name) < 3:
        return (name,)
    ends = [end for end in ("s", "S", "n", "es") if name.endswith(end) and len(name) > len(end) + 2]
    return (name, *(name.removesuffix(end) for end in ends))


def _meaning(unit: str) -> tuple[int, Fraction] | None:
    """The dimension and the size of a unit; None for an unknown one. Raises WrongCase.

    The case of a symbol counts, mW is not MW; that of a word such as KByte does not.
    """
    names = _names(unit)
    exact = next((_KNOWN[name] for name in names if name in _KNOWN), None)
    exact = exact or next((_WORDS[name.casefold()] for name in names if name.casefold() in _WORDS), None)
    if exact is None and names[0].casefold() in _SYMBOLS:
        raise WrongCase(_SYMBOLS[names[0].casefold()])
    return exact


def is_known(unit: str) -> bool:
    """Whether a text is a unit of the table, in whichever case."""
    try:
        return _meaning(unit) is not None
    except WrongCase:
        return True


def conversion(given: str, asked: str) -> Fraction | None:
    """The factor from one unit to another: 0 where they contradict each other, None for an unknown unit.

    Raises WrongCase for a unit of the table in upper or lower case that it does not have.

    >>> conversion("s", "ms"), conversion("bytes", "ms"), conversion("pixels", "px")
    (Fraction(1000, 1), Fraction(0, 1), None)
    """
    try:
        wanted = _meaning(asked)
    except WrongCase:
        wanted = None
    if _names(given)[0] == _names(asked)[0]:
        return Fraction(1)
    if wanted is None and {*map(str.casefold, _names(given))} & {*map(str.casefold, _names(asked))}:
        return Fraction(1)
    if wanted is None and given.casefold() in MULTIPLES:
        return None  # 138M parameters
    reading = _meaning(given)
    if reading is None:
        return None
    return reading[1] / wanted[1] if wanted is not None and reading[0] == wanted[0] else Fraction(0)


def is_binary(unit: str) -> bool:
    """Whether a unit is a multiple of 1024: KiB."""
    return bool(re.fullmatch(r"[kKMGTP][iI][bB]", unit) and is_known(unit))


def binary_of(unit: str) -> str:
    """``KiB`` for ``KB`` and ``kB``, which many use for 1024 bytes; empty for other units."""
    found = re.fullmatch(r"([kKMGTP])[Bb]", unit)
    return f"{found[1].upper()}iB" if found else ""


def split_unit(text: str) -> tuple[str, str]:
    """A number and the unit after it, both as texts: ``3.3 ms``, ``75%``; the unit is empty where there is none."""
    found = re.fullmatch(r"(.*?[\d).²³])\s*([^\W\d_%][^\d()]*|%)", text.strip())
    return (found[1], found[2].strip()) if found else (text.strip(), "")
