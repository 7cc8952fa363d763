"""The layers of several networks in corresponding rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from cnncli.inference import Inferred
from cnncli.views.summary.rows import Row, collapsed, flat

LONG = 1000  # networks of more layers are aligned without their most frequent layers, which takes quadratic time


class Compared(NamedTuple):
    """A network, and its name in the headings."""

    name: str
    inferred: Inferred


class Aligned(NamedTuple):
    """Layers that correspond: for each network one, or None."""

    layers: tuple[Row | None, ...]


def align(networks: Sequence[Compared], depth: int | None = None) -> list[Aligned]:
    """Every layer of every network once, in order; those that correspond to one of the first network in its row.

    With a ``depth``, composites that many levels deep take the place of their layers.
    """
    first, *others = [
        flat(network.inferred) if depth is None else collapsed(network.inferred, depth) for network in networks
    ]
    partners = [_partners(first, layers) for layers in others]
    ends = [_ends(found, len(first), len(layers)) for found, layers in zip(partners, others, strict=True)]
    rows: list[Aligned] = []
    at = [0] * len(others)
    for position in range(len(first) + 1):
        for number, layers in enumerate(others):  # the layers before the partner, in rows of their own
            until = ends[number][position]
            rows += [_alone(layer, number + 1, len(networks)) for layer in layers[at[number] : until]]
            at[number] = max(at[number], until)
        if position < len(first):
            found = [_take(layers, partners[n].get(position), at, n) for n, layers in enumerate(others)]
            rows.append(Aligned((first[position], *found)))
    return rows


def _ends(partners: dict[int, int], count: int, end: int) -> list[int]:
    """For each layer of the first network, and for its end: how many layers of the other one come before it."""
    ends = [end] * (count + 1)
    for position in reversed(range(count)):
        ends[position] = partners.get(position, ends[position + 1])
    return ends


def _take(layers: list[Row], partner: int | None, at: list[int], number: int) -> Row | None:
    if partner is None:
        return None
    at[number] = partner + 1
    return layers[partner]


def _alone(layer: Row, number: int, count: int) -> Aligned:
    return Aligned(tuple(layer if n == number else None for n in range(count)))


def _partners(one: list[Row], other: list[Row]) -> dict[int, int]:
    """The indices of corresponding layers: that in ``other`` for one in ``one``.

    First those that agree in name and all quantities; in the gaps between them those that agree in all quantities, then
    in name, then in type.
    """
    found: dict[int, int] = {}
    for key in (_name_and_stats, _stats, _name, _kind):
        for (start, end), (begin, finish) in [*_gaps(found, len(one), len(other))]:
            for a, b, size in _matches(one[start:end], other[begin:finish], key):
                found.update(zip(range(start + a, start + a + size), range(begin + b, begin + b + size), strict=True))
    return found


def _name(row: Row) -> object:
    return row.label


def _name_and_stats(row: Row) -> object:
    return row.label, _stats(row)


def _kind(row: Row) -> object:
    return row.kind


def _stats(row: Row) -> object:
    """What determines the quantities of a layer; of a composite, the quantities themselves."""
    if row.is_layer and row.info is not None:
        return row.info.node.layer, row.info.input_shapes, row.times
    output = row.info.stats.output_shape if row.info is not None else ()
    return row.kind, row.times, output, tuple(row.counts.values()) if row.counts is not None else ()


def _matches(one: list[Row], other: list[Row], key: Callable[[Row], object]) -> Iterator[tuple[int, int, int]]:
    matcher = SequenceMatcher(None, [*map(key, one)], [*map(key, other)], autojunk=max(len(one), len(other)) > LONG)
    yield from matcher.get_matching_blocks()


def _gaps(found: dict[int, int], one: int, other: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The ranges between partners, in both networks."""
    start, begin = 0, 0
    for a, b in [*sorted(found.items()), (one, other)]:
        if a > start and b > begin:
            yield (start, a), (begin, b)
        start, begin = a + 1, b + 1
