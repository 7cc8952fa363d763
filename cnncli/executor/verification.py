"""The calculated figures against torch, layer by layer: shapes, weights, operations, and what a unit depends on.

Shapes, weights and operations are taken on the meta device, where nothing is computed. A unit's field is measured on
a thin copy of the network, with one channel and positive weights: a vector-Jacobian product through each layer, back
from the unit, shows which pixels have a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from cnncli.executor.modules import build
from cnncli.executor.network import NOT_FIGURES, place_of, refusals_named
from cnncli.executor.own_modules import CONV, pads_of, torch_padding
from cnncli.footprint import LARGEST, Rectangle, footprint, middle_unit
from cnncli.inference import Facts, Inferred
from cnncli.layers import KINDS, Layer
from cnncli.shape import Shape, format_shape

CHECK_BATCH = 2
FIELDS_CHECKED = 16  # layers whose field is measured: each takes a walk back through the network
OK, NOTHING = "ok", "-"
# torch counts zeros, masks and windows here as convolutions, or computes no product at all
NOT_COUNTED = {"rbf": "no matrix product in torch", "lcn": "windows that are no convolution of the network's"}


class Verdict(NamedTuple):
    """What was found of one layer: ``ok``, a difference in words, or ``-`` where there was nothing to compare."""

    layer: str
    kind: str
    shape: str
    weights: str
    macs: str
    field: str

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return all(found in (OK, NOTHING) for found in self[2:])


def verify(inferred: Inferred) -> Iterator[Verdict]:
    """A verdict for each layer, in the order of computation. Raises CnnError for what torch refuses to build."""
    measured = _fields_to_measure(inferred)
    shapes_agree = True  # else the pixels of the two cannot be compared
    for name, facts in inferred.facts.items():
        with torch.device("meta"), refusals_named(place_of(facts)):
            module = build(facts.node.layer, facts.input_shapes).eval()
            shape = _output_shape(module, facts)
        shapes_agree = shapes_agree and shape == facts.figures.output_shape
        field = _field(inferred, name) if name in measured and shapes_agree else NOTHING
        yield Verdict(
            name, facts.node.layer.kind, _compared(facts.figures.output_shape, shape),
            _weights(facts, module), _macs(facts, module), field,
        )  # fmt: skip


def _compared(ours: Shape, theirs: Shape) -> str:
    return OK if ours == theirs else f"{format_shape(ours)}, torch {format_shape(theirs)}"


def _inputs(facts: Facts, batch: int) -> list[Tensor]:
    return [torch.empty(batch, *shape, device="meta") for shape in facts.input_shapes]


def _output_shape(module: nn.Module, facts: Facts) -> Shape:
    with torch.no_grad():
        return tuple(module(*_inputs(facts, CHECK_BATCH)).shape[1:])


def _weights(facts: Facts, module: nn.Module) -> str:
    if facts.node.shares:
        return NOTHING
    figures = facts.figures
    ours = {**figures.weight_shapes, **figures.buffer_shapes}
    both = (*module.named_parameters(), *module.named_buffers())
    theirs = {name: tuple(tensor.shape) for name, tensor in both if name not in NOT_FIGURES}
    if not ours and not theirs:
        return NOTHING
    different = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if not different:
        return OK
    name = different[0]
    shown = [format_shape(shapes[name]) if name in shapes else "none" for shapes in (ours, theirs)]
    return f"{name} {shown[0]}, torch {shown[1]}"


def _macs(facts: Facts, module: nn.Module) -> str:
    layer = facts.node.layer
    counts_otherwise = getattr(layer, "connections", None) or getattr(layer, "padding_mode", "") == "partial"
    if layer.kind in NOT_COUNTED or layer.kind == "local" or counts_otherwise:
        return NOTHING
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*_inputs(facts, 1))
    theirs = counter.get_total_flops() // 2
    if facts.figures.macs == theirs:
        return OK if theirs else NOTHING
    return f"{facts.figures.macs:,}, torch {theirs:,}"


# Fields -----------------------------------------------------------------------------------------------------------


def _fields_to_measure(inferred: Inferred) -> set[str]:
    """Layers with maps, spread evenly over the network, the last one among them."""
    small = all(size <= LARGEST for entry in inferred.graph.inputs for size in entry.shape[1:])
    maps = [name for name, facts in inferred.facts.items() if len(facts.figures.output_shape) > 1 and small]
    step = max(1, -(-len(maps) // FIELDS_CHECKED))
    return {*maps[::-step]}


def _field(inferred: Inferred, name: str) -> str:
    unit = middle_unit(inferred.facts[name].figures.output_shape)
    with refusals_named(place_of(inferred.facts[name])):
        theirs = measured_footprint(inferred, name, unit)
    ours = footprint(inferred, name, unit)
    return OK if ours == theirs else f"{_boxes(ours)}, torch {_boxes(theirs)}"


def _boxes(found: dict[str, Rectangle]) -> str:
    shown = ["x".join(f"{first}..{last}" for first, last in box) for box in found.values()]
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


def _pulled_back(facts: Facts, mask: Tensor) -> tuple[Tensor, ...]:
    """For each input of a layer, 1 where some unit of the mask has a gradient and 0 elsewhere."""
    layer, ones = facts.node.layer, [torch.ones(1, 1, *shape[1:], dtype=torch.double) for shape in facts.input_shapes]
    if layer.sees_everything or getattr(layer, "mixes_channels", False):
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


def _thin(facts: Facts) -> Callable[..., Tensor]:
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


def _of_positions(layer: Layer, facts: Facts) -> Callable[..., Tensor]:
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


def _window_sum(layer: Layer, facts: Facts) -> Callable[..., Tensor]:
    """The sum over each window of a pool; a last window may hang over the end."""
    windows, output = facts.figures.windows, facts.figures.output_shape
    rank = len(windows)
    hanging = [
        max(0, (positions - 1) * w.stride + w.span - w.before - w.after - size)
        for size, positions, w in zip(facts.input_shapes[0][1:], output[1:], windows, strict=True)
    ]
    pads = tuple((before, after + more) for (before, after), more in zip(pads_of(windows), hanging, strict=True))
    ones = torch.ones(1, 1, *(window.kernel for window in windows), dtype=torch.double)
    stride, dilation = [w.stride for w in windows], [w.dilation for w in windows]
    return lambda x: CONV[rank - 1](functional.pad(x, torch_padding(pads)), ones, None, stride, 0, dilation)
