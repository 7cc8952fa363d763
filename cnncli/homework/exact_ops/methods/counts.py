"""What a convolution costs by each method: multiplications and additions, with their formulas.

F is the number of filters, C of the channels that each filter reads, P of the values of one output feature map.
Winograd: Lavin and Gray 2016, Fast algorithms for convolutional neural networks. FFT: the convolution theorem, with the
radix-2 transform of Cooley and Tukey 1965.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.methods.separable import outer_product
from cnncli.homework.exact_ops.sliding import positions

TILE = 2  # outputs of Winograd's algorithm per axis


class MethodCount(NamedTuple):
    """The operations of a method. ``additions`` is None where the source does not give them."""

    method: str
    source: str
    multiplications: int
    additions: int | None
    formulas: tuple[str, ...]


class ConvolutionSizes(NamedTuple):
    """Filters, channels per filter, kernel, output and padded input per axis, and the channels of the input."""

    filters: int
    channels: int
    kernel: tuple[int, ...]
    outputs: tuple[int, ...]
    padded: tuple[int, ...]
    input_channels: int

    @property
    def places(self) -> int:
        """The values of one output feature map."""
        return prod(self.outputs)


def sizes_of(exercise: Exercise) -> ConvolutionSizes:
    """The sizes of a convolution; a filter that reads only the channel of its own number has one channel."""
    how, sizes = exercise.how, exercise.x.shape[1:]
    weights = exercise.weights
    own = len(weights) == len(exercise.x) > 1 and all(
        not weights[one, other].any() for one, other in product(range(len(weights)), repeat=2) if one != other
    )
    whole = tuple(n + w.before + w.after for n, w in zip(sizes, how.windows, strict=True))
    channels, outputs = len(exercise.x), positions(sizes, how)
    return ConvolutionSizes(len(weights), 1 if own else channels, weights.shape[2:], outputs, whole, channels)


def counts(exercise: Exercise) -> list[MethodCount]:
    """The operations of every method that computes this convolution, the bias left out."""
    sizes = sizes_of(exercise)
    found = [_direct(sizes), _im2col(sizes), *_separable(exercise, sizes), *_winograd(exercise, sizes)]
    return [*found, _fft(exercise, sizes)]


def separated(exercise: Exercise) -> list[str]:
    """The outer product of every kernel matrix, if all are ones; empty otherwise."""
    matrices = [matrix for kernel in exercise.kernel for matrix in kernel if matrix.any()]
    is_matrix = matrices and matrices[0].ndim == 2 and min(matrices[0].shape) > 1
    found = [outer_product(matrix) for matrix in matrices] if is_matrix else []
    texts = [one.text for one in found if one is not None]
    return texts if len(texts) == len(matrices) else []


def _times(*numbers: int) -> str:
    return " * ".join(map(str, numbers))


def _direct(sizes: ConvolutionSizes) -> MethodCount:
    f, c, p, k = sizes.filters, sizes.channels, sizes.places, sizes.kernel
    per_output = c * prod(k)
    return MethodCount(
        "direct", "", f * p * per_output, f * p * (per_output - 1),
        (f"multiplications F * P * C * k = {_times(f, p, c, *k)} = {f * p * per_output:,}",
         f"additions F * P * (C * k - 1) = {f} * {p} * ({_times(c, *k)} - 1) = {f * p * (per_output - 1):,}"),
    )  # fmt: skip


def _im2col(sizes: ConvolutionSizes) -> MethodCount:
    rows, direct = sizes.channels * prod(sizes.kernel), _direct(sizes)
    each = "for each channel " if sizes.channels < sizes.input_channels else ""
    filters = 1 if each else sizes.filters
    matrix = f"the same products, {each}as ({filters}x{rows}) (matrix of patches, {rows}x{sizes.places})"
    return direct._replace(method="im2col", formulas=(matrix,))


def _separable(exercise: Exercise, sizes: ConvolutionSizes) -> Iterator[MethodCount]:
    texts = separated(exercise)
    if not texts:
        return
    f, c, (high, wide), (rows, _) = sizes.filters, sizes.channels, sizes.kernel, sizes.outputs
    window, columns = exercise.how.windows[1], {*range(sizes.padded[1])}
    used = {at * window.stride + tap * window.dilation for at, tap in product(range(sizes.outputs[1]), range(wide))}
    width, places = len(columns & used), sizes.places
    multiplications = f * c * (rows * width * high + places * wide)
    additions = f * c * (rows * width * (high - 1) + places * (wide - 1)) + f * (c - 1) * places
    yield MethodCount(
        "separable", "", multiplications, additions,
        (f"k_h + k_w = {high + wide} instead of k_h * k_w = {high * wide} per value of a large image; here",
         f"columns {_times(f, c, rows, width, high)}, then rows {_times(f, c, places, wide)}"
         f" = {multiplications:,} multiplications"),
    )  # fmt: skip


def _winograd(exercise: Exercise, sizes: ConvolutionSizes) -> Iterator[MethodCount]:
    """F(m, r) of Lavin and Gray, for square kernels at stride and dilation 1: m + r - 1 multiplications per axis."""
    windows, rank = exercise.how.windows, len(sizes.kernel)
    if {*sizes.kernel} != {sizes.kernel[0]} or sizes.kernel[0] == 1 or rank > 2:
        return
    if any(w.stride > 1 or w.dilation > 1 for w in windows):
        return
    f, c, r = sizes.filters, sizes.channels, sizes.kernel[0]
    tiles = prod(-(-size // TILE) for size in sizes.outputs)
    per_tile = (TILE + r - 1) ** rank
    name = f"F({'x'.join([str(TILE)] * rank)}, {'x'.join([str(r)] * rank)})"
    additions = None
    formulas = [f"multiplications F * C * tiles * ({TILE} + {r} - 1)^{rank} = {_times(f, c, tiles, per_tile)}"
                f" = {f * c * tiles * per_tile:,}"]  # fmt: skip
    if r == 3:
        data, inverse = ((4, 4), (32, 24))[rank - 1]  # section 4.1 of the paper
        each = f"({data} * {sizes.input_channels} + {inverse} F + {per_tile} F (C - 1))"
        additions = tiles * (sizes.input_channels * data + f * inverse + f * (c - 1) * per_tile)
        formulas += [f"additions tiles * {each} = {additions:,}", "the kernels are transformed once, before"]
    yield MethodCount(f"Winograd {name}", "Lavin and Gray 2016", f * c * tiles * per_tile, additions, tuple(formulas))


def _fft(exercise: Exercise, sizes: ConvolutionSizes) -> MethodCount:
    """Three kinds of transforms and one product, of n + k - 1 values per axis, rounded up to a power of 2."""
    f, c = sizes.filters, sizes.channels
    reach = [window.effective_kernel for window in exercise.how.windows]
    axes = [1 << (n + k - 2).bit_length() for n, k in zip(sizes.padded, reach, strict=True)]
    n, channels = prod(axes), sizes.input_channels
    transforms, log = channels + f * c + f, prod(axes).bit_length() - 1
    multiplications = 4 * (transforms * n * log // 2 + f * c * n)
    additions = 2 * transforms * n * log + 2 * (multiplications // 4) + 2 * f * (c - 1) * n
    size = "x".join(map(str, axes))
    return MethodCount(
        f"FFT {size}", "Cooley and Tukey 1965", multiplications, additions,
        (f"{transforms} transforms (inputs, kernels, outputs) of N = {n}: n + k - 1 per axis, to a power of 2",
         "a transform has N / 2 * log2(N) complex multiplications; F * C * N more for the product",
         f"real multiplications 4 * ({transforms} * {n // 2} * {log} + {_times(f, c, n)}) = {multiplications:,}"),
    )  # fmt: skip
