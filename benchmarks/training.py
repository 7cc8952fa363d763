"""``cnn train`` against a plain PyTorch loop, Lightning and Keras 3 (on torch), in turn, in processes of their own.

Three tasks: LeNet-5 on MNIST (images/s and accuracy), ResNet-18 on images of CIFAR-10's shape, a small 3-D network on
volumes. The others train the very network that ``cnn export`` writes, in float32, as their tutorials have it; Lightning
and Keras are left out where they are not installed. Prints images per second, the peak of memory, and ratios to the
plain loop.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SMALL_3D = """
input: 1x16x16x16
layers:
  - conv: {filters: 16, kernel: 3, padding: 1}
  - relu
  - maxpool: 2
  - conv: {filters: 32, kernel: 3, padding: 1}
  - relu
  - maxpool: 2
  - flatten
  - linear: 10
"""
TASKS = ("lenet5", "resnet18", "3d")
SHAPES = {"lenet5": (1, 28, 28), "resnet18": (3, 32, 32), "3d": (1, 16, 16, 16)}
EXAMPLES, CLASSES = {"resnet18": 2560, "3d": 6400}, {"resnet18": 1000, "3d": 10}  # a few dozen steps
WAYS = ("cnn", "cnn in fp32", "plain loop", "lightning", "keras")


def data(task: str, folder: Path) -> str:
    """The data set as ``cnn train`` names it; random examples where there is nothing to learn."""
    if task == "lenet5":
        return "mnist"
    path = folder / f"{task}.npz"
    if not path.exists():
        random = np.random.default_rng(0)
        x = random.integers(0, 256, (EXAMPLES[task], *SHAPES[task]), dtype=np.uint8)
        y = np.arange(len(x)) % CLASSES[task]
        np.savez(path, x_train=x, y_train=y, x_test=x[:100], y_test=y[:100])
    return f"npz:{path}"


def architecture(task: str, folder: Path) -> list[str]:
    """The network as ``cnn`` takes it."""
    if task == "3d":
        (folder / "small3d.yaml").write_text(SMALL_3D)
        return [str(folder / "small3d.yaml")]
    return ["lenet5"] if task == "lenet5" else ["resnet18", "--input", "3x32x32"]


def exported(task: str, folder: Path) -> Any:
    """The network in plain torch."""
    import importlib.util

    path = folder / f"net_{task}.py"
    if not path.exists():
        command = [
            sys.executable,
            "-m",
            "cnncli",
            "export",
            *architecture(task, folder),
            "--to",
            "pytorch",
            "-o",
            str(path),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spec = importlib.util.spec_from_file_location("net", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def tensors(task: str, folder: Path) -> Any:
    """Training and test parts as float tensors, normalised."""
    import torch

    from cnncli.data import load_dataset

    where = os.environ.get("CNN_DATA")
    dataset = load_dataset(data(task, folder), SHAPES[task], Path(where) if where else None)
    return [
        ((torch.from_numpy(split.images).float() / 255 - 0.5) / 0.25, torch.from_numpy(split.labels))
        for split in (dataset.train, dataset.test)
    ]


def plain_loop(task: str, folder: Path, epochs: int, batch: int) -> dict[str, Any]:
    """What most tutorials write: float tensors, a shuffling DataLoader, Adam."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    (x, y), (test_x, test_y) = tensors(task, folder)
    network = exported(task, folder).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    speeds = []
    for _ in range(epochs):
        started = time.perf_counter()
        for images, labels in DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
        speeds.append(len(x) / (time.perf_counter() - started))
    network.eval()
    with torch.inference_mode():
        right = sum(
            int((network(a).argmax(1) == b).sum()) for a, b in zip(test_x.split(512), test_y.split(512), strict=True)
        )
    return {"speeds": speeds, "accuracy": right / len(test_y)}


def lightning(task: str, folder: Path, epochs: int, batch: int) -> dict[str, Any]:
    """Lightning's trainer, without its logger and checkpoints."""
    import lightning as pl
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    speeds: list[float] = []

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = exported(task, folder).train()

        def training_step(self, batch: Any, _: int) -> Any:
            return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.001)

        def on_train_epoch_start(self) -> None:
            self.started = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            speeds.append(len(x) / (time.perf_counter() - self.started))

    (x, y), _ = tensors(task, folder)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = pl.Trainer(max_epochs=epochs, accelerator="cpu", **quiet)
    trainer.fit(Module(), DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True))
    return {"speeds": speeds, "accuracy": None}


def keras(task: str, folder: Path, epochs: int, batch: int) -> dict[str, Any]:
    """Keras 3 on torch, with the same network wrapped as a layer."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    (x, y), _ = tensors(task, folder)
    speeds: list[float] = []

    class Clock(k.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            speeds.append(len(x) / (time.perf_counter() - self.started))

    model = k.Sequential([k.Input(SHAPES[task]), k.layers.TorchModuleWrapper(exported(task, folder).train())])
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=k.optimizers.Adam(0.001), loss=loss)
    model.fit(x.numpy(), y.numpy(), batch_size=batch, epochs=epochs, verbose=0, callbacks=[Clock()])
    return {"speeds": speeds, "accuracy": None}


def cnn_train(task: str, folder: Path, epochs: int, batch: int, precision: str) -> dict[str, Any]:
    """``cnn train``, read from its run folder."""
    with tempfile.TemporaryDirectory() as made:
        run = Path(made) / "run"
        options = ["--data", data(task, folder), "--epochs", str(epochs), "--batch-size", str(batch)]
        options += ["--precision", precision, "--device", "cpu"]
        command = [
            sys.executable,
            "-m",
            "cnncli",
            "train",
            *architecture(task, folder),
            *options,
            "--run-dir",
            str(run),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        accuracy = json.loads((run / "run.json").read_text())["result"]["test_accuracy"]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return {"speeds": [line["images_per_second"] for line in lines], "accuracy": accuracy, "peak": peak}


def one(way: str, task: str, folder: Path, epochs: int, batch: int) -> dict[str, Any]:
    """One training in this process."""
    if way.startswith("cnn"):
        return cnn_train(task, folder, epochs, batch, "fp32" if "fp32" in way else "auto")
    result = {"plain loop": plain_loop, "lightning": lightning, "keras": keras}[way](task, folder, epochs, batch)
    return {**result, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main() -> None:
    """Every way in turn, as often as asked; then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--one", nargs=3, metavar=("WAY", "TASK", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        way, task, folder = arguments.one
        print(json.dumps(one(way, task, Path(folder), arguments.epochs, arguments.batch)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for task in arguments.tasks.split(","):
            data(task, Path(folder))
            _compare(task, folder, arguments)


def _compare(task: str, folder: str, arguments: argparse.Namespace) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(arguments.rounds):
        for way in WAYS:
            options = ["--epochs", str(arguments.epochs), "--batch", str(arguments.batch)]
            command = [sys.executable, __file__, *options, "--one", way, task, folder]
            ended = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ)
            if ended.returncode:
                if way not in ("lightning", "keras"):
                    sys.exit(ended.stderr)
                continue  # it is not installed
            found.setdefault(way, []).append(json.loads(ended.stdout.splitlines()[-1]))
    plain = _speed(found["plain loop"])
    print(task)
    for way, results in found.items():
        speed, peak = _speed(results), max(result["peak"] for result in results) / 1024
        accuracies = [result["accuracy"] for result in results if result["accuracy"] is not None]
        shown = f"  accuracy {statistics.mean(accuracies):.2%}" if accuracies and task == "lenet5" else ""
        print(f"  {way:12} {speed:10,.0f} images/s  x{speed / plain:.2f}  {peak:7,.0f} MiB{shown}")


def _speed(results: list[dict[str, Any]]) -> float:
    return statistics.median(speed for result in results for speed in result["speeds"])


if __name__ == "__main__":
    main()
