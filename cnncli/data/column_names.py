"""The names of a table's columns: which are a network's inputs, and which its targets."""

from __future__ import annotations

from typing import NamedTuple


class ColumnNames(NamedTuple):
    """The names of a table's columns that a network was trained on, in its order; ``targets`` those of a regression."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def unnamed_targets(count: int) -> tuple[str, ...]:
    """What the targets of a regression are called where the data has no names for them: y0, y1, …"""
    return tuple(f"y{number}" for number in range(count))
