"""The samples of one shard: a sample is the files of one key, the name up to its first dot: an image and its class.

One pass over the headers finds their offsets; of the contents only the classes are read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import MAX_CLASS_NAME
from cnncli.data.formats.archives import COMPRESSED
from cnncli.data.formats.containers import FileEntry, open_source
from cnncli.errors import CnnError
from cnncli.io.files import IMAGE_FORMATS, MAX_FILE_BYTES, open_regular

IMAGES = frozenset(ending.removeprefix(".") for ending in IMAGE_FORMATS)
CLASSES = ("cls", "json")  # the first one present contains the class
KEYS = ("label", "cls")  # of the JSON object
MOST_BYTES = 1 << 20  # size of a file with a class
NUMBER = re.compile("[+-]?[0-9]{1,99}")
NO_SAMPLES = {"link": "links", "replaced": "files replaced by later ones of the same name"}
MOST = 1_000_000  # classes: a larger number is not a class
ZSTD = b"\x28\xb5\x2f\xfd"

Label = int | str


@dataclass(frozen=True)
class Samples:
    """The samples of a shard, in the order of their offsets: where each image is, and its class as written there."""

    path: Path
    keys: tuple[str, ...]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    labels: tuple[Label, ...]
    skipped: Counter[str]


def read_samples(path: Path) -> Samples:
    """List the shard ``path``. Raises CnnError if it is not a tar file or a class cannot be read."""
    _check_plain(path)
    source = open_source(path)
    images, classes, skipped = _paired(source.entries)
    read = [entry for _, entry in classes]
    by_place = sorted(range(len(read)), key=lambda at: read[at].offset)
    labels: list[Label] = [0] * len(read)
    for at in by_place:
        _check_size(path, read[at], MOST_BYTES)
    for at, content in zip(by_place, source.contents([read[at] for at in by_place]), strict=True):
        labels[at] = _label(f"{path}: {read[at].name}", classes[at][0], content)
    for _, image in images:
        _check_size(path, image, MAX_FILE_BYTES)
    return Samples(
        path.absolute(),
        tuple(key for key, _ in images),
        np.array([image.offset for _, image in images], np.int64),
        np.array([image.size for _, image in images], np.int64),
        tuple(labels),
        skipped,
    )


Named = list[tuple[str, FileEntry]]


def _paired(entries: Sequence[FileEntry]) -> tuple[Named, Named, Counter[str]]:
    """Each sample's image with its key, and each one's class with its kind, in the order of the images."""
    samples: dict[str, dict[str, FileEntry]] = {}
    skipped: Counter[str] = Counter()
    for entry in entries:
        base, _, ending = entry.path[-1].partition(".") if entry.path else ("", "", "")
        if entry.kind == "file" and base and ending:
            samples.setdefault("/".join((*entry.path[:-1], base)), {})[ending.lower()] = entry
        elif entry.kind != "folder":
            skipped[NO_SAMPLES.get(entry.kind, "files whose names have no key and ending")] += 1
    found: list[tuple[str, FileEntry, str, FileEntry]] = []
    for key, files in samples.items():
        image = next((entry for ending, entry in files.items() if ending in IMAGES), None)
        kind = next((each for each in CLASSES if each in files), None)
        if image is None or kind is None:
            skipped["samples without an image" if image is None else "samples without a class"] += 1
        else:
            found.append((key, image, kind, files[kind]))
    found.sort(key=lambda sample: sample[1].offset)
    return [(key, image) for key, image, _, _ in found], [(kind, entry) for _, _, kind, entry in found], skipped


def _label(name: str, kind: str, content: bytes) -> Label:
    """A class's number, or its name."""
    expected = f"expected {'a number or a name' if kind == 'cls' else 'an object with ' + ' or '.join(KEYS)}"
    try:
        text = content.decode("utf-8-sig").strip()
        value = text if kind == "cls" else _from_json(json.loads(text))
    except (ValueError, RecursionError):
        raise CnnError(f"{name} is not {'UTF-8 text' if kind == 'cls' else 'JSON'}", expected) from None
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "" or len(str(value)) > MAX_CLASS_NAME:
        raise CnnError(f"{name} does not name a class", expected)
    if isinstance(value, int) and not 0 <= value < MOST:
        raise CnnError(f"{name}: {value} is not a class number", "class numbers start at 0")
    return value.strip() if isinstance(value, str) else value


def _from_json(value: object) -> object:
    return next((value[key] for key in KEYS if key in value), None) if isinstance(value, dict) else None


def _check_plain(path: Path) -> None:
    """Raises CnnError for a compressed file, in which samples cannot be read in any order."""
    try:
        with open_regular(path) as file:
            start = file.read(6)
    except OSError as error:
        raise CnnError(f"{path}: cannot be read ({error.strerror})") from None
    if start.startswith((*COMPRESSED, ZSTD)):
        raise CnnError(
            f"{path}: is compressed, so its samples cannot be read in any order",
            "unpack it to a .tar, e.g. with gunzip",
        )
    if start.startswith(b"PK"):
        raise CnnError(f"{path}: is a zip file", "shards are .tar files")


def _check_size(path: Path, entry: FileEntry, most: int) -> None:
    if entry.size > most:
        raise CnnError(f"{path}: {entry.name} is larger than {most >> 20} MiB", "remove it")
