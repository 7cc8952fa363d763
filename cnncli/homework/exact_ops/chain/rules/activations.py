"""Activations by hand: the value and the slope of each function, with the numbers put in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.homework.exact_ops.chain.approximate import PI, erf, exp, expm1, log1p, sigmoid, sqrt, tanh
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    LayerGradient,
    LayerRule,
    LayerWork,
    WorkedStep,
    for_each,
    place_text,
    places,
    product_text,
    steps_for,
)
from cnncli.homework.exact_ops.matrices import factor_text as f
from cnncli.homework.exact_ops.matrices import shown
from cnncli.layers import Layer
from cnncli.layers.activation import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)


class Evaluated(NamedTuple):
    """A function at a number: the value and its expression, and the derivative and its expression."""

    value: Any
    text: str
    slope: Any
    slope_text: str


Function = Callable[[Any, Any], Evaluated]  # takes the layer and x


def exact(value: float) -> Fraction:
    """A number of the file, exactly as it is written."""
    return Fraction(repr(value))


def _relu(layer: Any, x: Any) -> Evaluated:
    slope = 1 if x > 0 else 0
    return Evaluated(max(0, x), f"max(0, {shown(x)})", slope, str(slope))


def _relu6(layer: Any, x: Any) -> Evaluated:
    slope = 1 if 0 < x < 6 else 0
    return Evaluated(min(max(0, x), 6), f"min(max(0, {shown(x)}), 6)", slope, str(slope))


def _leaky(slope: Any, x: Any) -> Evaluated:
    if x > 0:
        return Evaluated(x, shown(x), 1, "1")
    return Evaluated(slope * x, product_text(slope, x), slope, f(slope))


def _elu(layer: Any, x: Any) -> Evaluated:
    if x > 0:
        return Evaluated(x, shown(x), 1, "1")
    alpha, power = exact(layer.alpha), f"exp({shown(x)})"
    return Evaluated(alpha * expm1(x), f"{f(alpha)}*({power} - 1)", alpha * exp(x), f"{f(alpha)}*{power}")


def _gelu(layer: Any, x: Any) -> Evaluated:
    if layer.approximate == "tanh":
        return _gelu_tanh(x)
    half = Fraction(1, 2)
    area, density = half * (1 + erf(x / sqrt(2))), exp(-x * x / 2) / sqrt(2 * PI)
    area_text = f"0.5*(1 + erf({shown(x)}/sqrt(2)))"
    slope_text = f"({area_text} + {f(x)}*exp(-{f(x)}^2/2)/sqrt(2*pi))"
    return Evaluated(x * area, f"{f(x)}*{area_text}", area + x * density, slope_text)


def _gelu_tanh(x: Any) -> Evaluated:
    half, cubic, root = Fraction(1, 2), Fraction("0.044715"), sqrt(2 / PI)
    t = tanh(root * (x + cubic * x * x * x))
    text = f"0.5*{f(x)}*(1 + tanh(sqrt(2/pi)*({shown(x)} + 0.044715*{f(x)}^3)))"
    slope = half * (1 + t) + half * x * (1 - t * t) * root * (1 + 3 * cubic * x * x)
    inner = f"sqrt(2/pi)*(1 + 0.134145*{f(x)}^2)"
    return Evaluated(half * x * (1 + t), text, slope, f"(0.5*(1 + {f(t)}) + 0.5*{f(x)}*(1 - {f(t)}^2)*{inner})")


def _sigmoid(layer: Any, x: Any) -> Evaluated:
    y = sigmoid(x)
    return Evaluated(y, f"1 / (1 + exp(-{f(x)}))", y * (1 - y), f"{f(y)}*(1 - {f(y)})")


def _silu(layer: Any, x: Any) -> Evaluated:
    s = sigmoid(x)
    text = f"{f(x)} / (1 + exp(-{f(x)}))"
    return Evaluated(x * s, text, s * (1 + x * (1 - s)), f"{f(s)}*(1 + {f(x)}*(1 - {f(s)}))")


def _tanh(layer: Any, x: Any) -> Evaluated:
    y = tanh(x)
    return Evaluated(y, f"tanh({shown(x)})", 1 - y * y, f"(1 - {f(y)}^2)")


def _scaled_tanh(layer: Any, x: Any) -> Evaluated:
    t, third = tanh(2 * x / Fraction(3)), Fraction("1.7159") * Fraction(2, 3)
    slope = third * (1 - t * t)
    return Evaluated(Fraction("1.7159") * t, f"1.7159*tanh(2*{f(x)}/3)", slope, f"1.7159*2/3*(1 - {f(t)}^2)")


def _softplus(layer: Any, x: Any) -> Evaluated:
    beta = exact(layer.beta)
    inner = shown(x) if beta == 1 else product_text(beta, x)
    over = "" if beta == 1 else f" / {f(beta)}"
    scaled = beta * x
    value = (max(scaled, 0) + log1p(exp(-abs(scaled)))) / beta  # the same, without a power of e that overflows
    return Evaluated(value, f"log(1 + exp({inner})){over}", sigmoid(scaled), f"1/(1 + exp(-({inner})))")


def _hardsigmoid(layer: Any, x: Any) -> Evaluated:
    slope = Fraction(1, 6) if -3 < x < 3 else 0
    return Evaluated(min(max(0, x + 3), 6) / Fraction(6), _sixth(x), slope, f(slope))


def _hardswish(layer: Any, x: Any) -> Evaluated:
    value, text = x * min(max(0, x + 3), 6) / Fraction(6), f"{f(x)}*{_sixth(x)}"
    if -3 < x < 3:
        return Evaluated(value, text, (2 * x + 3) / Fraction(6), f"(2*{f(x)} + 3)/6")
    return Evaluated(value, text, int(x > 0), str(int(x > 0)))


def _sixth(x: Any) -> str:
    return f"min(max(0, {shown(x)} + 3), 6) / 6"


class Named(NamedTuple):
    """An elementwise function with the formulas of its value and of its derivative."""

    function: Function
    formula: str
    derivative: str


FUNCTIONS: dict[type[Layer], Named] = {
    ReLU: Named(_relu, "max(0, x)", "1 where x > 0, else 0"),
    ReLU6: Named(_relu6, "min(max(0, x), 6)", "1 where 0 < x < 6, else 0"),
    LeakyReLU: Named(
        lambda layer, x: _leaky(exact(layer.slope), x), "x where x > 0, else slope*x", "1 where x > 0, else slope"
    ),
    ELU: Named(_elu, "x where x > 0, else alpha*(exp(x) - 1)", "1 where x > 0, else alpha*exp(x)"),
    GELU: Named(_gelu, "x times the normal distribution function Phi(x)", "Phi(x) + x*phi(x)"),
    SiLU: Named(_silu, "x*s with s = 1 / (1 + exp(-x))", "s*(1 + x*(1 - s))"),
    HardSwish: Named(_hardswish, "x*min(max(0, x + 3), 6) / 6", "(2*x + 3)/6 where -3 < x < 3, else 0 or 1"),
    HardSigmoid: Named(_hardsigmoid, "min(max(0, x + 3), 6) / 6", "1/6 where -3 < x < 3, else 0"),
    Sigmoid: Named(_sigmoid, "1 / (1 + exp(-x))", "y*(1 - y)"),
    Tanh: Named(_tanh, "tanh(x)", "1 - y^2"),
    ScaledTanh: Named(_scaled_tanh, "1.7159*tanh(2*x/3)", "1.7159*2/3*(1 - tanh(2*x/3)^2)"),
    Softplus: Named(_softplus, "log(1 + exp(beta*x)) / beta", "1/(1 + exp(-beta*x))"),
}


def elementwise(named: Named) -> LayerRule:
    """The rule of an elementwise function."""

    def at(work: LayerWork, index: tuple[int, ...]) -> Evaluated:
        return named.function(work.layer, work.x[index])

    def forward(work: LayerWork) -> Calculation:
        value = for_each(lambda x: named.function(work.layer, x).value, work.x)
        return Calculation(value, named.formula, steps_for(value, lambda index: at(work, index).text))

    def backward(work: LayerWork, upstream: Any) -> LayerGradient:
        value = for_each(lambda x, g: g * named.function(work.layer, x).slope, work.x, upstream)
        steps = steps_for(value, lambda index: f"{f(upstream[index])}*{at(work, index).slope_text}")
        return LayerGradient((Calculation(value, f"upstream * derivative: {named.derivative}", steps),))

    return LayerRule(forward, backward)


# PReLU, whose slope is a weight -----------------------------------------------------------------------------------


def _slopes(work: LayerWork) -> Any:
    """The slope of each value: one for all channels, or one per channel."""
    import numpy as np

    weight = work.weights["weight"]
    return np.broadcast_to(weight.reshape(1, -1, *(1,) * (work.x.ndim - 2)), work.x.shape)


def _prelu_forward(work: LayerWork) -> Calculation:
    slopes = _slopes(work)
    value = for_each(lambda slope, x: _leaky(slope, x).value, slopes, work.x)
    steps = steps_for(value, lambda index: _leaky(slopes[index], work.x[index]).text)
    return Calculation(value, "x where x > 0, else weight*x", steps)


def _prelu_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    slopes, weight = _slopes(work), work.weights["weight"]
    value = for_each(lambda slope, x, g: g * _leaky(slope, x).slope, slopes, work.x, upstream)
    steps = steps_for(value, lambda at: f"{f(upstream[at])}*{_leaky(slopes[at], work.x[at]).slope_text}")
    negative: dict[int, list[tuple[Any, Any]]] = {number: [] for number in range(len(weight))}
    for index in places(work.x.shape):
        if work.x[index] <= 0:
            negative[index[1] if len(weight) > 1 else 0].append((upstream[index], work.x[index]))
    to_weight = weight.copy()
    for number, pairs in negative.items():
        to_weight[number] = sum(g * x for g, x in pairs)

    def weight_steps() -> Iterator[WorkedStep]:
        for number, pairs in negative.items():
            text = " + ".join(product_text(*pair) for pair in pairs) or "0"
            yield WorkedStep(place_text((number,), weight.shape), text, to_weight[number])

    return LayerGradient(
        (Calculation(value, "upstream * derivative: 1 where x > 0, else weight", steps),),
        {"weight": Calculation(to_weight, "the sum of upstream * x where x <= 0", weight_steps)},
    )


ACTIVATIONS: dict[type[Layer], LayerRule] = {
    **{layer: elementwise(named) for layer, named in FUNCTIONS.items()},
    PReLU: LayerRule(_prelu_forward, _prelu_backward),
}
