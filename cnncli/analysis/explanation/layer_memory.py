"""The bytes of one layer's tensors in float32, each with its derivation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncli.analysis.explanation.steps import DerivationStep
from cnncli.analysis.explanation.symbols import traced_inputs, traced_output
from cnncli.analysis.saved_for_backward import Saved, saved_for_backward
from cnncli.analysis.torch_operations import is_view
from cnncli.arithmetic.shape import add_up, numel
from cnncli.arithmetic.tracing import named
from cnncli.inference import LayerInfo

WIDTH, INDEX, STATISTIC = 4, 8, 4  # bytes of a float32, of an index, of a statistic of a batch


def byte_counts(info: LayerInfo, batch: int | None) -> dict[str, Any]:
    """The bytes of the parameters, buffers, inputs and output, for one example or a batch; sizes may be symbolic."""
    examples = batch or 1
    return {
        "params": WIDTH * info.stats.params,
        "buffers": WIDTH * info.stats.buffers,
        "input": WIDTH * examples * add_up(map(numel, info.input_shapes)),
        "output": WIDTH * examples * numel(info.stats.output_shape),
    }


def memory_steps(info: LayerInfo, batch: int | None) -> Iterator[DerivationStep]:
    """The steps that derive the bytes of a layer whose sizes are numbers: parameters, buffers, inputs, output, and the
    tensors that it saves for the backward pass where all its inputs need a gradient. ``batch`` None is one example.
    """
    stats, inputs = info.stats, traced_inputs(info.input_shapes)
    output = numel(traced_output(stats.output_shape))
    per_value = WIDTH if batch is None else WIDTH * named("N", batch)
    yield DerivationStep.of("bytes of params", WIDTH * named("params", stats.params) if stats.params else 0)
    if stats.buffers:
        yield DerivationStep.of("bytes of buffers", WIDTH * named("buffers", stats.buffers))
    yield DerivationStep.of("bytes of input", per_value * add_up(map(numel, inputs)))
    remark = "the memory of the input: a view" if is_view(info.node.layer, info.input_shapes) else ""
    yield DerivationStep.of("bytes of output", per_value * output, remark)
    saved = saved_for_backward(info.node.layer, info.input_shapes, stats.output_shape, (True,) * len(inputs))
    yield _saved_step(saved, tuple(map(numel, inputs)), output, per_value, batch)


def _saved_step(
    saved: Saved, inputs: tuple[int, ...], output: int, per_value: int, batch: int | None
) -> DerivationStep:
    examples = 1 if batch is None else named("N", batch)
    inputs_saved = "the input" if len(inputs) == 1 else f"{len(saved.inputs)} inputs"
    parts = {
        inputs_saved: [per_value * inputs[at] for at in saved.inputs],
        "the output": [per_value * output] * saved.output,
        "values in between": [per_value * saved.values] * bool(saved.values),
        "indices of 8 bytes": [INDEX * examples * saved.indices] * bool(saved.indices),
        "statistics": [STATISTIC * saved.statistics] * bool(saved.statistics),
    }  # fmt: skip
    terms = [term for bytes_of_part in parts.values() for term in bytes_of_part]
    remark = ", ".join(what for what, bytes_of_part in parts.items() if bytes_of_part)
    return DerivationStep.of("bytes saved for backward", add_up(terms) if terms else 0, remark)
