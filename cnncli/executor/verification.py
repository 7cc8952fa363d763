"""The calculated figures against torch, layer by layer: shapes, weights, operations, and what a unit depends on.

Shapes, weights and operations are taken on the meta device, where nothing is computed. A unit's field is measured on
a thin copy of the network, with one channel and positive weights: a vector-Jacobian product through each layer, back
from the unit, shows which pixels have a gradient. Two calculations are held against it: the exact rectangle
(``footprint.py``), and the receptive field of an image without borders (``field.py``), which bounds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from cnncli.analysis.input_region import LARGEST, Rectangle, footprint, middle_unit
from cnncli.arithmetic.receptive_field import PERIOD_LIMIT, AxisField, outermost
from cnncli.arithmetic.shape import Shape
from cnncli.executor.lowering.custom_modules import CONV, pads_of, torch_padding
from cnncli.executor.lowering.modules import build
from cnncli.executor.network.agreement import CHECK_BATCH, network_difference, shape_difference, weight_difference
from cnncli.executor.network.network import Network, place_of, refusals_named
from cnncli.inference import Inferred, LayerInfo, ReceptiveField
from cnncli.layers import KINDS, Layer

FIELDS_CHECKED = 16  # layers whose field is measured: each takes a walk back through the network
OK, NOTHING = "ok", "-"
WHOLE = "(all)"  # no layer can be called so


class Verdict(NamedTuple):
    """What was found of one layer: ``ok``, a difference in words, or ``-`` where there was nothing to compare.

    ``note`` says why MACs are not compared where the layer has some.
    """

    layer: str
    kind: str
    shape: str
    weights: str
    macs: str
    field: str
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return all(found in (OK, NOTHING) for found in (self.shape, self.weights, self.macs, self.field))


def verify(inferred: Inferred) -> Iterator[Verdict]:
    """A verdict for each layer, in the order of computation, and one of the whole network if its weights differ.

    Raises CnnError for what torch refuses to build.
    """
    measured = _fields_to_measure(inferred)
    shapes_agree = True  # else the pixels of the two cannot be compared
    for name, facts in inferred.facts.items():
        with torch.device("meta"), refusals_named(place_of(facts)):
            module = build(facts.node.layer, facts.input_shapes).eval()
            shape, macs = _output_shape(module, facts), _macs(facts, module)
        shapes_agree = shapes_agree and shape == facts.figures.output_shape
        field = _field(inferred, name) if name in measured and shapes_agree else NOTHING
        yield Verdict(
            name, facts.node.layer.kind, shape_difference(facts.figures.output_shape, shape) or OK,
            _weights(facts, module), macs, field, _why_not_counted(facts),
        )  # fmt: skip
    different = _whole_network(inferred)
    if different:
        yield Verdict(WHOLE, "network", NOTHING, different, NOTHING, NOTHING)


def _inputs(facts: LayerInfo, batch: int) -> list[Tensor]:
    return [torch.empty(batch, *shape, device="meta") for shape in facts.input_shapes]


def _output_shape(module: nn.Module, facts: LayerInfo) -> Shape:
    with torch.no_grad():
        return tuple(module(*_inputs(facts, CHECK_BATCH)).shape[1:])


def _weights(facts: LayerInfo, module: nn.Module) -> str:
    if facts.node.shares:
        return NOTHING
    has_any = facts.figures.weight_shapes or facts.figures.buffer_shapes
    return weight_difference(facts, module) or (OK if has_any else NOTHING)


def _macs(facts: LayerInfo, module: nn.Module) -> str:
    if _why_not_counted(facts):
        return NOTHING
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*_inputs(facts, 1))
    theirs = counter.get_total_flops() // 2
    if facts.figures.macs == theirs:
        return OK if theirs else NOTHING
    return f"{facts.figures.macs:,}, torch {theirs:,}"


def _why_not_counted(facts: LayerInfo) -> str:
    """Why torch's counter says something else here, although the layer computes what it should; else nothing."""
    layer = facts.node.layer
    if layer.kind == "rbf":
        return "squared distances are no matrix product to torch"
    if layer.kind == "lcn":
        return "torch counts the windows of its means, which are no weights of the network"
    if getattr(layer, "connections", None):
        return "torch counts the zeros of the maps that a filter does not read"
    if getattr(layer, "padding_mode", "") == "partial":
        return "torch counts the window that weighs the border"
    if layer.kind == "local" and facts.figures.macs == facts.figures.activations:
        return "sums of one term are no matrix product to torch"
    return ""


def _whole_network(inferred: Inferred) -> str:
    with torch.device("meta"):
        return network_difference(inferred, Network(inferred))


# Fields -----------------------------------------------------------------------------------------------------------


def _fields_to_measure(inferred: Inferred) -> set[str]:
    """Layers with maps, spread evenly over the network, the last one among them."""
    small = all(size <= LARGEST for entry in inferred.graph.inputs for size in entry.shape[1:])
    maps = [name for name, facts in inferred.facts.items() if len(facts.figures.output_shape) > 1 and small]
    step = max(1, -(-len(maps) // FIELDS_CHECKED))
    return {*maps[::-step]}


def _field(inferred: Inferred, name: str) -> str:
    """The first difference in what some units depend on: those of :func:`_units_to_measure`."""
    below = _with_all_below(inferred, name)
    for unit in _units_to_measure(inferred, name):
        with refusals_named(place_of(inferred.facts[name])):
            theirs = measured_footprint(inferred, name, unit)
        ours = footprint(inferred, name, unit)
        if ours != theirs:
            return f"{_boxes(ours)}, torch {_boxes(theirs)}"
        different = _outside_its_field(inferred, name, unit, theirs, below)
        if different:
            return different
    return OK


def _units_to_measure(inferred: Inferred, name: str) -> list[tuple[int, ...]]:
    """The unit in the middle and the one in the first corner, and where fields differ from unit to unit, the first ones
    from the middle on that are calculated to see most, and least or nothing.
    """
    output = inferred.shape(name)
    middle = middle_unit(output)
    units = [middle, (0,) * len(middle)]
    for field in inferred.facts[name].receptive_field.values():
        order = field.order or range(len(field.axes))
        if len(field.axes) != len(middle):
            continue
        most, least = list(middle), list(middle)
        for axis, own in zip(order, field.axes, strict=True):
            ahead = range(middle[axis], min(middle[axis] + own.period, output[1 + axis]))
            sizes = [0 if own.is_empty(unit) else own.high(unit) - own.low(unit) + 1 for unit in ahead]
            most[axis], least[axis] = ahead[sizes.index(max(sizes))], ahead[sizes.index(min(sizes))]
        units += [tuple(most), tuple(least)]
    return [*dict.fromkeys(units)]


def _with_all_below(inferred: Inferred, name: str) -> list[LayerInfo]:
    """The layer and all that it depends on."""
    wanted, found = {name}, []
    for facts in reversed([*inferred.facts.values()]):
        if facts.node.name in wanted:
            wanted.update(facts.node.inputs)
            found.append(facts)
    return found


def _outside_its_field(
    inferred: Inferred, name: str, unit: tuple[int, ...], seen: Mapping[str, Rectangle], below: list[LayerInfo]
) -> str:
    """How what a unit depends on contradicts its calculated receptive field, if it does."""
    if not all(map(_is_bounded, below)):
        return ""
    exact = _is_inside(below, unit)
    for entry in inferred.graph.inputs:
        field, theirs = inferred.facts[name].receptive_field.get(entry.name), seen.get(entry.name)
        if field is None or not field.aligned:
            continue  # its paths drift apart
        calculated = _of_unit(field, unit)
        ours = calculated and _clipped(calculated, entry.shape)
        if not (theirs == calculated if exact else _holds(ours, theirs)):
            return f"{_boxes({entry.name: ours})}, torch {_boxes({entry.name: theirs})}"
    return ""


def _is_inside(below: list[LayerInfo], unit: tuple[int, ...]) -> bool:
    """Whether all that a unit depends on, in every layer on the way to the inputs, lies inside the map there.

    A field is of an image without borders: such a unit sees exactly its field, and any other sees no more than it.
    ``below`` are the layer and all that it depends on, from the layer down.
    """
    regions: dict[str, Rectangle] = {below[0].node.name: tuple((at, at) for at in unit)}
    for facts in below:
        layer, region = facts.node.layer, regions.pop(facts.node.name, None)
        if region is None:
            continue  # what is read of the layers above it lies between the taps of a transposed convolution
        if layer.is_global:
            return False
        for source, shape, reach in zip(
            facts.node.inputs, facts.input_shapes, facts.figures.local_receptive_field, strict=True
        ):
            if not len(region) == len(reach) == len(shape) - 1 or not all(field.advance for field in reach):
                return False
            along = [layer.map_axis(axis) if layer.permutes_axes else axis for axis in range(len(reach))]
            read = _read_of(reach, [region[axis] for axis in along])
            if read is None:
                continue
            if read != _clipped(read, shape):
                return False
            regions[source] = _united(regions[source], read) if source in regions else read
    return True


def _read_of(reach: tuple[AxisField, ...], region: list[tuple[int, int]]) -> Rectangle | None:
    """The rectangle around what a region of a layer's output reads of an input; None if it reads nothing."""
    read = []
    for field, (first, last) in zip(reach, region, strict=True):
        ends = outermost(field)(range(first, last + 1))
        if ends is None:
            return None
        read.append((field.low(ends[0]), field.high(ends[1])))
    return tuple(read)


def _united(one: Rectangle, other: Rectangle) -> Rectangle:
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))


def _clipped(box: Rectangle, shape: Shape) -> Rectangle:
    return tuple((max(0, low), min(size - 1, high)) for (low, high), size in zip(box, shape[1:], strict=True))


def _holds(outer: Rectangle | None, inner: Rectangle | None) -> bool:
    """Whether a rectangle lies in another; None is one without any pixel."""
    if outer is None or inner is None:
        return inner is None
    return all(a <= low and high <= b for (a, b), (low, high) in zip(outer, inner, strict=True))


def _of_unit(field: ReceptiveField, unit: tuple[int, ...]) -> Rectangle | None:
    """The calculated field of a unit, None if it sees nothing; one that stands still is every unit's."""
    order = field.order or range(len(field.axes))
    at = [unit[axis] if own.advance else 0 for own, axis in zip(field.axes, order, strict=True)]
    if any(own.is_empty(i) for own, i in zip(field.axes, at, strict=True)):
        return None
    return tuple((own.low(i), own.high(i)) for own, i in zip(field.axes, at, strict=True))


def _is_bounded(facts: LayerInfo) -> bool:
    """Whether no unit sees more than its field: borders made of pixels may look further, long patterns are rounded."""
    layer = facts.node.layer
    repeats = {getattr(layer, "padding_mode", ""), getattr(layer, "mode", "")} & {"reflect", "replicate", "circular"}
    fields = [axis for reach in (*facts.figures.local_receptive_field, *_axes_of(facts)) for axis in reach]
    return not repeats and all(len(axis.first) < PERIOD_LIMIT for axis in fields)


def _axes_of(facts: LayerInfo) -> list[tuple[AxisField, ...]]:
    return [field.axes for field in facts.receptive_field.values()]


def _boxes(found: Mapping[str, Rectangle | None]) -> str:
    shown = ["x".join(f"{first}..{last}" for first, last in box) for box in found.values() if box is not None]
    return " ".join(shown) or "nothing"


def measured_footprint(inferred: Inferred, layer: str, unit: tuple[int, ...]) -> dict[str, Rectangle]:
    """What torch's gradients say that a unit of a map depends on: the bounding rectangle of each input."""
    start = torch.zeros(1, 1, *inferred.shape(layer)[1:], dtype=torch.double)
    start[(0, 0, *unit)] = 1
    masks = {layer: start}
    for name in reversed([*inferred.facts]):
        mask = masks.pop(name, None)
        if mask is None or not mask.any():
            continue
        facts = inferred.facts[name]
        for source, seen in zip(facts.node.inputs, _pulled_back(facts, mask), strict=True):
            masks[source] = torch.maximum(masks[source], seen) if source in masks else seen
    return {
        entry.name: _bounds(masks[entry.name][0, 0])
        for entry in inferred.graph.inputs
        if entry.name in masks and masks[entry.name].any()
    }


def _pulled_back(facts: LayerInfo, mask: Tensor) -> tuple[Tensor, ...]:
    """For each input of a layer, 1 where some unit of the mask has a gradient and 0 elsewhere."""
    layer, ones = facts.node.layer, [torch.ones(1, 1, *shape[1:], dtype=torch.double) for shape in facts.input_shapes]
    if layer.is_global or getattr(layer, "mixes_channels", False):
        return tuple(ones)
    inputs = [x.requires_grad_() for x in ones]
    output = _thin(facts)(*inputs)
    gradients = torch.autograd.grad(output, inputs, mask.expand_as(output), allow_unused=True)
    return tuple(
        torch.zeros_like(x) if g is None else (g.abs() > 1e-9).double() for x, g in zip(inputs, gradients, strict=True)
    )


def _bounds(mask: Tensor) -> Rectangle:
    where = mask.nonzero()
    return tuple(zip(where.min(0).values.tolist(), where.max(0).values.tolist(), strict=True))


def _thin(facts: LayerInfo) -> Callable[..., Tensor]:
    """A layer on one channel, linear and with positive weights, that depends on the same positions."""
    layer, (shape, *_) = facts.node.layer, facts.input_shapes
    thin = ((1, *shape[1:]),)
    if layer.merges:
        return _sum_of_all
    if layer.kind in ("conv", "depthwise_conv", "local", "conv_transpose"):
        return _with_ones(_of_one_channel(layer), thin)
    if layer.kind in ("maxpool", "avgpool", "l2pool", "subsample"):
        return _window_sum(layer, facts)
    if layer.kind in ("pad", "crop", "upsample") or (layer.kind == "slice" and layer.__dict__["axis"] != "channels"):
        return build(layer, thin)
    return _of_positions(layer, facts)


def _of_positions(layer: Layer, facts: LayerInfo) -> Callable[..., Tensor]:
    """Layers that move positions, or take statistics over them; all others keep each to itself."""
    if layer.kind == "permute":
        return build(layer, ((1, *facts.input_shapes[0][1:]),))
    if layer.kind == "pixel_shuffle":
        return lambda x: functional.interpolate(x, scale_factor=layer.__dict__["factor"], mode="nearest")
    if layer.kind in ("adaptive_avgpool", "adaptive_maxpool"):
        average = KINDS["adaptive_avgpool"](output=layer.__dict__["output"])
        return build(average, ((1, *facts.input_shapes[0][1:]),))
    if layer.kind == "lcn":
        kernels: tuple[int, ...] = layer.kernels(facts.input_shapes)  # type: ignore[attr-defined]
        padding = [2 * (kernel // 2) for kernel in kernels]
        ones = torch.ones(1, 1, *(2 * kernel - 1 for kernel in kernels), dtype=torch.double)
        return lambda x: CONV[len(kernels) - 1](x, ones, None, 1, padding)
    if layer.kind in ("groupnorm", "instancenorm") or layer.__dict__.get("axes") == "all":
        return lambda x: x + x.mean()
    return lambda x: x * 1


def _sum_of_all(*inputs: Tensor) -> Tensor:
    total = inputs[0]
    for other in inputs[1:]:
        total = total + other
    return total


def _of_one_channel(layer: Layer) -> Layer:
    """The same windows with one filter on one channel, without a bias."""
    alone: dict[str, Any] = {"filters": 1, "groups": 1, "multiplier": 1, "connections": None, "bias": False}
    fields = {name: alone.get(name, value) for name, value in layer.__dict__.items()}
    return type(layer)(**fields)


def _with_ones(layer: Layer, inputs: tuple[Shape, ...]) -> nn.Module:
    module = build(layer, inputs).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(1.0)
    return module


def _window_sum(layer: Layer, facts: LayerInfo) -> Callable[..., Tensor]:
    """The sum over each window of a pool; a last window may hang over the end."""
    windows, output = facts.figures.windows, facts.figures.output_shape
    rank = len(windows)
    hanging = [
        max(0, (positions - 1) * w.stride + w.effective_kernel - w.before - w.after - size)
        for size, positions, w in zip(facts.input_shapes[0][1:], output[1:], windows, strict=True)
    ]
    pads = tuple((before, after + more) for (before, after), more in zip(pads_of(windows), hanging, strict=True))
    ones = torch.ones(1, 1, *(window.kernel for window in windows), dtype=torch.double)
    stride, dilation = [w.stride for w in windows], [w.dilation for w in windows]
    return lambda x: CONV[rank - 1](functional.pad(x, torch_padding(pads)), ones, None, stride, 0, dilation)
