"""Run folders: records, recipes, figures, weights and checkpoints changed, put to the commands that read them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from . import corpus
from .archives import _dataset
from .cases import OUTSIDE, Case, Content, Fifo, Link
from .mutations import mutate_bytes, mutate_json, mutate_tree, mutate_yaml, nasty
from .options import some_options

ESCAPES = ("../../../escaped", OUTSIDE + "/escaped", "a/b", "", ".", "..", "a\x1b[2J", "x" * 400, "\u202eabc", "-rf")
COMMANDS = (
    ("runs", "."), ("runs", "run", "--epochs"), ("runs", "run", "other"), ("runs", ".", "--format", "csv"),
    ("train", "--resume", "run"), ("train", "--resume", "run"), ("train", "--from", "run", "--epochs", "1"),
    ("train", "tiny.yaml", "--init", "run"), ("evaluate", "run"), ("evaluate", "run", "--format", "json"),
    ("predict", "run", "a.png"), ("export", "run", "--to", "pytorch"),
)  # fmt: skip


def _changed_checkpoint(rng: Random, data: bytes) -> bytes:
    """A whole checkpoint, with its checksum, of other tensors and numbers."""
    import torch

    tensors, numbers = corpus.opened_checkpoint(data)
    if rng.random() < 0.5:
        numbers = mutate_tree(rng, numbers)
    for _ in range(rng.choice((0, 1, 1, 3))):
        key = rng.choice(sorted(tensors))
        tensor = tensors[key]
        match rng.randrange(7):
            case 0:
                del tensors[key]
            case 1:
                tensors[key] = torch.zeros([size + 1 for size in tensor.shape])
            case 2:
                tensors[key] = tensor.to(rng.choice((torch.float64, torch.int64, torch.bool, torch.float16)))
            case 3:
                tensors[key] = torch.full(tensor.shape, rng.choice((float("nan"), float("inf"), -5.0, 1e12)))
            case 4:
                tensors[key] = torch.zeros(0)
            case 5:
                tensors[key] = tensors[rng.choice(sorted(tensors))].clone()
            case _:
                tensors[key + "x"] = tensor.clone()
    return corpus.checkpoint_of(tensors, numbers)


def _changed_safetensors(rng: Random, data: bytes) -> bytes:
    """A safetensors file with another header."""
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        return mutate_bytes(rng, data)
    changed = json.dumps(mutate_tree(rng, header, ("F32", "I64", "BOOL", "dtype", "shape", "data_offsets"))).encode()
    return len(changed).to_bytes(8, "little") + changed + data[8 + length :]


def _changed(rng: Random, name: str, data: bytes) -> Content:
    if rng.random() < 0.03:
        return rng.choice((b"", Link("/dev/zero"), Fifo(), Link(name)))
    if rng.random() < 0.15:
        return mutate_bytes(rng, data)
    if name == "run.json":
        if rng.random() < 0.2:
            record: dict[str, Any] = json.loads(data)
            record[rng.choice(("name", "dataset", "device", "task"))] = rng.choice(ESCAPES)
            return json.dumps(record).encode()
        return mutate_json(rng, data.decode())
    if name.endswith(".yaml"):
        return mutate_yaml(rng, data.decode(), corpus.words())
    if name.endswith(".jsonl"):
        lines = [mutate_json(rng, line) if rng.random() < 0.6 else line.encode() for line in data.decode().splitlines()]
        return b"\n".join(lines) + b"\n"
    if "checkpoint" in name and rng.random() < 0.8:
        return _changed_checkpoint(rng, data)
    if name.endswith(".safetensors"):
        return _changed_safetensors(rng, data)
    return mutate_bytes(rng, data)


def _weights_of_elsewhere(rng: Random) -> tuple[str, Content]:
    """What --init may be given: a file of torch.save of anything."""
    import io

    import torch

    value = rng.choice((
        {"conv1.weight": torch.zeros(2, 1, 3, 3)}, {"state_dict": {"conv1.weight": torch.zeros(3)}}, [1, 2],
        "a", 3, None,
        {"a": {"b": 1}}, {1: torch.zeros(1)}, {"conv1.weight": "x"}, torch.zeros(3), {"model": None},
        {"conv1.weight": torch.zeros(2, 1, 3, 3).to_sparse()}, {"": torch.zeros(1)}, {"x": nasty(rng)},
    ))  # fmt: skip
    out = io.BytesIO()
    torch.save(value, out)
    return "weights.pt", out.getvalue() if rng.random() < 0.8 else mutate_bytes(rng, out.getvalue())


def generate(rng: Random) -> Case:
    """A run folder with a few files changed."""
    run = corpus.run_files()
    files: dict[str, Content] = {f"run/{name}": data for name, data in run.items() if not name.startswith(".")}
    files |= {f"other/{name}": run[name] for name in ("run.json", "recipe.yaml", "architecture.yaml", "metrics.jsonl")}
    files |= {"tiny.yaml": corpus.TINY.encode(), "a.png": corpus.picture()}
    argv = list(rng.choice(COMMANDS))
    names = ["run.json", "run.json", *(name for name in run if not name.startswith("."))]
    if "--resume" in argv:
        record = json.loads(run["run.json"]) | {"status": "running", "epochs_done": 1}
        files["run/run.json"] = json.dumps(record).encode()
        names += ["checkpoint.safetensors"] * 3
        run = {**run, "checkpoint.safetensors": run["checkpoint-previous.safetensors"]}  # there is an epoch to do
        files["run/checkpoint.safetensors"] = run["checkpoint.safetensors"]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice(names)
        if name not in run:
            continue
        if rng.random() < 0.05:
            del files[f"run/{name}"]
            break
        files[f"run/{name}"] = _changed(rng, name, run[name])
    if "--init" in argv and rng.random() < 0.5:
        name, content = _weights_of_elsewhere(rng)
        files[name] = content
        argv[-1] = name
    if argv[0] == "predict" and rng.random() < 0.5:
        argv, more = _predict(rng, argv)
        files |= more
    if rng.random() < 0.1:
        argv = ["train", "tiny.yaml", *some_options(rng, "train", ("run",), rng.choice((1, 2, 3)))]
    if rng.random() < 0.1:
        spec, more = _dataset(rng)
        files |= {name: data for name, data in more.items() if not name.startswith(("/", "../")) and "\0" not in name}
        argv = ["train", "tiny.yaml", "--data", spec, "--data-dir", "."]
    if argv[:2] == ["train", "tiny.yaml"]:
        argv += ["--epochs", "1"]
    return Case(tuple(argv), files)


def _predict(rng: Random, argv: list[str]) -> tuple[list[str], dict[str, Content]]:
    from .mutations import mutate_csv

    name = rng.choice(("x.csv", "x.npz", "x.png"))
    rows = "".join(",".join(map(str, range(64))) + "\n" for _ in range(3))
    data = {"x.csv": lambda: mutate_csv(rng, rows), "x.npz": lambda: mutate_bytes(rng, corpus.npz_of(x=[[1] * 64] * 3)),
            "x.png": lambda: mutate_bytes(rng, rng.choice(tuple(corpus.pictures().values())))}[name]()  # fmt: skip
    return ["predict", "run", name, *some_options(rng, "predict")], {name: data}
