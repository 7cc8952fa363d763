"""The memory of a network in bytes, for inference and for training.

The tensors are counted as PyTorch stores them. What the libraries need in addition is not counted: the workspace of a
convolution, the allocator's rounding and fragmentation, a GPU's context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncli.analysis.saved_for_backward import Saved, saved_for_backward
from cnncli.analysis.torch_operations import is_view
from cnncli.arithmetic.shape import numel
from cnncli.errors import CnnError, suggestion
from cnncli.inference import Inferred, LayerInfo

BYTES = {"fp32": 4, "fp16": 2, "bf16": 2}
# tensors per parameter that the optimizer stores: momentum, squares
STATE = {"none": 0, "sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
INDEX, STATISTIC = 8, 4


class Memory(NamedTuple):
    """Bytes for a batch. ``at`` is the layer with the peak of inference; ``saved`` is what each layer adds to the
    tensors saved for the backward pass."""

    batch: int
    dtype: str
    optimizer: str
    parameters: int
    buffers: int
    gradients: int
    optimizer_state: int
    peak_activations: int
    at: str
    saved_activations: int
    saved: Mapping[str, int]

    @property
    def inference(self) -> int:
        """Parameters, buffers and the peak of the activations."""
        return self.parameters + self.buffers + self.peak_activations

    @property
    def training(self) -> int:
        """Parameters, buffers, gradients, optimizer state and the activations saved for the backward pass."""
        per_network = self.parameters + self.buffers + self.gradients + self.optimizer_state
        return per_network + self.saved_activations


def memory(inferred: Inferred, batch: int = 1, dtype: str = "fp32", optimizer: str = "none") -> Memory:
    """The memory of a network whose parameters, gradients and activations all have one precision.

    Raises CnnError for an unknown precision or optimizer.
    """
    width = BYTES[_known("--dtype", dtype, BYTES)]
    state = STATE[_known("--optimizer", optimizer, STATE)]
    totals = inferred.totals
    storage = _storages(inferred)
    peak, at = _peak(inferred, storage, batch * width)
    saved = _saved(inferred, storage, batch, width)
    return Memory(
        batch,
        dtype,
        optimizer,
        parameters=totals["params"] * width,
        buffers=totals["buffers"] * width,
        gradients=totals["trainable"] * width,
        optimizer_state=totals["trainable"] * width * state,
        peak_activations=peak,
        at=at,
        saved_activations=sum(saved.values()),
        saved=saved,
    )


def check_options(dtype: str, optimizer: str) -> None:
    """Raises CnnError for an unknown precision or optimizer."""
    _known("--dtype", dtype, BYTES)
    _known("--optimizer", optimizer, STATE)


def state_of(optimizer: str) -> str:
    """The name in ``STATE`` of what a recipe's optimizer keeps for each parameter."""
    return {"sgd": "momentum", "muon": "momentum"}.get(optimizer, optimizer)


def fitting_batch(inferred: Inferred, tried: int, limit: int, optimizer: str) -> int:
    """The largest power of two below the batch size ``tried`` whose training needs at most 3/4 of ``limit`` bytes
    (the rest is for the libraries); 0 if not even one example fits."""
    kept = state_of(optimizer)
    size = 1 << max(0, (tried - 1).bit_length() - 1)
    while size and memory(inferred, size, "fp32", kept).training > limit * 3 // 4:
        size //= 2
    return size


def _known(option: str, name: str, known: Mapping[str, int]) -> str:
    if name not in known:
        hint = suggestion(name, list(known), f"one of {', '.join(known)}")
        raise CnnError(f"{option}: unknown value {name!r}", hint)
    return name


def _storages(inferred: Inferred) -> dict[str, str]:
    """For each tensor the one whose memory it shares: a flattened feature map is a view."""
    storage = {entry.name: entry.name for entry in inferred.graph.inputs}
    for name, info in inferred.layers.items():
        storage[name] = storage[info.node.inputs[0]] if is_view(info.node.layer, info.input_shapes) else name
    return storage


def _peak(inferred: Inferred, storage: Mapping[str, str], width: int) -> tuple[int, str]:
    """The peak bytes of activations in the order of computation, and the layer at which it occurs.

    A tensor is freed after the last layer that reads it; the inputs stay, since the caller holds them.
    """
    last_read = {storage[source]: name for name, info in inferred.layers.items() for source in info.node.inputs}
    kept = {storage[name] for name in inferred.graph.outputs} | {entry.name for entry in inferred.graph.inputs}
    sizes = {entry.name: numel(entry.shape) for entry in inferred.graph.inputs}
    live, most, at = sum(sizes.values()), 0, ""
    for name, info in inferred.layers.items():
        if storage[name] == name:
            sizes[name] = info.stats.activations
            live += sizes[name]
        if live > most:
            most, at = live, name
        done = {storage[source] for source in info.node.inputs} | {storage[name]}
        for source in done:
            if source not in kept and last_read.get(source, name) == name and source in sizes:
                live -= sizes.pop(source)
    return most * width, at


def _saved(inferred: Inferred, storage: Mapping[str, str], batch: int, width: int) -> dict[str, int]:
    """The bytes that each layer adds to the saved tensors: one that several layers need is counted once, for the first.

    Layers before the first weight save nothing, since no gradient flows through them.
    """
    sizes = {entry.name: numel(entry.shape) for entry in inferred.graph.inputs}
    with_gradient: set[str] = set()
    kept: set[str] = set()
    saved: dict[str, int] = {}
    for name, info in inferred.layers.items():
        if storage[name] == name:
            sizes[name] = info.stats.activations
        trains = info.stats.trainable > 0 or bool(info.node.shares)
        if not trains and not any(source in with_gradient for source in info.node.inputs):
            saved[name] = 0
            continue
        gradients = tuple(source in with_gradient for source in info.node.inputs)
        needs = saved_for_backward(info.node.layer, info.input_shapes, info.stats.output_shape, gradients)
        with_gradient.add(name)
        saved[name] = _kept_of(info, needs, storage, sizes, kept) * batch * width
        saved[name] += batch * needs.indices * INDEX + needs.statistics * STATISTIC
    return saved


def _kept_of(
    info: LayerInfo, needs: Saved, storage: Mapping[str, str], sizes: Mapping[str, int], kept: set[str]
) -> int:
    """The values per example that a layer adds to the saved tensors, which are recorded in ``kept``."""
    tensors = {storage[info.node.inputs[at]] for at in needs.inputs}
    if needs.output:
        tensors.add(storage[info.node.name])
    new = tensors - kept
    kept |= new
    return sum(sizes[tensor] for tensor in new) + needs.values
