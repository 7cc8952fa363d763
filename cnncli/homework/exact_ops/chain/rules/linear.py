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
    place_text,
    product_text,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.layers import Layer
from cnncli.layers.linear import Linear


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


VECTOR_LAYERS: dict[type[Layer], LayerRule] = {Linear: LayerRule(_forward, _backward)}
