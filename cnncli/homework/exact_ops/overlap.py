"""Intersection over union and the Dice coefficient of two boxes or two masks, as exact fractions.

IoU = |A and B| / |A or B| (Jaccard 1901), Dice = 2 |A and B| / (|A| + |B|) (Dice 1945).
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any, NamedTuple

from cnncli.errors import NO, CnnError, shortened
from cnncli.homework.exact_ops.matrices import factor_text, plain, read_numbers, shown
from cnncli.homework.exact_ops.numbers import exactly

BOX_HINT = "write the corners of a box as 0 0 10 10 (x1 y1 x2 y2), or a mask as 0 1; 1 1"


class Box(NamedTuple):
    """A rectangle: the smaller and the larger corner of each axis."""

    left: Any
    top: Any
    right: Any
    bottom: Any

    def __str__(self) -> str:
        return " ".join(map(shown, self))


class Line(NamedTuple):
    """One quantity with its arithmetic, ``min(10, 15) - max(0, 5)``, and its value."""

    quantity: str
    arithmetic: str
    value: Any


class Overlap(NamedTuple):
    """The areas (or numbers of pixels) of two regions, of their intersection and union, and how each is calculated."""

    areas: tuple[Any, Any]
    intersection: Any
    steps: tuple[Line, ...]

    @property
    def union(self) -> Any:
        return exactly(sum(self.areas) - self.intersection)

    @property
    def iou(self) -> Any:
        return exactly(Fraction(self.intersection) / Fraction(self.union))

    @property
    def dice(self) -> Any:
        return exactly(2 * Fraction(self.intersection) / Fraction(sum(self.areas)))

    @property
    def calculation(self) -> tuple[Line, ...]:
        """All steps, in the order of a calculation by hand."""
        (one, other), both = map(factor_text, self.areas), factor_text(self.intersection)
        return (
            *self.steps,
            Line("union", f"{one} + {other} - {both}", self.union),
            Line("IoU", f"{both} / {factor_text(self.union)}", self.iou),
            Line("Dice", f"2 * {both} / ({one} + {other})", self.dice),
        )


def overlap(one: str, other: str, convention: str | None = None) -> Overlap:
    """The overlap of two boxes, each four numbers, or of two masks of 0 and 1 of one size.

    ``convention`` is what the numbers of boxes mean: two corners (``xyxy``, None), or with width and height the smaller
    corner (``xywh``) or the center (``cxcywh``).
    Raises CnnError for other inputs, and with exit code 1 where the union is empty.
    """
    first, second = read_numbers(one), read_numbers(other)
    if first.ndim != second.ndim:
        raise CnnError("a box and a mask cannot be compared", BOX_HINT)
    if first.ndim == 1:
        found = _of_boxes(*(_box(array, text, convention or "xyxy") for array, text in ((first, one), (second, other))))
    elif convention is not None:
        raise CnnError("--boxes has no effect on masks", "leave it out")
    else:
        found = _of_masks(first, second, one, other)
    if found.union == 0:
        raise CnnError("both regions are empty: the IoU is 0 / 0, which is undefined", exit_code=NO)
    return found


def _box(array: Any, text: str, convention: str) -> Box:
    shown_text = shortened(text.strip(), 40)
    if len(array) != 4:
        raise CnnError(f"{shown_text}: a box has four numbers, not {len(array)}", BOX_HINT)
    if not all(isfinite(value) for value in array):
        raise CnnError(f"{shown_text}: a box has finite numbers")
    one, two, three, four = (Fraction(str(exactly(value))) for value in array)
    if convention == "cxcywh":
        one, two = one - three / 2, two - four / 2
    if convention != "xyxy":
        three, four = one + three, two + four
    if three < one or four < two:
        fault = "x2 is less than x1, or y2 than y1" if convention == "xyxy" else "a width or a height is negative"
        hint = "write --boxes xywh if these are x, y, width, height" if convention == "xyxy" else ""
        raise CnnError(f"{shown_text}: {fault}", hint)
    return Box(*map(exactly, (one, two, three, four)))


def _of_boxes(one: Box, other: Box) -> Overlap:
    sides = []
    steps = [_area_line("area of A", one), _area_line("area of B", other)]
    for side, at in (("width", 0), ("height", 1)):
        end, start = min(one[at + 2], other[at + 2]), max(one[at], other[at])
        arithmetic = f"min({shown(one[at + 2])}, {shown(other[at + 2])}) - max({shown(one[at])}, {shown(other[at])})"
        apart = end < start
        text = f"max(0, {arithmetic})" if apart else arithmetic
        sides.append(exactly(max(Fraction(0), Fraction(end) - Fraction(start))))
        steps.append(Line(f"common {side}", text, sides[-1]))
    both = exactly(Fraction(sides[0]) * Fraction(sides[1]))
    steps.append(Line("intersection", " * ".join(map(factor_text, sides)), both))
    return Overlap((steps[0].value, steps[1].value), both, tuple(steps))


def _area_line(quantity: str, box: Box) -> Line:
    width, height = (Fraction(box[at + 2]) - Fraction(box[at]) for at in (0, 1))
    texts = [f"({shown(box[at + 2])} - {factor_text(box[at])})" for at in (0, 1)]
    return Line(quantity, " * ".join(texts), exactly(width * height))


def _of_masks(one: Any, other: Any, *texts: str) -> Overlap:
    if one.shape != other.shape:
        sizes = " and ".join("x".join(map(str, array.shape)) for array in (one, other))
        raise CnnError(f"the masks have different sizes: {sizes}", "give two masks of one size")
    for array, text in zip((one, other), texts, strict=True):
        if not ((array == 0) | (array == 1)).all():
            hint = "a box is one row of four numbers: 0 0 10 10"
            raise CnnError(f"{shortened(text.strip(), 40)}: a mask has only 0 and 1", hint)
    areas = int((one == 1).sum()), int((other == 1).sum())
    both = int(((one == 1) & (other == 1)).sum())
    steps = (Line("pixels of A", "", areas[0]), Line("pixels of B", "", areas[1]), Line("intersection", "", both))
    return Overlap(areas, both, steps)


def text_lines(found: Overlap) -> list[str]:
    """The calculation, a line for each quantity: ``IoU   25 / 175 = 1/7   (0.142857)``."""
    width = max(len(line.quantity) for line in found.calculation)
    return [f"{line.quantity.ljust(width)}  {_worked(line)}" for line in found.calculation]


def _worked(line: Line) -> str:
    value = str(line.value) if line.quantity in ("IoU", "Dice") else shown(line.value)
    decimal = f"   ({float(line.value):.6g})" if "/" in value else ""
    return " = ".join(filter(None, (line.arithmetic, value))) + decimal


def as_record(found: Overlap) -> dict[str, Any]:
    """The quantities for JSON, fractions as texts."""
    quantities = {"intersection": found.intersection, "union": found.union, "iou": found.iou, "dice": found.dice}
    return {"areas": plain(list(found.areas)), **{name: plain(value) for name, value in quantities.items()}}
