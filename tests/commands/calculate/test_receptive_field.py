"""cnn receptive-field, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from program import Run

from cnncli.drawing.input_region import DIMMED, OUTLINE, sketch


def test_the_region_of_a_unit_is_printed_and_sketched(cnn: Run) -> None:
    lines = cnn("receptive-field", "lenet5", "conv2", "--unit", "0,0").out.splitlines()
    assert lines[:4] == [
        "unit 0,0 of conv2 (16x10x10) depends on 12x12 of input 1x28x28, 18.4%",
        "  rows 0 to 11",
        "  columns 0 to 11",
        "  away from borders: RF 14x14, stride 2x2, offset -2, -2",
    ]
    assert lines[5] == "  ######........" and lines[-1] == "  (each character stands for 2x2 pixels)"


def test_json_has_the_region_and_the_receptive_field(cnn: Run) -> None:
    record = json.loads(cnn("receptive-field", "lenet5", "maxpool2", "--unit", "4,0", "--format", "json").out)
    assert record == {
        "layer": "maxpool2",
        "unit": [4, 0],
        "output_shape": [16, 5, 5],
        "inputs": {
            "input": {
                "first": [14, 0],
                "last": [27, 13],
                "size": [16, 16],
                "stride": [4, 4],
                "offset": [-2, -2],
                "aligned": True,
                "share": 0.25,
            }
        },
    }


def test_without_a_unit_the_middle_one_is_shown(cnn: Run) -> None:
    assert cnn("receptive-field", "resnet18", "maxpool1").out.startswith(
        "unit 27,27 of maxpool1 (64x56x56) depends on 11x11"
    )


def test_an_input_that_a_unit_does_not_depend_on_is_named(cnn: Run) -> None:
    out = cnn("receptive-field", "two_stream", "spatial.conv1").out
    assert "depends on 7x7 of rgb 3x224x224" in out and "does not depend on flow 20x224x224" in out


def test_a_signal_is_sketched_in_one_line() -> None:
    assert sketch(((2, 4),), (3, 8)) == ["  ..###..."]
    assert sketch(((0, 1), (1, 1)), (1, 2, 3)) == ["  .#.", "  .#."]


def test_the_drawing_outlines_the_region_and_dims_the_rest(cnn: Run, tmp_path: Path) -> None:
    image, drawn = tmp_path / "white.png", tmp_path / "seen.png"
    Image.new("RGB", (40, 30), "white").save(image)
    ended = cnn("receptive-field", "lenet5", "conv2", "--unit", "3,4", "--image", image, "-o", drawn)
    assert ended.out.endswith(f"{drawn}: drawn on {image}, resized to 28x28\n")
    picture = Image.open(drawn)
    scale = picture.width // 28
    assert picture.size == (28 * scale, 28 * scale) and scale > 10
    # unit 3,4 depends on rows 4 to 17, columns 6 to 19
    inside, outside = (12 * scale, 10 * scale), (3 * scale, 3 * scale)
    assert picture.getpixel(inside) == (255, 255, 255)
    assert picture.getpixel(outside) == (int(255 * DIMMED),) * 3
    for corner in ((6 * scale, 4 * scale), (20 * scale - 1, 18 * scale - 1)):
        assert picture.getpixel(corner) == OUTLINE
    assert picture.getpixel((6 * scale - 1, 4 * scale)) != OUTLINE


@pytest.mark.parametrize(
    ("arguments", "err"),
    [
        (("cnov2",), "cnov2: the network has no such layer\n  did you mean conv2?\n"),
        (("conv2", "--unit", "10,2"), "--unit 10,2: outside conv2, a 16x10x10 feature map\n  the last unit is 9,9\n"),
        (("conv2", "--unit", "1"), "--unit 1: not a position in a 16x10x10 feature map\n  write --unit 4,4\n"),
        (
            ("linear1", "--unit", "1"),
            "--unit 1: all units of linear1, a vector, depend on the same region\n  leave --unit out\n",
        ),
        (("c1", "--image", "x.png"), "--image requires -o\n  write --image photo.png -o region.png\n"),
    ],
)
def test_an_invalid_unit_is_an_error(cnn: Run, arguments: tuple[str, ...], err: str) -> None:
    ended = cnn("receptive-field", "lenet5", *arguments)
    assert (ended.code, ended.err) == (2, err)


def test_what_cannot_be_drawn_is_an_error(cnn: Run, tmp_path: Path) -> None:
    text, signal = tmp_path / "notes.txt", tmp_path / "seen.png"
    text.write_text("no picture")
    assert (
        "notes.txt: cannot be read as an image"
        in cnn("receptive-field", "lenet5", "c1", "--image", text, "-o", signal).err
    )
    missing = tmp_path / "missing.png"
    assert cnn("receptive-field", "lenet5", "c1", "--image", missing, "-o", signal).err == (
        f"{missing}: no such file\n"
    )
    image = tmp_path / "white.png"
    Image.new("RGB", (4, 3), "white").save(image)
    ended = cnn("receptive-field", "fcn_timeseries", "conv1", "--image", image, "-o", signal)
    assert ended.err == ("an input of 1x128 is not an image\n  draw on an input with two spatial axes\n")
