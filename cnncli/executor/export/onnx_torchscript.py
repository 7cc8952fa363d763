"""ONNX and TorchScript: the network as a file for another runtime, run once and compared with PyTorch."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from cnncli.errors import CnnError, shortened
from cnncli.executor.export.naming import is_hidden
from cnncli.executor.network.network import BUG, Network, register
from cnncli.inference import Inferred
from cnncli.runs.folder import RunRecord

TRACED_BATCH, COMPARED_BATCH = 2, 3  # they differ, so that a batch size fixed by tracing is noticed
TOLERANCE = 1e-4  # relative to the largest output: runtimes sum in different orders
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
LARGEST_ONNX = 2**31 - 1  # bytes, the limit of a protobuf message
BATCH = "batch"
MESSAGE = 160  # characters shown of an exporter's message

Outputs = Sequence[Tensor]
Runtime = Callable[[Sequence[Tensor]], Outputs]


def torchscript(network: Network, inferred: Inferred) -> tuple[bytes, float]:
    """The traced network as a file for ``torch.jit.load``, and how far its outputs are from PyTorch's."""
    with _quiet(), _errors_of("TorchScript"):
        jit: Any = torch.jit  # has no types
        traced = jit.trace(_with_plain_names(network), tuple(examples(inferred, TRACED_BATCH)))
        written = io.BytesIO()
        jit.save(traced, written)
        written.seek(0)
        read = jit.load(written)
        return written.getvalue(), difference(network, inferred, lambda inputs: _as_sequence(read(*inputs)))


def check_onnx_is_installed() -> None:
    """Raises CnnError if a package is missing that is needed to write or to check ONNX."""
    missing = [package for package in ONNX_PACKAGES if find_spec(package) is None]
    if missing:
        raise CnnError(
            f"ONNX needs packages that are not installed: {', '.join(missing)}", f"pip install {' '.join(missing)}"
        )


def onnx(network: Network, inferred: Inferred, run: RunRecord | None) -> tuple[bytes, float]:
    """The network as an ONNX model of any batch size, and how far onnxruntime's outputs are from PyTorch's.

    The metadata has a run's classes and normalization. Raises CnnError for what ONNX cannot express.
    """
    graph = inferred.graph
    inputs = tuple(examples(inferred, TRACED_BATCH))
    with _quiet(), _errors_of("ONNX"):
        program = torch.onnx.export(
            _with_plain_names(network),
            inputs,
            dynamo=True,
            dynamic_shapes=(tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs),),
            input_names=[entry.name for entry in graph.inputs],
            output_names=list(graph.outputs),
            verbose=False,
        )
        model = program.model_proto  # type: ignore[union-attr]
        _describe(model, run)
        _name_batch(model)
        if model.ByteSize() > LARGEST_ONNX:
            raise CnnError("the network exceeds the 2 GiB of an ONNX file", "export it as pytorch or torchscript")
        content: bytes = model.SerializeToString()
        return content, difference(network, inferred, _onnxruntime(content))


def _onnxruntime(content: bytes) -> Runtime:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised as well
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(inputs: Sequence[Tensor]) -> Outputs:
        given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return [*map(torch.from_numpy, session.run(None, given))]

    return run


def _describe(model: Any, run: RunRecord | None) -> None:
    if run is not None:
        facts = {"classes": run.classes, "mean": run.normalisation.mean, "std": run.normalisation.std}
        if run.targets is not None:
            facts |= {"target_mean": run.targets.mean, "target_std": run.targets.std}
        for key, value in facts.items():
            model.metadata_props.add(key=key, value=json.dumps(value))


def _name_batch(model: Any) -> None:
    """Name the batch axis, which the exporter numbers: ``s21``."""
    graph = model.graph
    first = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if first and dim.dim_param == first:
                dim.dim_param = BATCH


# Comparison ---------------------------------------------------------------------------------------------------------


def examples(inferred: Inferred, batch: int) -> list[Tensor]:
    """Random inputs, the same on every call."""
    generator = torch.Generator().manual_seed(batch)
    return [torch.randn(batch, *entry.shape, generator=generator) for entry in inferred.graph.inputs]


@torch.no_grad()
def difference(network: torch.nn.Module, inferred: Inferred, runtime: Runtime) -> float:
    """The largest difference of the outputs, relative to the largest output. Raises CnnError if it is too large."""
    inputs = examples(inferred, COMPARED_BATCH)
    ours, theirs = _as_sequence(network(*inputs)), runtime(inputs)
    largest = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        mine, other = mine.nan_to_num(), other.nan_to_num()  # initial weights may overflow, in both alike
        apart = float((mine - other).abs().max() / mine.abs().max().clamp_min(1e-6))
        largest = max(largest, apart)
        if not apart <= TOLERANCE:
            raise CnnError(
                f"the exported network does not compute the same: outputs differ by {apart:.2g} of the largest", BUG
            )
    return largest


def _as_sequence(output: Tensor | tuple[Tensor, ...]) -> Outputs:
    return [output] if isinstance(output, Tensor) else output


def _with_plain_names(network: Network) -> Network:
    """The network, with other names for modules that PyTorch's exporters would mistake for methods."""
    if not any(is_hidden(part) and not part.isdigit() for step in network.steps for part in step.name.split(".")):
        return network
    renamed = copy.copy(network)
    renamed._modules = {}
    for step in network.steps:
        parts = [f"layer_{part}" if is_hidden(part) and not part.isdigit() else part for part in step.name.split(".")]
        register(renamed, ".".join(parts), step.module)
    return renamed


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' own warnings and log."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def _errors_of(format: str) -> Iterator[None]:
    """Raise any error of an exporter or a runtime as a CnnError of one line."""
    try:
        with torch.no_grad():
            yield
    except (CnnError, MemoryError):
        raise
    except Exception as error:  # they raise anything
        cause = error.__cause__ or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        reason = shortened(lines[0], MESSAGE)
        raise CnnError(f"the network cannot be written as {format}: {reason}", "export it as pytorch instead") from None
