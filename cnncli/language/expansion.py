"""Layers as written -> nodes: composites and blocks are expanded, layers named, and references resolved."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingType
from itertools import islice
from typing import NamedTuple, NoReturn

from cnncli.arithmetic.shape import Shape
from cnncli.errors import Place, closest
from cnncli.graph import Group, Node, Origin
from cnncli.language.aliases import kind_meant
from cnncli.language.blocks import SHARE, Block
from cnncli.language.entries import Entry, LayerReader, report_unknown_kind
from cnncli.language.expressions import Env
from cnncli.language.layer_lists import LAYER_LIMIT, ListReader
from cnncli.language.reading import NAME_LIMIT, Reading, ReportedError, is_nothing
from cnncli.language.source import Mapping, Sequence, Value
from cnncli.layers import KINDS, Layer, ShapeError, Shapes

SCOPE_LIMIT = 32  # composites and blocks in one another
SEARCHED = 300  # names looked through for a misspelling


class UnreadableLayer(Layer):
    """Replaces a layer that could not be read, so that layers that depend on it report nothing."""

    def output_shape(self, inputs: Shapes) -> Shape:
        raise ShapeError("")


UNREADABLE = UnreadableLayer()


class Scope:
    """Names of one level: the network itself, a block, a branch, a repeat. ``prefix`` is its path with a dot."""

    __slots__ = ("counts", "prefix", "taken")

    def __init__(self, prefix: str, taken: set[str]) -> None:
        self.prefix = prefix
        self.taken = taken
        self.counts: dict[str, int] = {}

    def number(self, kind: str, name: str) -> str:
        """The name of the next layer of a type: the given one, or the type with its number, skipping taken names."""
        count = self.counts.get(kind, 0) + 1
        while not name and f"{kind}{count}" in self.taken:
            count += 1
        self.counts[kind] = count
        if not name:
            name = f"{kind}{count}"
            self.taken.add(name)
        return name


class Call(NamedTuple):
    """One use of a composite: its ``name`` if given, the ``path`` of its scope, and the layer that it reads."""

    entry: Entry
    name: str
    path: str
    env: Env
    scope: Scope
    previous: str | None


Expand = Callable[["Expansion", Call], str | None]


class Expansion:
    """Collects the nodes and groups of one file. ``composites`` expands each kind of composite."""

    def __init__(
        self,
        reading: Reading,
        blocks: dict[str, Block],
        defaults: dict[str, Mapping],
        env: Env,
        inputs: list[str],
        composites: dict[str, Expand],
    ) -> None:
        self.reading = reading
        self.blocks = blocks
        self.defaults = defaults
        self.top = env
        self.composites = composites
        self.lists = ListReader(reading)
        self.layer_reader = LayerReader(reading, defaults, env)
        self.nodes: list[Node] = []
        self.groups: list[Group] = []
        self.outputs: dict[str, str] = {name: name for name in inputs}  # dotted path -> its node
        self.owners: dict[str, str] = {}  # layers that use another layer's weights, and that layer
        self.inputs = inputs
        self.depth = 0

    # Lists of layers ----------------------------------------------------------------------------------------------

    def expand(
        self, layers: Sequence, env: Env, prefix: str, previous: str | None, reserved: MappingType[str, str] = {}
    ) -> str | None:
        """Add the layers of a list after ``previous``; the name of the last output (``previous`` for an empty list).

        ``reserved`` are names that are taken, and by what.
        """
        listed = self.lists.read(layers, env)
        for name in reserved:
            if name in listed.names:
                by = reserved[name]
                self.reading.report(listed.names[name], f"the name {name!r} is taken by {by}", "choose another name")
        scope = Scope(prefix, {*listed.names, *reserved})
        for position, entry in enumerate(listed.entries):
            previous = self._add(entry, listed.given.get(position, ""), env, scope, previous)
        return previous

    # One entry ----------------------------------------------------------------------------------------------------

    def _add(self, entry: Entry, name: str, env: Env, scope: Scope, previous: str | None) -> str | None:
        kind = entry.kind
        if kind in KINDS:
            return self._layer(entry, name, env, scope, previous)
        if not kind:  # could not be read
            return self._append(scope.prefix + scope.number("unreadable", name), UNREADABLE, (), None)
        composite = self.composites.get(kind)
        if composite is None:
            known = [*KINDS, *self.composites, "when"]
            report_unknown_kind(self.reading, entry, known)
            meant = (
                kind_meant(kind, known) or "unreadable"
            )  # numbered as the layer that was meant, so that uses of its name are valid
            return self._append(scope.prefix + scope.number(meant, name), UNREADABLE, (), None)
        return self._composite(composite, entry, name, env, scope, previous)

    def _composite(
        self, expand: Expand, entry: Entry, name: str, env: Env, scope: Scope, previous: str | None
    ) -> str | None:
        path = scope.prefix + scope.number(entry.kind, name)
        self.depth += 1
        if self.depth > SCOPE_LIMIT:
            message = f"blocks and composites are nested deeper than {SCOPE_LIMIT} levels (the limit)"
            raise self.reading.source.error(entry.at, message, "write the layers one after the other")
        try:
            source = previous
            if entry.field("from") is not None:
                source = self._sources(entry, env, scope, previous, path, merges=False)[0]
            result = expand(self, Call(entry, name, path, env, scope, source))
        except ReportedError:
            return self._append(path, UNREADABLE, (), None)
        finally:
            self.depth -= 1
        if result is not None:
            self.outputs.setdefault(path, result)
        return result

    def join(self, call: Call, kind: str, ends: list[str | None]) -> str:
        """The layer that joins the paths of a composite; named after it, or numbered like any layer."""
        full = call.scope.prefix + call.scope.number(kind, call.name)
        joined = [end for end in ends if end is not None]
        if len(joined) < len(ends):
            self._which_input(call.entry, full)
        return self._append(full, KINDS[kind](), tuple(joined), self._origin(call.entry))

    def group(self, name: str, kind: str, first: int) -> None:
        """Close a composite: its nodes are those from ``first`` on."""
        self.groups.append(Group(name, kind, first, len(self.nodes)))

    def _append(self, name: str, layer: Layer, inputs: tuple[str, ...], origin: Origin | None, shares: str = "") -> str:
        self.nodes.append(Node(name, layer, inputs, origin, shares))
        if shares:
            self.owners[name] = shares
        self.outputs[name] = name
        return name

    def _layer(self, entry: Entry, name: str, env: Env, scope: Scope, previous: str | None) -> str:
        full = scope.prefix + scope.number(entry.kind, name)
        if len(self.nodes) >= LAYER_LIMIT:
            raise self.lists.too_many(entry.at)
        try:
            layer = self.layer_reader.read(entry, env, full)
            inputs = self._sources(entry, env, scope, previous, full, KINDS[entry.kind].merges)
            shares = self._owner(entry, env, scope, full)
        except ReportedError:
            return self._append(full, UNREADABLE, (), None)
        return self._append(full, layer, inputs, self._origin(entry), shares)

    def _origin(self, entry: Entry) -> Origin:
        source, at, body = self.reading.source, entry.at, entry.body

        def origin(field: str) -> Place:
            return source.place(body.keys.get(field, at) if isinstance(body, Mapping) else at)

        return origin

    # References ---------------------------------------------------------------------------------------------------

    def _sources(
        self, entry: Entry, env: Env, scope: Scope, previous: str | None, full: str, merges: bool
    ) -> tuple[str, ...]:
        """The nodes that an entry takes as inputs. Raises ReportedError."""
        node = entry.field("from")
        if node is None and merges and not isinstance(entry.body, Mapping) and not is_nothing(entry.body):
            node = entry.body
        if node is None and not merges:
            if previous is None:
                self._which_input(entry, full)
            return (previous,)
        if node is None:
            self.reading.fail(entry.at, "missing required field: from", f"write {entry.kind}: [name, name]", full)
        items = node.items if isinstance(node, Sequence) else [node]
        sources = tuple(self._look_up(item, env, scope, full) for item in items)
        if not merges and len(sources) != 1:
            kinds = "add, multiply and concat join several"
            self.reading.fail(node, f"{entry.kind} reads one input, not {len(sources)}", kinds, full)
        if merges and len(sources) < KINDS[entry.kind].min_inputs:
            hint = f"write {entry.kind}: [name, name]"
            self.reading.fail(node, f"{entry.kind} joins at least two inputs", hint, full)
        return sources

    def _owner(self, entry: Entry, env: Env, scope: Scope, full: str) -> str:
        """The layer with the weights that this one uses; "" where it has its own. Raises ReportedError."""
        node = entry.field(SHARE)
        if node is None or is_nothing(node):
            return ""
        found = self._look_up(node, env, scope, full)
        return self.owners.get(found, found)

    def _look_up(self, node: Value, env: Env, scope: Scope, full: str) -> str:
        """The node of a name, searched in the layer's own scope first, then outwards."""
        name = self.reading.text(node, env, "from", full)
        inside = scope.prefix
        while inside and inside + name not in self.outputs:
            inside = inside[: inside.rfind(".", 0, -1) + 1]
        found = self.outputs.get(inside + name)
        if found is None:
            self._unknown_name(node, name, scope, full)
        return found

    def _unknown_name(self, node: Value, name: str, scope: Scope, full: str) -> NoReturn:
        lately = [path.removeprefix(scope.prefix) for path in islice(reversed(self.outputs), SEARCHED)]
        near = closest(name[:NAME_LIMIT], lately)
        visible = [path for path in lately if "." not in path][:8]
        hint = f"did you mean {near}?" if near else f"the earlier layers are {', '.join(visible[::-1])}"
        self.reading.fail(node, f"no earlier layer {name!r}", hint, full)

    def _which_input(self, entry: Entry, full: str) -> NoReturn:
        names = " or ".join(self.inputs)
        self.reading.fail(entry.at, "the network has several inputs; name one of them", f"write from: {names}", full)
