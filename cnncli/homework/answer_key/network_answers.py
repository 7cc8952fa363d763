"""The expected answers to questions about a layer, a block or the network."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnncli.analysis.explanation import explain
from cnncli.arithmetic.shape import format_shape
from cnncli.arithmetic.window import Window
from cnncli.homework.answer_key.asked_quantities import RECEPTIVE_FIELD, SHAPES, WINDOW, canonical_quantity, members
from cnncli.homework.answer_key.conventions import DEFAULTS, Conventions, difference
from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.languages.messages import text as message
from cnncli.homework.mistakes.quantities import of_count, of_sum
from cnncli.homework.mistakes.receptive_field_mistakes import (
    MOST_TERMS,
    as_sum,
    of_receptive_field,
    of_receptive_field_stride,
)
from cnncli.homework.mistakes.shape_mistakes import of_shape
from cnncli.homework.mistakes.wrong_values import NONE, Values, WrongValues
from cnncli.inference import BYTES_PER_PARAMETER, SUMMED, Inferred, LayerInfo

_NOUNS = ("parameters", "params", "weights")
ZERO_IN_WORDS = frozenset(("none", "no", "zero", *(f"{no} {noun}" for no in ("no", "zero") for noun in _NOUNS)))
EVERYTHING_IN_WORDS = frozenset(("all", "everything", "the whole input"))


def network_answer(
    inferred: Inferred, layer: str, quantity: str, conventions: Conventions = DEFAULTS, default: Inferred | None = None
) -> ExpectedAnswer:
    """The expected answer about a layer, a block, or the network (``total``), which was inferred under conventions.

    ``default`` is the network as its file defines it, in which all layers fit.
    """
    named = canonical_quantity(quantity)
    has_own_unit = conventions.operations == "MACs" or conventions.padding == "in total"
    found = _answer(inferred, layer, quantity, conventions, default)
    return found._replace(quantity="" if has_own_unit and named in ("flops", "padding") else named)


def _answer(
    inferred: Inferred, layer: str, quantity: str, conventions: Conventions, default: Inferred | None
) -> ExpectedAnswer:
    if layer not in inferred.layers:
        if default is not None and layer in default.layers:
            return _no_fit(default, layer, quantity, conventions)
        return _sum(inferred if default is None else sum_network(inferred, default), layer, quantity, conventions)
    info = inferred.layers[layer]
    if quantity in SHAPES:
        return _shape(inferred, info, quantity, conventions)
    if quantity in RECEPTIVE_FIELD:
        return _receptive_field(inferred, info, RECEPTIVE_FIELD[quantity])
    if quantity == "dropped":
        return _per_axis(info.stats.dropped, (), NONE)
    if quantity in WINDOW:
        return _per_axis(tuple(map(WINDOW[quantity], info.stats.windows)), (), NONE)
    return _count(inferred, info, quantity, conventions)


def sum_network(inferred: Inferred, default: Inferred) -> Inferred:
    """The network for a sum over layers: the default one where a layer does not fit under the conventions."""
    return inferred if len(inferred.layers) == len(default.layers) else default


def _no_fit(default: Inferred, layer: str, quantity: str, conventions: Conventions) -> ExpectedAnswer:
    """The answer about a layer that does not fit exactly, or follows one."""
    fitting = network_answer(default, layer, quantity)
    candidates = WrongValues(lambda: {**fitting.candidates, "does_not_fit_unreported": fitting.value})
    remark = f"(rounding {conventions.rounding or 'exact'}: this window or an earlier one does not fit exactly)"
    return ExpectedAnswer(NO_FIT, NO_FIT, (*fitting.derivation, remark), candidates)


def _shape(inferred: Inferred, info: LayerInfo, quantity: str, conventions: Conventions) -> ExpectedAnswer:
    is_output = quantity != "input_shape"
    shape = info.stats.output_shape if is_output else info.input_shapes[0]
    is_channels_last = conventions.order == "HxWxC" and len(shape) > 1
    text = format_shape((*shape[1:], shape[0]) if is_channels_last else shape)
    derivation = _derivation(inferred, info.node.name, "output") if is_output else ()
    candidates = WrongValues(lambda: of_shape(inferred, info), (shape,)) if is_output else NONE
    windows = _windows(info) if is_output else ()
    return ExpectedAnswer(shape, text, derivation, candidates, order=conventions.order, windows=windows)


def _windows(info: LayerInfo) -> tuple[tuple[int, Window], ...]:
    """The axes over which a layer's window slides, equal ones once; none for a transposed window."""
    if info.node.layer.transposed or not info.stats.windows:
        return ()
    return tuple(dict.fromkeys(zip(info.input_shapes[0][1:], info.stats.windows, strict=True)))


# Counts -----------------------------------------------------------------------------------------------------------


def count_of(info: LayerInfo, quantity: str, conventions: Conventions = DEFAULTS) -> int:
    """A layer's count under conventions."""
    stats = info.stats
    if conventions.operations == "MACs" and quantity == "flops":
        return stats.macs
    if quantity == "parameter_bytes":
        return stats.params * BYTES_PER_PARAMETER
    count: int = getattr(stats, quantity)
    if quantity in ("params", "trainable"):
        has_bias = "bias" in stats.weight_shapes and "running_mean" not in stats.buffer_shapes
        if conventions.bias == "not counted" and has_bias:
            count -= stats.biases
        if conventions.batchnorm == "4C":
            count += stats.buffers
    return count


def _count(inferred: Inferred, info: LayerInfo, quantity: str, conventions: Conventions) -> ExpectedAnswer:
    value, default = count_of(info, quantity, conventions), count_of(info, quantity)
    derivation = _derivation(inferred, info.node.name, quantity)
    if value != default:
        derivation = (
            *derivation,
            message("({convention}: {value})", convention=difference(conventions, DEFAULTS), value=value),
        )
    candidates = WrongValues(lambda: of_count(inferred, info, quantity), (value,))
    words = frozenset[str]() if value else ZERO_IN_WORDS
    return ExpectedAnswer(value, f"{value:,}", derivation, candidates, words=words)


def _sum(inferred: Inferred, scope: str, quantity: str, conventions: Conventions) -> ExpectedAnswer:
    layers = list(members(inferred, scope))
    counts = [count_of(info, quantity, conventions) for info in layers]
    total = sum(counts)
    terms = [str(count) for count in counts if count]
    shown = terms if len(terms) <= MOST_TERMS else [*terms[:MOST_TERMS], "…"]
    candidates = WrongValues(lambda: of_sum(inferred, layers, quantity), (total,)) if quantity in SUMMED else NONE
    return ExpectedAnswer(total, f"{total:,}", tuple(dict.fromkeys((" + ".join(shown) or "0", str(total)))), candidates)


# Receptive fields and windows -------------------------------------------------------------------------------------


def _receptive_field(inferred: Inferred, info: LayerInfo, part: str) -> ExpectedAnswer:
    """The ``size``, ``stride`` or ``offset`` of a layer's receptive field."""
    fields = [*info.receptive_field.values()]
    values = tuple(getattr(axis, part) for axis in fields[0].axes) if fields else ()
    wrong = {"size": of_receptive_field, "stride": of_receptive_field_stride}.get(part)
    correct = (values[0] if len({*values}) == 1 else values,)
    candidates = WrongValues(lambda: wrong(inferred, info), correct) if wrong is not None else NONE
    derivation = _derivation(inferred, info.node.name, f"receptive field {part}")
    expected = _per_axis(values, derivation, candidates)
    if part != "size":
        return expected
    if isinstance(expected.value, int):
        expected = expected._replace(derivation=(*derivation, *as_sum(inferred, info, expected.value)))
    extents = {entry.name: entry.shape for entry in inferred.graph.inputs}
    is_global = all(field.covers(extents[name]) for name, field in info.receptive_field.items())
    return expected._replace(words=EVERYTHING_IN_WORDS) if is_global else expected


def _per_axis(values: tuple[Any, ...], derivation: tuple[str, ...], candidates: Values) -> ExpectedAnswer:
    """One number where all axes have the same, else one number per axis."""
    value: Any = values[0] if len({*values}) == 1 else values
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    exact = Fraction(value) if isinstance(value, float) else value
    return ExpectedAnswer(exact, text, derivation, candidates, order=PER_AXIS)


def _derivation(inferred: Inferred, layer: str, quantity: str) -> tuple[str, ...]:
    """The lines of a quantity's derivation: formula, values and result, on one line per axis where axes differ."""
    steps = [step for step in explain(inferred, layer).steps if step.quantity.startswith(quantity)]
    exact = [step for step in steps if step.quantity == quantity] or steps
    if len({(step.formula, step.numbers) for step in exact}) == 1:  # the axes have the same derivation
        exact = exact[:1]
    lines = []
    for step in exact:
        parts = dict.fromkeys((step.formula, step.numbers, str(step.value)))
        lines += [f"{step.quantity}: {' = '.join(parts)}"] if len(exact) > 1 else [*parts]
        if step.remark and step.remark not in lines:
            lines.append(f"({step.remark})")
    return tuple(lines)
