"""Street View House Numbers: found on disk, downloaded and checked, and never half read."""

from __future__ import annotations

import functools
import http.server
import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from registry_rows import publish, published, row_of

from cnncli.data import load_dataset
from cnncli.data.download.local_files import is_local
from cnncli.errors import CnnError

SHAPE = (3, 32, 32)
FILES = tuple(published("svhn").downloads)


def matlab(count: int = 20, **changes: Any) -> bytes:
    """A file of ``count`` images; each is filled with its own label, 1 to 10."""
    savemat = pytest.importorskip("scipy.io").savemat
    labels = (np.arange(count) % 10 + 1).astype(np.uint8)
    pixels = np.broadcast_to(labels, (32, 32, 3, count)).copy()
    pixels[0, 1, 2] = 99  # row 0, column 1, blue
    content = io.BytesIO()
    savemat(content, {"X": pixels, "y": labels[:, None]} | changes, do_compression=True)
    return content.getvalue()


def written(folder: Path, train: bytes, test: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(FILES, (train, test), strict=True):
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("folder", ["svhn", "SVHN", "."])
def test_every_place_is_found(tmp_path: Path, folder: str) -> None:
    written(tmp_path / folder, matlab(20), matlab(7))
    assert is_local(row_of("svhn"), tmp_path) and not is_local(row_of("svhn"), tmp_path / "elsewhere")
    dataset = load_dataset("svhn", SHAPE, tmp_path)
    images, labels = dataset.train.images, dataset.train.labels
    assert images.shape == (20, *SHAPE) and images.dtype == np.uint8 and images.flags.c_contiguous
    assert labels.tolist()[:10] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0] and labels.dtype == np.int64
    assert np.array_equal(images[:, 1, 7, 7] % 10, labels)
    assert (images[:, 2, 0, 1] == 99).all() and (images[:, 2, 1, 0] != 99).all()
    assert len(dataset.test.labels) == 7 and dataset.classes == tuple("0123456789")


def wrong() -> dict[str, tuple[bytes, str]]:
    whole = matlab()
    return {
        "nothing": (b"", "is not a MATLAB 5 file, or is damaged"),
        "text": (b"no " * 100, "is not a MATLAB 5 file, or is damaged"),
        "cut": (whole[: len(whole) // 2], "is damaged"),
        "no labels": (matlab(y=np.zeros((0, 1))), "not 32x32x3xN of uint8"),
        "fewer labels": (matlab(y=np.ones((3, 1), np.uint8)), "20 images, and 3 labels"),
        "label": (matlab(y=np.full((20, 1), 11, np.uint8)), "are not the digits"),
        "real label": (matlab(y=np.full((20, 1), 1.5)), "are not the digits"),
        "size": (matlab(X=np.zeros((28, 28, 3, 20), np.uint8)), "X is 28x28x3x20 of uint8"),
        "type": (matlab(X=np.zeros((32, 32, 3, 20))), "X is 32x32x3x20 of float64"),
        "names": (matlab_of(a=np.zeros(3)), "contains no X and no y"),
    }


def matlab_of(**arrays: Any) -> bytes:
    content = io.BytesIO()
    pytest.importorskip("scipy.io").savemat(content, arrays)
    return content.getvalue()


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    whole = matlab()
    for case, (content, said) in wrong().items():
        written(tmp_path / "svhn", whole, content)
        with pytest.raises(CnnError) as error:
            load_dataset("svhn", SHAPE, tmp_path)
        first, hint = str(error.value).split("\n")
        assert first.startswith(f"{tmp_path / 'svhn' / 'test_32x32.mat'}: ") and said in first, case
        assert hint == "  remove it to download it again", case


def test_without_scipy_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(CnnError) as error:
        load_dataset("svhn", SHAPE, tmp_path)
    assert str(error.value).endswith("is not installed\n  pip install 'cnn-calculator[svhn]'")
    assert not any(tmp_path.iterdir())  # nothing is downloaded that could not be read


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror on loopback; the folder that it serves."""
    folder = tmp_path / "served"
    (folder / "svhn").mkdir(parents=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    monkeypatch.setenv("CNN_MIRROR", f"http://127.0.0.1:{httpd.server_address[1]}")
    yield folder / "svhn"
    httpd.shutdown()


def test_the_files_are_downloaded_once_and_checked(
    tmp_path: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = dict(zip(FILES, (matlab(20), matlab(7)), strict=True))
    publish(monkeypatch, "svhn", contents)
    for name, content in contents.items():
        (server / name).write_bytes(content)
    assert len(load_dataset("svhn", SHAPE, tmp_path / "mine").train.labels) == 20
    for name in contents:
        (server / name).unlink()
    assert len(load_dataset("svhn", SHAPE, tmp_path / "mine").test.labels) == 7
    written(server, *contents.values())
    (server / "test_32x32.mat").write_bytes(b"other")
    with pytest.raises(CnnError, match="wrong checksum"):
        load_dataset("svhn", SHAPE, tmp_path / "other")
