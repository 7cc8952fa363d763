from __future__ import annotations

import gzip
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cnncli.data.formats.idx import HINT, read_idx, read_labeled
from cnncli.errors import CnnError


def written(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def images(count: int = 2, height: int = 3, width: int = 4) -> NDArray[np.uint8]:
    return np.arange(count * height * width, dtype=np.uint8).reshape(count, height, width)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans(), st.randoms(use_true_random=False))
def test_read_of_written_is_the_array(shape: list[int], packed: bool, random) -> None:
    array = np.frombuffer(random.randbytes(int(np.prod(shape))), np.uint8).reshape(shape)
    content = written(array)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(gzip.compress(content) if packed else content)
        result = read_idx(path, axes=len(shape))
    assert result.dtype == np.uint8
    assert result.shape == array.shape
    assert np.array_equal(result, array)


GOOD = written(images())
PACKED = gzip.compress(GOOD)
BAD_CRC = PACKED[:-8] + bytes(4) + PACKED[-4:]

BROKEN = {
    "nothing": (b"", "is not an IDX file (it starts with nothing)"),
    "a web page": (b"<html>", "is not an IDX file (it starts with 3c 68 74 6d)"),
    "no axes": (bytes((0, 0, 8, 0)), "is not an IDX file (it starts with 00 00 08 00)"),
    "floats": (bytes((0, 0, 13, 3)), "contains floats; only unsigned bytes are supported"),
    "unknown type": (bytes((0, 0, 1, 3)), "contains numbers of the unknown type 1; only unsigned bytes are supported"),
    "half a header": (GOOD[:9], "ends inside its header"),
    "short data": (GOOD[:-1], "has 23 bytes, but its header declares 2x3x4 = 24"),
    "long data": (GOOD + b"x", "has more bytes than the 2x3x4 = 24 its header declares"),
    "truncated gzip": (PACKED[:-12], "the gzip data ends too early"),
    "gzip without its end": (PACKED[:-3], "the gzip data ends too early"),
    "wrong checksum": (BAD_CRC, "the gzip data is damaged (its checksum is wrong)"),
    "gzip header alone": (PACKED[:5], "the gzip data ends too early"),
}


@pytest.mark.parametrize("content, problem", BROKEN.values(), ids=BROKEN)
def test_each_corruption_names_the_file_and_what_to_do(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(CnnError) as error:
        read_idx(path, axes=3)
    assert str(error.value) == f"{path}: {problem}\n  {HINT}"


def test_the_hint_says_how_to_mend_it() -> None:
    assert HINT == "delete the file to download it again; if it is your own, check how it was written"


def test_swapped_images_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(GOOD)
    with pytest.raises(CnnError) as error:
        read_idx(path, axes=1)
    assert str(error.value) == f"{path}: contains images (3 axes), not labels (1 axis)\n  are two files swapped? {HINT}"


def test_a_lying_header_allocates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncli.data.memory_limit.machine_bytes", lambda: 2**40)
    path = tmp_path / "images"
    path.write_bytes(bytes((0, 0, 8, 3)) + struct.pack(">3I", 100_000, 1000, 1000) + b"few")
    with pytest.raises(CnnError) as error:
        read_idx(path, axes=3)
    problem = "has 3 bytes, but its header declares 100000x1000x1000 = 100,000,000,000"
    assert str(error.value) == f"{path}: {problem}\n  {HINT}"


def test_more_than_half_of_the_memory_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncli.data.memory_limit.machine_bytes", lambda: 2**30)
    path = tmp_path / "images"
    path.write_bytes(bytes((0, 0, 8, 3)) + struct.pack(">3I", 1024, 1024, 1024))
    with pytest.raises(CnnError) as error:
        read_idx(path, axes=3)
    problem = "1024x1024x1024 bytes would need 1.0 GiB, more than half of this machine's 1.0 GiB"
    assert str(error.value) == f"{path}: {problem}\n  {HINT}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CnnError) as error:
        read_idx(tmp_path / "none", axes=3)
    assert str(error.value) == f"{tmp_path / 'none'}: cannot be read (No such file or directory)"


def pair(folder: Path, pixels: NDArray[np.uint8], labels: list[int]) -> tuple[Path, Path]:
    (folder / "images").write_bytes(written(pixels))
    (folder / "labels").write_bytes(written(np.array(labels, np.uint8)))
    return folder / "images", folder / "labels"


def test_a_split_has_one_channel_and_long_labels(tmp_path: Path) -> None:
    pixels, labels = read_labeled(*pair(tmp_path, images(), [9, 0]), classes=10)
    assert np.array_equal(pixels, images()[:, None])
    assert pixels.dtype == np.uint8
    assert labels.dtype == np.int64
    assert labels.tolist() == [9, 0]


def test_images_and_labels_of_different_sets(tmp_path: Path) -> None:
    paths = pair(tmp_path, images(), [1, 2, 3])
    with pytest.raises(CnnError) as error:
        read_labeled(*paths, classes=10)
    assert str(error.value) == (
        f"{paths[0]} contains 2 images, but {paths[1]} contains 3 labels\n"
        "  they belong to different datasets: delete both files to download it again; "
        "if it is your own, check how it was written"
    )


def test_a_label_without_a_class(tmp_path: Path) -> None:
    paths = pair(tmp_path, images(), [1, 10])
    with pytest.raises(CnnError) as error:
        read_labeled(*paths, classes=10)
    assert str(error.value) == f"{paths[1]}: label 10 is out of range: the classes are 0 to 9\n  {HINT}"


def test_no_images(tmp_path: Path) -> None:
    paths = pair(tmp_path, images(0), [])
    with pytest.raises(CnnError) as error:
        read_labeled(*paths, classes=10)
    assert str(error.value) == f"{paths[0]}: contains no pixels (its shape is 0x3x4)\n  {HINT}"
