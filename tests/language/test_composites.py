"""Residual, parallel, repeat, when: what they become."""

from __future__ import annotations

import pytest
from texts import graph, loaded, messages, names, network, refusal, wires


def test_an_empty_branch_passes_its_input_on() -> None:
    for empty in ("[]", "~", ""):
        found = wires("relu", f"parallel: {{branches: [[tanh], {empty}, [relu]]}}" if empty else
                      "parallel: {branches: {a: [tanh], b: , c: [relu]}}")  # fmt: skip
        assert found["concat1"][1] == "relu1"
    assert wires("relu", "residual: {layers: []}")["add1"] == ("relu1", "relu1")
    assert wires("relu", "repeat: {times: 0, layers: [tanh]}", "tanh")["tanh1"] == ("relu1",)


@pytest.mark.parametrize("merge", ["concat", "add", "multiply"])
def test_branches_are_merged_as_asked(merge: str) -> None:
    found = graph(f"parallel: {{branches: [[relu], [relu]], merge: {merge}}}")
    assert found.nodes[-1].layer.kind == merge


def test_from_moves_a_composite() -> None:
    found = wires("relu", "tanh", "residual: {from: relu1, layers: [tanh]}")
    assert found["residual1.tanh1"] == ("relu1",)
    assert found["add1"] == ("residual1.tanh1", "relu1")


def test_repeat_gives_each_round_its_number() -> None:
    found = loaded(network("repeat: {times: 3, index: i, layers: [conv: {filters: 2 ** $i, kernel: 1}]}"))
    assert [info.stats.output_shape[0] for info in found.inferred.layers.values()] == [1, 2, 4]


def test_the_index_of_the_inner_round_hides_the_outer() -> None:
    inner = "repeat: {times: 2, index: i, layers: [conv: {filters: $i + 1, kernel: 1}]}"
    found = graph(f"repeat: {{times: 2, index: i, layers: [{inner}]}}")
    assert [vars(node.layer)["filters"] for node in found.nodes] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("test", "expected"),
    [("true", ["relu1"]), ("false", ["tanh1"]), ("$n > 3", ["relu1"]), ("$n > 3 and not true", ["tanh1"])],
)
def test_when_chooses_while_the_file_is_read(test: str, expected: list[str]) -> None:
    layer = f"when: {{test: {test}, layers: [relu], otherwise: [tanh]}}"
    assert names(layer, above="variables: {n: 4}\n") == expected


def test_when_opens_no_scope_and_may_choose_nothing() -> None:
    assert names("relu", "when: {test: true, layers: [relu: {name: q}, relu]}", "relu: {from: q}") == [
        "relu1", "q", "relu3", "relu4"
    ]  # fmt: skip
    assert names("relu", "when: {test: false, layers: [tanh]}", "relu") == ["relu1", "relu2"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("residual", "residual must be a mapping (name: value)"),
        ("residual: {shortcut: [relu]}", "missing required field: layers"),
        ("residual: {layers: relu}", "residual takes a list of layers"),
        ("residual: {layers: [relu], shotcut: []}", "residual has no key 'shotcut'"),
        ("parallel: {branches: []}", "parallel needs at least one branch"),
        ("parallel: {branches: [relu]}", "a branch takes a list of layers"),
        ("parallel: {branches: {a.b: [relu]}}", "'a.b' is not a name"),
        ("parallel: {branches: [[relu]], merge: cat}", "branches cannot be merged by 'cat'"),
        ("repeat: {layers: [relu]}", "missing required field: times"),
        ("repeat: {times: -1, layers: [relu]}", "times must be a whole number of at least 0, not -1"),
        ("repeat: {times: 1.5, layers: [relu]}", "times must be a whole number of at least 0, not 1.5"),
        ("repeat: {times: true, layers: [relu]}", "times must be a whole number of at least 0, not true"),
        ("repeat: {times: 2, index: 'a b', layers: [relu]}", "'a b' is not a name"),
        ("when: {layers: [relu]}", "missing required field: test"),
        ("when: {test: 1, layers: [relu]}", "a test is true or false, not 1"),
        ("when: {test: true, layers: relu}", "when takes a list of layers"),
        ("when: {test: true, layers: [], else: []}", "when has no key 'else'"),
        ("when: {test: true, layers: [relu], name: a}", "when has no key 'name'"),
        ("when: {test: true, layers: [relu], from: input}", "when has no key 'from'"),
        ("add: [relu1]", "add joins at least two inputs"),
        ("add", "missing required field: from"),
        ("relu: {from: [relu1, input]}", "relu reads one input, not 2"),
        ("relu: {from: []}", "relu reads one input, not 0"),
        ("[relu]", "a layer is a type, or type: value"),
        ("{}", "a layer is a type, or type: value"),
        ("'': 3", "a layer is a type, or type: value"),
        ("''", "a layer is a type, or type: value"),
        ("", "a layer type must be a word, not nothing"),
    ],
)
def test_what_composites_refuse(layer: str, message: str) -> None:
    assert messages("relu", layer) == [message]


def test_a_mistake_in_a_repeated_layer_is_told_once() -> None:
    assert messages("repeat: {times: 9, index: i, layers: [conv: {filters: $i - 20, kernel: 1}, rleu]}") == [
        "filters must be at least 1, not -20 (from $i - 20)",
        "unknown layer type 'rleu'",
    ]
    assert messages("repeat: {times: 9, layers: [conv: {filters: $missing, kernel: 1}]}") == [
        "the expression '$missing' uses $missing, which is not defined"
    ]


def test_independent_mistakes_are_told_at_once_and_what_follows_from_them_is_not() -> None:
    text = network(
        "conv: {filters: 0, kernel: 3}",
        "conv: {filters: 4, kernel: 99}",
        "linear: 10",
        "parallel: {branches: [[maxpool: 99], [cnov: 3], [relu]]}",
        "conv: {filters: 1, kernel: 99}",
        "relu: {from: nowhere}",
    )
    assert [(problem.place.line if problem.place else 0, problem.message) for problem in refusal(text).problems] == [
        (3, "filters must be at least 1, not 0"),
        (6, "unknown layer type 'cnov'"),
        (8, "no earlier layer 'nowhere'"),
    ]


def test_shapes_that_do_not_fit_are_told_beside_what_cannot_be_read() -> None:
    found = messages("parallel: {branches: [[maxpool: 99], [linear: 3], [conv: {filters: 2, kernel: 3, groups: 5}]]}")
    assert found == [
        "a 99x99 kernel does not fit a 28x28 input with padding 0",
        "linear needs a vector, but its input is a feature map of 1x28x28",
        "5 groups do not divide 1 input channel",
    ]


def test_keys_without_a_value_are_as_if_left_out() -> None:
    assert names("repeat: {times: 2, index: , layers: [relu]}") == ["repeat1.0.relu1", "repeat1.1.relu1"]
    merged = graph("parallel: {merge: , branches: [[relu], [tanh]]}").nodes[-1]
    assert merged.layer == graph("parallel: {branches: [[relu], [tanh]]}").nodes[-1].layer
    assert wires("residual: {shortcut: , layers: [relu]}") == wires("residual: {layers: [relu]}")
