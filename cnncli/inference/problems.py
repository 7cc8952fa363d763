"""What a pass reports: the layers that do not fit, with the shapes on the way to them. Imported for errors only."""

from __future__ import annotations

from collections.abc import Mapping

from cnncli.arithmetic.shape import Shape, format_input_shape, format_shape
from cnncli.errors import NO, CnnError, Problem
from cnncli.graph import Graph, Node
from cnncli.layers.base import ShapeError


def shape_problem(node: Node, error: ShapeError, graph: Graph, shapes: Mapping[str, Shape], *, walk: bool) -> Problem:
    """A layer that does not fit, with its place; ``walk`` adds the shapes on the way to it."""
    place = node.origin(error.field) if node.origin else None
    way = _way(node, graph, shapes) if walk else ""  # walks back through the graph: only for problems that are shown
    return Problem(str(error), error.hint, place, node.name, way, NO)


def _way(node: Node, graph: Graph, shapes: Mapping[str, Shape]) -> str:
    """The shapes from the input to a node along first inputs, where they change; the middle is left out."""
    nodes = {entry.name: entry for entry in graph.nodes}
    steps: list[str] = []
    name = node.inputs[0]
    while name in nodes:
        before = nodes[name].inputs[0]
        if shapes[before] != shapes[name]:
            steps.append(f"{name} {format_shape(shapes[name])}")
        name = before
    steps.append(f"{name if name == 'input' else f'input {name}'} {format_input_shape(shapes[name])}")
    steps.reverse()
    if len(steps) > 5:
        steps[3:-1] = ["…"]
    return " -> ".join(steps)


def too_many_fields(node: Node, graph: Graph, most: int) -> CnnError:
    """The error for a graph whose number of layers times inputs would take too much time and memory."""
    message = (
        f"{len(graph.inputs):,} inputs times the layers that depend on them are more than {most:,} "
        "receptive fields (the limit)"
    )
    place = node.origin("") if node.origin else None
    return CnnError.of([Problem(message, "use fewer inputs, or one input with more channels", place)])
