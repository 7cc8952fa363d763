"""Whole processes: ``cnn summarize resnet152`` and ``cnn --help`` against the imports that they cannot do without."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

FLOOR = [sys.executable, "-c", "import click, yaml, rich.console, rich.table"]
ROUNDS = 21


def run(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Print the medians and their ratios to the floor."""
    cnn = shutil.which("cnn", path=str(Path(sys.executable).parent)) or "cnn"
    commands = {
        "imports alone": FLOOR,
        "cnn summarize resnet152": [cnn, "summarize", "resnet152"],
        "cnn summarize lenet5": [cnn, "summarize", "lenet5"],
        "cnn --help": [cnn, "--help"],
        "… resnet152 --input 3xHxW": [cnn, "summarize", "resnet152", "--input", "3xHxW"],
        "cnn explain lenet5": [cnn, "explain", "lenet5"],
        "cnn diff resnet50 resnet152": [cnn, "diff", "resnet50", "resnet152"],
        "cnn solve --in 7 --out 3": [cnn, "solve", "--in", "7", "--out", "3"],
        "cnn solve resnet152 --accepts": [cnn, "solve", "resnet152", "--accepts"],
        "cnn receptive-field resnet50": [cnn, "receptive-field", "resnet50", "maxpool1"],
        "cnn list": [cnn, "list"],
    }
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for round_number in range(ROUNDS + 1):
        for name, command in commands.items():
            measured = run(command)
            if round_number:  # the first round warms the caches
                results[name].append(measured)
    floor = statistics.median(seconds for seconds, _ in results["imports alone"])
    print(f"{'command':30} {'ms':>7} {'ratio':>6} {'MiB':>6}   (medians of {ROUNDS}, in turn)")
    for name, measured in results.items():
        seconds = statistics.median(s for s, _ in measured)
        memory = statistics.median(m for _, m in measured)
        print(f"{name:30} {seconds * 1000:7.1f} {seconds / floor:6.2f} {memory:6.1f}")


if __name__ == "__main__":
    main()
