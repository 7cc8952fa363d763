"""The input region of one unit as PyTorch's gradients show it: a vector-Jacobian product per layer, from the unit back.

Each layer is replaced by its stand-in (:mod:`stand_ins`), so that no gradient cancels or vanishes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cnncli.analysis.input_region import Rectangle
from cnncli.executor.verification.stand_ins import stand_in
from cnncli.inference import Inferred, LayerInfo

SMALLEST = 1e-9  # gradients below it are rounding errors


def measured_input_region(inferred: Inferred, layer: str, unit: tuple[int, ...]) -> dict[str, Rectangle]:
    """The bounding rectangle of the values that a unit has a gradient to, for each input that it depends on.

    ``unit`` has an index for each spatial axis of the layer's output.
    """
    start = torch.zeros(1, 1, *inferred.shape(layer)[1:], dtype=torch.double)
    start[(0, 0, *unit)] = 1
    masks = {layer: start}
    for name in reversed([*inferred.layers]):
        mask = masks.pop(name, None)
        if mask is None or not mask.any():
            continue
        info = inferred.layers[name]
        for source, found in zip(info.node.inputs, _pull_back(info, mask), strict=True):
            masks[source] = torch.maximum(masks[source], found) if source in masks else found
    return {
        entry.name: _bounds(masks[entry.name][0, 0])
        for entry in inferred.graph.inputs
        if entry.name in masks and masks[entry.name].any()
    }


def _pull_back(info: LayerInfo, mask: Tensor) -> tuple[Tensor, ...]:
    """For each input of a layer, 1 where some unit of the mask has a gradient and 0 elsewhere: (1, 1, *sizes) each."""
    ones = [torch.ones(1, 1, *shape[1:], dtype=torch.double) for shape in info.input_shapes]
    function = stand_in(info.node.layer, info.input_shapes)
    if function is None:
        return tuple(ones)
    inputs = [x.requires_grad_() for x in ones]
    output = function(*inputs)
    gradients = torch.autograd.grad(output, inputs, mask.expand_as(output), allow_unused=True)
    return tuple(
        torch.zeros_like(x) if gradient is None else (gradient.abs() > SMALLEST).double()
        for x, gradient in zip(inputs, gradients, strict=True)
    )


def _bounds(mask: Tensor) -> Rectangle:
    where = mask.nonzero()
    return tuple(zip(where.min(0).values.tolist(), where.max(0).values.tolist(), strict=True))
