"""The architecture language: the text of a file -> a layer graph, or problems with their places.

The steps: ``source`` (YAML with positions) -> ``blocks`` (definitions) -> ``expansion`` and ``composites`` (layers in
order) with ``entries`` (fields of one layer) and ``expressions`` -> a Graph.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingType
from itertools import islice
from typing import Any, NamedTuple

from cnncli.arithmetic.numerals import is_digits
from cnncli.arithmetic.shape import InvalidValue, Shape, read_input_shape
from cnncli.errors import CnnError, Problem, suggestion
from cnncli.graph import Graph, Input, Setting
from cnncli.language.argument_names import OPTION_NAMES, OptionNames
from cnncli.language.blocks import TEXTS, read_blocks, read_defaults, read_variables, read_variant
from cnncli.language.composites import EXPANSIONS, block
from cnncli.language.expansion import SEARCHED, Expansion
from cnncli.language.reading import NAME_LIMIT, Reading, ReportedError, is_name, is_nothing, name_hint
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, decode, foreign, parse, read_text

KEYS = {  # of a file, each with its description for editors
    "name": "Name of the network.",
    "description": "A note for readers of the file.",
    "source": "The paper or the implementation that the network is from.",
    "input": "Input shape: channels x height x width, without a batch, e.g. 3x224x224.",
    "inputs": "Several inputs, by name: {rgb: 3x224x224, flow: 20x224x224}.",
    "variables": "Named values, used as $name. Option: --set name=value.",
    "variants": "Several networks in one file, each with values for some variables. Option: --set variant=name.",
    "defaults": "Default fields by layer type: {conv: {bias: false}}.",
    "blocks": "Reusable lists of layers with parameters, used by name like a layer type.",
    "layers": "The network: a list of layers, from input to output.",
    "outputs": "Names of the output layers; the last layer, unless given.",
    "train": "The training recipe. Each key is also an option of cnn train.",
}
FIRST_LINES = "a file begins with input: 3x224x224 and layers: [ … ]"
DEFAULT_INPUT = "input"
ReadShape = Callable[[object, Callable[[str], str]], Shape]  # takes a value, and how a hint writes a shape


class Draft(NamedTuple):
    """A graph as far as it could be read, and the problems."""

    graph: Graph
    problems: list[Problem]


def read(
    source: Source,
    overrides: MappingType[str, str] = {},
    inputs: MappingType[str, str] = {},
    *,
    argument_names: OptionNames = OPTION_NAMES,
    read_shape: ReadShape = read_input_shape,
    tree: Value | None = None,
) -> Draft:
    """Read a network. ``overrides`` are variables (--set), ``inputs`` shapes by input name ("" for the only one).

    Messages name these two by ``argument_names``; ``read_shape`` reads the shape of an input. ``tree`` is that of the
    source where it has been parsed already.
    Raises CnnError for what prevents further reading (invalid YAML, a limit, a wrong override); all other problems
    are in the draft.
    """
    reading = Reading(source, argument_names)
    root = parse(source) if tree is None else tree
    if root is None or is_nothing(root):
        raise CnnError(f"{source.name}: the file is empty", FIRST_LINES)
    if not isinstance(root, Mapping) or not any(key in root.entries for key in KEYS):
        what = foreign(source)
        if what is not None:
            raise what
    if not isinstance(root, Mapping):
        if not _report_typing_errors(reading, root):
            reading.report(root, "a network is a mapping (key: value)", FIRST_LINES)
        raise CnnError.of([*reading.problems.values()])
    reading.known_keys(root, tuple(KEYS), "a network")
    overrides = dict(overrides)
    variant = read_variant(reading, root, overrides)
    env = read_variables(reading, root.entries.get("variables"), overrides, variant)
    network_inputs = _inputs(reading, root, env, dict(inputs), read_shape)
    blocks = read_blocks(reading, root.entries.get("blocks"))
    defaults = read_defaults(reading, root.entries.get("defaults"), blocks)
    names = [entry.name for entry in network_inputs]
    composites = {**EXPANSIONS, **dict.fromkeys(blocks, block)}
    expansion = Expansion(reading, blocks, defaults, env, names, composites)
    outputs = _expand(reading, root, expansion, names)
    own = variant.entries if variant is not None else {}
    text = {key: _text(reading, key, own.get(key, root.entries.get(key))) for key in TEXTS}
    graph = Graph(
        text["name"],
        tuple(entry for entry in network_inputs if entry.shape),
        tuple(expansion.nodes),
        outputs,
        tuple(expansion.groups),
        text["description"],
        text["source"],
        _train(reading, root.entries.get("train"), env),
    )
    return Draft(graph, list(reading.problems.values()))


def _text(reading: Reading, key: str, node: Value | None) -> str:
    if isinstance(node, Scalar):
        return " ".join(node.text.split())
    if node is not None:
        reading.report(node, f"{key} must be a text, not a list or a mapping", "put it in quotes")
    return ""


def _inputs(
    reading: Reading, root: Mapping, env: dict[str, Any], given: dict[str, str], read_shape: ReadShape
) -> list[Input]:
    """The network's inputs; one that cannot be read gets an empty shape, so that its uses report nothing."""
    nodes = _input_nodes(reading, root)
    only = next(iter(nodes)) if len(nodes) == 1 else ""
    shapes = {(name or only): text for name, text in given.items()}
    for name in shapes:
        if name not in nodes:
            raise _no_input(reading, name, list(nodes))
    several = len(nodes) > 1

    def shape_of(name: str, node: Value) -> Shape:
        if name not in shapes:
            return _shape(reading, root, node, env, read_shape)
        return _given_shape(reading, name if several else "", shapes[name], read_shape)

    return [Input(name, shape_of(name, node)) for name, node in nodes.items()]


def _input_nodes(reading: Reading, root: Mapping) -> dict[str, Value]:
    several, one = root.entries.get("inputs"), root.entries.get("input")
    if several is None or one is not None:
        if several is not None:
            reading.report(root.keys["inputs"], "input and inputs are both given", "keep one of them")
        if is_nothing(one) or one is None:
            reading.report(root.keys.get("input", root), "the network needs an input", "write input: 3x224x224")
            return {DEFAULT_INPUT: root}
        if isinstance(one, Mapping):
            hint = _shape_in(one) or "write inputs: {name: shape, …} for several"
            reading.report(one, "input is one shape", hint)
            return {DEFAULT_INPUT: root}
        return {DEFAULT_INPUT: one}
    try:
        mapping = reading.mapping(several, "inputs", "write inputs: {rgb: 3x224x224, flow: 20x224x224}")
    except ReportedError:
        return {DEFAULT_INPUT: root}
    for name, at in mapping.keys.items():
        if not is_name(name):
            reading.report(at, f"{name!r} is not a name", name_hint(name))
    if not mapping.entries:
        reading.report(mapping, "the network needs an input", "write input: 3x224x224")
        return {DEFAULT_INPUT: root}
    return mapping.entries


def _shape_in(mapping: Mapping) -> str:
    """The hint for an input as ``{channels: 1, height: 28, width: 28}`` or ``{1, 28, 28}``; "" for anything else."""
    values = {key[:1].lower(): entry.text for key, entry in mapping.entries.items() if isinstance(entry, Scalar)}
    sizes = [values[letter] for letter in "cdhwl" if letter in values] or [*mapping.entries]
    if len(sizes) != len(mapping.entries) or not all(map(is_digits, sizes)):
        return ""
    return f"write input: {'x'.join(sizes)}"


def _no_input(reading: Reading, name: str, names: list[str]) -> CnnError:
    given, example = reading.argument_names.input(name), reading.argument_names.input(names[0], "3x64x64")
    if not name:
        return CnnError(f"{given}: the network has several inputs", f"write {example} for one of them")
    hint = suggestion(name, names, f"its inputs are {', '.join(names)}")
    return CnnError(f"{given}: the network has no such input", hint)


def _given_shape(reading: Reading, name: str, text: str, read_shape: ReadShape) -> Shape:
    """The shape of ``--input``; ``name`` is "" for the only input."""
    argument_names = reading.argument_names
    try:
        return read_shape(text, lambda shape: argument_names.input(name, shape))
    except InvalidValue as error:
        raise CnnError(f"{argument_names.input(name)}: {error}", error.hint) from None


def _shape(reading: Reading, root: Value, node: Value, env: dict[str, Any], read_shape: ReadShape) -> Shape:
    if node is root:
        return ()  # its problem has been reported
    try:
        return read_shape(reading.value(node, env), str)
    except InvalidValue as error:
        reading.report(node, str(error), error.hint)
    except ReportedError:
        pass
    return ()


def _expand(reading: Reading, root: Mapping, expansion: Expansion, inputs: list[str]) -> tuple[str, ...]:
    """Expand the layers; the names of the outputs."""
    layers = root.entries.get("layers")
    if not isinstance(layers, Sequence) or not layers.items:
        _report_no_list(reading, layers or root.keys.get("layers", root), layers)
        return ()
    reserved = dict.fromkeys(inputs, "an input")
    end = expansion.expand(layers, expansion.top, "", inputs[0] if len(inputs) == 1 else None, reserved)
    wanted = root.entries.get("outputs")
    if wanted is None or is_nothing(wanted):
        return (end,) if end is not None else ()
    items = wanted.items if isinstance(wanted, Sequence) else [wanted]
    if not items:
        reading.report(wanted, "outputs names no layer", "name at least one, or leave outputs out for the last layer")
    names: list[str] = []
    for item in items:
        name = _output(reading, item, expansion)
        if name is None:
            continue
        if name in names:
            reading.report(item, f"{name!r} is already an output", "name each output once")
        elif name:
            names.append(name)
    return tuple(names)


def _report_no_list(reading: Reading, at: Value, layers: Value | None) -> None:
    """Report what is not a list of layers: by its typing errors, if it has some."""
    if layers is not None and not is_nothing(layers) and _report_typing_errors(reading, layers):
        return
    hint = "write layers: and after it a line for each, e.g. - relu"
    if isinstance(layers, Mapping) or (isinstance(layers, Scalar) and layers.text):
        hint = "begin each layer with a dash and a space, e.g. - relu"
    reading.report(at, "the network needs a list of layers", hint)


def _report_typing_errors(reading: Reading, node: Value) -> bool:
    """Report the typing errors in the lines of a value; whether there are any."""
    from cnncli.language.hints.typing_errors import line_faults

    source = reading.source
    last = source.text.count("\n", 0, node.end)
    typed = [fault for fault in line_faults(source.text, node.line) if node.line <= fault.at[0] <= last]
    for fault in typed:
        reading.report(*fault)
    return bool(typed)


def _output(reading: Reading, node: Value, expansion: Expansion) -> str | None:
    """The node that an entry of ``outputs`` means; "" for a mistake, None for an expression that gives nothing."""
    try:
        name = reading.text(node, expansion.top, "an output")
    except ReportedError:
        return ""
    if not name:
        return None
    if name not in expansion.outputs:
        lately = list(islice(reversed(expansion.outputs), SEARCHED))
        hint = suggestion(name[:NAME_LIMIT], lately, "outputs are names of layers")
        reading.report(node, f"unknown layer {name!r} in outputs", hint)
    return expansion.outputs.get(name, "")


def _train(reading: Reading, node: Value | None, env: dict[str, Any]) -> dict[str, Setting]:
    if node is None or is_nothing(node):
        return {}
    try:
        mapping = reading.mapping(node, "train", "write train: {dataset: mnist, epochs: 10}")
    except ReportedError:
        return {}
    settings = {}
    for key, value in mapping.entries.items():
        try:
            place, key_place = reading.source.place(value), reading.source.place(mapping.keys[key])
            settings[key] = Setting(reading.value(value, env), place, key_place)
        except ReportedError:
            continue
    return settings


__all__ = ["Draft", "ReadShape", "Source", "decode", "read", "read_text"]
