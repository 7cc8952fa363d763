"""Lists of layers as written: their items, the names given in them, and what each ``when`` chooses."""

from __future__ import annotations

from typing import NamedTuple

from cnncli.errors import CnnError
from cnncli.language.blocks import COMPOSITES
from cnncli.language.entries import Entry, fail_missing
from cnncli.language.expressions import Env
from cnncli.language.reading import NAME_LIMIT, Reading, ReportedError, is_name, is_nothing, name_hint
from cnncli.language.source import Mapping, Scalar, Sequence, Value
from cnncli.layers.fields import shown

LAYER_LIMIT = 100_000
STEP_LIMIT = 10 * LAYER_LIMIT  # entries and repeats processed, so that repeats of nothing end
NO_LAYER = ("a layer is a type, or type: value", "write - relu, or - linear: 120")


class LayerList(NamedTuple):
    """A list of layers in which each ``when`` is decided. ``given`` holds names by position, ``names`` their places."""

    entries: list[Entry]
    given: dict[int, str]
    names: dict[str, Value]


class ListReader:
    """Reads lists of layers, and counts how many entries are processed."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.steps = 0
        self._known: dict[int, LayerList] = {}

    def read(self, layers: Sequence, env: Env) -> LayerList:
        """The entries of a list and their names; a list without expressions is read once."""
        known = self._known.get(id(layers))
        if known is not None:
            self.count(layers, len(known.entries))
            return known
        entries: list[Entry] = []
        self._choose(layers, env, entries)
        given: dict[int, str] = {}
        first: dict[str, Value] = {}
        for position, entry in enumerate(entries):
            node = entry.field("name")
            if node is not None:
                name = self._given_name(node, env, first)
                if name:
                    given[position] = name
        layer_list = LayerList(entries, given, first)
        if not layers.dynamic:
            self._known[id(layers)] = layer_list
        return layer_list

    def _given_name(self, node: Value, env: Env, first: dict[str, Value]) -> str:
        try:
            name = self.reading.text(node, env, "name")
        except ReportedError:
            return ""
        if not is_name(name):
            self.reading.report(node, f"{name!r} is not a name", name_hint(name))
            return ""
        if name in first:
            line = first[name].line + 1
            self.reading.report(node, f"the name {name!r} is taken (line {line})", "names are unique in a scope")
            return ""
        first[name] = node
        return name

    def _choose(self, layers: Sequence, env: Env, entries: list[Entry]) -> None:
        """The entries of a list, with each ``when`` replaced by what it chooses."""
        self.count(layers, len(layers.items))
        for item in layers.items:
            try:
                entry = self._entry(item, env)
                if entry.kind != "when":
                    entries.append(entry)
                    continue
                chosen = self._when(entry, env)
            except ReportedError:
                entries.append(Entry("", item, None))
                continue
            if chosen is not None:
                self._choose(chosen, env, entries)

    def _entry(self, item: Value, env: Env) -> Entry:
        if isinstance(item, Scalar):
            return Entry(self._kind(item, env), item, None)
        if not isinstance(item, Mapping) or not item.entries:
            self.reading.fail(item, *NO_LAYER)
        if len(item.entries) > 1:
            kind, other = list(item.keys)[:2]
            hint = f"indent the fields of {kind} further, or put them in braces: - {kind}: {{{other}: …}}"
            times = item.entries[kind]
            if kind == "repeat" and isinstance(times, Scalar) and times.text:
                hint = f"write - repeat: {{times: {times.text[:NAME_LIMIT]}, layers: [ … ]}}"
            self.reading.fail(item.keys[other], f"{kind} and {other} are in one list item", hint)
        ((kind, body),) = item.entries.items()
        key = item.keys[kind]
        return Entry(self._kind(key, env), key, body)

    def _kind(self, node: Value, env: Env) -> str:
        kind = self.reading.text(node, env, "a layer type")
        if not kind:
            self.reading.fail(node, *NO_LAYER)
        return kind

    def _when(self, entry: Entry, env: Env) -> Sequence | None:
        hint = "write when: {test: $project, layers: [ … ], otherwise: [ … ]}"
        body = self.reading.mapping(entry.body or entry.at, "when", hint)
        self.reading.known_keys(body, COMPOSITES["when"].known, "when")
        missing = [key for key in COMPOSITES["when"].required if key not in body.entries]
        if missing:
            fail_missing(self.reading, entry, missing, "")
        test = self.reading.value(body.entries["test"], env)
        if not isinstance(test, bool):
            self.reading.fail(body.entries["test"], f"a test is true or false, not {shown(test)}", "compare: $n > 0")
        chosen = body.entries.get("layers" if test else "otherwise")
        return None if is_nothing(chosen) else self.list_of(chosen, "when")

    def list_of(self, node: Value | None, what: str) -> Sequence:
        """A list of layers. Raises ReportedError."""
        if not isinstance(node, Sequence):
            self.reading.fail(
                node or (0, 0), f"{what} takes a list of layers", "write [conv: …, relu], or one - per line"
            )
        return node

    def count(self, at: Value, count: int) -> None:
        """Count entries of the expansion. Raises CnnError past the limit."""
        self.steps += count + 1
        if self.steps > STEP_LIMIT:
            raise self.too_many(at)

    def too_many(self, at: Value) -> CnnError:
        """The error for more layers than the limit."""
        message = f"the network has more than {LAYER_LIMIT:,} layers after expansion (the limit)"
        return self.reading.source.error(at, message, "repeat fewer times")
