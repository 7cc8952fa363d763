"""The names of mistakes that give an answer, in words and in the order of :mod:`.table`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnncli.homework.languages.messages import Message, text
from cnncli.homework.mistakes.table import MISTAKES, RARE

POOL_NAMES = {"max": "max", "avg": "average", "l2": "L2"}
# What fills the border, in words, by padding mode.
BORDERS = {
    "zeros": "zeros",
    "replicate": "the values at the edge",
    "reflect": "the reflected values",
    "circular": "the values of the opposite edge",
}
# Pairs that are made so often that they have a name.
_NAMED_PAIRS = {frozenset(("forgot_in_channels", "forgot_bias")): "forgot_in_channels_and_bias"}
_RARE = {name for name, mistake in MISTAKES.items() if mistake.likelihood == RARE}
_PLACES = {name: place for place, name in enumerate(MISTAKES)}


def pair(one: str, two: str) -> str:
    """The name of two mistakes made together."""
    named = _NAMED_PAIRS.get(frozenset((plain(one), plain(two))))
    if named is None:
        return f"{one}+{two}"
    variants = {name.partition("#")[2] for name in (one, two)} & {*MISTAKES[named].variants}
    return "#".join((named, *variants))


def plain(name: str) -> str:
    """The public id of a mistake, or of two (``ID+ID``): its name without variants."""
    return "+".join(part.partition("#")[0] for part in name.split("+"))


def plain_ids(names: Iterable[str]) -> tuple[str, ...]:
    """The public ids of several mistakes, each once."""
    return tuple(dict.fromkeys(map(plain, names)))


def detail(name: str) -> str:
    """The variant of a mistake if it is a phrase that fills in its text (``without conv2``), else ""."""
    variant = name.partition("#")[2]
    return variant if " " in variant else ""


def is_rare(name: str) -> bool:
    """Whether a mistake is named only where no other gives the answer."""
    return any(part in _RARE for part in plain(name).split("+"))


def order_of(name: str) -> tuple[int, int, int]:
    """The key that sorts mistakes by likelihood: single ones before pairs, which are as likely as their rarer one."""
    parts = plain(name).split("+")
    return len(parts), max(MISTAKES[part].likelihood for part in parts), max(_PLACES[part] for part in parts)


def described(name: str) -> Message:
    """A mistake in words (``forgot the biases``), or two made together: ``both A and B``."""
    one, *others = (text(template(part), *filter(None, [argument(part)])) for part in name.split("+"))
    for other in others:
        one = text("both {one} and {other}", one=one, other=other)
    return one


def template(name: str) -> str:
    """The text of a mistake, with braces where its variant is filled in."""
    mistake, _, variant = name.partition("#")
    key = variant.partition(" ")[0].partition("/")[0]
    return MISTAKES[mistake].variants.get(key, MISTAKES[mistake].text)


def argument(name: str) -> str:
    """What fills in the text of a mistake: ``conv2`` of ``total_missing_or_double#without conv2``."""
    filled = name.partition("#")[2].partition(" ")[2]
    if filled in BORDERS.values() or filled in POOL_NAMES.values():
        return text(filled)
    layers = re.fullmatch(r"the (\w+) layers", filled)
    return text("the {kind} layers", kind=layers[1]) if layers else filled
