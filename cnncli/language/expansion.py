"""Layers as written -> nodes: composites opened, blocks put in, names given, references looked up."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingType
from itertools import islice
from typing import NamedTuple, NoReturn

from cnncli.arithmetic.shape import Shape
from cnncli.errors import CnnError, Place, closest
from cnncli.graph import Group, Node, Origin
from cnncli.language.aliases import kind_hint, kind_meant
from cnncli.language.blocks import SHARE, Block
from cnncli.language.entries import Entry, LayerReader
from cnncli.language.expressions import Env
from cnncli.language.reading import NAME_HINT, NAME_LIMIT, Reading, ReportedError, is_name, is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Value
from cnncli.layers import KINDS, Layer, ShapeError, Shapes
from cnncli.layers.fields import shown

LAYER_LIMIT = 100_000
STEP_LIMIT = 10 * LAYER_LIMIT  # entries and rounds looked at: bounds repeats of nothing
SCOPE_LIMIT = 32  # composites and blocks in one another
NO_LAYER = ("a layer is a type, or type: value", "write - relu, or - linear: 120")
SEARCHED = 300  # names looked through for a misspelling


class UnreadableLayer(Layer):
    """Stands in for a layer that could not be read, so that what follows from it stays silent."""

    def output_shape(self, inputs: Shapes) -> Shape:
        raise ShapeError("")


UNREADABLE = UnreadableLayer()


class Scope:
    """Names of one level: the network itself, a block, a branch, a round. ``prefix`` is its path with a dot."""

    __slots__ = ("counts", "prefix", "taken")

    def __init__(self, prefix: str, taken: set[str]) -> None:
        self.prefix = prefix
        self.taken = taken
        self.counts: dict[str, int] = {}

    def number(self, kind: str, name: str) -> str:
        """The name of the next layer of a kind: the one given, or the kind with its number, skipping taken names."""
        count = self.counts.get(kind, 0) + 1
        while not name and f"{kind}{count}" in self.taken:
            count += 1
        self.counts[kind] = count
        if not name:
            name = f"{kind}{count}"
            self.taken.add(name)
        return name


class Opened(NamedTuple):
    """A layer list with its ``when``s decided: its entries and the names given in it."""

    entries: list[Entry]
    given: dict[int, str]  # by position
    names: dict[str, Value]  # and where each stands


class Call(NamedTuple):
    """A composite where it stands: ``name`` as given or empty, ``path`` the scope it opens, ``above`` its input."""

    entry: Entry
    name: str
    path: str
    env: Env
    scope: Scope
    above: str | None


Expand = Callable[["Expansion", Call], str | None]


class Expansion:
    """Collects the nodes and groups of one file. ``composites`` says how each kind of composite expands."""

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
        self.layer_reader = LayerReader(reading, defaults, env)
        self.nodes: list[Node] = []
        self.groups: list[Group] = []
        self.outputs: dict[str, str] = {name: name for name in inputs}  # dotted path -> the node that it means
        self.owners: dict[str, str] = {}  # layers that use another's weights, and whose
        self.inputs = inputs
        self.steps = 0
        self.depth = 0
        self._opened: dict[int, Opened] = {}

    # Lists of layers ----------------------------------------------------------------------------------------------

    def expand(
        self, layers: Sequence, env: Env, prefix: str, above: str | None, reserved: MappingType[str, str] = {}
    ) -> str | None:
        """Add the layers of a list below ``above``; the name of the last one's output (``above`` for an empty list).

        ``reserved`` are names that they cannot have, each with what has it.
        """
        opened = self._open(layers, env)
        for name in reserved:
            if name in opened.names:
                by = reserved[name]
                self.reading.note(opened.names[name], f"the name {name!r} is taken by {by}", "choose another name")
        scope = Scope(prefix, {*opened.names, *reserved})
        for position, entry in enumerate(opened.entries):
            above = self._add(entry, opened.given.get(position, ""), env, scope, above)
        return above

    def _open(self, layers: Sequence, env: Env) -> Opened:
        known = self._opened.get(id(layers))
        if known is not None:
            self.step(layers, len(known.entries))
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
        opened = Opened(entries, given, first)
        if not layers.dynamic:
            self._opened[id(layers)] = opened
        return opened

    def _given_name(self, node: Value, env: Env, first: dict[str, Value]) -> str:
        try:
            name = self.reading.text(node, env, "name")
        except ReportedError:
            return ""
        if not is_name(name):
            self.reading.note(node, f"{name!r} is not a name", NAME_HINT)
            return ""
        if name in first:
            line = first[name].line + 1
            self.reading.note(node, f"the name {name!r} is taken (line {line})", "names are unique in a scope")
            return ""
        first[name] = node
        return name

    def _choose(self, layers: Sequence, env: Env, entries: list[Entry]) -> None:
        """The entries of a list, with each ``when`` replaced by what it chooses."""
        self.step(layers, len(layers.items))
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
            self.reading.fail(
                item.keys[other],
                f"{kind} and {other} are in one list item",
                f"indent the fields of {kind} further, or put them in braces: - {kind}: {{{other}: …}}",
            )
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
        self.reading.known_keys(body, ("test", "layers", "otherwise"), "when")
        missing = [key for key in ("test", "layers") if key not in body.entries]
        if missing:
            self.layer_reader.fail_missing(entry, missing, "")
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

    def step(self, at: Value, count: int) -> None:
        """Count work done for the expansion, so that repeats of nothing end as well. Raises CnnError."""
        self.steps += count + 1
        if self.steps > STEP_LIMIT:
            raise self._too_many(at)

    def _too_many(self, at: Value) -> CnnError:
        message = f"the network has more than {LAYER_LIMIT:,} layers after expansion (the limit)"
        return self.reading.source.error(at, message, "repeat fewer times")

    # One entry ----------------------------------------------------------------------------------------------------

    def _add(self, entry: Entry, name: str, env: Env, scope: Scope, above: str | None) -> str | None:
        kind = entry.kind
        if kind in KINDS:
            return self._layer(entry, name, env, scope, above)
        if not kind:  # could not be read
            return self._append(scope.prefix + scope.number("unreadable", name), UNREADABLE, (), None)
        composite = self.composites.get(kind)
        if composite is None:
            known = [*KINDS, *self.composites, "when"]
            self.reading.note(entry.at, f"unknown layer type {kind!r}", kind_hint(kind, known))
            meant = kind_meant(kind, known) or "unreadable"  # numbered as what it should be: uses of its name are right
            return self._append(scope.prefix + scope.number(meant, name), UNREADABLE, (), None)
        return self._composite(composite, entry, name, env, scope, above)

    def _composite(
        self, expand: Expand, entry: Entry, name: str, env: Env, scope: Scope, above: str | None
    ) -> str | None:
        path = scope.prefix + scope.number(entry.kind, name)
        self.depth += 1
        if self.depth > SCOPE_LIMIT:
            message = f"blocks and composites are nested deeper than {SCOPE_LIMIT} levels (the limit)"
            raise self.reading.source.error(entry.at, message, "write the layers one after the other")
        try:
            source = above
            if entry.field("from") is not None:
                source = self._sources(entry, env, scope, above, path, merges=False)[0]
            result = expand(self, Call(entry, name, path, env, scope, source))
        except ReportedError:
            return self._append(path, UNREADABLE, (), None)
        finally:
            self.depth -= 1
        if result is not None:
            self.outputs.setdefault(path, result)
        return result

    def join(self, call: Call, kind: str, ends: list[str | None]) -> str:
        """The layer that joins the paths of a composite; it bears the composite's name, or is numbered as any other."""
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

    def _layer(self, entry: Entry, name: str, env: Env, scope: Scope, above: str | None) -> str:
        full = scope.prefix + scope.number(entry.kind, name)
        if len(self.nodes) >= LAYER_LIMIT:
            raise self._too_many(entry.at)
        try:
            layer = self.layer_reader.read(entry, env, full)
            inputs = self._sources(entry, env, scope, above, full, KINDS[entry.kind].merges)
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
        self, entry: Entry, env: Env, scope: Scope, above: str | None, full: str, merges: bool
    ) -> tuple[str, ...]:
        """The nodes that an entry reads. Raises ReportedError."""
        node = entry.field("from")
        if node is None and merges and not isinstance(entry.body, Mapping) and not is_nothing(entry.body):
            node = entry.body
        if node is None and not merges:
            if above is None:
                self._which_input(entry, full)
            return (above,)
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
        """The layer whose weights this one uses, itself with weights of its own; "" for none. Raises ReportedError."""
        node = entry.field(SHARE)
        if node is None or is_nothing(node):
            return ""
        found = self._look_up(node, env, scope, full)
        return self.owners.get(found, found)

    def _look_up(self, node: Value, env: Env, scope: Scope, full: str) -> str:
        """The node that a name means: in the layer's own scope first, then outwards."""
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
