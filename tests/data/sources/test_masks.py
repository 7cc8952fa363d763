"""Images with masks: how they are paired, and what the values of a mask mean."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncli.data import Dataset, load_dataset
from cnncli.data.dataset import VOID
from cnncli.errors import CnnError

SIZE = 6
COUNT = 10
LAYOUTS = {
    "folders": ("images/{}.jpg", "masks/{}.png"),
    "parts first": ("train/images/{}.jpg", "train/masks/{}.png"),
    "parts last": ("images/training/{}.jpg", "annotations/training/{}.png"),
    "beside": ("{}.jpg", "{}_mask.png"),
    "in a folder around": ("scenes/JPEGImages/{}.jpg", "scenes/SegmentationClass/{}.png"),
}


def mask_of(number: int) -> np.ndarray:
    values = np.zeros((SIZE, SIZE), np.uint8)
    values[: number % SIZE] = 1
    values[:, : number % 3] = 2
    return values


def save(root: Path, image: str, mask: str, numbers: range = range(COUNT), mode: str = "L") -> None:
    """Images of one grey, that tells their number, and masks."""
    for number in numbers:
        for name in (image, mask):
            (root / name.format(number)).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (SIZE, SIZE), 10 * number).save(root / image.format(number), quality=95)
        picture = Image.fromarray(mask_of(number))
        if mode == "P":
            picture.putpalette([5, 200, 90] * 256)
        elif mode == "RGB":
            picture = picture.convert("RGB").point(lambda value: value * 60)
        picture.save(root / mask.format(number))


def loaded(root: Path, outputs: int = 3, size: int = SIZE) -> Dataset:
    return load_dataset(f"images:{root}", (1, size, size), task="segmentation", outputs=outputs)


def check(dataset: Dataset, of: dict[int, np.ndarray]) -> None:
    """Each image has the mask of its number."""
    for split in (dataset.train, dataset.test):
        for image, mask in zip(split.images, split.labels, strict=True):
            assert np.array_equal(mask, of[round(image.mean() / 10)])


MASKS = {number: mask_of(number) for number in range(COUNT)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mask_is_found_by_its_name_in_every_layout(tmp_path: Path, layout: str) -> None:
    save(tmp_path, *LAYOUTS[layout])
    dataset = loaded(tmp_path)
    assert dataset.task == "segmentation" and dataset.classes == ("0", "1", "2")
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (8, 2)
    check(dataset, MASKS)


def test_a_test_folder_is_the_test_part(tmp_path: Path) -> None:
    save(tmp_path, "train/images/{}.png", "train/masks/{}.png", range(7))
    save(tmp_path, "val/images/{}.png", "val/masks/{}.png", range(7, 10))
    dataset = loaded(tmp_path)
    assert sorted(round(image.mean() / 10) for image in dataset.test.images) == [7, 8, 9]
    check(dataset, MASKS)


def test_an_archive_is_read_as_its_folder_is(tmp_path: Path) -> None:
    save(tmp_path / "shapes", *LAYOUTS["folders"])
    shutil.make_archive(str(tmp_path / "shapes"), "zip", tmp_path, "shapes")
    one, other = loaded(tmp_path / "shapes"), loaded(tmp_path / "shapes.zip")
    for a, b in ((one.train, other.train), (one.test, other.test)):
        assert np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_indices_of_a_palette_and_colors_are_classes(tmp_path: Path, mode: str) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png", mode=mode)
    check(loaded(tmp_path), MASKS)


def test_masks_of_black_and_white_have_two_classes(tmp_path: Path) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png")
    for file in (tmp_path / "masks").iterdir():
        Image.open(file).point(lambda value: 255 * (value > 0)).save(file)
    dataset = loaded(tmp_path, outputs=2)
    assert dataset.classes == ("0", "1")
    check(dataset, {number: (mask > 0).astype(np.uint8) for number, mask in MASKS.items()})


def test_255_beside_other_classes_is_none(tmp_path: Path) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png")
    for file in (tmp_path / "masks").iterdir():
        Image.open(file).point(lambda value: 255 if value == 2 else value).save(file)
    dataset = loaded(tmp_path, outputs=2)
    assert dataset.classes == ("0", "1")
    check(dataset, {number: np.where(mask == 2, VOID, mask) for number, mask in MASKS.items()})


def test_masks_are_resized_without_new_values(tmp_path: Path) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png")
    dataset = loaded(tmp_path, size=4 * SIZE)
    check(dataset, {number: mask.repeat(4, 0).repeat(4, 1) for number, mask in MASKS.items()})


def test_classes_can_have_names(tmp_path: Path) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png")
    (tmp_path / "classes.txt").write_text("sky\ngrass\n\nhouse\ntree\n")
    assert loaded(tmp_path).classes == ("sky", "grass", "house", "tree")
    (tmp_path / "classes.txt").write_text("sky\ngrass\n")
    with pytest.raises(CnnError, match=r"more classes than the 2 in classes\.txt"):
        loaded(tmp_path)


def test_what_has_no_pair_is_left_out_and_counted(tmp_path: Path) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png")
    (tmp_path / "masks/3.png").unlink()
    (tmp_path / "images/4.png").unlink()
    dataset = loaded(tmp_path)
    assert len(dataset.train.labels) + len(dataset.test.labels) == COUNT - 2
    assert "skipped: 1 image without a mask" in dataset.notes and "skipped: 1 mask without an image" in dataset.notes


@pytest.mark.parametrize("problem", ["no masks", "broken", "photographs", "both", "sixteen bits"])
def test_what_are_no_masks_is_said(tmp_path: Path, problem: str) -> None:
    save(tmp_path, "images/{}.png", "masks/{}.png")
    file, said = tmp_path / "masks/3.png", ""
    if problem == "no masks":
        shutil.rmtree(tmp_path / "masks")
        said = "contains no images with masks"
    elif problem == "broken":
        file.write_bytes(b"no picture")
        said = r"masks/3\.png cannot be read as a mask"
    elif problem == "photographs":
        noise = np.random.default_rng(0)
        for each in (tmp_path / "masks").iterdir():
            Image.fromarray(noise.integers(0, 256, (SIZE, SIZE, 3), np.uint8)).save(each)
        said = "too many to be classes"
    elif problem == "both":
        Image.open(file).convert("RGB").save(file)
        said = "1 of 10 masks are in color"
    else:
        Image.fromarray(np.full((SIZE, SIZE), 300, np.uint16)).save(file)
        said = r"masks/3\.png contains classes above 254"
    with pytest.raises(CnnError, match=said):
        loaded(tmp_path)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_masks_of_images_that_are_not_square_keep_their_rows_and_columns(tmp_path: Path, kind: type) -> None:
    values = np.repeat(np.arange(3), 2)[:, None].repeat(10, 1).astype(kind)
    for number in range(COUNT):
        Image.new("L", (10, 6), 10 * number).save(tmp_path / f"{number}.png")
        Image.fromarray(values).save(tmp_path / f"{number}_mask.png")
    dataset = load_dataset(f"images:{tmp_path}", (1, 6, 10), task="segmentation", outputs=3)
    assert dataset.train.labels.shape[1:] == (6, 10) and (np.asarray(dataset.train.labels) == values).all()


def test_images_that_differ_in_their_extension_only_are_counted(tmp_path: Path) -> None:
    save(tmp_path, *LAYOUTS["beside"])
    for number in (3, 7):
        shutil.copy(tmp_path / f"{number}.jpg", tmp_path / f"{number}.jpeg")
    notes = loaded(tmp_path).notes
    assert "skipped: 2 that differ from another file only in their extension" in notes
