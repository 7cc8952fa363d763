"""Exact receptive fields on one axis: which inputs a unit depends on, and how fields compose and merge.

Unit ``i`` depends on the inputs ``first[r] + q * advance`` to ``last[r] + q * advance``, where
``q, r = divmod(i, period)`` and ``period = len(first)``. A convolution has period 1 and advances by its stride;
upsampling by 2 has period 2 and advances by 1; a global layer has advance 0. So every field consists of integers, and
the same type describes a single layer (on the layer's input) and an entire path (on the network's input).

A unit may depend on no input: those between the taps of a transposed convolution whose kernel is smaller than its
stride. Such a unit gets the ``first`` of the next non-empty unit and the ``last`` of the previous one. This keeps the
bounds monotone, and a window that starts or ends at such a unit has the bounds of its non-empty units.

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

PERIOD_LIMIT = 1024  # a longer pattern is exact for this many units, then continues at its average stride


class AxisField(NamedTuple):
    """The input ranges of units 0 … period - 1, and how far (``advance``) they move per period.

    ``step`` is the distance between the inputs that a unit reads: the dilation of a single layer, 1 for a path.
    The units in ``empty`` depend on no input.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    advance: int
    step: int = 1
    empty: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """The largest extent of a unit, from its first to its last input; 0 if all units are empty."""
        if self.empty:
            return max((self.last[unit] - self.first[unit] + 1 for unit in self.non_empty_units), default=0)
        return max(last - first + 1 for first, last in zip(self.first, self.last, strict=True))

    @property
    def non_empty_units(self) -> tuple[int, ...]:
        """The units of a period that depend on some input."""
        return tuple(unit for unit in range(len(self.first)) if unit not in self.empty)

    @property
    def is_always_empty(self) -> bool:
        """Whether no unit depends on any input."""
        return 0 < len(self.first) == len(self.empty)

    def is_empty(self, unit: int) -> bool:
        """Whether a unit depends on no input."""
        return bool(self.empty) and unit % len(self.first) in self.empty

    @property
    def is_known(self) -> bool:
        """Whether the field is the same for every symbolic size; else it is unknown."""
        return bool(self.first)

    @property
    def period(self) -> int:
        """The number of units after which the pattern repeats."""
        return len(self.first)

    @property
    def offset(self) -> int:
        """The first input of unit 0 (of the next non-empty unit if it is empty); negative in the padding."""
        return self.first[0]

    @property
    def stride(self) -> int | Fraction:
        """The distance between the fields of neighboring units, averaged over a period; also called jump."""
        if self.period == 1:
            return self.advance
        from fractions import Fraction  # imports decimal, which would double the import time of the calculator

        return Fraction(self.advance, len(self.first))

    def low(self, unit: int) -> int:
        """The first input of a unit."""
        period = self.period
        return self.first[unit % period] + unit // period * self.advance

    def high(self, unit: int) -> int:
        """The last input of a unit."""
        period = self.period
        return self.last[unit % period] + unit // period * self.advance

    @property
    def in_order(self) -> bool:
        """Whether both bounds are monotone in the unit (those of dilated transposed convolutions are not)."""
        steps = ((*ends, ends[0] + self.advance) for ends in (self.first, self.last))
        return all(a <= b for ends in steps for a, b in pairwise(ends))


ITSELF = AxisField((0,), (0,), 1)
UNKNOWN = AxisField((), (), 1)  # depends on symbolic sizes
NOTHING = AxisField((0,), (-1,), 0, empty=frozenset({0}))  # no unit depends on any input
ONLY_FIRST = AxisField((0,), (0,), 0)  # every unit reads index 0: an axis of size 1 that is broadcast


def window_field(stride: int, before: int, extent: int, dilation: int = 1) -> AxisField:
    """The field of a window of ``extent`` (effective kernel size): unit i starts at ``i * stride - before``."""
    step = 1 if dilation == 1 or extent == 1 else dilation
    return AxisField((-before,), (extent - 1 - before,), stride, step)


def full_axis(size: int) -> AxisField:
    """The field of units that all depend on all ``size`` inputs."""
    return AxisField((0,), (size - 1,), 0)


def periodic(low: Callable[[int], int], high: Callable[[int], int], period: int, advance: int) -> AxisField:
    """A field from the bounds of unit ``i``, ``low(i)`` to ``high(i)``, over one period (or its first part).

    >>> upsampling = periodic(lambda i: i // 2, lambda i: i // 2, period=2, advance=1)
    >>> upsampling == AxisField((0, 0), (0, 0), 1)
    True
    """
    units = range(min(period, PERIOD_LIMIT))
    return AxisField(tuple(map(low, units)), tuple(map(high, units)), _advance(period, advance))


def _advance(period: int, advance: int) -> int:
    """The distance a pattern moves over its period, or, rounded, over the part of it that is kept."""
    return advance if period <= PERIOD_LIMIT else (2 * PERIOD_LIMIT * advance + period) // (2 * period)


def with_gaps(
    bounds: Callable[[int], tuple[int, int] | None],
    period: int,
    advance: int,
    largest: Callable[[], int],
    step: int = 1,
) -> AxisField:
    """A field from ``bounds(i)``, the first and last input of unit ``i``, or None for an empty unit.

    If the pattern is too long to keep and the part that is kept is empty, its units get the size ``largest()``.
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
    # the previous period ends with the last non-empty unit, and the next one starts with the first
    following, previous = seen[0][1][0] + advance_kept, seen[-1][1][1] - advance_kept
    for unit in reversed(range(len(found))):
        ends = found[unit]
        following = first_of[unit] = following if ends is None else ends[0]
    for unit, ends in enumerate(found):
        previous = last_of[unit] = previous if ends is None else ends[1]
    empty = frozenset(unit for unit, ends in enumerate(found) if ends is None)
    return AxisField(tuple(first_of), tuple(last_of), advance_kept, step, empty)


def outermost(earlier: AxisField) -> Callable[[range], tuple[int, int] | None]:
    """A function from some units to the two with the first and the last input; None if all are empty.

    ``earlier`` is the field of these units. Looking at one period of them suffices.
    """
    period, in_order = len(earlier.first), earlier.in_order

    def ends(units: range) -> tuple[int, int] | None:
        if not earlier.empty and (in_order or period == 1):
            return units[0], units[-1]
        enough = period // gcd(units.step, period)
        upwards, downwards = (
            (unit for unit in part[:enough] if unit % period not in earlier.empty) for part in (units, units[::-1])
        )
        if in_order:
            lowest, highest = next(upwards, None), next(downwards, None)
        else:
            lowest, highest = (
                min(upwards, key=earlier.low, default=None),
                max(downwards, key=earlier.high, default=None),
            )
        return None if lowest is None or highest is None else (lowest, highest)

    return ends


def compose(layer: AxisField, earlier: AxisField) -> AxisField:
    """The field of a layer's units on the network's input, where ``earlier`` is the field of the units it reads.

    >>> conv, pool = window_field(stride=1, before=2, extent=5), window_field(stride=2, before=0, extent=2)
    >>> compose(pool, conv) == AxisField((-2,), (3,), 2)
    True
    """
    if layer == ITSELF:
        return earlier
    if not (layer.first and earlier.first):
        return UNKNOWN
    if earlier.is_always_empty:
        return NOTHING
    first, last, advance = layer.first, layer.last, layer.advance
    if len(first) == 1 == len(earlier.first):
        step = earlier.advance
        return AxisField((earlier.first[0] + step * first[0],), (earlier.last[0] + step * last[0],), step * advance)
    period = len(earlier.first)
    periods = period // gcd(advance, period)
    repeats, moved = len(first) * periods, advance * periods // period * earlier.advance
    if earlier.in_order and not (earlier.empty or layer.empty):
        return periodic(
            lambda unit: earlier.low(layer.low(unit)), lambda unit: earlier.high(layer.high(unit)), repeats, moved
        )
    return _compose_with_gaps(layer, earlier, repeats, moved)


def _compose_with_gaps(layer: AxisField, earlier: AxisField, repeats: int, moved: int) -> AxisField:
    """:func:`compose` where units are empty or out of order: the bounds are those of all units that a window reads."""
    ends_of = outermost(earlier)

    def bounds(start: int, end: int) -> tuple[int, int] | None:
        if is_symbolic(start) or is_symbolic(end):
            raise Undecided
        ends = ends_of(range(start, end + 1, layer.step))
        return ends and (earlier.low(ends[0]), earlier.high(ends[1]))

    def largest() -> int:
        """The size of the layer's widest window, at any position."""
        width = layer.size - 1
        found = (bounds(start, start + width) for start in range(earlier.period))
        return max((ends[1] - ends[0] + 1 for ends in found if ends), default=0)

    return with_gaps(
        lambda unit: None if layer.is_empty(unit) else bounds(layer.low(unit), layer.high(unit)),
        repeats,
        moved,
        largest,
    )


def field_of_all(earlier: AxisField, units: int, extent: int) -> AxisField:
    """The field of a unit that depends on all ``units`` of its input, clipped to the image.

    In an image of symbolic size, a remainder that the floor drops at some sizes counts as part of it.
    """
    if earlier.is_always_empty:
        return NOTHING
    if is_symbolic(units) or is_symbolic(extent):
        return _symbolic_field_of_all(earlier, units, extent)
    if not earlier.first:
        return UNKNOWN
    ends = outermost(earlier)(range(units))
    if ends is None:
        return NOTHING
    return AxisField((max(0, earlier.low(ends[0])),), (min(extent - 1, earlier.high(ends[1])),), 0)


def _symbolic_field_of_all(earlier: AxisField, units: int, extent: int) -> AxisField:
    """All of the image, unless a slice or a crop leaves out some of it at every size."""
    if not earlier.first or (is_symbolic(units) and (earlier.period > 1 or earlier.empty)):
        return full_axis(extent)
    ends = (0, units - 1) if is_symbolic(units) else outermost(earlier)(range(units))
    if ends is None:
        return NOTHING
    first, last = earlier.low(ends[0]), earlier.high(ends[1])
    if not _is_always_positive(first):
        first = 0
    if not _is_always_positive(extent - 1 - last):
        last = extent - 1
    return AxisField((first,), (last,), 0)


def _is_always_positive(size: int) -> bool:
    """Whether a size is provably positive at all large sizes."""
    if not is_symbolic(size):
        return size > 0
    try:
        return size > 0
    except Undecided:
        return False


def merge_fields(one: AxisField, other: AxisField, units: int, extent: int) -> tuple[AxisField, bool]:
    """The field that covers two paths, and whether they are aligned: equal strides, centers and empty units."""
    if one == other or other.is_always_empty:
        return one, True
    if one.is_always_empty:
        return other, True
    if not (one.first and other.first):
        return UNKNOWN, False
    if one.advance == 0 or other.advance == 0:
        return _merge_constant(one, other, units, extent)
    if one.advance * len(other.first) != other.advance * len(one.first):  # compares their strides without division
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
    """The first and the last input of a unit on two paths; None if it is empty on both."""
    seen = [(field.low(unit), field.high(unit)) for field in (one, other) if not field.is_empty(unit)]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


def _merge_constant(one: AxisField, other: AxisField, units: int, extent: int) -> tuple[AxisField, bool]:
    """Merge when at least one field does not move, as that of a gate after global pooling."""
    for constant in (one, other):
        if constant.advance == 0 and constant.first[0] <= 0 and constant.last[0] >= extent - 1:
            return constant, True
    seen = [field_of_all(field, units, extent) for field in (one, other)]
    seen = [field for field in seen if not field.is_always_empty]
    if not seen:
        return NOTHING, True
    return AxisField((min(f.first[0] for f in seen),), (max(f.last[0] for f in seen),), 0), False


def _cover_unit_zero(one: AxisField, other: AxisField) -> AxisField:
    """For paths with different strides: the field of unit 0 on both, with the larger stride."""
    faster = max(one, other, key=lambda field: field.stride)
    low, high = smaller(one.low(0), other.low(0)), larger(one.high(0), other.high(0))
    before, after = faster.low(0) - low, high - faster.high(0)
    return AxisField(tuple(a - before for a in faster.first), tuple(b + after for b in faster.last), faster.advance)
