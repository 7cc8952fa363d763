"""Variables, overrides, defaults and blocks."""

from __future__ import annotations

from typing import Any

import pytest
from texts import graph, loaded, messages, names, network, refusal, wires

BLOCK = "blocks:\n  unit:\n    parameters: {width: , stride: 1, wide: false}\n    layers: [%s]\n"
CONV = BLOCK % "conv: {filters: $width * 2 if $wide else $width, kernel: 1, stride: $stride}"


def first_conv(*layers: str, **options: Any) -> dict[str, Any]:
    return vars(graph(*layers, **options).nodes[0].layer)


def test_variables_use_variables_above_them() -> None:
    above = "variables: {width: 8, wide: $width * 4}\n"
    assert first_conv("conv: {filters: $wide, kernel: 1}", above=above)["filters"] == 32
    text = network("relu", above="variables: {wide: $width * 4, width: 8}\n")
    assert refusal(text).problems[0].message == "the expression '$width * 4' uses $width, which is not defined"


def test_an_override_replaces_a_variable_before_others_use_it() -> None:
    text = network("conv: {filters: $wide, kernel: 1}", above="variables: {width: 8, wide: $width * 4}\n")
    for given, expected in (({"width": "2"}, 8), ({"wide": "5"}, 5), ({"wide": "$width + 1"}, 9), ({}, 32)):
        assert vars(loaded(text, overrides=given).graph.nodes[0].layer)["filters"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"wdith": "1"}, "--set wdith: the architecture has no such variable\n  did you mean width?"),
        ({"x": "1"}, "--set x: the architecture has no such variable\n  its variables are width"),
        (
            {"width": "1 +$"},
            "net.yaml:4:21: conv1: filters must be a whole number, not '1 +$' (from $width)\n"
            "    - conv: {filters: $width, kernel: 1}\n                      ^",
        ),
        (
            {"width": "$y"},
            "--set width:1:1: the expression '$y' uses $y, which is not defined\n    $y\n    ^\n  defined here: none",
        ),
        ({"width": "\udc80"}, "--set width: is not UTF-8 text: character 1 is half of one"),
    ],
)
def test_overrides_that_cannot_be(given: dict[str, str], expected: str) -> None:
    text = network("conv: {filters: $width, kernel: 1}", above="variables: {width: 8}\n")
    assert str(refusal(text, overrides=given)) == expected


def test_what_uses_an_unreadable_variable_is_silent() -> None:
    above = "variables: {a: $b, c: $a + 1}\n"
    assert messages("conv: {filters: $a, kernel: $c}", "maxpool: 99", above=above) == [
        "the expression '$b' uses $b, which is not defined"
    ]


@pytest.mark.parametrize("variables", ["", "~", "{}"])
def test_variables_may_be_none(variables: str) -> None:
    assert names("relu", above=f"variables: {variables}\n") == ["relu1"]


def test_defaults_are_given_to_every_layer_of_a_kind_unless_it_says_otherwise() -> None:
    above = "variables: {b: false}\ndefaults: {conv: {bias: $b, kernel: 3}}\n"
    found = graph("conv: 4", "conv: {filters: 4, bias: true, kernel: 1}", above=above)
    assert [(vars(n.layer)["bias"], vars(n.layer)["kernel"]) for n in found.nodes] == [(False, 3), (True, 1)]


def test_defaults_reach_blocks_and_layers_in_them() -> None:
    above = CONV + "defaults: {unit: {width: 3}, conv: {bias: false}}\n"
    assert first_conv("unit", above=above)["filters"] == 3
    assert first_conv("unit: 5", above=above)["filters"] == 5
    assert first_conv("unit", above=above)["bias"] is False


@pytest.mark.parametrize(
    ("defaults", "expected"),
    [
        ("{cnov: {}}", ["unknown layer type 'cnov'"]),
        ("{conv: {fliters: 3}}", ["conv has no field 'fliters'"]),
        ("{conv: 3}", ["the defaults of conv must be a mapping (name: value)"]),
        ("{conv: {stride: 0}}", ["stride must be at least 1, not 0"]),
        ("[conv]", ["defaults must be a mapping (name: value)"]),
    ],
)
def test_defaults_that_cannot_be(defaults: str, expected: list[str]) -> None:
    layer = "conv: {filters: 1, kernel: 1}"
    assert messages(layer, layer, above=f"defaults: {defaults}\n") == expected


def test_a_mistake_in_defaults_hides_no_other_one() -> None:
    above = "blocks: {b: {layers: 3}}\ndefaults: {b: {x: 1}, cnov: {}, conv: 3, relu: {krenel: 3}, tanh: {krenel: 3}}\n"
    assert messages("relu", above=above) == [
        "the block b needs layers: a list",
        "unknown layer type 'cnov'",
        "the defaults of conv must be a mapping (name: value)",
        "relu has no field 'krenel'",
        "tanh has no field 'krenel'",
    ]


def test_a_block_is_called_as_if_it_were_a_kind() -> None:
    calls = ["unit: {width: 4, stride: 2}", "unit: 3", "unit: {width: 4, wide: true, name: entry}"]
    found = graph(*calls, above=CONV)
    assert [node.name for node in found.nodes] == ["unit1.conv1", "unit2.conv1", "entry.conv1"]
    assert [(vars(n.layer)["filters"], vars(n.layer)["stride"]) for n in found.nodes] == [(4, 2), (3, 1), (8, 1)]


def test_a_parameter_hides_a_variable_only_inside_the_block() -> None:
    above = "variables: {width: 7}\n" + CONV
    found = graph("unit: {width: $width + 1}", "conv: {filters: $width, kernel: 1}", above=above)
    assert [vars(node.layer)["filters"] for node in found.nodes] == [8, 7]


def test_a_default_of_a_parameter_can_use_those_before_it() -> None:
    above = "blocks: {b: {parameters: {n: , m: $n * 2}, layers: [conv: {filters: $m, kernel: 1}]}}\n"
    assert first_conv("b: 3", above=above)["filters"] == 6


def test_blocks_use_blocks_in_any_order() -> None:
    above = "blocks: {a: {layers: [b, b]}, b: {layers: [relu]}}\n"
    assert names("a", above=above) == ["a1.b1.relu1", "a1.b2.relu1"]


def test_names_inside_a_block_are_its_own() -> None:
    above = "blocks: {a: {layers: [relu: {name: q}, tanh: {from: q}]}}\n"
    assert wires("a", "a", "relu: {from: a1.q}", above=above)["a2.tanh1"] == ("a2.q",)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("unit", ["missing required field: width"]),
        ("unit: {stride: 2}", ["missing required field: width"]),
        ("unit: {width: 2, strides: 2}", ["unit has no field 'strides'"]),
        ("unit: {width: 2, wide: 3}", ["the expression '$width * 2 if $wide else $width' uses 3 as true or false"]),
        ("unit: {width: $x}", ["the expression '$x' uses $x, which is not defined"]),
        ("unit: {width: }", ["filters must be a whole number, not nothing (from $width * 2 if $wide else $width)"]),
    ],
)
def test_calls_that_cannot_be(layer: str, expected: list[str]) -> None:
    assert messages(layer, above=CONV) == expected


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ("{a: {layers: [a]}}", ["a block cannot use itself: a -> a"]),
        ("{a: {layers: [b]}, b: {layers: [a]}}", ["a block cannot use itself: a -> b -> a"]),
        ("{a: {layers: [residual: [b]]}, b: {layers: [repeat: {times: 2, layers: [a]}]}}",
         ["a block cannot use itself: a -> b -> a"]),
        ("{a: {layers: 3}}", ["the block a needs layers: a list"]),
        ("{a: 3}", ["the block a must be a mapping (name: value)"]),
        ("{a: {layers: [relu], x: 1}}", ["the block a has no key 'x'"]),
        ("{a: {parameters: {name: 1}, layers: [relu]}}", ["'name' cannot be a parameter"]),
        ("{a: {parameters: 3, layers: [relu]}}", ["the parameters of a must be a mapping (name: value)"]),
        ("{conv: {layers: [relu]}, a: {layers: [relu]}}", ["a block cannot be called conv, which is a layer type"]),
        ("{a b: {layers: [relu]}, a: {layers: [relu]}}", ["'a b' is not a name for a block"]),
    ],
)  # fmt: skip
def test_a_bad_block_is_told_once_and_its_calls_are_silent(blocks: str, expected: list[str]) -> None:
    assert messages("a", "a", above=f"blocks: {blocks}\n") == expected


def test_a_block_may_bear_the_name_of_a_field_or_of_a_layer() -> None:
    above = (
        "blocks: {stride: {layers: [conv: {filters: 3, kernel: 1, stride: 2, name: stride}, relu: {from: stride}]}}\n"
    )
    assert names("stride", above=above) == ["stride1.stride", "stride1.relu1"]


def test_a_block_that_calls_itself_by_an_expression_ends_too() -> None:
    (message,) = messages("a", above="blocks: {a: {parameters: {k: a}, layers: [$k, $k]}}\n")
    assert message == "blocks and composites are nested deeper than 32 levels (the limit)"
