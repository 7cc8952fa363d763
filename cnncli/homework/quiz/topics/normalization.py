"""Batch normalization and softmax by hand, with numbers that come out even."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from math import exp, isqrt, log
from typing import NamedTuple

from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.languages.messages import Message
from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import Prompt, QuizQuestion
from cnncli.homework.quiz.topics.wording import EASY, HARD, Mistakes, listed, number_prompt, unlike

THOUSANDTH = Fraction(1, 1000)


@cache
def _even_deviations() -> list[tuple[int, ...]]:
    """Four deviations from a mean of 0 whose mean square is a square, without those that are all as large."""
    found: list[tuple[int, ...]] = []
    for values in combinations_with_replacement(range(-12, 13), 4):
        square = sum(value * value for value in values)
        is_even = sum(values) == 0 and square % 4 == 0 and isqrt(square // 4) ** 2 == square // 4
        if is_even and len({*map(abs, values)}) > 1:
            found.append(values)
    return found


class _Batch(NamedTuple):
    """Four values of one channel, with their mean and variance, and the trained scale and shift."""

    values: list[int]
    mean: int
    variance: int
    gamma: int
    beta: int

    @property
    def deviation(self) -> int:
        """The standard deviation."""
        return isqrt(self.variance)


def _batch(draws: Draws) -> _Batch:
    deviations = [*draws.pick(_even_deviations())]
    mean, gamma, beta = draws.integer(2, 12), draws.pick((2, 3, 4, -2)), draws.pick((-3, -1, 1, 5))
    mixed = [deviations.pop(draws.integer(0, len(deviations) - 1)) for _ in range(4)]
    return _Batch([mean + d for d in mixed], mean, sum(d * d for d in mixed) // 4, gamma, beta)


def batchnorm(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The mean, variance and a normalized value; medium: scaled and shifted; hard: the statistics that are kept."""
    batch = _batch(draws)
    text = message(
        "In training, batch normalization gets these values of one channel (the whole batch): {values}. "
        "Take epsilon as 0.",
        values=listed(batch.values),
    )
    if level != EASY:
        text = message(
            "{text} Its trained scale (gamma) is {gamma}, its shift (beta) {beta}.",
            text=text,
            gamma=batch.gamma,
            beta=batch.beta,
        )
    if level == HARD:
        return _running(draws, name, batch, text)
    prompts = [_mean(name, batch), _variance(name, batch)] if level == EASY else []
    prompts.append(_normalized(draws, name, batch, gamma=1 if level == EASY else batch.gamma,
                               beta=0 if level == EASY else batch.beta))  # fmt: skip
    return QuizQuestion(name, "batchnorm", (text,), tuple(prompts))


def _mean(name: str, batch: _Batch) -> Prompt:
    total = sum(batch.values)
    lines = (f"({' + '.join(map(str, batch.values))}) / 4", str(batch.mean))
    wrong: Mistakes = {
        message("gave the sum"): total,
        message("divided by the number of values less 1"): Fraction(total, 3),
    }
    return number_prompt(f"{name}a", message("mean"), message("What is their mean?"), batch.mean, lines, wrong)


def _variance(name: str, batch: _Batch) -> Prompt:
    squares = " + ".join(f"({value} - {batch.mean})^2" for value in batch.values)
    wrong: Mistakes = {
        message("gave the standard deviation"): batch.deviation if batch.deviation != batch.variance else None,
        message("divided by the number of values less 1"): Fraction(4 * batch.variance, 3),
        message("gave the sum of squares"): 4 * batch.variance,
        message("forgot to subtract the mean"): Fraction(sum(value * value for value in batch.values), 4),
    }
    request = message("What is their variance, as batch normalization uses it (divided by the number of values)?")
    lines = (f"({squares}) / 4", str(batch.variance))
    return number_prompt(f"{name}b", message("variance"), request, batch.variance, lines, wrong)


def _normalized(draws: Draws, name: str, batch: _Batch, gamma: int, beta: int) -> Prompt:
    first = batch.values[0]
    gap = first - batch.mean
    value = gamma * Fraction(gap, batch.deviation) + beta
    wrong: Mistakes = {
        message("divided by the variance"): gamma * Fraction(gap, batch.variance) + beta
        if batch.variance > 1
        else None,
        message("forgot to subtract the mean"): gamma * Fraction(first, batch.deviation) + beta,
        message("forgot to divide by the standard deviation"): Fraction(gamma * gap + beta)
        if batch.deviation > 1
        else None,
        message("left out the scale and the shift"): Fraction(gap, batch.deviation) if gamma != 1 else None,
        message("swapped the scale and the shift"): beta * Fraction(gap, batch.deviation) + gamma
        if gamma != 1
        else None,
    }
    wrong = {phrase: number for phrase, number in wrong.items() if number != value}
    scaled = f"{gamma} * " if gamma != 1 else ""
    shift = f" {'+' if beta > 0 else '-'} {abs(beta)}" if beta else ""
    lines = (f"{scaled}({first} - {batch.mean}) / {batch.deviation}{shift}", shown(value))
    suffix = "c" if gamma == 1 else ""
    request = message("Which value does the first one, {value}, become (exactly, or to 3 decimals)?", value=first)
    return number_prompt(f"{name}{suffix}", message("normalized value"), request, value, lines, wrong, _rounding(value))


def _running(draws: Draws, name: str, batch: _Batch, text: Message) -> QuizQuestion:
    """The running statistics after this batch, and the output at inference."""
    mean = draws.integer(1, 10) * 10
    text = message("{text} Its running mean is {mean} and its momentum 0.1, as in PyTorch.", text=text, mean=mean)
    kept = Fraction(9 * mean + batch.mean, 10)
    wrong: Mistakes = {
        message("swapped the weights of the old mean and the new one"): Fraction(mean + 9 * batch.mean, 10),
        message("gave the mean of the batch"): batch.mean,
        message("averaged both"): Fraction(mean + batch.mean, 2),
        message("added without taking anything off"): mean + Fraction(batch.mean, 10),
    }
    lines = (f"0.9 * {mean} + 0.1 * {batch.mean}", shown(kept))
    request = message("What is the running mean after this batch?")
    prompts = [number_prompt(f"{name}a", message("running mean"), request, kept, lines, unlike(wrong, kept))]
    spread = draws.pick((2, 3, 4, 5))
    x = mean + spread * draws.pick((-2, -1, 1, 2, 3))
    value = Fraction(batch.gamma * (x - mean), spread) + batch.beta
    wrong = {
        message("used the variance of the running statistics without its root"): Fraction(
            batch.gamma * (x - mean), spread**2
        )
        + batch.beta,
        message("used the mean of the batch"): Fraction(batch.gamma * (x - batch.mean), spread) + batch.beta,
        message("left out the scale and the shift"): Fraction(x - mean, spread),
        message("left out the shift"): value - batch.beta,
    }
    request = message(
        "Another layer has running mean {mean}, running variance {variance}, and the same scale and shift. "
        "Which value does {value} become at inference?",
        mean=mean,
        variance=spread**2,
        value=x,
    )
    shift = f"{'+' if batch.beta > 0 else '-'} {abs(batch.beta)}"
    lines = (f"{batch.gamma} * ({x} - {mean}) / {spread} {shift}", shown(value))
    prompts.append(
        number_prompt(f"{name}b", message("output at inference"), request, value, lines, unlike(wrong, value))
    )
    return QuizQuestion(name, "batchnorm", (text,), tuple(prompts))


def _rounding(value: Fraction) -> Fraction:
    """How far an answer may be from a value that has no short decimal form."""
    return Fraction(0) if 1000 % value.denominator == 0 else THOUSANDTH


def softmax(draws: Draws, name: str, level: str) -> QuizQuestion:
    """A probability; medium: the gradient of the cross-entropy; hard: of whole logits, and the loss, in decimals."""
    if level == HARD:
        return _decimal_softmax(draws, name)
    weights = _weights(draws)
    total, at = sum(weights), draws.integer(0, 2)
    logits = ", ".join("0" if weight == 1 else f"ln {weight}" for weight in weights)
    text = message("The logits of three classes are {logits} (ln is the natural logarithm).", logits=logits)
    probability = Fraction(weights[at], total)
    if level == EASY:
        wrong: Mistakes = {
            message("did not divide by the sum"): weights[at],
            message("divided the logits by their sum"): _rounded(log(weights[at]) / sum(map(log, weights))),
            message("divided by the largest value instead of the sum"): Fraction(weights[at], max(weights)),
        }
        lines = (f"{weights[at]} / ({' + '.join(map(str, weights))})", shown(probability))
        request = message("What is the softmax probability of class {number}?", number=at + 1)
        prompt = number_prompt(name, message("probability"), request, probability, lines, unlike(wrong, probability))
        return QuizQuestion(name, "softmax", (text,), (prompt,))
    target = draws.integer(0, 2)
    value = probability - (at == target)
    wrong = {
        message("reversed the sign"): -value,
        message("gave the probability"): probability if at == target else None,
        message("subtracted 1 for a class that is not the correct one"): probability - 1 if at != target else None,
        message("left out the softmax"): Fraction(weights[at]) - (at == target),
    }
    text = message("{text} Class {number} is the correct one.", text=text, number=target + 1)
    lines = (f"{weights[at]} / {total}" + (" - 1" if at == target else ""), shown(value))
    request = message(
        "What is the gradient of the cross-entropy loss with respect to the logit of class {number}?", number=at + 1
    )
    prompt = number_prompt(name, message("gradient"), request, value, lines, unlike(wrong, value))
    return QuizQuestion(name, "softmax", (text,), (prompt,))


def _weights(draws: Draws) -> list[int]:
    """Three different whole numbers whose sum divides 1000, so that all probabilities have short decimals."""
    total = draws.pick((8, 10, 20, 25, 40))
    first = draws.integer(1, total // 3)
    second = draws.integer(1, total - first - 1)
    weights = [first, second, total - first - second]
    return weights if len({*weights}) == 3 else _weights(draws)


def _decimal_softmax(draws: Draws, name: str) -> QuizQuestion:
    logits = [draws.integer(-2, 3) for _ in range(3)]
    while len({*logits}) < 3:
        logits = [draws.integer(-2, 3) for _ in range(3)]
    temperature = draws.pick((1, 2))
    powers = [exp(z / temperature) for z in logits]
    # Rounding a probability of at least 0.1 to 3 decimals changes its logarithm by 0.005 at most.
    at = draws.pick([at for at in range(3) if powers[at] >= 0.1 * sum(powers)])
    probability = powers[at] / sum(powers)
    plain = [exp(z) for z in logits]
    text = message("The logits of three classes are {logits}.", logits=listed(logits))
    text = message("{text} Class {number} is the correct one.", text=text, number=at + 1)
    if temperature > 1:
        text = message(
            "{text} The logits are divided by the temperature {temperature} before the softmax.",
            text=text,
            temperature=temperature,
        )
    shared = {message("ignored the temperature"): plain[at] / sum(plain) if temperature > 1 else None}
    sums = " + ".join(f"e^({_power(z, temperature)})" for z in logits)
    wrong: Mistakes = {
        **{phrase: _rounded(p) for phrase, p in shared.items() if p is not None},
        message("did not divide by the sum"): _rounded(powers[at]),
        message("divided by the sum of the other classes"): _rounded(powers[at] / (sum(powers) - powers[at])),
    }
    value = _rounded(probability)
    lines = (f"e^({_power(logits[at], temperature)}) / ({sums})", f"{float(value):.3f}")
    asked = message("What is the softmax probability of class {number}, to 3 decimals?", number=at + 1)
    prompts = [number_prompt(f"{name}a", message("probability"), asked, value, lines, unlike(wrong, value), THOUSANDTH)]
    loss = _rounded(-log(probability))
    wrong = {
        message("used the logarithm to base 2"): _rounded(-log(probability, 2)),
        message("used the logarithm to base 10"): _rounded(-log(probability, 10)),
        message("reversed the sign"): -loss,
        message("gave 1 - p"): 1 - value,
    }
    asked = message("What is the cross-entropy loss (with the natural logarithm), to 3 decimals?")
    lines = (f"-ln {probability:.4f}", f"{float(loss):.3f}")
    prompts.append(number_prompt(f"{name}b", message("loss"), asked, loss, lines, unlike(wrong, loss), 5 * THOUSANDTH))
    return QuizQuestion(name, "softmax", (text,), tuple(prompts))


def _power(logit: int, temperature: int) -> str:
    return shown(Fraction(logit, temperature))


def _rounded(value: float) -> Fraction:
    return Fraction(round(value * 1000), 1000)
