"""The first layer whose receptive field reaches a size."""

from __future__ import annotations

from typing import Any

from cnncli.analysis.solving.constraints import first_reaching
from cnncli.arithmetic.shape import format_shape
from cnncli.inference import Inferred


def answer(inferred: Inferred, wanted: int) -> tuple[dict[str, Any], list[str]]:
    """For each input the first layer that reaches ``wanted``, or the one with the largest receptive field."""
    reached = first_reaching(inferred, wanted)
    lines = []
    for source, found in reached.items():
        size = format_shape(found.size)
        if found.enough:
            lines.append(f"{found.layer} has a receptive field of {size} on {source}")
        else:
            lines.append(f"no layer reaches {wanted} on {source}; the largest is {found.layer} with {size}")
    record = {
        "receptive_field": wanted,
        "inputs": {source: found._asdict() for source, found in reached.items()},
        "answer": all(found.enough for found in reached.values()),
    }
    return record, lines
