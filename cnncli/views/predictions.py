"""Predictions as rows, and the rows as text."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cnncli.runs.record import RunRecord
from cnncli.views.listing import as_csv, as_json, as_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnncli.executor.runs.prediction import Prediction

Row = dict[str, Any]
DIGITS = 6  # of a probability: a float32 has about seven
STD_DIGITS = 6  # significant digits of a target's std that are shown in a table
MIN_WIDTH = 12  # of the values in a table


def class_rows(names: Sequence[str], predictions: Sequence[Sequence[Prediction]]) -> Iterator[Row]:
    """A row for each class that is predicted for an image."""
    for name, ranked in zip(names, predictions, strict=True):
        for rank, found in enumerate(ranked, 1):
            yield {"file": name, "rank": rank, "class": found.label, "probability": round(found.probability, DIGITS)}


def value_rows(names: Sequence[str], values: Sequence[Sequence[float]], targets: Sequence[str]) -> Iterator[Row]:
    """A row for each target of an example."""
    for name, predicted in zip(names, values, strict=True):
        for target, value in zip(targets, predicted, strict=True):
            yield {"file": name, "target": target, "value": value}


def mask_rows(names: Sequence[str], masks: NDArray[np.uint8], classes: Sequence[str]) -> Iterator[Row]:
    """A row for each class in the mask of an image, with its fraction of the pixels."""
    for name, mask in zip(names, masks, strict=True):
        for number, label in enumerate(classes):
            pixels = int((mask == number).sum())
            if pixels:
                yield {"file": name, "class": label, "pixels": pixels, "share": round(pixels / mask.size, DIGITS)}


def decimals_of(record: RunRecord) -> dict[str, int]:
    """The decimals that each target of a regression is shown with: those that its std makes significant."""
    stds = record.targets.std if record.targets is not None else ()
    return {name: STD_DIGITS - 1 - math.floor(math.log10(std)) for name, std in zip(record.classes, stds, strict=False)}


def predictions_text(rows: list[Row], form: str, decimals: dict[str, int]) -> str:
    """The rows in one of the formats; in a table ``decimals`` are those of each target."""
    if form == "json":
        return as_json(rows)
    if form == "csv":
        return as_csv(rows)
    shown = [_formatted(row, decimals) for row in _named_once(rows)]
    width = max(MIN_WIDTH, *(len(str(row.get("value", ""))) for row in shown))
    return as_table([{**row, "value": row["value"].rjust(width)} if "value" in row else row for row in shown])


def _formatted(row: Row, decimals: dict[str, int]) -> Row:
    """Probabilities and fractions in percent, and values with their significant digits."""
    cells = {**row}
    for key in ("probability", "share"):
        if key in row:
            cells[key] = f"{row[key]:11.2%}"
    if "value" in row:
        cells["value"] = _number(row["value"], decimals[row["target"]])
    return cells


def _number(value: float, decimals: int) -> str:
    """A number with that many decimals; in scientific notation where these would all be zeros."""
    if value and (decimals > 2 * STD_DIGITS or abs(value) >= 1e15):
        digits = decimals + 1 + math.floor(math.log10(abs(value)))
        return f"{value:.{min(max(1, digits), sys.float_info.dig)}g}"
    return f"{value:.{max(0, decimals)}f}"


def _named_once(rows: list[Row]) -> Iterator[Row]:
    """The rows with the name of each file only in its first row."""
    before = None
    for row in rows:
        yield {**row, "file": "" if row["file"] == before else row["file"]}
        before = row["file"]
