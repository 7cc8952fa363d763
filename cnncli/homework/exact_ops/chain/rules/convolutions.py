"""Convolutions by hand: over a batch, and in groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.backward.convolution import Gradients, gradient_steps, gradients
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    Index,
    LayerGradient,
    LayerRule,
    LayerWork,
    WorkedStep,
    place_text,
    places,
)
from cnncli.homework.exact_ops.chain.rules.linear import bias_gradient
from cnncli.homework.exact_ops.convolution import convolution_steps, convolve
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.homework.exact_ops.sliding import Sliding, WindowStep
from cnncli.layers import Layer
from cnncli.layers.conv import Conv, DepthwiseConv


class Part(NamedTuple):
    """The filters of one group on one example: x (C / groups, *sizes), kernel (filters / groups, C / groups, …)."""

    example: int
    filters: slice
    channels: slice
    x: Any
    kernel: Any


def sliding_of(work: LayerWork) -> Sliding:
    """The windows of a layer, and its padding mode."""
    return Sliding(work.layer.windows(work.shapes), work.layer.padding_fill)


def _parts(work: LayerWork) -> Iterator[Part]:
    layer: Any = work.layer
    weight, (count, groups) = work.weights["weight"], layer.maps(work.x.shape[1])
    filters, channels = count // groups, work.x.shape[1] // groups
    for example, group in places((len(work.x), groups)):
        own, read = (slice(group * n, (group + 1) * n) for n in (filters, channels))
        yield Part(example, own, read, work.x[example, read], weight[own])


def _bias(work: LayerWork, filters: int) -> Any:
    import numpy as np

    return work.weights["bias"] if "bias" in work.weights else np.zeros(filters, dtype=object)


def _forward(work: LayerWork) -> Calculation:
    import numpy as np

    how, shape = sliding_of(work), work.layer.output_shape(work.shapes)
    bias = _bias(work, shape[0])
    value: Any = np.empty((len(work.x), *shape), dtype=object)
    for part in _parts(work):
        value[part.example, part.filters] = simplest(convolve(part.x, part.kernel, bias[part.filters], how))

    def steps() -> Iterator[WorkedStep]:
        for part in _parts(work):
            found = convolution_steps(part.x, part.kernel, bias[part.filters], how)
            indices = places((len(part.kernel), *value.shape[2:]))
            yield from _placed(found, ((part.example, part.filters.start + f, *at) for f, *at in indices), value)

    return Calculation(value, "the sum of each window times the kernel, plus the bias", steps)


def _placed(found: Any, indices: Any, value: Any) -> Iterator[WorkedStep]:
    """Steps with the places of a batch."""
    for step, index in zip(found, indices, strict=True):
        yield WorkedStep(place_text(index, value.shape), step.expression, value[index])


def _backward(work: LayerWork, upstream: Any) -> LayerGradient:
    how, to_input, to_weight = sliding_of(work), work.x * 0, work.weights["weight"] * 0
    if how.is_partial:
        raise CnnError("gradients are not available for partial padding", "use padding_mode: zeros")
    for part in _parts(work):
        found: Gradients = gradients(part.x, part.kernel, upstream[part.example, part.filters], how)
        to_input[part.example, part.channels] += found.to_input
        to_weight[part.filters] += found.to_kernel
    to_input, to_weight = simplest(to_input), simplest(to_weight)

    def part_steps() -> Iterator[tuple[Part, list[WindowStep], list[WindowStep]]]:
        for part in _parts(work):
            yield part, *gradient_steps(part.x, part.kernel, upstream[part.example, part.filters], how)

    def input_steps() -> Iterator[WorkedStep]:
        for part, found, _ in part_steps():
            indices = ((part.example, part.channels.start + c, *at) for c, *at in places(part.x.shape))
            yield from _placed(found, indices, to_input)

    def weight_steps() -> Iterator[WorkedStep]:
        terms: dict[Index, list[str]] = {}
        for part, _, found in part_steps():
            for (f, *at), step in zip(places(part.kernel.shape), found, strict=True):
                terms.setdefault((part.filters.start + f, *at), []).append(step.expression)
        for index, texts in sorted(terms.items()):
            yield WorkedStep(place_text(index, to_weight.shape), " + ".join(texts), to_weight[index])

    stride = any(window.stride > 1 for window in how.windows)
    method = (
        "a transposed convolution of the upstream gradient"
        if stride
        else "the full convolution of the upstream gradient"
    )
    weights = {"weight": Calculation(to_weight, "the input cross-correlated with the upstream gradient", weight_steps)}
    if "bias" in work.weights:
        weights["bias"] = bias_gradient(simplest(_per_channel(upstream)), upstream.swapaxes(0, 1))
    return LayerGradient((Calculation(to_input, method, input_steps),), weights)


def _per_channel(upstream: Any) -> Any:
    return upstream.swapaxes(0, 1).reshape(upstream.shape[1], -1).sum(1)


CONVOLUTIONS: dict[type[Layer], LayerRule] = {
    Conv: LayerRule(_forward, _backward),
    DepthwiseConv: LayerRule(_forward, _backward),
}
