from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnncli.data import NAMES, load_dataset
from cnncli.errors import CnnError

LISTED = [
    *("mnist", "fashion_mnist", "cifar10", "cifar100", "svhn", "digits"),
    "images:PATH",
    *("npz:FILE", "csv:FILE", "hf:NAME", "wds:PATH"),
]
KNOWN = f"the data sets are {', '.join(LISTED)}"


@pytest.mark.parametrize(
    "spec, hint",
    [
        ("minst", f"did you mean mnist? {KNOWN}"),
        ("fashion-mnist", f"did you mean fashion_mnist? {KNOWN}"),
        ("Digits", f"did you mean digits? {KNOWN}"),
        ("image:cats", f"did you mean images:PATH? {KNOWN}"),
        ("imagenet", f"did you mean images:PATH? {KNOWN}"),
        ("zzz", KNOWN),
        ("", KNOWN),
        ("z" * 5000, KNOWN),
        ("~nobody-at-all/zzz", KNOWN),
    ],
)
def test_an_unknown_name_gets_the_nearest_and_the_list(spec: str, hint: str) -> None:
    with pytest.raises(CnnError) as error:
        load_dataset(spec, (1, 28, 28))
    assert str(error.value) == f"unknown data set {spec!r}\n  {hint}"
    assert error.value.exit_code == 2


def test_a_path_without_images_in_front_gets_it(tmp_path: Path) -> None:
    with pytest.raises(CnnError) as error:
        load_dataset(str(tmp_path), (1, 28, 28))
    hint = f"write images:{tmp_path} for the images in it; {KNOWN}"
    assert str(error.value) == f"unknown data set {str(tmp_path)!r}\n  {hint}"


def test_the_names_of_data_sets_cost_no_heavy_import() -> None:
    heavy = ("numpy", "PIL", "rich", "torch", "urllib.request", "tarfile", "platformdirs")
    script = f"import sys, cnncli.data; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
    assert list(NAMES) == LISTED


def test_loading_data_needs_no_torch() -> None:
    modules = ", ".join(f"cnncli.data.sources.{name}" for name in ("images", "mnist", "digits"))
    script = f"import sys, {modules}; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


def test_every_data_set_is_listed_under_its_name() -> None:
    from cnncli.data.registry import listed

    assert sorted(entry.name for entry in listed(None)) == sorted(NAMES)
