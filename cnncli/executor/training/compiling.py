"""torch.compile and CUDA graphs, if a short trial finds them faster; the trial leaves the state unchanged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from cnncli.errors import CnnError
from cnncli.executor.feeding.batches import training_batches
from cnncli.executor.runtime import distributed
from cnncli.executor.training.checkpoint import Checkpoint
from cnncli.executor.training.loop import TrainingSetup, train_step
from cnncli.executor.training.state import TrainState

MODES = {"off": "", "on": "default", "graphs": "reduce-overhead"}  # our names and those of torch.compile
MIN_SECONDS_LEFT = 60.0  # of training, for a trial: compiling takes about ten
TIMED_STEPS = 10
MAX_COMPILED_SHAPES = 64  # of batches, micro-batches and images; torch's default is 8


class Choice(NamedTuple):
    """The mode in which steps are computed, off, on or graphs, and a note about the trial."""

    mode: str
    note: str = ""


def candidate_modes(asked: str, device: torch.device, accumulate: int = 1) -> tuple[str, ...]:
    """The modes to try; auto is a trial on a GPU and off on a CPU, where compiling saves too little time.

    With micro-batches the second CUDA graph would overwrite the gradients of the first, which torch refuses
    (https://github.com/pytorch/pytorch/issues/169545). Raises CnnError for graphs with micro-batches.
    """
    if asked == "graphs" and accumulate > 1:
        raise CnnError(
            "compile graphs: CUDA graphs cannot compute micro-batches", "use compile on, or leave accumulate out"
        )
    if asked == "auto":
        asked = "trial" if device.type == "cuda" else "off"
    if asked == "trial":
        return ("off", "on", "graphs") if device.type == "cuda" and accumulate == 1 else ("off", "on")
    return (asked,)


def compiled(setup: TrainingSetup, mode: str) -> TrainingSetup:
    """The setup whose steps are computed in a mode.

    Each shape is compiled separately: torch would switch to code for dynamic shapes at the second one, which adds in
    another order, so that a resumed training would end with other weights.
    """
    if mode == "off":
        return setup
    import torch._dynamo

    torch._dynamo.config.recompile_limit = MAX_COMPILED_SHAPES
    compute: Callable[[Tensor], Tensor] = torch.compile(setup.compute, mode=MODES[mode], dynamic=False)
    if mode == "graphs":
        plain = compute

        def compute(images: Tensor) -> Tensor:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]  # the last output may be overwritten
            return plain(images)

    return replace(setup, compute=compute)


def fastest(setup: TrainingSetup, state: TrainState, modes: tuple[str, ...]) -> tuple[TrainingSetup, Choice]:
    """The setup with the fastest of several modes.

    A single mode is used without a comparison. Raises CnnError if it does not work.
    """
    if modes == ("off",):
        return setup, Choice("off")
    before = _copy(state.checkpoint())
    try:
        if len(modes) == 1:
            chosen = compiled(setup, modes[0])
            _seconds(chosen, state, 1)
            return chosen, Choice(modes[0])
        plain = _agreed(_seconds(setup, state, TIMED_STEPS))
        left = plain * (setup.steps - before.numbers["step"])
        if left < MIN_SECONDS_LEFT:
            return setup, Choice("off")
        found = {"off": (plain, setup)}
        notes = []
        for mode in modes[1:]:
            started = time.perf_counter()
            other = compiled(setup, mode)
            try:
                _seconds(other, state, 1)
                took = time.perf_counter() - started
                found[mode] = _agreed(_seconds(other, state, TIMED_STEPS)), other
                notes.append(f"{mode} {1000 * found[mode][0]:.1f} ms after {took:.0f} s of compiling")
            except CnnError as error:
                notes.append(f"{mode} does not work here ({error.problems[0].message})")
        best = min(found, key=lambda mode: found[mode][0])
        tried = f"compile {best}; measured: off {1000 * plain:.1f} ms per step, {', '.join(notes)}"
        return found[best][1], Choice(best, tried)
    finally:
        _reset(state, before)


def _agreed(seconds: float) -> float:
    """The slowest worker's seconds, on each worker."""
    return distributed.all_reduce_max(round(1e6 * seconds)) / 1e6


def _seconds(setup: TrainingSetup, state: TrainState, steps: int) -> float:
    """The shortest time of some steps, which change the state. Raises CnnError if compiling fails."""
    device = setup.train.labels.device
    taken: list[float] = []
    setup.network.train()
    try:
        while len(taken) < steps:
            for batch in training_batches(setup.train, setup.recipe.batch_size, setup.recipe.seed, 1):
                started = time.perf_counter()
                train_step(setup, state, setup.compute, batch, 1)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                taken.append(time.perf_counter() - started)
                if len(taken) >= steps:
                    break
    except Exception as error:
        if not _is_compile_error(error):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CnnError(f"torch.compile does not work here: {reason[:200]}", "leave compile out") from None
    return min(taken)


def _is_compile_error(error: Exception) -> bool:
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor", "triton")) or "CUDAGraph" in str(
        error
    )


def _copy(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint({name: tensor.clone() for name, tensor in checkpoint.tensors.items()}, checkpoint.numbers)


def _reset(state: TrainState, before: Checkpoint) -> None:
    """Restore the state; every step starts without gradients."""
    state.restore(before)
    for parameter in state.network.parameters():
        parameter.grad = None
