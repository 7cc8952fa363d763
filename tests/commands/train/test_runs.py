"""``cnn runs``: the list of runs, and runs side by side."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from program import Run

from cnncli.runs import folder

NETWORK = "name: Net\ninput: 1x8x8\nlayers: [flatten, linear: 10]\n"
WIDER = NETWORK.replace("linear: 10", "linear: 20, linear: 10")
RECIPE = {"dataset": "digits", "epochs": 3, "lr": 0.01, "optimizer": "adam"}


def metrics(epoch: int, accuracy: float, held_out: str = "test") -> dict[str, Any]:
    return {
        "epoch": epoch,
        "train_loss": 1 / epoch,
        "train_accuracy": 0.9,
        f"{held_out}_loss": 0.5,
        f"{held_out}_accuracy": accuracy,
        "seconds": 40.0 * epoch,
    }


def made(
    name: str,
    accuracies: list[float],
    *,
    status: str = "finished",
    recipe: dict[str, Any] = RECIPE,
    network: str = NETWORK,
    held_out: str = "test",
    **facts: Any,
) -> folder.Run:
    """A run folder as a training leaves it."""
    record = folder.RunRecord(
        name="net",
        dataset="digits",
        classes=tuple("0123456789"),
        normalisation=folder.Normalization((0.3,), (0.4,)),
        device="cpu",
        **facts,
    )
    run = folder.create(Path(name), record, network, recipe)
    for epoch, accuracy in enumerate(accuracies, 1):
        run.add_metrics(metrics(epoch, accuracy, held_out))
    run = run.updated(status=status, epochs_done=len(accuracies))
    if status != "finished":
        return run
    return run.updated(result={"test_accuracy": accuracies[-1], "test_loss": 0.4, "seconds": 125.4})


def dated(name: str, day: int) -> None:
    """Let a run have begun on a day of January 2030."""
    from datetime import datetime

    moment = datetime(2030, 1, day, 12).timestamp()
    os.utime(Path(name, folder.RECIPE), (moment, moment))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_runs_are_listed_with_what_they_came_to_the_oldest_first(cnn: Run) -> None:
    made("runs/net-002", [0.5, 0.75], status="interrupted")
    made("runs/net-001", [0.5, 0.9, 0.9639])
    made("runs/net-003", [], status="running")
    made("runs/net-004", [0.5], held_out="validation", status="failed")
    for day, number in enumerate((1, 2, 3, 4), 1):
        dated(f"runs/net-00{number}", day)
    assert cnn("runs").out == (
        " run           name  status       epochs  planned  accuracy  seconds  data    date\n"
        " runs/net-001  net   finished          3        3    96.39%  2:05     digits  2030-01-01 12:00\n"
        " runs/net-002  net   interrupted       2        3    75.00%  1:20     digits  2030-01-02 12:00\n"
        " runs/net-003  net   killed            0        3                     digits  2030-01-03 12:00\n"
        " runs/net-004  net   failed            1        3            40.0 s   digits  2030-01-04 12:00\n"
    )
    rows = json.loads(cnn("runs", "runs", "--format", "json").out)
    assert rows[0] == {
        "run": "runs/net-001",
        "name": "net",
        "status": "finished",
        "epochs": 3,
        "of": 3,
        "accuracy": 0.9639,
        "mean_iou": None,
        "mae": None,
        "seconds": 125.4,
        "data": "digits",
        "date": rows[0]["date"],
    }
    assert rows[2]["accuracy"] is None and rows[3]["accuracy"] is None
    lines = [*csv.DictReader(io.StringIO(cnn("runs", "--format", "csv").out))]
    assert [line["run"] for line in lines] == [row["run"] for row in rows]
    assert lines[1]["accuracy"] == "0.75" and lines[1]["planned"] == "3"


def test_a_run_itself_is_listed_alone(cnn: Run) -> None:
    made("runs/a", [0.5])
    made("runs/b", [0.5])
    assert [row["run"] for row in json.loads(cnn("runs", "runs/a", "--format", "json").out)] == ["runs/a"]


def test_a_damaged_run_does_not_hide_the_others(cnn: Run) -> None:
    made("runs/a", [0.5])
    made("runs/b", [0.5])
    Path("runs/a/run.json").write_text("{")
    Path("runs/b/metrics.jsonl").write_text('{"epoch": 1, "test_acc')
    Path("runs/b/recipe.yaml").write_text("{")
    Path("runs/notes").mkdir()
    rows = json.loads(cnn("runs", "--format", "json").out)
    assert {row["run"]: row["status"] for row in rows} == {"runs/a": "unreadable", "runs/b": "finished"}
    assert "unreadable" in cnn("runs").out


def test_a_folder_without_runs(cnn: Run) -> None:
    ended = cnn("runs")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "runs: no such folder\n  cnn train creates runs/NAME-001; give a folder of runs\n"
    Path("runs").mkdir()
    assert cnn("runs").out == "none\n"
    assert cnn("runs", "--format", "json").out == "[]\n"


def test_runs_are_compared_by_what_differs_and_by_their_results(cnn: Run) -> None:
    made("a", [0.5, 0.9, 0.8])
    made("b", [0.7], status="interrupted", recipe={**RECIPE, "lr": 0.1, "nesterov": True}, versions={"torch": "2.6"})
    assert cnn("runs", "a", "b").out == (
        " section      item                       a            b\n"
        " recipe       lr                      0.01          0.1\n"
        " recipe       nesterov               False         True\n"
        " environment  torch                                 2.6\n"
        " result       status              finished  interrupted\n"
        " result       epochs                     3            1\n"
        " result       test accuracy         80.00%       70.00%\n"
        " result       test loss             0.4000       0.5000\n"
        " result       best test accuracy    90.00%       70.00%\n"
        " result       best test epoch            2            1\n"
        " result       train accuracy        90.00%       90.00%\n"
        " result       train loss            0.3333       1.0000\n"
        " result       seconds                 2:05       40.0 s\n"
    )
    assert cnn("runs", "a", "b", "--format", "csv").out.startswith("section,item,a,b\n")
    rows = {
        (row["part"], row["what"]): (row["a"], row["b"])
        for row in json.loads(cnn("runs", "a", "b", "--format", "json").out)
    }
    assert rows["recipe", "lr"] == (0.01, 0.1)
    assert rows["recipe", "nesterov"] == (False, True)
    assert rows["made", "torch"] == (None, "2.6")
    assert ("recipe", "epochs") not in rows and not any(part == "network" for part, _ in rows)
    assert rows["result", "test accuracy"] == (0.8, 0.7)
    assert rows["result", "best test accuracy"] == (0.9, 0.7)
    assert rows["result", "best test epoch"] == (2, 1)


def test_different_networks_are_said_to_be_with_the_command_that_compares_them(cnn: Run) -> None:
    made("a", [0.5])
    made("b", [0.5], network=WIDER, held_out="validation")
    ended = cnn("runs", "a", "b")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["network", "params", "650", "1,510"] in lines
    assert ["network", "macs", "640", "1,480"] in lines
    assert ended.err == "the networks differ: cnn diff a/architecture.yaml b/architecture.yaml\n"
    assert cnn("diff", "a/architecture.yaml", "b/architecture.yaml").code == 0


def test_more_than_two_runs_stand_side_by_side(cnn: Run) -> None:
    for name in "abc":
        made(name, [0.5])
    assert cnn("runs", *"abc").out.splitlines()[0].split() == ["section", "item", "a", "b", "c"]


def test_what_cannot_be_compared_is_one_clear_error(cnn: Run) -> None:
    made("a", [0.5])
    assert cnn("runs", "a", "a").err == "the same run is given twice\n  give different runs\n"
    assert "b: is not a run folder" in cnn("runs", "a", "b").err


def test_nothing_heavy_is_imported() -> None:
    made("runs/a", [0.5])
    made("runs/b", [0.5], network=WIDER)
    for arguments in (["runs"], ["runs", "runs/a", "runs/b"]):
        code = (
            "import sys; from cnncli.__main__ import main\n"
            f"sys.argv = ['cnn', *{arguments!r}]\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print(sorted(set(sys.modules) & {'torch', 'numpy', 'PIL', 'safetensors', 'rich'}))"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.splitlines()[-1] == "[]"


def test_the_epochs_of_a_run_are_a_table_and_csv(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cnn("train", "digits_cnn", "--epochs", "2", "--run-dir", "run").code == 0
    rows = list(csv.DictReader(io.StringIO(cnn("runs", "run", "--epochs", "--format", "csv").out)))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[1]["train_loss"]) > 0
    assert "train_loss" in cnn("runs", "run", "--epochs").out
    assert cnn("runs", "--epochs").code == 2
