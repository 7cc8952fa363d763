"""Intersection over union and Dice, compared with counts of grid cells."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import Run

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.overlap import overlap, text_lines

CORNER, SIDE = st.integers(0, 6), st.integers(1, 6)
BOXES = st.tuples(CORNER, CORNER, SIDE, SIDE)  # x, y, width, height


def cells(box: tuple[int, int, int, int]) -> set[tuple[int, int]]:
    x, y, width, height = box
    return {(row, column) for row in range(y, y + height) for column in range(x, x + width)}


def written(*numbers: object) -> str:
    return " ".join(map(str, numbers))


@settings(max_examples=40)
@given(BOXES, BOXES)
def test_boxes_overlap_in_the_cells_that_they_share_however_they_are_written(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int]
) -> None:
    both, any_of = cells(one) & cells(other), cells(one) | cells(other)
    corners = [written(x, y, x + width, y + height) for x, y, width, height in (one, other)]
    centers = [
        written(Fraction(2 * x + width, 2), Fraction(2 * y + height, 2), width, height)
        for x, y, width, height in (one, other)
    ]
    for found in (overlap(*corners), overlap(written(*one), written(*other), "xywh"), overlap(*centers, "cxcywh")):
        assert (found.intersection, found.union) == (len(both), len(any_of))
        assert found.iou == Fraction(len(both), len(any_of))
        assert found.dice == Fraction(2 * len(both), len(cells(one)) + len(cells(other)))


@settings(max_examples=20)
@given(st.integers(0, 2**12 - 1), st.integers(1, 2**12 - 1))
def test_masks_overlap_in_the_pixels_that_are_1_in_both(one: int, other: int) -> None:
    masks = [np.array([*map(int, f"{bits:012b}")]).reshape(3, 4) for bits in (one, other)]
    found = overlap(*("; ".join(written(*row) for row in mask) for mask in masks))
    assert (found.intersection, found.union) == ((masks[0] & masks[1]).sum(), (masks[0] | masks[1]).sum())
    assert found.iou == Fraction(int((masks[0] & masks[1]).sum()), int((masks[0] | masks[1]).sum()))


@settings(max_examples=20)
@given(BOXES, BOXES)
def test_the_arithmetic_of_every_step_gives_its_value(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int]
) -> None:
    found = overlap(written(*one), written(*other), "xywh")
    names = ["area of A", "area of B", "common width", "common height", "intersection", "union", "IoU", "Dice"]
    assert [line.quantity for line in found.calculation] == names
    for line, text in zip(found.calculation, text_lines(found), strict=True):
        assert Fraction(eval(line.arithmetic)).limit_denominator(1000) == line.value
        if line.quantity.startswith("common"):
            axis = 0 if line.quantity.endswith("width") else 1
            distance = min(box[axis] + box[axis + 2] for box in (one, other)) - max(box[axis] for box in (one, other))
            assert line.value == max(0, distance)
            assert line.arithmetic.startswith("max(0, ") == (distance < 0)
        shown = re.fullmatch(r"(.*\S)  +\S.* = (\S+)(?:   \((.*)\))?", text)
        assert shown is not None and shown[1] == line.quantity and Fraction(shown[2]) == line.value
        assert (shown[3] is None) == (Fraction(shown[2]).denominator == 1)
        assert shown[3] is None or float(shown[3]) == pytest.approx(float(line.value), abs=1e-5)


@pytest.mark.parametrize("convention", ["xyxy", "xywh", "cxcywh"])
def test_a_box_without_area_is_a_box_and_one_that_is_turned_is_not(convention: str) -> None:
    square = {"xyxy": "0 0 2 2", "xywh": "0 0 2 2", "cxcywh": "1 1 2 2"}[convention]
    for flat in ({"xyxy": "1 0 1 2"}.get(convention, "1 0 0 2"), {"xyxy": "0 1 2 1"}.get(convention, "0 1 2 0")):
        assert overlap(square, flat, convention).intersection == 0 == overlap(flat, square, convention).iou
    for turned in ({"xyxy": "1 0 0 2"}.get(convention, "1 0 -1 2"), {"xyxy": "0 1 2 0"}.get(convention, "0 1 2 -1")):
        with pytest.raises(CnnError, match=r"less than|negative"):
            overlap(square, turned, convention)


def test_every_step_of_the_calculation_is_shown(cnn: Run) -> None:
    assert cnn("iou", "0 0 10 10", "20 5 30 15").out.splitlines() == [
        "area of A      (10 - 0) * (10 - 0) = 100",
        "area of B      (30 - 20) * (15 - 5) = 100",
        "common width   max(0, min(10, 30) - max(0, 20)) = 0",
        "common height  min(10, 15) - max(0, 5) = 5",
        "intersection   0 * 5 = 0",
        "union          100 + 100 - 0 = 200",
        "IoU            0 / 200 = 0",
        "Dice           2 * 0 / (100 + 100) = 0",
    ]
    assert "IoU           2 / 6 = 1/3   (0.333333)" in cnn("iou", "0 1 1; 0 1 1", "1 1 0; 1 1 0").out


def test_fractions_and_negative_coordinates_stay_exact(cnn: Run) -> None:
    record = json.loads(cnn("iou", "-1 -1 1.5 2", "1/3 -1 2 1", "--format", "json").out)
    assert record == {
        "areas": ["15/2", "10/3"],
        "intersection": "7/3",
        "union": "17/2",
        "iou": "14/51",
        "dice": "28/65",
    }


@pytest.mark.parametrize(
    ("one", "other", "code", "message"),
    [
        ("10 10 5 5", "0 0 1 1", 2, "write --boxes xywh if"),
        ("1 2 3", "0 0 1 1", 2, "a box has four numbers, not 3"),
        ("0 2; 1 1", "0 1; 1 1", 2, "a mask has only 0 and 1"),
        ("0 1; 1 1", "0 1 1; 1 1 1", 2, "different sizes: 2x2 and 2x3"),
        ("0 1; 1 1", "0 1 1 1", 2, "a box and a mask cannot be compared"),
        ("a b c d", "0 0 1 1", 2, "'a' is not a number"),
        ("0 0; 0 0", "0 0; 0 0", 1, "the IoU is 0 / 0"),
        ("3 3 3 3", "3 3 3 3", 1, "the IoU is 0 / 0"),
    ],
)
def test_what_is_no_pair_of_regions_is_refused(cnn: Run, one: str, other: str, code: int, message: str) -> None:
    ended = cnn("iou", one, other)
    assert ended.code == code and message in ended.err and not ended.out


def test_a_convention_for_boxes_is_refused_for_masks(cnn: Run) -> None:
    for convention in ("xyxy", "xywh"):
        assert "no effect on masks" in cnn("iou", "0 1; 1 1", "0 1; 1 0", "--boxes", convention).err
