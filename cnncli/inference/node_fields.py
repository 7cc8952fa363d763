"""The receptive field of every node on each network input: local fields composed along paths, and merged."""

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
from cnncli.arithmetic.shape import Shape, Size, is_symbolic
from cnncli.graph import Node
from cnncli.layers.base import Layer, LocalReceptiveField, Shapes

WIDEST_FIELD = 10**100  # pixels; each window of stride 2 on a 1x1 feature map doubles the RF stride


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


def own_field(shape: Shape) -> ReceptiveField:
    """The field of a network input: itself."""
    return ReceptiveField((ITSELF,) * (len(shape) - 1))


Fields = Mapping[str, ReceptiveField]  # by network input


def unknown_field(shape: Shape) -> ReceptiveField:
    """A field whose extent depends on the symbolic sizes."""
    return ReceptiveField((UNKNOWN,) * (len(shape) - 1))


def is_too_wide(field: ReceptiveField) -> bool:
    """Whether a field or its stride exceeds the limit on an axis."""
    ends = [end for axis in field.axes if axis.is_known for end in (axis.advance, axis.last[-1])]
    return any(not is_symbolic(end) and end > WIDEST_FIELD for end in ends)  # symbolic sizes exceed any number


def fields_of_node(
    node: Node,
    inputs: Shapes,
    local_fields: tuple[LocalReceptiveField, ...],
    output: Shape,
    fields: Mapping[str, Fields],
    extents: Mapping[str, Shape],
) -> Fields:
    """Compose the layer's local field with those of its inputs, and merge the paths that lead to the same input."""
    if node.layer.is_global:
        earlier = fields[node.inputs[0]]
        return {name: _global_field(field, inputs[0], extents[name]) for name, field in earlier.items()}
    if len(node.inputs) == 1:
        return {
            name: _permuted(node.layer, _through(local_fields[0], field, inputs[0], extents[name]))
            for name, field in fields[node.inputs[0]].items()
        }
    merged: dict[str, ReceptiveField] = {}
    for source, shape, local in zip(node.inputs, inputs, local_fields, strict=True):
        for name, field in fields[source].items():
            path = _through(local, field, shape, extents[name])
            merged[name] = _merged(merged[name], path, output, extents[name]) if name in merged else path
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
