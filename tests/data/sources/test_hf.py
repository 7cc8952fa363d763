"""Hugging Face datasets, from Parquet files that the test writes: which columns are read, and each image once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnncli.data import Dataset, absolute_spec, load_dataset
from cnncli.errors import CnnError

SHAPE = (3, 4, 4)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    return pytest.importorskip("datasets")


def png(value: int, size: tuple[int, int] = (4, 4)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(content, "PNG")
    return content.getvalue()


def images(values: list[int]) -> list[dict[str, Any]]:
    return [{"bytes": png(value), "path": f"{value}.png"} for value in values]


def write(library: Any, path: Path, columns: dict[str, list[Any]], features: dict[str, Any] | None = None) -> None:
    """A Parquet file as the hub has them, or, without ``features``, as any other program writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    import pyarrow
    import pyarrow.parquet

    schema = library.Features(features).arrow_schema if features else None
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), path)


def load(path: Path, shape: tuple[int, ...] = SHAPE) -> Dataset:
    return load_dataset(f"hf:{path}", shape, (path if path.is_dir() else path.parent).parent / "kept")


def failure(path: Path, shape: tuple[int, ...] = SHAPE) -> str:
    with pytest.raises(CnnError) as error:
        load(path, shape)
    return str(error.value)


def test_images_and_classes_are_found_by_their_types(library: Any, tmp_path: Path) -> None:
    kinds = {
        "when": library.Value("string"),
        "shown": library.Image(),
        "kind": library.ClassLabel(names=["cat", "dog"]),
    }
    train = {"when": ["now"] * 4, "shown": images([0, 10, 20, 30]), "kind": [0, 1, 0, 1]}
    test = {"when": ["now"] * 2, "shown": images([40, 50]), "kind": [1, 0]}
    write(library, tmp_path / "set/data/train-00000-of-00001.parquet", train, kinds)
    write(library, tmp_path / "set/data/validation-00000-of-00001.parquet", test, kinds)
    data = load(tmp_path / "set")
    assert data.classes == ("cat", "dog") and data.notes == ("input: shown; class: kind",)
    assert data.train.images.dtype == np.uint8 and data.train.images.shape == (4, *SHAPE)
    assert data.train.images[:, 2, 3, 3].tolist() == [0, 10, 20, 30] and data.train.labels.tolist() == [0, 1, 0, 1]
    assert data.test.images[:, 0, 0, 0].tolist() == [40, 50] and data.test.labels.tolist() == [1, 0]


def test_the_library_decodes_nothing(library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"image": library.Image(), "label": library.ClassLabel(names=["a", "b"]), "mask": library.Image()}
    write(
        library,
        tmp_path / "x.parquet",
        {"image": images([7] * 10), "label": [0, 1] * 5, "mask": images([9] * 10)},
        kinds,
    )

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(library.Image, "decode_example", never)
    data = load(tmp_path / "x.parquet", (1, 2, 2))
    assert (data.train.images == 7).all() and data.train.images.shape == (8, 1, 2, 2)
    assert data.notes == (
        "input: image; class: label",
        "2 of 10 examples are held out as the test split",
        "10 of 10 images converted from RGB to grayscale",
        "10 of 10 images resized from 4x4 to 2x2",
    )


@pytest.mark.parametrize("form", ["struct", "bytes"])
def test_files_of_other_programs(library: Any, tmp_path: Path, form: str) -> None:
    cells = images([0, 50, 100, 150]) if form == "struct" else [png(value) for value in (0, 50, 100, 150)]
    path = tmp_path / "set/train.parquet"
    write(library, path, {"id": [1, 2, 3, 4], "img": cells, "class": ["dog", "cat", "cat", "dog"]})
    write(library, tmp_path / "set/test.parquet", {"id": [5], "img": cells[:1], "class": ["cat"]})
    data = load(tmp_path / "set")
    assert data.classes == ("cat", "dog") and data.train.labels.tolist() == [1, 0, 0, 1]
    assert data.train.images[:, 1, 1, 1].tolist() == [0, 50, 100, 150] and data.test.labels.tolist() == [0]


def test_of_two_labels_the_finer_one_is_taken(library: Any, tmp_path: Path) -> None:
    fine, coarse = (library.ClassLabel(names=names) for names in (["a", "b", "c"], ["x", "y"]))
    kinds = {"coarse_label": coarse, "fine_label": fine, "img": library.Image()}
    columns = {"coarse_label": [0, 1] * 5, "fine_label": [2, 1] * 5, "img": images([1] * 10)}
    write(library, tmp_path / "x.parquet", columns, kinds)
    assert load(tmp_path / "x.parquet").classes == ("a", "b", "c")


def test_what_is_held_out_is_the_same_each_time(library: Any, tmp_path: Path) -> None:
    write(library, tmp_path / "x.parquet", {"image": [png(value) for value in range(20)], "label": [0, 1] * 10})
    first, second = (load(tmp_path / "x.parquet") for _ in range(2))
    assert np.array_equal(first.test.images, second.test.images)
    both = np.concatenate((first.train.images, first.test.images))[:, 0, 0, 0]
    assert sorted(both) == list(range(20)) and len(first.test.labels) == 4
    assert all(
        value % 2 == label for value, label in zip(first.test.images[:, 0, 0, 0], first.test.labels, strict=True)
    )


def test_a_part_without_labels_is_no_test_part(library: Any, tmp_path: Path) -> None:
    kinds = {"image": library.Image(), "label": library.ClassLabel(names=["a", "b"])}
    for part, labels in (("train", [0, 1]), ("test", [-1, -1]), ("validation", [1, 0])):
        write(library, tmp_path / f"set/{part}.parquet", {"image": images([1, 2]), "label": labels}, kinds)
    data = load(tmp_path / "set")
    assert data.test.labels.tolist() == [1, 0] and "test has no labels" in data.notes


def test_columns_of_numbers(library: Any, tmp_path: Path) -> None:
    rows = {"a": [1, 2, 3, 4, 5], "label": [0, 1, 0, 1, 0], "b": [0.5] * 5}
    write(library, tmp_path / "x.parquet", rows)
    data = load(tmp_path / "x.parquet", (2,))
    assert data.train.images.dtype == np.float32 and data.train.images.shape == (4, 2)
    assert sorted((*data.train.images[:, 0], *data.test.images[:, 0])) == [1, 2, 3, 4, 5]
    assert data.notes[0] == "input: 2 columns of numbers; class: label"


@pytest.mark.parametrize("form", ["array", "list"])
def test_a_column_of_arrays(library: Any, tmp_path: Path, form: str) -> None:
    cells = np.arange(5 * 6, dtype=np.uint8).reshape(5, 2, 3)
    kind = library.Array2D((2, 3), "uint8") if form == "array" else library.List(library.List(library.Value("uint8")))
    kinds = {"n": library.Value("int64"), "pixels": kind, "label": library.Value("int64")}
    write(library, tmp_path / "x.parquet", {"n": [0] * 5, "pixels": cells.tolist(), "label": [0, 1, 0, 1, 0]}, kinds)
    data = load(tmp_path / "x.parquet", (1, 2, 3))
    both = np.concatenate((data.train.images, data.test.images))
    assert both.dtype == np.uint8 and sorted(both[:, 0, 0, 0]) == [0, 6, 12, 18, 24]
    assert load(tmp_path / "x.parquet", (6,)).train.images.shape == (4, 6)
    assert "examples of 2x3 cannot become the network's input 3x4x4" in failure(tmp_path / "x.parquet")


WRONG = {
    "label": ({"image": [png(0)] * 6}, "no column contains the classes\n  it has the columns image; call it label or"),
    "image": (
        {"label": [0] * 6, "name": ["x"] * 6},
        "no column contains images or numbers\n  it has the columns label, name",
    ),
    "few": ({"label": [0, 1], "image": [png(0)] * 2}, "2 examples are too few to split"),
    "broken": (
        {"label": [0, 1] * 3, "image": [png(0)] * 5 + [b"x"]},
        "example 5: image cannot be read as an image: it is no",
    ),
    "empty": ({"label": [0, 1] * 3, "image": [png(0)] * 4 + [None, png(0)]}, "example 4: image is empty"),
    "none": ({"label": [0, 1, None, 1, 0, 1], "image": [png(0)] * 6}, "example 2: label is None, which is not a class"),
    "many": ({"label": list(range(20)), "image": [png(0)] * 20}, "there are 16 classes in label for 16 examples"),
    "ragged": ({"label": [0, 1] * 3, "x": [[1, 2]] * 5 + [[1]]}, "the examples in x have different shapes"),
    "nan": ({"label": [0, 1] * 3, "x": [0.5] * 5 + [float("nan")]}, "not finite"),
    "file": (
        {"label": [0, 1] * 3, "image": [{"bytes": None, "path": "gone.png"}] * 6},
        "image is the file gone.png, which cannot be read: No such file",
    ),
}


@pytest.mark.parametrize(("columns", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_one_clear_error(
    library: Any, tmp_path: Path, columns: dict[str, list[Any]], said: str
) -> None:
    if columns.get("image", [None])[0] == {"bytes": None, "path": "gone.png"}:
        kinds = {"label": library.Value("int64"), "image": library.Image()}
        write(library, tmp_path / "x.parquet", columns, kinds)
    else:
        write(library, tmp_path / "x.parquet", columns)
    message = failure(tmp_path / "x.parquet")
    assert message.startswith(f"hf:{tmp_path / 'x.parquet'}") and said in message


def test_files_that_are_none(library: Any, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    assert "contains no Parquet file\n" in failure(tmp_path / "set")
    (tmp_path / "set/train.parquet").write_bytes(b"PAR1 and no more")
    assert failure(tmp_path / "set").startswith(f"hf:{tmp_path / 'set'}: cannot be read: ")
    (tmp_path / "run.py").write_text("raise SystemExit('ran')")
    assert "contains no Parquet file\n" in failure(tmp_path / "run.py")
    assert "no such file or folder" in failure(tmp_path / "gone")


def test_the_hub_is_asked_by_name_and_configuration(
    library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    kinds = {"image": library.Image(), "label": library.Value("int64")}
    write(library, tmp_path / "x.parquet", {"image": images([1, 2]), "label": [0, 1]}, kinds)
    files = {part: str(tmp_path / "x.parquet") for part in ("train", "test")}
    tables = library.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "kept"))

    def from_hub(*arguments: Any, **options: Any) -> Any:
        asked.append((arguments, options))
        return tables

    monkeypatch.setattr(library, "load_dataset", from_hub)
    assert len(load_dataset("hf:someone/things:small", SHAPE, tmp_path).train.labels) == 2
    load_dataset("hf:mnist", SHAPE)
    kept = {"cache_dir": str(tmp_path / "huggingface")}
    assert asked == [(("someone/things", "small"), kept), (("mnist", None), {"cache_dir": None})]  # and no trust


def test_without_a_network_it_says_so(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("Couldn't reach 'someone/things' on the Hub\nmore")

    monkeypatch.setattr(library, "load_dataset", unreachable)
    with pytest.raises(CnnError) as error:
        load_dataset("hf:someone/things", SHAPE)
    assert str(error.value) == (
        "hf:someone/things: the hub cannot be reached: Couldn't reach 'someone/things' on the Hub\n"
        "  without a network, use the path of a folder with the dataset's Parquet files"
    )


@pytest.mark.parametrize("version", [None, "2.19.0", "3.6.0"])
def test_without_the_library_or_with_an_old_one(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    old = type("old", (), {"__version__": version})
    monkeypatch.setitem(sys.modules, "datasets", old if version else None)
    with pytest.raises(CnnError) as error:
        load_dataset("hf:mnist", SHAPE)
    assert str(error.value).endswith("\n  pip install 'cnn-calculator[hf]'")


def test_a_name_stays_a_name_and_a_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert absolute_spec("hf:ylecun/mnist") == "hf:ylecun/mnist"
    assert absolute_spec("hf:mine") == f"hf:{tmp_path / 'mine'}"


def test_a_name_is_needed() -> None:
    with pytest.raises(CnnError, match="hf: needs a name"):
        load_dataset("hf:", SHAPE)


def test_the_library_is_loaded_by_none_of_the_others() -> None:
    load = "from cnncli.data import load_dataset; load_dataset('digits', (1, 8, 8))"
    script = f"import sys; {load}; print('datasets' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_only_regular_files_are_given_to_the_library(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("datasets")
    path = tmp_path / "set" / "train.parquet"
    path.parent.mkdir()
    os.mkfifo(path) if kind == "fifo" else path.symlink_to("/dev/zero")
    assert "not a regular file" in failure(path.parent)
