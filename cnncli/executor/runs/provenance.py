"""What a run is made of, so that it can be repeated: versions, the command line, the commit of git, the data."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from cnncli import __version__
from cnncli.data import Dataset, LazyImages
from cnncli.errors import CnnError
from cnncli.io.files import read_bytes

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1 or SHA-256
SYMBOLIC_REFS = 5  # that name each other, as many as git follows
LINE_LIMIT = 1 << 16  # bytes of a file that holds one line
PACKED_REFS_LIMIT = 1 << 26  # bytes; a million branches


def versions() -> dict[str, str]:
    """Of cnn, torch and Python."""
    return {"cnn": __version__, "torch": torch.__version__, "python": platform.python_version()}


def command_line() -> tuple[str, ...]:
    """As it was typed, after the program's name."""
    return tuple(sys.argv[1:])


def git_commit() -> str:
    """The commit that is checked out in the working folder; empty outside of a git repository.

    git itself is never started: it runs what a repository's own ``.git/config`` names (core.fsmonitor, filters), and
    the working folder may be somebody else's. So whether files were changed since is not known.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if os.path.lexists(folder / ".git"):
            return _commit(folder / ".git")
    return ""


def _commit(entry: Path) -> str:
    """The commit of the repository whose ``.git`` is ``entry``: a folder, or a worktree's file that names one."""
    git = entry
    if not entry.is_dir():
        prefix, _, place = _line(entry).partition("gitdir: ")
        if prefix or not place:
            return ""
        git = entry.parent / place
    common = git / (_line(git / "commondir") or ".")  # of a worktree: where the branches of all of them are
    text = _line(git / "HEAD")
    for _ in range(SYMBOLIC_REFS):
        if COMMIT.fullmatch(text):
            return text
        name = text.removeprefix("ref: ")
        if name == text or not name.startswith("refs/") or ".." in name:
            return ""
        text = _line(git / name) or _line(common / name) or _packed(common, name)
    return ""


def _packed(common: Path, name: str) -> str:
    """The commit of a branch that ``git gc`` moved from its own file into the list of all of them."""
    lines = (line.split(" ") for line in _text(common / "packed-refs", PACKED_REFS_LIMIT).splitlines())
    return next((line[0] for line in lines if line[1:] == [name]), "")


def _line(path: Path) -> str:
    return _text(path, LINE_LIMIT).strip()


def _text(path: Path, limit: int) -> str:
    """The text of a regular file; empty where there is none within the limit."""
    try:
        return read_bytes(path, limit).decode()
    except (OSError, ValueError, CnnError):
        return ""


def is_same(dataset: Dataset, recorded: str) -> bool:
    """Whether these are the data with the fingerprint ``recorded``.

    Earlier versions held a regression's targets in float32: their runs go on, too.
    """
    if fingerprint(dataset) == recorded:
        return True
    if dataset.task != "regression":
        return False
    train, test = (replace(part, labels=part.labels.astype(np.float32)) for part in (dataset.train, dataset.test))
    return fingerprint(replace(dataset, train=train, test=test)) == recorded


def fingerprint(dataset: Dataset) -> str:
    """A hash over all images and labels: the same data, wherever it lies. What stays on disk goes by its names."""
    digest = blake2b(digest_size=16)
    for split in (dataset.train, dataset.test):
        arrays = (split.images, split.labels)
        for array in arrays:
            if isinstance(array, LazyImages):
                digest.update(array.fingerprint())
                continue
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()
