"""Shapes as people write them: ``6x28x28``, ``(None, 28, 28, 6)``, ``16 maps of 32x32``, ``C=16, H=32, W=32``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from cnncli.homework.reading.expression import NotAnExpression, evaluate
from cnncli.homework.reading.locales import POINT
from cnncli.homework.reading.numerals import meanings
from cnncli.homework.reading.tokens import NUMBER, SIGN, WORD, AnswerToken, is_sign
from cnncli.homework.reading.words import AXES, BATCH, LAYOUTS, NUMBER_WORDS, WRAPPERS, words

MOST_AXES = 4
LARGEST_SIZE = 10**10
_BRACKETS = {"(": ")", "[": "]", "<": ">"}
_SEPARATORS = words("x × * , ; @ | : by of and with mal por sur per à auf a de y e und mit en")
_STRONG = words(", ; @ |")
_OPERATORS = frozenset("+-/^")


class WrittenSizes(NamedTuple):
    """The sizes of a shape. ``labeled``: their axes are named, and they are channels first. ``batch``: they were
    written with a batch axis that is not a number."""

    sizes: tuple[int, ...]
    labeled: bool = False
    batch: bool = False


class _Item(NamedTuple):
    size: int
    axis: str


def read_sizes(tokens: Sequence[AnswerToken], layout: str = "") -> WrittenSizes | None:
    """The shape that tokens write, or None. ``layout`` is CHW or HWC where the answer names the order of its axes."""
    tokens = _with_squares(_with_axes_outside(_unwrapped(list(tokens))))
    if not tokens:
        return None
    named = next((LAYOUTS[t.text] for t in tokens if t.text in LAYOUTS), layout)
    tokens = [token for token in tokens if token.text not in LAYOUTS]
    while tokens and tokens[0].text in ("of", "with", "and"):
        tokens = tokens[1:]
    tokens, batch = _without_batch(_unwrapped(tokens))
    items = _items(tokens)
    if not items or len(items) > MOST_AXES or any(item.size > LARGEST_SIZE for item in items):
        return None
    found = _ordered(items)
    if found is None:
        return None
    sizes, labeled = found
    if named and not labeled and len(sizes) >= 3:
        lead = len(sizes) - 3
        labeled = True
        sizes = (*sizes[:lead], sizes[-1], *sizes[lead:-1]) if named == "HWC" else sizes
    return WrittenSizes(sizes, labeled, batch)


def _with_axes_outside(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """``28x28 (6 channels)`` as ``28x28, 6 channels``."""
    opened = [at for at, token in enumerate(tokens) if is_sign(token, "(") and at]
    if len(opened) != 1 or closing(tokens, opened[0]) != len(tokens) - 1:
        return tokens
    inner = tokens[opened[0] + 1 : -1]
    is_named = any(token.text in AXES for token in inner) and not any(
        token.text in AXES for token in tokens[: opened[0]]
    )
    return [*tokens[: opened[0]], AnswerToken(SIGN, ","), *inner] if is_named else tokens


def _with_squares(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """``6 x 28^2`` as ``6 x 28 x 28``."""
    if not any(token.text in ("x", "×", "@", "of") for token in tokens):
        return tokens
    found: list[AnswerToken] = []
    at = 0
    while at < len(tokens):
        power = [token.text for token in tokens[at + 1 : at + 5]]
        length = 5 if power == ["^", "(", "2", ")"] else 3 if power[:2] == ["^", "2"] else 1
        is_square = length > 1 and tokens[at].kind == NUMBER
        found += [tokens[at], AnswerToken(SIGN, "x"), tokens[at]] if is_square else tokens[at : at + 1]
        at += length if is_square else 1
    return found


def _unwrapped(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens without brackets around all of them, and without ``torch.Size`` and the like."""
    while tokens:
        at = next((i for i, t in enumerate(tokens) if t.text not in WRAPPERS and not is_sign(t, ".")), 0)
        if at and tokens[at].text in _BRACKETS:
            tokens = tokens[at:]
        if tokens[0].text in _BRACKETS and closing(tokens, 0) == len(tokens) - 1:
            tokens = tokens[1:-1]
            continue
        return tokens
    return tokens


def closing(tokens: Sequence[AnswerToken], at: int) -> int:
    """The position of the bracket that closes the one at a position; -1 if none does."""
    depth = 0
    for end in range(at, len(tokens)):
        if tokens[end].kind == SIGN:
            depth += (tokens[end].text in _BRACKETS) - (tokens[end].text in _BRACKETS.values())
        if depth == 0:
            return end
    return -1


def _without_batch(tokens: list[AnswerToken]) -> tuple[list[AnswerToken], bool]:
    """The tokens without a first axis that is no number: ``None``, ``N``, ``?``, ``-1`` or ``batch``."""
    if len(tokens) > 2 and tokens[0].text in BATCH and tokens[1].text in (",", "x", "×", "*", ";", "@"):
        return tokens[2:], True
    if len(tokens) > 3 and is_sign(tokens[0], "-") and tokens[1].text == "1" and tokens[2].text in (",", "x", "×"):
        return tokens[3:], True
    return tokens, False


def _items(tokens: Sequence[AnswerToken]) -> list[_Item]:
    """The sizes, each with the name of its axis if it has one; none where a part is not a size."""
    if _are_counted_maps(tokens):
        return [*_items(tokens[:1]), *_items(tokens[1:-1])]
    found: list[_Item] = []
    is_list = not any(is_sign(token, "x", "×", "*", "@") for token in tokens)
    for part in _parts(tokens):
        items = _part(part, is_list=is_list)
        if not items:
            return []
        found += items
    is_product = any(is_sign(token, "*") for token in tokens) and not any(is_sign(token, ",") for token in tokens)
    return [] if is_product and any(is_sign(token, *_OPERATORS) for token in tokens) else found


def _are_counted_maps(tokens: Sequence[AnswerToken]) -> bool:
    """Whether the tokens are those of ``6 28x28 maps``."""
    kinds = [NUMBER if token.text in NUMBER_WORDS else token.kind for token in tokens]
    is_so = kinds == [NUMBER, NUMBER, SIGN, NUMBER, WORD] and AXES.get(tokens[-1].text) == "C"
    return is_so and is_sign(tokens[2], "x", "×", "*")


def _parts(tokens: Sequence[AnswerToken]) -> list[list[AnswerToken]]:
    """The tokens between separators, at the outermost level; names of axes stay with their numbers."""
    top = _top_level(tokens)
    has_operators = any(is_sign(tokens[at], *_OPERATORS) for at in top)
    separators = _STRONG if has_operators else _SEPARATORS
    bounds = [at for at in top if tokens[at].text in separators and not _is_label_sign(tokens, at)]
    parts, begin = [], 0
    for end in (*bounds, len(tokens)):
        parts.append(list(tokens[begin:end]))
        begin = end + 1
    if parts and not parts[-1] and bounds and tokens[bounds[-1]].text == ",":
        parts.pop()  # (120,)
    return [piece for part in parts for piece in (_split_labeled(part) or [part])]


def _is_label_sign(tokens: Sequence[AnswerToken], at: int) -> bool:
    """Whether a colon or a word belongs to the name of an axis: ``C: 6``, or ``e`` and ``a`` in other languages."""
    return tokens[at].text == ":" and at > 0 and tokens[at - 1].text in AXES


def _top_level(tokens: Sequence[AnswerToken]) -> list[int]:
    found, depth = [], 0
    for at, token in enumerate(tokens):
        if token.kind == SIGN and token.text in _BRACKETS.values():
            depth -= 1
        if depth == 0:
            found.append(at)
        if token.kind == SIGN and token.text in _BRACKETS:
            depth += 1
    return found


def _split_labeled(part: list[AnswerToken]) -> list[list[AnswerToken]]:
    """``height 28 width 28`` and ``6 channels 28 high`` as one part for each number with its name."""
    names = [at for at, token in enumerate(part) if token.kind == WORD and token.text in AXES]
    numbers = [at for at, token in enumerate(part) if token.kind == NUMBER]
    if len(numbers) < 2 or not names:
        return []
    if names[0] < numbers[0]:
        bounds = [*names, len(part)]
        return [part[begin:end] for begin, end in pairwise(bounds)]
    pieces, begin = [], 0
    for at in names:
        pieces.append(part[begin : at + 1])
        begin = at + 1
    return [*pieces, *([part[begin:]] if begin < len(part) else [])]


def _part(part: list[AnswerToken], *, is_list: bool) -> list[_Item]:
    """The sizes of a part: a number, an expression, a list in brackets, or several numbers with spaces between."""
    axes = [AXES[token.text] for token in part if token.kind == WORD and token.text in AXES]
    bare = [token for token in part if not (token.kind == WORD and token.text in AXES) and not is_sign(token, "=", ":")]
    if axes:
        bare = [token for token in bare if not is_sign(token, "-")]  # 6-channel
    if len({*axes}) > 1 or not bare:
        return []
    axis = axes[0] if axes else ""
    if all(token.kind == NUMBER for token in bare):
        read = [_numeral_sizes(token.text, is_list=is_list) for token in bare]
        sizes = [size for found in read for size in found]
        return [_Item(size, axis if len(sizes) == 1 else "") for size in sizes] if all(read) else []
    if len(bare) == 1 and bare[0].text in NUMBER_WORDS:
        return [_Item(NUMBER_WORDS[bare[0].text], axis)]
    return _nested(bare, axis)


def _nested(bare: list[AnswerToken], axis: str) -> list[_Item]:
    """The sizes of a part with brackets: ``(28 x 28)``, ``(28 - 5)/1 + 1``, ``6 (28x28)``."""
    try:
        value = evaluate(bare, POINT).number
    except NotAnExpression:
        value = None
    inner = _unwrapped(bare)
    has_numerals = all(token.kind == NUMBER for token in inner) and (value is None or value.denominator != 1)
    is_list = len(inner) < len(bare) and (has_numerals or any(token.text in _SEPARATORS for token in inner))
    if value is not None and not is_list and value.denominator == 1:
        if bare[0].kind == NUMBER and len(bare) > 1 and is_sign(bare[1], "("):
            return [*_items(bare[:1]), *_items(_unwrapped(bare[1:]))]  # 6 (28 x 28)
        return [_Item(int(value), axis)]
    if is_list:
        return _items(inner)
    opened = next((at for at, token in enumerate(bare) if token.text in _BRACKETS), 0)
    if opened and closing(bare, opened) == len(bare) - 1:
        return [*_items(bare[:opened]), *_items(_unwrapped(bare[opened:]))]
    return []


def _numeral_sizes(text: str, *, is_list: bool) -> list[int]:
    """The whole number of a numeral, or the numbers that its commas (or points) separate: 6,28,28.

    64,112,112 may be either: it is a list where no other sign separates sizes.
    """
    is_whole = any(value.denominator == 1 for value in meanings(text).values())
    for mark in ",.":
        parts = text.split(mark)
        are_sizes = len(parts) > 1 and all(part.isdigit() and (part == "0" or part[0] != "0") for part in parts)
        if are_sizes and ((mark == "," and (is_list or not is_whole)) or (len(parts) > 2 and not is_whole)):
            return [int(part) for part in parts]
    whole = [value for value in meanings(text).values() if value.denominator == 1]
    return [int(whole[0])] if whole else []


def _ordered(items: list[_Item]) -> tuple[tuple[int, ...], bool] | None:
    """The sizes with channels first where axes are named; None where an axis is named twice."""
    axes = [item.axis for item in items if item.axis]
    if len({*axes}) < len(axes):
        return None
    if not axes:
        return tuple(item.size for item in items), False
    items = [item for item in items if item.axis != "N"]
    if len(items) > 1 and not any(item.axis == "C" for item in items):
        unnamed = [item for item in items if not item.axis]
        if len(unnamed) == 1:
            items = [item._replace(axis="C") if item is unnamed[0] else item for item in items]
    rank = {"C": 0, "": 1, "H": 1, "W": 2}
    ordered = sorted(items, key=lambda item: rank[item.axis])
    return tuple(item.size for item in ordered), True
