"""Receptive fields on one axis, exactly: which inputs a unit sees, how that moves, and how fields compose and join.

A field says that unit ``i`` sees the inputs ``first[r] + q * advance`` to ``last[r] + q * advance``, where
``q, r = divmod(i, period)`` and ``period = len(first)``. A convolution has period 1 and advances by its stride;
upsampling by 2 has period 2 and advances by 1; a layer that sees all of its input has advance 0. So every field of a
network is made of whole numbers, and the same type serves a single layer (inputs = the layer's own) and a whole path.

The composition rule is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks"
(Distill, 2019), extended from strides to periods.
"""

from __future__ import annotations

from itertools import pairwise
from math import gcd, lcm
from typing import TYPE_CHECKING, NamedTuple

from cnncli.shape import is_open, larger, smaller

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

PERIOD_LIMIT = 1024  # a longer pattern is exact for so many units, and goes on at its average stride: memory is bounded


class Field(NamedTuple):
    """Inputs that units 0 … period-1 see, and how far (``advance``) the pattern moves per period."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    advance: int

    @property
    def size(self) -> int:
        """The most inputs that a unit sees, from the first to the last."""
        return max(last - first + 1 for first, last in zip(self.first, self.last, strict=True))

    @property
    def is_known(self) -> bool:
        """Whether it is the same for every open size; else nothing can be said of it."""
        return bool(self.first)

    @property
    def period(self) -> int:
        """After how many units the pattern repeats."""
        return len(self.first)

    @property
    def offset(self) -> int:
        """The first input that unit 0 sees; negative in the padding."""
        return self.first[0]

    @property
    def stride(self) -> Fraction:
        """How far the field moves when the unit moves by one (on the average of a period); also called jump."""
        from fractions import Fraction  # with decimal behind it, this would double the import time of the calculator

        return Fraction(self.advance, len(self.first))

    def low(self, unit: int) -> int:
        """The first input that a unit sees."""
        period = self.period
        return self.first[unit % period] + unit // period * self.advance

    def high(self, unit: int) -> int:
        """The last input that a unit sees."""
        period = self.period
        return self.last[unit % period] + unit // period * self.advance

    def lowest(self, start: int, end: int) -> int:
        """The first input that any of the units ``start`` … ``end`` sees. One period says all; later ones see later."""
        low = self.low(start)
        if len(self.first) == 1:
            return low
        return min([low, *map(self.low, range(start + 1, min(end, start + len(self.first) - 1) + 1))])

    def highest(self, start: int, end: int) -> int:
        """The last input that any of the units ``start`` … ``end`` sees."""
        high = self.high(end)
        if len(self.last) == 1:
            return high
        return max([high, *map(self.high, range(max(start, end - len(self.last) + 1), end))])

    @property
    def in_order(self) -> bool:
        """Whether a later unit never sees less far, at either end (dilated transposed convolutions look back)."""
        steps = ((*ends, ends[0] + self.advance) for ends in (self.first, self.last))
        return all(a <= b for ends in steps for a, b in pairwise(ends))


ITSELF = Field((0,), (0,), 1)
UNKNOWN = Field((), (), 1)  # it depends on sizes that stay open
ONLY_FIRST = Field((0,), (0,), 0)  # every unit reads index 0: an axis of size 1 that is stretched


def sliding(stride: int, before: int, span: int) -> Field:
    """The field of a window: unit i sees ``i * stride - before`` and the ``span - 1`` inputs after it."""
    return Field((-before,), (span - 1 - before,), stride)


def whole(size: int) -> Field:
    """Every unit sees all ``size`` inputs."""
    return Field((0,), (size - 1,), 0)


def periodic(low: Callable[[int], int], high: Callable[[int], int], period: int, advance: int) -> Field:
    """A field from what unit ``i`` sees, ``low(i)`` to ``high(i)``, over one period (its first part, if very long).

    >>> periodic(lambda i: i // 2, lambda i: i // 2, period=2, advance=1)  # nearest upsampling by 2
    Field(first=(0, 0), last=(0, 0), advance=1)
    """
    units = range(min(period, PERIOD_LIMIT))
    if period > PERIOD_LIMIT:
        advance = (2 * PERIOD_LIMIT * advance + period) // (2 * period)
    return Field(tuple(map(low, units)), tuple(map(high, units)), advance)


def compose(layer: Field, below: Field) -> Field:
    """The field of a layer's units on the network's input: the layer sees units ``below`` it, those see the input.

    >>> compose(sliding(stride=2, before=0, span=2), sliding(stride=1, before=2, span=5))  # conv 5x5, then pool 2x2
    Field(first=(-2,), last=(3,), advance=2)
    """
    if layer == ITSELF:
        return below
    if not (layer.first and below.first):
        return UNKNOWN
    first, last, advance = layer
    if len(first) == 1 == len(below.first):
        step = below.advance
        return Field((below.first[0] + step * first[0],), (below.last[0] + step * last[0],), step * advance)
    period = len(below.first)
    rounds = period // gcd(advance, period)
    in_order = below.in_order
    return periodic(
        lambda unit: below.low(layer.low(unit)) if in_order else below.lowest(layer.low(unit), layer.high(unit)),
        lambda unit: below.high(layer.high(unit)) if in_order else below.highest(layer.low(unit), layer.high(unit)),
        len(first) * rounds,
        advance * rounds // period * below.advance,
    )


def seen_by_all(below: Field, units: int, extent: int) -> Field:
    """The field of a unit that sees all ``units`` of its input: everything they see, inside the image.

    Of an image of open size, that is all of it but what a remainder leaves out.
    """
    if is_open(units) or is_open(extent):
        return whole(extent)
    if not below.first:
        return UNKNOWN
    return Field((max(0, below.lowest(0, units - 1)),), (min(extent - 1, below.highest(0, units - 1)),), 0)


def join(one: Field, other: Field, units: int, extent: int) -> tuple[Field, bool]:
    """The field that covers two paths, and whether the paths are aligned (same stride, same centres)."""
    if one == other:
        return one, True
    if not (one.first and other.first):
        return UNKNOWN, False
    if one.advance == 0 or other.advance == 0:
        return _join_standing(one, other, units, extent)
    if one.advance * len(other.first) != other.advance * len(one.first):  # their strides, as whole numbers
        return _cover_unit_zero(one, other), False
    period = lcm(len(one.first), len(other.first))
    joined = periodic(
        lambda i: smaller(one.low(i), other.low(i)),
        lambda i: larger(one.high(i), other.high(i)),
        period,
        one.low(period) - one.low(0),
    )
    looked_at = range(len(joined.first))
    return joined, all(one.low(i) + one.high(i) == other.low(i) + other.high(i) for i in looked_at)


def _join_standing(one: Field, other: Field, units: int, extent: int) -> tuple[Field, bool]:
    """Join where at least one field does not move: a gate that saw the whole image, most often."""
    for standing in (one, other):
        if standing.advance == 0 and standing.first[0] <= 0 and standing.last[0] >= extent - 1:
            return standing, True
    seen = [seen_by_all(field, units, extent) for field in (one, other)]
    return Field((min(f.first[0] for f in seen),), (max(f.last[0] for f in seen),), 0), False


def _cover_unit_zero(one: Field, other: Field) -> Field:
    """Paths that move at different strides drift apart; what they see of unit 0 is covered, at the larger stride."""
    faster = max(one, other, key=lambda field: field.stride)
    low, high = smaller(one.low(0), other.low(0)), larger(one.high(0), other.high(0))
    before, after = faster.low(0) - low, high - faster.high(0)
    return Field(tuple(a - before for a in faster.first), tuple(b + after for b in faster.last), faster.advance)
