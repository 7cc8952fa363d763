"""Which device to compute on."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from cnncli.errors import CnnError

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # of glibc's mallopt


def choose_device(wanted: str) -> torch.device:
    """``auto`` is a CUDA (or ROCm) GPU where there is one, else the CPU. Raises CnnError for one that is not there.

    Apple's ``mps`` has to be asked for: it lacks some of the operations that a network may use.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).add_(1).cpu()
    except Exception:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise CnnError(
            f"the device {wanted!r} cannot be used", f"here there is {', '.join(there)}; auto chooses"
        ) from None
    return device


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next one, instead of giving it back and asking for it again.

    Each step of a training needs the same memory; new pages cost a fifth of the time of a small network's step. Where
    the library is not glibc nothing happens.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((MMAP_THRESHOLD, 1 << 30), (TRIM_THRESHOLD, (1 << 31) - 1), (TOP_PAD, 64 << 20)):
            libc.mallopt(parameter, value)


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Let a CPU take numbers below 1e-38 for 0 meanwhile: it needs up to a hundred times as long for them.

    They turn up where weights have died: Adam's mean of their gradients shrinks by a tenth in each step and never gets
    to 0. torch's threads take it over from the one that starts them, and keep it: it has to come before what they
    compute, and in a process of its own it holds for all that follows there.
    """
    before = float(torch.tensor([1e-40]) * 1) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def make_deterministic() -> None:
    """Let torch add in one order only, on a GPU as well: the same weights twice."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)


def describe(device: torch.device) -> str:
    """``cuda (NVIDIA H100)``, or ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"{device} ({threads} thread{'s' * (threads != 1)})" if device.type == "cpu" else str(device)
