"""The gradients of a convolution."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.convolution import weighted_sum
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import Sliding, WindowStep, padded, positions, sources, taps


class Gradients(NamedTuple):
    """The gradients of the loss with respect to the input, the kernel and the bias."""

    to_input: Any
    to_kernel: Any
    to_bias: Any


def gradients(x: Any, kernel: Any, upstream: Any, how: Sliding) -> Gradients:
    """The backward pass of :func:`convolve` for the gradient ``upstream`` at its output, (filters, *positions).

    To the input: a transposed convolution, which at stride 1 is the full convolution of the upstream gradient with the
    flipped kernel; the gradients to values of the padding are added to the inputs that they copy. To the kernel: the
    cross-correlation of the input with the upstream gradient. Raises CnnError for another shape than the output's, and
    for partial padding.
    """
    import numpy as np

    if how.is_partial:
        raise CnnError("gradients are not available for partial padding", "use another --padding-mode")
    counts = positions(x.shape[1:], how)
    check_upstream(upstream, (kernel.shape[0], *counts))
    padded_x: Any = padded(x, how)
    to_kernel: Any = np.zeros(kernel.shape, dtype=x.dtype)
    to_padded: Any = np.zeros(padded_x.shape, dtype=x.dtype)
    flat = upstream.reshape(kernel.shape[0], -1)
    for tap in product(*map(range, kernel.shape[2:])):
        values = taps(padded_x, how, tap, counts).reshape(x.shape[0], -1)
        to_kernel[(slice(None), slice(None), *tap)] = flat @ values.T
        weights = kernel[(slice(None), slice(None), *tap)]
        taps(to_padded, how, tap, counts)[...] += weighted_sum(weights.T, upstream)
    return Gradients(_to_input(to_padded, x.shape[1:], how), to_kernel, flat.sum(1))


def check_upstream(upstream: Any, shape: tuple[int, ...]) -> None:
    """Raises CnnError unless the upstream gradient has the ``shape`` of the output."""
    if upstream.shape != shape:
        raise CnnError(f"the upstream gradient must have the output's shape {'x'.join(map(str, shape))}")


def _to_input(to_padded: Any, sizes: tuple[int, ...], how: Sliding) -> Any:
    """The sums of the gradients to the places of the padded input, (C, *padded), that each input value fills."""
    import numpy as np

    origin = sources(sizes, how)
    inside, found = origin >= 0, np.zeros((len(to_padded), prod(sizes)), dtype=to_padded.dtype)
    for total, values in zip(found, to_padded, strict=True):
        np.add.at(total, origin[inside], values[inside])
    return found.reshape(-1, *sizes)


class Contribution(NamedTuple):
    """Indices of values that are multiplied in the backward pass: of the padded input, the kernel and the output."""

    padded_input: tuple[int, ...]
    kernel: tuple[int, ...]
    output: tuple[int, ...]


def _contributions(x: Any, kernel: Any, upstream: Any, how: Sliding) -> Iterator[Contribution]:
    for number, channel in product(range(len(kernel)), range(len(x))):
        for place in product(*map(range, upstream.shape[1:])):
            for tap in product(*map(range, kernel.shape[2:])):
                under = (p * w.stride + t * w.dilation for p, t, w in zip(place, tap, how.windows, strict=True))
                yield Contribution((channel, *under), (number, channel, *tap), (number, *place))


def gradient_steps(x: Any, kernel: Any, upstream: Any, how: Sliding) -> tuple[list[WindowStep], list[WindowStep]]:
    """Every value of the gradients to the input and to the kernel, each with the products that it sums."""
    to_input: dict[tuple[int, ...], list[str]] = {}
    to_kernel: dict[tuple[int, ...], list[str]] = {}
    found, padded_x, origin = gradients(x, kernel, upstream, how), padded(x, how), sources(x.shape[1:], how)
    for padded_input, weight, output in _contributions(x, kernel, upstream, how):
        channel, *under = padded_input
        gradient = factor_text(upstream[output])
        at = place_of(origin[tuple(under)], x.shape[1:])
        if at is not None:
            to_input.setdefault((channel, *at), []).append(f"{gradient}*{factor_text(kernel[weight])}")
        to_kernel.setdefault(weight, []).append(f"{factor_text(padded_x[padded_input])}*{gradient}")
    return steps_of(to_input, simplest(found.to_input), 1), steps_of(to_kernel, simplest(found.to_kernel), 2)


def place_of(index: int, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The position of an index of :func:`sources` in a channel of these sizes; None for a zero of the padding."""
    import numpy as np

    return None if index < 0 else tuple(map(int, np.unravel_index(index, sizes)))


def steps_of(terms: dict[tuple[int, ...], list[str]], array: Any, leading: int) -> list[WindowStep]:
    """A step for each value of an array. Its ``leading`` axes are left out of the positions where all have size 1."""
    hidden = leading if all(n == 1 for n in array.shape[:leading]) else 0
    places = product(*map(range, array.shape))
    return [WindowStep(at[hidden:], " + ".join(terms.get(at, ["0"])), array[at]) for at in places]
