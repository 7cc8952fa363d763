"""The calculated input regions and receptive fields of some units against the gradients of PyTorch.

Two calculations are compared with the measurement (:mod:`gradients`): the exact input region of a unit, and the
receptive field, which ignores borders and therefore bounds the region.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnncli.analysis.input_region import LARGEST, Rectangle, input_region, middle_unit
from cnncli.arithmetic.axis_field import PERIOD_LIMIT, AxisField, outermost
from cnncli.arithmetic.shape import Shape
from cnncli.executor.network.network import place_of, torch_errors_at
from cnncli.executor.verification.measured_regions import measured_input_region
from cnncli.inference import Inferred, LayerInfo, ReceptiveField

SAMPLE = 16  # layers, each of which takes a walk back through the network


def sampled_layers(inferred: Inferred) -> set[str]:
    """Layers with feature maps, evenly spaced, including the last one."""
    small = all(size <= LARGEST for entry in inferred.graph.inputs for size in entry.shape[1:])
    maps = [name for name, info in inferred.layers.items() if len(info.stats.output_shape) > 1 and small]
    step = max(1, -(-len(maps) // SAMPLE))
    return {*maps[::-step]}


def field_difference(inferred: Inferred, name: str) -> str:
    """The first difference between what some units are calculated to depend on and what they do; "" if none.

    Raises CnnError where torch cannot compute a layer.
    """
    dependencies = _dependencies(inferred, name)
    for unit in _sampled_units(inferred, name):
        with torch_errors_at(place_of(inferred.layers[name])):
            measured = measured_input_region(inferred, name, unit)
        calculated = input_region(inferred, name, unit)
        if calculated != measured:
            return _difference(calculated, measured)
        difference = _contradiction(inferred, name, unit, measured, dependencies)
        if difference:
            return difference
    return ""


def _sampled_units(inferred: Inferred, name: str) -> list[tuple[int, ...]]:
    """The middle unit, the first corner, and units from the middle on whose receptive field is calculated to be the
    largest and the smallest, which differ where units differ."""
    output = inferred.shape(name)
    middle = middle_unit(output)
    units = [middle, (0,) * len(middle)]
    for field in inferred.layers[name].receptive_field.values():
        order = field.order or range(len(field.axes))
        if len(field.axes) != len(middle):
            continue
        largest, smallest = list(middle), list(middle)
        for axis, own in zip(order, field.axes, strict=True):
            candidates = range(middle[axis], min(middle[axis] + own.period, output[1 + axis]))
            sizes = [0 if own.is_empty(unit) else own.high(unit) - own.low(unit) + 1 for unit in candidates]
            largest[axis] = candidates[sizes.index(max(sizes))]
            smallest[axis] = candidates[sizes.index(min(sizes))]
        units += [tuple(largest), tuple(smallest)]
    return [*dict.fromkeys(units)]


def _dependencies(inferred: Inferred, name: str) -> list[LayerInfo]:
    """The layer and all earlier layers that it depends on, from the layer to the input."""
    wanted, found = {name}, []
    for info in reversed([*inferred.layers.values()]):
        if info.node.name in wanted:
            wanted.update(info.node.inputs)
            found.append(info)
    return found


def _contradiction(
    inferred: Inferred,
    name: str,
    unit: tuple[int, ...],
    measured: Mapping[str, Rectangle],
    dependencies: list[LayerInfo],
) -> str:
    """The contradiction between the measured region and the unit's calculated receptive field; "" if there is none."""
    if not all(map(_is_bounded, dependencies)):
        return ""
    exact = _is_away_from_borders(dependencies, unit)
    for entry in inferred.graph.inputs:
        field, region = inferred.layers[name].receptive_field.get(entry.name), measured.get(entry.name)
        if field is None or not field.aligned:
            continue  # the merged paths differ in stride or center: there is no single receptive field
        calculated = _receptive_field_of(field, unit)
        clipped = calculated and _clipped(calculated, entry.shape)
        if not (region == calculated if exact else _contains(clipped, region)):
            return _difference({entry.name: clipped}, {entry.name: region})
    return ""


def _is_away_from_borders(dependencies: list[LayerInfo], unit: tuple[int, ...]) -> bool:
    """Whether all that a unit depends on, in every earlier layer, lies inside the feature map there.

    A receptive field ignores borders: such a unit depends on exactly its receptive field, others on a part of it.
    """
    regions: dict[str, Rectangle] = {dependencies[0].node.name: tuple((at, at) for at in unit)}
    for info in dependencies:
        layer, region = info.node.layer, regions.pop(info.node.name, None)
        if region is None:
            continue  # later layers read nothing of it: only gaps between the taps of a transposed convolution
        if layer.is_global:
            return False
        for source, shape, local in zip(
            info.node.inputs, info.input_shapes, info.stats.local_receptive_field, strict=True
        ):
            if not len(region) == len(local) == len(shape) - 1 or not all(field.advance for field in local):
                return False
            order = [layer.map_axis(axis) if layer.permutes_axes else axis for axis in range(len(local))]
            read = _read_by(local, [region[axis] for axis in order])
            if read is None:
                continue
            if read != _clipped(read, shape):
                return False
            regions[source] = _hull(regions[source], read) if source in regions else read
    return True


def _read_by(local: tuple[AxisField, ...], region: list[tuple[int, int]]) -> Rectangle | None:
    """The bounding rectangle of what a region of a layer's output reads from an input; None if it reads nothing."""
    read = []
    for field, (first, last) in zip(local, region, strict=True):
        ends = outermost(field)(range(first, last + 1))
        if ends is None:
            return None
        read.append((field.low(ends[0]), field.high(ends[1])))
    return tuple(read)


def _hull(one: Rectangle, other: Rectangle) -> Rectangle:
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))


def _clipped(box: Rectangle, shape: Shape) -> Rectangle:
    return tuple((max(0, low), min(size - 1, high)) for (low, high), size in zip(box, shape[1:], strict=True))


def _contains(outer: Rectangle | None, inner: Rectangle | None) -> bool:
    """Whether a rectangle lies in another; None is the empty rectangle."""
    if outer is None or inner is None:
        return inner is None
    return all(a <= low and high <= b for (a, b), (low, high) in zip(outer, inner, strict=True))


def _receptive_field_of(field: ReceptiveField, unit: tuple[int, ...]) -> Rectangle | None:
    """The calculated receptive field of a unit, None if it is empty."""
    order = field.order or range(len(field.axes))
    # an axis that does not advance is the same for all units, and the output may have no such axis
    at = [unit[axis] if own.advance else 0 for own, axis in zip(field.axes, order, strict=True)]
    if any(own.is_empty(i) for own, i in zip(field.axes, at, strict=True)):
        return None
    return tuple((own.low(i), own.high(i)) for own, i in zip(field.axes, at, strict=True))


def _is_bounded(info: LayerInfo) -> bool:
    """Whether units depend on nothing outside their receptive field.

    A border filled with values of the input can refer to values further away, and long patterns are rounded.
    """
    fields = [*info.stats.local_receptive_field, *(field.axes for field in info.receptive_field.values())]
    rounded = any(len(axis.first) >= PERIOD_LIMIT for axes in fields for axis in axes)
    return info.node.layer.padding_fill in ("zeros", "partial") and not rounded


def _difference(calculated: Mapping[str, Rectangle | None], measured: Mapping[str, Rectangle | None]) -> str:
    """``0..2x0..2, torch 0..3x0..2``."""
    texts = [
        " ".join("x".join(f"{first}..{last}" for first, last in box) for box in boxes.values() if box is not None)
        for boxes in (calculated, measured)
    ]
    return f"{texts[0] or 'nothing'}, torch {texts[1] or 'nothing'}"
