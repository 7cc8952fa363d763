"""Local response normalization by hand."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.approximate import power
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    Index,
    LayerGradient,
    LayerRule,
    LayerWork,
    WorkedStep,
    for_each,
    place_text,
    places,
)
from cnncli.homework.exact_ops.chain.rules.activations import exact
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly
from cnncli.layers import Layer
from cnncli.layers.norm import LocalResponseNorm


class Response(NamedTuple):
    """The constants of a layer, and the bases k + alpha / size * (sum of squares), an array like the input."""

    size: int
    alpha: Fraction
    beta: Fraction
    k: Fraction
    bases: Any


def _neighbors(size: int, channels: int, channel: int) -> range:
    """The channels whose squares a channel adds: size // 2 before it, and (size - 1) // 2 after it, as PyTorch does."""
    return range(max(0, channel - size // 2), min(channels, channel + (size - 1) // 2 + 1))


def _response(work: LayerWork) -> Response:
    layer: Any = work.layer
    alpha, beta, k = (exact(value) for value in (layer.alpha, layer.beta, layer.k))
    bases = work.x.copy()
    for index in places(bases.shape):
        squares = sum(value * value for value in _values(work.x, layer.size, index))
        bases[index] = exactly(k + alpha / layer.size * squares)
        if not bases[index] > 0:
            raise CnnError("k + alpha / size * (sum of squares) is not above 0", "use a k above 0, or other values")
    return Response(layer.size, alpha, beta, k, bases)


def _values(x: Any, size: int, index: Index) -> list[Any]:
    number, channel, *place = index
    return [x[(number, other, *place)] for other in _neighbors(size, x.shape[1], channel)]


def _base_steps(work: LayerWork, of: Response) -> Iterator[WorkedStep]:
    for index in places(work.x.shape):
        squares = " + ".join(f"{factor_text(value)}^2" for value in _values(work.x, of.size, index))
        text = f"{shown(of.k)} + {factor_text(of.alpha)}/{of.size}*({squares})"
        yield WorkedStep(f"base {place_text(index, work.x.shape)}", text, of.bases[index])


BASE = "base = k + alpha/size * sum of squares over neighboring channels"


def _forward(work: LayerWork) -> Calculation:
    of = _response(work)
    value = for_each(lambda x, base: x * power(base, -of.beta), work.x, of.bases)

    def steps() -> Iterator[WorkedStep]:
        yield from _base_steps(work, of)
        for index in places(value.shape):
            text = f"{shown(work.x[index])} / {factor_text(of.bases[index])}^{factor_text(of.beta)}"
            yield WorkedStep(place_text(index, value.shape), text, value[index])

    return Calculation(value, f"x / base^beta, {BASE}", steps)


def _backward(work: LayerWork, upstream: Any) -> LayerGradient:
    of, value = _response(work), work.x.copy()
    factor = 2 * of.alpha * of.beta / of.size
    shares = for_each(lambda g, x, base: g * x * power(base, -of.beta - 1), upstream, work.x, of.bases)
    for index in places(value.shape):
        own = upstream[index] * power(of.bases[index], -of.beta)
        total = sum(shares[reader] for reader in _readers(index, of.size, value.shape[1]))
        value[index] = exactly(own - factor * work.x[index] * total)

    def steps() -> Iterator[WorkedStep]:
        beta = factor_text(of.beta)
        for index in places(value.shape):
            base = factor_text(of.bases[index])
            text = f"{factor_text(upstream[index])}*{factor_text(work.x[index])} / {base}^({beta} + 1)"
            yield WorkedStep(f"s {place_text(index, value.shape)}", text, shares[index])
        for index in places(value.shape):
            terms = " + ".join(factor_text(shares[at]) for at in _readers(index, of.size, value.shape[1]))
            own = f"{factor_text(upstream[index])} / {factor_text(of.bases[index])}^{beta}"
            text = f"{own} - 2*{factor_text(of.alpha)}*{beta}/{of.size}*{factor_text(work.x[index])}*({terms})"
            yield WorkedStep(place_text(index, value.shape), text, value[index])

    formula = (
        "upstream / base^beta - 2*alpha*beta/size * x * (sum of s over the outputs that read x), "
        "s = upstream*x / base^(beta + 1)"
    )
    return LayerGradient((Calculation(value, formula, steps),))


def _readers(index: Index, size: int, channels: int) -> list[Index]:
    """The outputs that a value is squared for."""
    number, channel, *place = index
    return [(number, other, *place) for other in range(channels) if channel in _neighbors(size, channels, other)]


LOCAL_RESPONSES: dict[type[Layer], LayerRule] = {LocalResponseNorm: LayerRule(_forward, _backward)}
