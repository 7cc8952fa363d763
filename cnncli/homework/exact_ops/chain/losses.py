"""Losses by hand: cross-entropy (with softmax, or with sigmoid), the mean squared error, and hinge losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.approximate import exp, log, log1p, sigmoid
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    WorkedStep,
    difference_text,
    for_each,
    places,
    product_text,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.chain.loss_names import checked_loss
from cnncli.homework.exact_ops.chain.rules.softmax import log_of_sum, softmax
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly
from cnncli.layers import Layer
from cnncli.layers.activation import HardSigmoid, LogSoftmax, Sigmoid, Softmax
from cnncli.layers.reshape import Identity


class Loss(NamedTuple):
    """A loss of a batch of outputs: its value (1,), and its gradient, (N, *shape).

    ``through`` says that the gradient is the one to the input of the last layer, a softmax or a sigmoid, rather than to
    its output. ``probabilities`` is the softmax or, as ``of_scores`` says, the sigmoid of outputs that are scores.
    """

    name: str
    value: Calculation
    gradient: Calculation
    through: bool = False
    probabilities: Calculation | None = None
    of_scores: str = "softmax"


class Outputs(NamedTuple):
    """The outputs (N, *shape), the targets of that shape, and the type of the layer that gave the outputs.

    After a softmax, its logarithm or a sigmoid, ``scores`` are the inputs of that layer.
    """

    value: Any
    target: Any
    by: type[Layer] = Identity
    scores: Any = None

    @property
    def is_normalized(self) -> bool:
        """Whether the outputs are probabilities whose sum is 1, or their logarithms."""
        return issubclass(self.by, Softmax | LogSoftmax)

    @property
    def is_log(self) -> bool:
        """Whether the outputs are the logarithms of probabilities."""
        return issubclass(self.by, LogSoftmax)

    @property
    def is_one_score(self) -> bool:
        """Whether each output is one number, (N, 1)."""
        return bool(self.value.ndim == 2 and self.value.shape[1] == 1)


def _mean(terms: list[tuple[str, Any]], each: str = "example") -> Calculation:
    """The mean over the examples, or what ``each`` term is, of (expression, value)."""
    import numpy as np

    values = [value for _, value in terms]
    mean = exactly(sum(values) / Fraction(len(values)))

    def steps() -> Iterator[WorkedStep]:
        for number, (text, value) in enumerate(terms):
            yield WorkedStep(f"{each} {number}" if len(terms) > 1 else "loss", text, value)
        if len(terms) > 1:
            yield WorkedStep("mean", f"({sum_text(values)}) / {len(values)}", mean)

    return Calculation(np.array([mean], dtype=object), "", steps)


def _cross_entropy(outputs: Outputs) -> Loss:
    if outputs.is_one_score:
        return _binary_cross_entropy(outputs)
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


# Of one score, or of several that do not exclude each other -----------------------------------------------------------


def _binary_cross_entropy(outputs: Outputs) -> Loss:
    """-t log(p) - (1 - t) log(1 - p) with p = sigmoid(score), the mean over all values, as in PyTorch."""
    if outputs.is_normalized or outputs.by is HardSigmoid:
        hint = "use sigmoid instead" if outputs.by is HardSigmoid else "use sigmoid instead, or the loss cross_entropy"
        raise CnnError("binary_cross_entropy needs scores or a sigmoid", hint)
    t, is_sigmoid = outputs.target, outputs.by is Sigmoid
    wrong = [value for value in t.reshape(-1) if not 0 <= value <= 1]
    if wrong:
        raise CnnError(
            f"target {shown(wrong[0])}: binary_cross_entropy takes 0 or 1", "write 1, or 0 for the negatives"
        )
    x, count = (outputs.scores if is_sigmoid else outputs.value), t.size
    p = for_each(sigmoid, x)
    terms = [_binary_surprise(x[at], p[at], t[at]) for at in places(x.shape)]
    gradient = for_each(lambda one, other: (one - other) / Fraction(count), p, t)
    steps = steps_for(gradient, lambda at: _over(difference_text(p[at], t[at]), count))
    formula = "p - t" if count == 1 else f"(p - t) / {count}, the mean over the values"
    sigmoids = Calculation(p, "p = 1 / (1 + exp(-x))", steps_for(p, lambda at: f"1 / (1 + exp(-{factor_text(x[at])}))"))
    value = _mean(terms, "example" if outputs.is_one_score else "value")
    found = None if is_sigmoid else sigmoids
    return Loss("binary_cross_entropy", value, Calculation(gradient, formula, steps), is_sigmoid, found, "sigmoid")


def _binary_surprise(x: Any, p: Any, t: Any) -> tuple[str, Any]:
    """(expression, value) for one score x with p = sigmoid(x); from x, as p may round to 0 or to 1."""
    shares = ((t, _log_of_sigmoid(x), shown(p)), (1 - t, _log_of_sigmoid(-x), f"1 - {shown(p)}"))
    pairs = [(share, logarithm, f"log({text})") for share, logarithm, text in shares if share]
    total = exactly(-sum(share * logarithm for share, logarithm, _ in pairs))
    if len(pairs) == 1:
        return f"-{pairs[0][2]}", total
    return f"-({' + '.join(f'{factor_text(share)}*{text}' for share, _, text in pairs)})", total


def _log_of_sigmoid(x: Any) -> Any:
    """log(1 / (1 + exp(-x))) without overflow."""
    return min(x, 0) - log1p(exp(-abs(x)))


def _binary_hinge(outputs: Outputs) -> Loss:
    """max(0, 1 - t x) with t = 1 or -1 for one score x, the mean over the examples; the target 0 means -1."""
    given, x, count = outputs.target, outputs.value, len(outputs.value)
    values = {*given.reshape(-1)}
    if not (values <= {0, 1} or values <= {-1, 1}):
        raise CnnError("the target of the hinge loss of one score is 1 or -1", "write 1, or -1 for the negatives")
    t = for_each(lambda value: value or -1, given)
    margins = for_each(lambda score, sign: 1 - sign * score, x, t)
    gradient = for_each(lambda margin, sign: -sign * Fraction(int(margin > 0), count), margins, t)
    terms = [(f"max(0, 1 - {product_text(t[at], x[at])})", exactly(max(0, margins[at]))) for at in places(x.shape)]
    over = "" if count == 1 else f" / {count}"
    formula = f"-t{over} where 1 - t*x > 0, else 0"
    return Loss("hinge", _mean(terms), Calculation(gradient, formula))


# Of one score per class -----------------------------------------------------------------------------------------------


def _hinge(outputs: Outputs) -> Loss:
    """The sum over the wrong classes of max(0, s_j - s_y + 1), as in CS231n. Weston and Watkins 1999."""
    if outputs.is_one_score:
        return _binary_hinge(outputs)
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


LOSSES: dict[str, Callable[[Outputs], Loss]] = {
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "mse": _mse,
    "hinge": _hinge,
}


def loss_of(name: str, outputs: Outputs) -> Loss:
    """A loss by its name. Raises CnnError for an unknown one, and for outputs and targets that do not go with it."""
    name = checked_loss(name)
    if outputs.is_one_score and outputs.is_normalized and name != "mse":
        raise CnnError(
            "the softmax of one score is always 1", "use sigmoid instead, with the target 0 or 1; or 2 units"
        )
    return LOSSES[name](outputs)
