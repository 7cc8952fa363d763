"""Layers by hand that move values, and those that merge several inputs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    LayerGradient,
    LayerRule,
    LayerWork,
    for_each,
    product_text,
    steps_for,
    sum_text,
)
from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.exact_ops.numbers import simplest
from cnncli.layers import Layer
from cnncli.layers.merge import Add, Average, Concat, Maximum, Multiply
from cnncli.layers.reshape import (
    ChannelShuffle,
    Crop,
    Dropout,
    DropPath,
    Flatten,
    Identity,
    Pad,
    Permute,
    PixelShuffle,
    Reshape,
    Slice,
    SpatialDropout,
)

Move = Callable[[LayerWork, Any], Any]  # takes an array like the input, and gives the output


def moving(move: Move, formula: str = "") -> LayerRule:
    """The rule of a layer that moves values. The gradient of each goes back to where it came from."""

    def backward(work: LayerWork, upstream: Any) -> LayerGradient:
        import numpy as np

        origin = move(work, np.arange(1, work.x.size + 1).reshape(work.x.shape)).reshape(-1)  # 0 is a new zero
        total = np.zeros(work.x.size + 1, dtype=object)
        np.add.at(total, origin, upstream.reshape(-1))
        return LayerGradient((Calculation(total[1:].reshape(work.x.shape), "the upstream gradient, moved back"),))

    return LayerRule(lambda work: Calculation(move(work, work.x), formula), backward)


def _reshaped(work: LayerWork, x: Any) -> Any:
    return x.reshape(len(x), *work.layer.output_shape(work.shapes))


def _permuted(work: LayerWork, x: Any) -> Any:
    layer: Any = work.layer
    return x.transpose(0, *(axis + 1 for axis in layer.order))


def _sliced(work: LayerWork, x: Any) -> Any:
    layer: Any = work.layer
    return x[(slice(None),) * (layer.index(work.shapes) + 1) + (slice(layer.start, layer.stop),)]


def _cropped(work: LayerWork, x: Any) -> Any:
    sizes = zip(work.layer.border(work.shapes), x.shape[2:], strict=True)
    return x[(slice(None), slice(None), *(slice(before, size - after) for (before, after), size in sizes))]


def _padded(work: LayerWork, x: Any) -> Any:
    import numpy as np

    from cnncli.homework.exact_ops.sliding import MODES

    mode: Any = MODES[work.layer.padding_fill]
    return simplest(np.pad(x, [(0, 0), (0, 0), *work.layer.border(work.shapes)], mode=mode))


def _blocks_placed(work: LayerWork, x: Any) -> Any:
    layer: Any = work.layer
    rank = x.ndim - 2
    split = x.reshape(len(x), -1, *(layer.factor,) * rank, *x.shape[2:])
    pairs = [axis for at in range(rank) for axis in (2 + rank + at, 2 + at)]
    return _reshaped(work, split.transpose(0, 1, *pairs))


def _channels_shuffled(work: LayerWork, x: Any) -> Any:
    layer: Any = work.layer
    return x.reshape(len(x), layer.groups, -1, prod(x.shape[2:])).swapaxes(1, 2).reshape(x.shape)


def _unchanged(work: LayerWork, x: Any) -> Any:
    return x


DROPS = moving(_unchanged, "nothing is dropped at inference")
MASK = "mask"  # the name under which a chain gives the values that dropout keeps


def _kept(work: LayerWork, x: Any) -> Calculation:
    """The values that a mask of 0 and 1 keeps, divided by 1 - rate: inverted dropout, of values and of gradients."""
    import numpy as np

    layer: Any = work.layer
    mask, rate = work.weights[MASK], Fraction(repr(layer.rate))
    if len(mask) not in (1, len(x)):
        raise CnnError(f"{len(mask)} masks for {len(x)} examples", "give one mask, or one per example")
    if rate == 1:
        raise CnnError("a rate of 1 keeps no value", "use a rate below 1, or leave the mask out")
    masks = np.broadcast_to(mask, x.shape)
    value = for_each(lambda each, kept: each * kept / (1 - rate), x, masks)
    steps = steps_for(value, lambda at: f"{product_text(x[at], masks[at])}/(1 - {shown(rate)})")
    return Calculation(value, "", steps)


def _dropout(work: LayerWork) -> Calculation:
    if MASK not in work.weights:
        return DROPS.forward(work)
    return _kept(work, work.x)._replace(formula="x*mask/(1 - rate)")


def _dropout_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    if MASK not in work.weights:
        return DROPS.backward(work, upstream)
    return LayerGradient((_kept(work, upstream)._replace(formula="upstream*mask/(1 - rate)"),))


def training_notes(layer: Layer) -> tuple[str, ...]:
    """What a layer that drops values does only while training: inverted dropout, Srivastava et al. 2014."""
    if not isinstance(layer, Dropout | SpatialDropout | DropPath) or not layer.rate:
        return ()
    scale = f"; training multiplies what it keeps by 1 / (1 - {layer.rate:g})" if layer.rate < 1 else ""
    return (f"nothing is dropped at inference{scale}",)


MOVES: dict[type[Layer], LayerRule] = {
    Identity: moving(_unchanged),
    Dropout: LayerRule(_dropout, _dropout_backward),
    SpatialDropout: DROPS,
    DropPath: DROPS,
    Flatten: moving(_reshaped, "channel by channel, row by row"),
    Reshape: moving(_reshaped),
    Permute: moving(_permuted),
    Slice: moving(_sliced),
    Crop: moving(_cropped),
    Pad: moving(_padded),
    PixelShuffle: moving(_blocks_placed),
    ChannelShuffle: moving(_channels_shuffled),
}


# Several inputs ---------------------------------------------------------------------------------------------------


def _aligned(work: LayerWork) -> list[Any]:
    """The inputs with the output's shape; axes of size 1 are broadcast."""
    import numpy as np

    return [*np.broadcast_arrays(*work.inputs)]


def _back(upstream: Any, like: Any) -> Any:
    """A gradient of the output's shape, summed over the axes along which an input was broadcast."""
    axes = tuple(at for at, (n, m) in enumerate(zip(like.shape, upstream.shape, strict=True)) if n < m)
    return simplest(upstream.sum(axes, keepdims=True) if axes else upstream)


def _merging(
    merge: Callable[..., Any],
    text: Callable[[list[Any]], str],
    slope: Callable[[list[Any], int], Any],
    formula: str,
    derivative: str,
) -> LayerRule:
    """The rule of an elementwise function of several inputs: its value, its expression, and its partial derivatives."""

    def forward(work: LayerWork) -> Calculation:
        aligned = _aligned(work)
        value = for_each(merge, *aligned)
        return Calculation(value, formula, steps_for(value, lambda index: text([x[index] for x in aligned])))

    def backward(work: LayerWork, upstream: Any) -> LayerGradient:
        aligned = _aligned(work)

        def to_input(number: int, x: Any) -> Calculation:
            slopes = for_each(lambda *values: slope([*values], number), *aligned)
            value = _back(for_each(lambda g, by: g * by, upstream, slopes), x)
            if value.shape != upstream.shape or not derivative:
                return Calculation(value, derivative or "the upstream gradient")
            return Calculation(value, derivative, steps_for(value, lambda at: product_text(upstream[at], slopes[at])))

        return LayerGradient(tuple(to_input(number, x) for number, x in enumerate(work.inputs)))

    return LayerRule(forward, backward)


def _first_largest(values: list[Any], number: int) -> int:
    return int(values.index(max(values)) == number)


def _others(values: list[Any], number: int) -> Any:
    return prod(value for at, value in enumerate(values) if at != number)


def _concat_backward(work: LayerWork, upstream: Any) -> LayerGradient:
    parts, at = [], 0
    for x in work.inputs:
        parts.append(Calculation(upstream[:, at : at + x.shape[1]], "its channels of the upstream gradient"))
        at += x.shape[1]
    return LayerGradient(tuple(parts))


def _concat(work: LayerWork) -> Calculation:
    import numpy as np

    return Calculation(np.concatenate(work.inputs, axis=1))


MERGES: dict[type[Layer], LayerRule] = {
    Add: _merging(lambda *values: sum(values), sum_text, lambda values, at: 1, "the sum", ""),
    Multiply: _merging(
        lambda *values: prod(values),
        lambda values: product_text(*values),
        _others,
        "the product",
        "upstream * the other inputs",
    ),
    Maximum: _merging(
        lambda *values: max(values),
        lambda values: f"max({', '.join(map(shown, values))})",
        _first_largest,
        "the largest value",
        "upstream where it is the largest, else 0",
    ),
    Average: _merging(
        lambda *values: sum(values) / Fraction(len(values)),
        lambda values: f"({sum_text(values)}) / {len(values)}",
        lambda values, at: Fraction(1, len(values)),
        "the mean",
        "upstream / the number of inputs",
    ),
    Concat: LayerRule(_concat, _concat_backward),
}
