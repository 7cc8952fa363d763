"""The windows that turn one size into another, from the size formula solved for each of its quantities.

floor((n + 2 p - k') / s) + 1 = m holds exactly for s (m - 1) <= n + 2 p - k' < s m, with the effective kernel size
k' = d (k - 1) + 1: an interval of paddings for each kernel, stride and dilation, and an interval of inputs for each
window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncli.arithmetic.window import (
    Window,
    covered,
    dropped,
    fits,
    named_padding,
    output_size,
    remainder,
    transposed_size,
)

MAX_KERNEL = 11  # larger ones are listed only when asked for
MAX_SKIPPING = 16  # strides above the kernel for each padding
Padding = int | str


class Solution(NamedTuple):
    """A window that meets what is wanted. ``padding`` is per side, or same; ``dropped`` counts the rows it drops."""

    kernel: int
    stride: int
    padding: Padding
    dilation: int
    dropped: int
    output_padding: int = 0

    @property
    def effective_kernel(self) -> int:
        """Inputs from the first tap to the last."""
        return Window(self.kernel, dilation=self.dilation).effective_kernel


class Wanted(NamedTuple):
    """The given quantities; None is a quantity to solve for. There is a size per axis, and one window for all axes."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    kernel: int | None = None
    stride: int | None = None
    padding: Padding | None = None
    dilation: int | None = None
    max_kernel: int = MAX_KERNEL


def window_for(size: int, kernel: int, stride: int, padding: Padding, dilation: int) -> Window:
    """The window with its padding as numbers."""
    if isinstance(padding, str):
        before, after = named_padding(padding, size, kernel, stride, dilation)
    else:
        before = after = padding
    return Window(kernel, stride, before, after, dilation)


def solutions(wanted: Wanted) -> list[Solution]:
    """All windows within bounds that turn every input size into its output size, most usual first.

    Bounds, where the quantity is not given: kernels up to ``max_kernel`` (and the padded input), strides up to the
    kernel (a larger one skips pixels: only where a given kernel has no other), dilation 1, padding up to half of the
    effective kernel size.
    """
    found = {solution for window in _candidates(wanted) for solution in _paddings(wanted, *window)}
    if not found and wanted.kernel is not None and wanted.stride is None:
        found = {solution for stride in _skipping_strides(wanted) for solution in _paddings(wanted, *stride)}
    return sorted(found, key=_unusualness)


def _unusualness(solution: Solution) -> tuple[object, ...]:
    """The order: nothing dropped; then fewest oddities; then small kernels and strides.

    Odd are: an even kernel (but for a pool's, which moves by its own size), padding that is neither none nor half of
    the kernel, a stride beyond the kernel.
    """
    usual = solution.padding in (0, (solution.effective_kernel - 1) // 2, "same", "valid")
    tiles = solution.kernel == solution.stride
    oddities = sum(
        (
            solution.kernel % 2 == 0 and not tiles,
            not usual,
            solution.stride > solution.kernel,
            solution.kernel == 1 and solution.stride > 1,
        )
    )
    padding = solution.padding if isinstance(solution.padding, int) else 0
    return (solution.dropped > 0, oddities, solution.kernel, solution.stride, padding, str(solution.padding))


def _candidates(wanted: Wanted) -> Iterator[tuple[int, int, int]]:
    """(kernel, stride, dilation) within the bounds."""
    kernels = [wanted.kernel] if wanted.kernel is not None else [*range(1, wanted.max_kernel + 1)]
    for kernel in kernels:
        strides = [wanted.stride] if wanted.stride is not None else range(1, kernel + 1)
        for stride in strides:
            yield kernel, stride, wanted.dilation or 1


def _skipping_strides(wanted: Wanted) -> Iterator[tuple[int, int, int]]:
    """(kernel, stride, dilation) of the given kernel, with strides above it: the first few for each padding.

    From s (m - 1) <= n + 2 p - k' < s m on each axis.
    """
    assert wanted.kernel is not None
    window = Window(wanted.kernel, dilation=wanted.dilation or 1)
    for total in _total_paddings(wanted.padding, window.effective_kernel):
        rests = [
            (size + total - window.effective_kernel, m) for size, m in zip(wanted.inputs, wanted.outputs, strict=True)
        ]
        first = max(wanted.kernel, *(rest // m for rest, m in rests)) + 1
        last = min((rest // (m - 1) for rest, m in rests if m > 1), default=first)
        strides = {*range(first, min(last, first + MAX_SKIPPING) + 1), *([last] if last >= first else [])}
        yield from ((wanted.kernel, stride, window.dilation) for stride in strides)


def _total_paddings(padding: Padding | None, effective_kernel: int) -> Sequence[int]:
    """Of both sides together: that of a given padding, else up to half of the kernel per side."""
    if padding is None:
        return range(0, 2 * (effective_kernel // 2) + 1, 2)
    if isinstance(padding, int):
        return [2 * padding]
    # floor((n - 1) / s) + 1 is the ceil(n / s) of padding same at every stride
    return [{"valid": 0, "full": 2 * (effective_kernel - 1)}.get(padding, effective_kernel - 1)]


def _paddings(wanted: Wanted, kernel: int, stride: int, dilation: int) -> Iterator[Solution]:
    unpadded = Window(kernel, stride, dilation=dilation)
    if isinstance(wanted.padding, str):
        candidates: Sequence[Padding] = [wanted.padding]
    else:
        least, most = 0, unpadded.effective_kernel // 2
        for size, output in zip(wanted.inputs, wanted.outputs, strict=True):
            total = covered(output, unpadded) - size  # 2 p from here on to total + s - 1 gives the output
            least = max(least, -(-total // 2))
            most = min(most, (total + stride - 1) // 2) if wanted.padding is None else most
        candidates = range(least, most + 1) if wanted.padding is None else [wanted.padding]
    for padding in candidates:
        windows = [window_for(size, kernel, stride, padding, dilation) for size in wanted.inputs]
        pairs = list(zip(wanted.inputs, windows, wanted.outputs, strict=True))
        if all(fits(size, window) and output_size(size, window) == output for size, window, output in pairs):
            lost = max(dropped(size, window) for size, window, _ in pairs)
            yield Solution(kernel, stride, padding, dilation, lost)


class Converted(NamedTuple):
    """An input size, a window, and the output size. An ``input`` of 0 means that no size gives that output."""

    input: int
    window: Window
    output: int
    dropped: int = 0
    output_padding: int = 0


def window_of(wanted: Wanted, size: int) -> Window:
    """The window that is fixed, with its padding for an input size; stride and dilation default to 1."""
    return window_for(size, wanted.kernel or 1, wanted.stride or 1, wanted.padding or 0, wanted.dilation or 1)


def outputs_of(wanted: Wanted) -> list[Converted]:
    """The output of each input size, which the window has to fit."""
    pairs = [(size, window_of(wanted, size)) for size in wanted.inputs]
    return [Converted(size, window, output_size(size, window), dropped(size, window)) for size, window in pairs]


class Range(NamedTuple):
    """The input sizes ``first`` to ``last`` that give a wanted output; ``first`` is the one with nothing dropped."""

    first: int
    last: int


def inputs_for(output: int, window: Window) -> Range | None:
    """From the exact fit up to stride - 1 more; None if that is below 1."""
    exact = transposed_size(output, window, 0)
    last = exact + window.stride - 1
    return Range(max(1, exact), last) if last >= 1 else None


def transposed_conversions(wanted: Wanted) -> list[Converted]:
    """For a transposed window: the output of each input size, and the input and output padding of each output size."""
    window = window_of(wanted, 1)
    found = [Converted(size, window, transposed_size(size, window, 0)) for size in wanted.inputs]
    for output in wanted.outputs:
        if fits(output, window):
            extra = remainder(output, window)
            found.append(Converted(output_size(output, window), window, output, output_padding=extra))
        else:
            found.append(Converted(0, window, output))
    return found


def transposed_solutions(wanted: Wanted) -> list[Solution]:
    """All transposed windows: (n - 1) s + k_eff - 2 p + output_padding = m, least output_padding first.

    The bounds are those of :func:`solutions`: a stride above the kernel leaves outputs that depend on no input.
    """
    found = [solution for window in _candidates(wanted) for solution in _transposed_paddings(wanted, *window)]
    if not found and wanted.kernel is not None and wanted.stride is None:
        swapped = wanted._replace(inputs=wanted.outputs, outputs=wanted.inputs)  # the window that maps m to n
        found = [
            solution for window in _skipping_strides(swapped) for solution in _transposed_paddings(wanted, *window)
        ]
    return sorted({*found}, key=lambda solution: (solution.output_padding > 0, *_unusualness(solution)))


def _transposed_paddings(wanted: Wanted, kernel: int, stride: int, dilation: int) -> Iterator[Solution]:
    uncut = Window(kernel, stride, dilation=dilation)
    size, output = wanted.inputs[0], wanted.outputs[0]
    for extra in range(max(stride, dilation)):
        padding, odd = divmod(transposed_size(size, uncut, extra) - output, 2)
        usual = range(uncut.effective_kernel // 2 + 1) if wanted.padding is None else (wanted.padding,)
        if odd or padding not in usual:
            continue
        window = uncut._replace(before=padding, after=padding)
        pairs = zip(wanted.inputs, wanted.outputs, strict=True)
        if all(transposed_size(n, window, extra) == m for n, m in pairs):
            yield Solution(kernel, stride, padding, dilation, 0, extra)
