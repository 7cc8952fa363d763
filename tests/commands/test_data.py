"""cnn data, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from program import Run


def test_the_data_sets_are_listed(cnn: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNN_DATA", str(tmp_path))
    rows = json.loads(cnn("data", "--format", "json").out)
    assert [row["name"] for row in rows][:3] == ["digits", "mnist", "fashion_mnist"]
    assert {row["name"]: row["here"] for row in rows}["digits"] is True
    assert "handwritten digits" in cnn("data").out


def test_a_data_set_is_shown_with_its_classes_and_samples(cnn: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    out = cnn("data", "digits", "--samples", sheet).out
    assert out.startswith("digits · 1x8x8 · 1,437 to train, 360 to test\nmean 0.3054, std 0.3753")
    with Image.open(sheet) as picture:
        assert picture.size == (90 * 7, 90 * 7)
    record = json.loads(cnn("data", "digits", "--format", "json").out)
    assert sum(row["train"] for row in record["classes"]) == record["train"] == 1437


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mnst",), "did you mean mnist?"),
        (("npz:x.npz",), "say which: --input"),
        (("digits", "--samples", "x.txt"), ".png"),
    ],
)
def test_what_cannot_be_shown_says_why(cnn: Run, arguments: tuple[str, ...], said: str) -> None:
    ended = cnn("data", *arguments)
    assert ended.code == 2 and said in ended.err
