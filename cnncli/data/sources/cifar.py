"""CIFAR-10 and CIFAR-100 in their binary version, which is plain bytes and nothing that could run.

A record is one label byte (CIFAR-100: the coarse one, then the fine one) and 3 x 32 x 32 pixels, channels first
(https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from cnncli.data.dataset import Dataset, Split
from cnncli.data.download.published import local_or_downloaded
from cnncli.data.formats.containers import members_of_tar
from cnncli.data.registry import Records, Request
from cnncli.errors import CnnError
from cnncli.io.files import read_bytes

IMAGE = (3, 32, 32)


def load(request: Request) -> Dataset:
    """Images (3, 32, 32) from a folder or an archive on disk, or from the network the first time. Raises CnnError."""
    row = request.row
    assert row.published is not None and row.published.records is not None  # what the loader is for
    records = row.published.records
    paths = local_or_downloaded(request)
    if len(paths) == len(records.files):
        contents = {name: _read(path) for name, path in zip(records.files, paths, strict=True)}
    else:
        contents = _from_archive(paths[0], records)
    lines = contents[records.class_names].decode("ascii", "replace").split("\n")
    classes = tuple(line.strip() for line in lines if line.strip())
    train, test = (_split(row.name, records, contents, files, len(classes)) for files in (records.train, records.test))
    return Dataset(row.name, train, test, classes)


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise CnnError(f"{path}: cannot be read: {error.strerror or error}") from None


def _from_archive(path: Path, records: Records) -> dict[str, bytes]:
    again = "remove it to download it again"
    try:
        contents = {
            entry.path[-1]: read()
            for entry, read in members_of_tar(path)
            if entry.kind == "file" and entry.path and entry.path[-1] in records.files
        }
    except CnnError as error:
        raise CnnError(error.problems[0].message, again) from None
    missing = [file for file in records.files if file not in contents]
    if missing:
        raise CnnError(f"{path}: contains no {missing[0]}", again)
    return contents


def _split(name: str, records: Records, contents: dict[str, bytes], files: tuple[str, ...], classes: int) -> Split:
    size = records.label_bytes + math.prod(IMAGE)
    for file in files:
        if not contents[file] or len(contents[file]) % size:
            raise CnnError(
                f"{name}: {file} has {len(contents[file]):,} bytes, not a multiple of the record size {size:,}",
                "download it again",
            )
    table = np.concatenate([np.frombuffer(contents[file], np.uint8).reshape(-1, size) for file in files])
    labels = table[:, records.label_bytes - 1].astype(np.int64)
    if labels.max() >= classes:
        raise CnnError(f"{name}: label {labels.max()} is out of range for {classes} classes", "download it again")
    return Split(np.ascontiguousarray(table[:, records.label_bytes :]).reshape(-1, *IMAGE), labels)
