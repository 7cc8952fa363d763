"""Metrics for TensorBoard: event files in the run folder, written by torch's own writer."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cnncli.errors import CnnError

NOT_SHOWN = ("epoch",)


def check_tensorboard() -> None:
    """Raises CnnError if TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise CnnError("--tensorboard: TensorBoard is not installed", "pip install tensorboard")


def event_writer(folder: Path, epochs_done: int) -> Any:
    """The writer of a run's ``events`` folder; it hides what was written after ``epochs_done``, which will be repeated.

    Raises CnnError if TensorBoard is not installed.
    """
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "events"), purge_step=epochs_done + 1)


def add_events(writer: Any, metrics: Mapping[str, float | int]) -> None:
    """Write the metrics of an epoch."""
    for name, value in metrics.items():
        if name not in NOT_SHOWN:
            writer.add_scalar(name, value, metrics["epoch"])
    writer.flush()
