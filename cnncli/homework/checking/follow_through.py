"""Follow-through: an answer that is right given an earlier wrong one, and which that was."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.arithmetic.shape import Shape, format_shape, numel
from cnncli.homework.answer_key.conventions import network_under
from cnncli.homework.answer_key.expected import PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.questions import (
    COUNTS,
    SHAPES,
    AnswerCache,
    asked,
    expected_answer,
    right_answer,
    summed_in,
)
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.checking.answers import ParsedAnswer
from cnncli.inference import Inferred

BY_OUTPUT = ("macs", "flops", "connections", "activations")  # so many for each value of the output
KEPT = 200  # networks that are kept while a class is marked


class Carried(NamedTuple):
    """Wrong answers so far that something can follow from: output shapes by layer, and counts by (layer, figure)."""

    shapes: dict[str, Shape]
    counts: dict[tuple[str, str], Fraction]


def remember(sheet: Sheet, question: Question, given: ParsedAnswer, carried: Carried) -> None:
    """Keep a wrong answer, unless it is degenerate: nothing follows from a blank, a zero or a single value."""
    if sheet.loaded is None or question.fields:
        return
    layer, figure = asked(sheet.loaded.inferred, question.name)
    facts = sheet.loaded.inferred.facts.get(layer)
    if figure in SHAPES and figure != "input_shape" and facts is not None:
        shape = shape_meant(given, facts.figures.output_shape, sheet.conventions[0].order)
        if shape is not None and all(size > 0 for size in shape) and numel(shape) > 1:
            carried.shapes[layer] = shape
    elif figure in COUNTS and given.number is not None and given.number > 0:
        carried.counts[layer, figure] = given.number


def shape_meant(given: ParsedAnswer, right: Shape, order: str) -> Shape | None:
    """The shape that an answer means, channels first, where ``right`` is the right one; None for one of other axes.

    As where it is right, a batch of 1 in front and axes of size 1 after a vector say nothing; 1,050 is a vector.
    """
    if len(right) == 1 and given.number is not None and given.number.denominator == 1:
        return (int(given.number),)
    shape = given.shape or ()
    if len(shape) == len(right) + 1 and shape[0] == 1:
        shape = shape[1:]
    elif len(right) == 1 and {*shape[1:]} == {1}:
        shape = shape[:1]
    if len(shape) != len(right):
        return None
    return shape if order == PER_AXIS else _channels_first(shape, right, order)


def _channels_first(shape: Shape, right: Shape, order: str) -> Shape:
    """A shape that was written with its channels last, turned; known by where the right number of them stands alone,
    unless all the sizes are right as they are written."""
    if len(right) == 1:
        return shape
    alone = shape.count(right[0]) == 1
    if order == "HxWxC":
        is_last = shape[:-1] == right[1:] or not (alone and shape[0] == right[0])
    else:
        is_last = shape[1:] != right[1:] and alone and shape[-1] == right[0]
    return (shape[-1], *shape[:-1]) if is_last else shape


def followed(
    sheet: Sheet, question: Question, carried: Carried, known: AnswerCache
) -> Iterator[tuple[ExpectedAnswer, str]]:
    """What would be right given the earlier errors, and which those are; nothing where none of them changes it."""
    if sheet.loaded is None or question.fields or not (carried.shapes or carried.counts):
        return
    layer, figure = asked(sheet.loaded.inferred, question.name)
    found = _of_layer if layer in sheet.loaded.inferred.facts else _of_sum
    right = right_answer(sheet, question, known).value
    for truth, why in found(sheet, layer, figure, carried, known):
        if truth.value != right:
            yield truth, why


def _of_layer(
    sheet: Sheet, layer: str, figure: str, carried: Carried, known: AnswerCache
) -> Iterator[tuple[ExpectedAnswer, str]]:
    """What follows from the shapes above a layer, and for what is counted by its outputs from its own."""
    assert sheet.loaded is not None
    inferred = _network(sheet, carried.shapes, known)
    if layer not in inferred.facts or not carried.shapes:
        return
    truth = expected_answer(inferred, layer, figure, sheet.conventions[0])
    nearest = [*_nearest(inferred, layer, carried.shapes)]
    if nearest:
        yield truth, _said(nearest, carried.shapes)
    if layer in carried.shapes and figure in BY_OUTPUT:
        each = Fraction(truth.value, numel(inferred.facts[layer].figures.output_shape))
        changed = each * numel(carried.shapes[layer])
        yield ExpectedAnswer(changed, str(changed), (), {}), _said([layer, *nearest], carried.shapes)


def _said(layers: list[str], shapes: dict[str, Shape]) -> str:
    return ", ".join(f"{name} of {format_shape(shapes[name])}" for name in layers)


def _nearest(inferred: Inferred, layer: str, shapes: dict[str, Shape]) -> Iterator[str]:
    """The layers with these shapes that a layer goes on from: nothing above them matters."""
    waiting, met = [*inferred.facts[layer].node.inputs], {layer}
    while waiting:
        name = waiting.pop()
        if name in met or name not in inferred.facts:
            continue
        met.add(name)
        if name in shapes:
            yield name
        else:
            waiting += inferred.facts[name].node.inputs


def _network(sheet: Sheet, shapes: dict[str, Shape], known: AnswerCache) -> Inferred:
    """The network that goes on with these shapes, under the sheet's conventions; many make the same error."""
    assert sheet.loaded is not None
    conventions = sheet.conventions[0]
    key = ("carried", conventions, *sorted(shapes.items()))
    if key not in known.networks:
        if len(known.networks) >= KEPT:
            known.networks.clear()
        known.networks[key] = network_under(sheet.loaded.graph, conventions, shapes)
    return known.networks[key]


def _of_sum(
    sheet: Sheet, scope: str, figure: str, carried: Carried, known: AnswerCache
) -> Iterator[tuple[ExpectedAnswer, str]]:
    """What follows from counts, each in the place of its own; and from shapes, for the counts that were not asked."""
    assert sheet.loaded is not None
    usual, conventions = sheet.loaded.inferred, sheet.conventions[0]
    for shapes in ({}, carried.shapes) if carried.shapes else ({},):
        inferred = summed_in(_network(sheet, shapes, known), usual)
        changed = Fraction(expected_answer(inferred, scope, figure, conventions).value)
        said = [_said([*shapes], shapes)] if shapes else []
        for part, number in _parts(carried, scope, figure).items():
            changed += number - expected_answer(inferred, part, figure, conventions).value
            said.append(f"{part}.{figure} of {_number(number)}")
        yield ExpectedAnswer(changed, str(changed), (), {}), ", ".join(said)


def _parts(carried: Carried, scope: str, figure: str) -> dict[str, Fraction]:
    """The wrong counts of layers and blocks that a sum is made of; of a block, not those of its layers as well."""
    counts = {name: number for (name, other), number in carried.counts.items() if other == figure and name != scope}
    inside = [name for name in counts if name != "total" and (scope == "total" or name.startswith(f"{scope}."))]
    return {name: counts[name] for name in inside if not any(name.startswith(f"{block}.") for block in inside)}


def _number(number: Fraction) -> str:
    return f"{int(number):,}" if number.denominator == 1 else str(number)
