"""A convolution of small images, the 2x2 pooling of its map and the ReLU, as one banded matrix product.

With one channel and few filters a convolution has too little to do for each value that it moves: on a CPU LeNet-5
spends a third of its time in the first layer. Written as a product it goes through the matrix units:

    a row of the product   the lines of the padded image that a row of pooling windows sees, side by side
    a column               one filter at one position: right or left, upper or lower in its window
    the matrix             the filter's weights where the position sees them, and zeros; a last column of each line is
                           1 and meets the bias

The zeros cost multiplications, which are cheaper here than memory; wide images would have too many.

What follows is done on the bits of the numbers, read as integers: where none is negative, and after a ReLU none is,
these have the order of the numbers, and CPUs compare them in a third of the time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from cnncli.arithmetic.window import Window, output_size
from cnncli.executor.lowering.build import Expression
from cnncli.executor.network.fusion.shared_weights import SharedWeights

MOST_FILTERS = 15  # from 16 on a CPU's convolution and pooling are as fast
MOST_COLUMNS = 12  # padded columns for each of the kernel's: the rest of the matrix is zeros
FEWEST_PLACES = 100  # in a pooled map: below that there is too little to do
PLACES = 4  # of a pooling window
PARTS = (2, 1)  # a product that sums over many rows is faster in parts
HALVES = Window(2, 2)
BITS = {torch.bfloat16: torch.int16, torch.float64: torch.int64}  # integers as wide; float64 is what tests compare in


class Plan(NamedTuple):
    """Sizes of a product: filters, kernel and padding of the convolution; rows and columns of the map when pooled."""

    filters: int
    channels: int
    kernel: tuple[int, int]
    padding: tuple[int, int]
    padded: tuple[int, int]
    pooled: tuple[int, int]

    @property
    def line(self) -> int:
        """Values in a line of the padded image, with a last column for the bias."""
        return (self.padded[1] + 1) * self.channels

    @property
    def block(self) -> int:
        """Columns of the matrix for one of the places in a window."""
        return self.pooled[1] * self.filters

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return (self.kernel[0] + 1) * self.line, PLACES * self.block

    def weights(self, matrices: Tensor) -> Tensor:
        """Where the weights stand in matrices (N, *shape): (N, right, down, columns, kernel height and width, C, F)."""
        width = self.shape[1]
        line, column = self.line * width, self.channels * width
        places = column + 2 * self.block, line + self.block, 2 * column + self.filters
        shape = (len(matrices), 2, 2, self.pooled[1], *self.kernel, self.channels, self.filters)
        return matrices.as_strided(shape, (matrices.stride(0), *places, line, column, width, 1))

    def biases(self, matrices: Tensor) -> Tensor:
        """Where the biases stand in matrices (N, *shape), (N, 4 x columns, F): in the row of the first line's one."""
        return matrices[:, self.padded[1] * self.channels].view(len(matrices), -1, self.filters)

    def frame(self, count: int, dtype: torch.dtype) -> Tensor:
        """Padded images without the images, (N, H, W + 1, C): zeros, and the ones that meet the bias."""
        height, width = self.padded
        frame = torch.zeros(count, height, width + 1, self.channels, dtype=dtype)
        frame[:, :, width, 0] = 1
        return frame

    def rows(self, x: Tensor, frame: Tensor) -> Tensor:
        """Images (N, C, H, W), put into their frame, as (N x pooled rows, rows of the matrix)."""
        down, across = self.padding
        frame[:, down : down + x.shape[2], across : across + x.shape[3]] = x.permute(0, 2, 3, 1)
        shape, steps = (len(x), self.pooled[0], self.shape[0]), (self.padded[0] * self.line, 2 * self.line, 1)
        windows = frame.as_strided(shape, steps)
        return windows.clone(memory_format=torch.contiguous_format).view(-1, shape[-1])  # the frame is used again


class _Product(torch.autograd.Function):
    """Rows of images, weight (F, C, h, w) and bias (F,) to the pooled map after its ReLU, (N, F, H/2, W/2).

    ``matrix`` is 0 wherever no weight goes. Of equal values the first one gets the gradient, as in torch's pooling.
    """

    @staticmethod
    def forward(context: Any, rows: Tensor, weight: Tensor, bias: Tensor | None, plan: Plan, matrix: Tensor) -> Tensor:
        plan.weights(matrix[None]).copy_(weight.permute(2, 3, 1, 0))
        if bias is not None:
            plan.biases(matrix[None]).copy_(bias)
        places = (rows @ matrix).view(BITS[rows.dtype]).view(-1, 2, 2, plan.block)  # right, down
        places.clamp_min_(0)
        halves = torch.maximum(places[:, 0], places[:, 1])
        shape = -1, *plan.pooled, plan.filters
        result = torch.maximum(halves[:, 0], halves[:, 1]).view(rows.dtype)
        context.plan, context.kept = plan, (rows, places, halves, result)
        context.has_bias = bias is not None
        return result.view(shape).permute(0, 3, 1, 2)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if context.kept is None:
            raise RuntimeError("the backward pass of a banded product overwrites what it reads: there is only one")
        plan, (rows, places, halves, result) = context.plan, context.kept
        gradient = gradients[0].permute(0, 2, 3, 1).reshape(result.shape).to(rows.dtype)
        gradient = torch.ops.aten.threshold_backward(gradient, result, 0).view(BITS[rows.dtype])
        _spread(gradient, halves)
        _spread(halves, places)
        evenly_spaced, context.kept = places.view(rows.dtype).view(len(rows), -1), None
        parts = next(parts for parts in PARTS if len(rows) % parts == 0)
        left, right = (each.view(parts, -1, each.shape[1]) for each in (rows, evenly_spaced))
        found = torch.bmm(left.transpose(1, 2), right)
        sums = torch.promote_types(rows.dtype, torch.float32)
        weight = plan.weights(found).flatten(0, 3).sum(0, dtype=sums).permute(3, 2, 0, 1)
        bias = plan.biases(found).sum((0, 1), dtype=sums) if context.has_bias else None
        return None, weight, bias, None, None


def _spread(gradient: Tensor, pairs: Tensor) -> None:
    """Put the gradient of the maximum of pairs (N, 2, …) in their place: the first of two equal ones gets it.

    All are the bits of numbers; the pairs are not below 0.
    """
    second_wins = (pairs[:, 0] - pairs[:, 1]).bitwise_right_shift_(8 * pairs.itemsize - 1)  # all bits, or none
    torch.bitwise_and(gradient, second_wins, out=pairs[:, 1])
    torch.bitwise_xor(gradient, pairs[:, 1], out=pairs[:, 0])


def plan_of(conv: nn.Conv2d, size: tuple[int, int]) -> Plan | None:
    """The plan for a convolution of images (C, *size) whose map is pooled in windows of 2x2; None where there is none.

    It takes strides and dilations of one, and a single group.
    """
    kernel, padding = (cast("tuple[int, int]", each) for each in (conv.kernel_size, conv.padding))
    if {*conv.stride, *conv.dilation, conv.groups} != {1} or isinstance(conv.padding, str):
        return None
    padded = size[0] + 2 * padding[0], size[1] + 2 * padding[1]
    rows, columns = (
        output_size(output_size(length, Window(taps)), HALVES) for length, taps in zip(padded, kernel, strict=True)
    )
    if min(rows, columns) < 1:
        return None
    return Plan(conv.out_channels, conv.in_channels, kernel, padding, padded, (rows, columns))


def pays(plan: Plan) -> bool:
    """Whether the product was the faster one: for few filters on one channel, in maps neither tiny nor wide."""
    return (
        plan.channels == 1
        and plan.filters <= MOST_FILTERS
        and plan.padded[1] <= MOST_COLUMNS * plan.kernel[1]
        and plan.pooled[0] * plan.pooled[1] >= FEWEST_PLACES
    )


def _are_numbers(convolution: nn.Conv2d) -> bool:
    """Whether all weights are: as integers some values that are none are below 0, and the ReLU would hide them.

    In images there are none: data with such values are refused.
    """
    return all(math.isfinite(weight.detach().sum()) for weight in convolution.parameters())


class Room(NamedTuple):
    """What is kept from step to step for images of a shape: their plan, and what of frame and matrix never changes.

    Each forward pass writes images and weights into frame and matrix; a backward pass reads neither.
    """

    shape: torch.Size
    plan: Plan | None
    frame: Tensor
    matrix: Tensor

    @staticmethod
    def of(convolution: nn.Conv2d, shape: torch.Size, dtype: torch.dtype) -> Room:
        """For images (N, C, H, W)."""
        plan = plan_of(convolution, (shape[2], shape[3]))
        if plan is None or not pays(plan):
            return Room(shape, None, torch.empty(0), torch.empty(0))
        return Room(shape, plan, plan.frame(shape[0], dtype), torch.zeros(plan.shape, dtype=dtype))


class BandedConvPoolReLU(SharedWeights[nn.Conv2d, nn.Module]):
    """A convolution, the 2x2 max pooling of its map and the ReLU, while it trains in bfloat16 on a CPU.

    Else it is ``otherwise``.
    """

    def __init__(self, convolution: nn.Conv2d, otherwise: nn.Module) -> None:
        super().__init__(convolution, otherwise)
        self.room: Room | None = None

    def forward(self, x: Tensor) -> Tensor:
        convolution, otherwise = self.layers
        fast = convolution.training and x.is_cpu and not x.requires_grad and not torch.compiler.is_compiling()
        if fast and torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16:
            if self.room is None or self.room.shape != x.shape:
                self.room = Room.of(convolution, x.shape, torch.bfloat16)
            if self.room.plan is not None and _are_numbers(convolution):
                return product(x, convolution, self.room)
        return cast(Tensor, otherwise(x))


def is_halving(pool: Expression) -> bool:
    """Whether a pooling has windows of 2x2 beside each other, and no padding."""
    return pool.windows == (HALVES, HALVES)


def product(x: Tensor, convolution: nn.Conv2d, room: Room) -> Tensor:
    """The pooled map after its ReLU, (N, F, H/2, W/2), of images (N, C, H, W) that need no gradient."""
    plan = cast(Plan, room.plan)
    rows = plan.rows(x, room.frame)
    result = _Product.apply(rows, convolution.weight, convolution.bias, plan, room.matrix)  # type: ignore[no-untyped-call]
    return cast(Tensor, result)
