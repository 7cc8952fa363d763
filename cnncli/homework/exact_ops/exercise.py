"""An exercise by hand as it is written: the input, the kernels or the pool, and how the window slides, all as texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncli.arithmetic.window import Window, transposed_size
from cnncli.errors import CnnError, suggestion
from cnncli.homework.exact_ops import matrices, matrix_text, operations
from cnncli.homework.exact_ops.matrix_files import is_file, is_picture
from cnncli.homework.exact_ops.numbers import refuse_roots
from cnncli.homework.exact_ops.operations import FILTERS, Gradients, Sliding, WindowStep

POOLS = ("max", "avg", "l2")
PADDING_WORDS = ("valid", "same", "full")


class Written(NamedTuple):
    """What is written, as texts of :mod:`cnncli.homework.exact_ops.matrix_text`. ``kernels`` are several for several
    filters (or one text of several, set apart by ``||``), and the size of the window for a pool."""

    input: str
    kernels: tuple[str, ...] = ()
    filter_name: str = ""
    pool: str = ""
    stride: str = ""
    padding: str = "0"
    padding_mode: str = "zeros"
    dilation: str = ""
    bias: tuple[str, ...] = ()
    flip: bool = False
    transposed: bool = False
    output_padding: int = 0


class Exercise(NamedTuple):
    """What is to be worked out: ``x`` (C, *spatial); ``kernel`` (filters, C, *kernel), as written, or None for a pool.

    A transposed convolution's kernel is (C, filters, *kernel).
    """

    x: Any
    kernel: Any
    bias: tuple[Any, ...]
    how: Sliding
    pool: str = ""
    flip: bool = False
    transposed: bool = False
    output_padding: int = 0

    @property
    def weights(self) -> Any:
        """The kernel as it is slid: turned by 180 degrees for a true convolution."""
        return operations.flipped(self.kernel) if self.flip else self.kernel

    def result(self) -> Any:
        """The output, (filters, *positions), exactly. Raises CnnError where channels differ."""
        if self.pool:
            return operations.pool(self.x, self.pool, self.how)
        if self.transposed:
            made = operations.transposed(self.x, self.weights, self.bias, self.how, self.output_padding)
            return operations.simplest(made)
        return operations.simplest(operations.convolve(self.x, self.weights, self.bias, self.how))

    def gradients(self, upstream: Any) -> Gradients:
        """The gradients for one at the output; to the kernel as it is written, which is turned for a convolution."""
        found = operations.gradients(self.x, self.weights, upstream, self.how)
        return found._replace(to_kernel=operations.flipped(found.to_kernel)) if self.flip else found

    def steps(self) -> Iterator[WindowStep]:
        """Every value of the output with what it is worked out from."""
        if self.pool:
            return operations.pool_steps(self.x, self.pool, self.how)
        if self.transposed:
            return operations.transposed_steps(self.x, self.weights, self.bias, self.how, self.output_padding)
        return operations.convolution_steps(self.x, self.weights, self.bias, self.how)


def read_exercise(written: Written) -> Exercise:
    """The exercise that is written. Raises CnnError saying which of the texts is wrong."""
    x = matrices.read_numbers(written.input)
    if written.pool:
        return _pool(x, written)
    x, kernel = _input_and_kernel(x, written)
    channels = kernel.shape[0 if written.transposed else 1]
    if channels != x.shape[0]:
        raise CnnError(
            f"the kernel has {channels} channel{'s' * (channels > 1)}, and the input {x.shape[0]}",
            "give each filter one matrix for each channel of the input: 1 0; 0 1 | 2 0; 0 2",
        )
    if written.output_padding and not written.transposed:
        raise CnnError("output padding belongs to a transposed convolution", "give --transposed as well")
    if written.padding_mode != "zeros" and written.transposed:
        raise CnnError("a transposed convolution cuts its padding off: there is no border to fill")
    rank = x.ndim - 1
    stride = _per_axis(written.stride or "1", rank, "stride")
    padding, dilation = _padding(written.padding, rank), _per_axis(written.dilation or "1", rank, "dilation")
    if written.transposed:
        return _transposed(x, kernel, stride, padding, dilation, written)
    how = operations.sliding(x.shape[1:], kernel.shape[2:], stride, padding, dilation, written.padding_mode)
    return Exercise(x, kernel, _bias(written.bias, len(kernel)), how, flip=written.flip)


def _pool(x: Any, written: Written) -> Exercise:
    if written.filter_name or written.flip or written.bias or written.transposed or written.output_padding:
        raise CnnError(
            "a pool has no kernel of its own", "leave out the filter, flip, bias, transposed and the output padding"
        )
    if written.pool not in POOLS:
        raise CnnError(
            f"there is no pool {written.pool!r}", suggestion(written.pool, POOLS, f"it is {', '.join(POOLS)}")
        )
    if written.padding_mode == "partial":
        raise CnnError("partial padding is a convolution's", "a pool's border is zeros, reflect, replicate or circular")
    if len(written.kernels) != 1:
        raise CnnError("a pool needs the size of its window", "write --pool max --kernel 2")
    x = x if x.ndim > 2 else x[None]
    rank = x.ndim - 1
    size = _per_axis(written.kernels[0], rank, "kernel")
    stride = _per_axis(written.stride, rank, "stride") if written.stride else size
    dilation = _per_axis(written.dilation or "1", rank, "dilation")
    how = operations.sliding(x.shape[1:], size, stride, _padding(written.padding, rank), dilation, written.padding_mode)
    return Exercise(x, None, (), how, pool=written.pool)


def _transposed(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, written: Written) -> Exercise:
    if isinstance(padding, str):
        raise CnnError("a transposed convolution takes padding as a number: what is cut off at each side")
    windows = tuple(
        Window(k, s, p, p, d) for k, s, p, d in zip(kernel.shape[2:], stride, padding, dilation, strict=True)
    )
    extra = written.output_padding
    whole = (window._replace(before=0, after=0) for window in windows)
    operations.refuse_too_many(
        transposed_size(size, window, extra) for size, window in zip(x.shape[1:], whole, strict=True)
    )
    if any(transposed_size(size, window, extra) < 1 for size, window in zip(x.shape[1:], windows, strict=True)):
        raise CnnError("the padding cuts off all of the output", "use less padding")
    if any(extra >= max(s, d) for s, d in zip(stride, dilation, strict=True)):
        raise CnnError(
            f"output padding {extra} is not below the stride or the dilation",
            "it adds what the reversed convolution would drop: at most the larger of the two minus 1, on each axis",
        )
    bias = _bias(written.bias, kernel.shape[1])
    return Exercise(x, kernel, bias, Sliding(windows), flip=written.flip, transposed=True, output_padding=extra)


def _input_and_kernel(x: Any, written: Written) -> tuple[Any, Any]:
    """Both with all their axes: (C, *spatial) and (filters, C, *kernel)."""
    import numpy as np

    if written.filter_name and written.kernels:
        raise CnnError("there is a kernel, and a filter by name", "give one of them")
    if written.filter_name:
        found = [np.array(filter_named(written.filter_name), dtype=object)]
        if is_picture(written.input):  # each colour by itself
            return x, np.eye(len(x))[:, :, None, None] * found[0].astype(float)
    elif written.kernels:
        found = [matrices.read_numbers(text) for text in _each_kernel(written.kernels)]
    else:
        raise CnnError("there is no kernel", f'write one, as "0 1; 2 3", or --filter {", ".join(FILTERS)}')
    if len({kernel.shape for kernel in found}) > 1:
        shapes = " and ".join(dict.fromkeys(map(_shape, found)))
        raise CnnError(f"the kernels have different shapes: {shapes}", "all filters of a layer have one kernel size")
    if x.ndim in (2, 3) and found[0].ndim == 1:
        found = [kernel[None] for kernel in found]  # a row as a kernel of one row
    if x.ndim == 1 and found[0].ndim == 2:
        x = x[None]
    if x.ndim <= 2:
        x = x[None]
    return x, _weight(x, found, transposed=written.transposed)


def _each_kernel(texts: tuple[str, ...]) -> list[str]:
    """The text of each filter: an argument each, or several in one, set apart by ``||``."""
    return [part for text in texts for part in ([text] if is_file(text) else matrix_text.split_filters(text))]


def _weight(x: Any, kernels: list[Any], *, transposed: bool) -> Any:
    """The filters as PyTorch stores them: (filters, C, *kernel), or (C, filters, *kernel) of a transposed convolution.

    ``x`` is (C, *spatial). Each kernel is a filter, (C, *kernel) or, of one channel, *kernel; or one array is the whole
    weight, in PyTorch's order. Raises CnnError for another number of axes.
    """
    import numpy as np

    if len(kernels) == 1 and kernels[0].ndim == x.ndim + 1:
        weight = kernels[0]
    else:
        weight = np.stack(kernels)
        if weight.ndim == x.ndim:  # the channel is not written
            weight = weight[:, None]
        if weight.ndim != x.ndim + 1:
            raise CnnError(
                f"an input of {_shape(x)} and a kernel of {_shape(weight[0])} do not have the same number of axes",
                "give both rows with ; (two dimensions), or both as one row (one dimension)",
            )
        weight = weight.swapaxes(0, 1) if transposed else weight
    return weight


def filter_named(name: str) -> Any:
    """A classic kernel as rows. Raises CnnError for an unknown name."""
    if name not in FILTERS:
        known = f"there are {', '.join(FILTERS)}"
        raise CnnError(f"--filter: there is no {name!r}", suggestion(name, list(FILTERS), known))
    return FILTERS[name]


def _per_axis(text: str, rank: int, field: str) -> tuple[int, ...]:
    numbers = _sizes(text, rank)
    if numbers is None or 0 in numbers:
        raise CnnError(f"{field} {text[:40]}: is not a size for {rank} axes", "write 2, or 2x1 with a number per axis")
    return numbers


def _padding(text: str, rank: int) -> str | tuple[int, ...]:
    if text in PADDING_WORDS:
        return text
    numbers = _sizes(text, rank)
    if numbers is None:
        raise CnnError(f"padding {text[:40]}: is not a padding", "write a number per side, or valid, same or full")
    return numbers


def _sizes(text: str, rank: int) -> tuple[int, ...] | None:
    """``2`` for all axes, or one number for each, as ``2x1`` or ``2, 1``; None for anything else."""
    parts = [part.strip() for part in text.lower().replace(",", "x").split("x")]
    if len(parts) not in (1, rank) or not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        return None
    return tuple(map(int, parts * rank if len(parts) == 1 else parts))


def _bias(texts: tuple[str, ...], filters: int) -> tuple[Any, ...]:
    read = [matrices.read_text(text) for text in texts]
    if any(array.ndim != 1 for array in read):
        raise CnnError("biases are one row of numbers", "give one for each filter: 1, -2")
    values = tuple(value for array in read for value in array)
    refuse_roots(values)
    if values and len(values) != filters:
        raise CnnError(f"there are {len(values)} biases for {filters} filters", "give one for each filter")
    return values or (0,) * filters


def _shape(array: Any) -> str:
    return "x".join(map(str, array.shape))
