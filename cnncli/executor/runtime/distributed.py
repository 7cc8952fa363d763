"""Several processes (workers) that train one network together, started by torchrun: rank, shards, reductions.

Each computes its shard of every batch, so that a step is the same for any number of workers. With a single process all
functions do nothing. Only the main process, of rank 0, writes files and prints.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import uuid
from datetime import timedelta
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._C._distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from cnncli.errors import CnnError, counted
from cnncli.executor.runtime.children import safe_path
from cnncli.runs.torchrun import place

PR_SET_PDEATHSIG = 1  # from linux/prctl.h
TIMEOUT = timedelta(minutes=10)  # after which another worker counts as lost
_control: list[Any] = []  # the process group for agreements, which are made on the CPU
_uncounted: list[bool] = []


def launch(processes: int, max_restarts: int, arguments: list[str]) -> int:
    """Start ``cnn`` with these arguments as workers on this machine, as torchrun does; returns the exit code.

    When a worker fails, all are restarted, up to ``max_restarts`` times. Signals to this process are forwarded to all
    workers, which save and end.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=max_restarts,
        monitor_interval=0.1,
    )
    logging.disable(logging.CRITICAL)  # the workers report errors themselves
    # threads wait by spinning: with more threads than cores the workers nearly stop
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    try:
        with safe_path():
            elastic_launch(config, sys.executable)("-u", "-c", _same_program(), *arguments)
    except SignalException as stopped:
        return 128 + int(stopped.sigval)
    except ChildFailedError as failed:
        code = failed.get_first_failure()[1].exitcode
        return code if code >= 0 else 128 - code
    return 0


def _same_program() -> str:
    """Source that runs ``cnn`` in a new process with this one's path: ``-m cnncli`` would search the working folder."""
    return f"import sys; sys.path[:] = {sys.path!r}; from cnncli.__main__ import main; main()"


def init_process_group() -> None:
    """Connect to the other workers, if torchrun started this process. Raises CnnError if they cannot be reached."""
    own = place()
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ or dist.is_initialized():
        return
    _end_with_parent()
    try:
        store, rank, size = next(rendezvous("env://", timeout=TIMEOUT))
        # torchrun's store outlives a restart: without a prefix an attempt would find the addresses of dead workers
        attempt = PrefixStore(f"attempt {own.restarts}", store)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"  # --device cpu needs gloo there, too
        dist.init_process_group(backend, store=attempt, rank=rank, world_size=size, timeout=TIMEOUT)
        _control.append(dist.new_group(backend="gloo", timeout=TIMEOUT))
    except (RuntimeError, ValueError) as error:
        raise CnnError(f"the other workers cannot be reached: {(str(error).splitlines() or ['?'])[0]}") from None


def _end_with_parent() -> None:
    """Get SIGTERM when the parent process is killed, as nothing else would end this one. Only on Linux."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def is_lost(error: RuntimeError) -> bool:
    """Whether an error means that the connection to another worker was lost."""
    return any(word in str(error) for word in ("gloo", "NCCL", "Connection", "connection"))


def destroy_process_group() -> None:
    """Disconnect from the other workers."""
    if dist.is_initialized():
        _control.clear()
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main_process() -> bool:
    """Whether this process writes files and prints."""
    return rank() == 0


def was_restarted() -> bool:
    """Whether torchrun restarted the workers after one failed."""
    return place().restarts > 0


def local_device(device: torch.device) -> torch.device:
    """This worker's own GPU, or any other device unchanged; a GPU becomes torch's current device.

    Raises CnnError if there are more workers than GPUs: NCCL cannot connect two workers on one GPU.
    """
    if device.type != "cuda":
        return device
    if world_size() > 1:
        own, there = place(), torch.cuda.device_count()
        if own.local_world_size > there:
            raise CnnError(
                f"{own.local_world_size} workers on a machine with {counted(there, 'GPU')}",
                f"use --nproc {there}, or --device cpu",
            )
        device = torch.device("cuda", own.local_rank)
    if device.index is not None:  # dropout draws from the current device's generator
        torch.cuda.set_device(device)
    return device


def wrap_ddp(network: nn.Module, device: torch.device) -> nn.Module:
    """The network wrapped so that a backward pass averages the gradients of all workers."""
    if world_size() == 1:
        return network
    return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)


def shard(index: Tensor) -> Tensor:
    """This worker's shard of a batch's indices: every n-th one, or the first one if none is left for it.

    That duplicate is not counted (:func:`has_shard`).
    """
    if world_size() == 1:
        return index
    own = index[rank() :: world_size()]
    return own if len(own) else index[:1]


def has_shard(index: Tensor) -> bool:
    """Whether this worker has a shard of its own in a batch."""
    return len(index) > rank()


def set_counted(counted: bool) -> None:
    """Set whether this worker's examples count in the current batch, or duplicate another worker's."""
    _uncounted[:] = [] if counted else [True]


def is_counted() -> bool:
    """Whether this worker's examples count in the current batch."""
    return not _uncounted


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """The sum over all workers, on each of them."""
    if world_size() > 1:
        tensor = tensor.clone()
        dist.all_reduce(tensor)
    return tensor


def all_reduce_max(value: int) -> int:
    """The maximum over all workers, on each of them: how they agree on what to do."""
    if world_size() == 1:
        return value
    tensor = torch.tensor([value])
    dist.all_reduce(tensor, dist.ReduceOp.MAX, group=_control[0])
    return int(tensor)


def gather_text(text: str) -> str:
    """The first nonempty text of all workers, on each of them; empty if there is none."""
    if world_size() == 1:
        return text
    found: list[Any] = [None] * world_size()
    dist.all_gather_object(found, text, group=_control[0])
    return next((each for each in found if each), "")


def broadcast_object(value: Any) -> Any:
    """The main process's value, on each worker."""
    if world_size() == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, group=_control[0])
    return cast(Any, held[0])
