"""What a user installs: the wheel that is built from the source distribution."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from program import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True)
    return folder


def wheel_of(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def test_the_wheel_carries_architectures_digits_types_and_licences(built: Path) -> None:
    names = set(zipfile.ZipFile(wheel_of(built)).namelist())
    for path in (ROOT / "architectures").rglob("*.yaml"):
        assert f"cnncli/architectures/{path.relative_to(ROOT / 'architectures')}" in names
    assert {
        "cnncli/py.typed",
        "cnncli/architectures/index.json",
        "cnncli/data/digits/digits.csv.gz",
        "cnncli/data/digits/LICENSE.md",
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "cnncli").rglob("*.py")}
    assert modules <= names


def test_the_source_distribution_carries_what_the_wheel_is_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "architectures/lenet5.yaml"} <= names


def test_the_wheel_works_in_an_empty_environment_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel_of(built))], check=True)
    # torch and the other dependencies are lent from this environment by path: cnn itself is only in the new one
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def cnn(*arguments: str) -> str:
        command = [str(tmp_path / "env" / "bin" / "cnn"), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True, timeout=120
        ).stdout

    assert "61,706" in cnn("summarize", "lenet5")
    assert "test accuracy" in cnn("train", "digits_cnn", "--epochs", "1")
    home = "import cnncli; print(cnncli.__file__)"
    where = subprocess.run(
        [python, "-c", home], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(where.stdout.strip()).is_relative_to(tmp_path)
