"""Every key of the recipe changes something in a training, and the module that its row names reads it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file

from cnncli.errors import CnnError
from cnncli.executor.feeding import streaming
from cnncli.executor.runs.job import Job
from cnncli.executor.runs.running import run_training
from cnncli.executor.training import loop, sync_batchnorm
from cnncli.layers.fields import NonNegative
from cnncli.loading import load
from cnncli.recipe import ROWS, Key, Recipe
from cnncli.recipe.checks import check_together
from cnncli.runs.tasks import check_changes, dataset_for, task_of

NET = "input: 1x8x8\nlayers: [conv: {filters: 8, kernel: 2, name: c1}, batchnorm, relu, global_avgpool, linear: %d]\n"
BASE = {"dataset": "npz:data.npz", "batch_size": 8, "epochs": 1, "lr": 0.01, "device": "cpu", "validation": 0.25}
SLOW_LEARNER = {"epochs": 6, "optimizer": "sgd", "lr": 3.0, "momentum": 0.0, "label_smoothing": 0.5}
LAZY = {"dataset": "images:images", "stream": True}

# The recipe in which a key has an effect, and its changed value, where they do not follow from the key's row.
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "dataset": ({}, "npz:other.npz"),
    "stream": ({"dataset": "images:images"}, True),
    "task": ({}, "regression"),
    "loss": ({"dataset": "npz:numbers.npz"}, "l1"),
    "optimizer": ({}, "sgd"),
    "decay_factors": ({}, "c1.*=0"),
    "lr_factors": ({}, "c1.*=0.1"),
    "freeze": ({}, "c1.*"),
    "freeze_after": ({}, "c1.*=0.5"),
    "schedule": ({}, "constant"),
    "step_epochs": ({"epochs": 3, "step_epochs": 1}, 2),
    "milestones": ({"epochs": 3, "milestones": "1"}, "2"),
    "gamma": ({"epochs": 2, "schedule": "step", "step_epochs": 1}, 0.5),
    "patience": ({**SLOW_LEARNER, "patience": 1}, 2),
    "early_stopping": (SLOW_LEARNER, 1),
    "class_weights": ({}, "balanced"),
    "clip_norm": ({"optimizer": "sgd"}, 1e-3),
    "flip": ({}, "random"),
    "rotation": ({}, 45.0),
    "sizes": ({}, "6"),
    "tta": ({}, "mirror"),
    "init": ({}, "xavier"),
    "partial": ({"init": "part.safetensors"}, True),
    "device": ({}, "cpu:0"),
    "loaders": (LAZY, 0),
    "precision": ({}, "bf16"),
    "compile": ({}, "on"),
}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder, with networks and data; torch as it was before."""
    made = tmp_path_factory.mktemp("keys")
    draws = np.random.default_rng(0)
    x, y = draws.integers(0, 256, (60, 1, 8, 8), np.uint8), np.minimum(np.arange(60) % 4, 2)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(made)
        patched.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        np.savez("data.npz", x=x, y=y)
        np.savez("other.npz", x=x[::-1].copy(), y=y)
        np.savez("numbers.npz", x=x, y=x.mean((1, 2, 3)) + 0.5)
        for number, image in enumerate(x):
            path = Path("images", "abc"[y[number]], f"{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0]).save(path)
        save_file({"c1.weight": np.ones((8, 1, 2, 2), np.float32)}, "part.safetensors")
        for outputs in (1, 3):
            Path(f"net{outputs}.yaml").write_text(NET % outputs)
        yield made
        torch.use_deterministic_algorithms(False)


class Spies:
    """What a training reads and computes, besides what it writes."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.batches, self.processes, self.notes = sha256(), set[int](), list[str]()
        augmented, loader = loop.augmented_batch, streaming.DataLoader

        def batch(*arguments: Any) -> Any:
            found = augmented(*arguments)
            for tensor in found[:3]:
                self.batches.update(tensor.contiguous().numpy().tobytes())
            return found

        def read(*arguments: Any, **options: Any) -> Any:
            self.processes.add(options["num_workers"])
            return loader(*arguments, **options)

        patched.setattr(loop, "augmented_batch", batch)
        patched.setattr(streaming, "DataLoader", read)
        patched.setattr(torch, "compile", lambda network, **_: network)
        # two workers that have the same images, for the statistics of batchnorm alone
        patched.setattr(sync_batchnorm, "distributed", SimpleNamespace(world_size=lambda: 2, is_counted=lambda: True))
        patched.setattr(sync_batchnorm, "dist", SimpleNamespace(all_reduce=lambda tensor: tensor.mul_(2)))

    def note(self, text: str) -> None:
        self.notes.append(text.partition(";")[0])  # without the run's folder

    def batch(self, progress: object) -> None: ...
    def epoch(self, progress: object, evaluation: object, held_out: str) -> None: ...


numbers = count()


def effects(kind: type[Recipe], values: dict[str, Any]) -> dict[str, Any]:
    """Everything that a short training does: batches, weights, metrics, record, messages. Of the recipe nothing."""
    torch.use_deterministic_algorithms(False)
    run_dir = Path(f"run{next(numbers)}")
    with pytest.MonkeyPatch.context() as patched:
        spies = Spies(patched)
        try:
            recipe = kind(**{name: kind.schema[name].read(value) for name, value in values.items()})
            check_together(recipe)
            loaded = load("net1.yaml" if "numbers" in recipe.dataset else "net3.yaml")
            dataset = dataset_for(loaded, recipe.dataset, task_of(loaded, recipe), None, stream=recipe.stream)
            check_changes(recipe, loaded.graph.inputs[0].shape, dataset)
            run_training(Job(loaded, dataset, recipe, run_dir), spies)
        except CnnError as error:
            return {"error": str(error)}
    record = json.loads((run_dir / "run.json").read_text())
    for name in ("began", "dataset"):
        del record[name]
    del record["result"]["seconds"]
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    timed = ("seconds", "images_per_second")
    return {
        "batches": spies.batches.hexdigest(),
        "weights": sha256((run_dir / "weights.safetensors").read_bytes()).hexdigest(),
        "metrics": [{name: value for name, value in line.items() if name not in timed} for line in lines],
        "record": record,
        "notes": spies.notes,
        "processes": spies.processes,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


@cache
def effects_of_base(kind: type[Recipe], values: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return effects(kind, dict(values))


def check_changes_something(key: str, kind: type[Recipe] = Recipe) -> None:
    """Fails for a key whose changed value leaves a training as it was."""
    field = kind.schema[key]
    other, *words = field.row.needs or ("", "")
    needed = {other: words[0] if words else 0.1} if other else {}
    more, changed = CASES.get(key, ({}, None))
    base = {**BASE, **needed, **more}
    if changed is None:
        changed = another(base.get(key, field.default))
    assert effects(kind, {**base, key: changed}) != effects_of_base(kind, tuple(base.items())), f"{key} has no effect"


def another(value: Any) -> Any:
    """Another value of a key that is a flag or a number."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value / 2 or 0.5


@pytest.mark.parametrize("key", Recipe.schema)
def test_every_key_changes_something(key: str) -> None:
    check_changes_something(key)


UNREAD = Annotated[NonNegative, Key("Read by nothing.", "executor.feeding.augmentation")]
WithUnreadKey = type("WithUnreadKey", (Recipe,), {"__annotations__": {"unread": UNREAD}, "unread": 0.0})


def test_a_key_that_nothing_reads_is_found() -> None:
    with pytest.raises(AssertionError, match="unread has no effect"):
        check_changes_something("unread", WithUnreadKey)


@pytest.mark.parametrize("key", Recipe.schema)
def test_the_module_that_a_row_names_reads_the_key(key: str) -> None:
    spec = find_spec(f"cnncli.{ROWS[key].read_by}")
    assert spec is not None and spec.origin is not None
    tree = ast.walk(ast.parse(Path(spec.origin).read_text()))
    names = {getattr(node, "attr", None) or getattr(node, "value", None) for node in tree if is_read(node)}
    assert key in names


def is_read(node: ast.AST) -> bool:
    """``recipe.key``, or ``"key"`` for a getattr."""
    return isinstance(node, ast.Attribute) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
