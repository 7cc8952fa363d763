"""Everything that calculates works where torch is not installed; what trains says what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import Ended

MISSING = ("torch", "safetensors")
BLOCKER = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
BROKEN = BLOCKER.replace('ModuleNotFoundError(f"No module named {name!r}"', "ImportError('libtorch.so: no such file'")
SHEET = "student: a\narchitecture: lenet5\nanswers: {c1.params: 156}\n"
KEY = "architecture: lenet5\nquestions: {c1.params: 2}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a sheet, a key and an interpreter's start that finds no torch."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"sheet.yaml": SHEET, "key.yaml": KEY, "start/sitecustomize.py": BLOCKER}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def without_torch(*arguments: str) -> Ended:
    code = "import sitecustomize, sys; from cnncli.__main__ import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["start", *sys.path])},
        check=False,
    )
    return Ended(result.returncode, result.stdout, result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        "summarize resnet18",
        "summarize resnet18 --memory --optimizer adam",
        "summarize lenet5 --at 28,32",
        "summarize resnet18 --input 3xHxW --count fvcore",
        "diff lenet5 alexnet",
        "explain lenet5",
        "explain resnet18 --reconcile",
        "receptive-field lenet5 conv2",
        "solve --in 7 --out 3",
        "solve lenet5 --accepts",
        "convolve 1,2;3,4 1,0;0,1 --steps",
        "check sheet.yaml",
        "new - --like resnet18",
        "schema",
        "grade key.yaml sheet.yaml -o marks",
        "quiz --solutions",
        "quiz -o quiz",
        "data",
        "data digits",
        "list",
        "export --help",
        "train --help",
        "--version",
    ],
)
def test_what_calculates_needs_no_torch(place: Path, arguments: str) -> None:
    ended = without_torch(*arguments.split())
    assert ended.code == 0, ended.err
    assert ended.out and "torch" not in ended.err


@pytest.mark.parametrize("arguments", ["train", "verify lenet5", "export lenet5 --to pytorch"])
@pytest.mark.parametrize("how", ["missing", "broken"])
def test_what_needs_torch_says_what_to_install(place: Path, arguments: str, how: str) -> None:
    if how == "broken":
        (place / "start" / "sitecustomize.py").write_text(BROKEN, encoding="utf-8")
    if arguments.startswith("train"):
        (place / "net.yaml").write_text("input: 1x8x8\nlayers: [flatten, linear: 10]\n", encoding="utf-8")
        arguments = "train net.yaml --data digits"
    ended = without_torch(*arguments.split())
    assert ended.code == 2 and ended.out == ""
    why = "which is not installed" if how == "missing" else "which cannot be imported: libtorch.so: no such file"
    assert ended.err.splitlines()[-2:] == [f"cnn: this needs the package torch, {why}", "  pip install 'torch>=2.6'"]
