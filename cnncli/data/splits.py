"""Which examples train a network and which test it: by the names of files and folders, else one in five is held out.

A dataset is split in the same way each time and on every machine, so that a run can be evaluated later and elsewhere.
What identifies an example decides the strategy by which examples are held out:

- ``hold_out_by_permutation``: rows have no names; one fixed permutation of their numbers (arrays, tables, the hub)
- ``hold_out_by_rank``: files have names; those with the lowest hashes, exactly one in five (class folders, masks)
- ``hold_out_by_hash``: samples have keys; each key's hash decides alone, whatever other shards exist (WebDataset)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnncli.errors import CnnError

T = TypeVar("T")
Rows = NDArray[np.int64]

HELD_OUT = 5  # one example in five
TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "valid", "validation")  # the first one present is the test split
UNNAMED = ""  # the split of a file whose name does not contain one of these


class SplitNames(NamedTuple):
    """The names of the splits to train and to test with; ``test`` is None where it has to be held out of ``train``."""

    train: str
    test: str | None
    notes: tuple[str, ...]


def split_of(path: Sequence[str]) -> str:
    """The split that a file belongs to by a word of its name, or else of the folder nearest to it; else UNNAMED.

    >>> split_of(("train", "00.tar")), split_of(("all", "imagenet-validation-07.tar")), split_of(("latest-00.tar",))
    ('train', 'validation', '')
    """
    words = (word for name in reversed(path) for word in re.split("[^a-z]+", name.lower()))
    return next((word for word in words if word in TRAIN_NAMES + TEST_NAMES), UNNAMED)


def by_split(files: Iterable[tuple[Sequence[str], T]]) -> dict[str, list[T]]:
    """The files, each given with its path, by their splits, in the order given."""
    splits: dict[str, list[T]] = {}
    for path, file in files:
        splits.setdefault(split_of(path), []).append(file)
    return splits


def choose_splits(source: str, available: Iterable[str]) -> SplitNames:
    """Pick the split to train with and the one to test with, the first name present of each. Raises CnnError."""
    names = list(available)
    train = next((name for name in (*TRAIN_NAMES, UNNAMED) if name in names), None)
    test = next((name for name in TEST_NAMES if name in names), None)
    if len(names) == 1:  # a single split is the training split, whatever its name
        return SplitNames(names[0], None, ())
    if train is None:
        raise CnnError(
            f"{source}: has the splits {', '.join(names)}, but no training split",
            "name the training split train, and the other test or validation",
        )
    others = [name or "files whose names contain no split" for name in names if name not in (train, test)]
    return SplitNames(train, test, (f"not read: {', '.join(sorted(others))}",) if others else ())


def hold_out_by_permutation(source: object, count: int) -> tuple[Rows, Rows]:
    """The rows to train and to test with, in ascending order: every fifth of a fixed permutation is held out.

    Raises CnnError for fewer than five rows.
    """
    if count < HELD_OUT:
        raise CnnError(f"{source}: {count} examples are too few to split: at least {HELD_OUT} are needed")
    order = np.random.default_rng(0).permutation(count)
    held_out = np.sort(order[::HELD_OUT])
    return np.setdiff1d(order, held_out), held_out


def hold_out_by_rank(names: Sequence[str], at_least: int = 0) -> list[int]:
    """The indices of the names with the lowest hashes, lowest first: a fifth of them, or ``at_least`` if that is more.

    One name is always left to train with. A folder and its archive are split alike where their names are the same.
    """
    hashes = [_sha256(name).hex() for name in names]
    count = max(len(names) // HELD_OUT, min(at_least, len(names) - 1))
    return sorted(range(len(names)), key=hashes.__getitem__)[:count]


def hold_out_by_hash(keys: Iterable[str]) -> NDArray[np.bool_]:
    """Whether each key is held out, about one in five: the same ones however the samples are sharded."""
    return np.array([int.from_bytes(_sha256(key)[:8]) % HELD_OUT == 0 for key in keys], np.bool_)


def _sha256(name: str) -> bytes:
    return sha256(name.encode("utf-8", "surrogateescape")).digest()
