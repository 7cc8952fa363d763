"""Which mistakes explain an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from cnncli.homework.mistakes.texts import described, detail

NAMED_AT_MOST = 3  # ways to make one mistake that are described, of many that give the same value
_TENS = {Fraction(10) ** power for power in (-3, -2, -1, 1, 2, 3)}


def explanations(candidates: Mapping[str, Any], given: Any) -> list[str]:
    """The mistakes that give exactly this answer: pairs only where no single one does."""
    found = [name for name, value in candidates.items() if value is not None and value == given]
    return [name for name in found if "+" not in name] or found


def slips(expected: Any, given: Any) -> list[str]:
    """Slips of the pen, named only where no other mistake explains the answer."""
    if isinstance(expected, tuple):
        differences = {abs(a - b) for a, b in zip(expected, given, strict=True) if a != b}
        return ["off_by_one"] if differences == {1} else []
    if not expected or isinstance(expected, str):
        return []
    if abs(Fraction(given) - expected) == 1:
        return ["off_by_one"]
    return ["factor_ten"] if Fraction(given) / Fraction(expected) in _TENS else []


def likely(names: Iterable[str]) -> str:
    """The mistakes in words, as alternatives: ``ignored the padding, or ignored the stride``; nothing for none."""
    details: dict[str, list[str]] = {}
    for name in names:
        added = "" if "+" in name else detail(name)
        found = details.setdefault(described(name).removesuffix(f" ({added})"), [])
        if added and len(found) < NAMED_AT_MOST:
            found.append(added)
    return ", or ".join(f"{text} ({'; '.join(found)})" if found else text for text, found in details.items())
