"""Which examples are held out where a dataset has no test split: pinned, as runs of earlier versions were split so."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from data_tars import png, write_tar
from hypothesis import given, settings
from hypothesis import strategies as st
from program import ROOT

from cnncli.data import load_dataset
from cnncli.data.formats.containers import Container, FileEntry
from cnncli.data.sources.class_folders import split_class_folders
from cnncli.data.sources.hf.hub import _train_and_test as train_and_test
from cnncli.data.sources.masks import paired
from cnncli.data.splits import (
    TEST_NAMES,
    TRAIN_NAMES,
    by_split,
    choose_splits,
    hold_out_by_hash,
    hold_out_by_permutation,
    hold_out_by_rank,
    split_of,
)
from cnncli.errors import CnnError

SIZES = range(1, 51)
few = settings(max_examples=40, deadline=None)


def of_arrays(folder: Path, count: int) -> list[int]:
    """The rows of an npz file that are held out; each example is filled with its row's number."""
    path = folder / f"{count}.npz"
    np.savez(path, x=np.arange(count, dtype=np.float32)[:, None], y=np.arange(count) / 3)
    return [int(image[0]) for image in load_dataset(f"npz:{path}", (1,), task="regression").test.images]


def entries(*paths: str) -> tuple[FileEntry, ...]:
    return tuple(FileEntry(tuple(path.split("/")), "file") for path in paths)


def of_class_folders(_: Path, count: int) -> list[str]:
    """The images that are held out of two class folders, one of them of a fixed size."""
    cats = [f"cat/{number}.png" for number in range(count)]
    dogs = [f"dog/{number}.png" for number in range(7)]
    return [entry.name for entry, _ in split_class_folders(Path("pets"), entries(*cats, *dogs)).test]


def of_masks(_: Path, count: int) -> list[str]:
    """The images that are held out of pairs of images and masks."""
    names = [f"{kind}/{number}.png" for kind in ("images", "masks") for number in range(count)]
    (_, test), _ = paired(Container(Path("scenes"), entries(*names), lambda _: iter(()), "folder"))
    return [entry.name for entry in test.images]


def of_shards(folder: Path, count: int) -> list[int]:
    """The samples of a WebDataset shard that are held out; each image is filled with its sample's number."""
    samples: dict[str, bytes] = {}
    for number in range(count):
        samples |= {f"sample{number:03}.png": png(number), f"sample{number:03}.cls": b"%d" % (number % 2)}
    write_tar(folder / f"{count}.tar", samples)
    images = load_dataset(f"wds:{folder / f'{count}.tar'}", (1, 4, 4)).test.images
    return [int(image[0, 0, 0]) for image in images.read(range(images.shape[0]))]


class Table:
    """As much of the library's table as is needed to split its rows."""

    column_names = ("label",)

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def with_format(self, _: str) -> Table:
        return self

    def __getitem__(self, _: slice) -> Table:
        return self

    def column(self, _: str) -> Table:
        return self

    def to_pylist(self) -> list[int]:
        return [row % 2 for row in self.rows]

    def select(self, rows: Sequence[int]) -> Table:
        return Table(rows)


def of_hub(_: Path, count: int) -> list[int]:
    """The rows of a table of Hugging Face's library that are held out."""
    (_, test), _ = train_and_test("hf:name", {"train": Table(range(count))}, "label", False)
    return [int(row) for row in test.table.rows]


def splits(held_out: Callable[[Path, int], list[object]], folder: Path) -> Iterator[list[object] | None]:
    """What is held out of each number of examples; None of so few that they cannot be split."""
    for count in SIZES:
        try:
            yield held_out(folder, count)
        except CnnError:
            yield None


PINNED = {  # of 10 and of 50 examples, and a hash over all sizes
    "of_arrays": (
        [4, 5],
        [1, 3, 7, 9, 18, 29, 35, 38, 45, 48],
        "ed3007f58c2959a544e3cd5d24a1d9a747f1830a738fbbb372018e3ce3d28fc7",
    ),
    "of_hub": (
        [4, 5],
        [1, 3, 7, 9, 18, 29, 35, 38, 45, 48],
        "ed3007f58c2959a544e3cd5d24a1d9a747f1830a738fbbb372018e3ce3d28fc7",
    ),
    "of_class_folders": (
        [f"cat/{number}.png" for number in (0, 8)] + ["dog/5.png"],
        [f"cat/{number}.png" for number in (0, 10, 21, 29, 30, 41, 42, 47, 49, 8)] + ["dog/5.png"],
        "3bd55c543918ab5cbcdf9e73ca123582935a7ac4840f225e946a5c30cc124ebb",
    ),
    "of_masks": (
        [f"images/{number}.png" for number in (9, 8)],
        [f"images/{number}.png" for number in (39, 49, 9, 46, 8, 47, 29, 41, 13, 43)],
        "5c0f2ee7157101aba450ceefe84ca1e309fedf02b8a2869c4d1a29a218d2fb05",
    ),
    "of_shards": (
        [2],
        [2, 12, 14, 17, 18, 20, 25, 34, 38, 43, 48],
        "c33002d8363568a051e60b7fa159901bbe0055d15f6b231285517459363215fe",
    ),
}


@pytest.mark.parametrize("held_out", [of_arrays, of_class_folders, of_hub, of_masks, of_shards])
def test_the_same_examples_are_held_out_as_in_every_version(
    tmp_path: Path, held_out: Callable[[Path, int], list[object]]
) -> None:
    found = [*splits(held_out, tmp_path)]
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    assert (found[9], found[49], digest) == PINNED[held_out.__name__]


@few
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=20, unique=True), st.sampled_from([0, 1]))
def test_what_is_held_out_depends_on_the_names_and_not_on_their_order(names: list[str], at_least: int) -> None:
    held_out = [names[at] for at in hold_out_by_rank(names, at_least)]
    mirrored = names[::-1]
    assert [mirrored[at] for at in hold_out_by_rank(mirrored, at_least)] == held_out
    assert len(held_out) == max(len(names) // 5, at_least if len(names) > 1 else 0)
    chosen = dict(zip(names, hold_out_by_hash(names), strict=True))
    assert dict(zip(mirrored, hold_out_by_hash(mirrored), strict=True)) == chosen


@few
@given(count=st.integers(0, 300))
def test_a_fifth_of_the_rows_is_held_out_and_all_others_train(count: int) -> None:
    if count < 5:
        with pytest.raises(CnnError, match="too few to split"):
            hold_out_by_permutation("x", count)
        return
    train, test = hold_out_by_permutation("x", count)
    assert len(test) == -(-count // 5) and [*train] == sorted(train) and [*test] == sorted(test)
    assert sorted([*train, *test]) == [*range(count)]


WORDS = st.sampled_from([*TRAIN_NAMES, *TEST_NAMES, "latest", "a", "trains", "00"])


@few
@given(words=st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=3), upper=st.booleans())
def test_the_split_is_the_first_such_word_of_the_name_or_of_the_nearest_folder(
    words: list[list[str]], upper: bool
) -> None:
    path = tuple("-".join(name).upper() if upper else "_".join(name) + ".tar" for name in words)
    known = [word for name in reversed(words) for word in name if word in (*TRAIN_NAMES, *TEST_NAMES)]
    assert split_of(path) == (known[0] if known else "")
    assert by_split([(path, 1), (("train",), 2), (path, 3)])[split_of(path)] == (
        [1, 2, 3] if split_of(path) == "train" else [1, 3]
    )


@few
@given(st.lists(st.sampled_from([*TRAIN_NAMES, *TEST_NAMES, ""]), min_size=1, max_size=5, unique=True))
def test_the_first_present_names_of_a_training_and_of_a_test_split_are_taken(names: list[str]) -> None:
    train = [name for name in (*TRAIN_NAMES, "") if name in names]
    test = [name for name in TEST_NAMES if name in names]
    if len(names) > 1 and not train:
        with pytest.raises(CnnError, match="no training split"):
            choose_splits("x", names)
        return
    found = choose_splits("x", names)
    if len(names) == 1:
        assert found == (names[0], None, ())
        return
    assert (found.train, found.test) == (train[0], test[0] if test else None)
    left = sorted(name or "files whose names contain no split" for name in names if name not in (train[0], *test[:1]))
    assert found.notes == ((f"not read: {', '.join(left)}",) if left else ())


def test_examples_are_held_out_in_one_module() -> None:
    calculation = re.compile(r"(//|%|::) *HELD_OUT|\.permutation\(|HELD_OUT =")
    folder = ROOT / "cnncli" / "data"
    found = {path.name for path in folder.rglob("*.py") if calculation.search(path.read_text(encoding="utf-8"))}
    assert found == {"splits.py"}
