"""Softmax and its logarithm by hand, over the channels of each position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncli.homework.exact_ops.chain.approximate import exp, log
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    Index,
    LayerGradient,
    LayerRule,
    LayerWork,
    WorkedStep,
    difference_text,
    place_text,
    places,
    product_text,
    sum_text,
)
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.layers import Layer
from cnncli.layers.activation import LogSoftmax, Softmax

LARGE = 700  # a number of double precision ends at exp(709.8), and begins at exp(-745.1)


class ChannelColumn(NamedTuple):
    """The channels of one position of one example, as indices of (N, C, *sizes); ``of`` names it among several."""

    indices: list[Index]
    of: str


def columns(shape: Index) -> Iterator[ChannelColumn]:
    """The channels of each position of each example."""
    several = len([*places((shape[0], *shape[2:]))]) > 1
    for number, *place in places((shape[0], *shape[2:])):
        indices = [(number, channel, *place) for channel in range(shape[1])]
        parts = ([f"example {number}"] if shape[0] > 1 else []) + ([f"position {tuple(place)}"] if place else [])
        yield ChannelColumn(indices, f" of {', '.join(parts)}" if several else "")


def probabilities(x: Any) -> Any:
    """The softmax of (N, C, *sizes). Subtracting the maximum changes no value, but avoids overflow."""
    found = x.copy()
    for column in columns(x.shape):
        most = max(x[index] for index in column.indices)
        powers = [exp(x[index] - most) for index in column.indices]
        total = sum(powers)
        for index, power in zip(column.indices, powers, strict=True):
            found[index] = power / _divisor(total)
    return found


def _divisor(total: Any) -> Any:
    """A sum of powers of e, as a fraction if it is exact: equal scores have equal, rational probabilities."""
    from fractions import Fraction

    return Fraction(total) if isinstance(total, int) else total


def shifts(x: Any) -> bool:
    """Whether powers of e are shown after the maximum is subtracted, because they would overflow or underflow."""
    return any(abs(max(x[index] for index in column.indices)) > LARGE for column in columns(x.shape))


def softmax_steps(x: Any, value: Any) -> Iterator[WorkedStep]:
    """The powers of e, their sum, and the quotients."""
    is_shifted = shifts(x)
    for column in columns(x.shape):
        most = max(x[index] for index in column.indices)
        if is_shifted:
            yield WorkedStep(f"m{column.of}", f"max({', '.join(shown(x[index]) for index in column.indices)})", most)
        powers = [exp(x[index] - most if is_shifted else x[index]) for index in column.indices]
        for index, power in zip(column.indices, powers, strict=True):
            text = f"exp({difference_text(x[index], most) if is_shifted else shown(x[index])})"
            yield WorkedStep(f"exp {place_text(index, x.shape)}", text, power)
        total = sum(powers)
        yield WorkedStep(f"sum{column.of}", sum_text(powers), total)
        for index, power in zip(column.indices, powers, strict=True):
            yield WorkedStep(place_text(index, x.shape), f"{shown(power)} / {shown(total)}", value[index])


def softmax(x: Any) -> Calculation:
    """exp(x) divided by its sum over the channels."""
    value = _simplest(probabilities(x))
    formula = "exp(x - m) / sum of exp(x - m), m = max(x): no overflow" if shifts(x) else "exp(x) / sum of exp(x)"
    return Calculation(value, formula, lambda: softmax_steps(x, value))


def log_of_sum(x: Any, indices: list[Index]) -> Any:
    """The logarithm of the sum of the powers of e of some values, none of which overflows."""
    most = max(x[index] for index in indices)
    return log(sum(exp(x[index] - most) for index in indices)) + most


def _simplest(array: Any) -> Any:
    from cnncli.homework.exact_ops.numbers import simplest

    return simplest(array)


def _softmax_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    p, value = work.output, work.x.copy()
    dots = []
    for column in columns(p.shape):
        dots.append(sum(upstream[index] * p[index] for index in column.indices))
        for index in column.indices:
            value[index] = p[index] * (upstream[index] - dots[-1])

    def steps() -> Iterator[WorkedStep]:
        for column, dot in zip(columns(p.shape), dots, strict=True):
            terms = [product_text(upstream[index], p[index]) for index in column.indices]
            yield WorkedStep(f"sum{column.of}", " + ".join(terms), dot)
            for index in column.indices:
                text = f"{factor_text(p[index])}*({difference_text(upstream[index], dot)})"
                yield WorkedStep(place_text(index, p.shape), text, value[index])

    return LayerGradient((Calculation(_simplest(value), "p * (upstream - sum of upstream * p)", steps),))


def _log_softmax(work: LayerWork) -> Calculation:
    x, value, totals = work.x, work.x.copy(), []
    for column in columns(x.shape):
        logarithm = log_of_sum(x, column.indices)
        totals.append(logarithm)
        for index in column.indices:
            value[index] = x[index] - logarithm

    def steps() -> Iterator[WorkedStep]:
        for column, logarithm in zip(columns(x.shape), totals, strict=True):
            terms = " + ".join(f"exp({shown(x[index])})" for index in column.indices)
            yield WorkedStep(f"log of the sum{column.of}", f"log({terms})", logarithm)
            for index in column.indices:
                yield WorkedStep(place_text(index, x.shape), difference_text(x[index], logarithm), value[index])

    return Calculation(_simplest(value), "x - log(sum of exp(x))", steps)


def _log_softmax_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    p, value, sums = probabilities(work.x), work.x.copy(), []
    for column in columns(p.shape):
        sums.append(sum(upstream[index] for index in column.indices))
        for index in column.indices:
            value[index] = upstream[index] - p[index] * sums[-1]

    def steps() -> Iterator[WorkedStep]:
        for column, total in zip(columns(p.shape), sums, strict=True):
            yield WorkedStep(f"sum{column.of}", sum_text(upstream[index] for index in column.indices), total)
            for index in column.indices:
                text = f"{shown(upstream[index])} - {product_text(p[index], total)}"
                yield WorkedStep(place_text(index, p.shape), text, value[index])

    formula = "upstream - p * sum of upstream, p = softmax(x)"
    return LayerGradient((Calculation(_simplest(value), formula, steps),))


SOFTMAXES: dict[type[Layer], LayerRule] = {
    Softmax: LayerRule(lambda work: softmax(work.x), _softmax_backward),
    LogSoftmax: LayerRule(_log_softmax, _log_softmax_backward),
}
