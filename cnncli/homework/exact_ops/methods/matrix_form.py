"""A convolution as a product of matrices: its Toeplitz matrix, and the matrix of its patches (im2col)."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import padded, positions, sources, taps

ENTRIES_LIMIT = 1_000_000


def toeplitz(exercise: Exercise) -> Any:
    """The matrix T with T vec(x) = vec(y) before the bias, (outputs, inputs), both channel by channel and row by row.

    A doubly block Toeplitz matrix at stride 1; that of a transposed convolution is the transpose of the convolution's.
    Raises CnnError for partial padding, and where T has more than ``ENTRIES_LIMIT`` entries.
    """
    if exercise.how.is_partial:
        raise CnnError("--as-matrix does not support partial padding", "use another --padding-mode")
    outputs = exercise.result().shape if exercise.transposed else _output_shape(exercise)
    _check_entries(prod(outputs), exercise.x.size)
    return simplest(_transposed_matrix(exercise, outputs) if exercise.transposed else _matrix(exercise, outputs))


def im2col(exercise: Exercise) -> Any:
    """The patches as columns, (C * kernel, positions): the kernels as rows times this matrix are the output.

    The order is that of ``torch.nn.functional.unfold``. Raises CnnError for a transposed convolution, partial padding,
    and more than ``ENTRIES_LIMIT`` entries.
    """
    import numpy as np

    if exercise.transposed:
        raise CnnError("im2col is for convolutions", "use --as-matrix toeplitz")
    if exercise.how.is_partial:
        raise CnnError("--as-matrix does not support partial padding", "use another --padding-mode")
    sizes = exercise.kernel.shape[1:]
    _, *counts = _output_shape(exercise)
    _check_entries(prod(sizes), prod(counts))
    whole, each = padded(exercise.x, exercise.how), product(*map(range, sizes[1:]))
    by_tap = [taps(whole, exercise.how, tap, tuple(counts)).reshape(sizes[0], -1) for tap in each]
    return np.stack(by_tap, axis=1).reshape(prod(sizes), -1)


def kernel_rows(exercise: Exercise) -> Any:
    """The kernels as they slide, one row per filter, (filters, C * kernel)."""
    return exercise.weights.reshape(len(exercise.weights), -1)


def _output_shape(exercise: Exercise) -> tuple[int, ...]:
    return len(exercise.kernel), *positions(exercise.x.shape[1:], exercise.how)


def _check_entries(rows: int, columns: int) -> None:
    if rows * columns > ENTRIES_LIMIT:
        raise CnnError(
            f"the matrix is {rows:,}x{columns:,}, more than {ENTRIES_LIMIT:,} entries (the limit)",
            "use a smaller input",
        )


def _matrix(exercise: Exercise, outputs: tuple[int, ...]) -> Any:
    import numpy as np

    channels, weights = len(exercise.x), exercise.weights
    origins = sources(exercise.x.shape[1:], exercise.how)[None]
    found: Any = np.zeros((prod(outputs), exercise.x.size), dtype=object)
    positions_per_filter, values = prod(outputs[1:]), exercise.x.size // channels
    for tap in product(*map(range, weights.shape[2:])):
        under = taps(origins, exercise.how, tap, outputs[1:]).reshape(-1)
        for (number, channel), (at, origin) in product(
            product(range(outputs[0]), range(channels)), enumerate(map(int, under))
        ):
            if origin >= 0:
                row, column = number * positions_per_filter + at, channel * values + origin
                found[row, column] = found[row, column] + weights[(number, channel, *tap)]
    return found


def _transposed_matrix(exercise: Exercise, outputs: tuple[int, ...]) -> Any:
    import numpy as np

    x, weights, windows = exercise.x, exercise.weights, exercise.how.windows
    found: Any = np.zeros((prod(outputs), x.size), dtype=object)
    for tap, (column, (channel, *place)) in product(
        product(*map(range, weights.shape[2:])), enumerate(np.ndindex(*x.shape))
    ):
        at = [p * w.stride + t * w.dilation - w.before for p, t, w in zip(place, tap, windows, strict=True)]
        if all(0 <= unit < size for unit, size in zip(at, outputs[1:], strict=True)):
            for number in range(outputs[0]):
                row = int(np.ravel_multi_index((number, *at), outputs))
                found[row, column] = found[row, column] + weights[(channel, number, *tap)]
    return found
