"""Fully connected layers by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    Index,
    LayerGradient,
    LayerRule,
    LayerWork,
    WorkedStep,
    difference_text,
    place_text,
    product_text,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.layers import Layer
from cnncli.layers.linear import RBF, Linear


def _products(pairs: Any) -> str:
    return " + ".join(product_text(*pair) for pair in pairs)


def _forward(work: LayerWork) -> Calculation:
    x, weight, bias = work.x, work.weights["weight"], work.weights.get("bias")
    value = simplest(x @ weight.T if bias is None else x @ weight.T + bias)

    def expression(index: Index) -> str:
        number, unit = index
        text = _products(zip(weight[unit], x[number], strict=True))
        return text if bias is None or not bias[unit] else f"{text} + {factor_text(bias[unit])}"

    formula = "y = W x" if bias is None else "y = W x + b"
    return Calculation(value, formula, steps_for(value, expression))


def _backward(work: LayerWork, upstream: Any) -> LayerGradient:
    x, weight = work.x, work.weights["weight"]
    to_input, to_weight = simplest(upstream @ weight), simplest(upstream.T @ x)
    to_bias = simplest(upstream.sum(0))

    def input_text(index: Index) -> str:
        return _products(zip(weight[:, index[1]], upstream[index[0]], strict=True))

    def weight_text(index: Index) -> str:
        return _products(zip(upstream[:, index[0]], x[:, index[1]], strict=True))

    gradients = {
        "weight": Calculation(
            to_weight, _of_batch("upstream x^T", x), steps_for(to_weight, weight_text, has_batch=False)
        )
    }
    if "bias" in work.weights:
        gradients["bias"] = bias_gradient(to_bias, upstream.T)
    return LayerGradient((Calculation(to_input, "W^T upstream", steps_for(to_input, input_text)),), gradients)


def _of_batch(formula: str, x: Any) -> str:
    return f"{formula}, summed over the batch" if len(x) > 1 else formula


def bias_gradient(to_bias: Any, upstream: Any) -> Calculation:
    """The gradient to a bias (F,), which is the sum of the upstream gradients, (F, …)."""
    if upstream[0].size == 1:
        return Calculation(to_bias, "the upstream gradient")

    def steps() -> Iterator[WorkedStep]:
        for number, values in enumerate(upstream):
            yield WorkedStep(place_text((number,), to_bias.shape), sum_text(values.reshape(-1)), to_bias[number])

    return Calculation(to_bias, "the sum of the upstream gradient", steps)


def _distances(work: LayerWork) -> Calculation:
    """The squared distance of each example to each code."""
    x, codes = work.x, work.weights["weight"]
    value = simplest(((x[:, None] - codes[None]) ** 2).sum(2))

    def expression(index: Index) -> str:
        pairs = zip(x[index[0]], codes[index[1]], strict=True)
        return " + ".join(f"({difference_text(*pair)})^2" for pair in pairs)

    return Calculation(value, "the sum of (x - w)^2", steps_for(value, expression))


def _distances_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    x, codes = work.x, work.weights["weight"]
    value = simplest((2 * upstream[:, :, None] * (x[:, None] - codes[None])).sum(1))

    def expression(index: Index) -> str:
        number, at = index
        pairs = zip(upstream[number], codes[:, at], strict=True)
        return " + ".join(f"2*{factor_text(g)}*({difference_text(x[index], code)})" for g, code in pairs)

    return LayerGradient((Calculation(value, "the sum of 2*upstream*(x - w)", steps_for(value, expression)),))


VECTOR_LAYERS: dict[type[Layer], LayerRule] = {
    Linear: LayerRule(_forward, _backward),
    RBF: LayerRule(_distances, _distances_backward),  # its weight is not trained
}
