"""Receptive fields against sets of indices: which inputs a unit sees, followed back through the layers."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cnncli.field import (
    ITSELF,
    ONLY_FIRST,
    PERIOD_LIMIT,
    Field,
    compose,
    join,
    periodic,
    seen_by_all,
    sliding,
    whole,
)

UNITS = range(60)

sliders = st.builds(sliding, stride=st.integers(1, 4), before=st.integers(0, 3), span=st.integers(1, 6))


@st.composite
def patterns(draw: st.DrawFn) -> Field:
    """Fields as upsampling and adaptive pooling have: their bounds never move back."""
    steps = draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    first = [sum(steps[:i]) for i in range(len(steps))]
    size = draw(st.integers(1, 3))
    return Field(tuple(first), tuple(a + size - 1 for a in first), max(1, sum(steps)))


fields = st.one_of(sliders, patterns(), st.just(ITSELF))


def sees(field: Field, unit: int) -> range:
    return range(field.low(unit), field.high(unit) + 1)


def followed(path: list[Field], unit: int) -> tuple[int, int]:
    """From the top of a path down: the least and the greatest index of all that is seen."""
    seen = {unit}
    for field in path:
        seen = {index for at in seen for index in sees(field, at)}
    return min(seen), max(seen)


@given(st.lists(fields, min_size=1, max_size=5))
def test_a_composed_field_is_what_is_seen_through_all_layers(path: list[Field]) -> None:
    """``path`` from the input upwards."""
    composed = path[0]
    for layer in path[1:]:
        composed = compose(layer, composed)
    for unit in (0, 1, 2, 3, 5, 12):
        assert (composed.low(unit), composed.high(unit)) == followed(path[::-1], unit)


@given(fields, fields, fields)
def test_composition_is_associative_and_itself_changes_nothing(a: Field, b: Field, c: Field) -> None:
    left, right = compose(compose(a, b), c), compose(a, compose(b, c))
    assert [sees(left, unit) for unit in UNITS] == [sees(right, unit) for unit in UNITS]
    assert compose(ITSELF, a) == a
    assert [sees(compose(a, ITSELF), unit) for unit in UNITS] == [sees(a, unit) for unit in UNITS]


@given(fields, fields)
def test_strides_multiply(layer: Field, below: Field) -> None:
    assert compose(layer, below).stride == layer.stride * below.stride


@given(st.lists(sliders, min_size=1, max_size=6))
def test_windows_follow_the_formula_of_araujo(path: list[Field]) -> None:
    """size = 1 + sum of (span - 1) times the product of the strides below."""
    composed, size, jump = ITSELF, 1, 1
    for layer in path:
        composed = compose(layer, composed)
        size += (layer.size - 1) * jump
        jump *= layer.advance
    assert (composed.size, composed.stride) == (size, jump)


@given(fields, fields, st.integers(1, 12), st.integers(1, 12))
def test_a_joined_field_covers_both_paths_and_no_more_where_they_move_alike(
    one: Field, other: Field, units: int, extent: int
) -> None:
    joined, aligned = join(one, other, units, extent)
    looked_at = UNITS if one.stride == other.stride else range(1)
    for unit in looked_at:
        assert joined.low(unit) == min(one.low(unit), other.low(unit))
        assert joined.high(unit) == max(one.high(unit), other.high(unit))
    centres = [one.low(u) + one.high(u) == other.low(u) + other.high(u) for u in UNITS]
    assert aligned == (one.stride == other.stride and all(centres))


@given(fields, st.integers(1, 12))
def test_a_join_with_a_path_that_sees_everything_sees_everything(field: Field, extent: int) -> None:
    for pair in ((field, whole(extent)), (whole(extent), field)):
        assert join(*pair, 5, extent) == (whole(extent), True)


@given(fields, fields, st.integers(1, 12))
def test_join_does_not_care_for_order(one: Field, other: Field, extent: int) -> None:
    (left, aligned), (right, aligned_too) = join(one, other, 4, extent), join(other, one, 4, extent)
    assert (left.size, left.stride, aligned) == (right.size, right.stride, aligned_too)


@given(fields, st.integers(1, 12), st.integers(1, 12))
def test_who_sees_all_units_sees_what_they_see_of_the_image(below: Field, units: int, extent: int) -> None:
    seen = {index for unit in range(units) for index in sees(below, unit)}
    field = seen_by_all(below, units, extent)
    assert (field.low(0), field.high(7)) == (max(0, min(seen)), min(extent - 1, max(seen)))


@given(st.integers(PERIOD_LIMIT + 1, 5 * PERIOD_LIMIT), st.integers(1, 5 * PERIOD_LIMIT))
def test_a_very_long_pattern_is_exact_at_its_start_and_close_further_on(period: int, advance: int) -> None:
    field = periodic(lambda i: i * advance // period, lambda i: i * advance // period + 2, period, advance)
    assert len(field.first) == PERIOD_LIMIT
    assert all(field.low(i) == i * advance // period for i in range(PERIOD_LIMIT))
    assert abs(field.stride - Fraction(advance, period)) <= Fraction(1, 2 * PERIOD_LIMIT)


def test_a_stretched_axis_reads_its_only_value() -> None:
    assert {(ONLY_FIRST.low(unit), ONLY_FIRST.high(unit)) for unit in UNITS} == {(0, 0)}
    assert compose(ONLY_FIRST, sliding(stride=2, before=1, span=3)) == Field((-1,), (1,), 0)
