"""The autograder's archive has all that grading needs, and runs without PyTorch."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest
from program import Run

from cnncli.errors import CnnError
from cnncli.homework.autograder.gradescope_zip import KEY, NEEDED, autograder_zip
from cnncli.homework.autograder.wheel import WHEEL_NAME, program_wheel

SHEET = "student: Ann\nanswers:\n  c1.params: 156\n  q2: {output: 3}\n"
KEY_TEXT = "architecture: lenet5\nquestions:\n  c1.params: 2\n  conv2.params: 1\n"


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.yaml"
    path.write_text(KEY_TEXT)
    return path


def test_the_wheel_records_each_of_its_files_and_has_nothing_that_needs_torch() -> None:
    with opened(program_wheel()) as wheel:
        names = wheel.namelist()
        record = dict(line.split(",")[:2] for line in wheel.read(names[-1]).decode().splitlines())
        assert {*record} == {*names} and names[-1].endswith(".dist-info/RECORD")
        for name in names[:-1:40]:
            digest = urlsafe_b64encode(sha256(wheel.read(name)).digest()).rstrip(b"=").decode()
            assert record[name] == f"sha256={digest}"
    assert "cnncli/architectures/lenet5.yaml" in names and "cnncli/__main__.py" in names
    assert not [name for name in names if "executor" in name or "__pycache__" in name]


def test_the_archive_has_two_executable_scripts_and_the_key_in_its_root(key: Path) -> None:
    data = autograder_zip(key, {}, hide_answers=True)
    with opened(data) as archive:
        assert {*archive.namelist()} == {"setup.sh", "run_autograder", WHEEL_NAME, KEY}
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        assert [bool(modes[name] & stat.S_IXUSR) for name in ("setup.sh", "run_autograder", KEY)] == [True, True, False]
        setup, run = (archive.read(name).decode() for name in ("setup.sh", "run_autograder"))
        assert archive.read(KEY).decode() == KEY_TEXT
    assert 'pip" install --no-deps' in setup and "torch" not in setup and all(name in setup for name in NEEDED)
    assert run.startswith("#!/usr/bin/env bash\n") and "--hide-answers" in run
    assert data == autograder_zip(key, {}, hide_answers=True)


def test_the_network_beside_a_key_is_included_and_one_elsewhere_refused(key: Path) -> None:
    (key.parent / "nets").mkdir()
    (key.parent / "nets" / "own.yaml").write_text("input: 1x8x8\nlayers: [{conv: {filters: 2, kernel: 3, name: c1}}]\n")
    key.write_text(KEY_TEXT.replace("lenet5", "nets/own.yaml"))
    with opened(autograder_zip(key, {}, hide_answers=False)) as archive:
        assert "key/nets/own.yaml" in archive.namelist()
    for elsewhere in ("../own.yaml", "/tmp/own.yaml", "none.yaml"):
        key.write_text(KEY_TEXT.replace("lenet5", elsewhere))
        with pytest.raises(CnnError, match="not in the folder of the key"):
            autograder_zip(key, {}, hide_answers=False)


def test_a_folder_of_keys_and_the_files_of_options_are_included(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    for student in ("ann", "bob"):
        (tmp_path / "keys" / f"{student}.yaml").write_text(f"student: {student}\n{KEY_TEXT}")
    (tmp_path / "class.csv").write_text("student\nann\n")
    data = autograder_zip(tmp_path / "keys", {"--roster": tmp_path / "class.csv", "--review": None}, hide_answers=False)
    with opened(data) as archive:
        assert {"keys/ann.yaml", "keys/bob.yaml", "options/roster.csv"} <= {*archive.namelist()}
        run = archive.read("run_autograder").decode()
    assert '"$source/keys"' in run and '--roster "$source/options/roster.csv"' in run and "--hide" not in run


def test_the_command_writes_the_archive_and_refuses_a_wrong_key(cnn: Run, key: Path) -> None:
    ended = cnn("grade", key, "--autograder", key.parent / "a.zip")
    assert ended.code == 0 and "autograder to upload" in ended.out and zipfile.is_zipfile(key.parent / "a.zip")
    key.write_text(KEY_TEXT.replace("c1.params: 2", "c1.params: {answer: 150}"))
    ended = cnn("grade", key, "--autograder", key.parent / "b.zip")
    assert ended.code == 1 and "wrong answers in the key" in ended.err and not (key.parent / "b.zip").exists()
    assert "no answer sheets" in cnn("grade", key).err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are bash")
def test_the_autograder_grades_in_an_environment_without_torch(key: Path, tmp_path: Path) -> None:
    """As on Gradescope, but what setup.sh downloads comes from this environment."""
    root = tmp_path / "autograder"
    source = root / "source"
    with opened(autograder_zip(key, {}, hide_answers=True)) as archive:
        archive.extractall(source)
    shutil.copy(source / "run_autograder", root)
    subprocess.run([sys.executable, "-m", "venv", source / "venv"], check=True)
    python = source / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", source / WHEEL_NAME]
    subprocess.run(pip, check=True)
    (packages,) = (source / "venv" / "lib").glob("python*/site-packages")
    for name in ("click", "numpy", "yaml"):
        found = find_spec(name)
        assert found is not None and found.origin is not None
        folder = Path(found.origin).parent
        for needed in (folder, folder.parent / f"{name}.libs"):
            if needed.is_dir():
                (packages / needed.name).symlink_to(needed)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    missing = subprocess.run([python, "-c", "import torch"], capture_output=True, env=environment, check=False)
    assert missing.returncode != 0
    for submitted, said in ((SHEET, 2), ("", 0)):
        shutil.rmtree(root / "submission", ignore_errors=True)
        (root / "submission").mkdir()
        if submitted:
            (root / "submission" / "sheet.yaml").write_text(submitted)
        subprocess.run(["bash", root / "run_autograder"], check=True, capture_output=True, env=environment)
        assert json.loads((root / "results" / "results.json").read_text())["score"] == said
