"""The bytes of one layer's tensors, each with its derivation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncli.analysis.explanation.steps import DerivationStep
from cnncli.analysis.explanation.symbols import traced_inputs, traced_output
from cnncli.analysis.memory import BYTES, INDEX, STATISTIC
from cnncli.analysis.saved_for_backward import Saved, saved_for_backward
from cnncli.analysis.torch_operations import is_view
from cnncli.arithmetic.shape import add_up, numel
from cnncli.arithmetic.tracing import named
from cnncli.inference import LayerInfo


class Storage(NamedTuple):
    """How tensors are stored: the batch size, None for one example, and the precision of all values."""

    batch: int | None = None
    dtype: str = "fp32"

    @property
    def width(self) -> int:
        """Bytes of a value."""
        return BYTES[self.dtype]

    @property
    def examples(self) -> int:
        """The batch size as a factor of derivations: a symbol if it was given."""
        return 1 if self.batch is None else named("N", self.batch)

    def __str__(self) -> str:
        return f"{self.dtype} and {f'a batch of {self.batch}' if self.batch else 'one example'}"


def byte_counts(info: LayerInfo, storage: Storage) -> dict[str, Any]:
    """The bytes of the parameters, buffers, inputs and output, for one example or a batch; sizes may be symbolic."""
    width, examples = storage.width, storage.batch or 1
    return {
        "params": width * info.stats.params,
        "buffers": width * info.stats.buffers,
        "input": width * examples * add_up(map(numel, info.input_shapes)),
        "output": width * examples * numel(info.stats.output_shape),
    }


def memory_steps(info: LayerInfo, storage: Storage) -> Iterator[DerivationStep]:
    """The steps that derive the bytes of a layer whose sizes are numbers: parameters, buffers, inputs, output, and the
    tensors that it saves for the backward pass where all its inputs need a gradient.
    """
    stats, inputs = info.stats, traced_inputs(info.input_shapes)
    output = numel(traced_output(stats.output_shape))
    width, per_value = storage.width, storage.width * storage.examples
    yield DerivationStep.of("bytes of params", width * named("params", stats.params) if stats.params else 0)
    if stats.buffers:
        yield DerivationStep.of("bytes of buffers", width * named("buffers", stats.buffers))
    yield DerivationStep.of("bytes of input", per_value * add_up(map(numel, inputs)))
    remark = "the memory of the input: a view" if is_view(info.node.layer, info.input_shapes) else ""
    yield DerivationStep.of("bytes of output", per_value * output, remark)
    saved = saved_for_backward(info.node.layer, info.input_shapes, stats.output_shape, (True,) * len(inputs))
    yield _saved_step(saved, tuple(map(numel, inputs)), output, per_value, storage)


def _saved_step(saved: Saved, inputs: tuple[int, ...], output: int, per_value: int, storage: Storage) -> DerivationStep:
    inputs_saved = "the input" if len(inputs) == 1 else f"{len(saved.inputs)} inputs"
    parts = {
        inputs_saved: [per_value * inputs[at] for at in saved.inputs],
        "the output": [per_value * output] * saved.output,
        "values in between": [per_value * saved.values] * bool(saved.values),
        "indices of 8 bytes": [INDEX * storage.examples * saved.indices] * bool(saved.indices),
        "statistics": [STATISTIC * saved.statistics] * bool(saved.statistics),
    }  # fmt: skip
    terms = [term for bytes_of_part in parts.values() for term in bytes_of_part]
    remark = ", ".join(what for what, bytes_of_part in parts.items() if bytes_of_part)
    return DerivationStep.of("bytes saved for backward", add_up(terms) if terms else 0, remark)
