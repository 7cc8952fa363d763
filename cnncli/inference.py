"""Graph -> the shapes, counts and receptive field of every node, in one pass that names no layer type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncli.arithmetic.axis_field import (
    ITSELF,
    NOTHING,
    UNKNOWN,
    AxisField,
    compose,
    field_of_all,
    full_axis,
    merge_fields,
)
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
from cnncli.errors import NO, SHOWN_AT_MOST, CnnError, Problem
from cnncli.graph import Graph, Node
from cnncli.layer_names import output_layer, unknown_layer
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes
from cnncli.layers.window_fields import check_exact, dropped_notes

BYTES_PER_PARAMETER = 4  # float32
MOST_FIELDS = 400_000  # receptive fields, one per layer and input that it depends on: 100,000 layers, 4 inputs


class LayerStats(NamedTuple):
    """The quantities of a layer on inputs of given shapes. Counts are for one example."""

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
    """The field on one network input, per axis, and whether all paths to it agree in stride and center (``aligned``).

    There is a field for each spatial axis of the network's input. ``order`` gives the axis of the layer's output along
    which each of them moves, if that differs from the input's. After a global layer (reshape, global pooling) no field
    moves any more, and the output may have any number of axes.
    """

    axes: tuple[AxisField, ...]
    aligned: bool = True
    order: tuple[int, ...] | None = None

    @property
    def is_constant(self) -> bool:
        """Whether all units depend on the same inputs."""
        return all(field.advance == 0 for field in self.axes)

    def covers(self, shape: Shape) -> bool:
        """Whether every unit depends on the entire input of that shape."""
        return all(
            field.advance == 0 and field.first[0] <= 0 and field.last[0] >= size - 1
            for field, size in zip(self.axes, shape[1:], strict=True)
        )


class LayerInfo(NamedTuple):
    """A node with its quantities and its receptive field on each network input that it depends on."""

    node: Node
    input_shapes: Shapes
    stats: LayerStats
    receptive_field: Mapping[str, ReceptiveField]

    @property
    def figures(self) -> LayerStats:
        """The name of ``stats`` in version 0.2, for programs that use it."""
        return self.stats


SUMMED = ("params", "trainable", "weights", "biases", "buffers", "macs", "flops", "connections", "activations")


class Inferred(NamedTuple):
    """A graph with the results for its nodes, by name, in the order of computation.

    With symbolic sizes, ``assumed`` are expressions that are at least 0 at every size that the network accepts.
    """

    graph: Graph
    layers: Mapping[str, LayerInfo]
    assumed: tuple[Size, ...] = ()

    @property
    def facts(self) -> Mapping[str, LayerInfo]:
        """The name of ``layers`` in version 0.2, for programs that use it."""
        return self.layers

    @property
    def has_symbolic_sizes(self) -> bool:
        """Whether an input has a symbolic size."""
        return any(is_symbolic(size) for entry in self.graph.inputs for size in entry.shape)

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the inputs' symbolic sizes."""
        if not self.has_symbolic_sizes:
            return ()
        from cnncli.arithmetic.symbolic import letters_of

        return letters_of(size for entry in self.graph.inputs for size in entry.shape)

    @property
    def totals(self) -> dict[str, int]:
        """The sum of each quantity over all layers, and the bytes of the parameters in float32."""
        all_stats = [info.stats for info in self.layers.values()]
        totals = {name: add_up(getattr(stats, name) for stats in all_stats) for name in SUMMED}
        return {**totals, "parameter_bytes": totals["params"] * BYTES_PER_PARAMETER}

    def layer(self, name: str) -> LayerInfo:
        """The results for a layer by name. Raises CnnError for an unknown name."""
        if name not in self.layers:
            raise unknown_layer(self.graph, name)
        return self.layers[name]

    def output_of(self, name: str) -> LayerInfo:
        """The results for a layer, or for the last layer of the composite of that name. Raises CnnError for others."""
        return self.layers[output_layer(self.graph, name)]

    def shape(self, name: str) -> Shape:
        """The shape of a node's output, or of an input."""
        if name in self.layers:
            return self.layers[name].stats.output_shape
        return next(entry.shape for entry in self.graph.inputs if entry.name == name)


NO_FORMULA = ShapeError(
    "its output size depends on the symbolic sizes in a way that no single formula expresses",
    "give a numeric input size, e.g. 3x224x224",
)


WIDEST_FIELD = 10**100  # pixels; each window of stride 2 on a 1x1 feature map doubles the RF stride
TOO_WIDE = ShapeError(
    "its receptive field or RF stride would exceed 10^100 pixels (the limit)",
    "a 1x1 feature map cannot shrink: use stride 1 there, or fewer layers",
)


def infer(graph: Graph, *, strict: bool = False) -> Inferred:
    """Infer every node. Time grows linearly with the number of nodes.

    ``strict`` treats every layer as ``rounding: exact``. Raises CnnError with all independent shape errors; those that
    follow from an earlier one are left out.
    """
    inferred, problems = infer_all(graph, strict=strict)
    if problems:
        raise CnnError.of(problems)
    return inferred


def infer_all(
    graph: Graph, *, strict: bool = False, forced: Mapping[str, Shape] = {}
) -> tuple[Inferred, list[Problem]]:
    """Like :func:`infer`, but returns the problems along with the results of all nodes that could be inferred.

    ``forced`` are output shapes by layer that later layers read instead of the inferred ones.
    """
    inferred, problems = _infer_all(graph, strict=strict, forced=forced)
    if inferred.has_symbolic_sizes:
        inferred = inferred._replace(assumed=_assumed(inferred))
    return inferred, problems


def _assumed(inferred: Inferred) -> tuple[Size, ...]:
    """The assumptions of all output shapes about symbolic sizes."""
    from cnncli.arithmetic.symbolic import assumptions

    asked = {(id(info.node.layer), info.input_shapes): info for info in inferred.layers.values()}
    with assumptions() as assumed:
        for info in asked.values():
            info.node.layer.output_shape(info.input_shapes)
    return tuple(assumed)


def _infer_all(graph: Graph, *, strict: bool, forced: Mapping[str, Shape]) -> tuple[Inferred, list[Problem]]:
    extents = {entry.name: entry.shape for entry in graph.inputs}
    shapes = dict(extents)
    fields: dict[str, Fields] = {entry.name: {entry.name: _own_field(entry.shape)} for entry in graph.inputs}
    layers: dict[str, LayerInfo] = {}
    problems: list[Problem] = []
    known: dict[tuple[int, Shapes], LayerStats] = {}
    kept = 0
    for node in graph.nodes:
        if not all(name in shapes for name in node.inputs):
            continue  # after a layer that does not fit, which has been reported
        inputs = tuple(shapes[name] for name in node.inputs)
        key = (id(node.layer), inputs)
        try:
            stats = known.get(key) or known.setdefault(key, infer_layer(node.layer, inputs, strict=strict))
            if node.shares:
                stats = _with_shared_weights(stats, node, layers)
        except Undecided:
            problems.extend(_problem(node, NO_FORMULA, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        except ShapeError as error:
            problems.extend(_problem(node, error, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        try:
            own = _receptive_fields(node, inputs, stats, fields, extents)
        except Undecided:
            own = {name: ReceptiveField((UNKNOWN,) * (len(shape) - 1)) for name, shape in extents.items()}
        if any(map(_is_too_wide, own.values())):
            problems.extend(_problem(node, TOO_WIDE, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        shapes[node.name] = forced.get(node.name, stats.output_shape)
        fields[node.name] = own
        layers[node.name] = LayerInfo(node, inputs, stats, own)
        kept += len(own)
        if kept > MOST_FIELDS:
            raise _too_many_fields(node, graph)
    return Inferred(graph, layers), problems


def _is_too_wide(field: ReceptiveField) -> bool:
    ends = [end for axis in field.axes if axis.is_known for end in (axis.advance, axis.last[-1])]
    return any(not is_symbolic(end) and end > WIDEST_FIELD for end in ends)  # symbolic sizes exceed any number


def _too_many_fields(node: Node, graph: Graph) -> CnnError:
    """The error for a graph whose number of layers times inputs would take too much time and memory."""
    message = (
        f"{len(graph.inputs):,} inputs times the layers that depend on them are more than {MOST_FIELDS:,} "
        "receptive fields (the limit)"
    )
    place = node.origin("") if node.origin else None
    return CnnError.of([Problem(message, "use fewer inputs, or one input with more channels", place)])


def infer_layer(layer: Layer, inputs: Shapes, *, strict: bool = False) -> LayerStats:
    """The quantities of one layer on inputs of these shapes. Raises ShapeError."""
    output = layer.output_shape(inputs)
    if too_large(output):
        raise ShapeError(f"its output would be {format_shape(output)}", "sizes go up to 2147483647 (2^31 - 1)")
    windows = layer.windows(inputs)
    slides = windows if not layer.transposed else ()
    if slides and (strict or layer.requires_exact_fit):
        check_exact(inputs[0], slides)
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
        dropped=tuple(map(dropped, inputs[0][1:], slides)) if slides else (0,) * (len(output) - 1),
        notes=dropped_notes(inputs[0], slides),
    )


def _local_receptive_field(layer: Layer, inputs: Shapes, output: Shape) -> tuple[LocalReceptiveField, ...]:
    try:
        return layer.local_receptive_field(inputs, output)
    except Undecided:
        return ((UNKNOWN,) * (len(output) - 1),) * len(inputs)


def _with_shared_weights(stats: LayerStats, node: Node, layers: Mapping[str, LayerInfo]) -> LayerStats:
    """The quantities of a layer that uses another's weights, which are counted once. Raises ShapeError."""
    owner = layers.get(node.shares)
    if owner is None:
        raise ShapeError("")  # the owner does not fit, which has been reported
    needed, there = dict(stats.weight_shapes), dict(owner.stats.weight_shapes)
    if needed != there or type(owner.node.layer).non_trainable != type(node.layer).non_trainable:
        shown = [", ".join(map(format_shape, shapes.values())) or "none" for shapes in (needed, there)]
        raise ShapeError(
            f"it needs weights of shape {shown[0]}, but those of {node.shares} have shape {shown[1]}",
            "give both layers the same channels, filters, kernel and bias",
            "share",
        )
    if not needed:
        raise ShapeError(f"{node.layer.kind} has no weights to share", "remove share", "share")
    note = f"shares the weights of {node.shares}"
    return stats._replace(weight_shapes={}, params=0, trainable=0, weights=0, biases=0, notes=(*stats.notes, note))


def _own_field(shape: Shape) -> ReceptiveField:
    return ReceptiveField((ITSELF,) * (len(shape) - 1))


Fields = Mapping[str, ReceptiveField]  # by network input


def _receptive_fields(
    node: Node, inputs: Shapes, stats: LayerStats, fields: Mapping[str, Fields], extents: Mapping[str, Shape]
) -> Fields:
    """Compose the layer's local field with those of its inputs, and merge the paths that lead to the same input."""
    if node.layer.is_global:
        earlier = fields[node.inputs[0]]
        return {name: _global_field(field, inputs[0], extents[name]) for name, field in earlier.items()}
    if len(node.inputs) == 1:
        return {
            name: _permuted(node.layer, _through(stats.local_receptive_field[0], field, inputs[0], extents[name]))
            for name, field in fields[node.inputs[0]].items()
        }
    merged: dict[str, ReceptiveField] = {}
    for source, shape, local in zip(node.inputs, inputs, stats.local_receptive_field, strict=True):
        for name, field in fields[source].items():
            path = _through(local, field, shape, extents[name])
            merged[name] = _merged(merged[name], path, stats.output_shape, extents[name]) if name in merged else path
    return merged


def _through(local: LocalReceptiveField, earlier: ReceptiveField, shape: Shape, extent: Shape) -> ReceptiveField:
    if len(local) != len(earlier.axes):  # reshaped earlier: all units depend on the same inputs
        return earlier
    sizes = _moving_along(earlier, shape)
    if earlier.order is not None:
        local = tuple(local[axis] for axis in earlier.order)
    return _of_axes(
        tuple(
            # a layer that reads its entire input is clipped to the image, which composing would not do
            field_of_all(field, size, n) if own.advance == 0 and own.last[0] == size - 1 else compose(own, field)
            for own, field, size, n in zip(local, earlier.axes, sizes, extent[1:], strict=True)
        ),
        earlier.aligned,
        earlier.order,
    )


def _of_axes(axes: tuple[AxisField, ...], aligned: bool = True, order: tuple[int, ...] | None = None) -> ReceptiveField:
    """The field of these axes: a unit that is empty on one of them depends on no input at all."""
    if any(axis.is_always_empty for axis in axes):
        return ReceptiveField((NOTHING,) * len(axes))
    return ReceptiveField(axes, aligned, order)


def _permuted(layer: Layer, field: ReceptiveField) -> ReceptiveField:
    """The field after a layer that may permute the axes."""
    if not layer.permutes_axes or field.is_constant:
        return field
    axes = tuple(range(len(field.axes)))
    order = tuple(layer.map_axis(axis) for axis in field.order or axes)
    return field._replace(order=None if order == axes else order)


def _global_field(earlier: ReceptiveField, shape: Shape, extent: Shape) -> ReceptiveField:
    sizes = _moving_along(earlier, shape)
    return _of_axes(tuple(map(field_of_all, earlier.axes, sizes, extent[1:])), earlier.aligned)


def _moving_along(field: ReceptiveField, shape: Shape) -> tuple[Size, ...]:
    """For each axis of the network's input, the size of the axis of a layer's output along which the field moves."""
    sizes = shape[1:]
    if len(sizes) != len(field.axes):  # a vector, or reshaped: no field moves
        return (1,) * len(field.axes)
    return sizes if field.order is None else tuple(sizes[axis] for axis in field.order)


def _merged(one: ReceptiveField, other: ReceptiveField, output: Shape, extent: Shape) -> ReceptiveField:
    for path, another in ((one, other), (other, one)):
        if any(axis.is_always_empty for axis in path.axes):
            return another
    moving = other if one.is_constant else one
    if one.order != other.order and not (one.is_constant or other.is_constant):
        everything = tuple(map(full_axis, extent[1:]))  # one path is permuted: cover both regions
        return ReceptiveField(everything, False)
    if one.axes == other.axes:
        return ReceptiveField(one.axes, one.aligned and other.aligned, moving.order)
    units = _moving_along(moving, output)
    joined = [merge_fields(a, b, n, m) for a, b, n, m in zip(one.axes, other.axes, units, extent[1:], strict=True)]
    aligned = one.aligned and other.aligned and all(same for _, same in joined)
    return ReceptiveField(tuple(field for field, _ in joined), aligned, moving.order)


def _problem(node: Node, error: ShapeError, graph: Graph, shapes: Mapping[str, Shape], *, walk: bool) -> list[Problem]:
    if not str(error):
        return []  # a layer that could not be read, which the file's problems report
    place = node.origin(error.field) if node.origin else None
    way = _way(node, graph, shapes) if walk else ""  # walks back through the graph: only for problems that are shown
    return [Problem(str(error), error.hint, place, node.name, way, NO)]


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
