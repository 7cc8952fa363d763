"""The windows that turn one size into another, from the size formula solved for each of its quantities.

floor((n + 2 p - span) / s) + 1 = m holds exactly for s (m - 1) <= n + 2 p - span < s m, with span = d (k - 1) + 1: an
interval of paddings for each kernel, stride and dilation, and an interval of inputs for each window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnncli.arithmetic.window import Window, dropped, fits, output_size, same_padding, transposed_size

MAX_KERNEL = 11  # larger ones are listed only when asked for
Padding = int | str


class Solution(NamedTuple):
    """A window that does it. ``padding`` is per side, or same; ``dropped`` rows the last step does not reach."""

    kernel: int
    stride: int
    padding: Padding
    dilation: int
    dropped: int
    output_padding: int = 0

    @property
    def span(self) -> int:
        """Inputs from the first tap to the last."""
        return self.dilation * (self.kernel - 1) + 1


class Wanted(NamedTuple):
    """What is fixed; None leaves a quantity to be solved for. Sizes are one per axis, the window is one for all."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    kernel: int | None = None
    stride: int | None = None
    padding: Padding | None = None
    dilation: int | None = None
    max_kernel: int = MAX_KERNEL


def window_for(size: int, kernel: int, stride: int, padding: Padding, dilation: int) -> Window:
    """The window with its padding as numbers."""
    plain = Window(kernel, stride, 0, 0, dilation)
    if padding == "same":
        total = same_padding(size, kernel, stride, dilation)
        return plain._replace(before=total // 2, after=total - total // 2)
    amount = {"valid": 0, "full": plain.span - 1}[padding] if isinstance(padding, str) else padding
    return plain._replace(before=amount, after=amount)


def solutions(wanted: Wanted) -> list[Solution]:
    """All windows within bounds that turn every input size into its output size, fewest surprises first.

    Bounds, where nothing else is asked for: kernels up to ``max_kernel`` (and the padded input), strides up to the
    kernel (a larger one skips pixels), dilation 1, padding up to half of what the kernel spans.
    """
    found = [solution for window in _candidates(wanted) for solution in _paddings(wanted, *window)]
    return sorted(set(found), key=_surprises)


def _surprises(solution: Solution) -> tuple[object, ...]:
    """The order: nothing dropped; then fewest oddities; then small kernels and strides.

    Odd are: an even kernel (but for a pool's, which moves by its own size), padding that is neither none nor half of
    the kernel, a dilation, a stride beyond the kernel.
    """
    usual = solution.padding in (0, (solution.span - 1) // 2, "same", "valid")
    tiles = solution.kernel == solution.stride
    oddities = sum(
        (
            solution.kernel % 2 == 0 and not tiles,
            not usual,
            solution.dilation > 1,
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


def _paddings(wanted: Wanted, kernel: int, stride: int, dilation: int) -> Iterator[Solution]:
    span = dilation * (kernel - 1) + 1
    if isinstance(wanted.padding, str):
        candidates: Sequence[Padding] = [wanted.padding]
    else:
        least, most = 0, span // 2
        for size, output in zip(wanted.inputs, wanted.outputs, strict=True):
            # s (m - 1) <= n + 2 p - span < s m, solved for p
            least = max(least, -(-(stride * (output - 1) + span - size) // 2))
            most = min(most, (stride * output - 1 + span - size) // 2) if wanted.padding is None else most
        candidates = range(least, most + 1) if wanted.padding is None else [wanted.padding]
    for padding in candidates:
        windows = [window_for(size, kernel, stride, padding, dilation) for size in wanted.inputs]
        pairs = list(zip(wanted.inputs, windows, wanted.outputs, strict=True))
        if all(fits(size, window) and output_size(size, window) == output for size, window, output in pairs):
            lost = max(dropped(size, window) for size, window, _ in pairs)
            yield Solution(kernel, stride, padding, dilation, lost)


class Range(NamedTuple):
    """The input sizes ``first`` to ``last`` that give a wanted output; ``first`` is the one with nothing dropped."""

    first: int
    last: int


def inputs_for(output: int, window: Window) -> Range | None:
    """From s (m - 1) + span - padding up to s - 1 more; None where that is below 1."""
    exact = window.stride * (output - 1) + window.span - window.before - window.after
    last = exact + window.stride - 1
    return Range(max(1, exact), last) if last >= 1 else None


def transposed_solutions(wanted: Wanted) -> list[Solution]:
    """All transposed windows: (n - 1) s + span - 2 p + output_padding = m, least output_padding first."""
    found = []
    for kernel, stride, dilation in _transposed_candidates(wanted):
        span = dilation * (kernel - 1) + 1
        size, output = wanted.inputs[0], wanted.outputs[0]
        for extra in range(max(stride, dilation)):
            twice = (size - 1) * stride + span + extra - output
            padding = twice // 2
            if twice % 2 or padding < 0 or padding > span // 2 or wanted.padding not in (None, padding):
                continue
            window = Window(kernel, stride, padding, padding, dilation)
            pairs = zip(wanted.inputs, wanted.outputs, strict=True)
            if all(transposed_size(n, window, extra) == m for n, m in pairs):
                found.append(Solution(kernel, stride, padding, dilation, 0, extra))
    return sorted(found, key=lambda solution: (solution.output_padding > 0, *_surprises(solution)))


def _transposed_candidates(wanted: Wanted) -> Iterator[tuple[int, int, int]]:
    """As for windows; a stride may be as large as the kernel, and one that is not is what upsamples."""
    yield from _candidates(wanted)
