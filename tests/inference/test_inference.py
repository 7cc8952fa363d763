"""The pass over the graph: laws that hold whatever the layers are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import loaded, network, refusal

from cnncli.arithmetic.shape import numel
from cnncli.inference import SUMMED, Inferred, infer, infer_all

LAYERS = (
    "relu", "batchnorm", "identity", "maxpool: {kernel: 2, stride: 1, padding: 1}", "pad: 1", "upsample: 2",
    "conv: {filters: 4, kernel: 3, padding: same}", "conv: {filters: 2, kernel: 3, stride: 2, padding: 1}",
    "avgpool: {kernel: 3, stride: 2, padding: 1, rounding: ceil}",
    "depthwise_conv: {kernel: 3, padding: 2, dilation: 2}",
    "residual: [conv: {filters: 8, kernel: 1}, conv: {filters: 1, kernel: 1}]",
    "parallel: {branches: [[relu], [conv: {filters: 2, kernel: 3, padding: 1}]]}",
    "adaptive_avgpool: [5, 7]", "layernorm", "prelu: {per_channel: true}",
)  # fmt: skip
networks = st.lists(st.sampled_from(LAYERS), min_size=1, max_size=7)


def inferred(*layers: str, input: str = "1x12x12") -> Inferred:
    return loaded(network(*layers, input=input)).inferred


@given(networks)
@settings(deadline=None)
def test_figures_are_sums_over_the_shapes_that_they_speak_of(layers: list[str]) -> None:
    found = inferred("conv: {filters: 1, kernel: 1}", *layers)
    for info in found.layers.values():
        stats = info.stats
        assert stats.params == sum(map(numel, stats.weight_shapes.values())) == stats.weights + stats.biases
        assert stats.buffers == sum(map(numel, stats.buffer_shapes.values()))
        assert stats.activations == numel(stats.output_shape)
        assert all(isinstance(getattr(stats, name), int) and getattr(stats, name) >= 0 for name in SUMMED)
    for name in SUMMED:
        assert found.totals[name] == sum(getattr(info.stats, name) for info in found.layers.values())
    assert found.totals["parameter_bytes"] == 4 * found.totals["params"]


@given(networks)
@settings(deadline=None)
def test_each_input_shape_is_the_output_shape_of_what_it_reads(layers: list[str]) -> None:
    found = inferred(*layers)
    for info in found.layers.values():
        assert info.input_shapes == tuple(map(found.shape, info.node.inputs))


@given(networks)
@settings(deadline=None)
def test_to_infer_changes_nothing(layers: list[str]) -> None:
    graph = inferred(*layers).graph
    assert infer(graph).layers == infer(graph).layers


@given(networks, networks)
@settings(deadline=None)
def test_later_layers_do_not_change_earlier_ones(above: list[str], below: list[str]) -> None:
    alone, together = inferred(*above), inferred(*above, *below)
    for name, info in alone.layers.items():
        assert together.layers[name].stats == info.stats
        assert together.layers[name].receptive_field == info.receptive_field


def field(*layers: str, input: str = "1x28x28", of: str = "input") -> list[tuple[int, str, int]]:
    """(size, stride, offset) per axis of the last layer's units."""
    seen = list(inferred(*layers, input=input).layers.values())[-1].receptive_field[of]
    return [(axis.size, str(axis.stride), axis.offset) for axis in seen.axes]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["conv: {filters: 1, kernel: 5}", "maxpool: 2", "conv: {filters: 1, kernel: 5}", "maxpool: 2"], (16, "4", 0)),
        (["conv: {filters: 1, kernel: 3, padding: 1}"] * 3, (7, "1", -3)),
        (["conv: {filters: 1, kernel: 3, dilation: 2}", "conv: {filters: 1, kernel: 3, dilation: 4}"], (13, "1", 0)),
        (["upsample: 2", "conv: {filters: 1, kernel: 3}"], (2, "1/2", 0)),
        (["upsample: 2", "maxpool: 2"], (1, "1", 0)),
        (["pad: 2", "identity"], (1, "1", -2)),
        (["global_avgpool"], (28, "0", 0)),
        (["layernorm", "conv: {filters: 1, kernel: 3}"], (28, "0", 0)),
        (["residual: [conv: {filters: 1, kernel: 3, padding: 1}]"], (3, "1", -1)),
    ],
)
def test_receptive_fields(layers: list[str], expected: tuple[int, str, int]) -> None:
    assert field(*layers) == [expected, expected]


STRIDE_2 = (
    "parallel: {branches: [[conv: {filters: 1, kernel: 3, stride: 2, padding: %s}], [maxpool: {kernel: 1, stride: 2}]]}"
)


@pytest.mark.parametrize(
    ("layer", "aligned"),
    [
        ("residual: [conv: {filters: 1, kernel: 3, padding: 1}]", True),
        ("residual: [conv: {filters: 1, kernel: 2, padding: same}]", False),
        ("parallel: {branches: [[maxpool: 2, upsample: 2], []]}", False),
        ("parallel: {branches: [[maxpool: 2], [avgpool: 2]]}", True),
        (STRIDE_2 % "[[0, 2], [0, 2]]", False),
        (STRIDE_2 % "1", True),
    ],
)
def test_paths_are_aligned_where_their_centres_and_strides_agree(layer: str, aligned: bool) -> None:
    last = list(inferred(layer).layers.values())[-1]
    assert last.receptive_field["input"].aligned is aligned


def test_each_input_has_its_own_field() -> None:
    text = (
        "inputs: {rgb: 3x16x16, flow: 2x16x16}\nlayers:\n"
        "  - conv: {from: rgb, filters: 4, kernel: 3, padding: 1}\n"
        "  - conv: {from: flow, filters: 4, kernel: 5, padding: 2}\n"
        "  - add: [conv1, conv2]\n"
    )
    found = loaded(text).inferred.layers
    assert list(found["conv1"].receptive_field) == ["rgb"]
    sizes = {name: [axis.size for axis in seen.axes] for name, seen in found["add1"].receptive_field.items()}
    assert sizes == {"rgb": [3, 3], "flow": [5, 5]}


@pytest.mark.parametrize(
    ("layer", "input", "note"),
    [
        ("maxpool: 2", "1x7x8", "drops 1 row"),
        ("maxpool: 2", "1x8x7", "drops 1 column"),
        ("maxpool: 3", "1x8x8", "drops 2 rows and 2 columns"),
        ("maxpool: 2", "1x7", "drops 1 column"),
        ("maxpool: 2", "1x7x8x9", "drops 1 slice and 1 column"),
        ("conv: {filters: 1, kernel: 3, stride: 2, padding: 1}", "1x8x8", ""),  # a row and a column of the padding
        ("conv: {filters: 1, kernel: 3, stride: 3, padding: 1}", "1x9x10", "drops 1 row"),
        (
            "conv: {filters: 1, kernel: 3, stride: 2, padding: 0, dilation: 2}",
            "1x9x8",
            "drops 1 of every 2 rows and columns",
        ),
        ("conv: {filters: 1, kernel: [1, 3], stride: 2}", "1x8x8", "drops 1 of every 2 rows and 1 column"),
        ("conv: {filters: 1, kernel: 1, stride: 3}", "1xHxW", "drops 2 of every 3 rows and columns"),
        ("conv: {filters: 1, kernel: 3, stride: 2, padding: 1}", "1xHxW", ""),
        ("maxpool: 2", "1xHx8", "drops rows or columns unless H mod 2 = 0"),
        (
            "conv: {filters: 1, kernel: 3, stride: 3, padding: 1}",
            "1xHx7",
            "drops rows or columns unless H mod 3 = 1 or 2",
        ),
        ("maxpool: {kernel: 3, stride: 2, padding: 1, rounding: ceil}", "1x8x8", ""),
        ("maxpool: {kernel: 2, rounding: ceil}", "1x7x7", ""),
    ],
)
def test_a_layer_that_drops_rows_or_columns_has_a_note(layer: str, input: str, note: str) -> None:
    (info,) = loaded(network(layer, input=input), symbolic_sizes=True).inferred.layers.values()
    assert info.stats.notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("layers", "output"),
    [
        (["pad: 2000000000"], "1x4000000028x4000000028"),
        (["upsample: {size: [2147483647, 2]}", "flatten"], "4294967294"),
        (["conv: {filters: 1, kernel: 1, padding: [[2147483647, 0], [0, 0]]}"], "1x2147483675x28"),
    ],
)
def test_sizes_end_below_2_to_the_31(layers: list[str], output: str) -> None:
    (problem,) = refusal(network(*layers)).problems
    assert (problem.message, problem.hint) == (f"its output would be {output}", "sizes go up to 2147483647 (2^31 - 1)")


def test_huge_windows_and_patterns_cost_no_memory() -> None:
    for layer in ("adaptive_avgpool: 2000000000", "upsample: {size: 2147483647, mode: linear}"):
        (info,) = inferred(layer, input="1x7x7").layers.values()
        assert all(len(axis.first) <= 1024 for axis in info.receptive_field["input"].axes)


def test_the_way_to_a_mistake_shows_shapes_where_they_change_and_leaves_the_middle_out() -> None:
    layers = ["conv: {filters: 2, kernel: 3}", "relu"] * 6
    (problem,) = refusal(network(*layers, "maxpool: 99")).problems
    assert problem.way == "input 1x28x28 -> conv1 2x26x26 -> conv2 2x24x24 -> … -> conv6 2x16x16"


def test_layers_after_a_shape_error_are_left_out_and_the_others_are_inferred() -> None:
    text = network("relu", "conv: {filters: 1, kernel: 3}", "tanh: {from: relu1}")
    graph = loaded(text).graph
    bad = graph._replace(nodes=(graph.nodes[0], graph.nodes[1]._replace(inputs=("input",)), *graph.nodes[2:]))
    bad = bad._replace(inputs=(bad.inputs[0]._replace(shape=(1, 2, 2)),))
    found, problems = infer_all(bad)
    assert list(found.layers) == ["relu1", "tanh1"]
    assert [problem.layer for problem in problems] == ["conv1"]
