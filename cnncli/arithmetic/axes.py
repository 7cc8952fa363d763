"""The names of the spatial axes of a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncli.errors import counted, enumerated


class Axis(NamedTuple):
    """The names of a spatial axis: its letter in formulas, its name, one index along it, and its two ends."""

    letter: str
    name: str
    line: str
    ends: tuple[str, str]


_LENGTH, _DEPTH = Axis("L", "length", "column", ("start", "end")), Axis("D", "depth", "slice", ("front", "back"))
_HEIGHT, _WIDTH = Axis("H", "height", "row", ("top", "bottom")), Axis("W", "width", "column", ("left", "right"))
SPATIAL_AXES: dict[int, tuple[Axis, ...]] = {  # by their number
    0: (),
    1: (_LENGTH,),
    2: (_HEIGHT, _WIDTH),
    3: (_DEPTH, _HEIGHT, _WIDTH),
}
AXIS_NAMES = tuple(axis.name for axis in (*SPATIAL_AXES[3], _LENGTH))
AXIS_ENDS = tuple(end for axis in (*SPATIAL_AXES[3], _LENGTH) for end in axis.ends)


def lines_text(counts: Sequence[int]) -> str:
    """Numbers of rows and columns, one for each spatial axis, those of 0 left out: ``1 row and 2 columns``."""
    pairs = zip(counts, SPATIAL_AXES[len(counts)], strict=True)
    found = [counted(count, axis.line) for count, axis in pairs if count]
    return enumerated(found) if found else ""
