"""Which inputs one unit sees, exactly: the graph walked back from the unit, clipped at every border on the way.

A receptive field (``field.py``) says what a unit would see of an image without borders. Near a border a unit sees less:
what lies in an intermediate layer's padding depends on no pixel. Here the units that matter are followed from layer to
layer, per axis, tap by tap, so that dilation, transposed convolutions and several paths are exact. The pixels with a
non-zero gradient for some weights are those; their bounding rectangle is given. Araujo, Norris and Sim 2019.
"""

from __future__ import annotations

from cnncli.arithmetic.receptive_field import AxisField
from cnncli.arithmetic.shape import Shape
from cnncli.arithmetic.window import Window, transposed_taps
from cnncli.errors import CnnError
from cnncli.inference import Inferred, LayerInfo

Indices = range | set[int]  # that matter on an axis: a range as long as there is no gap, which costs nothing to follow
Region = tuple[Indices, ...]
Rectangle = tuple[tuple[int, int], ...]  # the first and the last index on each axis
LARGEST = 1_000_000  # indices on an axis
MOST = 10_000_000  # indices that are followed one by one, over all layers: some seconds


class _Work:
    """How many indices have been followed one by one. ``add`` raises CnnError past the limit."""

    def __init__(self) -> None:
        self.done = 0

    def add(self, indices: int) -> None:
        self.done += indices
        if self.done > MOST:
            raise CnnError(
                f"what the unit sees is in more than {MOST:,} places on the way to the input (the limit)",
                "use a smaller --input, or a layer nearer to the input; cnn summarize shows the size of every field",
            )


def footprint(inferred: Inferred, layer: str, unit: tuple[int, ...]) -> dict[str, Rectangle]:
    """The rectangle of every input that the unit of a layer's map sees; inputs of which it sees nothing are left out.

    ``unit`` has an index for each axis of the map, and none for a vector. Raises CnnError where an axis is too long, or
    too many indices would have to be followed one by one.
    """
    if any(size > LARGEST for entry in inferred.graph.inputs for size in entry.shape[1:]):
        raise CnnError(f"an input is longer than {LARGEST:,} on an axis (the limit)", "use a smaller --input")
    work = _Work()
    regions: dict[str, Region] = {layer: tuple(range(index, index + 1) for index in unit)}
    for name in reversed([*inferred.facts]):
        region = regions.pop(name, None)
        if region is None:
            continue
        facts = inferred.facts[name]
        for at, source in enumerate(facts.node.inputs):
            seen = _seen(facts, at, region, work)
            if all(seen):
                regions[source] = _united(regions.get(source), seen)
    return {name: tuple(map(_ends, region)) for name, region in regions.items()}


def _ends(indices: Indices) -> tuple[int, int]:
    return (indices[0], indices[-1]) if isinstance(indices, range) else (min(indices), max(indices))


def _united(one: Region | None, other: Region) -> Region:
    return other if one is None else tuple(map(_union, one, other))


def _union(one: Indices, other: Indices) -> Indices:
    if isinstance(one, range) and isinstance(other, range) and one.start <= other.stop and other.start <= one.stop:
        return range(min(one.start, other.start), max(one.stop, other.stop))
    return {*one, *other}


def _seen(facts: LayerInfo, at: int, region: Region, work: _Work) -> Region:
    """What a region of a layer's output sees of one of its inputs."""
    layer, sizes = facts.node.layer, facts.input_shapes[at][1:]
    if layer.is_global or len(region) != len(sizes):
        return tuple(map(range, sizes))
    windows = facts.figures.windows
    axes: list[Indices] = []
    for axis, size in enumerate(sizes):
        units = region[layer.map_axis(axis)] if layer.permutes_axes else region[axis]
        reach: AxisField = facts.figures.local_receptive_field[at][axis]
        if reach.advance == 0 and reach.size >= size:
            axes.append(range(size))
            continue
        if not windows:
            indices = _reached(reach, units, work)
        elif layer.transposed:
            indices = _spread_taps(windows[axis], units, work)
        else:
            indices = _taps(windows[axis], units, work)
        axes.append(_real(indices, size, layer.padding_fill))
    return tuple(axes)


def _reached(reach: AxisField, units: Indices, work: _Work) -> Indices:
    """The inputs in the fields of the units of a layer without windows."""
    if isinstance(units, range) and (len(units) == 1 or (len(reach.first) == 1 and reach.advance <= reach.size)):
        return range(reach.low(units[0]), reach.high(units[-1]) + 1)
    work.add(len(units) * reach.size)
    return {i for unit in units for i in range(reach.low(unit), reach.high(unit) + 1)}


def _taps(window: Window, units: Indices, work: _Work) -> Indices:
    """The inputs under the taps of a window, the padding's as well."""
    if isinstance(units, range) and units and _leaves_no_gap(window, len(units)):
        first = units[0] * window.stride - window.before
        return range(first, units[-1] * window.stride - window.before + window.effective_kernel)
    work.add(len(units) * window.kernel)
    starts = (unit * window.stride - window.before for unit in units)
    return {i for start in starts for i in range(start, start + window.effective_kernel, window.dilation)}


def _leaves_no_gap(window: Window, units: int) -> bool:
    """Whether the taps of so many units in a row are all the indices from the first to the last one."""
    if window.dilation == 1 or window.kernel == 1:
        return units == 1 or window.stride <= window.effective_kernel
    return window.stride == 1 and units >= window.dilation


def _spread_taps(window: Window, units: Indices, work: _Work) -> Indices:
    """The inputs that a transposed window spreads on to the units."""
    if isinstance(units, range) and window.dilation == 1:  # every place from the first to the last is one of a tap's
        first, last = units[0] + window.before - window.kernel + 1, units[-1] + window.before
        low, high = -(-first // window.stride), last // window.stride
        return range(low, high + 1)
    work.add(len(units) * window.kernel)
    return {i for unit in units for i in transposed_taps(unit, window)}


def _real(indices: Indices, size: int, mode: str) -> Indices:
    """The indices inside the axis; those of a border that repeats pixels are the pixels repeated."""
    if isinstance(indices, range):
        inside = range(max(indices.start, 0), min(indices.stop, size))
        if inside == indices or (inside and mode not in ("reflect", "circular")):
            return inside
    if mode == "reflect":
        last = size - 1
        return {last - abs(last - abs(index)) for index in indices}
    if mode == "replicate":
        return {min(max(index, 0), size - 1) for index in indices}
    if mode == "circular":
        return {index % size for index in indices}
    return {index for index in indices if 0 <= index < size}


def middle_unit(shape: Shape) -> tuple[int, ...]:
    """The unit in the middle of a map."""
    return tuple((size - 1) // 2 for size in shape[1:])


def share(rectangle: Rectangle, shape: Shape) -> float:
    """How much of an input of that shape lies in the rectangle."""
    part = 1.0
    for (first, last), size in zip(rectangle, shape[1:], strict=True):
        part *= (last - first + 1) / size
    return part
