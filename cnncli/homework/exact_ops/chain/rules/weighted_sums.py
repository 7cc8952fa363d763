"""Layers whose outputs are weighted sums of some inputs: interpolation, and local connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import product
from math import floor, prod
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.backward.convolution import place_of
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    Index,
    LayerGradient,
    LayerRule,
    LayerWork,
    places,
    product_text,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.chain.rules.convolutions import sliding_of
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import exactly, simplest
from cnncli.homework.exact_ops.sliding import patch, sources
from cnncli.layers import Layer
from cnncli.layers.conv import Local
from cnncli.layers.reshape import Upsample


class Term(NamedTuple):
    """A factor of an input value, both by index without the example; ``at`` is the place of a trained factor."""

    input: Index
    factor: Any
    at: Index | None = None


Terms = dict[Index, list[Term]]  # by output, without the example


class WeightedSum(NamedTuple):
    """The terms of a layer, and in words what it calculates and what the gradient to its input is."""

    terms: Callable[[LayerWork], Terms]
    formula: Callable[[LayerWork], str]
    derivative: str


def weighted(of: WeightedSum) -> LayerRule:
    """The rule of a layer of weighted sums, with the gradients to its weight and bias if it has them."""

    def forward(work: LayerWork) -> Calculation:
        import numpy as np

        terms, bias = of.terms(work), work.weights.get("bias")
        value: Any = np.zeros((len(work.x), *work.layer.output_shape(work.shapes)), dtype=object)
        for number, *at in places(value.shape):
            total = sum(term.factor * work.x[(number, *term.input)] for term in terms[tuple(at)])
            value[(number, *at)] = exactly(total if bias is None else total + bias[tuple(at)])

        def expression(index: Index) -> str:
            number, *at = index
            pairs = ((term.factor, work.x[(number, *term.input)]) for term in terms[tuple(at)])
            text = _sum(pairs, is_trained="weight" in work.weights)
            return text if bias is None or not bias[tuple(at)] else f"{text} + {factor_text(bias[tuple(at)])}"

        return Calculation(value, of.formula(work), steps_for(value, expression))

    def backward(work: LayerWork, upstream: Any) -> LayerGradient:
        terms = of.terms(work)
        pairs: dict[Index, list[tuple[Any, Any]]] = {index: [] for index in places(work.x.shape)}
        for number, *at in places(upstream.shape):
            for term in terms[tuple(at)]:
                pairs[(number, *term.input)].append((term.factor, upstream[(number, *at)]))
        value = work.x.copy()
        for index, factors in pairs.items():
            value[index] = exactly(sum(one * other for one, other in factors))
        steps = steps_for(value, lambda index: _sum(pairs[index], is_trained="weight" in work.weights))
        return LayerGradient((Calculation(value, of.derivative, steps),), _weight_gradients(work, upstream, terms))

    return LayerRule(forward, backward)


def _sum(pairs: Iterable[tuple[Any, Any]], *, is_trained: bool) -> str:
    """A sum of products; a factor of 1 is left out, unless it is a weight."""
    texts = [factor_text(x) if by == 1 and not is_trained else product_text(by, x) for by, x in pairs]
    return " + ".join(texts) or "0"


def _weight_gradients(work: LayerWork, upstream: Any, terms: Terms) -> dict[str, Calculation]:
    if "weight" not in work.weights:
        return {}
    pairs: dict[Index, list[tuple[Any, Any]]] = {}
    for number, *at in places(upstream.shape):
        for term in terms[tuple(at)]:
            if term.at is not None:
                pairs.setdefault(term.at, []).append((upstream[(number, *at)], work.x[(number, *term.input)]))
    value = work.weights["weight"] * 0
    for index, products in pairs.items():
        value[index] = exactly(sum(one * other for one, other in products))

    def expression(index: Index) -> str:
        return " + ".join(product_text(*pair) for pair in pairs.get(index, [])) or "0"

    steps = steps_for(value, expression, has_batch=False)
    found = {"weight": Calculation(value, "each input times the upstream gradient of its output", steps)}
    if "bias" in work.weights:
        to_bias = simplest(upstream.sum(0))
        bias_steps = steps_for(to_bias, lambda at: sum_text(upstream[(slice(None), *at)]), has_batch=False)
        found["bias"] = Calculation(to_bias, "the upstream gradient", bias_steps)
    return found


# Upsampling -------------------------------------------------------------------------------------------------------

CUBIC = Fraction(-3, 4)  # the parameter a of the kernel in PyTorch. Keys 1981
Taps = list[tuple[int, Any]]  # the inputs that an output reads along one axis, with their weights


def _nearest(size: int, output: int, at: int) -> Taps:
    return [(at * size // output, 1)]


def _linear(size: int, output: int, at: int) -> Taps:
    """The two inputs around the center of the output; a center outside the first and last inputs is theirs."""
    center = max(_center(size, output, at), Fraction(0))
    first = floor(center)
    return _kept(
        [(min(first + step, size - 1), weight) for step, weight in ((0, 1 - center + first), (1, center - first))]
    )


def _cubic(size: int, output: int, at: int) -> Taps:
    """Four inputs; those beyond an end are the last one."""
    center = _center(size, output, at)
    first = floor(center)
    steps = range(-1, 3)
    return _kept([(min(max(first + step, 0), size - 1), _keys(abs(center - first - step))) for step in steps])


def _center(size: int, output: int, at: int) -> Fraction:
    """The center of an output, in inputs."""
    return Fraction((2 * at + 1) * size, 2 * output) - Fraction(1, 2)


def _keys(distance: Fraction) -> Fraction:
    """The weight of an input at a distance of up to 2. Keys 1981, Cubic Convolution Interpolation."""
    d, a = distance, CUBIC
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a


def _kept(taps: Taps) -> Taps:
    """The taps with equal inputs added up, without those of weight 0."""
    total: dict[int, Any] = {}
    for at, weight in taps:
        total[at] = total.get(at, 0) + weight
    return [(at, exactly(weight)) for at, weight in total.items() if weight]


MODES = {"nearest": _nearest, "linear": _linear, "cubic": _cubic}
UPSAMPLING = {
    "nearest": "the input floor(i n / m) of n for output i of m",
    "linear": "the inputs around (i + 1/2) n / m - 1/2 of n for output i of m, by their distance",
    "cubic": "4 inputs per axis around (i + 1/2) n / m - 1/2 of n for output i of m, by Keys's cubic with a = -3/4",
}


def _upsampling_text(work: LayerWork) -> str:
    layer: Any = work.layer
    return UPSAMPLING[layer.mode]


def _upsampling(work: LayerWork) -> Terms:
    layer: Any = work.layer
    taps_of, (channels, *sizes) = MODES[layer.mode], work.layer.output_shape(work.shapes)
    axes = [[taps_of(n, m, at) for at in range(m)] for n, m in zip(work.x.shape[2:], sizes, strict=True)]
    found: Terms = {}
    for channel, *place in places((channels, *sizes)):
        taps = product(*(axis[at] for axis, at in zip(axes, place, strict=True)))
        found[(channel, *place)] = [
            Term((channel, *(at for at, _ in each)), exactly(prod(weight for _, weight in each))) for each in taps
        ]
    return found


# Local connections ------------------------------------------------------------------------------------------------


def _local(work: LayerWork) -> Terms:
    """The terms of weights that no two positions share: (filters, *positions, C / groups, *kernel)."""
    layer: Any = work.layer
    how, weight = sliding_of(work), work.weights["weight"]
    if how.mode == "partial" and how.is_padded:
        raise CnnError("local is not calculated by hand with partial padding", "use padding_mode: zeros")
    origins, sizes = sources(work.x.shape[2:], how)[None], work.x.shape[2:]
    read, own = work.x.shape[1] // layer.groups, len(weight) // layer.groups
    found: Terms = {}
    for number, *place in places(layer.output_shape(work.shapes)):
        here, terms = patch(origins, how, tuple(place))[0], []
        for channel, *tap in places((read, *here.shape)):
            origin, at = place_of(int(here[tuple(tap)]), sizes), (number, *place, channel, *tap)
            if origin is not None:
                terms.append(Term((number // own * read + channel, *origin), weight[at], at))
        found[(number, *place)] = terms
    return found


WEIGHTED_SUMS: dict[type[Layer], LayerRule] = {
    Upsample: weighted(WeightedSum(_upsampling, _upsampling_text, "the upstream gradient of its outputs, weighted")),
    Local: weighted(
        WeightedSum(
            _local,
            lambda work: "the sum of each window times the weights of its position, plus the bias",
            "the upstream gradient of its outputs, times the weights",
        )
    ),
}
