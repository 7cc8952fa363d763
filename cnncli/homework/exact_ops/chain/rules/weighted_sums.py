"""Layers whose outputs are weighted sums of some inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

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
from cnncli.homework.exact_ops.chain.rules.linear import bias_gradient
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import exactly, simplest


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

        shape = work.layer.output_shape(work.shapes)
        terms, bias = of.terms(work), _bias(work, shape)
        value: Any = np.zeros((len(work.x), *shape), dtype=object)
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


def _bias(work: LayerWork, shape: Index) -> Any:
    """The bias of each output, which may be one per channel; None where the layer has none."""
    import numpy as np

    bias = work.weights.get("bias")
    if bias is None or bias.ndim > 1:
        return bias
    return np.broadcast_to(bias.reshape(-1, *(1,) * (len(shape) - 1)), shape)


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
    if "bias" in work.weights and work.weights["bias"].ndim == 1:
        per_channel = upstream.swapaxes(0, 1)
        found["bias"] = bias_gradient(simplest(per_channel.reshape(len(per_channel), -1).sum(1)), per_channel)
    elif "bias" in work.weights:
        to_bias = simplest(upstream.sum(0))
        bias_steps = steps_for(to_bias, lambda at: sum_text(upstream[(slice(None), *at)]), has_batch=False)
        found["bias"] = Calculation(to_bias, "the upstream gradient", bias_steps)
    return found
