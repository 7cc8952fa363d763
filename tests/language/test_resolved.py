"""A text with its overrides put in reads as the network that they gave."""

from __future__ import annotations

import pytest

from cnncli.language import Source, read
from cnncli.language.resolved import resolved_text

NET = """\
# a comment that stays
input: {input}   # and this one
variables: {variables}
layers:
  - conv: {{filters: $a, kernel: 1}}
  - conv: {{filters: $b, kernel: 1}}
"""
VARIABLES = ["{a: 3, b: $a * 2}", "{a: '3', b: 2}", "\n  a: 3   # three\n  b: 2", "{a: , b: 2}", "{b: 2, a: [3]}"]


@pytest.mark.parametrize("variables", VARIABLES)
@pytest.mark.parametrize("shape", ["1x8x8", "[1, 8, 8]", '"1x8x8"'])
def test_the_resolved_text_needs_no_overrides(variables: str, shape: str) -> None:
    source = Source("net.yaml", NET.format(input=shape, variables=variables))
    text = resolved_text(source, {"a": "5"}, {"": "2x9x9"})
    assert text is not None and "# a comment that stays" in text and "# and this one" in text
    graph = read(Source("net.yaml", text)).graph
    assert graph.inputs[0].shape == (2, 9, 9)
    assert [node.layer for node in graph.nodes] == [
        node.layer for node in read(source, {"a": "5"}, {"": "2x9x9"}).graph.nodes
    ]


def test_without_overrides_the_text_stays_as_it_is() -> None:
    source = Source("net.yaml", NET.format(input="1x8x8", variables="{a: 3, b: 2}"))
    assert resolved_text(source, {}, {}) == source.text


def test_several_inputs_are_replaced_by_name() -> None:
    text = "inputs: {x: 1x4x4, y: 1x4x4}\nlayers: [add: [x, y]]\n"
    resolved = resolved_text(Source("net.yaml", text), {}, {"x": "1x5x5", "y": "1x5x5"})
    assert resolved == text.replace("1x4x4", "1x5x5")


def test_a_value_that_an_alias_repeats_is_not_put_in() -> None:
    source = Source("net.yaml", NET.format(input="1x8x8", variables="{a: &n 3, b: *n}"))
    assert resolved_text(source, {"b": "5"}, {}) is None
