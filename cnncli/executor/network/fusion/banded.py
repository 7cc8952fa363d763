"""A convolution of small images, the 2x2 max pooling after it and the ReLU, as one banded matrix product.

With one channel and few filters a convolution computes too little for each value that it moves: on a CPU, LeNet-5
spends a third of its time in the first layer. A matrix product uses the CPU's matrix units:

    a row of the product   the lines of the padded image that a row of pooling windows depends on, side by side
    a column               one filter at one position: left or right, upper or lower in its window
    the matrix             the filter's weights at the pixels that the position depends on, and zeros elsewhere; each
                           line ends with a column of 1, which is multiplied by the bias

The zeros cost multiplications, which are cheaper here than memory; wide images would have too many.

Pooling and ReLU work on the bits of the numbers, read as integers: numbers that are not negative, as after a ReLU,
have the same order as their bits, which a CPU compares in a third of the time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from cnncli.arithmetic.window import Window, output_size
from cnncli.executor.lowering.build import Expression
from cnncli.executor.network.fusion.shared_weights import SharedWeights

MOST_FILTERS = 15  # with 16 or more a CPU's convolution and pooling are as fast
MOST_COLUMNS = 12  # padded columns per column of the kernel: the rest of the matrix is zeros
FEWEST_PLACES = 100  # pooled positions, below which there is too little to compute
PLACES = 4  # positions in a pooling window
PARTS = (2, 1)  # a product that sums over many rows is faster in several parts
HALVES = Window(2, 2)
BITS = {torch.bfloat16: torch.int16, torch.float64: torch.int64}  # integers of the same width; the tests use float64


class BandedPlan(NamedTuple):
    """Sizes of a product: filters, kernel and padding of the convolution; rows and columns after pooling."""

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
        """Columns of the matrix for one position in the pooling window."""
        return self.pooled[1] * self.filters

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return (self.kernel[0] + 1) * self.line, PLACES * self.block

    def weights(self, matrices: Tensor) -> Tensor:
        """A view of the weights in matrices (N, *shape): (N, right, down, columns, kernel height and width, C, F)."""
        width = self.shape[1]
        line, column = self.line * width, self.channels * width
        places = column + 2 * self.block, line + self.block, 2 * column + self.filters
        shape = (len(matrices), 2, 2, self.pooled[1], *self.kernel, self.channels, self.filters)
        return matrices.as_strided(shape, (matrices.stride(0), *places, line, column, width, 1))

    def biases(self, matrices: Tensor) -> Tensor:
        """A view of the biases in matrices (N, *shape), (N, 4 x columns, F): the row for the 1 of the first line."""
        return matrices[:, self.padded[1] * self.channels].view(len(matrices), -1, self.filters)

    def frame(self, count: int, dtype: torch.dtype) -> Tensor:
        """Padding for images, (N, H, W + 1, C): zeros, and the ones that are multiplied by the bias."""
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
        return windows.clone(memory_format=torch.contiguous_format).view(-1, shape[-1])  # the frame is reused


class _Product(torch.autograd.Function):
    """From rows of images, weight (F, C, h, w) and bias (F,) to the output of the ReLU, (N, F, H/2, W/2).

    ``matrix`` is 0 where there is no weight. The first of equal values gets the gradient, as in PyTorch's pooling.
    """

    @staticmethod
    def forward(
        context: Any, rows: Tensor, weight: Tensor, bias: Tensor | None, plan: BandedPlan, matrix: Tensor
    ) -> Tensor:
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
        _unpool(gradient, halves)
        _unpool(halves, places)
        unpooled, context.kept = places.view(rows.dtype).view(len(rows), -1), None
        parts = next(parts for parts in PARTS if len(rows) % parts == 0)
        left, right = (each.view(parts, -1, each.shape[1]) for each in (rows, unpooled))
        found = torch.bmm(left.transpose(1, 2), right)
        sums = torch.promote_types(rows.dtype, torch.float32)
        weight = plan.weights(found).flatten(0, 3).sum(0, dtype=sums).permute(3, 2, 0, 1)
        bias = plan.biases(found).sum((0, 1), dtype=sums) if context.has_bias else None
        return None, weight, bias, None, None


def _unpool(gradient: Tensor, pairs: Tensor) -> None:
    """Replace pairs (N, 2, …) by the gradient of their maximum, which the first of two equal values gets.

    All are bits of numbers; the pairs are not negative.
    """
    second_wins = (pairs[:, 0] - pairs[:, 1]).bitwise_right_shift_(8 * pairs.itemsize - 1)  # all bits set, or none
    torch.bitwise_and(gradient, second_wins, out=pairs[:, 1])
    torch.bitwise_xor(gradient, pairs[:, 1], out=pairs[:, 0])


def plan_of(conv: nn.Conv2d, size: tuple[int, int]) -> BandedPlan | None:
    """The plan for a convolution of images (C, *size) followed by 2x2 max pooling; None if there is none.

    It requires stride 1, dilation 1 and a single group.
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
    return BandedPlan(conv.out_channels, conv.in_channels, kernel, padding, padded, (rows, columns))


def is_faster(plan: BandedPlan) -> bool:
    """Whether the product is faster: for few filters on one channel, and feature maps neither tiny nor wide."""
    return (
        plan.channels == 1
        and plan.filters <= MOST_FILTERS
        and plan.padded[1] <= MOST_COLUMNS * plan.kernel[1]
        and plan.pooled[0] * plan.pooled[1] >= FEWEST_PLACES
    )


def _is_finite(convolution: nn.Conv2d) -> bool:
    """Whether all weights are finite: the bits of some NaN are a negative integer, which the ReLU would hide.

    Images are finite: data with other values are rejected.
    """
    return all(math.isfinite(weight.detach().sum()) for weight in convolution.parameters())


class Workspace(NamedTuple):
    """The buffers reused from step to step for images of a shape: their plan, and the frame and the matrix.

    Each forward pass writes images into the frame and weights into the matrix; a backward pass reads neither.
    """

    shape: torch.Size
    plan: BandedPlan | None
    frame: Tensor
    matrix: Tensor

    @staticmethod
    def of(convolution: nn.Conv2d, shape: torch.Size, dtype: torch.dtype) -> Workspace:
        """For images (N, C, H, W)."""
        plan = plan_of(convolution, (shape[2], shape[3]))
        if plan is None or not is_faster(plan):
            return Workspace(shape, None, torch.empty(0), torch.empty(0))
        return Workspace(shape, plan, plan.frame(shape[0], dtype), torch.zeros(plan.shape, dtype=dtype))


class BandedConvPoolReLU(SharedWeights[nn.Conv2d, nn.Module]):
    """A convolution, the 2x2 max pooling after it and the ReLU, as a product while training in bfloat16 on a CPU.

    In all other cases it computes ``otherwise``.
    """

    def __init__(self, convolution: nn.Conv2d, otherwise: nn.Module) -> None:
        super().__init__(convolution, otherwise)
        self.workspace: Workspace | None = None

    def forward(self, x: Tensor) -> Tensor:
        convolution, otherwise = self.layers
        fast = convolution.training and x.is_cpu and not x.requires_grad and not torch.compiler.is_compiling()
        if fast and torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16:
            if self.workspace is None or self.workspace.shape != x.shape:
                self.workspace = Workspace.of(convolution, x.shape, torch.bfloat16)
            if self.workspace.plan is not None and _is_finite(convolution):
                return product(x, convolution, self.workspace)
        return cast(Tensor, otherwise(x))


def is_halving(pool: Expression) -> bool:
    """Whether a pooling has adjacent 2x2 windows and no padding."""
    return pool.windows == (HALVES, HALVES)


def product(x: Tensor, convolution: nn.Conv2d, workspace: Workspace) -> Tensor:
    """The output of the ReLU, (N, F, H/2, W/2), for images (N, C, H, W) that need no gradient."""
    plan = cast(BandedPlan, workspace.plan)
    rows = plan.rows(x, workspace.frame)
    result = _Product.apply(rows, convolution.weight, convolution.bias, plan, workspace.matrix)  # type: ignore[no-untyped-call]
    return cast(Tensor, result)
