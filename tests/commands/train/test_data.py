"""cnn data, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import Run

from cnncli.data.registry import DATASETS


def test_the_datasets_are_listed(cnn: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNN_DATA", str(tmp_path))
    rows = json.loads(cnn("data", "--format", "json").out)
    assert [row["name"] for row in rows] == [row.name for row in DATASETS]
    assert {row["name"]: row["local"] for row in rows}["digits"] is True
    assert all(row["here"] is row["local"] for row in rows)  # its name in earlier versions
    table = cnn("data").out.splitlines()
    assert table[0].split() == ["name", "shape", "classes", "train", "test", "local", "about"]
    assert [line.split()[0] for line in table[1:]] == [row.name for row in DATASETS]


def test_a_dataset_in_the_data_folder_is_local(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_DATA", str(tmp_path / "empty"))
    (tmp_path / "SVHN").mkdir()
    for name in ("train_32x32.mat", "test_32x32.mat"):
        (tmp_path / "SVHN" / name).touch()
    rows = json.loads(cnn("data", "--data-dir", tmp_path, "--format", "json").out)
    assert {row["name"]: row["local"] for row in rows}["svhn"] is True


def test_a_dataset_is_shown_with_its_classes_and_samples(cnn: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    out = cnn("data", "digits", "--samples", sheet).out
    assert out.startswith(
        "digits · 1x8x8 · 1,437 training and 360 test examples\ntraining split: mean 0.3054, std 0.3753"
    )
    with Image.open(sheet) as picture:
        assert picture.size == (90 * 7, 90 * 7)
    record = json.loads(cnn("data", "digits", "--format", "json").out)
    assert sum(row["train"] for row in record["classes"]) == record["train"] == 1437


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mnst",), "did you mean mnist?"),
        (("images:x",), "give its shape, e.g. --input 3x32x32"),
        (("npz:x.npz",), "no such file"),
        (("digits", "--samples", "x.txt"), ".png"),
    ],
)
def test_what_cannot_be_shown_says_why(cnn: Run, arguments: tuple[str, ...], said: str) -> None:
    ended = cnn("data", *arguments)
    assert ended.code == 2 and said in ended.err


def test_arrays_and_tables_are_shown_as_they_are(cnn: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((10, 3, 5)), y=np.arange(10) % 2)
    (tmp_path / "x.csv").write_text("a,b,price\n" + "1,2,3.5\n" * 10)
    assert cnn("data", f"npz:{tmp_path / 'x.npz'}").out.startswith("x.npz · 3x5 · 8 training and 2 test examples")
    shown = cnn("data", f"csv:{tmp_path / 'x.csv'}").out
    assert shown.startswith("x.csv · 2 · 8 training") and "price" in shown
