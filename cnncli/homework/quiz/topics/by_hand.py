"""Matrices by hand: convolution, pooling, and their backward passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import QuizQuestion
from cnncli.homework.quiz.topics.wording import (
    EASY,
    HARD,
    MEDIUM,
    Mistakes,
    Rows,
    convolve_prompt,
    drawn,
    matrix,
    written,
)

RESULT = message("What is the result?")
GRADIENT_TO_K, GRADIENT_TO_X = message("gradient to K"), message("gradient to X")


def by_hand(draws: Draws, name: str, level: str) -> QuizQuestion:
    """Convolution or pooling of a small matrix."""
    if level != EASY and draws.pick((True, False)):
        return _pool_by_hand(draws, name, level)
    size, channels = draws.pick((3, 4)), 2 if level == HARD else 1
    stride = 1 if level == EASY or size == 3 else 2
    matrices = [matrix(draws, size, range(10)) for _ in range(channels)]
    kernels = [matrix(draws, 2, (-2, -1, 0, 1, 2, 3)) for _ in range(channels)]
    flip = level == HARD
    fields = {"input": written(matrices), "kernel": written(kernels)}
    if stride > 1:
        fields["stride"] = str(stride)
    if flip:
        fields["flip"] = "true"
    if flip:
        text = message(
            "Compute the true convolution (with the kernel flipped) of X with K, stride {stride}, no padding.",
            stride=stride,
        )
    else:
        text = message(
            "Compute the convolution (cross-correlation, as in libraries) of X with K, stride {stride}, no padding.",
            stride=stride,
        )
    parts = (text, drawn("X", matrices), drawn("K", kernels))
    return QuizQuestion(name, "by_hand", parts, (convolve_prompt(name, message("result"), RESULT, fields),), points=2)


def _pool_by_hand(draws: Draws, name: str, level: str) -> QuizQuestion:
    kind, stride = draws.pick(("max", "avg")), 2 if level == MEDIUM else 1
    size = 4 if level == MEDIUM else 3
    values = range(0, 20, 4) if kind == "avg" else range(20)
    x = matrix(draws, size, values)
    fields = {"input": written([x]), "pool": kind, "kernel": "2"}
    if stride == 1:
        fields["stride"] = "1"
    if kind == "max":
        text = message("Compute the 2x2 max pooling of X, stride {stride}.", stride=stride)
    else:
        text = message("Compute the 2x2 average pooling of X, stride {stride}.", stride=stride)
    prompt = convolve_prompt(name, message("result"), RESULT, fields)
    return QuizQuestion(name, "by_hand", (text, drawn("X", [x])), (prompt,), points=2)


def backward(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The gradient to the kernel; medium: to the input; hard: at stride 2, or of max pooling."""
    if level == HARD and draws.pick((True, False)):
        return _pool_backward(draws, name)
    size, stride = (4, 2) if level == HARD else (3, 1)
    x, kernel = matrix(draws, size, range(6)), matrix(draws, 2, (-2, -1, 0, 1, 2, 3))
    upstream = matrix(draws, 2, (-1, 0, 1, 2))
    find = "kernel" if level == EASY else "input"
    fields = {"input": written([x]), "kernel": written([kernel]), "upstream": written([upstream]), "find": find}
    if stride > 1:
        fields["stride"] = str(stride)
    text = message(
        "A convolution (cross-correlation, as in libraries) Y of X with K has stride {stride} and no padding. "
        "G is the gradient of the loss with respect to Y.",
        stride=stride,
    )
    if find == "kernel":
        label, request = GRADIENT_TO_K, message("What is the gradient of the loss with respect to the kernel K?")
    else:
        label, request = GRADIENT_TO_X, message("What is the gradient of the loss with respect to the input X?")
    wrong = _kernel_mistakes(x, upstream) if find == "kernel" else _input_mistakes(kernel, upstream, stride)
    prompt = convolve_prompt(name, label, request, fields, wrong)
    parts = (text, drawn("X", [x]), drawn("K", [kernel]), drawn("G", [upstream]))
    return QuizQuestion(name, "backward", parts, (prompt,), points=2)


def _pool_backward(draws: Draws, name: str) -> QuizQuestion:
    values = [*range(20)]
    x = [[values.pop(draws.integer(0, len(values) - 1)) for _ in range(4)] for _ in range(4)]  # no two are equal
    upstream = matrix(draws, 2, (-3, -2, -1, 1, 2, 3))
    fields = {"input": written([x]), "pool": "max", "kernel": "2", "upstream": written([upstream])}
    text = message("Y is the 2x2 max pooling of X, stride 2. G is the gradient of the loss with respect to Y.")
    spread = [[upstream[i // 2][j // 2] for j in range(4)] for i in range(4)]
    wrong: Mistakes = {
        message("passed the gradient to every value of the window"): _map(spread),
        message("passed the gradient to the smallest value of each window"): _map(_routed(x, upstream, min)),
        message("kept the largest values instead of their gradients"): _map(
            _routed(x, [[1, 1], [1, 1]], max, kept=True)
        ),
    }
    request = message("What is the gradient of the loss with respect to X?")
    prompt = convolve_prompt(name, GRADIENT_TO_X, request, fields, wrong)
    return QuizQuestion(name, "backward", (text, drawn("X", [x]), drawn("G", [upstream])), (prompt,), points=2)


def _routed(x: Rows, upstream: Rows, chosen: Callable[[list[int]], int], *, kept: bool = False) -> Rows:
    """The gradient of each 2x2 window at its ``chosen`` value, or that value itself, and 0 elsewhere."""
    places = [[chosen([x[i + a][j + b] for a in (0, 1) for b in (0, 1)]) for j in (0, 2)] for i in (0, 2)]
    sides = range(4)
    return [
        [(x[i][j] if kept else upstream[i // 2][j // 2]) if x[i][j] == places[i // 2][j // 2] else 0 for j in sides]
        for i in sides
    ]


def _map(rows: Rows) -> Any:
    return (tuple(map(tuple, rows)),)


def _correlated(x: Rows, kernel: Rows) -> Rows:
    """The cross-correlation of x with a 2x2 kernel, at stride 1."""
    places = range(len(x) - 1)
    return [[sum(x[i + a][j + b] * kernel[a][b] for a in (0, 1) for b in (0, 1)) for j in places] for i in places]


def _flipped(rows: Rows) -> Rows:
    return [row[::-1] for row in rows[::-1]]


def _kernel_mistakes(x: Rows, upstream: Rows) -> Mistakes:
    right = _correlated(x, upstream)
    return {
        message("flipped the upstream gradient"): _map(_correlated(x, _flipped(upstream))),
        message("flipped the result"): _map(_flipped(right)),
        message("transposed the result"): _map([*map(list, zip(*right, strict=True))]),
    }


def _input_mistakes(kernel: Rows, upstream: Rows, stride: int) -> Mistakes:
    """Mistakes in sending each upstream gradient, times the kernel, to the window that it came from."""
    size = stride + 2
    found: Mistakes = {
        message("flipped the kernel once too often"): _map(_scattered(_flipped(kernel), upstream, stride, size)),
        message("flipped the upstream gradient"): _map(_scattered(kernel, _flipped(upstream), stride, size)),
    }
    if stride > 1:
        dense = _scattered(kernel, upstream, 1, size)
        found[message("ignored the stride")] = _map(dense)
    return found


def _scattered(kernel: Rows, upstream: Rows, stride: int, size: int) -> Rows:
    total = [[0] * size for _ in range(size)]
    for i, row in enumerate(upstream):
        for j, value in enumerate(row):
            for a in (0, 1):
                for b in (0, 1):
                    total[i * stride + a][j * stride + b] += value * kernel[a][b]
    return total
