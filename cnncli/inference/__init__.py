"""Graph -> the shapes, counts and receptive field of every node, in one pass that names no layer type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncli.arithmetic.axis_field import UNKNOWN
from cnncli.arithmetic.shape import Shape, Size, add_up, format_shape, is_symbolic, numel, too_large
from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.window import Window, dropped
from cnncli.errors import SHOWN_AT_MOST, CnnError, Problem
from cnncli.graph import Graph, Node
from cnncli.inference.node_fields import Fields, fields_of_node, is_too_wide, own_field, unknown_field
from cnncli.inference.node_fields import ReceptiveField as ReceptiveField
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
    def smallest_sizes(self) -> dict[str, int | None]:
        """By letter, the smallest size from which on the network works, ignoring conditions on several letters."""
        from cnncli.arithmetic.symbolic import smallest

        return {name: smallest(self.assumed, name) for name in self.letters}

    @property
    def totals(self) -> dict[str, int]:
        """The sum of each quantity over all layers, and the bytes of the parameters in float32."""
        all_stats = [info.stats for info in self.layers.values()]
        totals = {name: add_up(getattr(stats, name) for stats in all_stats) for name in SUMMED}
        return {**totals, "parameter_bytes": totals["params"] * BYTES_PER_PARAMETER}

    def layer(self, name: str) -> LayerInfo:
        """The results for a layer by name. Raises CnnError for an unknown name."""
        if name not in self.layers:
            from cnncli.layer_names import unknown_layer  # needed only for errors

            raise unknown_layer(self.graph, name)
        return self.layers[name]

    def output_of(self, name: str) -> LayerInfo:
        """The results for a layer, or for the last layer of the composite of that name. Raises CnnError for others."""
        from cnncli.layer_names import output_layer

        return self.layers[output_layer(self.graph, name)]

    def shape(self, name: str) -> Shape:
        """The shape of a node's output, or of an input."""
        if name in self.layers:
            return self.layers[name].stats.output_shape
        return next(entry.shape for entry in self.graph.inputs if entry.name == name)


NO_FORMULA = (
    "its output size depends on the symbolic sizes in a way that no single formula expresses",
    "give a numeric input size, e.g. 3x224x224",
)


TOO_WIDE = (
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
    fields: dict[str, Fields] = {entry.name: {entry.name: own_field(entry.shape)} for entry in graph.inputs}
    layers: dict[str, LayerInfo] = {}
    problems: list[Problem] = []
    known: dict[tuple[int, Shapes], LayerStats] = {}
    kept = 0
    for node in graph.nodes:
        if not all(name in shapes for name in node.inputs):
            continue  # after a layer that does not fit, which has been reported
        inputs = tuple(shapes[name] for name in node.inputs)
        try:
            stats = _stats(node, inputs, known, layers, strict=strict)
            own = _fields(node, inputs, stats, fields, extents)
        except ShapeError as error:
            from cnncli.inference.problems import shape_problem

            if str(error):  # else the problems of the file report it
                problems.append(shape_problem(node, error, graph, shapes, walk=len(problems) < SHOWN_AT_MOST))
            continue
        shapes[node.name] = forced.get(node.name, stats.output_shape)
        fields[node.name] = own
        layers[node.name] = LayerInfo(node, inputs, stats, own)
        kept += len(own)
        if kept > MOST_FIELDS:
            from cnncli.inference.problems import too_many_fields

            raise too_many_fields(node, graph, MOST_FIELDS)
    return Inferred(graph, layers), problems


def _stats(
    node: Node,
    inputs: Shapes,
    known: dict[tuple[int, Shapes], LayerStats],
    layers: Mapping[str, LayerInfo],
    *,
    strict: bool,
) -> LayerStats:
    """The quantities of a node, calculated once for each layer and shapes. Raises ShapeError."""
    key = (id(node.layer), inputs)
    try:
        stats = known.get(key) or known.setdefault(key, infer_layer(node.layer, inputs, strict=strict))
        return _with_shared_weights(stats, node, layers) if node.shares else stats
    except Undecided:
        raise ShapeError(*NO_FORMULA) from None


def _fields(
    node: Node, inputs: Shapes, stats: LayerStats, fields: Mapping[str, Fields], extents: Mapping[str, Shape]
) -> Fields:
    """The receptive field of a node on each network input. Raises ShapeError for one that exceeds the limit."""
    try:
        own = fields_of_node(node, inputs, stats.local_receptive_field, stats.output_shape, fields, extents)
    except Undecided:
        own = {name: unknown_field(shape) for name, shape in extents.items()}
    if any(map(is_too_wide, own.values())):
        raise ShapeError(*TOO_WIDE)
    return own


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
