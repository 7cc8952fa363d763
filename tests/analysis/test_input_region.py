"""The input region of a unit, found by walking back through the graph, is the support of its gradient."""

from __future__ import annotations

import pytest
from gradients import linear, networks, some_units, supports
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits

from cnncli import load
from cnncli.analysis.input_region import input_region, middle_unit
from cnncli.inference import Inferred

pytestmark = pytest.mark.usefixtures("one_thread")

thorough = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def compare(text: str, units: list[tuple[int, ...]] | None = None) -> int:
    """Compare some units of the output with torch's gradients; how many."""
    loaded = load_if_it_fits(text)
    if loaded is None:
        return 0
    inferred: Inferred = loaded.inferred
    output = inferred.graph.outputs[0]
    units = units or some_units(inferred.shape(output)[1:])
    for unit, seen in zip(units, supports(linear(text), units), strict=True):
        assert {name: [*box] for name, box in input_region(inferred, output, unit).items()} == seen
    return len(units)


@thorough
@given(st.one_of(networks(padded=True), networks(padded=False)))
def test_the_input_region_of_every_unit_of_a_random_network_is_exact(text: str) -> None:
    assume(compare(text))


CONV3, CONV12 = "conv: {filters: 1, kernel: 3}", "conv: {filters: 1, kernel: [1, 2]}"
STRIDES = (
    "parallel: {branches: [[conv: {filters: 1, kernel: 3, stride: 2, padding: 1}, upsample: 2], "
    "[conv: {filters: 1, kernel: 5, padding: 2}]], merge: add}"
)
HAND_MADE = {
    "a dilated kernel over a border": ["conv: {filters: 1, kernel: 3, dilation: 3, padding: 2}"],
    "padding of padding": ["conv: {filters: 1, kernel: 3, padding: 2}"] * 3,
    "transposed, dilated": ["conv_transpose: {filters: 1, kernel: 3, stride: 2, dilation: 2, padding: 1}", CONV3],
    "paths of different strides": [STRIDES, "conv: {filters: 1, kernel: 3, stride: 3}"],
    "a mirrored border": ["conv: {filters: 1, kernel: 5, padding: 2, padding_mode: reflect}", CONV3],
    "a repeated border": ["pad: {padding: 3, mode: replicate}", CONV3],
    "a border that goes round": ["conv: {filters: 1, kernel: 3, padding: 1, padding_mode: circular}", CONV3],
    "partial padding": ["conv: {filters: 1, kernel: 5, padding: 2, padding_mode: partial}"],
    "a gate": ["conv: {filters: 2, kernel: 3, name: a}", "adaptive_avgpool: 1", "add: [a, adaptive_avgpool1]"],
    "turned": [
        "conv: {filters: 1, kernel: [3, 1]}",
        "permute: {order: [0, 2, 1]}",
        "conv: {filters: 1, kernel: [1, 2]}",
    ],
    "cut out": [
        "crop: [[1, 2], [3, 0]]",
        "conv: {filters: 1, kernel: 3, padding: 1}",
        "slice: {start: 2, axis: width}",
    ],
    "pixels of a block": ["conv: {filters: 4, kernel: 3}", "pixel_shuffle: 2", CONV3],
    "everything": ["conv: {filters: 1, kernel: 3, stride: 2}", "adaptive_avgpool: 1"],
}


@pytest.mark.parametrize("what", HAND_MADE)
def test_hand_made_graphs_see_the_support_of_their_gradients(what: str) -> None:
    lines = "\n".join(f"  - {layer}" for layer in HAND_MADE[what])
    assert compare(f"input: 1x14x12\nlayers:\n{lines}\n")


def test_global_layers_do_not_depend_on_dropped_pixels() -> None:
    loaded = load_if_it_fits("input: 1x8x8\nlayers: [conv: {filters: 1, kernel: 3, stride: 3}, flatten, linear: 2]\n")
    assert loaded is not None
    assert input_region(loaded.inferred, "linear1", ()) == {"input": ((0, 5), (0, 5))}


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "mobilenet_v2"])
def test_the_region_of_a_center_unit_is_its_receptive_field_if_the_image_is_large_enough(name: str) -> None:
    inferred = load(name, inputs={"": "3x1499x1499"}).inferred
    last = [info for info in inferred.layers.values() if len(info.stats.output_shape) > 1][-1]
    unit = middle_unit(last.stats.output_shape)
    ((first, end), *_) = input_region(inferred, last.node.name, unit)["input"]
    assert end - first + 1 == last.receptive_field["input"].axes[0].size


def test_an_input_that_is_not_read_has_no_region() -> None:
    inferred = load("two_stream").inferred
    assert {*input_region(inferred, "spatial.softmax1", ())} == {"rgb"}
