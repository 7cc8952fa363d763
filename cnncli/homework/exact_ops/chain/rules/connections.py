"""Convolutions by hand whose connections are not those of a kernel: transposed, local, and by a table of channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.backward.convolution import place_of
from cnncli.homework.exact_ops.chain.calculation import Index, LayerRule, LayerWork, places
from cnncli.homework.exact_ops.chain.rules.convolutions import CONVOLUTIONS, sliding_of
from cnncli.homework.exact_ops.chain.rules.weighted_sums import Term, Terms, WeightedSum, weighted
from cnncli.homework.exact_ops.sliding import patch, sources
from cnncli.layers import Layer
from cnncli.layers.conv import Conv, ConvTranspose, Local


def _transposed(work: LayerWork) -> Terms:
    """Each input is added to a window of the output: (C, filters / groups, *kernel)."""
    layer: Any = work.layer
    weight, windows, shape = work.weights["weight"], layer.windows(work.shapes), layer.output_shape(work.shapes)
    own, read = weight.shape[1], len(weight) // layer.groups
    found: Terms = {index: [] for index in places(shape)}
    for channel, *place in places(work.x.shape[1:]):
        for number, *tap in places(weight.shape[1:]):
            to = [at * w.stride + t * w.dilation - w.before for at, t, w in zip(place, tap, windows, strict=True)]
            terms = found.get((channel // read * own + number, *to))  # None for what the padding cuts off
            if terms is not None:
                at = (channel, number, *tap)
                terms.append(Term((channel, *place), weight[at], at))
    return found


def _windows(work: LayerWork, kernels: Callable[[Index], Iterable[tuple[int, Index]]]) -> Terms:
    """The terms of a layer whose windows have kernels of their own.

    ``kernels`` gives, for an output, the channels that it reads, each with the place of its kernel in the weight.
    """
    how, sizes, weight = sliding_of(work), work.x.shape[2:], work.weights["weight"]
    if how.is_partial:
        raise CnnError("this is not calculated by hand with partial padding", "use padding_mode: zeros")
    origins = sources(sizes, how)[None]
    found: Terms = {}
    for output in places(work.layer.output_shape(work.shapes)):
        window = patch(origins, how, output[1:])[0]
        found[output] = [
            Term((channel, *origin), weight[(*kernel, *tap)], (*kernel, *tap))
            for channel, kernel in kernels(output)
            for tap in places(window.shape)
            if (origin := place_of(int(window[tap]), sizes)) is not None
        ]
    return found


def _local(work: LayerWork) -> Terms:
    """The terms of weights that no two positions share: (filters, *positions, C / groups, *kernel)."""
    layer: Any = work.layer
    read, own = work.x.shape[1] // layer.groups, len(work.weights["weight"]) // layer.groups
    return _windows(work, lambda output: [(output[0] // own * read + at, (*output, at)) for at in range(read)])


def _connected(work: LayerWork) -> Terms:
    """The terms of filters that read some channels, by a table: (entries of the table, *kernel)."""
    layer: Any = work.layer
    table = layer.connections
    begins = [0, *accumulate(map(len, table))]

    def kernels(output: Index) -> list[tuple[int, Index]]:
        return [(channel, (entry,)) for entry, channel in enumerate(table[output[0]], begins[output[0]])]

    return _windows(work, kernels)


def _conv(connected: LayerRule, whole: LayerRule) -> LayerRule:
    """The rule of a convolution, which may have a table of connections."""

    def rule(work: LayerWork) -> LayerRule:
        layer: Any = work.layer
        return whole if layer.connections is None else connected

    return LayerRule(lambda work: rule(work).forward(work), lambda work, upstream: rule(work).backward(work, upstream))


_BACK = "the upstream gradient of its outputs, times the weights"
CONNECTIONS: dict[type[Layer], LayerRule] = {
    Local: weighted(
        WeightedSum(
            _local,
            lambda work: "the sum of each window times the weights of its position, plus the bias",
            _BACK,
        )
    ),
    ConvTranspose: weighted(
        WeightedSum(_transposed, lambda work: "each input times the kernel, added to the output, plus the bias", _BACK)
    ),
    Conv: _conv(
        weighted(
            WeightedSum(_connected, lambda work: "the sum of the windows of its channels times the kernels", _BACK)
        ),
        CONVOLUTIONS[Conv],
    ),
}
