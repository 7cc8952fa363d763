"""Shapes as people write them: the signs between the sizes, and what a text that is no shape probably means."""

from __future__ import annotations

import re

from cnncli.arithmetic.numerals import in_ascii_digits, is_digits, split_sizes

BATCH_WORDS = ("n", "b", "none", "null", "-1", "?", "batch", "bs", "batch_size", "batchsize", "nothing")
OPEN_WORDS = ("none", "null", "-1", "?", "nothing")
MOST_AXES = 4


def shape_parts(text: str) -> list[str]:
    """The part of ``1x28x28``, ``1 × 28 × 28``, ``1*28*28``, ``(1, 28, 28)`` or ``6@28x28`` for each axis."""
    channels, sign, sizes = text.partition("@")
    return [channels.strip(), *split_sizes(sizes)] if sign else split_sizes(text)


def has_batch(parts: list[str]) -> bool:
    """Whether the first axis is the batch: ``N``, ``None``, ``-1`` …"""
    return len(parts) > 1 and parts[0].lower() in BATCH_WORDS


def probable_parts(text: str) -> list[str]:
    """The sizes in a text that is no shape, without the batch: ``torch.Size([64, 1, 28, 28])`` has 1, 28 and 28.

    An open size (``None``, ``?``) becomes a letter. Empty where a part of the text has no such meaning, so that no axis
    is left out.
    """
    text = in_ascii_digits(text[:200]).translate(_QUOTES)
    color = _COLOR.search(text)
    inner = _enclosed(_COLOR.sub(" ", text))
    last_at = re.fullmatch(r"\s*([\d xX×*,]+)@\s*(\d+)\s*", inner)  # 28x28@6: the channels are last
    if last_at:
        return [last_at[2], *split_sizes(last_at[1])]
    found = _sizes(inner)
    batched = bool(found) and (found[0].lower() in BATCH_WORDS or ("Size(" in text and len(found) == MOST_AXES))
    sizes = found[1:] if batched else found
    channels = _CHANNELS[color[0][:4].lower()] if color else ""
    if channels and len(sizes) == PLANE:
        sizes = [channels, *sizes]
    return [] if channels and channels not in (sizes[:1] + sizes[-1:]) else _opened(sizes)


_QUOTES = str.maketrans("'\"", "  ")  # of the texts in a list
PLANE = 2  # axes of an image without its channels
_CHANNELS = {"rgb": "3", "rgba": "4", "colo": "3", "gray": "1", "grey": "1", "mono": "1"}
_COLOR = re.compile(r"(?<![a-z])(rgba|rgb|colou?r|gr[ae]y(scale)?|mono(chrome)?)(?![a-wyz])", re.I)
_UNIT = re.compile(r"(?<=\d)\s*(px|pixels?)\b|\b(images?|inputs?|shape|of|with|channels?(?= \d|$))\b", re.I)
_AXIS = re.compile(r"\b(c|d|h|w|l|channels|depth|height|width|length)\s*[=:]\s*", re.I)
_BETWEEN = r"[\sxXхХ*,×✕✖⨯⨉@;(){}<>\[\]]+"
_WORDS = {"height": "H", "width": "W", "depth": "D", "length": "L"}
_ONE = r"[0-9]+|[A-Za-z]|[Nn]one|null|\?|-1|batch\w*|bs"


def _enclosed(text: str) -> str:
    """What brackets enclose, if all digits are there: ``1, 28, 28`` of ``Input(shape=(1, 28, 28))``."""
    enclosed = re.search(r"[(\[]([^()\[\]]*)[)\]]", text)
    outside = text[: enclosed.start()] + text[enclosed.end() :] if enclosed else text
    beside = re.search(r"[x×*,]\s*[(\[]|[)\]]\s*[x×*,]", text)  # Hx[8]: the brackets enclose one of several sizes
    return enclosed[1] if enclosed and not beside and not re.search(r"\d", outside) else text


def _sizes(text: str) -> list[str]:
    """The sizes of a text, numbers, letters and open ones; ``28²`` are two, ``28.0`` is one. Empty if there is more."""
    named = [name[0].lower() for name in _AXIS.findall(text)]
    if named != sorted(named, key="cdhwl".index):
        return []
    plain = _UNIT.sub(" ", _AXIS.sub(" ", text))
    words = re.split(_BETWEEN, plain.strip())
    if len(words) == 1:
        words = re.split(r"(?<=\d)[-/|](?=\d)", plain.strip())  # 3-32-32, unless x or a comma separates
    found: list[str] = []
    for word in filter(None, words):
        squared = re.fullmatch(r"([0-9]+)(²|\^2)", word)
        size = re.sub(r"(?<=[0-9])\.0+$", "", _WORDS.get(word.lower(), word))
        if not squared and not re.fullmatch(_ONE, size):
            return []
        found += [squared[1]] * PLANE if squared else [size]
    return found


def _opened(sizes: list[str]) -> list[str]:
    """Sizes with letters in place of open ones, after the channels; empty if they can be no shape."""
    letters = "C" + {1: "L", 2: "HW", 3: "DHW"}.get(len(sizes) - 1, "HWD")
    if not 1 <= len(sizes) <= MOST_AXES:
        return []
    named = [letters[at] if at and size.lower() in OPEN_WORDS else size for at, size in enumerate(sizes)]
    return named if all(is_digits(size) or (at and len(size) == 1) for at, size in enumerate(named)) else []
