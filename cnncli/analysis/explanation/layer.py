"""The explanation of a layer: its padding, output shape, weights, operations and receptive field."""

from __future__ import annotations

from collections.abc import Iterator

from cnncli.analysis.explanation.initialization import initialization_steps
from cnncli.analysis.explanation.meanings import meanings
from cnncli.analysis.explanation.receptive_fields import receptive_field_steps
from cnncli.analysis.explanation.steps import DerivationStep, Explanation, symbols_of
from cnncli.analysis.explanation.symbols import traced_inputs, traced_layer, traced_output
from cnncli.arithmetic.axes import SPATIAL_AXES, Axis
from cnncli.arithmetic.shape import Shape, add_up, exact_quotient, format_shape, numel
from cnncli.arithmetic.tracing import PLAIN_NUMBERS, expression_of, maximum, named, written
from cnncli.arithmetic.window import Window, covered, lost, remainder, split_padding
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.base import Layer, Shapes


def explain(inferred: Inferred, name: str) -> Explanation:
    """Explain a layer of a network whose sizes are numbers."""
    info = inferred.layers[name]
    layer, stats = info.node.layer, info.stats
    steps = tuple(_steps(inferred, info))
    inputs = tuple(zip(info.node.inputs, info.input_shapes, strict=True))
    explained = meanings(symbols_of(steps), layer)
    what = summary_of(type(layer))
    return Explanation(name, layer.kind, what, inputs, stats.output_shape, explained, steps, stats.notes)


def summary_of(layer: type[Layer]) -> str:
    """The description of a layer type: the first sentence of its docstring."""
    description = " ".join((layer.__doc__ or "").split()).replace("``", "")
    return description.partition(". ")[0].rstrip(".")


def _steps(inferred: Inferred, info: LayerInfo) -> Iterator[DerivationStep]:
    layer, shapes = info.node.layer, info.input_shapes
    traced, inputs = traced_layer(layer, shapes), traced_inputs(shapes)
    output = traced_output(info.stats.output_shape)
    padding = [*_named_padding_steps(info, traced, inputs, output)] if layer.padding_name else []
    outputs = [*_output_steps(info, traced, inputs)]
    yield from (*outputs, *padding) if _derives_from_output(info) else (*padding, *outputs)
    yield from _weight_steps(info, traced, inputs)
    yield DerivationStep.of("macs", traced.macs(inputs, output))
    yield DerivationStep.of("flops", traced.flops(inputs, output))
    yield DerivationStep.of("connections", traced.connection_count(inputs, output))
    yield DerivationStep.of("activations", numel(output))
    yield from receptive_field_steps(inferred, info, traced, inputs)
    yield from initialization_steps(info, traced, inputs)


def _derives_from_output(info: LayerInfo) -> bool:
    """Whether an axis has padding ``same`` and a stride: its output size comes first, and its padding follows."""
    layer = info.node.layer
    strides = any(window.stride > 1 for window in info.stats.windows)
    return layer.has_same_padding and not layer.transposed and strides


def _named_padding_steps(info: LayerInfo, layer: Layer, inputs: Shapes, output: Shape) -> Iterator[DerivationStep]:
    """The total padding of each axis that ``same``, ``full`` or ``valid`` means, and how it is divided."""
    word, windows = info.node.layer.padding_name, info.stats.windows
    totals = [window.before + window.after for window in windows]
    axes = SPATIAL_AXES[len(windows)]
    for at, (axis, window, total) in enumerate(zip(axes, layer.windows(inputs), totals, strict=True)):
        derived, remark = _total_padding(info.node.layer, window, inputs[0][1 + at], output[1 + at], total)
        divided = bool(total) and (window.stride > 1 or window.before != window.after)
        sides = f"{int(window.before)} before and {int(window.after)} after"
        yield DerivationStep.of(f"padding {axis.name}", derived, f"padding {word}: {sides}{remark}")
        if divided:
            symbol = "P" if len({*totals}) == 1 else f"P_{axis.letter.lower()}"
            yield from _padding_sides(named(symbol, total), word, axis)


def _total_padding(layer: Layer, window: Window, size: int, output: int, total: int) -> tuple[int, str]:
    """The total padding of an axis with its formula, and what it achieves; ``size`` and ``output`` have symbols."""
    word, reach = layer.padding_name, window.effective_kernel - 1
    if word == "full":
        return 2 * reach, ""
    if not layer.has_same_padding:
        return total, ""
    if layer.transposed:
        return window.effective_kernel - window.stride, ""
    if window.stride == 1:
        return reach, ", which keeps the size"
    return maximum(covered(output, window) - size, 0), ""


def _padding_sides(total: int, word: str, axis: Axis) -> Iterator[DerivationStep]:
    """How the padding of an axis is divided: equally, or with the odd row after (``same_lower``: before)."""
    amounts = (exact_quotient(total, 2),) * 2 if total % 2 == 0 else split_padding(total)
    for end, amount in zip(axis.ends, amounts if word != "same_lower" else amounts[::-1], strict=True):
        yield DerivationStep.of(f"padding {end}", amount)


def _output_steps(info: LayerInfo, layer: Layer, inputs: Shapes) -> Iterator[DerivationStep]:
    output = layer.output_shape(inputs)
    if len(output) == 1:
        yield DerivationStep.of("output values", output[0])
        return
    yield DerivationStep.of("output channels", output[0])
    windows = layer.windows(inputs) if not layer.transposed else ()
    by_stride = output
    if _derives_from_output(info):
        by_stride = layer.replace(padding=info.node.layer.padding_name).output_shape(inputs)
    for at, axis in enumerate(SPATIAL_AXES[len(output) - 1]):
        strides = bool(windows) and windows[at].stride > 1
        remark = _dropped_text(inputs[0][1 + at], windows[at]) if windows else ""
        yield DerivationStep.of(f"output {axis.name}", (by_stride if strides else output)[1 + at], remark)


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
