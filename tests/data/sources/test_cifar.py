"""CIFAR in its binary version: every layout is found, nothing damaged is taken, and downloads are checked."""

from __future__ import annotations

import functools
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from registry_rows import publish, published, records, row_of

from cnncli.data import load_dataset
from cnncli.data.download.local_files import is_local
from cnncli.data.registry import DATASETS
from cnncli.errors import CnnError

NAMES = [row.name for row in DATASETS if row.loader == "cifar"]


def contents(name: str) -> dict[str, bytes]:
    """Files of 20 records each; a picture is filled with its own label."""
    layout, classes = records(name), row_of(name).class_count
    files = {}
    for number, file in enumerate((*layout.train, *layout.test)):
        labels = [(20 * number + at) % classes for at in range(20)]
        files[file] = b"".join(bytes([0] * (layout.label_bytes - 1) + [label] + [label] * 3072) for label in labels)
    files[layout.class_names] = "".join(f"class{number}\n" for number in range(classes)).encode() + b"\n"
    return files


def pack(files: dict[str, bytes], folder: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def unpacked(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["folder", "own folder", "here", "archive"])
def test_every_layout_is_found(tmp_path: Path, name: str, form: str) -> None:
    (archive,), (folder, *_) = published(name).downloads, published(name).folders
    if form == "archive":
        (tmp_path / archive).write_bytes(pack(contents(name), folder))
    else:
        where = {"folder": folder, "own folder": name, "here": "sub"}[form]
        unpacked(tmp_path / where, contents(name))
    root = tmp_path / "sub" if form == "here" else tmp_path
    assert is_local(row_of(name), root) and not is_local(row_of(name), tmp_path / "elsewhere")
    dataset = load_dataset(name, (3, 32, 32), root)
    assert dataset.train.images.shape == (20 * len(records(name).train), 3, 32, 32)
    assert np.array_equal(dataset.train.images[:, 1, 7, 7], dataset.train.labels)
    assert dataset.classes[3] == "class3" and len(dataset.classes) == row_of(name).class_count


def damaged() -> list[tuple[str, str]]:
    return [
        ("cut", "not a multiple of the record size"),
        ("label", "label 200 is out of range"),
        ("empty", "not a multiple of the record size"),
    ]


@pytest.mark.parametrize(("damage", "said"), damaged())
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: str, said: str) -> None:
    files = contents("cifar10")
    file = records("cifar10").test[0]
    files[file] = {"cut": files[file][:-1], "label": bytes([200]) + files[file][1:], "empty": b""}[damage]
    unpacked(tmp_path / "cifar10", files)
    with pytest.raises(CnnError, match=said):
        load_dataset("cifar10", (3, 32, 32), tmp_path)


(ARCHIVE,) = published("cifar10").downloads
WHOLE = pack(contents("cifar10"), "a")


@pytest.mark.parametrize("archive", [b"no archive", pack({"other.bin": b"x"}, "a"), WHOLE[: len(WHOLE) // 2]])
def test_a_damaged_archive_is_one_clear_error(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / ARCHIVE).write_bytes(archive)
    with pytest.raises(CnnError, match=r"remove it to download it again|holds no|is damaged"):
        load_dataset("cifar10", (3, 32, 32), tmp_path)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror on loopback; the folder that it serves."""
    folder = tmp_path / "served"
    (folder / "cifar10").mkdir(parents=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    monkeypatch.setenv("CNN_MIRROR", f"http://127.0.0.1:{httpd.server_address[1]}")
    yield folder / "cifar10"
    httpd.shutdown()


def test_the_archive_is_downloaded_once_and_checked(
    tmp_path: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pack(contents("cifar10"), "a")
    publish(monkeypatch, "cifar10", {ARCHIVE: data})
    (server / ARCHIVE).write_bytes(data)
    assert len(load_dataset("cifar10", (3, 32, 32), tmp_path / "mine").train.labels) == 100
    (server / ARCHIVE).unlink()
    assert len(load_dataset("cifar10", (3, 32, 32), tmp_path / "mine").train.labels) == 100
    (server / ARCHIVE).write_bytes(data[:-5] + b"other")
    with pytest.raises(CnnError, match="wrong checksum"):
        load_dataset("cifar10", (3, 32, 32), tmp_path / "other")
