"""Which mistakes explain an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from cnncli.homework.languages.messages import Message, text
from cnncli.homework.mistakes.texts import argument, described, is_rare, template

NAMED_AT_MOST = 3  # ways to make one mistake that are described, of many that give the same value
MISTAKES_AT_MOST = 4  # mistakes that are described, of many that give the same value
MOST_PAIRS = 3  # pairs of mistakes that explain an answer; more are guesses
EVIDENT_DIGITS = 3  # a number with fewer digits is a multiple of ten of another by chance
_TENS = {Fraction(10) ** power for power in (-3, -2, -1, 1, 2, 3)}


def explanations(candidates: Mapping[str, Any], given: Any) -> list[str]:
    """The mistakes that give exactly this answer, in the order of the candidates.

    Pairs and rare mistakes explain only what no other single mistake does.
    """
    return chosen([name for name, value in candidates.items() if value is not None and value == given])


def chosen(found: list[str]) -> list[str]:
    """Those of the mistakes that give an answer that are named: single ones that are not rare, else all."""
    usual = [name for name in found if "+" not in name and not is_rare(name)]
    if usual:
        return usual
    pairs = [name for name in found if "+" in name]
    return pairs[:MOST_PAIRS] + [name for name in found if "+" not in name]


def of_shape(candidates: Mapping[str, Any], given: tuple[int, ...] | None, order: str) -> list[str]:
    """The mistakes in a shape that was written channels last, or without channels, where channels come first.

    Where the ``order`` is CxHxW, channels last is a mistake of its own.
    """
    if given is None or len(given) < 2 or order == "HxWxC":
        return []
    found = explanations(candidates, (given[-1], *given[:-1]))
    if found:
        return [f"HWC_order+{name}" for name in found if "+" not in name] if order else found
    bare = {name: value[1:] for name, value in candidates.items() if isinstance(value, tuple) and "+" not in name}
    sizes = [name for name in explanations(bare, given) if name not in ("HWC_order", "HWC_order#2")]
    return [f"{name}+forgot_channels" for name in sizes]


def slips(expected: Any, given: Any) -> list[str]:
    """Slips of the pen, named only where no other mistake explains the answer."""
    if isinstance(expected, tuple):
        if not isinstance(given, tuple) or len(given) != len(expected):
            return []
        differences = {abs(a - b) for a, b in zip(expected, given, strict=True) if a != b}
        return ["off_by_one"] if differences == {1} else []
    if not expected or isinstance(expected, str):
        return []
    if abs(Fraction(given) - expected) == 1:
        return ["off_by_one"]
    is_power = Fraction(given) / Fraction(expected) in _TENS
    return ["factor_ten"] if is_power and len(_significant(expected)) >= EVIDENT_DIGITS else []


def _significant(number: Any) -> str:
    """The digits of a whole number, or of a fraction's numerator, without zeros at its end."""
    return str(abs(Fraction(number).numerator)).rstrip("0")


def likely(names: Iterable[str]) -> Message:
    """The mistakes in words, as alternatives: ``either ignored the padding, or ignored the stride``.

    Two mistakes made together are ``both … and …``. Nothing for no mistakes.
    """
    ways: dict[str, list[str]] = {}
    for name in names:
        is_filled = "+" not in name and bool(argument(name))
        ways.setdefault(template(name) if is_filled else described(name), []).extend([argument(name)] * is_filled)
    texts = [
        text(way, _or(arguments)) if arguments else way if isinstance(way, Message) else text(way)
        for way, arguments in ways.items()
    ]
    if len(texts) < 2:
        return texts[0] if texts else text("")
    more = len(texts) - MISTAKES_AT_MOST
    shown, rest = texts[:MISTAKES_AT_MOST], texts[MISTAKES_AT_MOST:]
    shown += [text("made one of {count} other mistakes", count=more)] if more > 1 else rest
    listed = shown[0]
    for way in shown[1:]:
        listed = text("{one}, or {other}", one=listed, other=way)
    return text("either {ways}", ways=listed)


def _or(arguments: list[str]) -> str:
    """``c1, c2 or c3``; of more than NAMED_AT_MOST, the number of the others."""
    different = [*dict.fromkeys(arguments)]
    more = len(different) - NAMED_AT_MOST
    shown = different[:NAMED_AT_MOST]
    shown += [text("{count} others", count=more)] if more > 1 else different[NAMED_AT_MOST:]
    if len(shown) < 2:
        return shown[0]
    listed = shown[0]
    for each in shown[1:-1]:
        listed = text("{one}, {other}", one=listed, other=each)
    return text("{one} or {other}", one=listed, other=shown[-1])
