from __future__ import annotations

import functools
import gzip
import http.server
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from registry_rows import publish, published

from cnncli.data import load_dataset
from cnncli.data.download.local_files import is_local
from cnncli.data.registry import DATASETS, DatasetRow
from cnncli.errors import CnnError

FILES = tuple(name.removesuffix(".gz") for name in published("mnist").downloads)


def contents(train: int = 3, test: int = 2, width: int = 28) -> dict[str, bytes]:
    """Four IDX files; the first label says how many training images there are, so that tests can tell sets apart."""
    files = {}
    for name, count in zip(FILES, (train, train, test, test), strict=True):
        if "images" in name:
            files[name] = struct.pack(">2xBB3I", 8, 3, count, 28, width) + bytes(count * 28 * width)
        else:
            files[name] = struct.pack(">2xBBI", 8, 1, count) + bytes([count] * count)
    return files


def fill(folder: Path, ending: str = "", spelling: str = "-idx", **counts: int) -> None:
    folder.mkdir(parents=True)
    for name, content in contents(**counts).items():
        packed = gzip.compress(content) if ending else content
        (folder / f"{name.replace('-idx', spelling)}{ending}").write_bytes(packed)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("spelling", ["-idx", ".idx"])
@pytest.mark.parametrize("folder", ["mnist", "MNIST/raw", "."])
def test_every_usual_layout_is_found(tmp_path: Path, folder: str, spelling: str, ending: str) -> None:
    fill(tmp_path / "data" / folder, ending, spelling)
    mnist = load_dataset("mnist", (1, 28, 28), tmp_path / "data")
    assert mnist.name == "mnist"
    assert mnist.train.images.shape == (3, 1, 28, 28)
    assert mnist.test.labels.tolist() == [2, 2]
    assert mnist.classes == tuple("0123456789")


@pytest.mark.parametrize("row", [row for row in DATASETS if row.loader == "mnist"], ids=lambda row: row.name)
def test_every_dataset_in_this_format_is_found_in_its_folders(tmp_path: Path, row: DatasetRow) -> None:
    assert row.published is not None
    for folder in row.published.folders:
        fill(tmp_path / folder / "data" / folder)
        found = load_dataset(row.name, row.shape, tmp_path / folder / "data")
        assert found.train.images.shape == (3, *row.shape) and found.classes == row.classes
        assert is_local(row, tmp_path / folder / "data") and not is_local(row, tmp_path / "elsewhere")


def test_fashion_has_its_names(tmp_path: Path) -> None:
    fill(tmp_path / "fashion_mnist")
    fashion = load_dataset("fashion_mnist", (1, 28, 28), tmp_path)
    assert (fashion.classes[0], fashion.classes[9], len(fashion.classes)) == ("T-shirt/top", "Ankle boot", 10)


def test_data_dir_goes_before_the_setting_and_that_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("CNN_DATA", str(tmp_path / "setting"))

    def loaded() -> int:
        return len(load_dataset("mnist", (1, 28, 28), tmp_path / "given").train.labels)

    fill(tmp_path / "cache" / "cnn" / "mnist", train=1)
    assert loaded() == 1
    fill(tmp_path / "setting" / "mnist", train=2)
    assert loaded() == 2
    fill(tmp_path / "given" / "mnist", train=3)
    assert loaded() == 3


def test_files_of_a_half_finished_folder_are_not_mixed_with_others(tmp_path: Path) -> None:
    fill(tmp_path / "mnist", train=4)
    (tmp_path / "mnist" / FILES[3]).unlink()
    fill(tmp_path / "MNIST" / "raw", train=5)
    assert len(load_dataset("mnist", (1, 28, 28), tmp_path).train.labels) == 5


def test_train_and_test_images_of_different_sizes(tmp_path: Path) -> None:
    fill(tmp_path / "mnist")
    folder = tmp_path / "mnist"
    (folder / FILES[2]).write_bytes(contents(width=20)[FILES[2]])
    with pytest.raises(CnnError) as error:
        load_dataset("mnist", (1, 28, 28), tmp_path)
    assert str(error.value) == (
        f"{folder / FILES[0]} and {folder / FILES[2]} contain images of different sizes, 28x28 and 28x20\n"
        "  delete the file to download it again; if it is your own, check how it was written"
    )


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder behind CNN_MIRROR: it has small files, whose checksums the program takes for the right ones."""
    folder = tmp_path / "mirror"
    fill(folder / "mnist", ".gz")
    publish(monkeypatch, "mnist", {f"{name}.gz": (folder / "mnist" / f"{name}.gz").read_bytes() for name in FILES})

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("CNN_MIRROR", f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    server.server_close()


def test_what_is_nowhere_is_downloaded_once(mirror: Path, tmp_path: Path) -> None:
    first = load_dataset("mnist", (1, 28, 28), tmp_path / "new" / "data")
    for file in (mirror / "mnist").iterdir():
        file.unlink()
    second = load_dataset("mnist", (1, 28, 28), tmp_path / "new" / "data")
    assert np.array_equal(first.train.images, second.train.images)
    assert sorted(path.name for path in (tmp_path / "new" / "data" / "mnist").glob("[!.]*")) == sorted(
        f"{name}.gz" for name in FILES
    )


def test_without_a_folder_the_cache_is_filled(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    load_dataset("mnist", (1, 28, 28))
    assert (tmp_path / "cache" / "cnn" / "mnist" / f"{FILES[0]}.gz").is_file()


def test_only_what_is_missing_is_downloaded(mirror: Path, tmp_path: Path) -> None:
    fill(tmp_path / "data" / "mnist")
    for name in FILES[2:]:
        (tmp_path / "data" / "mnist" / name).unlink()
    for name in FILES[:2]:
        (mirror / "mnist" / f"{name}.gz").unlink()
    assert len(load_dataset("mnist", (1, 28, 28), tmp_path / "data").train.labels) == 3


def test_no_network_says_what_was_tried_and_what_else_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(CnnError) as error:
        load_dataset("mnist", (1, 28, 28), tmp_path)
    assert str(error.value) == (
        "cannot download train-images-idx3-ubyte.gz\n"
        "  http://127.0.0.1:9/mnist/train-images-idx3-ubyte.gz: Connection refused\n"
        "  without a network, copy train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
        f"t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz to {tmp_path / 'mnist'}; "
        "set CNN_MIRROR to download from another server; digits needs no download"
    )


def test_a_mirror_is_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_MIRROR", "somewhere")
    with pytest.raises(CnnError) as error:
        load_dataset("mnist", (1, 28, 28), tmp_path)
    assert str(error.value) == "CNN_MIRROR is 'somewhere', which is not a URL\n  use http://… or https://…"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CnnError) as error:
        load_dataset("mnist", (1, 28, 28), tmp_path / "file")
    assert str(error.value) == (
        f"cannot write mnist to {tmp_path / 'file' / 'mnist'}: Not a directory\n"
        "  choose another folder with --data-dir, or use digits, which needs no download"
    )


def test_a_full_disk_is_one_clear_error(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cnncli.data.download.fetch.os.fsync", full)
    with pytest.raises(CnnError) as error:
        load_dataset("mnist", (1, 28, 28), tmp_path)
    assert str(error.value) == (
        f"cannot write mnist to {tmp_path / 'mnist'}: No space left on device\n"
        "  choose another folder with --data-dir, or use digits, which needs no download"
    )


def test_the_real_mnist(shared_data: Path) -> None:
    mnist = load_dataset("mnist", (1, 28, 28), shared_data)
    assert (mnist.train.images.shape, mnist.test.images.shape) == ((60000, 1, 28, 28), (10000, 1, 28, 28))
    assert np.bincount(mnist.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    mean = mnist.train.images.mean() / 255
    assert round(float(mean), 4) == 0.1307  # the figure that every tutorial normalises with
