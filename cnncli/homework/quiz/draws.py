"""Draws at random that are the same on every machine and in every version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A sequence of draws that depends on a text alone."""

    def __init__(self, text: str) -> None:
        digest = blake2b(text.encode(), digest_size=8).digest()
        self._random = Random(int.from_bytes(digest, "big"))

    def pick(self, choices: Sequence[T]) -> T:
        """One of them; only ``random()`` itself is promised to stay the same from version to version."""
        return choices[int(self._random.random() * len(choices))]

    def whole(self, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``."""
        return least + int(self._random.random() * (most - least + 1))
