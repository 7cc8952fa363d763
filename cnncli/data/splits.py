"""Which files of a data set train a network and which test it, where the names of files and folders tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from cnncli.data.classes import TEST, TRAIN
from cnncli.errors import CnnError

T = TypeVar("T")

WHOLE = ""  # the part of a file whose name tells nothing


class Parts(NamedTuple):
    """The names of the parts to train and to test with; ``test`` is None where it has to be held out of ``train``."""

    train: str
    test: str | None
    notes: tuple[str, ...]


def part_of(path: Sequence[str]) -> str:
    """The part that a file belongs to by a word of its name, or else of the folder nearest to it; else WHOLE.

    >>> part_of(("train", "00.tar")), part_of(("all", "imagenet-validation-07.tar")), part_of(("latest-00.tar",))
    ('train', 'validation', '')
    """
    words = (word for name in reversed(path) for word in re.split("[^a-z]+", name.lower()))
    return next((word for word in words if word in TRAIN + TEST), WHOLE)


def by_part(files: Iterable[tuple[Sequence[str], T]]) -> dict[str, list[T]]:
    """The files, each given with its path, by their parts, in the order given."""
    parts: dict[str, list[T]] = {}
    for path, file in files:
        parts.setdefault(part_of(path), []).append(file)
    return parts


def choose_parts(source: str, parts: Iterable[str]) -> Parts:
    """Pick the part to train with and the one to test with, of the first name that is there. Raises CnnError."""
    names = list(parts)
    train = next((name for name in (*TRAIN, WHOLE) if name in names), None)
    test = next((name for name in TEST if name in names), None)
    if len(names) == 1:  # whatever it is called: there is nothing else
        return Parts(names[0], None, ())
    if train is None:
        raise CnnError(
            f"{source}: has the parts {', '.join(names)}, and none to train with",
            "call the one to train with train, and the other test or validation",
        )
    others = [name or "files whose names tell no part" for name in names if name not in (train, test)]
    return Parts(train, test, (f"not read: {', '.join(sorted(others))}",) if others else ())
