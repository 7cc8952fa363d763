"""How a layer's receptive field on each network input is derived from the receptive field of the layer's input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnncli.analysis.explanation.steps import DerivationStep
from cnncli.analysis.explanation.symbols import traced_output
from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.axis_field import ITSELF, PERIOD_LIMIT, AxisField, outermost
from cnncli.arithmetic.tracing import Quotient, Traced, expression_of, named
from cnncli.arithmetic.window import Window
from cnncli.inference import Inferred, LayerInfo, ReceptiveField
from cnncli.layers.base import Layer, Shapes


def receptive_field_steps(
    inferred: Inferred, info: LayerInfo, layer: Layer, inputs: Shapes
) -> Iterator[DerivationStep]:
    """Size, stride and offset on each axis of each network input, or the size with its reason in words.

    ``layer`` and ``inputs`` are those of ``info`` with symbols (:mod:`cnncli.analysis.explanation.symbols`).
    """
    extents = {entry.name: entry.shape for entry in inferred.graph.inputs}
    alike = len({field.axes for field in info.receptive_field.values()}) == 1
    for source, field in info.receptive_field.items():
        of_source = f" on {source}" if len(extents) > 1 else ""
        index = "" if alike else f"_{re.sub(r'[^0-9A-Za-z]', '', source)}"
        before = _field_before(inferred, info, source)
        for at, (axis, own) in enumerate(zip(SPATIAL_AXES[len(field.axes)], field.axes, strict=True)):
            path = _path(info, layer, inputs, before, at, own, index) if before is not None else None
            derived = _derived(path) if path is not None else ()
            for step in derived or [_in_words(info, field.aligned, own, extents[source][1 + at])]:
                yield step._replace(quantity=f"{step.quantity}{of_source} {axis.name}")


def _field_before(inferred: Inferred, info: LayerInfo, source: str) -> ReceptiveField | None:
    """The receptive field of the layer's only input; None for a layer that merges paths."""
    if len(info.node.inputs) != 1:
        return None
    (name,) = info.node.inputs
    if name == source:
        return ReceptiveField((ITSELF,) * len(info.receptive_field[source].axes))
    return inferred.layers[name].receptive_field[source]


class _Path(NamedTuple):
    """The way of one axis of a network input through one layer.

    The layer's units read ``reads`` of the layer's input, whose receptive field is ``before``; the layer's is ``own``.
    ``of_before`` and ``of_reads`` are the suffixes of their symbols. ``window`` slides over the layer's input, and a
    ``transposed`` one over its output. ``size`` and ``output`` are the lengths of the layer's axis, with symbols.
    """

    layer: str
    name: str
    reads: AxisField
    before: AxisField
    own: AxisField
    of_before: str
    of_reads: str
    window: Window | None
    transposed: Window | None
    size: int
    output: int


def _path(
    info: LayerInfo, layer: Layer, inputs: Shapes, before: ReceptiveField, at: int, own: AxisField, index: str
) -> _Path | None:
    """The layer's effect on axis ``at``; None if the receptive field stays, or becomes the same for all units.

    ``index`` distinguishes the symbols of different network inputs.
    """
    local = info.stats.local_receptive_field
    if not local or len(local[0]) != len(before.axes):
        return None
    along = at if before.order is None else before.order[at]
    reads, windows, output = local[0][along], layer.windows(inputs), traced_output(info.stats.output_shape)
    if reads.advance == 0 or (reads == ITSELF and not windows) or own.is_always_empty:
        return None
    axis = f"_{SPATIAL_AXES[len(before.axes)][at].letter.lower()}"
    alike = len({*before.axes}) == 1
    if windows or len(reads.first) == 1:
        reads = layer.local_receptive_field(inputs, output)[0][along]
    return _Path(
        info.node.name,
        info.node.inputs[0],
        reads,
        before.axes[at],
        own,
        of_before=f"{'' if alike else axis}{index}",
        of_reads=f"{'' if alike and len({*local[0]}) == 1 else axis}{index}",
        window=windows[along] if windows and not layer.transposed else None,
        transposed=windows[along] if windows and layer.transposed else None,
        size=inputs[0][1 + along],
        output=output[1 + along],
    )


def _derived(path: _Path) -> tuple[DerivationStep, ...]:
    """Size, stride and offset; nothing if a pattern is too long to be followed."""
    size, offset, remark = _through_pattern(path) if len(path.before.first) > 1 else _through_window(path)
    advance, units = _advance(path)
    own, stride = path.own, path.own.stride
    found = (int(size), int(offset), int(advance) * stride.denominator)
    if found != (own.size, own.offset, int(units) * stride.numerator):
        if PERIOD_LIMIT in (len(own.first), len(path.before.first), len(path.reads.first)):
            return ()  # the stride of so long a pattern is an average
        raise AssertionError(f"the formulas of {path.layer} give {found}, and its receptive field is {own}")
    is_one = units == 1 and not isinstance(units, Traced)
    ratio = expression_of(advance) if is_one else Quotient(expression_of(advance), expression_of(units))
    return (
        DerivationStep.of("receptive field size", size, remark),
        DerivationStep("receptive field stride", ratio, stride.numerator if stride.denominator == 1 else stride),
        DerivationStep.of("receptive field offset", offset),
    )


def _advance(path: _Path) -> tuple[int, int]:
    """The distance that the receptive field advances, and the number of units: their ratio is its stride."""
    advance: int
    units: int = 1
    if len(path.before.first) > 1:
        advance = named(f"A_in{path.of_before}", path.before.advance)
        units = named(f"P_in{path.of_before}", len(path.before.first))
    else:
        advance = named(f"j_in{path.of_before}", path.before.advance)
    if path.window is not None:
        return advance * path.window.stride, units
    if path.transposed is not None:
        return advance, units * path.transposed.stride
    if len(path.reads.first) > 1 or path.reads.advance > 1:
        return advance * path.size, units * path.output
    return advance, units


def _through_window(path: _Path) -> tuple[int, int, str]:
    """Size, offset and remark where the units before are all alike.

    r = r_in + (effective kernel - 1) j_in, start = start_in - p j_in. Araujo et al. 2019.
    """
    before, own, reads = path.before, path.own, path.reads
    size, jump, start = (
        named(f"{symbol}_in{path.of_before}", value)
        for symbol, value in (("r", before.size), ("j", before.advance), ("start", before.offset))
    )
    if path.window is not None:
        return size + (path.window.effective_kernel - 1) * jump, start - path.window.before * jump, ""
    unit, widest = _widest(own)
    first, last = reads.low(unit), reads.high(unit)
    foremost = reads.low(own.non_empty_units[0])
    offset = start + _symbol("q_0", path.of_reads, foremost) * jump if foremost else start
    if last == first:
        return size, offset, _reading_one(own, path.name)
    first, last = _symbol("q_first", path.of_reads, first), _symbol("q_last", path.of_reads, last)
    remark = f"output {unit}{widest} reads {_range(first, last)} of {path.name}{_without_input(own)}"
    return size + (last - first) * jump, offset, remark


class _TracedField(AxisField):
    """A receptive field whose numbers carry symbols, so that :meth:`low` and :meth:`high` record their formulas."""

    symbol = "P_in"

    @property
    def period(self) -> int:
        return named(self.symbol, len(self.first)) if len(self.first) > 1 else 1


def _with_symbols(field: AxisField, suffix: str) -> _TracedField:
    """``first_0`` to ``last_0`` is the receptive field of unit 0; the pattern advances by ``A_in`` per period."""
    first, last = (
        tuple(named(f"{end}_{unit}{suffix}", value) for unit, value in enumerate(values))
        for end, values in (("first", field.first), ("last", field.last))
    )
    traced = _TracedField(first, last, named(f"A_in{suffix}", field.advance))
    traced.symbol = f"P_in{suffix}"
    return traced


def _through_pattern(path: _Path) -> tuple[int, int, str]:
    """Size, offset and remark where the receptive fields before repeat a pattern, as those of an upsampling do.

    The receptive field extends from the first to the last input in those of the units that are read.
    """
    before, own, reads = path.before, path.own, path.reads
    traced = _with_symbols(before, path.of_before)
    unit, widest = _widest(own)
    first, last = _ends(reads, before, unit)
    size = (
        traced.high(_symbol("q_last", path.of_reads, last)) - traced.low(_symbol("q_first", path.of_reads, first)) + 1
    )
    offset = traced.low(_symbol("q_0", path.of_reads, _ends(reads, before, own.non_empty_units[0])[0]))
    read = (reads.low(unit), reads.high(unit))
    which = f" (its receptive field begins with that of {int(first)} and ends with that of {int(last)})"
    remark = (
        f"output {unit}{widest} reads {_range(*read)} of {path.name}{'' if (first, last) == read else which}; "
        f"their receptive fields repeat every {len(before.first)} positions, shifted by {before.advance}"
        f"{_without_input(own)}"
    )
    return size, offset, remark


def _ends(reads: AxisField, before: AxisField, unit: int) -> tuple[int, int]:
    """Of the units that a unit reads, those whose receptive fields begin first and end last."""
    first, last = reads.low(unit), reads.high(unit)
    ends = outermost(before)(range(int(first), int(last) + 1, int(reads.step)))
    if ends is None:
        return first, last
    # a number keeps its formula if the other one is the same
    return first if first == ends[0] else ends[0], last if last == ends[1] else ends[1]


def _symbol(symbol: str, suffix: str, number: int) -> int:
    """A number under a symbol, unless it has a formula already, or is 0."""
    return number if isinstance(number, Traced) or number == 0 else named(f"{symbol}{suffix}", number)


def _widest(own: AxisField) -> tuple[int, str]:
    """The first unit with the largest receptive field, and an addition to the remark if others have a smaller one."""
    sizes = {unit: own.last[unit] - own.first[unit] for unit in own.non_empty_units}
    unit = max(sizes, key=lambda unit: sizes[unit])
    return unit, " (the widest)" if len({*sizes.values()}) > 1 else ""


# Remarks ------------------------------------------------------------------------------------------------------------


def _range(first: int, last: int) -> str:
    return f"input {int(first)}" if first == last else f"inputs {int(first)} to {int(last)}"


def _without_input(own: AxisField) -> str:
    """The number of outputs that depend on no input, if there are any."""
    count = len(own.empty)
    if not count:
        return ""
    return f"; {count} of every {own.period} outputs {'depends' if count == 1 else 'depend'} on no input"


def _reading_one(own: AxisField, name: str) -> str:
    """That each output reads one input; those between the taps of a transposed convolution read none."""
    count = len(own.non_empty_units)
    if not own.empty:
        return f"each output reads one input of {name}"
    reads = "reads" if count == 1 else "read"
    return f"{count} of every {own.period} outputs {reads} one input of {name}, the others none"


def _in_words(info: LayerInfo, aligned: bool, own: AxisField, extent: int) -> DerivationStep:
    """The size of a receptive field that no formula gives, and why."""
    kind, local = info.node.layer.kind, info.stats.local_receptive_field
    if own.is_always_empty:
        remark = "no output depends on the input: each reads only between the taps of a transposed convolution"
    elif own.advance == 0 and own.size >= extent:
        remark = "every output depends on all of the input"
    elif own.advance == 0:
        remark = "all outputs have the same receptive field"
    elif len(info.node.inputs) > 1:
        remark = "covers the receptive fields of all paths" + ("" if aligned else ", whose centers or strides differ")
    elif local and any(field != ITSELF for field in local[0]):
        remark = f"the receptive fields repeat after more than {PERIOD_LIMIT:,} outputs: their stride is an average"
    elif own.stride.denominator != 1:
        remark = f"{kind} leaves it unchanged, with stride {own.stride}"
    else:
        remark = f"{kind} leaves it unchanged"
    return DerivationStep.of("receptive field size", own.size, remark)
