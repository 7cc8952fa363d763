"""The table of datasets: every row is complete, and what it claims is so."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from program import ROOT
from registry_rows import row_of

from cnncli.data import absolute_spec, load_dataset
from cnncli.data.download.local_files import is_local
from cnncli.data.registry import DATASETS, DatasetRow
from cnncli.errors import CnnError

KNOWN = f"the datasets are {', '.join(row.name for row in DATASETS)}"
every_row = pytest.mark.parametrize("row", DATASETS, ids=[row.key for row in DATASETS])


@every_row
def test_every_row_is_complete(row: DatasetRow) -> None:
    assert sum(row.key == other.key for other in DATASETS) == 1
    assert row.about and re.fullmatch(r"[a-z0-9_]+(:(PATH|FILE|NAME))?", row.name)
    assert callable(import_module(f"cnncli.data.sources.{row.loader}").load)
    of_its_own = [len(row.shape) == 3, row.class_count > 1, row.train > row.test > 0]
    assert not any(of_its_own) if row.takes_argument else all(of_its_own)
    assert bool(row.published) == (not row.takes_argument and row.name != "digits")  # which scikit-learn brings along


@pytest.mark.parametrize("row", [row for row in DATASETS if row.published], ids=lambda row: row.name)
def test_every_published_dataset_can_be_found_and_checked(row: DatasetRow) -> None:
    assert row.published is not None
    for remote in row.published.downloads.values():
        assert re.fullmatch("[0-9a-f]{64}", remote.sha256) and 4_000 < remote.size < 200_000_000
    assert row.name in row.published.folders and all(row.published.downloads)
    assert row.published.mirrors and all(re.fullmatch("https?://.*[^/]", each) for each in row.published.mirrors)


@every_row
def test_every_dataset_is_documented(row: DatasetRow) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(f"`{row.name}`" in page.read_text(encoding="utf-8") for page in pages)


@every_row
def test_loading_what_is_missing_is_one_clear_error(
    row: DatasetRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row's loader is reached, and names the file or the address that is missing."""
    monkeypatch.setenv("CNN_MIRROR", "http://127.0.0.1:9")
    if row.name == "digits":
        return
    spec = f"{row.key}:{tmp_path / 'missing'}" if row.takes_argument else row.name
    with pytest.raises(CnnError) as error:
        load_dataset(spec, row.shape or (3, 8, 8), tmp_path if row.downloads else None)
    assert "missing" in str(error.value) or "127.0.0.1:9" in str(error.value) or "pip install" in str(error.value)
    assert not is_local(row, tmp_path) or row.takes_argument


def test_the_numbers_of_a_row_are_those_of_the_dataset() -> None:
    row, digits = row_of("digits"), load_dataset("digits", (1, 8, 8))
    assert digits.train.images.shape == (row.train, *row.shape) and digits.test.images.shape == (row.test, *row.shape)
    assert digits.classes == row.classes


@pytest.mark.parametrize("name", [row.name for row in DATASETS if row.published])
def test_the_numbers_of_a_row_are_those_of_the_published_files(name: str, shared_data: Path) -> None:
    row = row_of(name)
    if not is_local(row, shared_data):
        pytest.skip(f"no {name} there")
    dataset = load_dataset(name, row.shape, shared_data)
    assert dataset.train.images.shape == (row.train, *row.shape) and dataset.test.images.shape == (row.test, *row.shape)
    assert len(dataset.classes) == row.class_count == len(np.unique(dataset.train.labels))


@pytest.mark.parametrize(
    "spec, hint",
    [
        ("minst", f"did you mean mnist? {KNOWN}"),
        ("fashion-mnist", f"did you mean fashion_mnist? {KNOWN}"),
        ("Digits", f"did you mean digits? {KNOWN}"),
        ("image:cats", f"did you mean images:PATH? {KNOWN}"),
        ("imagenet", f"did you mean images:PATH? {KNOWN}"),
        ("images", f"did you mean images:PATH? {KNOWN}"),
        ("mnist:x", f"did you mean mnist? {KNOWN}"),
        ("zzz", KNOWN),
        ("", KNOWN),
        ("z" * 5000, KNOWN),
        ("~nobody-at-all/zzz", KNOWN),
    ],
)
def test_an_unknown_name_gets_the_nearest_and_the_list(spec: str, hint: str) -> None:
    with pytest.raises(CnnError) as error:
        load_dataset(spec, (1, 28, 28))
    assert str(error.value) == f"unknown dataset {spec!r}\n  {hint}"
    assert error.value.exit_code == 2


def test_a_path_without_images_in_front_gets_it(tmp_path: Path) -> None:
    with pytest.raises(CnnError) as error:
        load_dataset(str(tmp_path), (1, 28, 28))
    hint = f"use images:{tmp_path} for the images in it; {KNOWN}"
    assert str(error.value) == f"unknown dataset {str(tmp_path)!r}\n  {hint}"


@every_row
def test_options_that_would_be_ignored_are_refused(row: DatasetRow, tmp_path: Path) -> None:
    spec = f"{row.key}:{tmp_path}" if row.takes_argument else row.name
    if not row.downloads:
        with pytest.raises(CnnError, match="--data-dir has no effect with"):
            load_dataset(spec, (3, 8, 8), tmp_path)
    if not row.streams:
        with pytest.raises(CnnError, match="images:PATH and wds:PATH can stay on disk"):
            load_dataset(spec, (3, 8, 8), stream=True)


def test_paths_become_absolute_and_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    for row in DATASETS:
        if row.takes_argument:
            assert absolute_spec(f"{row.key}:here") == f"{row.key}:{tmp_path / 'here'}"
    for spec in ("mnist", "hf:nobody/nothing", "unknown", "unknown:here", "npz:~nobody-at-all/x"):
        assert absolute_spec(spec) == spec


def test_the_table_costs_no_heavy_import() -> None:
    heavy = ("numpy", "PIL", "rich", "torch", "urllib.request", "tarfile", "platformdirs")
    modules = "cnncli.data, cnncli.data.registry, cnncli.data.download.local_files"
    script = f"import sys, {modules}; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_loading_data_needs_no_torch() -> None:
    modules = ", ".join(f"cnncli.data.sources.{row.loader}" for row in DATASETS)
    script = f"import sys, {modules}; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
