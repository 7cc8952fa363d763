"""Follow-through: an answer that is correct given an earlier wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.arithmetic.shape import Shape, format_shape, numel
from cnncli.homework.answer_key.asked_quantities import COUNTS, SHAPES, parse_question
from cnncli.homework.answer_key.conventions import network_under
from cnncli.homework.answer_key.expected import PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.network_answers import network_answer, sum_network
from cnncli.homework.answer_key.questions import AnswerCache, expected_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.checking.parsing import ParsedAnswer
from cnncli.inference import Inferred

BY_OUTPUT = ("macs", "flops", "connections", "activations")  # proportional to the number of output values
KEPT = 200  # networks that are cached while a class is graded


class EarlierAnswers(NamedTuple):
    """Earlier answers that later ones may follow from: output shapes by layer, and counts by (layer, quantity)."""

    shapes: dict[str, Shape]
    counts: dict[tuple[str, str], Fraction]


def remember(sheet: Sheet, question: Question, given: ParsedAnswer, earlier: EarlierAnswers) -> None:
    """Keep a wrong answer, unless it is degenerate: no other follows from a blank, a zero or a single value."""
    if sheet.loaded is None or question.fields:
        return
    layer, quantity = parse_question(sheet.loaded.inferred, question.name)
    info = sheet.loaded.inferred.layers.get(layer)
    if quantity in SHAPES and quantity != "input_shape" and info is not None:
        shape = intended_shape(given, info.stats.output_shape, sheet.conventions[0].order)
        if shape is not None and all(size > 0 for size in shape) and numel(shape) > 1:
            earlier.shapes[layer] = shape
    elif quantity in COUNTS and given.number is not None and given.number > 0:
        earlier.counts[layer, quantity] = given.number


def intended_shape(given: ParsedAnswer, right: Shape, order: str) -> Shape | None:
    """The shape that an answer means, channels first, where ``right`` is expected; None for another number of axes.

    A leading batch size of 1, and axes of size 1 after a vector, are ignored. 1,050 is a vector.
    """
    if len(right) == 1 and given.number is not None and given.number.denominator == 1:
        return (int(given.number),)
    shape = given.shape or ()
    if given.labeled and order != PER_AXIS:
        return shape if len(shape) == len(right) else None
    if len(shape) == len(right) + 1 and shape[0] == 1:
        shape = shape[1:]
    elif len(right) == 1 and {*shape[1:]} == {1}:
        shape = shape[:1]
    if len(shape) != len(right):
        return None
    return shape if order == PER_AXIS else _channels_first(shape, right, order)


def _channels_first(shape: Shape, right: Shape, order: str) -> Shape:
    """The shape with its channels first. They were written last if the expected number of channels occurs only there,
    unless all sizes are correct as they are written."""
    if len(right) == 1:
        return shape
    is_unique = shape.count(right[0]) == 1
    if order == "HxWxC":
        is_last = shape[:-1] == right[1:] or not (is_unique and shape[0] == right[0])
    else:
        is_last = shape[1:] != right[1:] and is_unique and shape[-1] == right[0]
    return (shape[-1], *shape[:-1]) if is_last else shape


def expected_after(
    sheet: Sheet, question: Question, earlier: EarlierAnswers, cache: AnswerCache
) -> Iterator[tuple[ExpectedAnswer, str]]:
    """The expected answers given earlier ones, each with these; nothing where none of them changes the answer."""
    if sheet.loaded is None or question.fields or not (earlier.shapes or earlier.counts):
        return
    layer, quantity = parse_question(sheet.loaded.inferred, question.name)
    found = _of_layer if layer in sheet.loaded.inferred.layers else _of_sum
    right = expected_answer(sheet, question, cache).value
    for expected, reason in found(sheet, layer, quantity, earlier, cache):
        if expected.value != right:
            yield expected, reason


def _of_layer(
    sheet: Sheet, layer: str, quantity: str, earlier: EarlierAnswers, cache: AnswerCache
) -> Iterator[tuple[ExpectedAnswer, str]]:
    """The consequences of the shapes of earlier layers and, for counts per output value, of the layer's own shape."""
    assert sheet.loaded is not None
    inferred = _network(sheet, earlier.shapes, cache)
    if layer not in inferred.layers or not earlier.shapes:
        return
    expected = network_answer(inferred, layer, quantity, sheet.conventions[0])
    nearest = [*_nearest(inferred, layer, earlier.shapes)]
    if nearest:
        yield expected, _reason(nearest, earlier.shapes)
    if layer in earlier.shapes and quantity in BY_OUTPUT:
        each = Fraction(expected.value, numel(inferred.layers[layer].stats.output_shape))
        changed = each * numel(earlier.shapes[layer])
        yield ExpectedAnswer(changed, str(changed), (), {}), _reason([layer, *nearest], earlier.shapes)


def _reason(layers: list[str], shapes: dict[str, Shape]) -> str:
    return ", ".join(f"{name}.shape = {format_shape(shapes[name])}" for name in layers)


def _nearest(inferred: Inferred, layer: str, shapes: dict[str, Shape]) -> Iterator[str]:
    """The nearest earlier layers that have one of these shapes; what precedes them has no influence."""
    waiting, visited = [*inferred.layers[layer].node.inputs], {layer}
    while waiting:
        name = waiting.pop()
        if name in visited or name not in inferred.layers:
            continue
        visited.add(name)
        if name in shapes:
            yield name
        else:
            waiting += inferred.layers[name].node.inputs


def _network(sheet: Sheet, shapes: dict[str, Shape], cache: AnswerCache) -> Inferred:
    """The network with these output shapes, under the sheet's conventions; cached, as many make the same error."""
    assert sheet.loaded is not None
    conventions = sheet.conventions[0]
    key = ("follow-through", conventions, *sorted(shapes.items()))
    if key not in cache.networks:
        if len(cache.networks) >= KEPT:
            cache.networks.clear()
        cache.networks[key] = network_under(sheet.loaded.graph, conventions, shapes)
    return cache.networks[key]


def _of_sum(
    sheet: Sheet, scope: str, quantity: str, earlier: EarlierAnswers, cache: AnswerCache
) -> Iterator[tuple[ExpectedAnswer, str]]:
    """The consequences of the counts of parts of the sum, and of shapes for the parts that were not asked."""
    assert sheet.loaded is not None
    default, conventions = sheet.loaded.inferred, sheet.conventions[0]
    for shapes in ({}, earlier.shapes) if earlier.shapes else ({},):
        inferred = sum_network(_network(sheet, shapes, cache), default)
        changed = Fraction(network_answer(inferred, scope, quantity, conventions).value)
        reasons = [_reason([*shapes], shapes)] if shapes else []
        for part, number in _parts(earlier, scope, quantity).items():
            changed += number - network_answer(inferred, part, quantity, conventions).value
            reasons.append(f"{part}.{quantity} = {_number(number)}")
        yield ExpectedAnswer(changed, str(changed), (), {}), ", ".join(reasons)


def _parts(earlier: EarlierAnswers, scope: str, quantity: str) -> dict[str, Fraction]:
    """The wrong counts of the parts of a sum: layers, and blocks in place of their layers."""
    counts = {name: number for (name, other), number in earlier.counts.items() if other == quantity and name != scope}
    inside = [name for name in counts if name != "total" and (scope == "total" or name.startswith(f"{scope}."))]
    return {name: counts[name] for name in inside if not any(name.startswith(f"{block}.") for block in inside)}


def _number(number: Fraction) -> str:
    return f"{int(number):,}" if number.denominator == 1 else str(number)
