"""A checkpoint is hostile input: whatever is changed in it, it is refused by name or trains on identically."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from program import ROOT, Run
from safetensors.torch import save_file
from stopped import losses, weights
from torch import Tensor

from cnncli.data import load_dataset
from cnncli.executor.network.tensor_files import DamagedError, TensorSpec
from cnncli.executor.runs.job import Job
from cnncli.executor.runs.setup import prepare_training
from cnncli.executor.training import loop
from cnncli.executor.training.checkpoint import LAST, PREVIOUS, Checkpoint, _digest, last_checkpoint, read_checkpoint
from cnncli.executor.training.restoring import Restorable
from cnncli.runs import folder as runs

NET = """
input: 1x8x8
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, name: c1}
  - batchnorm
  - relu
  - maxpool: 2
  - flatten
  - linear: 10
train: {dataset: digits, epochs: 2, lr: 0.01, batch_size: 100}
"""
RECIPES = {
    "adam": (),
    "adamw": ("--optimizer", "adamw", "--lookahead", "5", "--precision", "bf16"),
    "sgd": ("--optimizer", "sgd", "--nesterov", "--ema", "0.9"),
    "sgd without momentum": ("--optimizer", "sgd", "--momentum", "0"),
    "muon": ("--optimizer", "muon", "--freeze-after", "c1.weight=0"),
    "rmsprop": ("--optimizer", "rmsprop", "--schedule", "plateau", "--patience", "1", "--early-stopping", "9"),
    "rmsprop without momentum": ("--optimizer", "rmsprop", "--momentum", "0", "--freeze", "c1.*"),
}
STEP = 24  # within the second epoch of 15 steps
OTHER_TYPES = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.uint8, torch.bool)
NO_NUMBERS = (None, True, "3", "", [], {}, [1], math.nan, math.inf, -math.inf, -1, -5, 10**12, 10**30, 0.5, 1e-320)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """A SIGTERM right after a step of every training."""
    real = loop.train_step

    def take(task: object, state: loop.TrainState, *rest: object) -> None:
        real(task, state, *rest)  # type: ignore[arg-type]
        if state.step == step:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(loop, "train_step", take)


@pytest.fixture
def interrupted(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes the run ``run`` of a recipe, stopped within its second epoch."""
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)

    def make(recipe: str) -> Path:
        with monkeypatch.context() as patched:
            stop_at(patched, STEP)
            ended = cnn("train", "net.yaml", *RECIPES[recipe], "--run-dir", "run")
        assert ended.code == 143, ended.err
        return Path("run")

    return make


def expected_of(folder: Path) -> Restorable:
    """What a run's checkpoints are compared with."""
    run = runs.open_run(folder)
    loaded, recipe = runs.architecture_of(run), runs.recipe_of(run)
    job = Job(loaded, load_dataset("digits", (1, 8, 8), None, False), recipe)
    prepared = prepare_training(job, _Silent(), run.record)
    return Restorable(prepared.setup, prepared.state)


class _Silent:
    def note(self, text: str) -> None: ...
    def batch(self, seen: object) -> None: ...
    def epoch(self, seen: object, evaluation: object, held_out: str) -> None: ...


def written(path: Path, checkpoint: Checkpoint) -> None:
    """Write what may be no checkpoint, with the checksum of a whole one."""
    numbers = json.dumps(checkpoint.numbers, sort_keys=True)
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    save_file(tensors, path, metadata={"numbers": numbers, "sha256": _digest(tensors, numbers)})


def changed_tensors(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor | None]]:
    """What may stand in place of a tensor, and how it differs: each is wrong."""
    yield "missing", None
    yield "empty", tensor.new_zeros(0)
    yield "another rank", tensor[None]
    yield "one value", tensor.new_zeros(()) if tensor.dim() else tensor.new_zeros(3)
    yield "longer", torch.cat([tensor[None], tensor[None]])
    if tensor.dim():
        yield "cut", tensor[:-1]
        yield "flat", tensor.reshape(-1) if tensor.dim() > 1 else tensor[:, None]
    for dtype in OTHER_TYPES:
        if dtype not in (tensor.dtype, torch.float64):
            yield f"of {dtype}", tensor.to(dtype)
    if tensor.is_floating_point():
        yield "not a number", torch.full_like(tensor, math.nan)
        yield "past the end", torch.full_like(tensor, -math.inf)
    if name.endswith(("/step", "tracked", "_sq", "square_avg", "running_var")):
        yield "negative", -tensor - 1


def in_range(name: str, value: object, recipe: str) -> bool:
    """Whether another training may have come to the number."""
    if name == "precision":
        return value == {}  # that of float32
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e300:
        return False
    plateau = name == "factor" and recipe == "rmsprop"
    return name == "best_loss" or (name == "seconds" and value >= 0) or (plateau and 0 <= value <= 1)


def changed_checkpoints(whole: Checkpoint, recipe: str) -> Iterator[tuple[str, str, Checkpoint]]:
    """Every tensor and number in every wrong form: its name, what is wrong with it, and the checkpoint."""
    for name, tensor in whole.tensors.items():
        others = {key: value for key, value in whole.tensors.items() if key != name}
        for how, changed in changed_tensors(name, tensor):
            yield name, how, whole._replace(tensors=others if changed is None else {**others, name: changed})
    for name in whole.numbers:
        for value in NO_NUMBERS:
            if not in_range(name, value, recipe):
                yield name, repr(value), whole._replace(numbers={**whole.numbers, name: value})
        if name != "seconds":  # checkpoints of earlier versions have none
            yield name, "missing", whole._replace(numbers={k: v for k, v in whole.numbers.items() if k != name})
    yield "'x'", "added", whole._replace(numbers={**whole.numbers, "x": 1})
    for name in ("optimizer7/c1.bias/step", "network/x", "y"):
        yield name, "added", whole._replace(tensors={**whole.tensors, name: torch.ones(())})


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_changed_tensor_and_number_is_refused_by_its_name(
    interrupted: Callable[[str], Path], recipe: str
) -> None:
    """All tensors with all changes, and all numbers: nothing is trained here, so that nothing can crash."""
    folder = interrupted(recipe)
    expected = expected_of(folder)
    whole = read_checkpoint(folder / LAST, expected)
    for name, how, changed in changed_checkpoints(whole, recipe):
        with pytest.raises(DamagedError) as refusal:
            expected.check_specs({name: TensorSpec.of(tensor) for name, tensor in changed.tensors.items()})
            expected.check_values(changed)
        assert name in str(refusal.value), how
    written(folder / LAST, changed)
    checkpoint, note = last_checkpoint(folder, expected)
    assert note == f"{LAST} {refusal.value}, so the previous one is used" and checkpoint.numbers["step"] == 15


def test_a_whole_checkpoint_of_every_step_fits(
    cnn: Run, interrupted: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of layers, too, that no output depends on, and of others that have no weights of their own."""
    text = NET.replace(
        "  - flatten", "  - conv: {filters: 4, kernel: 1, name: dead}\n  - relu: {from: maxpool1}\n  - flatten"
    )
    Path("net.yaml").write_text(text)
    folder = interrupted("adam")
    tensors = read_checkpoint(folder / LAST, expected_of(folder)).tensors
    assert "network/dead.weight" in tensors and "optimizer0/dead.weight/exp_avg" not in tensors
    for step in (1, 15, 16, 29, 30):
        with monkeypatch.context() as patched:
            stop_at(patched, step)
            cnn("train", "net.yaml", "--run-dir", f"run{step}")
        assert read_checkpoint(Path(f"run{step}", LAST), expected_of(Path(f"run{step}"))).numbers["step"] == step


@pytest.mark.parametrize(
    "recipe", ["adam", *(pytest.param(name, marks=pytest.mark.slow) for name in ("sgd", "muon", "rmsprop"))]
)
def test_a_changed_checkpoint_never_crashes_a_training(
    interrupted: Callable[[str], Path], cnn: Run, recipe: str
) -> None:
    """In another process, whose end by a signal is seen; both checkpoints are changed, so that none is left."""
    folder = interrupted(recipe)
    assert cnn("train", "net.yaml", *RECIPES[recipe], "--run-dir", "whole").code == 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT / "tests" / "support")])}
    command = [sys.executable, __file__, str(folder), "12", "whole", recipe]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def resume_changed(folder: Path, count: int, whole: str, recipe: str) -> None:
    """Resume ``count`` times from changed checkpoints: each is refused, or ends with the weights of ``whole``."""
    import contextlib
    import io

    from cnncli.__main__ import main

    random = Random(recipe)
    torch.set_num_threads(1)
    expected = expected_of(folder)
    changes = {
        file: [*changed_checkpoints(read_checkpoint(folder / file, expected), recipe)] for file in (LAST, PREVIOUS)
    }
    for at in range(count):
        shutil.rmtree("copy", ignore_errors=True)
        shutil.copytree(folder, "copy")
        for file in changes:
            name, how, new = random.choice(changes[file])
            written(Path("copy", file), new)
        sys.argv = ["cnn", "train", "--resume", "copy"]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                main()
            except SystemExit as ending:
                code = ending.code
        same = code == 0 and weights("copy") == weights(whole) and losses("copy") == losses(whole)
        clear = code == 2 and "its checkpoint belongs to another network or recipe" in said.getvalue()
        assert same or clear, (at, name, how, code, said.getvalue())


if __name__ == "__main__":
    resume_changed(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
