"""Which inputs one unit sees, exactly: the graph walked back from the unit, clipped at every border on the way.

A receptive field (``field.py``) says what a unit would see of an image without borders. Near a border a unit sees less:
what lies in an intermediate layer's padding depends on no pixel. Here the units that matter are followed from layer to
layer, per axis, tap by tap, so that dilation, transposed convolutions and several paths are exact. The pixels with a
non-zero gradient for some weights are those; their bounding rectangle is given. Araujo, Norris and Sim 2019.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnncli.errors import CnnError
from cnncli.field import Field
from cnncli.inference import Facts, Inferred
from cnncli.shape import Shape
from cnncli.window import Window

Region = tuple[set[int], ...]  # the indices that matter, on each axis
Rectangle = tuple[tuple[int, int], ...]  # the first and the last index on each axis
LARGEST = 1_000_000  # indices on an axis that are followed one by one


def footprint(inferred: Inferred, layer: str, unit: tuple[int, ...]) -> dict[str, Rectangle]:
    """The rectangle of every input that the unit of a layer's map sees; inputs of which it sees nothing are left out.

    ``unit`` has an index for each axis of the map, and none for a vector. Raises CnnError where an axis is too long.
    """
    if any(size > LARGEST for entry in inferred.graph.inputs for size in entry.shape[1:]):
        raise CnnError(f"an input is longer than {LARGEST:,} on an axis (the limit)", "use a smaller --input")
    regions: dict[str, Region] = {layer: tuple({index} for index in unit)}
    for name in reversed([*inferred.facts]):
        region = regions.pop(name, None)
        if region is None:
            continue
        facts = inferred.facts[name]
        for at, source in enumerate(facts.node.inputs):
            seen = _seen(facts, at, region)
            if all(seen):
                regions[source] = _united(regions.get(source), seen)
    return {name: tuple((min(axis), max(axis)) for axis in region) for name, region in regions.items()}


def _united(one: Region | None, other: Region) -> Region:
    return other if one is None else tuple(a | b for a, b in zip(one, other, strict=True))


def _seen(facts: Facts, at: int, region: Region) -> Region:
    """What a region of a layer's output sees of one of its inputs."""
    layer, sizes = facts.node.layer, facts.input_shapes[at][1:]
    if layer.sees_everything or len(region) != len(sizes):
        return _all_of(sizes)
    windows = facts.figures.windows
    axes = []
    for axis, size in enumerate(sizes):
        units = region[layer.carried(axis)] if layer.turns else region[axis]
        reach: Field = facts.figures.reach[at][axis]
        if reach.advance == 0 and reach.size >= size:
            axes.append(set(range(size)))
        elif windows:
            taps = _spread_taps if layer.transposed else _taps
            axes.append(_real(taps(windows[axis], units), size, _border_mode(layer)))
        else:
            indices = (i for unit in units for i in range(reach.low(unit), reach.high(unit) + 1))
            axes.append(_real(indices, size, _border_mode(layer)))
    return tuple(axes)


def _all_of(sizes: Shape) -> Region:
    return tuple(set(range(size)) for size in sizes)


def _taps(window: Window, units: Iterable[int]) -> Iterable[int]:
    """The inputs under the taps of a window, the padding's as well."""
    for unit in units:
        start = unit * window.stride - window.before
        yield from range(start, start + window.span, window.dilation)


def _spread_taps(window: Window, units: Iterable[int]) -> Iterable[int]:
    """The inputs that a transposed window spreads on to the units."""
    for unit in units:
        for tap in range(window.kernel):
            place = unit + window.before - tap * window.dilation
            if place % window.stride == 0:
                yield place // window.stride


def _border_mode(layer: Any) -> str:
    return str(getattr(layer, "padding_mode", getattr(layer, "mode", "zeros")))


def _real(indices: Iterable[int], size: int, mode: str) -> set[int]:
    """The indices inside the axis; those of a border that repeats pixels are the pixels repeated."""
    found = set(indices)
    if mode == "reflect":
        last = size - 1
        return {last - abs(last - abs(index)) for index in found}
    if mode == "replicate":
        return {min(max(index, 0), size - 1) for index in found}
    if mode == "circular":
        return {index % size for index in found}
    return {index for index in found if 0 <= index < size}


def middle_unit(shape: Shape) -> tuple[int, ...]:
    """The unit in the middle of a map."""
    return tuple((size - 1) // 2 for size in shape[1:])


def share(rectangle: Rectangle, shape: Shape) -> float:
    """How much of an input of that shape lies in the rectangle."""
    part = 1.0
    for (first, last), size in zip(rectangle, shape[1:], strict=True):
        part *= (last - first + 1) / size
    return part
