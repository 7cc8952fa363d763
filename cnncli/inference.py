"""Graph -> the figures of every node: one pass in the order of computation, with no layer kind named in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncli.arithmetic.axes import lines_text
from cnncli.arithmetic.receptive_field import ITSELF, NOTHING, UNKNOWN, AxisField, compose, join, seen_by_all, whole
from cnncli.arithmetic.shape import (
    Shape,
    Size,
    add_up,
    format_input_shape,
    format_shape,
    is_symbolic,
    numel,
    too_large,
)
from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.window import Window, dropped
from cnncli.errors import NO, SHOWN_AT_MOST, CnnError, Problem, suggestion
from cnncli.graph import Graph, Node
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes
from cnncli.layers.sliding import check_exact

SEARCHED = 5000  # layers looked through for a misspelling
BYTES_PER_PARAMETER = 4  # float32
MOST_FIELDS = 400_000  # receptive fields, one of each layer on each input that it depends on: 100,000 layers, 4 inputs


class LayerStats(NamedTuple):
    """What a layer costs on inputs of given shapes, wherever it stands. Counts are for one input, without a batch."""

    output_shape: Shape
    weight_shapes: Mapping[str, Shape]
    buffer_shapes: Mapping[str, Shape]
    windows: tuple[Window, ...]
    local_receptive_field: tuple[LocalReceptiveField, ...]
    params: int
    trainable: int
    weights: int
    biases: int
    buffers: int
    macs: int
    flops: int
    connections: int
    activations: int
    dropped: tuple[int, ...]
    notes: tuple[str, ...]


class ReceptiveField(NamedTuple):
    """What one unit sees of one input: a field per axis, and whether all paths to it agree in stride and centre.

    There is a field for each spatial axis of the network's input. ``order`` says along which axis of the layer's output
    each of them moves, where that is another than the input's. Once a layer has seen everything, as a reshape or a
    global pool does, no field moves any more, and the output may have any number of axes.
    """

    axes: tuple[AxisField, ...]
    aligned: bool = True
    order: tuple[int, ...] | None = None

    @property
    def stands(self) -> bool:
        """Whether all units see the same."""
        return all(field.advance == 0 for field in self.axes)

    def sees_all(self, shape: Shape) -> bool:
        """Whether every unit sees the whole input of that shape."""
        return all(
            field.advance == 0 and field.first[0] <= 0 and field.last[0] >= size - 1
            for field, size in zip(self.axes, shape[1:], strict=True)
        )


class LayerInfo(NamedTuple):
    """A node with its figures and its receptive field on each network input that it depends on."""

    node: Node
    input_shapes: Shapes
    figures: LayerStats
    receptive_field: Mapping[str, ReceptiveField]


SUMMED = ("params", "trainable", "weights", "biases", "buffers", "macs", "flops", "connections", "activations")


class Inferred(NamedTuple):
    """A graph with the facts of its nodes, by name, in the order of computation.

    ``assumed`` are forms that are at least 0 at every size at which the network works, where sizes are open.
    """

    graph: Graph
    facts: Mapping[str, LayerInfo]
    assumed: tuple[Size, ...] = ()

    @property
    def has_symbolic_sizes(self) -> bool:
        """Whether an input's size has no value yet."""
        return any(is_symbolic(size) for entry in self.graph.inputs for size in entry.shape)

    @property
    def totals(self) -> dict[str, int]:
        """The sum of every figure over all layers, and the bytes of the parameters in float32."""
        all_figures = [facts.figures for facts in self.facts.values()]
        totals = {name: add_up(getattr(figures, name) for figures in all_figures) for name in SUMMED}
        return {**totals, "parameter_bytes": totals["params"] * BYTES_PER_PARAMETER}

    def layer(self, name: str) -> LayerInfo:
        """The facts of a layer that a user names. Raises CnnError for an unknown one."""
        if name not in self.facts:
            hint = suggestion(name, list(self.facts)[:SEARCHED], "cnn summarize shows the names")
            raise CnnError(f"{name}: the network has no such layer", hint)
        return self.facts[name]

    def shape(self, name: str) -> Shape:
        """The shape of a node's output, or of an input."""
        if name in self.facts:
            return self.facts[name].figures.output_shape
        return next(entry.shape for entry in self.graph.inputs if entry.name == name)


DEPENDS = ShapeError(
    "whether it fits, or its size, depends on the symbolic sizes in a way that no single formula gives",
    "give the input numbers instead, e.g. 3x224x224",
)


WIDEST_FIELD = 10**100  # pixels; a window of stride 2 on a map of 1x1 doubles the field's stride, layer by layer
TOO_WIDE = ShapeError(
    "its receptive field would be more than 10^100 pixels wide or apart (the limit)",
    "a map of one pixel cannot shrink: use stride 1 there, or fewer layers",
)


def infer(graph: Graph, *, strict: bool = False) -> Inferred:
    """Work out the figures of every node. Time grows linearly with the number of nodes.

    ``strict`` treats every layer as ``rounding: exact``. Raises CnnError with all independent shapes that do not
    fit; what follows from a layer that does not fit is left out.
    """
    inferred, problems = infer_all(graph, strict=strict)
    if problems:
        raise CnnError.of(problems)
    return inferred


def infer_all(
    graph: Graph, *, strict: bool = False, forced: Mapping[str, Shape] = {}
) -> tuple[Inferred, list[Problem]]:
    """As :func:`infer`, with the problems returned beside the facts of all the nodes that could be worked out.

    ``forced`` are output shapes that what follows goes on with, whatever the layers themselves come to.
    """
    inferred, problems = _infer_all(graph, strict=strict, forced=forced)
    if inferred.has_symbolic_sizes:
        inferred = inferred._replace(assumed=_assumed(inferred))
    return inferred, problems


def _assumed(inferred: Inferred) -> tuple[Size, ...]:
    """What the output shapes of all layers assume of symbolic sizes."""
    from cnncli.arithmetic.symbolic import assumptions

    asked = {(id(facts.node.layer), facts.input_shapes): facts for facts in inferred.facts.values()}
    with assumptions() as assumed:
        for facts in asked.values():
            facts.node.layer.output_shape(facts.input_shapes)
    return tuple(assumed)


def _infer_all(graph: Graph, *, strict: bool, forced: Mapping[str, Shape]) -> tuple[Inferred, list[Problem]]:
    extents = {entry.name: entry.shape for entry in graph.inputs}
    shapes = dict(extents)
    fields: dict[str, Seen] = {entry.name: {entry.name: _own_field(entry.shape)} for entry in graph.inputs}
    facts: dict[str, LayerInfo] = {}
    problems: list[Problem] = []
    known: dict[tuple[int, Shapes], LayerStats] = {}
    kept = 0
    for node in graph.nodes:
        if not all(name in shapes for name in node.inputs):
            continue  # below a layer that does not fit: its own problem has been said
        inputs = tuple(shapes[name] for name in node.inputs)
        key = (id(node.layer), inputs)
        try:
            figures = known.get(key) or known.setdefault(key, infer_layer(node.layer, inputs, strict=strict))
            if node.shares:
                figures = _with_shared_weights(figures, node, facts)
        except Undecided:
            problems.extend(_problem(node, DEPENDS, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        except ShapeError as misfit:
            problems.extend(_problem(node, misfit, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        try:
            seen = _receptive_fields(node, inputs, figures, fields, extents)
        except Undecided:
            seen = {name: ReceptiveField((UNKNOWN,) * (len(shape) - 1)) for name, shape in extents.items()}
        if any(map(_is_too_wide, seen.values())):
            problems.extend(_problem(node, TOO_WIDE, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        shapes[node.name] = forced.get(node.name, figures.output_shape)
        fields[node.name] = seen
        facts[node.name] = LayerInfo(node, inputs, figures, seen)
        kept += len(seen)
        if kept > MOST_FIELDS:
            raise _too_many_fields(node, graph)
    return Inferred(graph, facts), problems


def _is_too_wide(field: ReceptiveField) -> bool:
    reaches = [reach for axis in field.axes if axis.is_known for reach in (axis.advance, axis.last[-1])]
    return any(not is_symbolic(reach) and reach > WIDEST_FIELD for reach in reaches)  # symbolic ones exceed any number


def _too_many_fields(node: Node, graph: Graph) -> CnnError:
    """Every layer keeps a receptive field on every input that it depends on: their product bounds time and memory."""
    message = (
        f"{len(graph.inputs):,} inputs times the layers that depend on them are more than {MOST_FIELDS:,} "
        "receptive fields (the limit)"
    )
    place = node.origin("") if node.origin else None
    return CnnError.of([Problem(message, "use fewer inputs, or join them into one with more channels", place)])


def infer_layer(layer: Layer, inputs: Shapes, *, strict: bool = False) -> LayerStats:
    """The figures of one layer on inputs of these shapes. Raises ShapeError."""
    output = layer.output_shape(inputs)
    if too_large(output):
        raise ShapeError(f"its output would be {format_shape(output)}", "sizes go up to 2147483647 (2^31 - 1)")
    windows = layer.windows(inputs)
    slides = windows if not layer.transposed else ()
    if slides and (strict or layer.requires_exact_fit):
        check_exact(inputs[0], slides)
    lost = tuple(map(dropped, inputs[0][1:], slides)) if slides else (0,) * (len(output) - 1)
    weight_shapes, buffer_shapes = layer.weights(inputs), layer.buffers(inputs)
    biases = add_up(numel(shape) for name, shape in weight_shapes.items() if name.endswith("bias"))
    params = add_up(map(numel, weight_shapes.values()))
    return LayerStats(
        output_shape=output,
        weight_shapes=weight_shapes,
        buffer_shapes=buffer_shapes,
        windows=windows,
        local_receptive_field=() if layer.is_global else _local_receptive_field(layer, inputs, output),
        params=params,
        trainable=params - sum(numel(weight_shapes[name]) for name in layer.non_trainable),
        weights=params - biases,
        biases=biases,
        buffers=sum(map(numel, buffer_shapes.values())),
        macs=layer.macs(inputs, output),
        flops=layer.flops(inputs, output),
        connections=layer.connection_count(inputs, output),
        activations=numel(output),
        dropped=lost,
        notes=_dropped_notes(lost, windows),
    )


def _local_receptive_field(layer: Layer, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
    try:
        return layer.local_receptive_field(inputs, output)
    except Undecided:
        return ((UNKNOWN,) * (len(output) - 1),) * len(inputs)


def _with_shared_weights(figures: LayerStats, node: Node, facts: Mapping[str, LayerInfo]) -> LayerStats:
    """The figures of a layer that uses another's weights: these are counted where they stand. Raises ShapeError."""
    owner = facts.get(node.shares)
    if owner is None:
        raise ShapeError("")  # it does not fit, and that has been said
    needed, there = dict(figures.weight_shapes), dict(owner.figures.weight_shapes)
    if needed != there or type(owner.node.layer).non_trainable != type(node.layer).non_trainable:
        shown = [", ".join(map(format_shape, shapes.values())) or "none" for shapes in (needed, there)]
        raise ShapeError(
            f"it needs weights of {shown[0]}, and those of {node.shares} are {shown[1]}",
            "layers share weights of the same shapes: the same channels, filters, kernel and bias",
            "share",
        )
    if not needed:
        raise ShapeError(f"{node.layer.kind} has no weights to share", "remove share", "share")
    note = f"shares the weights of {node.shares}"
    return figures._replace(weight_shapes={}, params=0, trainable=0, weights=0, biases=0, notes=(*figures.notes, note))


def _open_dropped_note(lost: tuple[int, ...]) -> str:
    from cnncli.arithmetic.symbolic import condition_for_equality

    conditions = [condition_for_equality(count, 0) for count in lost if is_symbolic(count)]
    if not all(conditions):
        return "drops rows or columns at most sizes"
    return f"exact only if {' and '.join(conditions)}"


def _dropped_notes(lost: tuple[int, ...], windows: tuple[Window, ...]) -> tuple[str, ...]:
    if not any(lost):
        return ()
    if any(map(is_symbolic, lost)):
        return (_open_dropped_note(lost),)
    from_padding = all(count <= window.after for count, window in zip(lost, windows, strict=True))
    return (f"drops {lines_text(lost)}{' of the padding' if from_padding else ''}",)


def _own_field(shape: Shape) -> ReceptiveField:
    return ReceptiveField((ITSELF,) * (len(shape) - 1))


Seen = Mapping[str, ReceptiveField]


def _receptive_fields(
    node: Node, inputs: Shapes, figures: LayerStats, fields: Mapping[str, Seen], extents: Mapping[str, Shape]
) -> Seen:
    """Compose the layer's reach with the fields below it, and cover all paths that lead to the same input."""
    if node.layer.is_global:
        below = fields[node.inputs[0]]
        return {name: _sees_all(field, inputs[0], extents[name]) for name, field in below.items()}
    if len(node.inputs) == 1:
        return {
            name: _turned(node.layer, _through(figures.local_receptive_field[0], field, inputs[0], extents[name]))
            for name, field in fields[node.inputs[0]].items()
        }
    seen: dict[str, ReceptiveField] = {}
    for source, shape, reach in zip(node.inputs, inputs, figures.local_receptive_field, strict=True):
        for name, field in fields[source].items():
            path = _through(reach, field, shape, extents[name])
            seen[name] = _cover(seen[name], path, figures.output_shape, extents[name]) if name in seen else path
    return seen


def _through(reach: LocalReceptiveField, below: ReceptiveField, shape: Shape, extent: Shape) -> ReceptiveField:
    if len(reach) != len(below.axes):  # other axes than the network's input: reshaped below, all units see the same
        return below
    sizes = _moving_along(below, shape)
    if below.order is not None:
        reach = tuple(reach[axis] for axis in below.order)
    return _of_axes(
        tuple(
            # advance 0 of a layer means that it sees all its input; composing keeps that inside the image
            seen_by_all(field, size, n) if own.advance == 0 and own.last[0] == size - 1 else compose(own, field)
            for own, field, size, n in zip(reach, below.axes, sizes, extent[1:], strict=True)
        ),
        below.aligned,
        below.order,
    )


def _of_axes(axes: tuple[AxisField, ...], aligned: bool = True, order: tuple[int, ...] | None = None) -> ReceptiveField:
    """The field of these axes: a unit that sees nothing along one of them sees nothing at all."""
    if any(axis.sees_nothing for axis in axes):
        return ReceptiveField((NOTHING,) * len(axes))
    return ReceptiveField(axes, aligned, order)


def _turned(layer: Layer, field: ReceptiveField) -> ReceptiveField:
    """The field after a layer that may carry one axis to another."""
    if not layer.permutes_axes or field.stands:
        return field
    axes = tuple(range(len(field.axes)))
    order = tuple(layer.map_axis(axis) for axis in field.order or axes)
    return field._replace(order=None if order == axes else order)


def _sees_all(below: ReceptiveField, shape: Shape, extent: Shape) -> ReceptiveField:
    sizes = _moving_along(below, shape)
    return _of_axes(tuple(map(seen_by_all, below.axes, sizes, extent[1:])), below.aligned)


def _moving_along(field: ReceptiveField, shape: Shape) -> tuple[Size, ...]:
    """For each axis of the network's input, the size of the axis of a layer's output along which the field moves."""
    sizes = shape[1:]
    if len(sizes) != len(field.axes):  # a vector, or reshaped: no field moves
        return (1,) * len(field.axes)
    return sizes if field.order is None else tuple(sizes[axis] for axis in field.order)


def _cover(one: ReceptiveField, other: ReceptiveField, output: Shape, extent: Shape) -> ReceptiveField:
    for path, another in ((one, other), (other, one)):
        if any(axis.sees_nothing for axis in path.axes):
            return another
    moving = other if one.stands else one
    if one.order != other.order and not (one.stands or other.stands):
        everything = tuple(map(whole, extent[1:]))  # one path was turned: a unit sees two places, and all between some
        return ReceptiveField(everything, False)
    if one.axes == other.axes:
        return ReceptiveField(one.axes, one.aligned and other.aligned, moving.order)
    units = _moving_along(moving, output)
    joined = [join(a, b, n, m) for a, b, n, m in zip(one.axes, other.axes, units, extent[1:], strict=True)]
    aligned = one.aligned and other.aligned and all(same for _, same in joined)
    return ReceptiveField(tuple(field for field, _ in joined), aligned, moving.order)


def _problem(node: Node, misfit: ShapeError, graph: Graph, shapes: Mapping[str, Shape], *, walk: bool) -> list[Problem]:
    if not str(misfit):
        return []  # a layer that could not be read; its problem stands with the file's
    place = node.origin(misfit.field) if node.origin else None
    way = _way(node, graph, shapes) if walk else ""  # only for those that will be shown: a way is a walk up the graph
    return [Problem(str(misfit), misfit.hint, place, node.name, way, NO)]


def _way(node: Node, graph: Graph, shapes: Mapping[str, Shape]) -> str:
    """The shapes along the way to a node, back through first inputs; only where they change, the middle left out."""
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
