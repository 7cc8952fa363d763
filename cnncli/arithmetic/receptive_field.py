"""Receptive fields on one axis, exactly: which inputs a unit sees, how that moves, and how fields compose and join.

A field says that unit ``i`` sees the inputs ``first[r] + q * advance`` to ``last[r] + q * advance``, where
``q, r = divmod(i, period)`` and ``period = len(first)``. A convolution has period 1 and advances by its stride;
upsampling by 2 has period 2 and advances by 1; a layer that sees all of its input has advance 0. So every field of a
network is made of whole numbers, and the same type serves a single layer (inputs = the layer's own) and a whole path.

Units may depend on no input: those between the taps of a transposed convolution whose kernel is smaller than its
stride. Such a unit has the ``first`` of the next unit that sees something, and the ``last`` of the previous one. So the
bounds of a field never move back on its account, and a window that begins or ends on it has the bounds of what the
window does see.

The composition rule is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks"
(Distill, 2019), extended from strides to periods.
"""

from __future__ import annotations

from itertools import pairwise
from math import gcd, lcm
from typing import TYPE_CHECKING, NamedTuple

from cnncli.arithmetic.shape import is_symbolic, larger, smaller
from cnncli.arithmetic.size import Undecided

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

PERIOD_LIMIT = 1024  # a longer pattern is exact for so many units, and goes on at its average stride: memory is bounded


class AxisField(NamedTuple):
    """Inputs that units 0 … period-1 see, and how far (``advance``) the pattern moves per period.

    Of a single layer, ``step`` is the distance between the inputs that a unit reads, its dilation; of a path it is 1.
    The units ``empty`` of a period see nothing.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    advance: int
    step: int = 1
    empty: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """The most inputs that a unit sees, from the first to the last; 0 where none sees any."""
        if self.empty:
            return max((self.last[unit] - self.first[unit] + 1 for unit in self.seeing), default=0)
        return max(last - first + 1 for first, last in zip(self.first, self.last, strict=True))

    @property
    def seeing(self) -> tuple[int, ...]:
        """The units of a period that see something."""
        return tuple(unit for unit in range(len(self.first)) if unit not in self.empty)

    @property
    def sees_nothing(self) -> bool:
        """Whether no unit sees anything."""
        return 0 < len(self.first) == len(self.empty)

    def is_empty(self, unit: int) -> bool:
        """Whether a unit sees nothing."""
        return bool(self.empty) and unit % len(self.first) in self.empty

    @property
    def is_known(self) -> bool:
        """Whether it is the same for every symbolic size; else it is unknown."""
        return bool(self.first)

    @property
    def period(self) -> int:
        """After how many units the pattern repeats."""
        return len(self.first)

    @property
    def offset(self) -> int:
        """The first input that unit 0 sees, or the next unit if it sees nothing; negative in the padding."""
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

    @property
    def in_order(self) -> bool:
        """Whether a later unit never sees less far, at either end (dilated transposed convolutions look back)."""
        steps = ((*ends, ends[0] + self.advance) for ends in (self.first, self.last))
        return all(a <= b for ends in steps for a, b in pairwise(ends))


ITSELF = AxisField((0,), (0,), 1)
UNKNOWN = AxisField((), (), 1)  # it depends on symbolic sizes
NOTHING = AxisField((0,), (-1,), 0, empty=frozenset({0}))  # no unit sees anything
ONLY_FIRST = AxisField((0,), (0,), 0)  # every unit reads index 0: an axis of size 1 that is stretched


def sliding(stride: int, before: int, span: int, dilation: int = 1) -> AxisField:
    """The field of a window: unit i sees ``i * stride - before`` and every ``dilation``-th of ``span - 1`` after it."""
    step = 1 if dilation == 1 or span == 1 else dilation
    return AxisField((-before,), (span - 1 - before,), stride, step)


def whole(size: int) -> AxisField:
    """Every unit sees all ``size`` inputs."""
    return AxisField((0,), (size - 1,), 0)


def periodic(low: Callable[[int], int], high: Callable[[int], int], period: int, advance: int) -> AxisField:
    """A field from what unit ``i`` sees, ``low(i)`` to ``high(i)``, over one period (its first part, if very long).

    >>> periodic(lambda i: i // 2, lambda i: i // 2, period=2, advance=1) == Field((0, 0), (0, 0), 1)  # upsampling by 2
    True
    """
    units = range(min(period, PERIOD_LIMIT))
    return AxisField(tuple(map(low, units)), tuple(map(high, units)), _advance(period, advance))


def _advance(period: int, advance: int) -> int:
    """How far a pattern moves over its period, or over that part of it which is kept: rounded then."""
    return advance if period <= PERIOD_LIMIT else (2 * PERIOD_LIMIT * advance + period) // (2 * period)


def with_gaps(
    bounds: Callable[[int], tuple[int, int] | None],
    period: int,
    advance: int,
    largest: Callable[[], int],
    step: int = 1,
) -> AxisField:
    """A field from the first and the last input that unit ``i`` sees; None for a unit that sees nothing.

    ``largest`` is asked for the largest size where the pattern is too long to be kept, and the part that is kept sees
    nothing: such units are given that size, rather than none.
    """
    found = [bounds(unit) for unit in range(min(period, PERIOD_LIMIT))]
    advance_kept = _advance(period, advance)
    if not any(found):
        if period <= PERIOD_LIMIT:
            return NOTHING
        first = tuple(unit * advance // period for unit in range(PERIOD_LIMIT))
        size = largest()
        return AxisField(first, tuple(low + size - 1 for low in first), advance_kept, step) if size else NOTHING
    seen = [(unit, ends) for unit, ends in enumerate(found) if ends is not None]
    first_of, last_of = [0] * len(found), [0] * len(found)
    # the period before ends with the last of those units, and the next one begins with the first
    following, previous = seen[0][1][0] + advance_kept, seen[-1][1][1] - advance_kept
    for unit in reversed(range(len(found))):
        ends = found[unit]
        following = first_of[unit] = following if ends is None else ends[0]
    for unit, ends in enumerate(found):
        previous = last_of[unit] = previous if ends is None else ends[1]
    empty = frozenset(unit for unit, ends in enumerate(found) if ends is None)
    return AxisField(tuple(first_of), tuple(last_of), advance_kept, step, empty)


def outermost(below: AxisField) -> Callable[[range], tuple[int, int] | None]:
    """A function that says of some units which of them sees the first input, and which the last; None if none sees any.

    ``below`` is the field of these units. One period of them says all: later ones see later.
    """
    period, in_order = len(below.first), below.in_order

    def ends(units: range) -> tuple[int, int] | None:
        if not below.empty and (in_order or period == 1):
            return units[0], units[-1]
        enough = period // gcd(units.step, period)
        upwards, downwards = (
            (unit for unit in part[:enough] if unit % period not in below.empty) for part in (units, units[::-1])
        )
        if in_order:
            lowest, highest = next(upwards, None), next(downwards, None)
        else:
            lowest, highest = min(upwards, key=below.low, default=None), max(downwards, key=below.high, default=None)
        return None if lowest is None or highest is None else (lowest, highest)

    return ends


def compose(layer: AxisField, below: AxisField) -> AxisField:
    """The field of a layer's units on the network's input: the layer sees units ``below`` it, those see the input.

    >>> conv, pool = sliding(stride=1, before=2, span=5), sliding(stride=2, before=0, span=2)
    >>> compose(pool, conv) == Field((-2,), (3,), 2)
    True
    """
    if layer == ITSELF:
        return below
    if not (layer.first and below.first):
        return UNKNOWN
    if below.sees_nothing:
        return NOTHING
    first, last, advance = layer.first, layer.last, layer.advance
    if len(first) == 1 == len(below.first):
        step = below.advance
        return AxisField((below.first[0] + step * first[0],), (below.last[0] + step * last[0],), step * advance)
    period = len(below.first)
    rounds = period // gcd(advance, period)
    repeats, moved = len(first) * rounds, advance * rounds // period * below.advance
    if below.in_order and not (below.empty or layer.empty):
        return periodic(
            lambda unit: below.low(layer.low(unit)), lambda unit: below.high(layer.high(unit)), repeats, moved
        )
    ends_of = outermost(below)

    def bounds(start: int, end: int) -> tuple[int, int] | None:
        if is_symbolic(start) or is_symbolic(end):
            raise Undecided
        ends = ends_of(range(start, end + 1, layer.step))
        return ends and (below.low(ends[0]), below.high(ends[1]))

    def largest() -> int:
        """Of the widest window of the layer, wherever it stands."""
        span = layer.size - 1
        found = (bounds(start, start + span) for start in range(period))
        return max((ends[1] - ends[0] + 1 for ends in found if ends), default=0)

    return with_gaps(
        lambda unit: None if layer.is_empty(unit) else bounds(layer.low(unit), layer.high(unit)),
        repeats,
        moved,
        largest,
    )


def seen_by_all(below: AxisField, units: int, extent: int) -> AxisField:
    """The field of a unit that sees all ``units`` of its input: everything they see, inside the image.

    Of an image of symbolic size, that is all of it but what a remainder leaves out.
    """
    if below.sees_nothing:
        return NOTHING
    if is_symbolic(units) or is_symbolic(extent):
        return whole(extent)
    if not below.first:
        return UNKNOWN
    ends = outermost(below)(range(units))
    if ends is None:
        return NOTHING
    return AxisField((max(0, below.low(ends[0])),), (min(extent - 1, below.high(ends[1])),), 0)


def join(one: AxisField, other: AxisField, units: int, extent: int) -> tuple[AxisField, bool]:
    """The field that covers two paths, and whether the paths are aligned: same stride, same centres, and in both the
    same units that see nothing.
    """
    if one == other or other.sees_nothing:
        return one, True
    if one.sees_nothing:
        return other, True
    if not (one.first and other.first):
        return UNKNOWN, False
    if one.advance == 0 or other.advance == 0:
        return _join_standing(one, other, units, extent)
    if one.advance * len(other.first) != other.advance * len(one.first):  # their strides, as whole numbers
        return _cover_unit_zero(one, other), False
    period = lcm(len(one.first), len(other.first))
    advance = one.low(period) - one.low(0)
    if one.empty or other.empty:
        joined = with_gaps(lambda i: _both(one, other, i), period, advance, lambda: max(one.size, other.size))
    else:
        joined = periodic(
            lambda i: smaller(one.low(i), other.low(i)), lambda i: larger(one.high(i), other.high(i)), period, advance
        )
    aligned = all(
        one.is_empty(i) == other.is_empty(i) and one.low(i) + one.high(i) == other.low(i) + other.high(i)
        for i in range(len(joined.first))
    )
    return joined, aligned


def _both(one: AxisField, other: AxisField, unit: int) -> tuple[int, int] | None:
    """The first and the last input that a unit sees on two paths; None if it sees nothing on either."""
    seen = [(field.low(unit), field.high(unit)) for field in (one, other) if not field.is_empty(unit)]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


def _join_standing(one: AxisField, other: AxisField, units: int, extent: int) -> tuple[AxisField, bool]:
    """Join where at least one field does not move: a gate that saw the whole image, most often."""
    for standing in (one, other):
        if standing.advance == 0 and standing.first[0] <= 0 and standing.last[0] >= extent - 1:
            return standing, True
    seen = [seen_by_all(field, units, extent) for field in (one, other)]
    seen = [field for field in seen if not field.sees_nothing]
    if not seen:
        return NOTHING, True
    return AxisField((min(f.first[0] for f in seen),), (max(f.last[0] for f in seen),), 0), False


def _cover_unit_zero(one: AxisField, other: AxisField) -> AxisField:
    """Paths that move at different strides drift apart; what they see of unit 0 is covered, at the larger stride."""
    faster = max(one, other, key=lambda field: field.stride)
    low, high = smaller(one.low(0), other.low(0)), larger(one.high(0), other.high(0))
    before, after = faster.low(0) - low, high - faster.high(0)
    return AxisField(tuple(a - before for a in faster.first), tuple(b + after for b in faster.last), faster.advance)
