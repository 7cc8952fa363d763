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

    An open size (``None``, ``?``) becomes a letter. Empty where there is no shape in it.
    """
    text = re.sub(r"^\s*rgb(?=\s*[0-9xX× ])", "3x", in_ascii_digits(text[:200]), flags=re.I)
    if re.search(r"[0-9]\.[0-9]*[1-9]", text):
        return []  # a fraction is no size
    enclosed = re.search(r"[(\[]([^()\[\]]*)[)\]]", text)
    inner = enclosed.group(1) if enclosed and re.search(r"\d", enclosed.group(1)) else text
    last_at = re.fullmatch(r"\s*([\d xX×*,]+)@\s*(\d+)\s*", inner)  # 28x28@6: the channels are last
    if last_at:
        return [last_at[2], *split_sizes(last_at[1])]
    found = _tokens(inner)
    batched = bool(found) and (found[0].lower() in BATCH_WORDS or ("Size(" in text and len(found) == MOST_AXES))
    return _opened(found[1:] if batched else found)


_TOKEN = r"\d+|\bNone\b|\bnull\b|\?|-1|\b(?:batch\w*|bs|[A-Z])\b"


def _tokens(text: str) -> list[str]:
    """The numbers and open sizes of a text; ``28²`` are two of them, and ``28.0`` is one."""
    spaced = text.replace("x", " ").replace("X", " ")
    squared = re.sub(r"(\d+)(?:²|\^2\b)", r"\1 \1", re.sub(r"(\d)\.0+(?!\d)", r"\1", spaced))
    return re.findall(_TOKEN, squared)


def _opened(sizes: list[str]) -> list[str]:
    """Sizes with letters in place of open ones, after the channels; empty if they can be no shape."""
    letters = iter({1: "L", 2: "HW", 3: "DHW"}.get(len(sizes) - 1, "HWD"))
    named = [next(letters, "") if at and size.lower() in OPEN_WORDS else size for at, size in enumerate(sizes)]
    read = all(is_digits(size) or (at and len(size) == 1) for at, size in enumerate(named))
    return named if read and 1 <= len(named) <= MOST_AXES else []
