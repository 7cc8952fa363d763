"""Nothing is lost: a training that was killed anywhere ends with the very weights of one that was not."""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from program import Run
from safetensors.numpy import load_file
from stopped import check_stopped_is_never_stopped, losses, weights

from cnncli import load
from cnncli.analysis.memory import memory
from cnncli.executor.runs import recorder, running, torch_errors
from cnncli.executor.training import checkpoint, loop
from cnncli.executor.training.checkpoint import LAST, PREVIOUS
from cnncli.recipe import Recipe
from cnncli.recipe.serialization import as_dict, differences, from_dict
from cnncli.runs import folder

NET = """
input: 1x8x8
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, name: c1}
  - batchnorm
  - relu
  - maxpool: 2
  - flatten
  - dropout: 0.3
  - linear: 10
train: {dataset: digits, epochs: 3, lr: 0.01, batch_size: 50}
"""
ALL_AT_ONCE = (
    *("--flip", "alternating", "--translate", "1", "--cutout", "3", "--rotation", "10", "--jitter", "0.2"),
    *("--mixup", "0.2", "--cutmix", "1", "--clip-norm", "1", "--accumulate", "2"),
)
SMOOTHED = (*ALL_AT_ONCE, "--label-smoothing", "0.1")
RECIPES = {
    "adam": SMOOTHED,
    "sgd": (
        "--optimizer",
        "sgd",
        "--nesterov",
        "--schedule",
        "one-cycle",
        "--ema",
        "0.9",
        "--precision",
        "bf16",
        *SMOOTHED,
    ),
    "muon": ("--optimizer", "muon", "--lookahead", "5", "--schedule", "linear", "--warmup", "0.5"),
    "by name": (
        *("--lr-factors", "c1.*=0.5", "--weight-decay", "0.001", "--decay-factors", "*.bias=0"),
        *("--freeze-after", "c1.bias=1.5,c1.weight=2"),
    ),
    "rmsprop": ("--optimizer", "rmsprop", "--schedule", "plateau", "--patience", "1", "--early-stopping", "9"),
    "fp32": ("--precision", "fp32", "--optimizer", "adamw", "--class-weights", "balanced", "--validation", "0.2"),
}

TASKS = {
    "regression": "[conv: {filters: 4, kernel: 3}, relu, flatten, dropout: 0.2, linear: 2]",
    "segmentation": "[conv: {filters: 8, kernel: 3, padding: 1}, batchnorm, relu, conv: {filters: 3, kernel: 1}]",
}


@pytest.fixture
def net(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(NET, "net.yaml")


def start(*arguments: object, limit: int | None = None) -> subprocess.Popen[str]:
    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "cnncli", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare)


def stopped_in_the_middle(number: int, *arguments: object, after: int = 1) -> subprocess.Popen[str]:
    """A training that got a signal once ``after`` epochs were done."""
    process = start(*arguments)
    deadline = time.monotonic() + 60
    metrics = Path("run/metrics.jsonl")
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.exists() and metrics.read_text().count("\n") >= after:
            break
        time.sleep(0.01)
    time.sleep(random.random() * 0.1)
    process.send_signal(number)
    process.wait(60)
    return process


@pytest.mark.parametrize("recipe", RECIPES)
def test_stopped_at_any_step_and_resumed_is_never_stopped(
    cnn: Run, net: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process stops within the second epoch; the second, with nothing but the folder, goes on."""
    check_stopped_is_never_stopped(cnn, monkeypatch, net, *RECIPES[recipe])


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_resumed_exactly(
    cnn: Run, net: Path, write: Callable[..., Path], task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = np.random.default_rng(0)
    y = draws.normal(size=(1200, 2)) if task == "regression" else draws.integers(0, 3, (1200, 6, 6))
    np.savez("data.npz", x=draws.integers(0, 256, (1200, 1, 6, 6), np.uint8), y=y)
    path = write(f"input: 1x6x6\nlayers: {TASKS[task]}\ntrain: {{epochs: 3, batch_size: 40}}\n", "task.yaml")
    given = ALL_AT_ONCE if task == "regression" else SMOOTHED
    check_stopped_is_never_stopped(cnn, monkeypatch, path, "--data", "npz:data.npz", *given)


def test_the_last_epoch_may_be_a_part_of_one(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 29 batches: 2.4 epochs have 70 steps. Stopped right after the last one, nothing is done twice."""
    check_stopped_is_never_stopped(cnn, monkeypatch, net, "--epochs", "2.4", "--freeze-after", "c1.bias=1.5")
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    real = recorder.RunRecorder.epoch

    def killed(self: recorder.RunRecorder, state: loop.TrainState, *rest: object) -> None:
        real(self, state, *rest)  # type: ignore[arg-type]
        if state.step == 70:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(recorder.RunRecorder, "epoch", killed)
    assert cnn("train", net, "--epochs", "2.4", "--freeze-after", "c1.bias=1.5", "--run-dir", "end").code in (0, 143)
    cnn("train", "--resume", "end")
    assert losses("end") == losses("whole") and weights("end") == weights("whole")


@pytest.mark.slow
def test_kill_minus_9_at_any_instant_loses_nothing(cnn: Run, net: Path) -> None:
    assert cnn("train", net, "--epochs", "12", *ALL_AT_ONCE, "--run-dir", "whole").code == 0
    stopped_in_the_middle(
        signal.SIGKILL, net, "--epochs", 12, *ALL_AT_ONCE, "--run-dir", "run", "--checkpoint-minutes", 0
    )
    for after in (3, 5, 8):
        stopped_in_the_middle(signal.SIGKILL, "--resume", "run", "--checkpoint-minutes", 0, after=after)
    ended = cnn("train", "--resume", "run")
    assert ended.code == 0, ended.err
    assert weights("run") == weights("whole") and losses("run") == losses("whole")


def test_sigterm_saves_and_ends_with_143(net: Path) -> None:
    process = stopped_in_the_middle(signal.SIGTERM, net, "--epochs", 100000, "--run-dir", "run")
    assert process.returncode == 143 and process.stderr is not None
    assert "interrupted after" in process.stderr.read()
    assert json.loads(Path("run/run.json").read_text())["status"] == "interrupted"


def interrupted(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, step: int = 40) -> None:
    """A run that was stopped at a step of its second epoch."""
    real = loop.train_step

    def take(task: object, state: loop.TrainState, *rest: object) -> None:
        real(task, state, *rest)  # type: ignore[arg-type]
        if state.step == step:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "train_step", take)
        assert cnn("train", net, "--run-dir", "run").code == 143


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "empty"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    cnn("train", net, "--run-dir", "whole")
    interrupted(cnn, net, monkeypatch)
    last = Path("run", LAST)
    data = bytearray(last.read_bytes())
    data[-3] ^= 1
    {
        "cut": lambda: last.write_bytes(data[: len(data) // 2]),
        "changed": lambda: last.write_bytes(bytes(data)),
        "gone": last.unlink,
        "empty": lambda: last.write_bytes(b""),
    }[damage]()
    ended = cnn("train", "--resume", "run")
    assert ended.code == 0 and f"{LAST} " in ended.err and "the previous one is used" in ended.err
    assert weights("run") == weights("whole")


def test_without_any_whole_checkpoint_it_says_so(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(cnn, net, monkeypatch)
    for name in (LAST, PREVIOUS):
        Path("run", name).write_bytes(b"x")
    ended = cnn("train", "--resume", "run")
    assert ended.code == 2 and "has no checkpoint to resume from" in ended.err


def test_a_resumed_run_keeps_its_recipe_and_its_data(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(cnn, net, monkeypatch)
    assert "started with another recipe: lr 0.01 and 0.5" in cnn("train", "--resume", "run", "--lr", "0.5").err
    assert "ARCH has no effect with --resume" in cnn("train", net, "--resume", "run").err
    record = json.loads(Path("run/run.json").read_text())
    Path("run/run.json").write_text(json.dumps({**record, "data_fingerprint": "other"}))
    assert "is not the data that run was trained on" in cnn("train", "--resume", "run").err


def test_a_resumed_run_keeps_its_precision(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``auto`` means on this machine, or in this version."""
    from cnncli.executor.runs import setup

    monkeypatch.setattr(setup, "choose_precision", lambda *_: "bf16")
    check = loop.train_step

    def step(task: object, state: loop.TrainState, *rest: object) -> None:
        check(task, state, *rest)  # type: ignore[arg-type]
        if state.step == 7:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(loop, "train_step", step)
    assert cnn("train", net, "--run-dir", "run").code == 143
    monkeypatch.setattr(setup, "choose_precision", lambda *_: "fp32")
    shutil.copytree("run", "elsewhere")
    record = json.loads(Path("elsewhere/run.json").read_text())
    Path("elsewhere/run.json").write_text(json.dumps({**record, "device": "cuda:0"}))
    assert "in bf16" in cnn("train", "--resume", "run").err
    assert "in bf16" not in cnn("train", "--resume", "elsewhere").err


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("architecture.yaml", "filters: 4", "filters: 5"), ("recipe.yaml", "ema: 0.0", "ema: 0.9")],
)
def test_a_run_that_was_changed_by_hand_is_one_clear_error(cnn: Run, net: Path, name: str, old: str, new: str) -> None:
    assert cnn("train", net, "--epochs", "0.1", "--run-dir", "run").code == 0
    for file, before, after in (("run.json", '"finished"', '"interrupted"'), (name, old, new)):
        text = Path("run", file).read_text()
        assert before in text
        Path("run", file).write_text(text.replace(before, after))
    ended = cnn("train", "--resume", "run")
    assert ended.code == 2 and "its checkpoint belongs to another network or recipe" in ended.err


def test_a_finished_run_and_no_run_cannot_be_resumed(cnn: Run, net: Path) -> None:
    cnn("train", net, "--epochs", "1", "--run-dir", "run")
    assert "the run is finished" in cnn("train", "--resume", "run").err
    assert "is not a run folder" in cnn("train", "--resume", "nowhere").err
    assert "no network to train" in cnn("train").err


def test_two_processes_never_train_in_one_run(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(cnn, net, monkeypatch)
    from cnncli.runs.lock import run_lock

    with run_lock(Path("run")):
        ended = cnn("train", "--resume", "run")
    assert ended.code == 2 and "another process is training in it" in ended.err


def test_a_full_disk_stops_the_training_and_keeps_the_last_checkpoint(net: Path, cnn: Run) -> None:
    cnn("train", net, "--epochs", "6", "--run-dir", "whole")
    process = start(net, "--epochs", 6, "--run-dir", "run", limit=Path("whole", LAST).stat().st_size - 500)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and "Traceback" not in err
    assert "the checkpoint cannot be written: File too large" in err and "cnn train --resume run" in err
    ended = cnn("train", "--resume", "run")
    assert ended.code == 0, ended.err
    assert weights("run") == weights("whole")


def test_a_folder_that_becomes_read_only_stops_the_training(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "run")

    monkeypatch.setattr(recorder, "save_weights", refuse)
    ended = cnn("train", net, "--run-dir", "run")
    assert ended.code == 2 and "the run cannot be written: Permission denied" in ended.err
    assert json.loads(Path("run/run.json").read_text())["status"] == "failed"


@pytest.mark.parametrize("error", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()])
def test_out_of_memory_names_the_batch_size_that_fits(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(loop, "train_step", fail)
    monkeypatch.setattr(torch_errors, "_memory_limit", lambda recipe: 200_000)
    ended = cnn("train", net, "--batch-size", "1000")
    assert ended.code == 2 and "out of memory at a batch size of 1000" in ended.err
    (size,) = map(int, re.findall(r"--batch-size (\d+) would fit", ended.err))
    inferred = load(str(net)).inferred
    assert memory(inferred, size, optimizer="adam").training <= 150_000 < memory(inferred, 2 * size).training


def test_a_loss_that_comes_apart_names_the_layer_and_the_step(cnn: Run, net: Path) -> None:
    ended = cnn("train", net, "--optimizer", "sgd", "--lr", "1e30", "--run-dir", "run")
    assert ended.code == 1 and re.search(r"training diverged in epoch \d+: loss is \w+; step ", ended.err)
    assert "linear1" in ended.err or "c1" in ended.err or "loss does not" in ended.err
    saved = Path("run", LAST)
    assert all(abs(tensor).max() < 1e30 for name, tensor in load_file(saved).items() if name.startswith("network/"))


def test_weights_that_are_no_numbers_are_not_kept(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = recorder.RunRecorder.epoch

    def spoiled(self: recorder.RunRecorder, state: loop.TrainState, seen: loop.EpochProgress, *rest: object) -> None:
        if seen.epoch == 2:  # which the held-out loss does not show
            state.network.get_parameter("c1.bias").data[0] = float("inf")
        real(self, state, seen, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder.RunRecorder, "epoch", spoiled)
    ended = cnn("train", net, "--run-dir", "run")
    assert ended.code == 1 and "training diverged in epoch 2: loss is " in ended.err
    assert all(np.isfinite(tensor).all() for tensor in load_file("run/weights.safetensors").values())


def test_a_run_can_be_repeated_from_its_folder(cnn: Run, net: Path) -> None:
    cnn("train", net, "--lr", "0.02", "--run-dir", "run")
    ended = cnn("train", "--from", "run", "--run-dir", "again")
    assert ended.code == 0, ended.err
    assert weights("again") == weights("run")
    for name in ("architecture.yaml", "recipe.yaml"):
        assert Path("again", name).read_bytes() == Path("run", name).read_bytes()
    assert cnn("train", "--from", "run", "--seed", "3", "--run-dir", "other").code == 0
    assert weights("other") != weights("run")


def test_a_run_that_is_repeated_elsewhere_knows_its_data(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    np.savez("data.npz", x=np.zeros((60, 1, 8, 8), np.uint8), y=np.arange(60) % 10)
    assert cnn("train", net, "--data", "npz:data.npz", "--run-dir", "run").code == 0
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert cnn("train", "--from", "../run", "--run-dir", "again").code == 0
    assert folder.open_run(Path("again")).record.dataset == f"npz:{tmp_path / 'data.npz'}"
    assert cnn("evaluate", "again").code == 0


def test_a_recipe_is_read_back_as_it_was_to_the_last_digit() -> None:
    recipe = Recipe(lr_factors=(("c1.*", 1 / 3),), freeze_after=(("c1.bias", 1.2345678901234567),), lr=0.1 + 0.2)
    assert differences(from_dict(as_dict(recipe)), recipe) == []


def test_a_run_says_what_it_is_made_of(cnn: Run, net: Path) -> None:
    Path(".git").mkdir()
    Path(".git/HEAD").write_text("0123456789" * 4)
    cnn("train", net, "--epochs", "1", "--run-dir", "run")
    record = json.loads(Path("run/run.json").read_text())
    assert record["git"] == "0123456789" * 4 and len(record["data_fingerprint"]) == 32
    assert {*record["versions"]} == {"cnn", "torch", "python"} and record["threads"] >= 1


def test_the_seconds_of_a_run_are_those_of_all_its_parts(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is moved on by 100 s with each step; what a resumed part does not take again, it does not count."""
    real, now = loop.train_step, [0.0]

    def take(task: object, state: loop.TrainState, *rest: object) -> None:
        now[0] += 100
        real(task, state, *rest)  # type: ignore[arg-type]
        if state.step in stops[:1]:
            stops.pop(0)
            signal.raise_signal(signal.SIGTERM)

    stops = [10, 40, 87]
    monkeypatch.setattr(loop, "train_step", take)
    for module in (recorder, running):
        monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    assert cnn("train", net, "--run-dir", "run").code == 143
    for code in (143, 143, 0):
        now[0] = 0.0  # of another process
        assert cnn("train", "--resume", "run").code == code
    metrics = [json.loads(line)["seconds"] for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert metrics == [2900, 5800, 8700]
    assert json.loads(Path("run/run.json").read_text())["result"]["seconds"] == 8700


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_final_evaluation_leaves_an_interrupted_run(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """The run is resumed from there: nothing but the evaluation is left, and it says so."""
    real = running.evaluate_held_out

    def evaluate_held_out(*arguments: object) -> object:
        signal.raise_signal(number)
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(running, "evaluate_held_out", evaluate_held_out)
        ended = cnn("train", net, "--epochs", "2", "--run-dir", "run")
    assert ended.code == code and "interrupted during the evaluation on the test set" in ended.err
    assert json.loads(Path("run/run.json").read_text())["status"] == "interrupted"
    resumed = cnn("train", "--resume", "run")
    assert resumed.code == 0 and "the training ended with epoch 2; evaluating on" in resumed.err
    assert "resuming at" not in resumed.err
    assert json.loads(Path("run/run.json").read_text())["status"] == "finished"


@pytest.mark.parametrize("place", ["write_checkpoint", "train_and_record"])
def test_sigterm_between_the_folder_and_the_first_step_leaves_an_interrupted_run(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    real = getattr(running, place)

    def stopped(*arguments: object) -> object:
        signal.raise_signal(signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr(running, place, stopped)
    assert cnn("train", net, "--run-dir", "run").code == 143
    assert json.loads(Path("run/run.json").read_text())["status"] == "interrupted"


def test_what_is_kept_is_said_only_where_it_is_there(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = cnn("train", net, "--optimizer", "sgd", "--lr", "1e30", "--run-dir", "run")
    assert ended.code == 1 and "are kept" not in ended.err and not Path("run/weights.safetensors").exists()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_whole", full)
    ended = cnn("train", net, "--run-dir", "other")
    assert ended.code == 2 and "No space left on device" in ended.err and "there is no checkpoint yet" in ended.err
