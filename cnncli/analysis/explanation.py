"""How each figure of a layer comes about: the formula, the formula with its numbers, the result.

A layer's own methods are called with sizes and fields that remember where they come from
(:mod:`cnncli.arithmetic.tracing`), so a formula here is the very computation that gave the figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.receptive_field import ITSELF, PERIOD_LIMIT, AxisField, outermost
from cnncli.arithmetic.shape import Shape, add_up, format_shape, numel
from cnncli.arithmetic.tracing import (
    PLAIN_FORMULA,
    PLAIN_NUMBERS,
    Expression,
    Name,
    Quotient,
    Traced,
    expression_of,
    named,
    written,
)
from cnncli.arithmetic.window import Window, remainder
from cnncli.inference import Inferred, LayerInfo, ReceptiveField
from cnncli.layers.base import Layer, Shapes

if TYPE_CHECKING:
    from fractions import Fraction

# The lectures' symbols; a field that is not here goes by its own name.
SYMBOLS = {
    "filters": "C_out",
    "kernel": "k",
    "stride": "s",
    "dilation": "d",
    "padding": "p",
    "margins": "m",
    "groups": "g",
    "units": "n_out",
    "multiplier": "m",
    "factor": "r",
    "size": "n",
    "output_padding": "p_out",
}
QUIET = {"dilation": 1, "groups": 1, "multiplier": 1, "output_padding": 0}  # not spoken of where they do nothing
AXES = {rank: tuple(axis.letter for axis in axes) for rank, axes in SPATIAL_AXES.items()}
WORDS = {axis.letter: axis.name for axes in SPATIAL_AXES.values() for axis in axes}


class DerivationStep(NamedTuple):
    """One figure: ``expression`` gives ``value``, a fraction where a field moves by less than a whole input from unit
    to unit; ``remark`` says in words what the formula does not."""

    figure: str
    expression: Expression
    value: int | Fraction
    remark: str = ""

    @property
    def formula(self) -> str:
        """The formula: ``C_out * C_in * k * k + C_out``."""
        return written(self.expression, PLAIN_FORMULA)

    @property
    def numbers(self) -> str:
        """The formula with its numbers: ``6 * 1 * 5 * 5 + 6``."""
        return written(self.expression, PLAIN_NUMBERS)


class Explanation(NamedTuple):
    """All of a layer: what it does, the symbols used, a step per figure, and what else is to be said."""

    name: str
    kind: str
    what: str
    inputs: tuple[tuple[str, Shape], ...]
    output: Shape
    symbols: Mapping[str, int]
    steps: tuple[DerivationStep, ...]
    notes: tuple[str, ...]


def explain(inferred: Inferred, name: str) -> Explanation:
    """Explain a layer of a network whose sizes are numbers."""
    facts = inferred.facts[name]
    steps = tuple(_steps(inferred, facts))
    return Explanation(
        name,
        facts.node.layer.kind,
        summary_of(facts.node.layer),
        tuple(zip(facts.node.inputs, facts.input_shapes, strict=True)),
        facts.figures.output_shape,
        dict(sorted((symbol for step in steps for symbol in _symbols(step.expression)), key=_lecture_order)),
        steps,
        facts.figures.notes,
    )


def summary_of(layer: Layer) -> str:
    """What a kind computes: the first sentence of its description."""
    description = " ".join((type(layer).__doc__ or "").split()).replace("``", "")
    return description.partition(". ")[0].rstrip(".")


def _lecture_order(symbol: tuple[str, int]) -> tuple[int, str]:
    order = ["n_in", "C_in", "D", "H", "W", "L", "n_out", "C_out", "D_out", "H_out", "W_out", "L_out", "k", "s", "p"]
    return (order.index(symbol[0]) if symbol[0] in order else len(order), symbol[0])


def _symbols(expression: Expression) -> Iterator[tuple[str, int]]:
    if isinstance(expression, Name):
        yield expression.symbol, expression.value
    elif isinstance(expression, tuple):
        for part in expression:
            if isinstance(part, tuple):
                yield from _symbols(part)  # type: ignore[arg-type]


# Sizes and fields with their symbols ------------------------------------------------------------------------------


def traced_inputs(shapes: Shapes) -> Shapes:
    """The shapes with symbols: C_in, H, W; n_in for a vector; C_1, C_2 … for several inputs."""
    if len(shapes) == 1:
        return (_traced_shape(shapes[0], "_in", ""),)
    return tuple(_traced_shape(shape, f"_{number}", f"_{number}") for number, shape in enumerate(shapes, 1))


def traced_output(shape: Shape) -> Shape:
    """The output's shape with symbols: C_out, H_out, W_out; n_out for a vector."""
    return _traced_shape(shape, "_out", "_out")


def _traced_shape(shape: Shape, of_channels: str, of_axes: str) -> Shape:
    if len(shape) == 1:
        return (named(f"n{of_channels}", shape[0]),)
    axes = (named(f"{axis}{of_axes}", size) for axis, size in zip(AXES[len(shape) - 1], shape[1:], strict=True))
    return (named(f"C{of_channels}", shape[0]), *axes)


def traced_layer(layer: Layer, inputs: Shapes) -> Layer:
    """The layer with symbols in place of the numbers of its fields."""
    rank = len(inputs[0]) - 1
    fields = {name: _traced_field(name, value, rank) for name, value in layer.field_values.items()}
    border = next((name for name in ("padding", "margins") if name in fields), "")
    if border:
        fields[border] = _traced_border(SYMBOLS[border], layer.border(inputs), rank)
    return layer.replace(**fields)


def _traced_field(name: str, value: Any, rank: int) -> Any:
    symbol = SYMBOLS.get(name, name)
    if isinstance(value, int) and not isinstance(value, bool) and QUIET.get(name) != value:
        return named(symbol, value)
    per_axis = isinstance(value, tuple) and len(value) == rank and all(isinstance(item, int) for item in value)
    if per_axis and name in ("kernel", "stride", "dilation", "output_padding", "output", "size"):
        if len({*value}) == 1:
            return tuple(named(symbol, item) for item in value)
        return tuple(named(f"{symbol}_{axis.lower()}", item) for axis, item in zip(AXES[rank], value, strict=True))
    return value


def traced_window(window: Window) -> Window:
    """A window with its symbols; both sides of an even padding are one."""
    even = window.before == window.after
    before = named("p" if even else "p_before", window.before)
    after = before if even else named("p_after", window.after)
    dilation = window.dilation if window.dilation == 1 else named("d", window.dilation)
    return Window(named("k", window.kernel), named("s", window.stride), before, after, dilation, window.ceil)


def _traced_border(symbol: str, border: tuple[tuple[int, int], ...], rank: int) -> tuple[tuple[int, int], ...]:
    """One symbol where all sides have the same padding, else one for each axis or side."""
    if len({amount for pair in border for amount in pair}) == 1:
        return ((named(symbol, border[0][0]), named(symbol, border[0][1])),) * rank
    if all(before == after for before, after in border):
        names = [f"{symbol}_{axis.lower()}" for axis in AXES[rank]]
        return tuple((named(name, pair[0]), named(name, pair[1])) for name, pair in zip(names, border, strict=True))
    return tuple(
        (named(f"{symbol}_{axis.ends[0]}", before), named(f"{symbol}_{axis.ends[1]}", after))
        for axis, (before, after) in zip(SPATIAL_AXES[rank], border, strict=True)
    )


# Steps ------------------------------------------------------------------------------------------------------------


def _steps(inferred: Inferred, facts: LayerInfo) -> Iterator[DerivationStep]:
    layer, shapes, figures = facts.node.layer, facts.input_shapes, facts.figures
    traced, inputs, output = traced_layer(layer, shapes), traced_inputs(shapes), traced_output(figures.output_shape)
    if layer.padding_name:
        yield from _word_padding(layer, shapes)
    yield from _output_steps(traced, inputs, figures.output_shape, figures.dropped)
    yield from _weight_steps(facts, traced, inputs)
    for figure, value in (
        ("macs", traced.macs(inputs, output)),
        ("flops", traced.flops(inputs, output)),
        ("connections", traced.connection_count(inputs, output)),
        ("activations", numel(output)),
    ):
        yield DerivationStep(figure, expression_of(value), int(value))
    yield from _field_steps(inferred, facts, traced, inputs)


def _word_padding(layer: Layer, shapes: Shapes) -> Iterator[DerivationStep]:
    word, windows = layer.padding_name, layer.windows(shapes)
    alike = len({window.kernel for window in windows}) == 1
    for axis, window in zip(AXES[len(windows)], windows, strict=True):
        kernel = named("k" if alike else f"k_{axis.lower()}", window.kernel)
        span = (kernel - 1) * (window.dilation if window.dilation > 1 else 1)
        total = window.before + window.after
        remark = f"padding {word}: {window.before} before and {window.after} after"
        if word == "full":
            yield DerivationStep(f"padding {WORDS[axis]}", expression_of(2 * span), total, remark)
        elif word in ("same", "same_lower") and window.stride == 1 and not layer.transposed:
            yield DerivationStep(f"padding {WORDS[axis]}", expression_of(span), total, remark + ", so the size stays")
        else:
            yield DerivationStep(f"padding {WORDS[axis]}", total, total, remark)


def _output_steps(layer: Layer, inputs: Shapes, shape: Shape, dropped: tuple[int, ...]) -> Iterator[DerivationStep]:
    output = layer.output_shape(inputs)
    windows = layer.windows(inputs) if not layer.transposed else ()
    names = ("values",) if len(shape) == 1 else ("channels", *(WORDS[axis] for axis in AXES[len(shape) - 1]))
    for at, (what, size) in enumerate(zip(names, output, strict=True)):
        remark = ""
        if windows and at and dropped[at - 1]:
            remark = f"{left_over_text(inputs[0][at], windows[at - 1])} left over: dropped"
        yield DerivationStep(f"output {what}", expression_of(size), int(size), remark)


def left_over_text(size: int, window: Window) -> str:
    """``(7 + 2 * 0 - 3) % 3 = 1``: what the last whole step leaves."""
    rest = remainder(size, window)
    return f"{written(expression_of(rest), PLAIN_NUMBERS)} = {int(rest)}"


def _weight_steps(facts: LayerInfo, layer: Layer, inputs: Shapes) -> Iterator[DerivationStep]:
    if facts.node.shares:
        yield DerivationStep("params", 0, 0, f"it uses the weights of {facts.node.shares}, which count there")
        return
    shapes = layer.weights(inputs)
    for name, shape in shapes.items():
        plain = format_shape(tuple(map(int, shape)))
        yield DerivationStep(f"params of {name}", expression_of(numel(shape)), int(numel(shape)), f"shape {plain}")
    total = add_up(map(numel, shapes.values()))
    remark = "" if shapes else "it has no weights"
    if layer.non_trainable:
        remark = f"not trained: {', '.join(layer.non_trainable)}"
    yield DerivationStep("params", expression_of(total), int(total), remark)
    buffers = layer.buffers(inputs)
    if buffers:
        held = sum(map(numel, buffers.values()))
        yield DerivationStep("buffers", expression_of(held), int(held), f"{' and '.join(buffers)}: kept, not trained")


def _field_steps(inferred: Inferred, facts: LayerInfo, layer: Layer, inputs: Shapes) -> Iterator[DerivationStep]:
    """The receptive field on each network input: derived from the field of the layer's only input, else in words."""
    extents = {entry.name: entry.shape for entry in inferred.graph.inputs}
    for source, field in facts.receptive_field.items():
        of_source = f" on {source}" if len(extents) > 1 else ""
        below = _below(inferred, facts, source)
        alike = len({seen.axes for seen in facts.receptive_field.values()}) == 1
        index = "" if alike else f"_{re.sub(r'[^0-9A-Za-z]', '', source)}"
        for at, (axis, own) in enumerate(zip(AXES[len(field.axes)], field.axes, strict=True)):
            where = f"{of_source} {WORDS[axis]}"
            steps = _derived(facts, layer, inputs, below, at, own, index) if below is not None else ()
            for step in steps:
                yield step._replace(figure=f"{step.figure}{where}")
            if not steps:
                yield _seen_in_words(facts, field.aligned, own, where, extents[source][1 + at])


def _below(inferred: Inferred, facts: LayerInfo, source: str) -> ReceptiveField | None:
    """The field of the layer's only input; None for a layer that joins paths."""
    if len(facts.node.inputs) != 1:
        return None
    above = facts.node.inputs[0]
    if above == source:
        return ReceptiveField((ITSELF,) * len(facts.receptive_field[source].axes))
    return inferred.facts[above].receptive_field[source]


class _TracedField(AxisField):
    """A field whose numbers carry their symbols, so that :meth:`low` and :meth:`high` leave their formulas."""

    symbol = "P_in"

    @property
    def period(self) -> int:
        return named(self.symbol, len(self.first)) if len(self.first) > 1 else 1


def _with_symbols(field: AxisField, of_axis: str) -> _TracedField:
    """``first_0`` and ``last_0`` are what unit 0 sees first and last; ``A_in`` is how far the pattern moves."""
    first, last = (
        tuple(named(f"{end}_{unit}{of_axis}", value) for unit, value in enumerate(values))
        for end, values in (("first", field.first), ("last", field.last))
    )
    traced = _TracedField(first, last, named(f"A_in{of_axis}", field.advance))
    traced.symbol = f"P_in{of_axis}"
    return traced


class _Figures(NamedTuple):
    """The size and the offset of a field, and what has to be said of the size."""

    size: int
    offset: int
    remark: str = ""


def _derived(
    facts: LayerInfo, layer: Layer, inputs: Shapes, below: ReceptiveField, at: int, own: AxisField, index: str
) -> tuple[DerivationStep, ...]:
    """Size, stride and offset on axis ``at`` of a network input, from what the layer reads of its input and what the
    units there see; ``index`` sets the symbols of one network input apart. Nothing where the layer passes its input on,
    or where all units see the same.
    """
    reach = facts.figures.local_receptive_field
    if not reach or len(reach[0]) != len(below.axes):
        return ()
    along = at if below.order is None else below.order[at]
    reads, under = reach[0][along], below.axes[at]
    windows = layer.windows(inputs)
    if reads.advance == 0 or (reads == ITSELF and not windows) or own.sees_nothing:
        return ()
    axis = f"_{AXES[len(below.axes)][at].lower()}"
    of_axis = f"{'' if len({*below.axes}) == 1 else axis}{index}"  # of the symbols for the field below
    of_read = f"{'' if len({*below.axes}) == 1 == len({*reach[0]}) else axis}{index}"  # for what the layer reads of it
    sliding = windows[along] if windows and not layer.transposed else None
    if windows or len(reads.first) == 1:
        reads = layer.local_receptive_field(inputs, traced_output(facts.figures.output_shape))[0][along]
    moved: int
    repeats: int
    if len(under.first) > 1:
        figures = _through_pattern(facts, reads, under, own, (of_axis, of_read))
        moved, repeats = named(f"A_in{of_axis}", under.advance), named(f"P_in{of_axis}", len(under.first))
    else:
        figures = _through_window(facts, reads, sliding, under, own, (of_axis, of_read))
        moved, repeats = named(f"j_in{of_axis}", under.advance), 1
    if sliding is not None:
        moved = moved * sliding.stride
    elif windows:
        repeats = repeats * windows[along].stride
    elif len(reads.first) > 1 or reads.advance > 1:
        moved, repeats = moved * inputs[0][1 + along], repeats * traced_output(facts.figures.output_shape)[1 + along]
    stride = own.stride
    found = (int(figures.size), int(figures.offset), int(moved) * stride.denominator)
    if found != (own.size, own.offset, int(repeats) * stride.numerator):
        if PERIOD_LIMIT in (len(own.first), len(under.first), len(reads.first)):
            return ()  # the pattern is longer than is followed: its stride is an average
        raise AssertionError(f"the formulas of {facts.node.name} give {found}, and its receptive field is {own}")
    by_one = repeats == 1 and not isinstance(repeats, Traced)
    ratio = expression_of(moved) if by_one else Quotient(expression_of(moved), expression_of(repeats))
    return (
        DerivationStep("receptive field size", expression_of(figures.size), int(figures.size), figures.remark),
        DerivationStep("receptive field stride", ratio, stride.numerator if stride.denominator == 1 else stride),
        DerivationStep("receptive field offset", expression_of(figures.offset), int(figures.offset)),
    )


def _through_window(
    facts: LayerInfo,
    reads: AxisField,
    sliding: Window | None,
    under: AxisField,
    own: AxisField,
    suffixes: tuple[str, str],
) -> _Figures:
    """Over units that are all alike: r = r_in + (span - 1) j_in, start = start_in - p j_in. Araujo et al. 2019."""
    of_axis, of_read = suffixes
    size, jump, start = (
        named(f"{symbol}_in{of_axis}", value)
        for symbol, value in (("r", under.size), ("j", under.advance), ("start", under.offset))
    )
    if sliding is not None:
        return _Figures(size + (sliding.effective_kernel - 1) * jump, start - sliding.before * jump)
    unit, most = _widest(own)
    first, last = reads.low(unit), reads.high(unit)
    foremost = reads.low(own.seeing[0])
    offset = start + _symbol("q_0", of_read, foremost) * jump if foremost else start
    if last == first:
        return _Figures(size, offset, _reading_one(own, facts.node.inputs[0]))
    first, last = _symbol("q_first", of_read, first), _symbol("q_last", of_read, last)
    remark = f"output {unit}{most} reads {_range(first, last)} of {facts.node.inputs[0]}{_others_see_nothing(own)}"
    return _Figures(size + (last - first) * jump, offset, remark)


def _through_pattern(
    facts: LayerInfo, reads: AxisField, under: AxisField, own: AxisField, suffixes: tuple[str, str]
) -> _Figures:
    """Over units whose fields repeat a pattern, as below an upsampling: from the first to the last that is seen."""
    of_axis, of_read = suffixes
    seen = _with_symbols(under, of_axis)
    unit, most = _widest(own)
    first, last = _ends(reads, under, unit)
    size = seen.high(_symbol("q_last", of_read, last)) - seen.low(_symbol("q_first", of_read, first)) + 1
    offset = seen.low(_symbol("q_0", of_read, _ends(reads, under, own.seeing[0])[0]))
    read, same = _range(reads.low(unit), reads.high(unit)), (first, last) == (reads.low(unit), reads.high(unit))
    which = "" if same else f" (its receptive field begins with that of {int(first)} and ends with that of {int(last)})"
    remark = (
        f"output {unit}{most} reads {read} of {facts.node.inputs[0]}{which}; their receptive fields repeat "
        f"every {len(under.first)} positions, shifted by {under.advance}{_others_see_nothing(own)}"
    )
    return _Figures(size, offset, remark)


def _range(first: int, last: int) -> str:
    return f"input {int(first)}" if first == last else f"inputs {int(first)} to {int(last)}"


def _others_see_nothing(own: AxisField) -> str:
    """What has to be said of the outputs that depend on no input, if there are any."""
    count = len(own.empty)
    if not count:
        return ""
    return f"; {count} of every {own.period} outputs {'depends' if count == 1 else 'depend'} on no input"


def _reading_one(own: AxisField, above: str) -> str:
    """That outputs read one value of the layer above; those between the taps of a transposed convolution read none."""
    count = len(own.seeing)
    if not own.empty:
        return f"each output reads one input of {above}"
    reads = "reads" if count == 1 else "read"
    return f"{count} of every {own.period} outputs {reads} one input of {above}, the others none"


def _ends(reads: AxisField, under: AxisField, unit: int) -> tuple[int, int]:
    """Of the units that a unit reads, the one that sees the first input and the one that sees the last."""
    first, last = reads.low(unit), reads.high(unit)
    ends = outermost(under)(range(int(first), int(last) + 1, int(reads.step)))
    if ends is None:
        return first, last
    return _keeping(first, ends[0]), _keeping(last, ends[1])


def _keeping(number: int, other: int) -> int:
    """The number with its formula where the other one is the same, else that."""
    return number if number == other else other


def _symbol(symbol: str, of_axis: str, number: int) -> int:
    """A number under a symbol, unless it carries a formula already, or is 0."""
    return number if isinstance(number, Traced) or number == 0 else named(f"{symbol}{of_axis}", number)


def _widest(own: AxisField) -> tuple[int, str]:
    """The first unit with the largest field, and what to say of it."""
    sizes = {unit: own.last[unit] - own.first[unit] for unit in own.seeing}
    unit = max(sizes, key=lambda unit: sizes[unit])
    return unit, " (the widest)" if len({*sizes.values()}) > 1 else ""


def _seen_in_words(facts: LayerInfo, aligned: bool, own: AxisField, where: str, extent: int) -> DerivationStep:
    kind = facts.node.layer.kind
    if own.sees_nothing:
        remark = "no output depends on the input: each reads only between the taps of a transposed convolution"
    elif own.advance == 0 and own.size >= extent:
        remark = "every unit sees all of the input"
    elif own.advance == 0:
        remark = "every unit sees the same"
    elif len(facts.node.inputs) > 1:
        remark = "it covers the fields of all paths" + ("" if aligned else ", whose centres or strides differ")
    elif facts.figures.local_receptive_field and any(
        field != ITSELF for field in facts.figures.local_receptive_field[0]
    ):
        remark = f"the pattern of what its units see is longer than {PERIOD_LIMIT:,}: its stride is an average"
    elif own.stride.denominator != 1:
        remark = f"{kind} passes on what its input sees, which moves by {own.stride} from unit to unit"
    else:
        remark = f"{kind} passes on what its input sees"
    return DerivationStep(f"receptive field size{where}", own.size, own.size, remark)


def totals(inferred: Inferred) -> tuple[DerivationStep, ...]:
    """The sums over all layers, of those that have any."""
    steps = []
    for figure, total in inferred.totals.items():
        parts = [getattr(facts.figures, figure, 0) for facts in inferred.facts.values()]
        terms = [part for part in parts if part]
        if figure in ("params", "macs", "flops", "connections") and terms:
            summed = add_up(Traced(part, Name(str(part), part)) for part in terms)
            steps.append(DerivationStep(figure, expression_of(summed), total))
    return tuple(steps)
