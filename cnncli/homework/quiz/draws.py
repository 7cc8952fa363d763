"""Random draws that are the same on every machine and in every version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A sequence of random draws that depends only on a text and a secret key (of at most 64 bytes, or none).

    Without the key, nothing about the draws of one text follows from those of another: blake2b is a keyed hash.
    """

    def __init__(self, text: str, key: bytes = b"") -> None:
        digest = blake2b(text.encode(), digest_size=32, key=key).digest()
        self._random = Random(int.from_bytes(digest, "big"))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices. Only ``random()`` itself is guaranteed to stay the same in later versions of Python."""
        return choices[int(self._random.random() * len(choices))]

    def integer(self, least: int, most: int) -> int:
        """An integer from ``least`` to ``most``."""
        return least + int(self._random.random() * (most - least + 1))
