"""The program around its commands: help, completion, exit codes, what is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from program import ROOT, Run, run_process

from cnncli import commands
from cnncli.commands import SUMMARIES

CALCULATING = (
    ["summarize", "resnet18"],
    ["summarize", "lenet5", "--format", "json"],
    ["list"],
    ["summarize", "resnet18", "--input", "3xHxW", "--count", "thop"],
    ["summarize", "lenet5", "--at", "28,32"],
    ["summarize", "resnet18", "--top", "5"],
    ["explain", "lenet5"],
    ["explain", "resnet18", "--reconcile"],
    ["diff", "lenet5", "resnet18"],
    ["solve", "--in", "7", "--out", "3"],
    ["solve", "resnet18", "--accepts"],
    ["receptive-field", "lenet5", "conv2"],
    ["--help"],
    ["--version"],
)
HEAVY = ("torch", "numpy", "PIL", "safetensors", "rich")


@pytest.mark.parametrize("arguments", CALCULATING, ids=" ".join)
def test_a_calculating_command_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from cnncli.__main__ import main\n"
        f"sys.argv = ['cnn', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout
    assert result.stderr == "[]\n"


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from cnncli.commands import cnn; cnn(['--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('cnncli')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "['cnncli', 'cnncli.commands']"


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_help_whose_first_line_is_its_summary_and_stands_in_the_readme(cnn: Run, name: str) -> None:
    command = commands.cnn.get_command(click.Context(commands.cnn), name)
    assert command is not None and command.help and command.help.splitlines()[0] == SUMMARIES[name]
    ended = cnn(name, "--help")
    assert ended.code == 0 and "Usage: cnn" in ended.out
    assert f"cnn {name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help, f"{name} {parameter.name} has no help"


def test_help_shows_each_command_in_one_line_of_80_columns(cnn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = cnn("--help").out.splitlines()
    for name, summary in SUMMARIES.items():
        assert any(line.split() == [name, *summary.split()] for line in lines)
    assert [line for line in lines if line.endswith(":")] == ["Options:", "Calculate:", "Train:", "Teach:"]


def test_an_unknown_command_is_answered_with_the_nearest(cnn: Run) -> None:
    ended = cnn("sumarize", "lenet5")
    assert ended.code == 2
    assert ended.err == "unknown command 'sumarize'\n  did you mean cnn summarize lenet5?\n"


def test_an_unknown_option_is_one_line_of_error(cnn: Run) -> None:
    ended = cnn("summarize", "lenet5", "--colums", "a")
    assert ended.code == 2
    assert "has no option --colums" in ended.err and "--columns" in ended.err


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    network = tmp_path / "long.yaml"
    network.write_text("input: 1x8x8\nlayers:\n" + "  - relu\n" * 20_000)
    command = f"{sys.executable} -m cnncli summarize {network} | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


@pytest.mark.parametrize("command", ["list", "--help", "summarize lenet5", "explain lenet5 conv2", "data digits"])
def test_a_reader_that_has_left_is_no_failure(command: str) -> None:
    shell = f"{{ sleep 0.2; exec {sys.executable} -m cnncli {command}; }} | true"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_training_goes_on_where_nobody_reads_its_notes(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train = f"{sys.executable} -m cnncli train digits_cnn --epochs 2 --run-dir {run} 2>&1 | true"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", train], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
    assert (run / "metrics.jsonl").read_text().count("\n") == 2


def test_a_full_disk_is_one_line_of_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    command = f"{sys.executable} -m cnncli summarize lenet5 > /dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "cnn: No space left on device\n"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("cnn su", "plain,summarize"),
        ("cnn summarize resnet1", "plain,resnet18"),
        ("cnn summarize x --fo", "plain,--format"),
    ],
)
def test_the_shell_completes(words: str, wanted: str) -> None:
    count = len(words.split()) - 1
    environment = {"_CNN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    assert wanted in run_process(**environment).out.splitlines()


def test_an_error_inside_is_no_traceback(cnn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("cnncli.loading.load", broken)
    ended = cnn("summarize", "lenet5")
    assert ended.code == 2
    assert ended.err.startswith("cnn: a bug in cnn: ZeroDivisionError: planted\n")
    assert "Traceback" not in ended.err
