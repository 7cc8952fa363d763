"""Pooling by hand, over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.arithmetic.window import Window
from cnncli.homework.exact_ops.backward.pooling import maxima, pool_gradient, pool_gradient_steps
from cnncli.homework.exact_ops.chain.approximate import approximate, is_approximate, sqrt
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
    product_text,
    steps_for,
)
from cnncli.homework.exact_ops.chain.rules.convolutions import sliding_of
from cnncli.homework.exact_ops.chain.rules.linear import bias_gradient
from cnncli.homework.exact_ops.matrices import factor_text
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.pooling import Adaptive, Windows, pool, pool_steps
from cnncli.homework.exact_ops.sliding import Sliding
from cnncli.layers import Layer
from cnncli.layers.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    L2Pool,
    MaxPool,
    Subsample,
)


class Pooling(NamedTuple):
    """How a layer pools: ``max``, ``avg`` or ``l2``, its windows, and what it calculates in words."""

    kind: str
    windows: Callable[[LayerWork], Windows]
    formula: str
    derivative: str


def _whole(work: LayerWork) -> Sliding:
    return Sliding(tuple(Window(size) for size in work.x.shape[2:]))


def _adaptive(work: LayerWork) -> Adaptive:
    return Adaptive(work.layer.output_shape(work.shapes)[1:])


def _rational(value: Any) -> Any:
    """A root such as ``sqrt(30)``, which the pool of exact numbers gives as a text, as a number."""
    return sqrt(Fraction(value.removeprefix("sqrt(").removesuffix(")"))) if isinstance(value, str) else value


def _counts_padding(work: LayerWork) -> bool:
    return not isinstance(work.layer, AvgPool) or work.layer.count_include_pad


def pooling(of: Pooling) -> LayerRule:
    """The rule of a pool."""

    def forward(work: LayerWork) -> Calculation:
        import numpy as np

        how, counts = of.windows(work), _counts_padding(work)
        pooled = np.stack([for_each(_rational, pool(x, of.kind, how, count_include_pad=counts)) for x in work.x])
        value = pooled.reshape(len(pooled), *work.layer.output_shape(work.shapes))

        def steps() -> Iterator[WorkedStep]:
            for example, x in enumerate(work.x):
                found = pool_steps(x, of.kind, how, count_include_pad=counts)
                for step, at in zip(found, places(value.shape[1:]), strict=True):
                    yield WorkedStep(place_text((example, *at), value.shape), step.expression, value[(example, *at)])

        return Calculation(value, of.formula, steps)

    def backward(work: LayerWork, upstream: Any) -> LayerGradient:
        import numpy as np

        how, counts = of.windows(work), _counts_padding(work)
        inputs = for_each(approximate, work.x) if of.kind == "l2" and is_approximate(work.output) else work.x
        shape = (*work.x.shape[:2], *pool(inputs[0], of.kind, how, count_include_pad=counts).shape[1:])
        pairs = [*zip(inputs, upstream.reshape(shape), strict=True)]
        value = np.stack([pool_gradient(x, of.kind, g, how, count_include_pad=counts) for x, g in pairs])

        def steps() -> Iterator[WorkedStep]:
            for example, (x, g) in enumerate(pairs):
                found = pool_gradient_steps(x, of.kind, g, how, count_include_pad=counts)
                for step, at in zip(found, places(x.shape), strict=True):
                    yield WorkedStep(place_text((example, *at), value.shape), step.expression, value[(example, *at)])

        return LayerGradient((Calculation(value, of.derivative, steps),))

    return LayerRule(forward, backward)


# Subsampling, whose mean has a trained factor and a trained bias per channel -----------------------------------------


def _per_channel(weight: Any, like: Any) -> Any:
    import numpy as np

    return np.broadcast_to(weight.reshape(1, -1, *(1,) * (like.ndim - 2)), like.shape)


def _subsample_forward(work: LayerWork) -> Calculation:
    means = _AVERAGE.forward(work)
    weight, bias = (_per_channel(work.weights[name], means.value) for name in ("weight", "bias"))
    value = for_each(lambda by, x, b: by * x + b, weight, means.value, bias)

    def steps() -> Iterator[WorkedStep]:
        for step in means.steps():
            yield step._replace(place=f"mean {step.place}")
        for at in places(value.shape):
            text = f"{product_text(weight[at], means.value[at])} + {factor_text(bias[at])}"
            yield WorkedStep(place_text(at, value.shape), text, value[at])

    return Calculation(value, "weight * the mean of each window + bias", steps)


def _subsample_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    means = _AVERAGE.forward(work).value
    scaled = for_each(lambda g, by: g * by, upstream, _per_channel(work.weights["weight"], upstream))
    to_input = _AVERAGE.backward(work, scaled).inputs[0]
    by_channel, of_means = upstream.swapaxes(0, 1), means.swapaxes(0, 1)
    to_weight = simplest((by_channel * of_means).reshape(len(by_channel), -1).sum(1))
    to_bias = simplest(by_channel.reshape(len(by_channel), -1).sum(1))

    def expression(at: Index) -> str:
        pairs = zip(by_channel[at].reshape(-1), of_means[at].reshape(-1), strict=True)
        return " + ".join(product_text(*pair) for pair in pairs)

    weight = Calculation(to_weight, "the sum of upstream * mean", steps_for(to_weight, expression, has_batch=False))
    formula = "upstream*weight, divided among the values of each window"
    return LayerGradient(
        (to_input._replace(formula=formula),), {"weight": weight, "bias": bias_gradient(to_bias, by_channel)}
    )


_MAXIMA: dict[type[Layer], Callable[[LayerWork], Windows]] = {
    MaxPool: sliding_of,
    AdaptiveMaxPool: _adaptive,
    GlobalMaxPool: _whole,
}


def tied_windows(work: LayerWork) -> int:
    """How many windows of a max pool have several equal maxima; 0 for other layers."""
    windows = _MAXIMA.get(type(work.layer))
    if windows is None:
        return 0
    how = windows(work)
    return sum(one.equal > 1 for x in work.x for one in maxima(x, how))


_AVERAGE = pooling(Pooling("avg", sliding_of, "", ""))
_TO_MAXIMUM = "the upstream gradient goes to the maximum of each window"
_TO_ALL = "the upstream gradient, divided among the values of each window"
_ADAPTIVE = "floor(i n / m) up to ceil((i + 1) n / m) - 1 of n inputs for output i of m"
POOLS: dict[type[Layer], LayerRule] = {
    MaxPool: pooling(Pooling("max", sliding_of, "the maximum of each window", _TO_MAXIMUM)),
    AvgPool: pooling(Pooling("avg", sliding_of, "the mean of each window", _TO_ALL)),
    L2Pool: pooling(Pooling("l2", sliding_of, "the root of the sum of squares", "upstream * x / y in each window")),
    AdaptiveMaxPool: pooling(Pooling("max", _adaptive, f"the maximum of each window: {_ADAPTIVE}", _TO_MAXIMUM)),
    AdaptiveAvgPool: pooling(Pooling("avg", _adaptive, f"the mean of each window: {_ADAPTIVE}", _TO_ALL)),
    Subsample: LayerRule(_subsample_forward, _subsample_backward),
    GlobalMaxPool: pooling(Pooling("max", _whole, "the maximum of each channel", _TO_MAXIMUM)),
    GlobalAvgPool: pooling(Pooling("avg", _whole, "the mean of each channel", _TO_ALL)),
}
