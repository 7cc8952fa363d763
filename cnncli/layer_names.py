"""Finds layers by what a user calls them: their names, composites, and types with a number (``conv2``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncli.errors import CnnError, closest, counted, shortened
from cnncli.graph import Graph, Node

SEARCHED = 5000  # layer names that are searched for a misspelling
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBERED = re.compile(r"([A-Za-z][A-Za-z_]*?(?:[123][dD])?)[_-]?([0-9]{1,6})")  # conv2, fc_1, Conv2d_3
# What people call groups of layer types.
COLLECTIVE = {
    **dict.fromkeys(("pool", "pooling"), ("pooling layer", "pool")),
    **dict.fromkeys(("norm", "normalization"), ("normalization layer", "norm")),
    **dict.fromkeys(("act", "activation", "nonlinearity"), ("activation layer", "activation")),
    **dict.fromkeys(("layer", "l"), ("layer", "")),
}
COLLECTIVE_NOUNS = tuple(noun for noun, _ in COLLECTIVE.values())


def output_layer(graph: Graph, name: str) -> str:
    """The layer that ``name`` names, or the last one of the composite of that name, which gives its output.

    Raises CnnError for an unknown name.
    """
    if any(node.name == name for node in graph.nodes):
        return name
    inside = _inside(graph, name)
    if not inside:
        raise unknown_layer(graph, name)
    return inside[-1].name


def unknown_layer(graph: Graph, name: str) -> CnnError:
    """The error for a name that no layer has; its hint is the name that was probably meant."""
    return CnnError(f"{shortened(name)}: the network has no such layer", _hint(graph, name[:200]))


def _inside(graph: Graph, composite: str) -> Sequence[Node]:
    """The layers of a composite; none if there is no composite of that name."""
    for group in graph.groups:
        if group.name == composite:
            return graph.nodes[group.first : group.last]
    return [node for node in graph.nodes if node.name.startswith(f"{composite}.")] if composite else []


def _hint(graph: Graph, name: str) -> str:
    if any(entry.name == name for entry in graph.inputs):
        return f"{name} is an input of the network: name a layer"
    if name in ("output", "last"):
        return f"the last layer is called {graph.outputs[-1]}"
    inside = _inside(graph, name)
    if inside:
        return f"{name} is a composite; its output is that of {inside[-1].name}"
    if any(group.name == name for group in graph.groups):
        return f"{name} is an identity: it has no layers"
    ending = [node.name for node in graph.nodes if node.name.endswith(f".{name}")]
    if ending:
        return f"use {ending[0]}" if len(ending) == 1 else f"the first of that name is {ending[0]}"
    return _by_number(graph, *_split(name)) or _similar(graph, name)


def _similar(graph: Graph, name: str) -> str:
    near = closest(name, [node.name for node in graph.nodes[:SEARCHED]])
    return f"did you mean {near}?" if near else "cnn summarize shows the names"


def _by_number(graph: Graph, scope: str, word: str) -> str:
    """``its first conv is called c1`` for conv1, among those in the composite ``scope`` if it is given.

    "" for a word that is no type with a number.
    """
    if scope and not _inside(graph, scope):
        return _by_number(graph, *_split(scope))
    match = _NUMBERED.fullmatch(word)
    what, names = _of_type(graph, scope, match[1]) if match is not None else ("", [])
    if match is None or not what:
        return ""
    number = int(match[2])
    owner = scope or "the network"
    if not names:
        return f"{owner} has no {what}"
    if not 1 <= number <= len(names):
        return f"{owner} has {counted(len(names), what)}; the last is called {names[-1]}"
    what = what if what in COLLECTIVE_NOUNS else what.removesuffix(" layer")
    described = f"{ORDINALS[number - 1]} {what}" if number <= len(ORDINALS) else f"{what} number {number}"
    return f"{f'the {described} in {scope}' if scope else f'its {described}'} is called {names[number - 1]}"


def _split(name: str) -> tuple[str, str]:
    scope, _, last = name.rpartition(".")
    return scope, last


def _of_type(graph: Graph, scope: str, word: str) -> tuple[str, list[str]]:
    """The layer type, group of types or type of composite that a word names, and all of that type; "" if none."""
    from cnncli.language.aliases import kind_named

    nodes = _inside(graph, scope) if scope else graph.nodes
    what, part = COLLECTIVE.get(word.lower().removesuffix("2d"), ("", ""))
    if what:
        return what, [node.name for node in nodes if part in _family(node)]
    kind = kind_named(word)
    if kind is not None:
        return f"{kind} layer", [node.name for node in nodes if node.layer.kind == kind]
    inside = [group for group in graph.groups if group.kind == word and group.name.startswith(scope)]
    return (f"{word} composite", [group.name for group in inside]) if inside else ("", [])


def _family(node: Node) -> str:
    """The module of a layer's type, which is its family: activation, conv, norm, pool, …"""
    return type(node.layer).__module__.rpartition(".")[2]
