"""CIFAR-10 and CIFAR-100 in their binary version, which is plain bytes and nothing that could run.

A record is one label byte (CIFAR-100: the coarse one, then the fine one) and 3 x 32 x 32 pixels, channels first
(https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnncli.data.dataset import Dataset, Split
from cnncli.data.download import Remote, by_hand, fetch, writing
from cnncli.data.formats.containers import members_of_tar
from cnncli.data.places import cache, mirrors, places
from cnncli.errors import CnnError
from cnncli.io.files import is_file, read_bytes

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Collection:
    """The archive, its hash and size, its folder, its files, and how many label bytes stand before the pixels."""

    archive: str
    remote: Remote
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: int
    names: str


COLLECTIONS = {
    "cifar10": Collection(
        "cifar-10-binary.tar.gz",
        Remote("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170_052_171),
        "cifar-10-batches-bin",
        tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        ("test_batch.bin",),
        1,
        "batches.meta.txt",
    ),
    "cifar100": Collection(
        "cifar-100-binary.tar.gz",
        Remote("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", 168_513_733),
        "cifar-100-binary",
        ("train.bin",),
        ("test.bin",),
        2,
        "fine_label_names.txt",
    ),
}
MIRRORS = ("https://www.cs.toronto.edu/~kriz",)


def load(name: str, data_dir: Path | None) -> Dataset:
    """``cifar10`` or ``cifar100``, images (3, 32, 32), from a folder, an archive, or the network the first time."""
    collection = COLLECTIONS[name]
    contents = found(name, data_dir)
    if contents is None:
        contents = _from_archive(_downloaded(name, collection, data_dir), collection)
    classes = tuple(
        line.strip() for line in contents[collection.names].decode("ascii", "replace").split("\n") if line.strip()
    )
    train, test = (
        _split(name, collection, contents, files, len(classes)) for files in (collection.train, collection.test)
    )
    return Dataset(name, train, test, classes)


def is_local(name: str, data_dir: Path | None) -> bool:
    """Whether it can be used without a download."""
    collection = COLLECTIONS[name]
    return any(
        is_file(place / collection.archive) or all(is_file(place / file) for file in _files(collection))
        for place in places((collection.folder, name, "."), data_dir)
    )


def found(name: str, data_dir: Path | None) -> dict[str, bytes] | None:
    """The contents of the files, where they lie unpacked or in the archive; else None."""
    collection = COLLECTIONS[name]
    for place in places((collection.folder, name, "."), data_dir):
        if all(is_file(place / file) for file in _files(collection)):
            return {file: _read(place / file) for file in _files(collection)}
        if is_file(place / collection.archive):
            return _from_archive(place / collection.archive, collection)
    return None


def _files(collection: Collection) -> tuple[str, ...]:
    return (*collection.train, *collection.test, collection.names)


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise CnnError(f"{path}: cannot be read: {error.strerror or error}") from None


def _from_archive(path: Path, collection: Collection) -> dict[str, bytes]:
    again = "remove it: it is downloaded again"
    try:
        contents = {
            entry.path[-1]: read()
            for entry, read in members_of_tar(path)
            if entry.kind == "file" and entry.path and entry.path[-1] in _files(collection)
        }
    except CnnError as error:
        raise CnnError(error.problems[0].message, again) from None
    missing = [file for file in _files(collection) if file not in contents]
    if missing:
        raise CnnError(f"{path}: holds no {missing[0]}", again)
    return contents


def _split(
    name: str, collection: Collection, contents: dict[str, bytes], files: tuple[str, ...], classes: int
) -> Split:
    size = collection.labels + PIXELS
    for file in files:
        if not contents[file] or len(contents[file]) % size:
            raise CnnError(
                f"{name}: {file} has {len(contents[file]):,} bytes, which are no records of {size:,}",
                "download it again",
            )
    table = np.concatenate([np.frombuffer(contents[file], np.uint8).reshape(-1, size) for file in files])
    labels = table[:, collection.labels - 1].astype(np.int64)
    if labels.max() >= classes:
        raise CnnError(f"{name}: a label is {labels.max()}, and there are {classes} classes", "download it again")
    return Split(np.ascontiguousarray(table[:, collection.labels :]).reshape(-1, 3, 32, 32), labels)


def _downloaded(name: str, collection: Collection, data_dir: Path | None) -> Path:
    addresses = mirrors(name, MIRRORS)
    folder = (data_dir or cache()) / name
    target = folder / collection.archive
    hint = by_hand(collection.archive, folder)
    with writing(name, folder):
        if not target.exists():
            fetch([f"{mirror}/{collection.archive}" for mirror in addresses], target, collection.remote, hint)
    return target
