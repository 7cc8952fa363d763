"""Classic 3x3 kernels, by name."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnncli.errors import CnnError, suggestion

FILTERS: dict[str, list[list[Any]]] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "vertical_edge": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "sobel_x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel_y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "box_blur": [[Fraction(1, 9)] * 3] * 3,
    "gaussian": [[Fraction(value, 16) for value in row] for row in ([1, 2, 1], [2, 4, 2], [1, 2, 1])],
}


def filter_named(name: str) -> list[list[Any]]:
    """The rows of a classic kernel. Raises CnnError for an unknown name."""
    if name not in FILTERS:
        known = f"use {', '.join(FILTERS)}"
        raise CnnError(f"--filter: unknown filter {name!r}", suggestion(name, list(FILTERS), known))
    return FILTERS[name]
