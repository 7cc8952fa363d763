"""A convolution or a pool as it is written: the input, the kernels, and how the window slides, all as texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncli.arithmetic.numerals import split_sizes
from cnncli.arithmetic.window import PADDING_NAMES, Window, transposed_size
from cnncli.errors import CnnError, counted, shortened, suggestion
from cnncli.homework.exact_ops import matrices, matrix_text
from cnncli.homework.exact_ops.backward.convolution import Gradients, gradient_steps, gradients
from cnncli.homework.exact_ops.backward.pooling import pool_gradient, pool_gradient_steps
from cnncli.homework.exact_ops.convolution import convolution_steps, convolve, flipped
from cnncli.homework.exact_ops.filters import FILTERS, filter_named
from cnncli.homework.exact_ops.letters import refuse_many_letters
from cnncli.homework.exact_ops.matrix_files import is_file, is_image
from cnncli.homework.exact_ops.numbers import refuse_roots, simplest
from cnncli.homework.exact_ops.pooling import pool, pool_steps
from cnncli.homework.exact_ops.sliding import Sliding, WindowStep, both_sides, positions, refuse_too_many, sliding
from cnncli.homework.exact_ops.transposed import transposed, transposed_steps

POOLS = ("max", "avg", "l2")
SIZE = re.compile(r"\s*[0-9]{1,9}(?:\s{0,9}[xX×*]\s{0,9}[0-9]{1,9})+\s*")  # 3x3


class ExerciseText(NamedTuple):
    """An exercise as texts of :mod:`cnncli.homework.exact_ops.matrix_text`; the fields are the options of ``convolve``.

    ``kernels`` has one text per filter, or one for several, which ``||`` separates; for a pool, its kernel size.
    """

    input: str
    kernels: tuple[str, ...] = ()
    filter: str = ""
    pool: str = ""
    stride: str = ""
    padding: str = "0"
    padding_mode: str = "zeros"
    dilation: str = ""
    bias: tuple[str, ...] = ()
    flip: bool = False
    transposed: bool = False
    output_padding: int = 0
    count_include_pad: bool = True


class Exercise(NamedTuple):
    """A convolution or a pool: ``x`` (C, *spatial); ``kernel`` (filters, C, *kernel), as written, or None for a pool.

    The kernel of a transposed convolution is (C, filters, *kernel).
    """

    x: Any
    kernel: Any
    bias: tuple[Any, ...]
    how: Sliding
    pool: str = ""
    count_include_pad: bool = True
    flip: bool = False
    transposed: bool = False
    output_padding: int = 0

    @property
    def weights(self) -> Any:
        """The kernel as it slides: rotated by 180 degrees for a true convolution."""
        return flipped(self.kernel) if self.flip else self.kernel

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the result, (filters, *positions), without its calculation."""
        sizes, windows = self.x.shape[1:], self.how.windows
        if self.pool:
            return (len(self.x), *positions(sizes, self.how))
        if self.transposed:
            grown = (transposed_size(*pair, self.output_padding) for pair in zip(sizes, windows, strict=True))
            return (self.kernel.shape[1], *grown)
        return (len(self.kernel), *positions(sizes, self.how))

    def result(self) -> Any:
        """The output, (filters, *positions), exactly. Raises CnnError where channels differ."""
        if self.pool:
            return pool(self.x, self.pool, self.how, count_include_pad=self.count_include_pad)
        if self.transposed:
            return simplest(transposed(self.x, self.weights, self.bias, self.how, self.output_padding))
        return simplest(convolve(self.x, self.weights, self.bias, self.how))

    def steps(self) -> Iterator[WindowStep]:
        """Every value of the output with its expression."""
        if self.pool:
            return pool_steps(self.x, self.pool, self.how, count_include_pad=self.count_include_pad)
        if self.transposed:
            return transposed_steps(self.x, self.weights, self.bias, self.how, self.output_padding)
        return convolution_steps(self.x, self.weights, self.bias, self.how)

    def read_upstream(self, text: str, *, letters: bool = False) -> Any:
        """An upstream gradient, (filters, *positions); leading axes of size 1 may be left out. Raises CnnError."""
        upstream = matrices.read_numbers(text, letters=letters)
        if self.kernel is not None:
            refuse_many_letters(upstream, self.kernel)
        if self.x.ndim == 2 and matrices.has_row_channels(text, upstream):
            return upstream[:, 0]
        return upstream.reshape(*(1,) * (self.x.ndim - upstream.ndim), *upstream.shape)

    def gradients(self, upstream: Any) -> Gradients:
        """The gradients for an upstream gradient. The kernel's is that of the kernel as written, before any flip."""
        found = gradients(self.x, self.weights, upstream, self.how)
        return found._replace(to_kernel=flipped(found.to_kernel)) if self.flip else found

    def pool_gradient(self, upstream: Any) -> Any:
        """The gradient to the input of a pool, (C, *sizes)."""
        return pool_gradient(self.x, self.pool, upstream, self.how, count_include_pad=self.count_include_pad)

    def pool_gradient_steps(self, upstream: Any) -> list[WindowStep]:
        """Every value of the gradient to the input of a pool, with its expression."""
        return pool_gradient_steps(self.x, self.pool, upstream, self.how, count_include_pad=self.count_include_pad)

    def gradient_steps(self, upstream: Any) -> tuple[list[WindowStep], list[WindowStep]]:
        """Every value of the gradients to the input and to the kernel as it slides, with its expression."""
        return gradient_steps(self.x, self.weights, upstream, self.how)


def read_exercise(text: ExerciseText, *, letters: bool = False) -> Exercise:
    """Read an exercise, in which entries may be ``letters``. Raises CnnError, with the wrong text."""
    if not text.count_include_pad and text.pool != "avg":
        raise CnnError("count_include_pad is for average pooling", "add --pool avg, or leave it out")
    _refuse_sizes(text)
    x = matrices.read_numbers(text.input, letters=letters)
    if text.pool:
        return _pool(x, text)
    x, kernel = _input_and_kernel(x, text, letters=letters)
    refuse_many_letters(x, kernel)
    channels = kernel.shape[0 if text.transposed else 1]
    if channels != x.shape[0]:
        raise CnnError(
            f"the kernel has {counted(channels, 'channel')}, but the input has {x.shape[0]}",
            "give each filter one matrix per input channel: 1 0; 0 1 | 2 0; 0 2",
        )
    if text.output_padding and not text.transposed:
        raise CnnError("output padding is for transposed convolutions", "add --transposed")
    if text.padding_mode != "zeros" and text.transposed:
        raise CnnError("a transposed convolution has no border to fill: its padding is cut off")
    rank = x.ndim - 1
    stride = _per_axis(text.stride or "1", rank, "stride")
    padding, dilation = _padding(text.padding, rank), _per_axis(text.dilation or "1", rank, "dilation")
    if text.transposed:
        return _transposed(x, kernel, stride, padding, dilation, text, letters=letters)
    how = sliding(x.shape[1:], kernel.shape[2:], stride, padding, dilation, text.padding_mode)
    return Exercise(x, kernel, _bias(text.bias, len(kernel), letters=letters), how, flip=text.flip)


def _refuse_sizes(text: ExerciseText) -> None:
    """Raises CnnError for a size, 3x3, in the place of a matrix; as letters, 3x3 would be 3 times x3."""
    for written in (text.input, *(() if text.pool else text.kernels)):
        if not SIZE.fullmatch(written) or is_file(written):
            continue
        parts = split_sizes(written)
        size = "x".join(parts)
        if written == text.input:
            shape = size if len(parts) > 2 else f"1x{size}"
            hint = f"write its numbers; a size alone needs none: cnn layer conv --input {shape} --kernel 3"
        else:
            hint = f'write its numbers, e.g. "0 1; 2 3"; for a pool of {size}, add --pool max'
        raise CnnError(f"{shortened(written.strip())} is a size, not a matrix", hint)


def _pool(x: Any, text: ExerciseText) -> Exercise:
    if text.filter or text.flip or text.bias or text.transposed or text.output_padding:
        raise CnnError("a pool has no weights", "remove the filter, flip, bias, transposed and output padding")
    if text.pool not in POOLS:
        raise CnnError(f"unknown pool {text.pool!r}", suggestion(text.pool, POOLS, f"use {', '.join(POOLS)}"))
    if text.padding_mode == "partial":
        raise CnnError("partial padding is for convolutions", "pools take zeros, reflect, replicate or circular")
    if len(text.kernels) != 1:
        raise CnnError("missing kernel size of the pool", "write --pool max --kernel 2")
    if matrices.has_row_channels(text.input, x):
        x = x[:, 0]
    elif x.ndim <= 2:
        x = x[None]
    rank = x.ndim - 1
    size = _per_axis(text.kernels[0], rank, "kernel")
    stride = _per_axis(text.stride, rank, "stride") if text.stride else size
    dilation = _per_axis(text.dilation or "1", rank, "dilation")
    how = sliding(x.shape[1:], size, stride, _padding(text.padding, rank), dilation, text.padding_mode)
    if not text.count_include_pad and not how.is_padded:
        raise CnnError("count_include_pad has no effect without padding", "give --padding 1, or leave it out")
    if not text.count_include_pad and how.mode != "zeros":
        raise CnnError(f"count_include_pad is for zero padding, not for {how.mode}", "leave it out")
    return Exercise(x, None, (), how, pool=text.pool, count_include_pad=text.count_include_pad)


def _transposed(
    x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, text: ExerciseText, *, letters: bool
) -> Exercise:
    if isinstance(padding, str):
        raise CnnError("a transposed convolution needs a numeric padding", "write the padding per side")
    pairs = zip(kernel.shape[2:], stride, padding, dilation, strict=True)
    windows = tuple(Window(k, s, *both_sides(p), d) for k, s, p, d in pairs)
    extra = text.output_padding
    unpadded = (window._replace(before=0, after=0) for window in windows)
    refuse_too_many(transposed_size(size, window, extra) for size, window in zip(x.shape[1:], unpadded, strict=True))
    if any(transposed_size(size, window, extra) < 1 for size, window in zip(x.shape[1:], windows, strict=True)):
        raise CnnError("the padding removes all of the output", "use less padding")
    if any(extra >= max(s, d) for s, d in zip(stride, dilation, strict=True)):
        raise CnnError(
            f"output padding {extra} must be less than the stride or the dilation",
            "it restores the rows that the convolution drops: at most max(stride, dilation) - 1 on each axis",
        )
    bias = _bias(text.bias, kernel.shape[1], letters=letters)
    return Exercise(x, kernel, bias, Sliding(windows), flip=text.flip, transposed=True, output_padding=extra)


def _input_and_kernel(x: Any, text: ExerciseText, *, letters: bool) -> tuple[Any, Any]:
    """Both with all their axes: (C, *spatial) and (filters, C, *kernel)."""
    import numpy as np

    texts, kernels = _kernels(text, letters=letters)
    if _is_in_rows(text.input, x) and all(map(_is_in_rows, texts, kernels)):  # one-dimensional
        x = x.reshape(-1, x.shape[-1])
        kernels = [kernel.squeeze(-2) if kernel.ndim > 1 else kernel for kernel in kernels]
        return x, _weight(x, kernels, transposed=text.transposed)
    if x.ndim in (2, 3) and kernels[0].ndim == 1:
        kernels = [kernel[None] for kernel in kernels]  # a row as a kernel of one row
    if x.ndim == 1 and kernels[0].ndim == 2:
        x = x[None]
    if x.ndim <= 2:
        x = x[None]
    if not is_image(text.input):
        return x, _weight(x, kernels, transposed=text.transposed)
    if len(kernels) == 1 and kernels[0].ndim == 2:  # it filters each color channel by itself
        return x, np.eye(len(x))[:, :, None, None] * kernels[0].astype(float)
    return x, _weight(x, kernels, transposed=text.transposed).astype(float)


def _kernels(text: ExerciseText, *, letters: bool) -> tuple[list[str], list[Any]]:
    """The text and the array of each filter, (C, *kernel) or, with one channel, *kernel. All have one shape."""
    import numpy as np

    if text.filter and text.kernels:
        raise CnnError("both a kernel and a named filter are given", "give one of them")
    if text.filter:
        return [text.filter], [np.array(filter_named(text.filter), dtype=object)]
    if not text.kernels:
        raise CnnError("missing kernel", f'write one, e.g. "0 1; 2 3", or --filter {", ".join(FILTERS)}')
    texts, letters = _each_kernel(text.kernels), letters and not is_image(text.input)
    kernels = [matrices.read_numbers(one, letters=letters) for one in texts]
    if len({kernel.shape for kernel in kernels}) > 1:
        shapes = " and ".join(dict.fromkeys(map(_shape, kernels)))
        raise CnnError(f"the kernels have different shapes: {shapes}", "give all filters one kernel size")
    return texts, kernels


def _is_in_rows(text: str, array: Any) -> bool:
    """Whether an array is written as one row, or as one row per channel."""
    return array.ndim == 1 or matrices.has_row_channels(text, array)


def _each_kernel(texts: tuple[str, ...]) -> list[str]:
    """The text of each filter: one per argument, or several in one argument, which ``||`` separates."""
    return [part for text in texts for part in ([text] if is_file(text) else matrix_text.split_filters(text))]


def _weight(x: Any, kernels: list[Any], *, transposed: bool) -> Any:
    """The filters as PyTorch stores them: (filters, C, *kernel), or (C, filters, *kernel) for a transposed convolution.

    ``x`` is (C, *spatial). Each kernel is a filter, (C, *kernel) or, with one channel, *kernel; or one array is the
    complete weight, in PyTorch's order. Raises CnnError for another number of axes.
    """
    import numpy as np

    if len(kernels) == 1 and kernels[0].ndim == x.ndim + 1:
        return kernels[0]
    weight = np.stack(kernels)
    if weight.ndim == x.ndim:  # the channel axis is not written
        weight = weight[:, None]
    if weight.ndim != x.ndim + 1:
        raise CnnError(
            f"an input of {_shape(x)} and a kernel of {_shape(weight[0])} differ in their number of axes",
            "write both with ; between rows (2-D), or both as one row (1-D)",
        )
    return weight.swapaxes(0, 1) if transposed else weight


def _per_axis(text: str, rank: int, field: str) -> tuple[int, ...]:
    numbers = _sizes(text, rank, field)
    if numbers is not None and 0 in numbers:
        raise CnnError(f"{field} {text[:40]}: must be at least 1", f"write {field} 1")
    if numbers is None:
        hint = "write 2" if rank == 1 else f"write 2, or {'x'.join(['2', *'1' * (rank - 1)])} for one number per axis"
        raise CnnError(f"{field} {text.strip()[:40]}: not a size for {counted(rank, 'axis')}", hint)
    return numbers


def _padding(text: str, rank: int) -> str | tuple[int | tuple[int, int], ...]:
    text = text.strip()
    if text.lower() in PADDING_NAMES:
        return text.lower()
    if text.lower() in ("zero", "zeros", "none", "no"):
        raise CnnError(f"padding {text}: not a padding", "write 0 for none; zeros fill the border by default")
    numbers = _sizes(text, rank, "padding") or _pairs(text, rank)
    if numbers is None:
        sides = "the padding per side" if rank == 1 else "the padding per side, one number or 2x1 for one per axis"
        raise CnnError(
            f"padding {text[:40]}: not a padding for {counted(rank, 'axis')}",
            f"write {sides}; or one of {', '.join(PADDING_NAMES)}",
        )
    return numbers


def _sizes(text: str, rank: int, field: str) -> tuple[int, ...] | None:
    """``2`` for all axes, or one number per axis, e.g. ``2x1`` or ``(2, 1)``; None for anything else.

    Raises CnnError for a number that is too large.
    """
    parts = split_sizes(text)
    if any(re.fullmatch(r"0*[1-9][0-9]{9,}", part) for part in parts):
        raise CnnError(f"{field} {shortened(text.strip())}: more than 999,999,999 (the limit)", "use a smaller number")
    if len(parts) not in (1, rank) or not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        return None
    return tuple(map(int, parts * rank if len(parts) == 1 else parts))


def _pairs(text: str, rank: int) -> tuple[tuple[int, int], ...] | None:
    """``((1, 0), (0, 2))``: the padding before and after, per axis; None for anything else."""
    pair = r"[(\[]\s{0,9}[0-9]{1,9}\s{0,9},\s{0,9}[0-9]{1,9}\s{0,9}[)\]]"
    if not re.fullmatch(rf"[(\[]\s{{0,9}}{pair}(?:\s{{0,9}},\s{{0,9}}{pair})*\s{{0,9}},?\s{{0,9}}[)\]]", text):
        return None
    numbers = [*map(int, re.findall(r"[0-9]+", text))]
    pairs = (*zip(numbers[::2], numbers[1::2], strict=True),)
    return pairs if len(pairs) == rank else None


def _bias(texts: tuple[str, ...], filters: int, *, letters: bool) -> tuple[Any, ...]:
    arrays = [matrices.read_text(text, letters=letters) for text in texts]
    if any(array.ndim != 1 for array in arrays):
        raise CnnError("biases must be one row of numbers", "give one per filter: 1, -2")
    values = tuple(value for array in arrays for value in array)
    refuse_roots(values)
    if values and len(values) != filters:
        raise CnnError(f"{counted(len(values), 'bias')} for {counted(filters, 'filter')}", "give one per filter")
    return values or (0,) * filters


def _shape(array: Any) -> str:
    return "x".join(map(str, array.shape))
