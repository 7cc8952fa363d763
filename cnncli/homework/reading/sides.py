"""The sides of an answer: ``H_out = (52 + 6 - 9)/2 + 1 = 25`` has a name, an expression and its result."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from cnncli.homework.reading.expression import ExactValue, NotAnExpression, evaluate
from cnncli.homework.reading.shapes import WrittenSizes, read_sizes
from cnncli.homework.reading.tokens import NUMBER, SIGN, WORD, AnswerToken, is_sign
from cnncli.homework.reading.words import (
    AXES,
    BIASES,
    FILLERS,
    LABELS,
    LAYOUTS,
    MULTIPLES,
    PARAMETERS,
    PERCENT,
    PREFIXED,
    SIGN_WORDS,
    UNITS,
    Unit,
    words,
)

_EQUALITY = ("=", "≈", "→")
_CONNECTING = words("equals gives makes make yields ergo rounded rounds floored abgerundet gerundet arredondado")
_KEPT_IN_SHAPES = words("x of by and with de e und mit per")
_LONGEST_PHRASE = max(map(len, UNITS))
_LAYER = re.compile(r"(?:conv|c|fc|s|f|l|linear|dense|maxpool|avgpool|pool|layer|flatten|relu|block)\d{1,2}")
_NAME = re.compile(r"[^\W\d_]\w{0,2}|\w+_\w+|[a-z]{1,12}\d{1,3}")


class Side(NamedTuple):
    """One side of an answer: its number or its sizes, or neither for a name (``is_name``); its units; its text."""

    value: ExactValue | None
    sizes: WrittenSizes | None
    units: tuple[tuple[str, Unit], ...]
    text: str
    is_name: bool = False

    @property
    def is_read(self) -> bool:
        """Whether the side has a number or sizes."""
        return self.value is not None or self.sizes is not None


def split_sides(tokens: Sequence[AnswerToken]) -> list[list[AnswerToken]]:
    """The tokens between signs of equality, arrows, and words such as ``so``; a colon ends a name."""
    parts: list[list[AnswerToken]] = [[]]
    for token in tokens:
        is_colon = is_sign(token, ":") and not any(other.kind == NUMBER for other in parts[-1])
        if is_sign(token, *_EQUALITY) or is_colon or (token.kind == WORD and token.text in _CONNECTING):
            parts.append([])
        else:
            parts[-1].append(token)
    return [_trimmed(part) for part in parts if _trimmed(part)]


def _trimmed(part: list[AnswerToken]) -> list[AnswerToken]:
    while part and is_sign(part[-1], ",", ";", ".", "!", "?", "...", ":"):
        part = part[:-1]
    while part and is_sign(part[0], ",", ";", ".", ":"):
        part = part[1:]
    return part


def read_side(tokens: list[AnswerToken], convention: str, layout: str) -> Side:
    """A side, with its numerals read by a convention."""
    tokens = _with_signs([piece for token in tokens for piece in _unprefixed(token)])
    units, bare = _without_units(tokens)
    while bare and bare[0].text in ("of", "by", "at"):
        bare = bare[1:]
    amount = math.prod(unit.amount for _, unit in units)
    try:
        value = evaluate(bare, convention) if bare and not _has_inner_name(tokens) else None
    except NotAnExpression:
        value = None
    if value is not None and (value.operators or not _counts_biases(tokens)):
        units = [(name, Unit(PARAMETERS) if unit.counts == BIASES else unit) for name, unit in units]
    if value is not None and bare[-1].text == "%" and not units:
        units = [(PERCENT, Unit(PERCENT))]
    if value is not None and amount != 1:
        value = ExactValue(value.number * amount, value.operators, (value.quantum or _last_digit(bare)) * amount)
    named = [token for token in tokens if not _is_ignored_in_shape(token)]
    sizes = read_sizes(_without_sized_units(named), layout)
    is_name = value is None and sizes is None and all(map(_may_be_in_name, tokens))
    if is_name and any(token.kind == SIGN for token in tokens):
        units = []  # of a formula
    return Side(value, sizes, tuple(units), written(tokens), is_name)


def _counts_biases(tokens: Sequence[AnswerToken]) -> bool:
    """Whether biases are what a number counts, as in ``6 biases``, not a part of it: ``156 with biases``."""
    return any(
        number.kind == NUMBER and (token.text,) in UNITS and UNITS[(token.text,)].counts == BIASES
        for number, token in pairwise(tokens)
    )


def _has_inner_name(tokens: Sequence[AnswerToken]) -> bool:
    """Whether a colon ends a name after a number, ``312 params: 2``, where it does not divide."""
    return any(
        before.kind == WORD and before.text not in MULTIPLES and is_sign(colon, ":")
        for before, colon in pairwise(tokens)
    )


def written(tokens: Sequence[AnswerToken]) -> str:
    """The tokens as a text."""
    return "".join(f"{' ' if token.spaced else ''}{token.text}" for token in tokens).strip()


def _unprefixed(token: AnswerToken) -> list[AnswerToken]:
    """``gflops`` as ``g flops``."""
    if token.kind == WORD and token.text in PREFIXED and (token.text,) not in UNITS:
        return [AnswerToken(WORD, part, spaced=True) for part in PREFIXED[token.text]]
    return [token]


def _with_signs(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens with signs for words such as ``plus``, and for ``and`` between two counts of parameters."""
    numbers = sum(token.kind == NUMBER for token in tokens)
    counted = sum((token.text,) in UNITS and UNITS[(token.text,)].counts in (PARAMETERS, BIASES) for token in tokens)
    signs = {**SIGN_WORDS, **(dict.fromkeys(("and", "und", "e", "y", "&"), "+") if numbers == counted == 2 else {})}
    return [AnswerToken(SIGN, signs[t.text], t.spaced) if t.kind == WORD and t.text in signs else t for t in tokens]


def _without_units(tokens: Sequence[AnswerToken]) -> tuple[list[tuple[str, Unit]], list[AnswerToken]]:
    """The units among the tokens, the longest phrases first, and the tokens without them and without fillers."""
    units: list[tuple[str, Unit]] = []
    bare: list[AnswerToken] = []
    at, is_decided = 0, False
    while at < len(tokens):
        length = _unit_at(tokens, at)
        if length:
            phrase = tuple(token.text for token in tokens[at : at + length])
            has_number = any(token.kind == NUMBER for token in bare)
            if not _is_inside(tokens, at) and not is_decided:
                units = [*([] if has_number else units), (" ".join(phrase), UNITS[phrase])]
                is_decided = has_number  # the unit just after the number
        elif not (tokens[at].kind == WORD and (tokens[at].text in FILLERS or _LAYER.fullmatch(tokens[at].text))):
            bare.append(tokens[at])
        at += length or 1
    while bare and is_sign(bare[-1], ".", ",", "!", ";"):
        bare.pop()
    return units, [token for token in bare if not is_sign(token, ".")]


def _is_inside(tokens: Sequence[AnswerToken], at: int) -> bool:
    """Whether numbers stand before and after a unit, as in ``6 filters * 26``: the whole has another unit."""
    return all(any(token.kind == NUMBER for token in part) for part in (tokens[:at], tokens[at:]))


def _unit_at(tokens: Sequence[AnswerToken], at: int) -> int:
    """The number of tokens of the longest unit that begins at a position; 0 for none."""
    if tokens[at].kind != WORD:
        return 0
    for length in range(min(_LONGEST_PHRASE, len(tokens) - at), 0, -1):
        if tuple(token.text for token in tokens[at : at + length]) in UNITS:
            return length
    return 0


def _last_digit(bare: Sequence[AnswerToken]) -> Fraction:
    """The worth of the last digit of a decimal number: 1/100 of 0.62."""
    text = bare[0].text if len(bare) == 1 else ""
    decimals = re.split(r"[.,]", text)[1:]
    return Fraction(1, 10 ** len(decimals[-1])) if decimals else Fraction(1)


def _is_ignored_in_shape(token: AnswerToken) -> bool:
    is_kept = any(token.text in kept for kept in (AXES, LAYOUTS, _KEPT_IN_SHAPES))
    return token.kind == WORD and not is_kept and (token.text in FILLERS or bool(_LAYER.fullmatch(token.text)))


def _without_sized_units(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens without units other than axes: pixels, neurons, ``per side``; ``feature maps`` as ``maps``."""
    found, at = [], 0
    while at < len(tokens):
        length = _unit_at(tokens, at)
        last = tokens[at + length - 1] if length else None
        if last is None:
            found.append(tokens[at])
        elif last.text in AXES:
            found.append(last)
        at += length or 1
    return found


def _may_be_in_name(token: AnswerToken) -> bool:
    """Whether a token may be part of a name or of a formula with letters: ``C_out``, ``floor((n + 2p - k)/s) + 1``."""
    if token.kind == WORD:
        is_known = token.text in LABELS or token.text in FILLERS or token.text in AXES or token.text in LAYOUTS
        return is_known or (token.text,) in UNITS or bool(_NAME.fullmatch(token.text)) or token.text in MULTIPLES
    return token.kind == NUMBER or token.text in "+-*/^()[]x×,.⌊⌋⌈⌉'#|"


def layout_of(sides: Sequence[Sequence[AnswerToken]]) -> str:
    """``HWC`` or ``CHW`` where a name says so: ``(H, W, C) = (28, 28, 6)``, ``HxWxC: 28x28x6``, ``channels last``."""
    for side in sides:
        letters = "".join(token.text for token in side if token.kind == WORD).replace("x", "")
        letters = letters.removeprefix("shape").removesuffix("shape")
        for layout in ("HWC", "CHW"):
            if letters in (layout.lower(), f"n{layout.lower()}", f"b{layout.lower()}"):
                return layout
        if "channels last" in " ".join(token.text for token in side) or "channel last" in letters:
            return "HWC"
        if "channels first" in " ".join(token.text for token in side):
            return "CHW"
    return ""


def is_list(side: Side) -> bool:
    """Whether a side is a list of sizes with x between them, which is a product only where a number is asked."""
    if side.value is None:
        return side.sizes is not None and len(side.sizes.sizes) > 1
    return side.sizes is not None and bool(side.value.operators) and {*side.value.operators} <= {"x", "×"}


def agree(one: Side, other: Side) -> bool:
    """Whether two sides state the same: equal numbers, one rounded to the other, or sizes and their product."""
    if one.sizes is not None and other.sizes is not None and is_list(one) and is_list(other):
        return one.sizes.sizes == other.sizes.sizes
    if one.value is None and one.sizes is not None and other.value is not None:
        return math.prod(one.sizes.sizes) == other.value.number
    if one.value is None or other.value is None:
        return False
    if other.value.quantum and abs(one.value.number - other.value.number) <= other.value.quantum / 2:
        return True
    left, right = one.value.number, other.value.number
    if left == right:
        return True
    if right.denominator == 1 and left.denominator != 1:
        return right in (math.floor(left), math.ceil(left))
    places = _decimals(right)
    return bool(places) and abs(left - right) <= Fraction(1, 10**places)


def _decimals(value: Fraction) -> int:
    """The number of decimals of a decimal fraction, at most 6; 0 for others."""
    return next((places for places in range(1, 7) if (value * 10**places).denominator == 1), 0)
