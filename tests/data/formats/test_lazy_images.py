"""images:PATH that stays on disk: the same images, classes and splits as in memory, whichever way they are read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from data_tars import png, write_tar
from PIL import Image
from program import Run

from cnncli.data import Dataset, LazyImages, load_dataset
from cnncli.errors import CnnError

SHAPE = (3, 4, 4)


def files() -> dict[str, bytes]:
    """Written dogs first, so that a tar's order is not the classes'."""
    sizes = [(4, 4), (8, 6), (3, 9)]
    return {
        f"{name}/{number} ü.png": png(first + number, sizes[number % 3])
        for name, first in (("dog", 100), ("cat", 0))
        for number in range(11)
    }


def written(folder: Path, form: str, contents: dict[str, bytes]) -> Path:
    if form != "folder":
        return write_tar(folder / f"images.{form}", contents, "w:gz" if form == "tar.gz" else "w")
    for name, content in contents.items():
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / name).write_bytes(content)
    return folder / "images"


def load(path: Path, stream: bool = False, shape: tuple[int, ...] = SHAPE) -> Dataset:
    return load_dataset(f"images:{path}", shape, stream=stream)


def failure(path: Path) -> str:
    with pytest.raises(CnnError) as error:
        load(path, stream=True)
    return str(error.value)


@pytest.mark.parametrize("shape", [SHAPE, (1, 5, 3)])
@pytest.mark.parametrize("form", ["folder", "tar"])
def test_it_is_what_it_is_in_memory(tmp_path: Path, form: str, shape: tuple[int, ...]) -> None:
    path = written(tmp_path, form, files())
    here, there = load(path, False, shape), load(path, True, shape)
    assert here.classes == there.classes and here.name == there.name
    for memory, disk in ((here.train, there.train), (here.test, there.test)):
        assert isinstance(disk.images, LazyImages) and not isinstance(memory.images, LazyImages)
        assert disk.images.shape == memory.images.shape and disk.labels.dtype == np.int64
        images = disk.images.read(range(len(disk.labels)))
        pairs = [
            sorted((image.tobytes(), int(label)) for image, label in zip(*each, strict=True))
            for each in ((memory.images, memory.labels), (images, disk.labels))
        ]
        assert pairs[0] == pairs[1]
        assert disk.images.pieces == ()
        if form == "folder":  # a tar's are in the order in which they lie
            assert np.array_equal(images, memory.images)
        again = pickle.loads(pickle.dumps(disk.images))
        assert np.array_equal(again.read([3, 0]), images[[3, 0]])
    of = "x".join(map(str, shape))
    assert there.notes[-1] == f"the 22 images of {of}, 0.0 GiB, stay on disk and are read while training"


def test_more_than_half_of_the_memory_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "folder", files())
    monkeypatch.setattr("cnncli.data.memory_limit.machine_bytes", lambda: 2000)
    dataset = load(path)
    assert isinstance(dataset.train.images, LazyImages) and "stay on disk" in dataset.notes[-1]
    monkeypatch.setattr("cnncli.data.memory_limit.machine_bytes", lambda: 22 * 48 * 2)
    assert isinstance(load(path).train.images, np.ndarray)


def test_a_compressed_archive_cannot_stay_on_disk(tmp_path: Path) -> None:
    path = written(tmp_path, "tar.gz", files())
    hint = "unpack it: the images of a folder can stay on disk"
    assert failure(path) == f"{path}: is compressed, so its images cannot be read in any order\n  {hint}"


def test_a_broken_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "folder", files() | {"cat/2 ü.png": b"no"})
    dataset = load(path, stream=True)
    with pytest.raises(CnnError) as error:
        for split in (dataset.train, dataset.test):
            assert isinstance(split.images, LazyImages)
            split.images.read(range(len(split.labels)))
    assert str(error.value) == (
        f"{path}: cat/2 ü.png cannot be read as an image: it is not a JPEG, PNG, BMP, GIF, WEBP, TIFF or PPM file\n"
        "  replace or remove it"
    )


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "folder", files())
    train = load(path, stream=True).train.images
    assert isinstance(train, LazyImages)
    for file in path.rglob("*.png"):
        file.unlink()
    with pytest.raises(CnnError) as error:
        train.read([0])
    assert str(error.value).startswith(f"{path}/cat/") and "(No such file or directory)\n  it has changed" in str(
        error.value
    )


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_file_no_image_can_be_as_large_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("cnncli.data.formats.lazy_images.MAX_FILE_BYTES", 1 << 20)
    path = written(tmp_path, form, files() | {"cat/3.png": bytes((1 << 20) + 1)})
    assert failure(path) == f"{path}: cat/3.png is larger than 1 MiB\n  no image is that large: remove it"


def test_other_datasets_are_read_into_memory() -> None:
    with pytest.raises(CnnError) as error:
        load_dataset("digits", (1, 8, 8), stream=True)
    assert str(error.value) == "digits is always read into memory\n  images:PATH and wds:PATH can stay on disk"
    with pytest.raises(CnnError, match="unknown dataset"):
        load_dataset("digit", (1, 8, 8), stream=True)


def test_it_is_shown_from_a_sample(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = {}
    for number in range(1100):
        samples |= {f"s{number:04}.png": png(number % 250), f"s{number:04}.cls": str(number % 2).encode()}
    write_tar(tmp_path / "train.tar", samples)
    write_tar(tmp_path / "test.tar", {"a.png": png(0), "a.cls": b"1"})
    shown = cnn("data", f"wds:{tmp_path}", "--input", "3x4x4", "--samples", tmp_path / "x.png").out
    assert "3x4x4 · 1,100 training and 1 test examples" in shown
    assert "1,000 images of the training split: mean" in shown and "pixels from 0 to 1" in shown
    with Image.open(tmp_path / "x.png") as sheet:
        assert sheet.size[0] == 10 * 5 * 14
    record = json.loads(cnn("data", f"wds:{tmp_path}", "--input", "3x4x4", "--format", "json").out)
    assert record["measured"] == 1000 and record["train"] == 1100
    assert record["classes"] == [{"class": "0", "train": 550, "test": 0}, {"class": "1", "train": 550, "test": 1}]
    assert record["mean"][0] == pytest.approx(0.48, abs=0.05)
    assert "--input 3x32x32" in cnn("data", "wds:x").err
