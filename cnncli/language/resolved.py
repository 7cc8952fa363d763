"""A file's text with its overrides inserted: only the values change, not the comments and the layout."""

from __future__ import annotations

from collections.abc import Mapping as MappingType

from cnncli.arithmetic.shape import format_input_shape, read_channels_first
from cnncli.errors import CnnError
from cnncli.graph import Graph
from cnncli.language import read
from cnncli.language.blocks import TEXTS, VARIANT
from cnncli.language.source import Mapping, Source, Value, parse

_Change = tuple[int, int, str]


def resolved_text(source: Source, overrides: MappingType[str, str], inputs: MappingType[str, str]) -> str | None:
    """The text of a network that was read with ``--set`` and ``--input``, such that reading it needs neither.

    None where inserting the values would change more than them (a value that an alias repeats); the caller then keeps
    the overrides beside the text.
    """
    wanted = read(source, overrides, inputs, read_shape=read_channels_first).graph
    spelled_out = {entry.name: format_input_shape(entry.shape) for entry in wanted.inputs}
    for shapes in (inputs, spelled_out):  # written out where a run of an earlier version has 32x32x3 without an @
        text = _with_values(source, overrides, shapes)
        if _reads_as(Source(source.name, text), wanted):
            return text
    return None


def _reads_as(source: Source, wanted: Graph) -> bool:
    try:
        draft = read(source)
    except CnnError:
        return False
    return not draft.problems and _content(draft.graph) == _content(wanted)


def _content(graph: Graph) -> object:
    """The content of a graph, equal for two graphs of the same network: everything but the places in the file."""
    return graph.inputs, [(*node[:3], node.shares) for node in graph.nodes], graph.outputs


def _with_values(source: Source, overrides: MappingType[str, str], inputs: MappingType[str, str]) -> str:
    root = parse(source)
    changes: list[_Change] = []
    if isinstance(root, Mapping):
        variant = _variant_texts(source, root, overrides)
        changes += _changes(source, root.entries.get("variables"), {**variant, **overrides})
        changes += _changes(source, root, {key: variant[key] for key in TEXTS if key in variant})
        several = root.entries.get("inputs")
        if isinstance(several, Mapping):
            names = {(name or next(iter(several.entries))): shape for name, shape in inputs.items()}
            changes += _changes(source, several, names)
        elif inputs:
            changes.append(_change(source, root.entries["input"], next(iter(inputs.values()))))
    text = source.text
    for start, end, value in sorted(changes, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _variant_texts(source: Source, root: Mapping, overrides: MappingType[str, str]) -> dict[str, str]:
    """The texts with which the chosen variant replaces variables (and the name), as written."""
    variants = root.entries.get("variants")
    chosen = variants.entries.get(overrides.get(VARIANT, "")) if isinstance(variants, Mapping) else None
    if not isinstance(chosen, Mapping):
        return {}
    return {name: source.text[value.start : value.end].rstrip() for name, value in chosen.entries.items()}


def _changes(source: Source, node: Value | None, values: MappingType[str, str]) -> list[_Change]:
    if not isinstance(node, Mapping):
        return []
    return [_change(source, node.entries[name], value) for name, value in values.items() if name in node.entries]


def _change(source: Source, node: Value, value: str) -> _Change:
    text = source.text[node.start : node.end]
    end = node.start + len(text.rstrip())
    return (node.start, end, value if text.strip() else f" {value}")
