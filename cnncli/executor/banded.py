"""A convolution of small images and the 2x2 pooling of its map, as one banded matrix product.

With one channel and few filters a convolution has too little to do for each value that it moves: on a CPU LeNet-5
spends a third of its time in the first layer. Written as a product it goes through the matrix units:

    a row of the product   kernel-height rows of the padded image, side by side
    a column               one filter at one position in every other column of the map
    the matrix             the filter's weights where the position sees them, and zeros

The four places in a pooling window come from the same matrix and images moved by a row or a column. So they are four
blocks one after the other, their maximum is taken value by value, and the result lies in memory as the next layer
reads it. The zeros cost multiplications, which are cheaper here than memory; wide images would have too many.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from cnncli.executor.modules import MaxPooling
from cnncli.window import Window

MOST_FILTERS = 15  # from 16 on a CPU's convolution and pooling are as fast
MOST_COLUMNS = 12  # padded columns for each of the kernel's: the rest of the matrix is zeros
FEWEST_PLACES = 100  # in a pooled map: below that there is too little to do
PLACES = 4  # of a pooling window: (0, 0), (0, 1), (1, 0), (1, 1)
HALVES = Window(2, 2)


class Plan(NamedTuple):
    """Sizes of a product: filters, kernel and padding of the convolution; rows and columns of the map when pooled."""

    filters: int
    channels: int
    kernel: tuple[int, int]
    padding: tuple[int, int]
    padded: tuple[int, int]
    pooled: tuple[int, int]

    def rows(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) as (4 N rows, kernel height x padded width x C), where the windows' places begin."""
        count, (height, width) = len(x), self.padded
        line = width * self.channels
        (down, across), images = self.padding, x.permute(0, 2, 3, 1)
        room = -(-self.channels // line)  # the windows that begin in the second column end behind the last row
        padded = x.new_zeros(count * height + room, width, self.channels)
        inside = padded[: count * height].view(count, height, width, self.channels)
        inside[:, down : down + x.shape[2], across : across + x.shape[3]] = images
        shape = (2, 2, count, self.pooled[0], self.kernel[0] * line)
        steps = (line, self.channels, height * line, 2 * line, 1)
        return padded.as_strided(shape, steps).reshape(-1, shape[-1])

    def weights(self, matrix: Tensor) -> Tensor:
        """The places of the weights in a matrix (of :meth:`shape`): (kernel height, width, C, columns, filters)."""
        width = matrix.shape[1]
        line = self.padded[1] * self.channels * width
        column, channel = self.channels * width, width
        shape = (*self.kernel, self.channels, self.pooled[1], self.filters)
        return matrix.as_strided(shape, (line, column, channel, 2 * column + self.filters, 1))

    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return self.kernel[0] * self.padded[1] * self.channels, self.pooled[1] * self.filters


class _Product(torch.autograd.Function):
    """Images that need no gradient, weight (F, C, h, w) and bias (F,) to the pooled map (N, F, H/2, W/2).

    Computed in ``dtype``. Of equal values the first one gets the gradient, as in torch's pooling.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor | None, plan: Plan, dtype: torch.dtype) -> Tensor:
        rows = plan.rows(x.to(dtype))
        matrix = torch.zeros(plan.shape(), dtype=dtype, device=x.device)
        plan.weights(matrix).copy_(weight.permute(2, 3, 1, 0)[:, :, :, None])
        places = (rows @ matrix).view(PLACES, -1, matrix.shape[1])
        upper, lower = torch.maximum(places[0], places[1]), torch.maximum(places[2], places[3])
        context.plan, context.kept = plan, (rows, places, upper, lower)
        shape = len(x), plan.filters, *plan.pooled
        result = torch.empty(shape, dtype=dtype, device=x.device, memory_format=torch.channels_last)
        values = result.permute(0, 2, 3, 1).view(upper.shape)
        torch.maximum(upper, lower, out=values)
        if bias is not None:
            values += bias.to(dtype).repeat(plan.pooled[1])
        context.has_bias, context.kind = bias is not None, weight.dtype
        return result

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        plan, (rows, places, upper, lower) = context.plan, context.kept
        sums = torch.promote_types(rows.dtype, torch.float32)
        gradient = gradients[0].permute(0, 2, 3, 1).reshape(-1, plan.filters)
        bias = gradient.sum(0, dtype=sums).to(context.kind) if context.has_bias else None
        spread = _spread(gradient.reshape(upper.shape).to(upper.dtype), places, upper, lower)
        blocks = rows.view(PLACES, -1, rows.shape[1])
        found = torch.bmm(blocks.transpose(1, 2), spread).sum(0, dtype=sums)
        weight = plan.weights(found).sum(3).permute(3, 2, 0, 1)
        return None, weight.to(context.kind), bias, None, None


def _spread(gradient: Tensor, places: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """The gradient of the maximum of four, (4, …): it goes to the first of the largest.

    Passing where a difference is above 0 is what the gradient of a ReLU does, for which CPUs have a fast way.
    """
    where = torch.ops.aten.threshold_backward
    spread = torch.empty_like(places)
    below = where(gradient, lower - upper, 0)
    for half, (left, right) in ((gradient - below, (0, 1)), (below, (2, 3))):
        where.grad_input(half, places[right] - places[left], 0, grad_input=spread[right])
        torch.sub(half, spread[right], out=spread[left])
    return spread


def plan_of(conv: nn.Conv2d, size: tuple[int, int]) -> Plan | None:
    """The plan for a convolution of images (C, *size) whose map is pooled in windows of 2x2; None where there is none.

    It takes strides and dilations of one, and a single group.
    """
    kernel, padding = (cast("tuple[int, int]", each) for each in (conv.kernel_size, conv.padding))
    if {*conv.stride, *conv.dilation, conv.groups} != {1} or isinstance(conv.padding, str):
        return None
    padded = size[0] + 2 * padding[0], size[1] + 2 * padding[1]
    pooled = (padded[0] - kernel[0] + 1) // 2, (padded[1] - kernel[1] + 1) // 2
    if min(pooled) < 1:
        return None
    return Plan(conv.out_channels, conv.in_channels, kernel, padding, padded, pooled)


def pays(plan: Plan) -> bool:
    """Whether the product was the faster one: for few filters on one channel, in maps neither tiny nor wide."""
    return (
        plan.channels == 1
        and plan.filters <= MOST_FILTERS
        and plan.padded[1] <= MOST_COLUMNS * plan.kernel[1]
        and plan.pooled[0] * plan.pooled[1] >= FEWEST_PLACES
    )


class BandedConvThenPool(nn.Module):
    """A convolution and the 2x2 max pooling of its map, while it trains in bfloat16 on a CPU; else ``otherwise``.

    The weights stay the convolution's.
    """

    def __init__(self, convolution: nn.Conv2d, otherwise: nn.Module) -> None:
        super().__init__()
        self.layers = (convolution, otherwise)  # in a tuple, so that the weights are not registered a second time

    def forward(self, x: Tensor) -> Tensor:
        convolution, otherwise = self.layers
        fast = convolution.training and x.device.type == "cpu" and not x.requires_grad
        if fast and torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16:
            plan = plan_of(convolution, (x.shape[2], x.shape[3]))
            if plan is not None and pays(plan):
                with torch.autocast("cpu", enabled=False):
                    return product(x, convolution, plan, torch.bfloat16)
        return cast(Tensor, otherwise(x))


def product(x: Tensor, convolution: nn.Conv2d, plan: Plan, dtype: torch.dtype) -> Tensor:
    """The pooled map, (N, F, H/2, W/2), of images (N, C, H, W) that need no gradient."""
    result = _Product.apply(x, convolution.weight, convolution.bias, plan, dtype)  # type: ignore[no-untyped-call]
    return cast(Tensor, result)


def is_halving(pool: MaxPooling) -> bool:
    """Whether a pooling has windows of 2x2 beside each other, and no padding."""
    return pool.windows == (HALVES, HALVES)
