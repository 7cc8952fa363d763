"""The memory of a network as text and as JSON."""

from __future__ import annotations

from typing import Any

from cnncli.analysis.memory import Memory
from cnncli.io.width import wrapped

LARGEST_SHOWN = 5  # layers with the largest saved activations


def lines(memory: Memory) -> list[str]:
    """A row per kind of tensor: its bytes in inference and in training."""
    rows = [
        ("parameters", memory.parameters, memory.parameters),
        ("buffers", memory.buffers, memory.buffers),
        ("gradients", 0, memory.gradients),
        ("optimizer state", 0, memory.optimizer_state),
        ("activations", memory.peak_activations, memory.saved_activations),
        ("total", memory.inference, memory.training),
    ]
    texts = [("", "inference", "training", "")] + [
        (what, f"{inference:,}" if inference else "", f"{training:,}", _both(inference, training))
        for what, inference, training in rows
    ]
    widths = [max(len(row[at]) for row in texts) for at in range(3)]
    table = [
        f" {what.ljust(widths[0])}  {inference.rjust(widths[1])}  {training.rjust(widths[2])}  {human}".rstrip()
        for what, inference, training, human in texts
    ]
    precision = f"bytes for a batch of {memory.batch} in {memory.dtype}, optimizer {memory.optimizer}"
    largest = sorted(memory.saved.items(), key=lambda item: -item[1])[:LARGEST_SHOWN]
    kept = ", ".join(f"{name} {human(size)}" for name, size in largest if size)
    return [
        f" {precision}",
        "",
        *table,
        "",
        *wrapped(f" peak inference memory at {memory.at}; a tensor is freed after the last layer that reads it"),
        *wrapped(f" largest activations kept for backward: {kept}"),
        *wrapped(" not counted: library workspace, allocator rounding, GPU context"),
    ]


def _both(inference: int, training: int) -> str:
    return f"({human(inference)}, {human(training)})" if inference else f"({human(training)})"


def human(size: int) -> str:
    """``97.5 MiB``."""
    for unit, count in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= count:
            return f"{size / count:.1f} {unit}"
    return f"{size} B"


def as_record(memory: Memory) -> dict[str, Any]:
    """The bytes for JSON."""
    return {
        "batch": memory.batch,
        "dtype": memory.dtype,
        "optimizer": memory.optimizer,
        "parameters": memory.parameters,
        "buffers": memory.buffers,
        "gradients": memory.gradients,
        "optimizer_state": memory.optimizer_state,
        "inference": {"peak_activations": memory.peak_activations, "at": memory.at, "total": memory.inference},
        "training": {"activations": memory.saved_activations, "total": memory.training},
    }
