"""Names: numbering, scopes, and what from and outputs can refer to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import graph, loaded, messages, names, network, refusal, wires

CONV = "conv: {filters: 6, kernel: 1"


def test_numbers_count_every_layer_of_the_kind_named_or_not() -> None:
    assert names(CONV + ", name: stem}", CONV + "}", "relu", CONV + "}") == ["stem", "conv2", "relu1", "conv3"]


def test_numbers_skip_names_that_are_taken_above_or_below() -> None:
    assert names(CONV + ", name: conv2}", CONV + "}", CONV + "}") == ["conv2", "conv3", "conv4"]
    assert names("relu", "identity: {name: relu1}", "relu") == ["relu2", "relu1", "relu3"]


@given(st.lists(st.sampled_from(["relu", "tanh", "relu: {name: relu2}", "tanh: {name: relu1}"]), max_size=12))
def test_names_are_unique_however_they_are_given(layers: list[str]) -> None:
    once = list(dict.fromkeys(layer for layer in layers if "name" in layer))
    mixed = [layer for layer in layers if "name" not in layer]
    found = names(*once, *mixed, "relu")
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("residual: [relu]", ["residual1.relu1", "add1"]),
        ("residual: {name: entry, layers: [relu]}", ["entry.relu1", "entry"]),
        ("residual: {layers: [relu], shortcut: [tanh]}", ["residual1.relu1", "residual1.shortcut.tanh1", "add1"]),
        ("parallel: {branches: [[relu], [tanh]]}", ["parallel1.0.relu1", "parallel1.1.tanh1", "concat1"]),
        ("parallel: {branches: {left: [relu], right: [tanh]}, merge: add}",
         ["parallel1.left.relu1", "parallel1.right.tanh1", "add1"]),
        ("repeat: {times: 2, layers: [relu, relu]}",
         ["repeat1.0.relu1", "repeat1.0.relu2", "repeat1.1.relu1", "repeat1.1.relu2"]),
        ("repeat: {times: 2, name: stage2, layers: [relu]}", ["stage2.0.relu1", "stage2.1.relu1"]),
    ],
)  # fmt: skip
def test_composites_open_scopes(layer: str, expected: list[str]) -> None:
    assert names(layer) == expected


def test_a_join_is_numbered_as_any_other_layer_of_its_kind() -> None:
    assert wires("relu", "add: [relu1, input]", "residual: [tanh]", "residual: {layers: [tanh], name: out}") == {
        "relu1": ("input",),
        "add1": ("relu1", "input"),
        "residual1.tanh1": ("add1",),
        "add2": ("residual1.tanh1", "add1"),
        "out.tanh1": ("add2",),
        "out": ("out.tanh1", "add2"),
    }


def test_a_name_means_the_nearest_layer_that_bears_it() -> None:
    found = wires("relu: {name: a}", "residual: {layers: [tanh: {name: a}, relu: {from: a}]}", "relu: {from: a}")
    assert found["residual1.relu1"] == ("residual1.a",)
    assert found["relu2"] == ("a",)


def test_a_name_is_looked_up_outwards_through_every_scope() -> None:
    inner = (
        "repeat: {times: 1, layers: [parallel: {branches: {left: [relu: {name: q}], right: [relu: {from: left.q}]}}]}"
    )
    assert wires(inner)["repeat1.0.parallel1.right.relu1"] == ("repeat1.0.parallel1.left.q",)
    residual = "residual: {layers: [relu: {name: q}], shortcut: [tanh: {from: q}, relu: {from: input}]}"
    found = wires(residual)
    assert found["residual1.shortcut.tanh1"] == ("residual1.q",)
    assert found["residual1.shortcut.relu1"] == ("input",)


def test_dotted_names_reach_into_composites() -> None:
    found = wires(
        "repeat: {times: 3, name: stage2, layers: [relu: {name: conv2}]}",
        "relu: {from: stage2.1.conv2}",
        "relu: {from: stage2.1}",
        "relu: {from: stage2}",
    )
    assert [found[f"relu{n}"] for n in (1, 2, 3)] == [
        ("stage2.1.conv2",), ("stage2.1.conv2",), ("stage2.2.conv2",)
    ]  # fmt: skip


def test_only_what_stands_above_can_be_read() -> None:
    assert messages("relu: {from: relu2}", "relu") == ["no earlier layer 'relu2'"]
    assert messages("relu: {name: a, from: a}") == ["no earlier layer 'a'"]
    assert messages("residual: {name: r, layers: [relu: {from: r}]}") == ["no earlier layer 'r'"]


def test_a_name_is_unique_in_its_scope_only() -> None:
    assert messages("relu: {name: a}", "relu: {name: a}") == ["the name 'a' is taken (line 3)"]
    assert names("relu: {name: a}", "residual: {layers: [relu: {name: a}]}") == ["a", "residual1.a", "add1"]


def test_a_layer_cannot_take_the_name_of_an_input_or_of_a_branch_beside_it() -> None:
    assert messages("relu: {name: input}") == ["the name 'input' is taken by an input"]
    nested = "residual: {layers: [residual: {name: shortcut, layers: [relu]}], shortcut: [relu]}"
    assert messages(nested) == ["the name 'shortcut' is taken by its branch shortcut"]


@pytest.mark.parametrize("name", ["a.b", "a b", "'a-b'", "ä", "''", "a" * 61])
def test_names_are_letters_digits_and_underscores(name: str) -> None:
    (message,) = messages(f"relu: {{name: {name}}}")
    assert message.endswith("is not a name")


def test_a_name_that_looks_like_a_number_is_a_text() -> None:
    assert names("relu: {name: 1e3}", "relu: {from: 1e3, name: 007}") == ["1e3", "007"]


def test_several_inputs_are_read_by_name() -> None:
    text = "inputs: {rgb: 3x8x8, flow: 2x8x8}\nlayers: [relu: {from: rgb}, concat: [relu1, flow]]\n"
    assert [node.inputs for node in loaded(text).graph.nodes] == [("rgb",), ("relu1", "flow")]
    assert str(refusal(text.replace("relu: {from: rgb}", "relu"))).splitlines()[0] == (
        "net.yaml:2:10: relu1: the network has several inputs; name one of them"
    )


def test_the_last_layer_is_the_output_unless_outputs_are_named() -> None:
    assert graph("relu", "tanh").outputs == ("tanh1",)
    named = network("relu", "repeat: {times: 2, layers: [tanh]}") + "outputs: [relu1, repeat1, repeat1.0.tanh1]\n"
    assert loaded(named).graph.outputs == ("relu1", "repeat1.1.tanh1", "repeat1.0.tanh1")
    assert loaded(network("relu", "tanh") + "outputs: relu1\n").graph.outputs == ("relu1",)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ("rleu1", "unknown layer 'rleu1' in outputs"),
        ("[]", "outputs names no layer"),
        ("[relu1, relu1]", "'relu1' is already an output"),
        ("{a: 1}", "expected a value, not a mapping (name: value)"),
    ],
)
def test_outputs_that_are_none(outputs: str, message: str) -> None:
    (problem,) = refusal(network("relu") + f"outputs: {outputs}\n").problems
    assert problem.message == message
