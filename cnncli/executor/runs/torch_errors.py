"""Errors of torch during training, turned into errors that say what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cnncli.analysis.memory import fitting_batch
from cnncli.errors import CnnError
from cnncli.executor.runs.job import Job
from cnncli.executor.runtime.devices import choose_device
from cnncli.recipe import Recipe


@contextmanager
def explain_torch_errors(job: Job) -> Iterator[None]:
    """Turn torch's errors inside the ``with`` block into CnnErrors that say what to do, e.g. a batch size that fits."""
    try:
        yield
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _explanation(job, error) or error from None


def _explanation(job: Job, error: Exception) -> CnnError | None:
    """The explanation of an error of torch; None for an unknown one."""
    text = str(error)
    if "more than 1 value per channel" in text:
        return CnnError("batch normalization cannot train on a single image", "use another --batch-size")
    if "deterministic" in text:
        reason = (text.splitlines() or ["?"])[0].partition(", but you set")[0]
        return CnnError(f"--deterministic: {reason}", "leave it out, or use other layers")
    if not isinstance(error, MemoryError) and ("memory" not in text or isinstance(error, ValueError)):
        return None
    size = job.recipe.batch_size
    fits = fitting_batch(job.loaded.inferred, size, _memory_limit(job.recipe), job.recipe.optimizer)
    hint = f"--batch-size {fits} would fit" if fits else "use a smaller network"
    return CnnError(
        f"out of memory at a batch size of {size}", f"{hint}; or split it into micro-batches: --accumulate 4"
    )


def _memory_limit(recipe: Recipe) -> int:
    """The total memory of the device in bytes."""
    if choose_device(recipe.device).type == "cuda":
        return torch.cuda.get_device_properties(choose_device(recipe.device)).total_memory
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 8 << 30
