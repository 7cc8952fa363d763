"""The trial of torch.compile leaves no trace, takes the fastest, and is told; the choice is kept with the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from program import Run
from stopped import check_stopped_is_never_stopped

from cnncli.errors import CnnError
from cnncli.executor.training import compiling, loop

NET = """
input: 1x8x8
layers: [conv: {filters: 4, kernel: 3}, batchnorm, relu, flatten, dropout: 0.2, linear: 10]
train: {dataset: digits, epochs: 1, batch_size: 100, precision: fp32}
"""


@pytest.fixture
def net(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compiling, "MIN_SECONDS_LEFT", 0.0)
    return write(NET, "net.yaml")


def stubbed(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float], broken: str = "") -> None:
    """Compiling replaced by nothing, and times by those given; the steps of the trial are taken all the same."""
    real, modes = compiling._seconds, []

    def compiled(task: loop.TrainingSetup, mode: str) -> loop.TrainingSetup:
        modes.append(mode)
        return task

    def timed(task: loop.TrainingSetup, state: loop.TrainState, steps: int) -> float:
        real(task, state, 2)
        if modes[-1:] == [broken]:
            raise CnnError("torch.compile does not work here: no compiler", "leave compile out")
        return seconds[modes[-1] if modes else "off"]

    monkeypatch.setattr(compiling, "compiled", compiled)
    monkeypatch.setattr(compiling, "_seconds", timed)


def test_a_batch_in_parts_is_no_cuda_graph() -> None:
    gpu = torch.device("cuda")
    assert compiling.candidate_modes("auto", gpu) == ("off", "on", "graphs")
    assert compiling.candidate_modes("auto", gpu, accumulate=2) == ("off", "on")
    with pytest.raises(CnnError, match="cannot compute micro-batches"):
        compiling.candidate_modes("graphs", gpu, accumulate=2)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize(("compiled", "best"), [(0.5, "on"), (2.0, "off")])
def test_the_trial_takes_the_fastest_and_leaves_no_trace(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str, compiled: float, best: str
) -> None:
    options = ("--optimizer", optimizer, "--ema", "0.9")
    assert cnn("train", net, *options, "--compile", "off", "--run-dir", "plain").code == 0
    stubbed(monkeypatch, {"off": 1.0, "on": compiled})
    ended = cnn("train", net, *options, "--compile", "trial", "--run-dir", "tried")
    assert ended.code == 0 and f"compile {best}; measured: off 1000.0 ms per step, on" in ended.err, ended.err
    for name in ("weights.safetensors", "metrics.jsonl"):
        one, other = (Path(run, name).read_bytes() for run in ("plain", "tried"))
        assert one == other or name == "metrics.jsonl"
    assert json.loads(Path("tried/run.json").read_text())["compiled"] == best


def test_a_compiler_that_does_not_work_is_told_and_done_without(
    cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubbed(monkeypatch, {"off": 1.0, "on": 0.1}, broken="on")
    ended = cnn("train", net, "--compile", "trial", "--run-dir", "tried")
    assert ended.code == 0 and "on does not work here (torch.compile does not work here: no compiler)" in ended.err
    ended = cnn("train", net, "--compile", "on", "--run-dir", "asked")
    assert ended.code == 2 and "no compiler\n  leave compile out" in ended.err


def test_a_short_training_is_not_worth_a_trial(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MIN_SECONDS_LEFT", 3600.0)
    ended = cnn("train", net, "--compile", "trial", "--run-dir", "run")
    assert ended.code == 0 and "tried" not in ended.err
    assert json.loads(Path("run/run.json").read_text())["compiled"] == "off"


@pytest.mark.slow
def test_a_compiled_network_trains_as_the_plain_one(cnn: Run, net: Path) -> None:
    text = net.read_text().replace(", dropout: 0.2", "")
    net.write_text(text)
    for mode in ("off", "on"):
        ended = cnn("train", net, "--compile", mode, "--run-dir", mode)
        assert ended.code == 0, ended.err
    one, other = (
        json.loads(Path(mode, "metrics.jsonl").read_text().splitlines()[-1])["train_loss"] for mode in ("off", "on")
    )
    assert one == pytest.approx(other, rel=1e-3)


@pytest.mark.slow
def test_a_compiled_training_is_resumed_exactly(cnn: Run, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last batches are smaller: code that was compiled for those must not compute the others."""
    check_stopped_is_never_stopped(cnn, monkeypatch, net, "--compile", "on", "--batch-size", "50", "--epochs", "2.2")
