"""The definitions of a file: its variables, its defaults and its reusable blocks."""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

from cnncli.errors import CnnError, suggestion
from cnncli.language.aliases import EVERYWHERE
from cnncli.language.expressions import UNKNOWN, Env
from cnncli.language.reading import Reading, ReportedError, is_name, is_nothing, name_hint
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, parse
from cnncli.layers import KINDS

SHARE = "share"


class CompositeKey(NamedTuple):
    """A key of a composite. ``takes`` is layers, layers or nothing, branches, merge, times, index or test."""

    takes: str
    description: str
    required: bool = False


class CompositeKeys(NamedTuple):
    """What a composite does, its keys, and whether it takes those in EVERYWHERE, too."""

    description: str
    keys: dict[str, CompositeKey]
    everywhere: bool = True

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that must be given. If it is ``layers`` alone, the list may stand for the mapping."""
        return tuple(name for name, key in self.keys.items() if key.required)

    @property
    def known(self) -> tuple[str, ...]:
        """All keys that may be given."""
        return (*self.keys, *(EVERYWHERE if self.everywhere else ()))


COMPOSITES = {
    "residual": CompositeKeys(
        "The sum of the output of the layers and of a shortcut.",
        {
            "layers": CompositeKey("layers", "The layers of the main path.", required=True),
            "shortcut": CompositeKey(
                "layers or nothing", "The layers of the shortcut; without them it is the input itself."
            ),
        },
    ),
    "parallel": CompositeKeys(
        "Branches that read the same input, merged.",
        {
            "branches": CompositeKey(
                "branches", "A list of branches, or name: branch; each is a list of layers.", True
            ),
            "merge": CompositeKey("merge", "How the branches are merged: concat, unless given."),
        },
    ),
    "repeat": CompositeKeys(
        "The layers several times in sequence.",
        {
            "times": CompositeKey("times", "How often.", required=True),
            "layers": CompositeKey("layers", "The layers to repeat.", required=True),
            "index": CompositeKey("index", "A name for the number of the repeat: with index: i, $i is 0, 1, 2, …"),
        },
    ),
    "when": CompositeKeys(
        "The layers only if a test is true, chosen while the file is read.",
        {
            "test": CompositeKey("test", "true, false or an expression, e.g. $stride > 1.", required=True),
            "layers": CompositeKey("layers or nothing", "The layers if the test is true.", required=True),
            "otherwise": CompositeKey("layers or nothing", "The layers if the test is false."),
        },
        everywhere=False,
    ),
}


class Block(NamedTuple):
    """A reusable piece: parameters with their defaults (None: must be given), and layers.

    Without layers it could not be read: the problem has been reported, and its calls report nothing.
    """

    name: str
    parameters: dict[str, Value | None]
    layers: Sequence | None
    at: Value


BLOCK_KEYS = {
    "parameters": "Names with default values; one without a value must be given in each use.",
    "layers": "The layers, in which $name is the value of a parameter.",
    "description": "A note for readers of the file.",
}
VARIANT = "variant"  # --set variant=NAME chooses one of the file's variants
TEXTS = ("name", "description", "source")  # texts about the network; a variant may replace them


def read_variant(reading: Reading, root: Mapping, overrides: dict[str, str]) -> Mapping | None:
    """The variant chosen by ``overrides``, which loses that entry: values for variables, and perhaps a name.

    Raises CnnError for an unknown variant.
    """
    node, variables = root.entries.get("variants"), root.entries.get("variables")
    known = list(variables.entries) if isinstance(variables, Mapping) else []
    if is_nothing(node) or VARIANT in known:
        return None
    chosen = overrides.pop(VARIANT, None)
    found: Mapping | None = None
    try:
        variants = reading.mapping(node, "variants", "write variants: {small: {width: 32}, large: {width: 64}}")
        for name, value in variants.entries.items():
            variant = reading.mapping(value, f"the variant {name}", f"write {name}: {{variable: value}}")
            reading.known_keys(variant, (*known, *TEXTS), f"the variant {name}")
            if name == chosen:
                found = variant
    except ReportedError:
        return found
    if chosen is not None and found is None:
        hint = suggestion(chosen, list(variants.entries), f"its variants are {', '.join(variants.entries)}")
        given = reading.argument_names.override(VARIANT, chosen)
        raise CnnError(f"{given}: the architecture has no such variant", hint)
    return found


def read_variables(
    reading: Reading, node: Value | None, overrides: dict[str, str], variant: Mapping | None = None
) -> dict[str, Any]:
    """Named values in order, each able to use earlier ones.

    ``overrides`` (--set) replace values as written, before those of the chosen ``variant``.
    Raises CnnError for an override of an unknown variable.
    """
    env: dict[str, Any] = {}
    chosen = variant.entries if variant is not None else {}
    if not is_nothing(node):
        try:
            mapping = reading.mapping(node, "variables", "write variables: {width: 64}")
        except ReportedError:
            return env
        for name, value in mapping.entries.items():
            try:
                if not is_name(name):
                    reading.fail(mapping.keys[name], f"{name!r} is not a name", name_hint(name))
                given = overrides.get(name)
                value = chosen.get(name, value)
                env[name] = reading.value(value, env) if given is None else _read_override(reading, name, given, env)
            except ReportedError:
                env[name] = UNKNOWN  # so that its uses are not reported as well
    for name in overrides:
        if name not in env:
            raise _no_variable(reading, name, env)
    return env


def _no_variable(reading: Reading, name: str, env: Env) -> CnnError:
    known = f"its variables are {', '.join(env)}" if env else "it has none"
    hint = suggestion(name, list(env), known)
    return CnnError(f"{reading.argument_names.override(name)}: the architecture has no such variable", hint)


def _read_override(outer: Reading, name: str, text: str, env: Env) -> Any:
    """The value of ``--set name=text``, read as in a file. Raises CnnError."""
    source = Source(outer.argument_names.override(name), text)
    node = parse(source)
    reading = Reading(source, outer.argument_names)
    try:
        return None if node is None else reading.value(node, env)
    except ReportedError:
        raise CnnError.of(list(reading.problems.values())) from None


def read_defaults(reading: Reading, node: Value | None, blocks: dict[str, Block]) -> dict[str, Mapping]:
    """Fields given to every layer of a kind, as mappings by kind."""
    if is_nothing(node):
        return {}
    defaults: dict[str, Mapping] = {}
    try:
        mapping = reading.mapping(node, "defaults", "write defaults: {conv: {bias: false}}")
    except ReportedError:
        return {}
    for kind, value in mapping.entries.items():
        at = mapping.keys[kind]
        if kind not in KINDS and kind not in blocks:
            from cnncli.language.aliases import kind_hint

            reading.report(at, f"unknown layer type {kind!r}", kind_hint(kind, [*KINDS, *blocks]))
            continue
        try:
            fields = reading.mapping(value, f"the defaults of {kind}", f"write {kind}: {{field: value}}")
        except ReportedError:
            continue
        if kind in blocks and blocks[kind].layers is None:
            continue
        known = list(KINDS[kind].schema) if kind in KINDS else list(blocks[kind].parameters)
        for field in fields.entries:
            if field not in known:
                from cnncli.language.aliases import field_hint

                reading.report(fields.keys[field], f"{kind} has no field {field!r}", field_hint(field, known))
        defaults[kind] = fields
    return defaults


def read_blocks(reading: Reading, node: Value | None) -> dict[str, Block]:
    """The blocks of a file. One that uses itself, directly or through others, is reported and loses its layers."""
    if is_nothing(node):
        return {}
    blocks: dict[str, Block] = {}
    try:
        mapping = reading.mapping(node, "blocks", "write blocks: {name: {parameters: {…}, layers: […]}}")
    except ReportedError:
        return {}
    for name, value in mapping.entries.items():
        try:
            blocks[name] = _read_block(reading, name, mapping.keys[name], value)
        except ReportedError:
            if name not in KINDS and name not in COMPOSITES:
                blocks[name] = Block(name, {}, None, mapping.keys[name])
    _report_cycles(reading, blocks)
    return blocks


def _read_block(reading: Reading, name: str, at: Value, value: Value) -> Block:
    if name in KINDS or name in COMPOSITES:
        reading.fail(at, f"a block cannot be called {name}, which is a layer type", "choose another name")
    if not is_name(name):
        reading.fail(at, f"{name!r} is not a name for a block", name_hint(name))
    body = reading.mapping(value, f"the block {name}", "write parameters: {…} and layers: […] in it")
    reading.known_keys(body, tuple(BLOCK_KEYS), f"the block {name}")
    layers = body.entries.get("layers")
    if not isinstance(layers, Sequence):
        reading.fail(layers or at, f"the block {name} needs layers: a list", "write layers: [conv: …, relu]")
    return Block(name, _read_parameters(reading, name, body.entries.get("parameters")), layers, at)


def _read_parameters(reading: Reading, name: str, node: Value | None) -> dict[str, Value | None]:
    if is_nothing(node):
        return {}
    if isinstance(node, Sequence):
        found: dict[str, tuple[Value, Value | None]] = {
            item.text: (item, None) for item in node.items if isinstance(item, Scalar)
        }
    else:
        mapping = reading.mapping(node, f"the parameters of {name}", "write parameters: {width: , stride: 1}")
        found = {
            key: (mapping.keys[key], None if is_nothing(value) else value) for key, value in mapping.entries.items()
        }
    for parameter, (at, _) in found.items():
        if parameter in EVERYWHERE or not is_name(parameter):
            reading.fail(at, f"{parameter!r} cannot be a parameter", "choose another name")
    return {parameter: default for parameter, (_, default) in found.items()}


def _report_cycles(reading: Reading, blocks: dict[str, Block]) -> None:
    """Blocks are few and their graph is small: a walk from each, with the calls on the way to it."""
    uses = {name: _calls(block.layers, blocks) for name, block in blocks.items()}
    settled: set[str] = set()
    for start in list(blocks):
        way = [start]
        pending = [iter(uses[start])]
        while pending:
            called = next(pending[-1], None)
            if called is None:
                pending.pop()
                settled.add(way.pop())
            elif called[0] in way:
                circle = " -> ".join([*way[way.index(called[0]) :], called[0]])
                hint = "use repeat for layers that occur several times"
                reading.report(called[1], f"a block cannot use itself: {circle}", hint)
                blocks[called[0]] = blocks[called[0]]._replace(layers=None)
            elif called[0] not in settled:
                way.append(called[0])
                pending.append(iter(uses[called[0]]))


def _calls(layers: Value | None, blocks: dict[str, Block]) -> list[tuple[str, Value]]:
    """The blocks that a list of layers calls, at any depth of composites, and where."""
    found: list[tuple[str, Value]] = []
    pending = [layers]
    while pending:
        node = pending.pop()
        for item in node.items if isinstance(node, Sequence) else []:
            if isinstance(item, Scalar):
                found.append((item.text, item))
            elif isinstance(item, Mapping):
                found.extend((kind, item.keys[kind]) for kind in item.entries)
                pending.extend(chain(*(_lists(body) for kind, body in item.entries.items() if kind in COMPOSITES)))
    return [(name, at) for name, at in found if name in blocks]


def _lists(body: Value) -> list[Value]:
    """The lists of layers in a composite."""
    if not isinstance(body, Mapping):
        return [body]
    branches = body.entries.get("branches")
    if isinstance(branches, Mapping):
        return list(branches.entries.values())
    if isinstance(branches, Sequence):
        return branches.items
    return [body.entries[key] for key in ("layers", "shortcut", "otherwise") if key in body.entries]
