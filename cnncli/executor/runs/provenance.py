"""The provenance of a run, needed to repeat it: versions, command line, git commit and data."""

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
MAX_SYMBOLIC_REFS = 5  # in a chain, as in git
MAX_LINE_BYTES = 1 << 16  # of a file with one line
MAX_PACKED_REFS_BYTES = 1 << 26  # a million branches


def versions() -> dict[str, str]:
    """The versions of cnn, torch and Python."""
    return {"cnn": __version__, "torch": torch.__version__, "python": platform.python_version()}


def command_line() -> tuple[str, ...]:
    """The arguments of the command."""
    return tuple(sys.argv[1:])


def git_commit() -> str:
    """The commit that is checked out in the working folder; empty outside of a git repository.

    git itself is never started: it would run commands from ``.git/config`` (core.fsmonitor, filters), and the working
    folder may be somebody else's. So it is unknown whether files were changed since.
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
    common = git / (_line(git / "commondir") or ".")  # of a worktree: the repository that has the branches
    text = _line(git / "HEAD")
    for _ in range(MAX_SYMBOLIC_REFS):
        if COMMIT.fullmatch(text):
            return text
        name = text.removeprefix("ref: ")
        if name == text or not name.startswith("refs/") or ".." in name:
            return ""
        text = _line(git / name) or _line(common / name) or _packed(common, name)
    return ""


def _packed(common: Path, name: str) -> str:
    """The commit of a branch that ``git gc`` moved from its own file to packed-refs."""
    lines = (line.split(" ") for line in _text(common / "packed-refs", MAX_PACKED_REFS_BYTES).splitlines())
    return next((line[0] for line in lines if line[1:] == [name]), "")


def _line(path: Path) -> str:
    return _text(path, MAX_LINE_BYTES).strip()


def _text(path: Path, limit: int) -> str:
    """The text of a regular file; empty if there is none within the limit."""
    try:
        return read_bytes(path, limit).decode()
    except (OSError, ValueError, CnnError):
        return ""


def is_same(dataset: Dataset, recorded: str) -> bool:
    """Whether the dataset has the fingerprint ``recorded``.

    Earlier versions stored a regression's targets in float32: their runs can be resumed, too.
    """
    if fingerprint(dataset) == recorded:
        return True
    if dataset.task != "regression":
        return False
    train, test = (replace(part, labels=part.labels.astype(np.float32)) for part in (dataset.train, dataset.test))
    return fingerprint(replace(dataset, train=train, test=test)) == recorded


def fingerprint(dataset: Dataset) -> str:
    """A hash of all images and labels, wherever they are stored; of images on disk only of their names."""
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
