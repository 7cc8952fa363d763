"""Exercises for mistakes in matrices calculated by hand, in addition to those of :mod:`mistake_exercises`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mistake_exercises import Draw, Made, convolved, matrix, mistake, rows, slid, windows


def in_result(name: str, change: Callable[[list[list[int]]], list[list[Any]]]) -> None:
    """The result of a 2x3 kernel on 4x6, changed."""

    @mistake(name)
    def made(draw: Draw) -> Made:
        x, kernel = matrix(draw, 4, 6), matrix(draw, 2, 3)
        return convolved(rows(x), rows(kernel), change(slid(x, kernel)))


in_result("sign_reversed", lambda y: [[-value for value in row] for row in y])
in_result("result_transposed", lambda y: [list(row) for row in zip(*y, strict=True)])
in_result("relu_applied", lambda y: [[max(value, 0) for value in row] for row in y])
in_result("mean_for_sum", lambda y: [[f"{value}/6" for value in row] for row in y])
in_result("mean_for_sum/rounded", lambda y: [[round(value / 6, 2) for value in row] for row in y])


@mistake("sum_for_mean")
def summed(draw: Draw) -> Made:
    x = matrix(draw, 4, 6)
    return "", f'convolve: {{input: "{rows(x)}", pool: avg, kernel: 2}}', rows(windows(x, sum))


@mistake("border_filled")
def filled(draw: Draw) -> Made:
    """A border of the values at the edge, of the reflected ones, or of those of the opposite edge."""
    x, kernel = matrix(draw, 3, 4), matrix(draw, 3, 3)
    place: Callable[[int, int], int] = draw.one_of(
        lambda at, n: min(max(at, 0), n - 1), lambda at, n: abs(at) if at < n else n - 2, lambda at, n: at % n
    )
    whole = [[x[place(i, 3)][place(j, 4)] for j in range(-1, 5)] for i in range(-1, 4)]
    fields = f'input: "{rows(x)}", kernel: "{rows(kernel)}", padding: 1'
    return "", f"convolve: {{{fields}}}", rows(slid(whole, kernel))


@mistake("transposed_inverted/by hand")
def forward(draw: Draw) -> Made:
    x, kernel = matrix(draw, 3, 4), matrix(draw, 2, 2)
    fields = f'input: "{rows(x)}", kernel: "{rows(kernel)}", transposed: true'
    return "", f"convolve: {{{fields}}}", rows(slid(x, kernel))


@mistake("flip_missing/gradient")
def unflipped(draw: Draw) -> Made:
    """The gradient to the input with the kernel as it is: the full cross-correlation."""
    x, kernel, upstream = matrix(draw, 3, 4), matrix(draw, 2, 2), matrix(draw, 2, 3)
    whole = [[0] * 5, *([0, *row, 0] for row in upstream), [0] * 5]
    fields = f'input: "{rows(x)}", kernel: "{rows(kernel)}", upstream: "{rows(upstream)}"'
    return "", f"convolve: {{{fields}}}", rows(slid(whole, kernel))
