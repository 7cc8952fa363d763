"""Normalization by hand: mean and variance of each group of values, then a scale and a shift."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.approximate import sqrt
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    Index,
    LayerGradient,
    LayerRule,
    LayerWork,
    WorkedStep,
    difference_text,
    for_each,
    place_text,
    places,
    product_text,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.chain.rules.activations import exact
from cnncli.homework.exact_ops.matrices import factor_text, shown
from cnncli.homework.exact_ops.numbers import exactly, simplest
from cnncli.layers import Layer
from cnncli.layers.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Scale

EPS = "eps"  # the name under which a chain gives an eps of 0, which no layer accepts
MEAN, VARIANCE = "running_mean", "running_var"


class Statistics(NamedTuple):
    """A group of values that share a mean and a variance. ``given`` ones do not depend on the values."""

    name: str
    members: list[Index]
    mean: Any
    variance: Any
    std: Any  # sqrt(variance + eps)
    given: bool


Grouping = Callable[[LayerWork, Index], Index]  # the group of a value, by its index (n, c, …)
GROUPS: dict[type[Layer], tuple[Grouping, tuple[str, ...]]] = {
    BatchNorm: (lambda work, at: at[1:2], ("channel",)),
    InstanceNorm: (lambda work, at: at[:2], ("example", "channel")),
    GroupNorm: (lambda work, at: (at[0], at[1] * _groups(work) // work.x.shape[1]), ("example", "group")),
    LayerNorm: (lambda work, at: (at[0], *(() if _is_whole(work) else at[2:])), ("example", "row", "column", "…")),
}

# Layer types that PyTorch does not train on groups of a single value, and how to give more. The value of a group of one
# value is 0 for the other types.
SEVERAL_VALUES: dict[type[Layer], str] = {
    BatchNorm: "give a batch (|| between examples), or mean and var for the statistics of inference",
    InstanceNorm: "give channels of several values, or use layernorm or groupnorm, which accept one",
}


def _groups(work: LayerWork) -> int:
    layer: Any = work.layer
    return int(layer.groups)


def _is_whole(work: LayerWork) -> bool:
    layer: Any = work.layer
    return bool(layer.axes == "all")


def _eps(work: LayerWork) -> Any:
    layer: Any = work.layer
    return work.weights[EPS] if EPS in work.weights else exactly(exact(layer.eps))


def statistics(work: LayerWork) -> list[Statistics]:
    """The groups of a layer's input with their mean and variance, in the order of their first values."""
    grouping, names = GROUPS[type(work.layer)]
    members: dict[Index, list[Index]] = {}
    for index in places(work.x.shape):
        members.setdefault(grouping(work, index), []).append(index)
    found = []
    for group, indices in members.items():
        parts = [f"{name} {at}" for name, at in zip(names, group, strict=False)]
        name = f" of {', '.join(parts)}" if len(members) > 1 else ""
        found.append(_statistics_of(work, name, group, indices))
    return found


def _statistics_of(work: LayerWork, name: str, group: Index, indices: list[Index]) -> Statistics:
    count, is_given = len(indices), MEAN in work.weights
    if is_given:
        mean, variance = work.weights[MEAN][group[0]], work.weights[VARIANCE][group[0]]
    elif count == 1 and type(work.layer) in SEVERAL_VALUES:
        raise CnnError(f"the variance{name} is that of a single value", SEVERAL_VALUES[type(work.layer)])
    else:
        mean = exactly(sum(work.x[index] for index in indices) / Fraction(count))
        variance = exactly(sum((work.x[index] - mean) * (work.x[index] - mean) for index in indices) / Fraction(count))
    if not variance + _eps(work) > 0:
        raise CnnError(f"the variance{name} plus eps is not above 0", "use an eps above 0, or other values")
    return Statistics(name, indices, mean, variance, sqrt(variance + _eps(work)), is_given)


def _parameter(work: LayerWork, name: str) -> Any:
    """gamma or beta, as an array like the input; None where the layer has none."""
    import numpy as np

    found = work.weights.get(name)
    if found is None:
        return None
    shape = found.shape if found.ndim > 1 else (-1, *(1,) * (work.x.ndim - 2))
    return np.broadcast_to(found.reshape(1, *shape), work.x.shape)


def _normalized(work: LayerWork, groups: list[Statistics]) -> Any:
    found = work.x.copy()
    for group in groups:
        for index in group.members:
            found[index] = exactly((work.x[index] - group.mean) / _exact(group.std))
    return found


def _exact(value: Any) -> Any:
    return Fraction(value) if isinstance(value, int) else value


def _forward(work: LayerWork) -> Calculation:
    groups = statistics(work)
    normalized, gamma, beta = _normalized(work, groups), _parameter(work, "weight"), _parameter(work, "bias")
    value = normalized if gamma is None else for_each(lambda g, x, b: g * x + b, gamma, normalized, beta)

    def steps() -> Iterator[WorkedStep]:
        yield from _statistics_steps(work, groups)
        for group in groups:
            for index in group.members:
                place = place_text(index, work.x.shape)
                text = f"({difference_text(work.x[index], group.mean)}) / {shown(group.std)}"
                yield WorkedStep(place if gamma is None else f"normalized {place}", text, normalized[index])
        if gamma is not None:
            for index in places(value.shape):
                text = f"{product_text(gamma[index], normalized[index])} + {factor_text(beta[index])}"
                yield WorkedStep(place_text(index, value.shape), text, value[index])

    formula = "(x - mean) / sqrt(var + eps)"
    return Calculation(value, formula if gamma is None else f"gamma*{formula} + beta", steps)


def _statistics_steps(work: LayerWork, groups: list[Statistics]) -> Iterator[WorkedStep]:
    for group in groups:
        values = [work.x[index] for index in group.members]
        if not group.given:
            yield WorkedStep(f"mean{group.name}", f"({sum_text(values)}) / {len(values)}", group.mean)
            squares = " + ".join(f"({difference_text(value, group.mean)})^2" for value in values)
            yield WorkedStep(f"var{group.name}", f"({squares}) / {len(values)}", group.variance)
        yield WorkedStep(f"std{group.name}", f"sqrt({sum_text((group.variance, _eps(work)))})", group.std)


def _backward(work: LayerWork, upstream: Any) -> LayerGradient:
    groups = statistics(work)
    normalized, gamma = _normalized(work, groups), _parameter(work, "weight")
    scaled = upstream if gamma is None else for_each(lambda g, by: g * by, upstream, gamma)
    weights = {} if gamma is None else _parameter_gradients(work, upstream, normalized)
    return LayerGradient((_to_input(groups, scaled, normalized, has_gamma=gamma is not None),), weights)


def _to_input(groups: list[Statistics], scaled: Any, normalized: Any, *, has_gamma: bool) -> Calculation:
    """The gradient to the input; ``scaled`` is the gradient to the normalized values (N, C, …)."""
    value, sums = scaled.copy(), []
    for group in groups:
        count, members = len(group.members), group.members
        total = sum(scaled[index] for index in members)
        dot = sum(scaled[index] * normalized[index] for index in members)
        sums.append((total, dot))
        for index in members:
            centered = scaled[index] - (total + normalized[index] * dot) / Fraction(count)
            value[index] = exactly((scaled[index] if group.given else centered) / _exact(group.std))

    def steps() -> Iterator[WorkedStep]:
        for group, (total, dot) in zip(groups, sums, strict=True):
            members = group.members
            if not group.given:
                yield WorkedStep(f"sum of g{group.name}", sum_text(scaled[index] for index in members), total)
                terms = " + ".join(product_text(scaled[index], normalized[index]) for index in members)
                yield WorkedStep(f"sum of g*n{group.name}", terms, dot)
            for index in members:
                g, n, count = factor_text(scaled[index]), factor_text(normalized[index]), len(members)
                text = f"({g} - ({shown(total)} + {n}*{factor_text(dot)}) / {count})"
                text = f"{g if group.given else text} / {shown(group.std)}"
                yield WorkedStep(place_text(index, value.shape), text, value[index])

    g = "g = upstream*gamma" if has_gamma else "g = upstream"
    formula = "g / std" if groups[0].given else "(g - (sum of g + n*sum of g*n) / m) / std, n = normalized"
    return Calculation(simplest(value), f"{formula}, {g}", steps)


def _parameter_gradients(work: LayerWork, upstream: Any, normalized: Any) -> dict[str, Calculation]:
    weight = work.weights["weight"]
    terms: dict[Index, list[Index]] = {}
    for index in places(upstream.shape):
        terms.setdefault(index[1:] if weight.ndim > 1 or _is_per_value(work) else index[1:2], []).append(index)
    to_weight, to_bias = weight.copy(), weight.copy()
    for at, indices in terms.items():
        to_weight[at] = exactly(sum(upstream[index] * normalized[index] for index in indices))
        to_bias[at] = exactly(sum(upstream[index] for index in indices))

    def expression(at: Index) -> str:
        return " + ".join(product_text(upstream[index], normalized[index]) for index in terms[at])

    def bias_text(at: Index) -> str:
        return sum_text(upstream[index] for index in terms[at])

    return {
        "weight": Calculation(to_weight, "gamma: the sum of upstream*normalized", steps_for(to_weight, expression)),
        "bias": Calculation(to_bias, "beta: the sum of the upstream gradient", steps_for(to_bias, bias_text)),
    }


def _is_per_value(work: LayerWork) -> bool:
    return bool(work.weights["weight"].shape == work.x.shape[1:])


# Scale ------------------------------------------------------------------------------------------------------------


def _scale_forward(work: LayerWork) -> Calculation:
    factor = _parameter(work, "weight")
    value = for_each(lambda by, x: by * x, factor, work.x)
    return Calculation(value, "weight*x", steps_for(value, lambda at: product_text(factor[at], work.x[at])))


def _scale_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    factor = _parameter(work, "weight")
    value = for_each(lambda by, g: by * g, factor, upstream)
    to_weight = _parameter_gradients(work, upstream, work.x)["weight"]
    return LayerGradient(
        (Calculation(value, "upstream*weight", steps_for(value, lambda at: product_text(upstream[at], factor[at]))),),
        {"weight": to_weight._replace(formula="the sum of upstream*x")},
    )


NORMS: dict[type[Layer], LayerRule] = {
    **{layer: LayerRule(_forward, _backward) for layer in GROUPS},
    Scale: LayerRule(_scale_forward, _scale_backward),
}
