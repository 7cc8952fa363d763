"""The law that a training that was stopped ends as one that was not, for the tests of recipes, tasks and data."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from program import Run

from cnncli.executor.training import loop


def weights(run: str) -> bytes:
    return Path(run, "weights.safetensors").read_bytes()


def losses(run: str) -> list[tuple[int, float, float]]:
    lines = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    held_out = next(key for key in lines[0] if key.endswith("_loss") and key != "train_loss")
    return [(line["epoch"], line["train_loss"], line[held_out]) for line in lines]


def check_stopped_is_never_stopped(cnn: Run, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Stopped at three steps, in the middle of epochs and at an end, and each time resumed from the folder alone."""
    assert cnn("train", *arguments, "--run-dir", "whole").code == 0
    real, stops = loop.train_step, [7, 40, 58]

    def step(task: object, state: loop.TrainState, *rest: object) -> None:
        real(task, state, *rest)  # type: ignore[arg-type]
        if state.step in stops[:1]:
            stops.pop(0)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(loop, "train_step", step)
    ended = cnn("train", *arguments, "--run-dir", "run")
    for _ in range(3):
        assert ended.code == 143 and "cnn train --resume run" in ended.err, ended.err
        ended = cnn("train", "--resume", "run")
    assert ended.code == 0, ended.err
    assert weights("run") == weights("whole")
    assert losses("run") == losses("whole")
    assert json.loads(Path("run/run.json").read_text())["status"] == "finished"
