"""What a run is made of, so that it can be repeated: versions, the command line, the state of git, the data."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import torch

from cnncli import __version__
from cnncli.data import Dataset, OnDisk


def versions() -> dict[str, str]:
    """Of cnn, torch and Python."""
    return {"cnn": __version__, "torch": torch.__version__, "python": platform.python_version()}


def command_line() -> tuple[str, ...]:
    """As it was typed, after the program's name."""
    return tuple(sys.argv[1:])


def git_state() -> str:
    """The commit of the folder, with ``+`` where tracked files were changed; empty outside of a repository."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "-uno")
    return commit + ("+" if commit and changes else "")


def _git(*arguments: str) -> str:
    try:
        ended = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.strip()


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
            if isinstance(array, OnDisk):
                digest.update(array.fingerprint())
                continue
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()
