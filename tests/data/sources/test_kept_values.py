"""Mask colors stay distinct, and arrays of an npz file keep their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cnncli.data import load_dataset
from cnncli.data.dataset import VOID
from cnncli.errors import CnnError

some = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
channel = st.integers(0, 255)
COLORS = st.tuples(channel, channel, channel)
# colors that differ in one channel alone, as far apart as can be or by one
NEAR = st.sampled_from([(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 255), (0, 255, 0), (255, 0, 0), (1, 1, 0)])


def masked(folder: Path, masks: list[np.ndarray], mode: str) -> np.ndarray:
    """The classes that masks are read as, in the order of their images' grey values."""
    for number, mask in enumerate(masks):
        for name, values in ((f"{number}.png", None), (f"{number}_mask.png", mask)):
            image = (
                Image.new("L", mask.shape[:2][::-1], 10 * number) if values is None else Image.fromarray(values, mode)
            )
            image.save(folder / name)
    height, width = masks[0].shape[:2]
    data = load_dataset(f"images:{folder}", (1, height, width), task="segmentation", outputs=2)
    order: dict[int, np.ndarray] = {}
    for split in (data.train, data.test):
        order |= {round(image.mean() / 10): mask for image, mask in zip(split.images, split.labels, strict=True)}
    return np.stack([order[number] for number in range(len(masks))])


@some
@given(colors=st.sets(COLORS | NEAR, min_size=2, max_size=12), data=st.data())
def test_colors_of_masks_are_classes_of_their_own_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, colors: set[tuple[int, int, int]], data: st.DataObject
) -> None:
    ordered = sorted(colors)  # black first
    places = data.draw(st.lists(st.integers(0, len(ordered) - 1), min_size=5 * 12, max_size=5 * 12))
    places[: len(ordered)] = range(len(ordered))
    numbers = np.array(places).reshape(5, 3, 4)
    masks = [np.array([[ordered[at] for at in row] for row in mask], np.uint8) for mask in numbers]
    found = masked(tmp_path_factory.mktemp("masks"), masks, "RGB")
    assert np.array_equal(found, numbers)


@some
@given(values=st.sets(st.integers(0, VOID), min_size=1, max_size=6), data=st.data())
def test_grey_masks_hold_their_classes_and_0_with_255_alone_are_two(
    tmp_path_factory: pytest.TempPathFactory, values: set[int], data: st.DataObject
) -> None:
    drawn = data.draw(st.lists(st.sampled_from(sorted(values)), min_size=5 * 12, max_size=5 * 12))
    masks = np.array(drawn, np.uint8).reshape(5, 3, 4)
    if (masks == VOID).all():
        masks[:, 0, 0] = 0
    found = masked(tmp_path_factory.mktemp("masks"), [*masks], "L")
    expected = masks // VOID if {*np.unique(masks).tolist()} <= {0, VOID} else masks
    assert np.array_equal(found, expected)


def test_more_colors_than_classes_can_be_are_refused(tmp_path: Path) -> None:
    def of(count: int) -> list[np.ndarray]:
        pixels = np.array([(at // 256, at % 256, 7) for at in range(count)] + [(0, 0, 7)] * (5 * 64 - count), np.uint8)
        return [*pixels.reshape(5, 8, 8, 3)]

    (tmp_path / "most").mkdir()
    assert masked(tmp_path / "most", of(VOID), "RGB").max() == VOID - 1
    (tmp_path / "more").mkdir()
    with pytest.raises(CnnError, match="256 colors"):
        masked(tmp_path / "more", of(VOID + 1), "RGB")


NAMES = (("train_x", "train_y", "test_x", "test_y"), ("x_train", "y_train", "x_test", "y_test"))


@some
@given(names=st.sampled_from(NAMES), train=st.integers(8, 20), test=st.integers(1, 9), order=st.permutations(range(6)))
def test_arrays_of_a_file_keep_their_places_whatever_stands_beside_them(
    tmp_path_factory: pytest.TempPathFactory, names: tuple[str, ...], train: int, test: int, order: list[int]
) -> None:
    rng = np.random.default_rng(train)
    arrays = {
        names[0]: rng.random((train, 2, 3, 4)).astype(np.float32),
        names[1]: np.arange(train) % 2,
        names[2]: rng.random((test, 2, 3, 4)).astype(np.float32),
        names[3]: np.arange(test) % 2,
        "notes": rng.random(3),
        "x": rng.random((5, 2, 3, 4)),
    }
    path = tmp_path_factory.mktemp("arrays") / "data.npz"
    entries = [*arrays.items()]
    np.savez(path, **dict(entries[at] for at in order))
    data = load_dataset(f"npz:{path}", (2, 3, 4))
    for split, x, y in ((data.train, names[0], names[1]), (data.test, names[2], names[3])):
        assert np.array_equal(split.images, arrays[x]) and np.array_equal(split.labels, arrays[y])


@some
@given(count=st.integers(5, 60), dtype=st.sampled_from(["uint8", "float32", "float64", "int16"]), first=st.booleans())
def test_examples_that_are_held_out_keep_their_targets(
    tmp_path_factory: pytest.TempPathFactory, count: int, dtype: str, first: bool
) -> None:
    """Every example is in one of the parts, with its own target; one in five tests."""
    x = (np.arange(count * 6).reshape(count, 1, 2, 3) % 200).astype(dtype)
    x[:, 0, 0, 0] = np.arange(count)
    y = np.stack((np.arange(count) / 7, -np.arange(count)), 1)
    path = tmp_path_factory.mktemp("arrays") / "data.npz"
    np.savez(path, **({"x": x, "y": y} if first else {"labels": y, "images": x}))
    data = load_dataset(f"npz:{path}", (1, 2, 3), task="regression", outputs=2)
    assert len(data.test.labels) == -(-count // 5) and len(data.train.labels) + len(data.test.labels) == count
    seen = []
    for split in (data.train, data.test):
        for image, target in zip(split.images, split.labels, strict=True):
            number = round(float(image[0, 0, 0]))
            assert np.array_equal(image, x[number].astype(image.dtype)) and target == pytest.approx(y[number], rel=1e-6)
            seen.append(number)
    assert sorted(seen) == [*range(count)]
