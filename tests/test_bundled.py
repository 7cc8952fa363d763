"""The index of the bundled networks holds what their files give, and is not read where a file has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from program import ROOT, Run

from cnncli import bundled
from cnncli.loading import calculated_row


def test_the_index_has_the_calculated_row_of_every_network() -> None:
    written = (ROOT / "architectures" / bundled.INDEX).read_text(encoding="utf-8")
    calculated = bundled.index_text([calculated_row(name) for name in bundled.bundled()])
    assert written == calculated, "run python scripts/write_index.py"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of some architectures and of the index, as the folder of those bundled."""
    for name in ("lenet5.yaml", "vgg.yaml", bundled.INDEX):
        shutil.copy(ROOT / "architectures" / name, tmp_path)
    monkeypatch.setattr(bundled, "folder", lambda: tmp_path)
    return tmp_path


def change_input(path: Path) -> None:
    path.write_text(path.read_text().replace("1x28x28", "1x32x32"), encoding="utf-8")


def test_list_prints_what_the_index_says(cnn: Run, copied: Path) -> None:
    index = copied / bundled.INDEX
    index.write_text(index.read_text().replace("61706", "12345"))
    assert "12,345" in cnn("list", "lenet5").out


def test_list_calculates_a_network_whose_file_has_changed(cnn: Run, copied: Path) -> None:
    assert " 416,520 " in cnn("list", "lenet5").out
    change_input(copied / "lenet5.yaml")
    assert " 416,520 " not in cnn("list", "lenet5").out
    assert {"vgg11", "vgg16"} <= bundled.indexed().keys() and "lenet5" not in bundled.indexed()


@pytest.mark.parametrize("index", [None, "", "{}", "[1]", '[{"name": "lenet5"}]', "\0"])
def test_list_calculates_every_network_without_a_valid_index(cnn: Run, copied: Path, index: str | None) -> None:
    expected = cnn("list").out
    path = copied / bundled.INDEX
    path.unlink() if index is None else path.write_text(index)
    assert bundled.indexed() == {}
    assert cnn("list").out == expected
