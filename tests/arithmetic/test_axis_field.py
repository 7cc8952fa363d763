"""Receptive fields against sets of indices: the inputs of a unit, followed back through the layers."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits

from cnncli.arithmetic.axis_field import (
    ITSELF,
    NOTHING,
    ONLY_FIRST,
    PERIOD_LIMIT,
    AxisField,
    compose,
    field_of_all,
    full_axis,
    merge_fields,
    periodic,
    window_field,
)

UNITS = range(60)

thorough = settings(
    max_examples=600, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

sliders = st.builds(window_field, stride=st.integers(1, 4), before=st.integers(0, 3), extent=st.integers(1, 6))


@st.composite
def patterns(draw: st.DrawFn) -> AxisField:
    """Fields as upsampling and adaptive pooling have: their bounds never move back."""
    steps = draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    first = [sum(steps[:i]) for i in range(len(steps))]
    size = draw(st.integers(1, 3))
    return AxisField(tuple(first), tuple(a + size - 1 for a in first), max(1, sum(steps)))


fields = st.one_of(sliders, patterns(), st.just(ITSELF))


def sees(field: AxisField, unit: int) -> range:
    return range(field.low(unit), field.high(unit) + 1)


def followed(path: list[AxisField], unit: int) -> tuple[int, int]:
    """Back through a path: the smallest and the largest index of all inputs of the unit."""
    seen = {unit}
    for field in path:
        seen = {index for at in seen for index in sees(field, at)}
    return min(seen), max(seen)


@given(st.lists(fields, min_size=1, max_size=5))
def test_a_composed_field_covers_the_inputs_of_a_unit_through_all_layers(path: list[AxisField]) -> None:
    """``path`` from the input upwards."""
    composed = path[0]
    for layer in path[1:]:
        composed = compose(layer, composed)
    for unit in (0, 1, 2, 3, 5, 12):
        assert (composed.low(unit), composed.high(unit)) == followed(path[::-1], unit)


@given(fields, fields, fields)
def test_composition_is_associative_and_itself_changes_nothing(a: AxisField, b: AxisField, c: AxisField) -> None:
    left, right = compose(compose(a, b), c), compose(a, compose(b, c))
    assert [sees(left, unit) for unit in UNITS] == [sees(right, unit) for unit in UNITS]
    assert compose(ITSELF, a) == a
    assert [sees(compose(a, ITSELF), unit) for unit in UNITS] == [sees(a, unit) for unit in UNITS]


@given(fields, fields)
def test_strides_multiply(layer: AxisField, below: AxisField) -> None:
    assert compose(layer, below).stride == layer.stride * below.stride


@given(st.lists(sliders, min_size=1, max_size=6))
def test_windows_follow_the_formula_of_araujo(path: list[AxisField]) -> None:
    """size = 1 + sum of (effective kernel - 1) times the product of the strides of earlier layers."""
    composed, size, jump = ITSELF, 1, 1
    for layer in path:
        composed = compose(layer, composed)
        size += (layer.size - 1) * jump
        jump *= layer.advance
    assert (composed.size, composed.stride) == (size, jump)


@given(fields, fields, st.integers(1, 12), st.integers(1, 12))
def test_a_joined_field_covers_both_paths_and_no_more_where_they_move_alike(
    one: AxisField, other: AxisField, units: int, extent: int
) -> None:
    joined, aligned = merge_fields(one, other, units, extent)
    looked_at = UNITS if one.stride == other.stride else range(1)
    for unit in looked_at:
        assert joined.low(unit) == min(one.low(unit), other.low(unit))
        assert joined.high(unit) == max(one.high(unit), other.high(unit))
    centres = [one.low(u) + one.high(u) == other.low(u) + other.high(u) for u in UNITS]
    assert aligned == (one.stride == other.stride and all(centres))


@given(fields, st.integers(1, 12))
def test_merging_with_a_path_of_the_full_extent_gives_the_full_extent(field: AxisField, extent: int) -> None:
    for pair in ((field, full_axis(extent)), (full_axis(extent), field)):
        assert merge_fields(*pair, 5, extent) == (full_axis(extent), True)


@given(fields, fields, st.integers(1, 12))
def test_join_does_not_care_for_order(one: AxisField, other: AxisField, extent: int) -> None:
    (left, aligned), (right, aligned_too) = merge_fields(one, other, 4, extent), merge_fields(other, one, 4, extent)
    assert (left.size, left.stride, aligned) == (right.size, right.stride, aligned_too)


@given(fields, st.integers(1, 12), st.integers(1, 12))
def test_the_field_of_all_units_is_the_union_of_their_fields(below: AxisField, units: int, extent: int) -> None:
    seen = {index for unit in range(units) for index in sees(below, unit)}
    field = field_of_all(below, units, extent)
    assert (field.low(0), field.high(7)) == (max(0, min(seen)), min(extent - 1, max(seen)))


@given(st.integers(PERIOD_LIMIT + 1, 5 * PERIOD_LIMIT), st.integers(1, 5 * PERIOD_LIMIT))
def test_a_very_long_pattern_is_exact_at_its_start_and_close_further_on(period: int, advance: int) -> None:
    field = periodic(lambda i: i * advance // period, lambda i: i * advance // period + 2, period, advance)
    assert len(field.first) == PERIOD_LIMIT
    assert all(field.low(i) == i * advance // period for i in range(PERIOD_LIMIT))
    assert abs(field.stride - Fraction(advance, period)) <= Fraction(1, 2 * PERIOD_LIMIT)


def test_a_stretched_axis_reads_its_only_value() -> None:
    assert {(ONLY_FIRST.low(unit), ONLY_FIRST.high(unit)) for unit in UNITS} == {(0, 0)}
    assert compose(ONLY_FIRST, window_field(stride=2, before=1, extent=3)) == AxisField((-1,), (1,), 0)


# Transposed convolutions with gaps between their taps -----------------------------------------------------------------


class Sliding(NamedTuple):
    """A layer on one axis without borders, and which inputs a unit of it reads, by its definition."""

    kind: str
    kernel: int
    stride: int
    dilation: int
    padding: int
    extra: int

    def line(self) -> str:
        if self.kind == "upsample":
            return f"upsample: {self.stride}"
        fields = f"kernel: {self.kernel}, stride: {self.stride}, padding: {self.padding}"
        if self.kind == "avgpool":
            return f"avgpool: {{{fields}}}"
        fields += f", filters: 1, dilation: {self.dilation}"
        if self.kind == "conv":
            return f"conv: {{{fields}}}"
        return f"conv_transpose: {{{fields}, output_padding: {self.extra}}}"

    def reads(self, unit: int) -> set[int]:
        if self.kind == "upsample":
            return {unit // self.stride}
        taps = [tap * (1 if self.kind == "avgpool" else self.dilation) for tap in range(self.kernel)]
        if self.kind != "conv_transpose":
            return {unit * self.stride - self.padding + tap for tap in taps}
        places = [unit + self.padding - tap for tap in taps]
        return {place // self.stride for place in places if place % self.stride == 0}


@st.composite
def layers_with_gaps(draw: st.DrawFn) -> Sliding:
    kind = draw(st.sampled_from(["conv", "conv", "avgpool", "upsample", "conv_transpose", "conv_transpose"]))
    kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    dilation = draw(st.integers(1, 4))
    most = kernel // 2 if kind == "avgpool" else 2
    return Sliding(kind, kernel, stride, dilation, draw(st.integers(0, most)), draw(st.integers(0, stride - 1)))


chains_with_gaps = st.lists(layers_with_gaps(), min_size=1, max_size=4)


@st.composite
def gapped(draw: st.DrawFn) -> AxisField:
    """The field of a random chain on an unbounded axis; often with units that see nothing."""
    field = loaded_field(draw(chains_with_gaps))
    assume(field is not None)
    assert field is not None
    return field


def loaded_field(chain: list[Sliding]) -> AxisField | None:
    lines = "\n".join(f"  - {layer.line()}" for layer in chain)
    loaded = load_if_it_fits(f"input: 1x200\nlayers:\n{lines}\n")
    if loaded is None:
        return None
    return loaded.inferred.layers[loaded.inferred.graph.outputs[0]].receptive_field["input"].axes[0]


def seen_below(chain: list[Sliding], unit: int) -> set[int]:
    seen = {unit}
    for layer in reversed(chain):
        seen = {index for at in seen for index in layer.reads(at)}
    return seen


def test_the_field_of_every_unit_after_gaps_is_exact() -> None:
    gaps = nothing = 0

    @thorough
    @given(chains_with_gaps)
    def compare(chain: list[Sliding]) -> None:
        nonlocal gaps, nothing
        field = loaded_field(chain)
        assume(field is not None)
        assert field is not None
        seen = [seen_below(chain, unit) for unit in range(-field.period, 2 * field.period)]
        for unit, inputs in enumerate(seen, -field.period):
            assert field.is_empty(unit) == (not inputs)
            if inputs:
                assert (field.low(unit), field.high(unit)) == (min(inputs), max(inputs))
        assert field.size == max(max(inputs) - min(inputs) + 1 if inputs else 0 for inputs in seen)
        gaps, nothing = gaps + bool(field.empty), nothing + field.is_always_empty
        if field.is_always_empty:
            assert field == NOTHING
            return
        assert field.offset == min(next(inputs for inputs in seen[field.period :] if inputs))
        moved = min(seen_below(chain, field.non_empty_units[0] + field.period)) - min(
            seen_below(chain, field.non_empty_units[0])
        )
        assert field.stride == Fraction(moved, field.period)

    compare()
    assert gaps > 100 and nothing > 5


@settings(thorough, max_examples=250)
@given(gapped(), gapped(), st.integers(1, 12))
def test_a_merge_after_gaps_covers_both_paths(one: AxisField, other: AxisField, units: int) -> None:
    assume(one.stride == other.stride or NOTHING in (one, other))
    joined, aligned = merge_fields(one, other, units, 200)
    period = max(one.period, other.period, joined.period)
    for unit in range(2 * period):
        paths = [field for field in (one, other) if not field.is_empty(unit)]
        assert joined.is_empty(unit) == (not paths)
        if paths:
            assert joined.low(unit) == min(field.low(unit) for field in paths)
            assert joined.high(unit) == max(field.high(unit) for field in paths)
        if aligned and NOTHING not in (one, other):
            assert one.is_empty(unit) == other.is_empty(unit)


@settings(thorough, max_examples=250)
@given(gapped(), st.integers(1, 12), st.integers(1, 200))
def test_the_field_of_all_units_after_gaps_is_the_union_of_their_fields_in_the_image(
    below: AxisField, units: int, extent: int
) -> None:
    seen = {index for unit in range(units) if not below.is_empty(unit) for index in sees(below, unit)}
    field = field_of_all(below, units, extent)
    assert field.is_always_empty == (not seen)
    if seen:
        assert (field.low(0), field.high(7)) == (max(0, min(seen)), min(extent - 1, max(seen)))


@given(st.integers(PERIOD_LIMIT + 1, 5 * PERIOD_LIMIT), st.integers(1, 3), st.integers(0, 2 * PERIOD_LIMIT))
def test_a_stride_longer_than_any_pattern_that_is_kept_has_a_size(stride: int, kernel: int, padding: int) -> None:
    """A transposed convolution whose first units all lie between its taps still reads one value where it reads any."""
    field = loaded_field([Sliding("conv_transpose", kernel, stride, 1, padding, 0)])
    assume(field is not None)
    assert field is not None and field.size == 1
