"""Data sets: archives, folders, arrays, tables and pictures, damaged in their structure or in their bytes."""

from __future__ import annotations

import tarfile
from random import Random

from . import corpus
from .cases import OUTSIDE, Case, Content, Fifo, Link, Sparse
from .mutations import INTERESTING, mutate_bytes, mutate_csv
from .options import some_options

NAMES = (
    "../x.png", "/x.png", OUTSIDE + "/x.png", "", ".", "cat/", "cat//1.png", "cat/\x1b[2J.png", "a" * 300 + "/1.png",
    "cat/\u202e.png", "__MACOSX/x.png", "cat/.hidden.png", "\udcff/1.png", "cat/1.txt", "train/cat/1.png",
)  # fmt: skip
# where a tar header has its fields, and how long they are
TAR_FIELDS = {"name": (0, 100), "mode": (100, 8), "size": (124, 12), "mtime": (136, 12), "checksum": (148, 8),
              "type": (156, 1), "link": (157, 100), "magic": (257, 8), "prefix": (345, 155)}  # fmt: skip


def _changed_tar(rng: Random, data: bytes) -> bytes:
    """A header with a field at the edge of what it can hold, and its checksum put right."""
    blocks = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]
    if not blocks:
        return mutate_bytes(rng, data)
    changed = bytearray(data)
    at = rng.choice(blocks)
    start, length = TAR_FIELDS[rng.choice(tuple(TAR_FIELDS))]
    match rng.randrange(4):
        case 0:
            value = rng.choice((b"x", b"g", b"L", b"K", b"S", b"2", b"1", b"3", b"6", b"5", b"\0", b"Z"))
            start, length = TAR_FIELDS["type"]
        case 1:  # binary numbers, negative ones too
            value = b"\x80" + rng.choice(INTERESTING).to_bytes(11, "big")
            value = rng.choice((value, b"\xff" * 11 + b"\x00", (b"\xff" * 10 + b"\xfe\x00")))
            start, length = TAR_FIELDS["size"]
        case 2:
            value = rng.choice((b"77777777777\0", b"-0000000001\0", b"99999999999\0", b"00000000000\0"))
        case _:
            value = rng.randbytes(length)
    changed[at + start : at + start + length] = value[:length].ljust(length, b"\0")
    if rng.random() < 0.9:
        changed[at + 148 : at + 156] = b" " * 8
        changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + 512])
    return bytes(changed)


def _members(rng: Random, files: dict[str, bytes]) -> dict[str, bytes]:
    """The members with some renamed, left out, emptied or damaged."""
    changed = dict(files)
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        name = rng.choice(tuple(changed))
        match rng.randrange(5):
            case 0:
                changed[rng.choice(NAMES).encode("utf-8", "replace").decode()] = changed.pop(name)
            case 1 if len(changed) > 1:
                del changed[name]
            case 2:
                changed[name] = b""
            case 3:
                changed[name] = rng.choice(tuple(corpus.pictures().values()))
            case _:
                changed[name] = mutate_bytes(rng, changed[name])
    return changed


def _archive(rng: Random, files: dict[str, bytes]) -> tuple[str, bytes]:
    form = rng.choice(("zip", "tar", "tar", "tar.gz", "tar.bz2", "tar.xz"))
    if form == "zip":
        data = corpus.zip_of(files, rng.choice((0, 8)))
        return "data.zip", mutate_bytes(rng, data) if rng.random() < 0.6 else data
    import bz2
    import gzip
    import lzma

    data = corpus.tar_of(files)
    if rng.random() < 0.6:
        data = _changed_tar(rng, data)
    if rng.random() < 0.05:  # a long name that is declared and not there
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
        data = info.tobuf(tarfile.GNU_FORMAT) + data
    match form:
        case "tar.gz":
            data = gzip.compress(data, mtime=0)
        case "tar.bz2":
            data = bz2.compress(data)
        case "tar.xz":
            data = lzma.compress(data)
    return f"data.{form}", mutate_bytes(rng, data) if rng.random() < 0.3 else data


def _images(rng: Random) -> tuple[str, dict[str, Content]]:
    members = _members(rng, corpus.classes_of_images())
    if rng.random() < 0.25:
        files: dict[str, Content] = {f"data/{name}": data for name, data in members.items() if name.count("..") == 0}
        if rng.random() < 0.3:
            odd = rng.choice((Link("/dev/zero"), Link("."), Link("nowhere"), Fifo(), Sparse(1 << 33), Link(OUTSIDE)))
            files["data/cat/odd.png"] = odd
        return "images:data", {name: data for name, data in files.items() if not name.startswith("data//")}
    name, data = _archive(rng, members)
    return f"images:{name}", {name: data}


def _arrays(rng: Random) -> tuple[str, dict[str, Content]]:
    import numpy as np

    count = rng.choice((0, 1, 10, 12))
    x = np.arange(count * 64).reshape(rng.choice(((count, 1, 8, 8), (count, 8, 8), (count, 64), (count, 8, 8, 1))))
    y = np.arange(count) % 3
    kinds = ("u1", "u1", "f4", "f8", "i8", "c8", "?", "U3", "M8[s]", ">f4", "f2")
    x = x.astype(rng.choice(kinds)) if rng.random() < 0.9 else np.full((count, 1, 8, 8), np.nan)
    y = y.astype(rng.choice(("i8", "i8", "u1", "f4", "U3", "?", "c8")))
    if rng.random() < 0.1:
        y = -y if y.dtype.kind in "if" else y[:-1]
    if rng.random() < 0.2:
        y = np.stack([y, y], 1)
    names = rng.choice((("x", "y"), ("x", "y"), ("images", "labels"), ("x", "z")))
    more = {} if rng.random() < 0.8 else {"x_train": x, "y_train": y, "x_test": x[:2], "y_test": y[:3]}
    data = corpus.npz_of(**{names[0]: x, names[1]: y, **more})
    return "npz:data.npz", {"data.npz": mutate_bytes(rng, data) if rng.random() < 0.6 else data}


def _dataset(rng: Random) -> tuple[str, dict[str, Content]]:
    match rng.randrange(10):
        case 0 | 1 | 2:
            return _images(rng)
        case 3 | 4:
            return _arrays(rng)
        case 5 | 6:
            return "csv:data.csv", {"data.csv": mutate_csv(rng, corpus.TABLE)}
        case 7:
            data = corpus.tar_of(_members(rng, corpus.shard_files()))
            data = _changed_tar(rng, data) if rng.random() < 0.7 else mutate_bytes(rng, data)
            return "wds:data.tar", {"data.tar": data}
        case 8:
            return "mnist", {**_members(rng, corpus.mnist_files())}
        case _:
            files = _members(rng, corpus.cifar_files())
            if rng.random() < 0.4:
                inner = {name.removeprefix("cifar10/"): data for name, data in files.items()}
                packed = corpus.tar_of(inner, "w:gz")
                return "cifar10", {"cifar10/cifar-10-binary.tar.gz": mutate_bytes(rng, packed)}
            return "cifar10", {**files}


def generate(rng: Random) -> Case:
    """A data set or a picture that is damaged, put to a command that reads it."""
    if rng.random() < 0.2:
        name = rng.choice(tuple(corpus.pictures()))
        data = corpus.pictures()[name]
        files: dict[str, Content] = {name: mutate_bytes(rng, data) if rng.random() < 0.7 else data}
        if rng.random() < 0.5:
            return Case(("convolve", name, "--filter", rng.choice(("edge", "gaussian", "box")), "-o", "out.png"), files)
        return Case(("receptive-field", "lenet5", "conv2", "--image", name, "-o", "out.png"), files)
    spec, files = _dataset(rng)
    if any(name.startswith(("/", "../")) or "\0" in name for name in files):
        files = {name.replace("\0", "").strip("/").replace("..", "x"): data for name, data in files.items()}
    argv = ["data", spec, "--input", rng.choice(("1x8x8", "1x8x8", "3x32x32", "3", "1x28x28", "1x1"))]
    if rng.random() < 0.3:
        argv += ["--task", rng.choice(("classification", "regression", "segmentation"))]
    if rng.random() < 0.2:
        argv += ["--samples", "out.png"]
    if spec in ("mnist", "cifar10"):
        argv = ["data", spec, "--data-dir", "."]
    return Case((*argv, *some_options(rng, "data", count=rng.choice((0, 0, 1)))), files)
