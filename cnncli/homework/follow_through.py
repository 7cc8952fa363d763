"""Follow-through: an answer that is right given an earlier wrong one, and which that was."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.graph import Graph
from cnncli.homework.answers import Given
from cnncli.homework.conventions import Conventions, network_under
from cnncli.homework.questions import (
    COUNTS,
    SHAPES,
    Known,
    asked,
    counted,
    network_for,
    right_answer,
    summed_in,
    truth_of,
)
from cnncli.homework.sheet import Question, Sheet
from cnncli.homework.truth import PER_AXIS, Truth
from cnncli.inference import Inferred
from cnncli.shape import Shape, elements, format_shape

KEPT = 200  # networks that are kept while a class is marked


class Carried(NamedTuple):
    """Wrong answers so far that something can follow from: output shapes by layer, and counts by (layer, figure)."""

    shapes: dict[str, Shape]
    counts: dict[tuple[str, str], Fraction]


def remember(sheet: Sheet, question: Question, given: Given, carried: Carried) -> None:
    """Keep a wrong answer, unless it is degenerate: nothing follows from a blank, a zero or a single value."""
    if sheet.loaded is None or question.fields:
        return
    layer, figure = asked(sheet.loaded.inferred, question.name)
    facts = sheet.loaded.inferred.facts.get(layer)
    if figure in SHAPES and figure != "input_shape" and facts is not None:
        shape = shape_meant(given, facts.figures.output_shape, sheet.conventions[0].order)
        if shape is not None and all(size > 0 for size in shape) and elements(shape) > 1:
            carried.shapes[layer] = shape
    elif figure in COUNTS and given.number is not None and given.number > 0:
        carried.counts[layer, figure] = given.number


def shape_meant(given: Given, right: Shape, order: str) -> Shape | None:
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
    """A shape that was written with its channels last, turned; known by where the right number of them stands alone."""
    if len(right) == 1:
        return shape
    alone = shape.count(right[0]) == 1
    is_last = not (alone and shape[0] == right[0]) if order == "HxWxC" else alone and shape[-1] == right[0]
    return (shape[-1], *shape[:-1]) if is_last else shape


def followed(sheet: Sheet, question: Question, carried: Carried, known: Known) -> tuple[Truth, str] | None:
    """What would be right given the earlier errors, and which those are; None where none of them changes it."""
    conventions = sheet.conventions[0]
    if sheet.loaded is None or question.fields or not (carried.shapes or carried.counts):
        return None
    usual = sheet.loaded.inferred
    layer, figure = asked(usual, question.name)
    if layer not in usual.facts:
        inferred = summed_in(network_for(sheet, known, conventions), usual)
        return _followed_sum(inferred, layer, figure, carried, conventions)
    if layer in carried.shapes or not carried.shapes:
        return None
    inferred = _network(sheet.loaded.graph, carried.shapes, known, conventions)
    if layer not in inferred.facts:
        return None
    truth = truth_of(inferred, layer, figure, conventions)
    if truth.value == right_answer(sheet, question, known).value:
        return None
    nearest = [*_nearest(usual, layer, carried.shapes)]
    return truth, ", ".join(f"{name} of {format_shape(carried.shapes[name])}" for name in nearest)


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


def _network(graph: Graph, shapes: dict[str, Shape], known: Known, conventions: Conventions) -> Inferred:
    """The network under conventions that goes on with these shapes; many of a class make the same error."""
    key = ("carried", conventions, *sorted(shapes.items()))
    if key not in known.networks:
        if len(known.networks) >= KEPT:
            known.networks.clear()
        known.networks[key] = network_under(graph, conventions, shapes)
    return known.networks[key]


def _followed_sum(
    inferred: Inferred, scope: str, figure: str, carried: Carried, conventions: Conventions
) -> tuple[Truth, str] | None:
    truth = truth_of(inferred, scope, figure, conventions)
    changed, names = Fraction(truth.value), []
    for (layer, other), number in carried.counts.items():
        if other == figure and layer in inferred.facts and (scope == "total" or layer.startswith(f"{scope}.")):
            changed += number - counted(inferred.facts[layer], figure, conventions)
            names.append(f"{layer}.{figure} of {int(number):,}" if number.denominator == 1 else f"{layer} of {number}")
    if not names or changed == truth.value:
        return None
    return Truth(changed, str(changed), (), {}), ", ".join(names)
