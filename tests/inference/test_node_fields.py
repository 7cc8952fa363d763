"""A field computed = the gradient's support: the pixels that a unit depends on for some weights.

All weights are positive here and all layers linear, so that no gradient cancels or hides: what is left of it is
exactly what the unit sees.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from gradients import (
    chains_with_gaps,
    clipped,
    last,
    linear,
    networks,
    predicted,
    reshaped,
    some_units,
    support,
    supports,
)
from hypothesis import HealthCheck, assume, given, settings
from networks import load_if_it_fits
from program import Run

from cnncli.analysis.input_region import input_region
from cnncli.errors import INTERNAL_ERROR
from cnncli.inference import Inferred

pytestmark = pytest.mark.usefixtures("one_thread")

thorough = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@thorough
@given(networks(padded=False))
def test_without_borders_every_unit_depends_on_exactly_its_receptive_field(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    info = last(loaded.inferred)
    units = some_units(info.stats.output_shape[1:])
    for unit, seen in zip(units, supports(linear(text), units), strict=True):
        assert seen == {name: predicted(field.axes, unit) for name, field in info.receptive_field.items()}


def test_with_borders_units_depend_on_part_of_their_receptive_field_and_inner_ones_on_all_of_it() -> None:
    inner = 0

    @thorough
    @given(networks(padded=True))
    def compare(text: str) -> None:
        nonlocal inner
        loaded = load_if_it_fits(text)
        assume(loaded is not None)
        assert loaded is not None
        inner += compare_with_borders(text, loaded.inferred)

    compare()
    assert inner > 300  # units that were compared exactly


def compare_with_borders(text: str, inferred: Inferred) -> int:
    """Compare some units; the number of those far enough from every border to see exactly their field."""
    inner = 0
    info, sizes = last(inferred), inferred.graph.inputs[0].shape[1:]
    nothing_dropped = not any(any(f.stats.dropped) for f in inferred.layers.values())
    units = some_units(info.stats.output_shape[1:])
    for unit, support_of in zip(units, supports(linear(text), units), strict=True):
        for name, field in info.receptive_field.items():
            bounds, seen = predicted(field.axes, unit), support_of.get(name)
            if seen is not None:  # else the unit lies in the padding alone
                for (low, high), (least, most) in zip(seen, clipped(bounds, sizes), strict=True):
                    assert least <= low and high <= most
            inside = all(low >= 0 and high < size for (low, high), size in zip(bounds, sizes, strict=True))
            if inside and nothing_dropped and field.aligned and all(axis.advance for axis in field.axes):
                assert seen == bounds
                inner += 1
    return inner


def test_units_between_the_taps_of_a_transposed_convolution_depend_on_nothing() -> None:
    """Dumoulin and Visin 2016: the zeros that a transposed convolution inserts depend on no input."""
    empty = 0

    @thorough
    @given(chains_with_gaps())
    def compare(text: str) -> None:
        nonlocal empty
        loaded = load_if_it_fits(text)
        assume(loaded is not None)
        assert loaded is not None
        info = last(loaded.inferred)
        (axis,) = info.receptive_field["input"].axes
        assume(info.stats.output_shape[1] < 200)
        units = [(unit,) for unit in range(info.stats.output_shape[1])]
        for (unit,), seen in zip(units, supports(loaded.inferred, units), strict=True):
            expected = {} if axis.is_empty(unit) else {"input": [(axis.low(unit), axis.high(unit))]}
            assert seen == expected
        empty += bool(axis.empty)

    compare()
    assert empty > 50


@thorough
@given(reshaped())
def test_no_unit_depends_on_more_than_its_receptive_field_after_a_reshape(text: str) -> None:
    loaded = load_if_it_fits(text)
    assert loaded is not None
    info, inferred = last(loaded.inferred), loaded.inferred
    field = info.receptive_field["input"]
    sizes = inferred.graph.inputs[0].shape[1:]
    order = field.order or tuple(range(len(sizes)))
    assert len(field.axes) == len(sizes)
    units = some_units(info.stats.output_shape[1:])
    for unit, support_of in zip(units, supports(inferred, units), strict=True):
        at = tuple(unit[axis] if own.advance else 0 for own, axis in zip(field.axes, order, strict=True))
        for (low, high), (least, most) in zip(
            support_of.get("input", []), clipped(predicted(field.axes, at), sizes), strict=False
        ):
            assert least <= low and high <= most
        followed = input_region(inferred, info.node.name, unit)
        for (low, high), (least, most) in zip(support_of.get("input", []), followed.get("input", ()), strict=False):
            assert least <= low and high <= most


@pytest.mark.parametrize("command", ["summarize", "explain", "verify", "receptive-field"])
def test_a_gate_across_channels_is_calculated(cnn: Run, tmp_path: Path, command: str) -> None:
    """Wang et al. 2020, ECA-Net: a convolution over the channels' means."""
    path = tmp_path / "eca.yaml"
    path.write_text(
        """
input: 8x16x16
layers:
  - conv: {filters: 8, kernel: 3, padding: same, name: body}
  - global_avgpool
  - reshape: [1, 8]
  - conv: {filters: 1, kernel: 3, padding: same, bias: false, name: across}
  - sigmoid
  - reshape: [8, 1, 1]
  - multiply: [body, reshape2]
"""
    )
    ended = cnn(command, path, *(["across"] if command == "receptive-field" else []))
    assert ended.code == 0 and INTERNAL_ERROR not in ended.err


@pytest.mark.parametrize(
    "kind", ["flatten", "linear: 3", "global_avgpool", "adaptive_avgpool: 1", "layernorm", "instancenorm"]
)
def test_the_receptive_field_of_global_layers_is_the_input(kind: str) -> None:
    above = "flatten, " if kind.startswith("linear") else ""
    text = f"input: 2x11x9\nlayers: [conv: {{filters: 2, kernel: 3, padding: 1}}, {above}{kind}]\n"
    loaded = load_if_it_fits(text)
    assert loaded is not None
    field = last(loaded.inferred).receptive_field["input"]
    assert [(axis.size, axis.offset) for axis in field.axes] == [(11, 0), (9, 0)]
    assert all(axis.stride == 0 for axis in field.axes)


def test_a_global_pool_does_not_depend_on_dropped_rows() -> None:
    text = "input: 1x8x8\nlayers: [conv: {filters: 1, kernel: 3, stride: 3}, global_avgpool]\n"
    loaded = load_if_it_fits(text)
    assert loaded is not None
    assert support(loaded.inferred, ())["input"] == [(0, 5), (0, 5)]
    assert [axis.size for axis in last(loaded.inferred).receptive_field["input"].axes] == [6, 6]


@pytest.mark.parametrize("factor", [2, 3])
def test_a_pixel_of_a_block_depends_on_what_the_block_s_channels_did(factor: int) -> None:
    text = f"""
input: 1x12x10
layers:
  - conv: {{filters: {2 * factor**2}, kernel: 3}}
  - pixel_shuffle: {factor}
  - conv: {{filters: 1, kernel: 2}}
"""
    loaded = load_if_it_fits(text)
    assert loaded is not None
    info = last(loaded.inferred)
    units = some_units(info.stats.output_shape[1:])
    for unit, seen in zip(units, supports(loaded.inferred, units), strict=True):
        assert seen["input"] == predicted(info.receptive_field["input"].axes, unit)


def test_a_permuted_feature_map_keeps_the_receptive_field_of_each_input_axis() -> None:
    text = """
input: 1x20x17
layers:
  - conv: {filters: 2, kernel: [3, 1], stride: [2, 1]}
  - permute: {order: [0, 2, 1]}
  - conv: {filters: 2, kernel: [5, 1]}
  - conv: {filters: 2, kernel: [1, 2]}
"""
    loaded = load_if_it_fits(text)
    assert loaded is not None
    field = last(loaded.inferred).receptive_field["input"]
    assert ([axis.size for axis in field.axes], [axis.stride for axis in field.axes]) == ([5, 5], [2, 1])
    assert support(loaded.inferred, (3, 2))["input"] == [(4, 8), (3, 7)]  # rows move along the last axis, after turning


def test_each_input_has_its_own_receptive_field() -> None:
    text = """
inputs: {rgb: 2x12x12, flow: 1x12x12}
layers:
  - conv: {filters: 2, kernel: 3, from: rgb, name: a}
  - conv: {filters: 2, kernel: 5, padding: 1, from: flow, name: b}
  - add: [a, b]
  - conv: {filters: 1, kernel: 3}
"""
    loaded = load_if_it_fits(text)
    assert loaded is not None
    fields = last(loaded.inferred).receptive_field
    assert support(loaded.inferred, (4, 4)) == {name: predicted(field.axes, (4, 4)) for name, field in fields.items()}
    assert {name: [axis.size for axis in field.axes] for name, field in fields.items()} == {
        "rgb": [5, 5],
        "flow": [7, 7],
    }


def test_a_gate_that_depends_on_the_whole_image_makes_every_unit_depend_on_it() -> None:
    text = """
input: 2x9x9
layers:
  - conv: {filters: 2, kernel: 3, padding: 1, name: map}
  - adaptive_avgpool: 1
  - conv: {filters: 2, kernel: 1, name: gate}
  - multiply: [map, gate]
"""
    loaded = load_if_it_fits(text)
    assert loaded is not None
    field = last(loaded.inferred).receptive_field["input"]
    assert field.covers((2, 9, 9)) and field.aligned
