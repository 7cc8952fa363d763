"""What the spatial axes of a feature map are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Axis(NamedTuple):
    """The names of a spatial axis: its letter in formulas, its name, and what one index along it is called."""

    letter: str
    name: str
    line: str


_HEIGHT, _WIDTH = Axis("H", "height", "row"), Axis("W", "width", "column")
SPATIAL_AXES: dict[int, tuple[Axis, ...]] = {  # by their number
    0: (),
    1: (Axis("L", "length", "column"),),
    2: (_HEIGHT, _WIDTH),
    3: (Axis("D", "depth", "slice"), _HEIGHT, _WIDTH),
}


def lines_text(counts: Sequence[int]) -> str:
    """Numbers of rows and columns, one for each spatial axis, those of 0 left out: ``1 row and 2 columns``."""
    pairs = zip(counts, SPATIAL_AXES[len(counts)], strict=True)
    return " and ".join(f"{count} {axis.line}{'s' if count > 1 else ''}" for count, axis in pairs if count)
