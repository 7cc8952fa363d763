"""A file with variants stands for several networks, each with values of its own."""

from __future__ import annotations

import pytest

from cnncli.bundled import bundled
from cnncli.errors import CnnError
from cnncli.language import Source, read
from cnncli.language.resolved import resolved_text
from cnncli.loading import find, load

NET = """\
name: Net
source: Somebody
input: [1, $size, $size]
variables: {width: 4, size: 8, double: $width * 2}
variants:
  small: {}
  large: {name: Large net, width: 16, size: 12}
layers: [conv: {filters: $double, kernel: 1}]
"""


def test_a_variant_s_values_replace_the_variables_and_an_override_replaces_both() -> None:
    source = Source("net.yaml", NET)
    for chosen, name, filters, size in (("small", "Net", 8, 8), ("large", "Large net", 32, 12)):
        graph = read(source, {"variant": chosen}).graph
        assert (graph.name, graph.nodes[0].layer.filters, graph.inputs[0].shape) == (name, filters, (1, size, size))
    graph = read(source, {"variant": "large", "width": "5"}).graph
    assert (graph.nodes[0].layer.filters, graph.source) == (10, "Somebody")


@pytest.mark.parametrize("chosen", ["small", "large"])
def test_the_resolved_text_needs_no_variant(chosen: str) -> None:
    source = Source("net.yaml", NET)
    text = resolved_text(source, {"variant": chosen, "size": "10"}, {})
    assert text is not None
    resolved, graph = read(Source("net.yaml", text)).graph, read(source, {"variant": chosen, "size": "10"}).graph
    assert (resolved.name, resolved.inputs) == (graph.name, graph.inputs)
    assert [node.layer for node in resolved.nodes] == [node.layer for node in graph.nodes]


def test_an_unknown_variant_is_answered_with_the_nearest() -> None:
    with pytest.raises(CnnError) as refused:
        read(Source("net.yaml", NET), {"variant": "lage"})
    assert str(refused.value) == ("--set variant=lage: the architecture has no such variant\n  did you mean large?")


def test_a_variant_names_variables_only() -> None:
    (problem,) = read(Source("net.yaml", NET.replace("width: 16", "widht: 16"))).problems
    assert (problem.message, problem.hint) == ("the variant large has no key 'widht'", "did you mean width?")


def test_a_variable_called_variant_is_a_variable() -> None:
    text = "input: 1x4x4\nvariables: {variant: 3}\nlayers: [conv: {filters: $variant, kernel: 1}]\n"
    assert read(Source("net.yaml", text), {"variant": "5"}).graph.nodes[0].layer.filters == 5


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_name_finds_its_file_and_its_variant(name: str) -> None:
    _, variant = find(name)
    assert variant in ({}, {"variant": name.rpartition("/")[2]})


def test_variants_differ() -> None:
    totals = {name: load(name).inferred.totals["params"] for name in ("resnet50", "resnet101", "wide_resnet50_2")}
    assert len({*totals.values()}) == 3
