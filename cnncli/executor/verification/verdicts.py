"""A verdict on each layer: its shape, its weights, its MACs and its receptive field, calculated and by PyTorch.

Shapes, weights and MACs are taken on the meta device, where nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnncli.arithmetic.shape import Shape
from cnncli.executor.lowering.build import build, uncounted_macs
from cnncli.executor.network.agreement import CHECK_BATCH, network_difference, shape_difference, weight_difference
from cnncli.executor.network.network import Network, place_of, torch_errors_at
from cnncli.executor.verification.regions import field_difference, sampled_layers
from cnncli.inference import Inferred, LayerInfo

OK, NOTHING = "ok", "-"
WHOLE = "(all)"  # no layer can have this name


class LayerVerdict(NamedTuple):
    """The result for one layer: ``ok``, the difference in words, or ``-`` where there is nothing to compare.

    ``note`` is why MACs are not compared although the layer has some.
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


def verify(inferred: Inferred) -> Iterator[LayerVerdict]:
    """A verdict on each layer, in the order of computation, and one on the network if its weights or totals differ.

    Raises CnnError where torch cannot build or compute a layer.
    """
    sampled = sampled_layers(inferred)
    shapes_agree = True  # otherwise the input regions cannot be compared
    for name, info in inferred.layers.items():
        layer, expected = info.node.layer, info.stats.output_shape
        note = uncounted_macs(layer, info.input_shapes)
        with torch.device("meta"), torch_errors_at(place_of(info)):
            module = build(layer, info.input_shapes).eval()
            shape, macs = _output_shape(info, module), NOTHING if note else _compare_macs(info, module)
        shapes_agree = shapes_agree and shape == expected
        field = field_difference(inferred, name) or OK if name in sampled and shapes_agree else NOTHING
        compared = shape_difference(expected, shape) or OK
        yield LayerVerdict(name, layer.kind, compared, _compare_weights(info, module), macs, field, note)
    with torch.device("meta"):
        difference = network_difference(inferred, Network(inferred))
    if difference:
        yield LayerVerdict(WHOLE, "network", NOTHING, difference, NOTHING, NOTHING)


def _meta_inputs(info: LayerInfo, batch: int) -> list[Tensor]:
    return [torch.empty(batch, *shape, device="meta") for shape in info.input_shapes]


def _output_shape(info: LayerInfo, module: nn.Module) -> Shape:
    with torch.no_grad():
        return tuple(module(*_meta_inputs(info, CHECK_BATCH)).shape[1:])


def _compare_weights(info: LayerInfo, module: nn.Module) -> str:
    if info.node.shares:
        return NOTHING
    has_any = info.stats.weight_shapes or info.stats.buffer_shapes
    return weight_difference(info, module) or (OK if has_any else NOTHING)


def _compare_macs(info: LayerInfo, module: nn.Module) -> str:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*_meta_inputs(info, 1))
    counted = counter.get_total_flops() // 2
    if info.stats.macs == counted:
        return OK if counted else NOTHING
    return f"{info.stats.macs:,}, torch {counted:,}"
