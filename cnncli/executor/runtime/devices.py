"""The device to compute on, and settings of torch for it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from cnncli.errors import CnnError, counted

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # from glibc's mallopt


def choose_device(wanted: str) -> torch.device:
    """The device ``wanted``; ``auto`` is a CUDA (or ROCm) GPU if there is one, else the CPU. Raises CnnError.

    Apple's ``mps`` is only used on request: it lacks some of the operations that a network may use.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).add_(1).cpu()
    except Exception:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise CnnError(f"the device {wanted!r} cannot be used", f"use {' or '.join(there)}, or auto") from None
    return device


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next step instead of returning it to the system.

    Every training step needs the same memory, and new pages take a fifth of the time of a small network's step. Does
    nothing with other C libraries.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((MMAP_THRESHOLD, 1 << 30), (TRIM_THRESHOLD, (1 << 31) - 1), (TOP_PAD, 64 << 20)):
            libc.mallopt(parameter, value)


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Treat numbers below 1e-38 as 0 on the CPU, which is up to a hundred times slower with them.

    Such numbers arise from dead weights: Adam's mean of their gradients shrinks by a tenth in each step and never
    reaches 0. torch's threads inherit the setting from the thread that starts them, so it must be set before anything
    is computed, and they keep it.
    """
    before = float(torch.tensor([1e-40]) * 1) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def make_deterministic() -> None:
    """Use deterministic algorithms, on a GPU as well: two runs give the same weights."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)


def describe(device: torch.device) -> str:
    """``cuda (NVIDIA H100)``, or ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"{device} ({counted(threads, 'thread')})" if device.type == "cpu" else str(device)
