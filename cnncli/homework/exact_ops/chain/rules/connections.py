"""Convolutions by hand whose connections are not those of a kernel: transposed, local, and by a table of channels."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.backward.convolution import place_of
from cnncli.homework.exact_ops.chain.calculation import LayerRule, LayerWork, places
from cnncli.homework.exact_ops.chain.rules.convolutions import CONVOLUTIONS, sliding_of
from cnncli.homework.exact_ops.chain.rules.weighted_sums import Term, Terms, WeightedSum, weighted
from cnncli.homework.exact_ops.sliding import Sliding, patch, sources
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


def _refuse_partial(how: Sliding) -> None:
    """Raises CnnError for partial padding, which scales each sum by the values in its window."""
    if how.mode == "partial" and how.is_padded:
        raise CnnError("this is not calculated by hand with partial padding", "use padding_mode: zeros")


def _local(work: LayerWork) -> Terms:
    """The terms of weights that no two positions share: (filters, *positions, C / groups, *kernel)."""
    layer: Any = work.layer
    how, weight = sliding_of(work), work.weights["weight"]
    _refuse_partial(how)
    origins, sizes = sources(work.x.shape[2:], how)[None], work.x.shape[2:]
    read, own = work.x.shape[1] // layer.groups, len(weight) // layer.groups
    found: Terms = {}
    for number, *place in places(layer.output_shape(work.shapes)):
        here, terms = patch(origins, how, tuple(place))[0], []
        for channel, *tap in places((read, *here.shape)):
            origin, at = place_of(int(here[tuple(tap)]), sizes), (number, *place, channel, *tap)
            if origin is not None:
                terms.append(Term((number // own * read + channel, *origin), weight[at], at))
        found[(number, *place)] = terms
    return found


def _connected(work: LayerWork) -> Terms:
    """The terms of filters that read some channels, by a table: (entries of the table, *kernel)."""
    layer: Any = work.layer
    how, weight = sliding_of(work), work.weights["weight"]
    _refuse_partial(how)
    origins, sizes = sources(work.x.shape[2:], how)[None], work.x.shape[2:]
    begins = [0, *accumulate(map(len, layer.connections))]
    found: Terms = {}
    for number, *place in places(layer.output_shape(work.shapes)):
        here, terms = patch(origins, how, tuple(place))[0], []
        for entry, channel in enumerate(layer.connections[number], begins[number]):
            for tap in places(here.shape):
                origin = place_of(int(here[tap]), sizes)
                if origin is not None:
                    terms.append(Term((channel, *origin), weight[(entry, *tap)], (entry, *tap)))
        found[(number, *place)] = terms
    return found


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
