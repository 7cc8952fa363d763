"""What would be ignored without a word is told instead."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Run

from cnncli.runs import folder

NET = """
input: 1x8x8
layers: [flatten, linear: 10]
train: {dataset: digits, epochs: 4, lr: 0.02}
"""
TABLE = "input: 3\nlayers: [linear: 8, relu, linear: 1]\ntrain: {epochs: 2}\n"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("a;b;c;price\n" + "".join(f"{n};{n % 3};1;{n * 1.5}\n" for n in range(40)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--schedule multistep", "milestones: the learning rate drops at increasing epochs below 4, and none is given"),
        ("--schedule multistep --milestones 3,2", "not at 3, 2"),
        ("--schedule multistep --milestones 2,9", "not at 2, 9"),
        ("--warmup 4", "warmup: 4 of 4 epochs leaves none at the full learning rate"),
        ("--label-smoothing 1", "--label-smoothing: must be at least 0 and below 1"),
        ("--ema 1", "--ema: must be at least 0 and below 1"),
        ("--loss huber", "loss: huber is for regression, not for classification"),
        ("--dry-run --find-lr", "--find-lr has no effect with --dry-run"),
    ],
)
def test_keys_that_say_nothing_beside_each_other(cnn: Run, write: Callable[..., Path], options: str, said: str) -> None:
    ended = cnn("train", write(NET), *options.split())
    assert ended.code == 2 and said in ended.err and not Path("runs").exists()


@pytest.mark.parametrize("key", ["flip", "translate", "rotation", "cutout", "jitter", "cutmix"])
def test_changes_of_images_are_not_for_tables(cnn: Run, write: Callable[..., Path], key: str) -> None:
    value = "random" if key == "flip" else "1"
    ended = cnn("train", write(TABLE), "--data", "csv:table.csv", f"--{key}", value)
    assert ended.code == 2 and f"{key}: the network reads 3, which is not an image" in ended.err


def test_a_table_of_a_spreadsheet_is_read_and_its_numbers_are_no_classes(cnn: Run, write: Callable[..., Path]) -> None:
    net = write(TABLE)
    assert cnn("train", net, "--data", "csv:table.csv", "--run-dir", "run").out.startswith("test MAE")
    ended = cnn("train", write(TABLE.replace("1]", "2]")), "--data", "csv:table.csv", "--task", "classification")
    assert ended.code == 2 and "fractional numbers, not classes\n  use --task regression" in ended.err


def test_the_best_weights_can_be_asked_for(cnn: Run, write: Callable[..., Path]) -> None:
    assert cnn("train", write(NET), "--lr", "2", "--run-dir", "run").code == 0
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    record = json.loads(Path("run", folder.RUN).read_text())
    for options, epoch in (((), 4), (("--best",), record["best"]["epoch"])):
        found = json.loads(cnn("evaluate", "run", *options, "--format", "json").out)
        assert found["loss"] == pytest.approx(lines[epoch - 1]["test_loss"], rel=1e-4)
    assert cnn("export", "run", "--best", "--to", "pytorch", "-o", "best.py").code == 0
    assert "architecture" in cnn("export", "lenet5", "--best", "--to", "pytorch").err


def test_a_run_whose_data_has_moved_is_resumed_from_the_new_place(cnn: Run, write: Callable[..., Path]) -> None:
    Path("old").mkdir()
    shutil.copy("table.csv", "old/table.csv")
    assert cnn("train", write(TABLE), "--data", "csv:old/table.csv", "--run-dir", "run").code == 0
    record = json.loads(Path("run", folder.RUN).read_text())
    Path("run", folder.RUN).write_text(json.dumps({**record, "status": "interrupted"}))
    shutil.move("old", "new")
    assert "cannot" in (err := cnn("train", "--resume", "run").err) or "no such file" in err
    ended = cnn("train", "--resume", "run", "--data", "csv:new/table.csv")
    assert ended.code == 0, ended.err
    assert cnn("evaluate", "run").out.startswith("MAE")
    text = Path("new/table.csv").read_text()
    Path("new/table.csv").write_text(text.replace("1.5", "2.5", 1))
    Path("run", folder.RUN).write_text(json.dumps({**record, "status": "interrupted"}))
    assert "is not the data" in cnn("train", "--resume", "run", "--data", "csv:new/table.csv").err
