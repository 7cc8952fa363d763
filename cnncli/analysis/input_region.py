"""The exact input region of one unit: a walk back through the graph, clipped at every border on the way.

A receptive field (``arithmetic/axis_field.py``) describes an image without borders. Near a border a unit depends
on less, since the padding of an intermediate layer depends on no pixel. Here the relevant units are followed from layer
to layer, per axis and tap by tap, so that dilation, transposed convolutions and several paths are exact. The region is
the bounding rectangle of the pixels whose gradient is non-zero for some weights. Araujo, Norris and Sim 2019.
"""

from __future__ import annotations

from cnncli.arithmetic.axis_field import AxisField
from cnncli.arithmetic.shape import Shape
from cnncli.arithmetic.window import Window, transposed_taps
from cnncli.errors import CnnError
from cnncli.inference import Inferred, LayerInfo

Indices = range | set[int]  # on one axis: a range if there is no gap, which is fast
Region = tuple[Indices, ...]
Rectangle = tuple[tuple[int, int], ...]  # the first and the last index on each axis
LARGEST = 1_000_000  # indices per axis
MOST = 10_000_000  # indices that are followed one by one over all layers: a few seconds


class _Work:
    """The number of indices followed one by one. ``add`` raises CnnError beyond the limit."""

    def __init__(self) -> None:
        self.done = 0

    def add(self, indices: int) -> None:
        self.done += indices
        if self.done > MOST:
            raise CnnError(
                f"the unit depends on more than {MOST:,} scattered units of earlier layers (the limit)",
                "use a smaller --input or an earlier layer; cnn summarize shows the size of every receptive field",
            )


def input_region(inferred: Inferred, layer: str, unit: tuple[int, ...]) -> dict[str, Rectangle]:
    """The rectangle of each input that a unit of a layer depends on; inputs that it does not depend on are left out.

    ``unit`` has an index per spatial axis, and none for a vector. Raises CnnError if an axis is too long, or if too
    many indices would have to be followed one by one.
    """
    if any(size > LARGEST for entry in inferred.graph.inputs for size in entry.shape[1:]):
        raise CnnError(f"an input is longer than {LARGEST:,} on an axis (the limit)", "use a smaller --input")
    work = _Work()
    regions: dict[str, Region] = {layer: tuple(range(index, index + 1) for index in unit)}
    for name in reversed([*inferred.layers]):
        region = regions.pop(name, None)
        if region is None:
            continue
        info = inferred.layers[name]
        for at, source in enumerate(info.node.inputs):
            read = _read_region(info, at, region, work)
            if all(read):
                regions[source] = _united(regions.get(source), read)
    return {name: tuple(map(_ends, region)) for name, region in regions.items()}


def _ends(indices: Indices) -> tuple[int, int]:
    return (indices[0], indices[-1]) if isinstance(indices, range) else (min(indices), max(indices))


def _united(one: Region | None, other: Region) -> Region:
    return other if one is None else tuple(map(_union, one, other))


def _union(one: Indices, other: Indices) -> Indices:
    if isinstance(one, range) and isinstance(other, range) and one.start <= other.stop and other.start <= one.stop:
        return range(min(one.start, other.start), max(one.stop, other.stop))
    return {*one, *other}


def _read_region(info: LayerInfo, at: int, region: Region, work: _Work) -> Region:
    """The region of one input that a region of a layer's output reads."""
    layer, sizes = info.node.layer, info.input_shapes[at][1:]
    if layer.is_global or len(region) != len(sizes):
        return tuple(map(range, sizes))
    windows = info.stats.windows
    axes: list[Indices] = []
    for axis, size in enumerate(sizes):
        units = region[layer.map_axis(axis)] if layer.permutes_axes else region[axis]
        field: AxisField = info.stats.local_receptive_field[at][axis]
        if field.advance == 0 and field.size >= size:
            axes.append(range(size))
            continue
        if not windows:
            indices = _field_inputs(field, units, work)
        elif layer.transposed:
            indices = _transposed_taps(windows[axis], units, work)
        else:
            indices = _taps(windows[axis], units, work)
        axes.append(_inside(indices, size, layer.padding_fill))
    return tuple(axes)


def _field_inputs(field: AxisField, units: Indices, work: _Work) -> Indices:
    """The inputs in the fields of units of a layer without windows."""
    if isinstance(units, range) and (len(units) == 1 or (len(field.first) == 1 and field.advance <= field.size)):
        return range(field.low(units[0]), field.high(units[-1]) + 1)
    work.add(len(units) * field.size)
    return {i for unit in units for i in range(field.low(unit), field.high(unit) + 1)}


def _taps(window: Window, units: Indices, work: _Work) -> Indices:
    """The inputs under the taps of a window, including those in the padding."""
    if isinstance(units, range) and units and _leaves_no_gap(window, len(units)):
        first = units[0] * window.stride - window.before
        return range(first, units[-1] * window.stride - window.before + window.effective_kernel)
    work.add(len(units) * window.kernel)
    starts = (unit * window.stride - window.before for unit in units)
    return {i for start in starts for i in range(start, start + window.effective_kernel, window.dilation)}


def _leaves_no_gap(window: Window, units: int) -> bool:
    """Whether the taps of this many consecutive units cover every index from the first to the last."""
    if window.dilation == 1 or window.kernel == 1:
        return units == 1 or window.stride <= window.effective_kernel
    return window.stride == 1 and units >= window.dilation


def _transposed_taps(window: Window, units: Indices, work: _Work) -> Indices:
    """The inputs that a transposed window adds into the units."""
    if isinstance(units, range) and window.dilation == 1:  # without dilation, the taps cover every place
        first, last = units[0] + window.before - window.kernel + 1, units[-1] + window.before
        low, high = -(-first // window.stride), last // window.stride
        return range(low, high + 1)
    work.add(len(units) * window.kernel)
    return {i for unit in units for i in transposed_taps(unit, window)}


def _inside(indices: Indices, size: int, mode: str) -> Indices:
    """The indices inside the axis; in a border that repeats pixels, the indices of those pixels."""
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
    """The center unit of a feature map."""
    return tuple((size - 1) // 2 for size in shape[1:])


def covered_fraction(rectangle: Rectangle, shape: Shape) -> float:
    """The fraction of an input of that shape that lies in the rectangle."""
    part = 1.0
    for (first, last), size in zip(rectangle, shape[1:], strict=True):
        part *= (last - first + 1) / size
    return part
