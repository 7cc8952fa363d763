"""Upsampling by hand, with PyTorch's positions (align_corners off)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import floor, prod
from typing import Any

from cnncli.homework.exact_ops.chain.calculation import LayerRule, LayerWork, places
from cnncli.homework.exact_ops.chain.rules.weighted_sums import Term, Terms, WeightedSum, weighted
from cnncli.homework.exact_ops.numbers import exactly
from cnncli.layers import Layer
from cnncli.layers.reshape import Upsample

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


INTERPOLATIONS: dict[type[Layer], LayerRule] = {
    Upsample: weighted(WeightedSum(_upsampling, _upsampling_text, "the upstream gradient of its outputs, weighted")),
}
