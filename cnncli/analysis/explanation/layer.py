"""The explanation of a layer: its padding, output shape, weights, operations and receptive field."""

from __future__ import annotations

from collections.abc import Iterator

from cnncli.analysis.explanation.receptive_fields import receptive_field_steps
from cnncli.analysis.explanation.steps import DerivationStep, Explanation, symbols_of
from cnncli.analysis.explanation.symbols import traced_inputs, traced_layer, traced_output
from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.shape import add_up, format_shape, numel
from cnncli.arithmetic.tracing import PLAIN_NUMBERS, expression_of, named, written
from cnncli.arithmetic.window import Window, lost, remainder
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.base import Layer, Shapes


def explain(inferred: Inferred, name: str) -> Explanation:
    """Explain a layer of a network whose sizes are numbers."""
    info = inferred.layers[name]
    layer, stats = info.node.layer, info.stats
    steps = tuple(_steps(inferred, info))
    inputs = tuple(zip(info.node.inputs, info.input_shapes, strict=True))
    return Explanation(
        name, layer.kind, summary_of(layer), inputs, stats.output_shape, symbols_of(steps), steps, stats.notes
    )


def summary_of(layer: Layer) -> str:
    """The description of a layer type: the first sentence of its docstring."""
    description = " ".join((type(layer).__doc__ or "").split()).replace("``", "")
    return description.partition(". ")[0].rstrip(".")


def _steps(inferred: Inferred, info: LayerInfo) -> Iterator[DerivationStep]:
    layer, shapes = info.node.layer, info.input_shapes
    traced, inputs = traced_layer(layer, shapes), traced_inputs(shapes)
    output = traced_output(info.stats.output_shape)
    if layer.padding_name:
        yield from _named_padding_steps(layer, shapes)
    yield from _output_steps(info, traced, inputs)
    yield from _weight_steps(info, traced, inputs)
    yield DerivationStep.of("macs", traced.macs(inputs, output))
    yield DerivationStep.of("flops", traced.flops(inputs, output))
    yield DerivationStep.of("connections", traced.connection_count(inputs, output))
    yield DerivationStep.of("activations", numel(output))
    yield from receptive_field_steps(inferred, info, traced, inputs)


def _named_padding_steps(layer: Layer, shapes: Shapes) -> Iterator[DerivationStep]:
    """The total padding per axis that ``same``, ``full`` or ``valid`` means."""
    word, windows = layer.padding_name, layer.windows(shapes)
    alike = len({window.kernel for window in windows}) == 1
    for axis, window in zip(SPATIAL_AXES[len(windows)], windows, strict=True):
        kernel = named("k" if alike else f"k_{axis.letter.lower()}", window.kernel)
        reach = (kernel - 1) * (named("d", window.dilation) if window.dilation > 1 else 1)
        total = window.before + window.after
        remark = f"padding {word}: {window.before} before and {window.after} after"
        if word == "full":
            total = 2 * reach
        elif layer.has_same_padding and window.stride == 1 and not layer.transposed:
            total, remark = reach, f"{remark}, which keeps the size"
        yield DerivationStep.of(f"padding {axis.name}", total, remark)


def _output_steps(info: LayerInfo, layer: Layer, inputs: Shapes) -> Iterator[DerivationStep]:
    output = layer.output_shape(inputs)
    if len(output) == 1:
        yield DerivationStep.of("output values", output[0])
        return
    yield DerivationStep.of("output channels", output[0])
    windows = layer.windows(inputs) if not layer.transposed else ()
    for at, (axis, size) in enumerate(zip(SPATIAL_AXES[len(output) - 1], output[1:], strict=True)):
        remark = _dropped_text(inputs[0][1 + at], windows[at]) if windows else ""
        yield DerivationStep.of(f"output {axis.name}", size, remark)


def _dropped_text(size: int, window: Window) -> str:
    """``(7 + 2 * 0 - 3) % 3 = 1 dropped``, if these are not rows of the padding alone; else empty."""
    of_input = int(lost(size, window))
    if not of_input:
        return ""
    rest = remainder(size, window)
    of_padding = f", {rest - of_input} of them padding" if rest > of_input else ""
    return f"{written(expression_of(rest), PLAIN_NUMBERS)} = {int(rest)} dropped{of_padding}"


def _weight_steps(info: LayerInfo, layer: Layer, inputs: Shapes) -> Iterator[DerivationStep]:
    if info.node.shares:
        yield DerivationStep.of("params", 0, f"shares the weights of {info.node.shares}, which are counted there")
        return
    shapes = layer.weights(inputs)
    for name, shape in shapes.items():
        yield DerivationStep.of(f"params of {name}", numel(shape), f"shape {format_shape(tuple(map(int, shape)))}")
    remark = "" if shapes else "no weights"
    if layer.non_trainable:
        remark = f"not trainable: {', '.join(layer.non_trainable)}"
    yield DerivationStep.of("params", add_up(map(numel, shapes.values())), remark)
    buffers = layer.buffers(inputs)
    if buffers:
        remark = f"{' and '.join(buffers)}, not trainable"
        yield DerivationStep.of("buffers", add_up(map(numel, buffers.values())), remark)
