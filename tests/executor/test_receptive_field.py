"""A field computed = the gradient's support: the pixels that a unit depends on for some weights.

All weights are positive here and all layers linear, so that no gradient cancels or hides: what is left of it is
exactly what the unit sees.
"""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits

from cnncli.executor.network import Network
from cnncli.field import Field
from cnncli.inference import Facts, Inferred

thorough = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def support(inferred: Inferred, unit: tuple[int, ...]) -> dict[str, list[tuple[int, int]]]:
    """Per input, the first and last index with a gradient on each axis, for one unit of the output."""
    torch.manual_seed(0)
    network = Network(inferred).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(0.5, 1.0)
    inputs = [torch.zeros(1, *entry.shape, dtype=torch.double, requires_grad=True) for entry in inferred.graph.inputs]
    output = network(*inputs)
    assert isinstance(output, torch.Tensor)
    output[(0, slice(None), *unit)].sum().backward()
    found = {}
    for entry, value in zip(inferred.graph.inputs, inputs, strict=True):
        if value.grad is not None and value.grad.any():
            seen = (value.grad[0] != 0).any(0).nonzero()
            lows, highs = seen.min(0).values.tolist(), seen.max(0).values.tolist()
            found[entry.name] = list(zip(lows, highs, strict=True))
    return found


def predicted(fields: tuple[Field, ...], unit: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(field.low(i), field.high(i)) for field, i in zip(fields, unit, strict=True)]


def clipped(bounds: list[tuple[int, int]], sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(max(0, low), min(size - 1, high)) for (low, high), size in zip(bounds, sizes, strict=True)]


def some_units(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The corners and the middle."""
    return list(dict.fromkeys(product(*({0: 0, size // 2: 0, size - 1: 0} for size in shape))))


def last(inferred: Inferred) -> Facts:
    return inferred.facts[inferred.graph.outputs[0]]


kernels, strides = st.integers(1, 3), st.integers(1, 2)


@st.composite
def linear_layer(draw: st.DrawFn, *, padded: bool, depth: int = 1) -> str:
    """A layer in which every output is a positive sum of what it sees."""
    pad = draw(st.integers(0, 2)) if padded else 0
    kernel, stride, dilation = draw(kernels), draw(strides), draw(st.integers(1, 2))
    options = [
        f"conv: {{filters: 2, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: {pad}}}",
        f"depthwise_conv: {{kernel: {kernel}, stride: {stride}, padding: {pad}}}",
        f"avgpool: {{kernel: {kernel + 1}, stride: {stride}}}",
        f"upsample: {draw(st.sampled_from([2, 3, 1.5]))}",
    ]
    if padded:
        options += [
            f"upsample: {{scale: {draw(st.sampled_from([2, 3, 1.5]))}, mode: linear}}",
            f"pad: {pad}",
            f"conv: {{filters: 2, kernel: {kernel}, padding: same}}",
            f"adaptive_avgpool: {draw(st.integers(2, 9))}",
        ]
    if depth and padded:
        branch = draw(linear_layer(padded=False, depth=0))
        same = f"depthwise_conv: {{kernel: {draw(st.sampled_from([1, 3, 5]))}, padding: same}}"
        options += [
            f"residual: [{same}]",
            f"parallel: {{branches: [[{same}], [{same}, {same}], []], merge: concat}}",
            f"parallel: {{branches: [[{branch}], [{branch}]], merge: add}}",
        ]
    return draw(st.sampled_from(options))


@st.composite
def networks(draw: st.DrawFn, *, padded: bool) -> str:
    rank = draw(st.sampled_from([1, 1, 2]))
    sizes = [draw(st.integers(12, 32 if rank == 1 else 20)) for _ in range(rank)]
    layers = draw(st.lists(linear_layer(padded=padded), min_size=1, max_size=4))
    lines = "\n".join(f"  - {line}" for line in layers)
    return f"input: 2x{'x'.join(map(str, sizes))}\nlayers:\n{lines}\n"


@thorough
@given(networks(padded=False))
def test_without_borders_every_unit_sees_exactly_its_field(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    facts = last(loaded.inferred)
    for unit in some_units(facts.figures.output_shape[1:]):
        field = facts.receptive_field["input"]
        assert support(loaded.inferred, unit)["input"] == predicted(field.axes, unit)


@thorough
@given(networks(padded=True))
def test_with_borders_no_unit_sees_more_than_its_field_and_inner_ones_exactly_it(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    facts, sizes = last(loaded.inferred), loaded.graph.inputs[0].shape[1:]
    field = facts.receptive_field["input"]
    nothing_dropped = not any(any(f.figures.dropped) for f in loaded.inferred.facts.values())
    for unit in some_units(facts.figures.output_shape[1:]):
        seen = support(loaded.inferred, unit).get("input")
        bounds = predicted(field.axes, unit)
        for (low, high), (least, most) in zip(seen or [], clipped(bounds, sizes), strict=False):
            assert least <= low and high <= most
        inside = all(low >= 0 and high < size for (low, high), size in zip(bounds, sizes, strict=True))
        if inside and nothing_dropped and field.aligned and all(axis.advance for axis in field.axes):
            assert seen == bounds


@pytest.mark.parametrize(
    "kind", ["flatten", "linear: 3", "global_avgpool", "adaptive_avgpool: 1", "layernorm", "instancenorm"]
)
def test_layers_that_see_all_of_their_input_have_its_extent(kind: str) -> None:
    above = "flatten, " if kind.startswith("linear") else ""
    text = f"input: 2x11x9\nlayers: [conv: {{filters: 2, kernel: 3, padding: 1}}, {above}{kind}]\n"
    loaded = load_if_it_fits(text)
    assert loaded is not None
    field = last(loaded.inferred).receptive_field["input"]
    assert [(axis.size, axis.offset, axis.stride) for axis in field.axes] == [(11, 0, 0), (9, 0, 0)]


def test_a_global_pool_does_not_see_what_was_dropped_before_it() -> None:
    text = "input: 1x8x8\nlayers: [conv: {filters: 1, kernel: 3, stride: 3}, global_avgpool]\n"
    loaded = load_if_it_fits(text)
    assert loaded is not None
    assert support(loaded.inferred, ())["input"] == [(0, 5), (0, 5)]
    assert [axis.size for axis in last(loaded.inferred).receptive_field["input"].axes] == [6, 6]


def test_each_input_has_a_field_of_its_own() -> None:
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


def test_a_gate_that_saw_the_whole_image_makes_every_unit_see_it() -> None:
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
    assert field.sees_all((2, 9, 9)) and field.aligned
