"""Checkpoints: the complete state of a training at a step, in one safetensors file, which cannot run code.

Nothing random has state, so a checkpoint is the weights, the optimizers' tensors, the averaged weights, the sums over
the epoch so far, and a few numbers as JSON. It is written under another name, synced and renamed; the previous one is
kept; a checksum detects a damaged file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors.torch import save
from torch import Tensor

from cnncli.errors import CnnError
from cnncli.executor.network.tensor_files import DamagedError, TensorSpec, opened
from cnncli.io.writing import sync_folder, write_whole

LAST, PREVIOUS = "checkpoint.safetensors", "checkpoint-previous.safetensors"
MAX_NUMBERS_LENGTH = 2**16  # characters; a checkpoint has a dozen numbers


class Checkpoint(NamedTuple):
    """Tensors and numbers by name; the step is one of the numbers."""

    tensors: dict[str, Tensor]
    numbers: dict[str, Any]


class Expected(Protocol):
    """The requirements on a checkpoint that is to be restored into a training."""

    def check_specs(self, found: dict[str, TensorSpec]) -> None:
        """Raises DamagedError for other names, shapes or types of tensors, before any of them is read."""

    def check_values(self, checkpoint: Checkpoint) -> None:
        """Raises DamagedError for numbers or values that are out of range."""


class MisfitError(DamagedError):
    """An undamaged file that is not a checkpoint of this training."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a run's newest checkpoint; the previous one is kept. Raises CnnError if it cannot be written."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    numbers = json.dumps(checkpoint.numbers, sort_keys=True)
    data = save(tensors, metadata={"numbers": numbers, "sha256": _digest(tensors, numbers)})
    try:
        aside = folder / f".{LAST}.part"
        write_whole(aside, data)
        if (folder / LAST).exists():
            (folder / LAST).replace(folder / PREVIOUS)
        aside.replace(folder / LAST)
        sync_folder(folder)
    except OSError as error:
        raise CnnError(
            f"{folder}: the checkpoint cannot be written: {error.strerror or error}",
            resume_hint(folder),
        ) from None


def resume_hint(folder: Path) -> str:
    """The hint for a run that cannot be written."""
    if has_checkpoint(folder):
        return f"the last good checkpoint is kept; free some space, then resume: cnn train --resume {folder}"
    return "there is no checkpoint yet: free some space, then start again in a new folder"


def _digest(tensors: Mapping[str, Tensor], numbers: str) -> str:
    """A checksum over names, types, shapes and values."""
    digest = sha256(numbers.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_checkpoint(path: Path, expected: Expected) -> Checkpoint:
    """Read one file; nothing is loaded that is not ``expected``.

    Raises DamagedError if it is missing, truncated or changed, and MisfitError if it belongs to another training.
    """
    with opened(path) as file:
        _checked(expected.check_specs, file.specs)
        text = file.metadata.get("numbers", "")
        if len(text) > MAX_NUMBERS_LENGTH:
            raise DamagedError("has too many numbers")
        tensors = {name: file.read(name) for name in file.specs}
        if _digest(tensors, text) != file.metadata.get("sha256"):
            raise DamagedError("does not match its checksum")
        checkpoint = Checkpoint(tensors, _numbers(text))
        _checked(expected.check_values, checkpoint)
    return checkpoint


def _checked(check: Callable[[Any], None], what: Any) -> None:
    try:
        check(what)
    except DamagedError as error:
        raise MisfitError(*error.args) from None


def _numbers(text: str) -> dict[str, Any]:
    try:
        numbers = json.loads(text)
    except (ValueError, RecursionError):
        raise DamagedError("has numbers that are not JSON") from None
    if not isinstance(numbers, dict):
        raise DamagedError("has no numbers by name")
    return numbers


def has_checkpoint(folder: Path) -> bool:
    """Whether there is a checkpoint to resume from."""
    return any((folder / name).exists() for name in (LAST, PREVIOUS))


def last_checkpoint(folder: Path, expected: Expected) -> tuple[Checkpoint, str]:
    """The last undamaged checkpoint that is ``expected``, and a note if it is not the newest.

    Raises CnnError with the fault of each file.
    """
    reasons: list[str] = []
    misfit = False
    for name in (LAST, PREVIOUS):
        try:
            checkpoint = read_checkpoint(folder / name, expected)
        except DamagedError as error:
            reasons.append(f"{name} {error}")
            misfit = misfit or isinstance(error, MisfitError)
        else:
            return checkpoint, f"{reasons[0]}, so the previous one is used" if reasons else ""
    if not misfit:
        raise CnnError(f"{folder}: has no checkpoint to resume from", "; ".join(reasons))
    raise CnnError(
        f"{folder}: its checkpoint belongs to another network or recipe: {'; '.join(reasons)}",
        f"undo changes made by hand, or start a new run with its weights: cnn train --from {folder} --init {folder}",
    )
