"""Checkpoints: all that a training is at a step, in one safetensors file that cannot run code.

Nothing random has state, so a checkpoint is the weights, the optimizers' tensors, the averages, the sums of the epoch
so far, and a few numbers as JSON. It is written aside, synced and renamed, the one before is kept, and a checksum tells
a damaged file from a whole one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cnncli.errors import CnnError
from cnncli.runs import write_whole

LAST, PREVIOUS = "checkpoint.safetensors", "checkpoint-previous.safetensors"


class Checkpoint(NamedTuple):
    """Tensors by name, and numbers: the step is among them."""

    tensors: dict[str, Tensor]
    numbers: dict[str, Any]


class DamagedError(Exception):
    """A file that is no whole checkpoint; says why."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Make it the last one of a run. Raises CnnError, loudly, where it cannot be written; the one before is kept."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    numbers = json.dumps(checkpoint.numbers, sort_keys=True)
    data = save(tensors, metadata={"numbers": numbers, "sha256": _digest(tensors, numbers)})
    try:
        aside = folder / f".{LAST}.part"
        write_whole(aside, data)
        if (folder / LAST).exists():
            (folder / LAST).replace(folder / PREVIOUS)
        aside.replace(folder / LAST)
        _sync_folder(folder)
    except OSError as error:
        raise CnnError(
            f"{folder}: the checkpoint cannot be written: {error.strerror or error}",
            f"the last good one is kept; make room, then cnn train --resume {folder}",
        ) from None


def _sync_folder(folder: Path) -> None:
    """Until the folder itself is synced, a rename can be lost with the power."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(tensors: Mapping[str, Tensor], numbers: str) -> str:
    """Over names, types, shapes and values."""
    digest = sha256(numbers.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one file. Raises DamagedError where it is missing, cut short or changed."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        numbers = json.loads(metadata["numbers"])
    except FileNotFoundError:
        raise DamagedError("is missing") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"cannot be read ({(str(error).splitlines() or ['?'])[0]})") from None
    if _digest(tensors, metadata["numbers"]) != metadata.get("sha256"):
        raise DamagedError("does not have its checksum")
    return Checkpoint(tensors, numbers)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is anything to go on from."""
    return any((folder / name).exists() for name in (LAST, PREVIOUS))


def last_checkpoint(folder: Path) -> tuple[Checkpoint, str]:
    """The last whole checkpoint of a run, and what is to be said where it is not the newest. Raises CnnError."""
    reasons: list[str] = []
    for name in (LAST, PREVIOUS):
        try:
            return read_checkpoint(folder / name), "; ".join(reasons)
        except DamagedError as error:
            reasons.append(f"{name} {error}, so the one before is used" if name == LAST else f"{name} {error}")
    raise CnnError(
        f"{folder}: has no checkpoint to go on from", "; ".join(reasons).replace(", so the one before is used", "")
    )
