"""Several processes that train one network together, started by torchrun: who this one is, and what they agree on.

Each computes its share of every batch, so that a step is the same for any number of them. Alone, all functions do
nothing. The first process alone writes files and talks.
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

from cnncli.errors import CnnError
from cnncli.executor.runtime.children import safe_path
from cnncli.runs.torchrun import place

PR_SET_PDEATHSIG = 1  # of linux/prctl.h
PATIENCE = timedelta(minutes=10)  # for another process, before it counts as lost
_control: list[Any] = []  # the group for what is agreed on, which stays on the CPU
_uncounted: list[bool] = []


def launch(processes: int, max_restarts: int, arguments: list[str]) -> int:
    """Start ``cnn`` with these arguments as workers on this machine, as torchrun does; how they ended.

    A worker that is lost is started again with all others, ``max_restarts`` times. A signal to this process goes to all
    of them: they save and end.
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
    logging.disable(logging.CRITICAL)  # the workers say what happened
    # more threads than cores wait for each other by spinning: two workers with two each on two cores stand still
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
    """The source that runs ``cnn`` in a new process, found where this process found it: ``-m cnncli`` would look into
    the working folder first."""
    return f"import sys; sys.path[:] = {sys.path!r}; from cnncli.__main__ import main; main()"


def init_process_group() -> None:
    """Join the others, where torchrun started this process. Raises CnnError where they cannot be reached."""
    own = place()
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ or dist.is_initialized():
        return
    _end_with_the_parent()
    try:
        store, rank, size = next(rendezvous("env://", timeout=PATIENCE))
        # torchrun's store outlives a restart: without a name of its own an attempt finds addresses of those that died
        attempt = PrefixStore(f"attempt {own.restarts}", store)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"  # --device cpu wants gloo there, too
        dist.init_process_group(backend, store=attempt, rank=rank, world_size=size, timeout=PATIENCE)
        _control.append(dist.new_group(backend="gloo", timeout=PATIENCE))
    except (RuntimeError, ValueError) as error:
        raise CnnError(f"the other workers cannot be reached: {(str(error).splitlines() or ['?'])[0]}") from None


def _end_with_the_parent() -> None:
    """Get SIGTERM when the process that started this one is killed: nobody else would stop it. Linux alone can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def is_lost(error: RuntimeError) -> bool:
    """Whether an error says that another process cannot be reached any more."""
    return any(word in str(error) for word in ("gloo", "NCCL", "Connection", "connection"))


def destroy_process_group() -> None:
    """End the connection."""
    if dist.is_initialized():
        _control.clear()
        dist.destroy_process_group()


def rank() -> int:
    """Which process this is, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main_process() -> bool:
    """Whether this one writes files and talks."""
    return rank() == 0


def was_restarted() -> bool:
    """Whether torchrun started the processes again, after one was lost."""
    return place().restarts > 0


def local_device(device: torch.device) -> torch.device:
    """This process's own GPU of the machine, or the device as it is; a GPU becomes the one that torch draws on.

    Raises CnnError where there are more processes than GPUs: they could not talk to each other.
    """
    if device.type != "cuda":
        return device
    if world_size() > 1:
        own, there = place(), torch.cuda.device_count()
        if own.local_world_size > there:
            raise CnnError(
                f"{own.local_world_size} workers on a machine with {there} GPUs",
                f"use --nproc {there}, or --device cpu",
            )
        device = torch.device("cuda", own.local_rank)
    if device.index is not None:  # dropout draws from the generator of the current one
        torch.cuda.set_device(device)
    return device


def wrap_ddp(network: nn.Module, device: torch.device) -> nn.Module:
    """The network such that a backward pass averages the gradients of all processes."""
    if world_size() == 1:
        return network
    return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)


def shard(index: Tensor) -> Tensor:
    """This process's part of a batch's image numbers: every n-th of them; the first one where there is none left.

    The one that is taken twice counts for nothing (:func:`has_shard`).
    """
    if world_size() == 1:
        return index
    own = index[rank() :: world_size()]
    return own if len(own) else index[:1]


def has_shard(index: Tensor) -> bool:
    """Whether this process has a part of its own of a batch."""
    return len(index) > rank()


def set_counted(own: bool) -> None:
    """Remember whether the batch that is being computed has a part of this process's own."""
    _uncounted[:] = [] if own else [True]


def is_counted() -> bool:
    """Whether the batch that is being computed has a part of this process's own."""
    return not _uncounted


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """The sum over all processes, on each."""
    if world_size() > 1:
        tensor = tensor.clone()
        dist.all_reduce(tensor)
    return tensor


def all_reduce_max(value: int) -> int:
    """The largest of all processes' values, on each: what is agreed on."""
    if world_size() == 1:
        return value
    tensor = torch.tensor([value])
    dist.all_reduce(tensor, dist.ReduceOp.MAX, group=_control[0])
    return int(tensor)


def gather_text(text: str) -> str:
    """The text of the first process that has one, on each; empty where none has."""
    if world_size() == 1:
        return text
    found: list[Any] = [None] * world_size()
    dist.all_gather_object(found, text, group=_control[0])
    return next((each for each in found if each), "")


def broadcast_object(value: Any) -> Any:
    """What the first process has, on each."""
    if world_size() == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, group=_control[0])
    return cast(Any, held[0])
