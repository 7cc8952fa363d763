"""Networks as files of other runtimes, whole: ONNX and TorchScript. Each is run once, and compared with torch."""

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
from cnncli.executor.network.network import Network, register
from cnncli.inference import Inferred
from cnncli.runs.folder import RunRecord

TRACED_BATCH, COMPARED_BATCH = 2, 3  # another batch than the traced one: a size that was frozen shows
TOLERANCE = 1e-4  # of the largest output: other runtimes add in another order
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
LARGEST_ONNX = 2**31 - 1  # bytes that one protobuf message can have
BATCH = "batch"
MESSAGE = 160  # letters shown of what an exporter says

Outputs = Sequence[Tensor]
Runtime = Callable[[Sequence[Tensor]], Outputs]


def torchscript(network: Network, inferred: Inferred) -> tuple[bytes, float]:
    """The traced network as a file for ``torch.jit.load``, and how far its outputs are from torch's."""
    with _quiet(), _named("TorchScript"):
        jit: Any = torch.jit  # has no types
        traced = jit.trace(_plainly_named(network), tuple(examples(inferred, TRACED_BATCH)))
        written = io.BytesIO()
        jit.save(traced, written)
        written.seek(0)
        read = jit.load(written)
        return written.getvalue(), difference(network, inferred, lambda inputs: _several(read(*inputs)))


def check_onnx_is_here() -> None:
    """Raises CnnError where a package is missing that writing or checking ONNX takes."""
    missing = [package for package in ONNX_PACKAGES if find_spec(package) is None]
    if missing:
        raise CnnError(
            f"ONNX takes packages that are not installed: {', '.join(missing)}", f"pip install {' '.join(missing)}"
        )


def onnx(network: Network, inferred: Inferred, run: RunRecord | None) -> tuple[bytes, float]:
    """The network as an ONNX model with a free batch, and how far onnxruntime's outputs are from torch's.

    A run's classes and normalisation stand in its metadata. Raises CnnError for what ONNX cannot say.
    """
    graph = inferred.graph
    inputs = tuple(examples(inferred, TRACED_BATCH))
    with _quiet(), _named("ONNX"):
        program = torch.onnx.export(
            _plainly_named(network),
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
            raise CnnError(
                "the network is larger than the 2 GiB of an ONNX file", "export it as pytorch or torchscript"
            )
        content: bytes = model.SerializeToString()
        return content, difference(network, inferred, _onnxruntime(content))


def _onnxruntime(content: bytes) -> Runtime:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised as well
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
    """Call the batch so, where the exporter numbers it: ``s21``."""
    graph = model.graph
    first = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if first and dim.dim_param == first:
                dim.dim_param = BATCH


# Both -------------------------------------------------------------------------------------------------------------


def examples(inferred: Inferred, batch: int) -> list[Tensor]:
    """Inputs to run the network on, always the same."""
    generator = torch.Generator().manual_seed(batch)
    return [torch.randn(batch, *entry.shape, generator=generator) for entry in inferred.graph.inputs]


@torch.no_grad()
def difference(network: torch.nn.Module, inferred: Inferred, runtime: Runtime) -> float:
    """The largest difference between the outputs, as a share of the largest output. Raises CnnError for a wrong one."""
    inputs = examples(inferred, COMPARED_BATCH)
    ours, theirs = _several(network(*inputs)), runtime(inputs)
    largest = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        mine, other = mine.nan_to_num(), other.nan_to_num()  # initial weights may overflow: alike in both
        apart = float((mine - other).abs().max() / mine.abs().max().clamp_min(1e-6))
        largest = max(largest, apart)
        if not apart <= TOLERANCE:
            raise CnnError(
                f"what was written does not compute the same: its outputs differ by {apart:.2g} of the largest",
                "this is a bug in cnn; please report it with the architecture",
            )
    return largest


def _several(output: Tensor | tuple[Tensor, ...]) -> Outputs:
    return [output] if isinstance(output, Tensor) else output


def _plainly_named(network: Network) -> Network:
    """The network, its modules renamed where torch's own exporters would take their names for methods."""
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
    """Without the exporters' remarks to themselves."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def _named(form: str) -> Iterator[None]:
    """What the exporters and the runtimes refuse, in one line."""
    try:
        with torch.no_grad():
            yield
    except (CnnError, MemoryError):
        raise
    except Exception as error:  # they raise anything
        cause = error.__cause__ or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        reason = shortened(lines[0], MESSAGE)
        raise CnnError(f"the network cannot be written as {form}: {reason}", "export it as pytorch instead") from None
