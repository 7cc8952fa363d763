"""Losses by hand: cross-entropy (with softmax), the mean squared error, and the multiclass hinge loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError, suggestion
from cnncli.homework.exact_ops.chain.approximate import log
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    WorkedStep,
    difference_text,
    for_each,
    places,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.chain.rules.softmax import log_of_sum, softmax
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly


class Loss(NamedTuple):
    """A loss of a batch of outputs: its value (1,), and its gradient, (N, *shape).

    ``through`` says that the gradient is the one to the input of the last layer, a softmax, rather than to its output.
    ``probabilities`` is the softmax of outputs that are scores.
    """

    name: str
    value: Calculation
    gradient: Calculation
    through: bool = False
    probabilities: Calculation | None = None


class Outputs(NamedTuple):
    """The outputs (N, *shape), the targets of that shape, and the softmax that gave the outputs, if one did.

    ``is_normalized`` says that the outputs are probabilities, or with ``is_log`` their logarithms; ``scores`` are then
    the values of which they are the softmax.
    """

    value: Any
    target: Any
    is_normalized: bool = False
    is_log: bool = False
    scores: Any = None


def _mean(terms: list[tuple[str, Any]]) -> Calculation:
    """The mean over the examples of (expression, value)."""
    import numpy as np

    values = [value for _, value in terms]
    mean = exactly(sum(values) / Fraction(len(values)))

    def steps() -> Iterator[WorkedStep]:
        for number, (text, value) in enumerate(terms):
            yield WorkedStep(f"example {number}" if len(terms) > 1 else "loss", text, value)
        if len(terms) > 1:
            yield WorkedStep("mean", f"({sum_text(values)}) / {len(values)}", mean)

    return Calculation(np.array([mean], dtype=object), "", steps)


def _cross_entropy(outputs: Outputs) -> Loss:
    y = outputs.target
    if outputs.value.ndim != 2:
        raise CnnError("cross_entropy needs a vector of scores", "add flatten or a global pool, or use loss: mse")
    for row in y:
        if any(value < 0 for value in row) or sum(row) != 1:
            raise CnnError("the targets of cross_entropy are probabilities whose sum is 1", "write a class, e.g. 1")
    found = None if outputs.is_normalized else softmax(outputs.value)
    p = outputs.value if found is None else found.value
    logs = _logarithms(p, outputs, outputs.value if found else outputs.scores)
    terms = [_surprise(logs[number], y[number]) for number in range(len(y))]
    if outputs.is_log:
        p = softmax(p).value
    count = len(y)
    gradient = for_each(lambda one, other: (one - other) / Fraction(count), p, y)
    steps = steps_for(gradient, lambda at: _over(difference_text(p[at], y[at]), count))
    formula = "p - y" if count == 1 else f"(p - y) / {count}, the mean over the batch"
    return Loss("cross_entropy", _mean(terms), Calculation(gradient, formula, steps), outputs.is_normalized, found)


def _logarithms(p: Any, outputs: Outputs, scores: Any) -> Any:
    """(expression, logarithm) of each probability; from the scores where the probability itself is too small."""
    found = p.copy()
    for at in places(p.shape):
        if outputs.is_log:
            found[at] = f"({shown(p[at])})", p[at]
        elif p[at]:
            found[at] = f"log({shown(p[at])})", log(p[at])
        else:
            total = log_of_sum(scores, [(at[0], channel) for channel in range(p.shape[1])])
            found[at] = f"({difference_text(scores[at], total)})", scores[at] - total
    return found


def _surprise(logs: Any, y: Any) -> tuple[str, Any]:
    """-sum of y log(p) for one example, with its expression."""
    pairs = [(weight, (text, value)) for weight, (text, value) in zip(y, logs, strict=True) if weight]
    total = -sum(weight * value for weight, (_, value) in pairs)
    if len(pairs) == 1 and pairs[0][0] == 1:
        return f"-{pairs[0][1][0]}", exactly(total)
    return f"-({' + '.join(f'{factor_text(weight)}*{text}' for weight, (text, _) in pairs)})", exactly(total)


def _over(text: str, count: int) -> str:
    return text if count == 1 else f"({text}) / {count}"


def _mse(outputs: Outputs) -> Loss:
    y, t = outputs.value, outputs.target
    count = y.size
    squares = [f"({difference_text(y[at], t[at])})^2" for at in places(y.shape)]
    total = exactly(sum((y[at] - t[at]) * (y[at] - t[at]) for at in places(y.shape)) / Fraction(count))
    gradient = for_each(lambda one, other: 2 * (one - other) / Fraction(count), y, t)
    steps = steps_for(gradient, lambda at: f"2*({difference_text(y[at], t[at])}) / {count}")
    value = _mean([(f"({' + '.join(squares)}) / {count}", total)])
    return Loss("mse", value, Calculation(gradient, "2*(y - t) / the number of values", steps))


def _hinge(outputs: Outputs) -> Loss:
    """The sum over the wrong classes of max(0, s_j - s_y + 1), as in CS231n. Weston and Watkins 1999."""
    scores, count = outputs.value, len(outputs.value)
    if scores.ndim != 2 or any(sorted(row) != [0] * (len(row) - 1) + [1] for row in outputs.target):
        raise CnnError("hinge needs a vector of scores, and a class as the target", "write target: 1")
    gradient, terms = scores * 0, []
    for number, row in enumerate(scores):
        correct = [*outputs.target[number]].index(1)
        others = [at for at in range(len(row)) if at != correct]
        margins = [row[at] - row[correct] + 1 for at in others]
        for at, margin in zip(others, margins, strict=True):
            gradient[number, at] = Fraction(int(margin > 0), count)
        gradient[number, correct] = -Fraction(sum(margin > 0 for margin in margins), count)
        texts = [f"max(0, {difference_text(row[at], row[correct])} + 1)" for at in others]
        terms.append((" + ".join(texts), exactly(sum(max(0, margin) for margin in margins))))
    formula = "1 where s_j - s_y + 1 > 0; for the correct class minus their number"
    return Loss("hinge", _mean(terms), Calculation(for_each(exactly, gradient), formula))


LOSSES: dict[str, Callable[[Outputs], Loss]] = {"cross_entropy": _cross_entropy, "mse": _mse, "hinge": _hinge}


def loss_named(name: str) -> Callable[[Outputs], Loss]:
    """A loss by its name. Raises CnnError."""
    if name not in LOSSES:
        raise CnnError(f"unknown loss {name[:40]!r}", suggestion(name[:40], [*LOSSES], f"use {', '.join(LOSSES)}"))
    return LOSSES[name]
