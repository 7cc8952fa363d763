"""Several workers train what one would: two gloo processes on the CPU, and one of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from program import Run
from safetensors.numpy import load_file

from cnncli.commands.train.workers import OWN_OPTIONS, _without
from cnncli.errors import INTERNAL_ERROR, CnnError
from cnncli.executor.feeding.device_images import Images
from cnncli.executor.network.tensor_files import opened
from cnncli.executor.runtime import distributed
from cnncli.executor.training.checkpoint import LAST
from cnncli.executor.training.loop import TrainingSetup, seed_draws
from cnncli.recipe import Recipe
from cnncli.runs.lock import is_locked

NET = """
input: 1x8x8
layers: [conv: {filters: 6, kernel: 3, padding: 1, name: c1}, relu, maxpool: 2, flatten, linear: 10]
train: {dataset: digits, epochs: 3, lr: 0.05, batch_size: 50, optimizer: sgd, precision: fp32}
"""
AUGMENTED = ("--flip", "alternating", "--translate", "1", "--validation", "0.1")


@pytest.fixture
def net(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return write(NET, "net.yaml")


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cnncli", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def metrics(run: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]


def same(one: str, other: str, within: float) -> bool:
    a, b = (load_file(Path(run, "weights.safetensors")) for run in (one, other))
    return all(np.allclose(a[name], b[name], atol=within) for name in a)


def test_two_workers_come_to_the_weights_of_one(cnn: Run, net: Path) -> None:
    assert cnn("train", net, *AUGMENTED, "--run-dir", "one").code == 0
    code, out, err = ended(start(net, *AUGMENTED, "--nproc", 2, "--run-dir", "two"))
    assert code == 0, err
    assert out.startswith("test accuracy") and out.count("test accuracy") == 1 and "2 workers" in err
    assert same("one", "two", 1e-5)
    for a, b in zip(metrics("one"), metrics("two"), strict=True):
        assert a["train_accuracy"] == pytest.approx(b["train_accuracy"], abs=1e-3)
        assert a["validation_loss"] == pytest.approx(b["validation_loss"], abs=1e-4)
    assert json.loads(Path("two/run.json").read_text())["status"] == "finished"


def test_a_batch_in_parts_has_as_many_on_each_worker(cnn: Run, net: Path) -> None:
    options = ("--batch-size", 9, "--accumulate", 3, "--epochs", 0.1)  # shards of 5 and 4 images
    assert cnn("train", net, *options, "--run-dir", "one").code == 0
    code, _, err = ended(start(net, *options, "--nproc", 2, "--run-dir", "two"))
    assert code == 0, err
    assert same("one", "two", 1e-5)


NORMALISED = NET.replace("relu,", "batchnorm, relu,").replace("batch_size: 50", "batch_size: 287")  # and 2 at the end


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_synchronised_batchnorm_sees_the_whole_batch(
    cnn: Run, net: Path, write: Callable[..., Path], count: int
) -> None:
    """Of three workers one has no image of the last batch, which is of two."""
    path = write(NORMALISED, "normalised.yaml")
    assert cnn("train", path, "--run-dir", "one", "--sync-batchnorm").code == 0
    for run, options in (("apart", ()), ("together", ("--sync-batchnorm",))):
        code, _, err = ended(start(path, *options, "--nproc", count, "--run-dir", run))
        assert code == 0, err
    assert same("one", "together", 1e-4) and not same("one", "apart", 1e-3)


def children(process: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            found += [int(entry.parent.name), *children(int(entry.parent.name))]
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc to find the workers in")
def test_a_killed_worker_is_started_again_and_nothing_is_lost(cnn: Run, net: Path) -> None:
    assert cnn("train", net, "--epochs", "40", "--run-dir", "one").code == 0
    process = start(net, "--epochs", 40, "--nproc", 2, "--run-dir", "two", "--checkpoint-minutes", 0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (Path("two/metrics.jsonl").exists() and len(metrics("two")) > 2):
        time.sleep(0.02)
    worker = next(
        number
        for number in reversed(children(process.pid))
        if b"RANK=1" in Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    )
    os.kill(worker, signal.SIGKILL)
    code, _, err = ended(process)
    assert code == 0, err
    assert "resuming at epoch" in err and [line["epoch"] for line in metrics("two")] == [*range(1, 41)]
    assert same("one", "two", 5e-3)  # sums in another order, over hundreds of steps


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_workers(cnn: Run, net: Path) -> None:
    assert cnn("train", net, "--epochs", "30", "--run-dir", "one").code == 0
    process = start(net, "--epochs", 30, "--run-dir", "other")
    while process.poll() is None and not (Path("other/metrics.jsonl").exists() and len(metrics("other")) > 2):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    code, _, err = ended(start("--resume", "other", "--nproc", 2))
    assert code == 0, err
    assert same("one", "other", 5e-3)  # sums in another order, over hundreds of steps


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_image_counts_in_exactly_one_share(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    for size in range(1, 9):
        index, found = torch.arange(10, 10 + size), []
        for number in range(count):
            monkeypatch.setattr(distributed, "world_size", lambda: count)
            monkeypatch.setattr(distributed, "rank", lambda number=number: number)
            own = distributed.shard(index)
            assert len(own) > 0
            found += own.tolist() if distributed.has_shard(index) else []
        assert sorted(found) == index.tolist()


def test_the_workers_get_the_command_without_the_launcher_s_options() -> None:
    given = ["train", "net.yaml", "--nproc", "2", "--lr", "0.1", "--nproc=4", "--max-restarts", "1"]
    assert _without(OWN_OPTIONS, given) == ["train", "net.yaml", "--lr", "0.1"]


@pytest.mark.slow
def test_workers_that_fail_all_alike_are_told_once_and_not_started_for_ever(net: Path) -> None:
    code, _, err = ended(start(net, "--lr", "1e30", "--nproc", 2, "--run-dir", "two"))
    assert code == 1 and err.count("training diverged") == 1 and "Traceback" not in err
    assert json.loads(Path("two/run.json").read_text())["status"] == "failed"


@pytest.mark.slow
def test_workers_whose_loss_comes_apart_say_so_together(net: Path) -> None:
    """Within an epoch each looks at its own time; none may leave the others waiting."""
    net.write_text(NET.replace("linear: 10]", "linear: 2000, relu, linear: 10]"))
    code, _, err = ended(start(net, "--nproc", 2, "--lr", "1e9", "--batch-size", 2, "--run-dir", "run"))
    assert code == 1 and "was lost" not in err and "resuming" not in err, err
    assert "; step " in err and err.count("training diverged") == 1


def test_a_signal_to_several_workers_saves_and_ends_with_143(net: Path) -> None:
    process = start(net, "--epochs", 100000, "--nproc", 2, "--run-dir", "two")
    while process.poll() is None and not Path("two/metrics.jsonl").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    code, _, err = ended(process)
    assert code == 143 and "interrupted after" in err and "Traceback" not in err
    assert json.loads(Path("two/run.json").read_text())["status"] == "interrupted"


def test_each_worker_has_a_gpu_of_its_own_and_draws_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    current: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    assert distributed.local_device(torch.device("cpu")) == torch.device("cpu") and not current
    assert distributed.local_device(torch.device("cuda:1")) == current.pop() == torch.device("cuda:1")
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    for name, value in {"WORLD_SIZE": "3", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert distributed.local_device(torch.device("cuda")) == current.pop() == torch.device("cuda:1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(CnnError, match="3 workers on a machine with 2 GPUs"):
        distributed.local_device(torch.device("cuda"))


def test_each_worker_drops_out_other_values_and_the_first_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    images = Images(torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64))
    task = cast(TrainingSetup, SimpleNamespace(recipe=Recipe(), train=images))

    def drawn() -> float:
        seed_draws(task, 5)
        return float(torch.rand(()))

    alone = drawn()
    monkeypatch.setattr(distributed.dist, "is_initialized", lambda: True)
    found = []
    for number in range(3):
        monkeypatch.setattr(distributed.dist, "get_rank", lambda number=number: number)
        found.append(drawn())
    assert found[0] == alone and len(set(found)) == 3


def test_a_device_that_is_not_there_is_told_once(net: Path) -> None:
    code, _, err = ended(start(net, "--nproc", 2, "--device", "cuda:99", "--run-dir", "run"))
    assert code == 2 and err.count("cannot be used") == 1 and not Path("run").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc to find the workers in")
def test_workers_end_with_the_process_that_started_them_and_the_run_can_go_on(net: Path) -> None:
    process = start(net, "--epochs", 400, "--nproc", 2, "--run-dir", "run")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (Path("run/metrics.jsonl").exists() and len(metrics("run")) > 2):
        time.sleep(0.02)
    started = children(process.pid)
    process.kill()
    process.wait(10)
    while time.monotonic() < deadline and any(Path(f"/proc/{number}").exists() for number in started):
        time.sleep(0.1)
    assert started and not any(Path(f"/proc/{number}").exists() for number in started)
    with opened(Path("run", LAST)) as checkpoint:
        assert not is_locked(Path("run")) and json.loads(checkpoint.metadata["numbers"])["step"] > 0


def test_workers_import_nothing_from_the_working_folder(net: Path) -> None:
    for name in ("random", "multiprocessing", "torch", "cnncli"):
        Path(f"{name}.py").write_text("open('was-run', 'w').close()\n")
    command = [sys.executable, "-P", "-m", "cnncli", "train", net, "--epochs", "0.1", "--run-dir", "run"]
    ended = subprocess.run([*command, "--nproc", "2"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not Path("was-run").exists()


WRONG = ("", "abc", "-1", "1.0", "²", "1_0", "9" * 5000)


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("name", ["WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RESTART_COUNT"])
def test_what_torchrun_never_sets_is_refused(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv(name, value)
    code, _, err = cnn("train", net, "--run-dir", "run")
    assert code == 2 and f"the environment variable {name} must be a whole number" in err
    assert not Path("run").exists()


@pytest.mark.parametrize(
    "environment",
    [{"RANK": "2"}, {"RANK": ""}, {"RANK": "0", "LOCAL_RANK": "2", "LOCAL_WORLD_SIZE": "2"}, {}],
    ids=str,
)
def test_ranks_that_contradict_the_number_of_workers_are_refused(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, _, err = cnn("train", net, "--run-dir", "run")
    assert code == 2 and "RANK" in err and INTERNAL_ERROR not in err
    assert not Path("run").exists()


def test_a_rank_without_a_number_of_workers_means_nothing(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT"):
        monkeypatch.setenv(name, "1")
    code, out, err = cnn("train", net, "--epochs", "0.1", "--run-dir", "run")
    assert code == 0 and out.startswith("test accuracy") and "training on" in err
