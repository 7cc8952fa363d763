"""WebDataset shards: every layout is found, each sample is read wherever it lies, and what is broken is named."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
from data_tars import png, write_tar
from numpy.typing import NDArray

from cnncli.data import Dataset, LazyImages, absolute_spec, load_dataset
from cnncli.data.sources.wds.samples import read_samples
from cnncli.data.sources.wds.shards import expand, find_shards
from cnncli.errors import CnnError

SHAPE = (3, 4, 4)


def samples(start: int, count: int, classes: int = 2) -> dict[str, bytes]:
    """Keys s0000, s0001, …, each an image filled with its number, of the class number % ``classes``."""
    files = {}
    for number in range(start, start + count):
        files |= {f"s{number:04}.png": png(number), f"s{number:04}.cls": str(number % classes).encode()}
    return files


def shards(folder: Path, part: str = "train-", counts: tuple[int, ...] = (3, 4), start: int = 0) -> Path:
    for number, count in enumerate(counts):
        write_tar(folder / f"{part}{number:02}.tar", samples(start, count))
        start += count
    return folder


def load(text: object, shape: tuple[int, ...] = SHAPE) -> Dataset:
    return load_dataset(f"wds:{text}", shape)


def stored(dataset: Dataset) -> tuple[LazyImages, LazyImages]:
    train, test = dataset.train.images, dataset.test.images
    assert isinstance(train, LazyImages) and isinstance(test, LazyImages)
    return train, test


def values(images: LazyImages) -> list[int]:
    """What each image is filled with."""
    return images.read(range(images.shape[0]))[:, 0, 0, 0].tolist()


def failure(text: object, shape: tuple[int, ...] = SHAPE) -> str:
    with pytest.raises(CnnError) as error:
        load(text, shape)
    return str(error.value)


def both(folder: Path) -> Path:
    return shards(shards(folder), "val-", (2,), 7)


@pytest.mark.parametrize("form", ["names", "folders", "nested", "braces", "glob", "listed"])
def test_every_layout_is_found(tmp_path: Path, form: str) -> None:
    if form in ("folders", "nested"):
        above = tmp_path / ("a/b" if form == "nested" else "a")
        shards(above / "train", ""), shards(above / "test", "", (2,), 7)
    else:
        both(tmp_path / "a")
    patterns = {"braces": "{train-{00..01},val-00}.tar", "glob": "*.tar", "listed": "{train-00,train-01,val-00}.tar"}
    dataset = load(tmp_path / "a" / patterns.get(form, ""))
    train, test = stored(dataset)
    assert train.shape == (7, *SHAPE) and train.pieces == (3, 4) and test.pieces == (2,)
    assert values(train) == [*range(7)] and values(test) == [7, 8]
    assert dataset.train.labels.tolist() == [0, 1, 0, 1, 0, 1, 0] and dataset.train.labels.dtype == np.int64
    assert dataset.classes == ("0", "1") and dataset.notes == ()


def test_any_rows_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    train, _ = stored(load(both(tmp_path)))
    rows = np.random.default_rng(0).integers(0, 7, 40)
    assert np.array_equal(train.read(rows)[:, 2, 3, 3], rows)
    assert train.read([]).shape == (0, *SHAPE)
    for wrong in ([7], [-1]):
        with pytest.raises(IndexError):
            train.read(wrong)


def read_rows(images: LazyImages, rows: list[int]) -> NDArray[np.uint8]:
    return images.read(rows)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(tmp_path: Path, method: str) -> None:
    train, _ = stored(load(both(tmp_path)))
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    orders = [[6, 0, 3], [1, 1, 5], [4, 2, 0]] * 5
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(LazyImages.read, [(train, rows) for rows in orders])
    for rows, images in zip(orders, found, strict=True):
        assert images[:, 1, 2, 2].tolist() == rows


def test_it_is_small_when_it_is_sent_to_a_process(tmp_path: Path) -> None:
    train, _ = stored(load(write_tar(tmp_path / "x.tar", samples(0, 200)).parent))
    sent = pickle.dumps(train)
    assert len(sent) < 200 * 40 + 2000  # places, and no pixels
    assert values(pickle.loads(sent)) == values(train)


def test_resized_and_grey(tmp_path: Path) -> None:
    write_tar(tmp_path / "train.tar", {"a.PNG": png(9, (8, 6)), "a.cls": b"0", "b.png": png(20), "b.cls": b"1\n"})
    write_tar(tmp_path / "val.tar", {"a.png": png(9), "a.cls": b"0"})
    train, _ = stored(load(tmp_path, (1, 2, 2)))
    assert train.read([1, 0])[:, 0].tolist() == [[[20, 20]] * 2, [[9, 9]] * 2]


def test_the_one_in_five_held_out_depends_on_the_keys_alone(tmp_path: Path) -> None:
    one = load(shards(tmp_path / "one", "", (60,)))
    many = load(shards(tmp_path / "many", "part-", (10, 20, 30)))
    first, again = stored(one), stored(many)
    assert [values(part) for part in first] == [values(part) for part in again]
    assert sorted(values(first[0]) + values(first[1])) == [*range(60)] and 5 < first[1].shape[0] < 20
    assert one.train.labels.tolist() == [value % 2 for value in values(first[0])]
    assert sum(again[0].pieces) == again[0].shape[0] and len(again[0].pieces) == 3
    assert one.notes == (f"no test shards: {first[1].shape[0]} samples, about one in 5, are held out by their keys",)


def test_classes_by_name_and_in_json(tmp_path: Path) -> None:
    told = [{"label": "dog"}, {"cls": "cat"}, {"label": "cat", "cls": 7}, {"other": 1, "label": "dog"}]
    files = {}
    for number, each in enumerate(told):
        files |= {f"d/{number}.json": json.dumps(each).encode(), f"d/{number}.png": png(number)}
    write_tar(tmp_path / "train.tar", files), write_tar(tmp_path / "test.tar", files)
    dataset = load(tmp_path)
    assert dataset.classes == ("cat", "dog") and dataset.train.labels.tolist() == [1, 0, 0, 1]
    (tmp_path / "classes.txt").write_text("bird\ndog\ncat\n")
    dataset = load(tmp_path)
    assert dataset.classes == ("bird", "dog", "cat") and dataset.test.labels.tolist() == [1, 2, 2, 1]


def test_classes_of_numbers_may_be_named(tmp_path: Path) -> None:
    both(tmp_path)
    (tmp_path / "classes.txt").write_text("cat\ndog\nbird\n\n")
    assert load(tmp_path).classes == ("cat", "dog", "bird")
    assert load(tmp_path / "{train-{00..01},val-00}.tar").classes == ("cat", "dog", "bird")
    (tmp_path / "classes.txt").write_text("cat\n")
    assert failure(tmp_path).startswith(f"{tmp_path / 'classes.txt'}: lists 1 class, but samples have the class 1\n")
    (tmp_path / "classes.txt").write_text("cat\ncat\n")
    assert "lists a class twice: cat" in failure(tmp_path)


def test_samples_without_an_image_or_a_class_are_left_out(tmp_path: Path) -> None:
    more = {
        "x.png": png(1),
        "y.cls": b"0",
        "z.txt": b"?",
        "README": b"",
        "._s0000.png": b"",
        "s0000.seg.png": b"no image",
    }
    write_tar(tmp_path / "train.tar", samples(0, 4) | more)
    shards(tmp_path, "val-", (2,))
    dataset = load(tmp_path)
    assert values(stored(dataset)[0]) == [0, 1, 2, 3]
    assert dataset.notes == (
        "skipped: 2 files whose names have no key and ending",
        "skipped: 1 samples without a class",
        "skipped: 2 samples without an image",
    )


def test_long_names_and_other_forms_of_tar(tmp_path: Path) -> None:
    name = "n" * 90 + "/" + "ü" * 90
    write_tar(tmp_path / "train.tar", {f"{name}.png": png(5), f"{name}.cls": b"0"})
    shards(tmp_path, "val-", (2,))
    assert values(stored(load(tmp_path))[0]) == [5]
    assert read_samples(tmp_path / "train.tar").keys == (name,)


def test_other_parts_are_told_of(tmp_path: Path) -> None:
    shards(both(tmp_path), "test-", (1,)), shards(tmp_path, "more-", (1,))
    assert load(tmp_path).notes == ("not read: files whose names contain no split, val",)


def test_a_broken_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    write_tar(tmp_path / "train.tar", samples(0, 2) | {"a/b.jpg": b"GIF? no.", "a/b.cls": b"0"})
    shards(tmp_path, "val-", (2,))
    train, _ = stored(load(tmp_path))
    assert train.read([0, 1]).shape == (2, *SHAPE)
    with pytest.raises(CnnError) as error:
        train.read([0, 2, 1])
    assert str(error.value) == (
        f"{tmp_path / 'train.tar'}: a/b.jpg cannot be read as an image: it is not a JPEG, PNG, BMP, GIF, WEBP, TIFF or "
        "PPM file\n  replace or remove it"
    )


@pytest.mark.parametrize("change", ["gone", "shorter"])
def test_a_shard_that_changes_under_way_is_named(tmp_path: Path, change: str) -> None:
    train, _ = stored(load(both(tmp_path)))
    path = tmp_path / "train-01.tar"
    path.unlink() if change == "gone" else path.write_bytes(path.read_bytes()[:600])
    assert train.read([0, 1, 2]).shape == (3, *SHAPE)
    with pytest.raises(CnnError) as error:
        train.read([5])
    said = "cannot be read (No such file or directory)" if change == "gone" else "ends too early"
    hint = "it has changed, or has been moved, since it was listed: start again"
    assert str(error.value) == f"{path}: {said}\n  {hint}"


def one(kind: str, content: bytes) -> dict[str, bytes]:
    return {"a.png": png(0), f"a.{kind}": content}


WRONG = {
    "no number": (one("cls", b"\xff\xfe"), "a.cls is not UTF-8 text\n"),
    "empty": (one("cls", b" \n"), "a.cls does not name a class\n  expected a number or a name"),
    "minus": (one("json", b'{"label": -1}'), "a.json: -1 is not a class number\n  class numbers start at 0"),
    "large": (one("cls", b"1000000"), "a.cls: 1000000 is not a class number"),
    "digits": (one("cls", b"9" * 5000), "a.cls does not name a class"),
    "negative": (one("cls", b"-1"), "a.cls: -1 is not a class number"),
    "no json": (one("json", b"{label: 1}"), "a.json is not JSON\n"),
    "deep": (one("json", b"[" * 100_000), "a.json is not JSON\n"),
    "list": (one("json", b"[1]"), "a.json does not name a class\n  expected an object with label or cls"),
    "real": (one("json", b'{"label": 1.5}'), "a.json does not name a class"),
    "truth": (one("json", b'{"label": true}'), "a.json does not name a class"),
    "mixed": (
        one("cls", b"cat"),
        "others number it: 'cat' and 0\n  use names or numbers for all",
    ),
    "nothing": (
        {"a.txt": b""},
        "no samples to train with\n  skipped: 1 samples without an image; a sample is",
    ),
}


@pytest.mark.parametrize(("files", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    write_tar(tmp_path / "train.tar", files)
    shards(tmp_path, "val-", (2,))
    message = failure(tmp_path)
    assert said in message and str(tmp_path) in message


def test_files_that_are_no_shards(tmp_path: Path) -> None:
    assert "contains no .tar file\n  use a folder" in failure(tmp_path)
    write_tar(tmp_path / "train.tar.gz", samples(0, 2), "w:gz")
    assert "contains no .tar file\n  its shards are compressed: unpack each" in failure(tmp_path)
    (tmp_path / "train.tar.gz").rename(tmp_path / "train.tar")
    assert "is compressed, so its samples cannot be read in any order\n  unpack it" in failure(tmp_path)
    (tmp_path / "train.tar").write_bytes(b"no tar " * 1000)
    assert f"{tmp_path / 'train.tar'}: is neither" in failure(tmp_path)
    whole = write_tar(tmp_path / "train.tar", samples(0, 9)).read_bytes()
    (tmp_path / "train.tar").write_bytes(whole[: len(whole) // 3])
    assert f"{tmp_path / 'train.tar'}: the archive ends too early" in failure(tmp_path)
    assert f"{tmp_path / 'gone-0.tar'}: no such shard\n" in failure(tmp_path / "gone-{0..3}.tar")
    assert "no such shard" in failure(tmp_path / "gone-*.tar")
    assert failure("").startswith("wds: needs a path\n")
    assert "images have 3 axes" in failure(tmp_path, (16,))


def test_a_missing_shard_of_a_range_is_named(tmp_path: Path) -> None:
    both(tmp_path)
    assert f"{tmp_path / 'train-02.tar'}: no such shard\n" in failure(tmp_path / "train-{00..04}.tar")


def test_braces() -> None:
    assert expand("a.tar") == ["a.tar"]
    assert expand("{8..10}") == ["8", "9", "10"] and expand("{008..010}-x") == ["008-x", "009-x", "010-x"]
    assert expand("{b,a}{1..0}") == ["b1", "b0", "a1", "a0"]
    for large in ("{0..1000000}", "{0..999}" * 3, "{0..99999999999999999}"):
        with pytest.raises(CnnError, match="expands to more than 1,000,000 files"):
            expand(large)


def test_a_folder_called_test_above_all_shards_means_nothing(tmp_path: Path) -> None:
    folder = both(tmp_path / "test")
    assert find_shards(str(folder / "*.tar"))[0] == (("train-00.tar",), folder / "train-00.tar")
    assert load(folder).notes == ()


def test_a_pattern_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    both(tmp_path / "a")
    spec = absolute_spec("wds:a/{train-*,val-00}.tar")
    assert spec == f"wds:{tmp_path}/a/{{train-*,val-00}}.tar"
    here, there = load("a/{train-*,val-00}.tar"), load_dataset(spec, SHAPE)
    monkeypatch.chdir("/")
    assert values(stored(here)[0]) == values(stored(there)[0])  # paths are kept whole


def test_a_fingerprint_is_of_the_files_and_not_of_where_they_lie(tmp_path: Path) -> None:
    first, again = stored(load(both(tmp_path / "a")))[0], stored(load(both(tmp_path / "b")))[0]
    assert first.fingerprint() == again.fingerprint()
    other = stored(load(shards(shards(tmp_path / "c", counts=(3, 5)), "val-", (2,))))[0]
    assert first.fingerprint() != other.fingerprint()
    assert first.fingerprint() != stored(load(tmp_path / "a", (3, 5, 5)))[0].fingerprint()
