"""LeNet-5 on MNIST: ``cnn train`` and a plain PyTorch loop with a DataLoader, in turn, in processes of their own."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from cnncli.data import load_dataset


def plain_loop(epochs: int, data_dir: Path | None, seed: int) -> None:
    """What most tutorials write: float tensors, a shuffling DataLoader, Adam. Prints JSON."""
    torch.manual_seed(seed)
    dataset = load_dataset("mnist", (1, 28, 28), data_dir)
    train, test = (
        TensorDataset((torch.from_numpy(split.images).float() / 255 - 0.1307) / 0.3081, torch.from_numpy(split.labels))
        for split in (dataset.train, dataset.test)
    )
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    speeds = []
    for _ in range(epochs):
        network.train()
        started = time.perf_counter()
        for images, labels in DataLoader(train, batch_size=128, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
        speeds.append(len(train) / (time.perf_counter() - started))
    network.eval()
    with torch.inference_mode():
        correct = sum(
            (network(images).argmax(1) == labels).sum().item() for images, labels in DataLoader(test, batch_size=512)
        )
    print(json.dumps({"speeds": speeds, "accuracy": correct / len(test)}))


def cnn_train(epochs: int, data_dir: Path | None, seed: int) -> dict[str, object]:
    """The same with ``cnn train``, read from its run folder."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        options = ["--epochs", str(epochs), "--seed", str(seed), "--run-dir", str(run), "--device", "cpu"]
        where = ["--data-dir", str(data_dir)] if data_dir else []
        command = [sys.executable, "-m", "cnncli", "train", "lenet5", "--data", "mnist", *options, *where]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return {
            "speeds": [line["images_per_second"] for line in lines],
            "accuracy": json.loads((run / "run.json").read_text())["result"]["test_accuracy"],
        }


def main() -> None:
    """Print both speeds, their ratio, and the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--plain", type=int, metavar="SEED", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain is not None:
        plain_loop(arguments.epochs, arguments.data_dir, arguments.plain)
        return
    ours, plain = [], []
    for seed in range(arguments.rounds):
        ours.append(cnn_train(arguments.epochs, arguments.data_dir, seed))
        again = [sys.executable, __file__, "--epochs", str(arguments.epochs), "--plain", str(seed)]
        where = ["--data-dir", str(arguments.data_dir)] if arguments.data_dir else []
        output = subprocess.run([*again, *where], check=True, capture_output=True, env=os.environ).stdout
        plain.append(json.loads(output))
        print(
            f"round {seed + 1}: cnn {_speed(ours[-1:]):,.0f} images/s, {ours[-1]['accuracy']:.2%}; "
            f"plain loop {_speed(plain[-1:]):,.0f} images/s, {plain[-1]['accuracy']:.2%}"
        )
    print(f"images per second, cnn / plain loop: {_speed(ours) / _speed(plain):.2f} (medians over epochs)")


def _speed(results: list[dict[str, object]]) -> float:
    return statistics.median(speed for result in results for speed in result["speeds"])  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
