"""The names of losses, apart from their calculation: the command line lists them without loading it."""

from __future__ import annotations

from cnncli.errors import CnnError, suggestion

LOSS_NAMES: dict[str, str] = {  # name as written -> name of the loss
    "cross_entropy": "cross_entropy",
    "binary_cross_entropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "mse": "mse",
    "hinge": "hinge",
}


def checked_loss(written: str) -> str:
    """The name of a loss as written. Raises CnnError for an unknown one."""
    if written not in LOSS_NAMES:
        hint = suggestion(written[:40], [*LOSS_NAMES], f"use {', '.join(dict.fromkeys(LOSS_NAMES.values()))}")
        raise CnnError(f"unknown loss {written[:40]!r}", hint)
    return LOSS_NAMES[written]
