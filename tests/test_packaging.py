"""What a user installs: the wheel that is built from the source distribution."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import click
import pytest
from program import ROOT

from cnncli import __version__

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_pyproject_lists_each_package() -> None:
    folders = {path.parent for path in (ROOT / "cnncli").rglob("__init__.py")}
    folders |= {path.parent for path in (ROOT / "architectures").rglob("__init__.py")}
    bundled = ROOT / "architectures"
    bundled_names = [".".join(["cnncli", *path.parent.relative_to(ROOT).parts]) for path in bundled.rglob("*.yaml")]
    names = [".".join(path.relative_to(ROOT).parts) for path in folders if bundled not in [path, *path.parents]]
    assert sorted({*names, *bundled_names}) == sorted(PYPROJECT["tool"]["setuptools"]["packages"])


def test_the_versions_of_the_package_and_of_its_metadata_agree() -> None:
    assert PYPROJECT["project"]["version"] == __version__


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True)
    return folder


def wheel_of(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def metadata_of(built: Path) -> Message:
    with zipfile.ZipFile(wheel_of(built)) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(wheel.read(name).decode("utf-8"))


def files_below(*folders: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.slow
def test_the_wheel_carries_architectures_digits_types_and_licenses(built: Path) -> None:
    names = set(zipfile.ZipFile(wheel_of(built)).namelist())
    for path in (ROOT / "architectures").rglob("*.yaml"):
        assert f"cnncli/architectures/{path.relative_to(ROOT / 'architectures')}" in names
    digits = "cnncli/data/sources/digits"
    assert {
        "cnncli/py.typed",
        "cnncli/homework/languages/de.po",
        f"{digits}/digits.csv.gz",
        f"{digits}/LICENSE.md",
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name for name in files_below("cnncli") if name.endswith(".py")} <= names
    assert not any(name.startswith(("tests/", "docs/", "benchmarks/")) for name in names)


@pytest.mark.slow
def test_the_source_distribution_carries_what_a_clone_has(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"} <= names
    assert files_below("architectures", "benchmarks", "cnncli", "docs", "tests") <= names


@pytest.mark.slow
def test_the_metadata_are_complete_and_the_description_has_no_dead_links(built: Path) -> None:
    metadata = metadata_of(built)
    for field in ("Name", "Version", "Summary", "Author", "License-Expression", "Requires-Python", "Classifier"):
        assert metadata[field], field
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    description = metadata.get_payload()
    assert isinstance(description, str) and description.startswith("# cnn\n")
    assert re.findall(r"\]\((?!https?://)", description) == []


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel_of(built))], check=True)
    # torch and the other dependencies are lent from this environment by path: cnn itself is only in the new one
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(f"{Path(click.__file__).parents[1]}\n")
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
