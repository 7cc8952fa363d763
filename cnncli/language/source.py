"""YAML text -> a tree of values, each with its line and column.

The tree is built from the parser's events, not by PyYAML's composer: nesting and aliases are bounded before memory is
spent on them, and a key given twice is an error. Plain scalars are read by type where they are used, so ``1e-3`` is a
number and ``name: 1e3`` is a text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from cnncli.arithmetic.numerals import read_plain as read_plain
from cnncli.errors import CnnError, Place, Problem
from cnncli.io.files import TEXT_LIMIT, named, read_bytes, too_large

HINT = "an architecture takes a few kilobytes"
DEPTH_LIMIT = 100
ALIAS_LIMIT = 100_000  # values, after expansion
LONGEST_PARENTHESIS = 200  # characters of a text in parentheses that is continued after a comma


class Source:
    """A text with a name. It gives the places of values in it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    def place(self, at: Value | tuple[int, int]) -> Place:
        line, column = at if isinstance(at, tuple) else (at.line, at.column)
        return Place(self.name, line + 1, column + 1, self.line(line))

    def line(self, number: int) -> str:
        """A line of the text, counted from 0; "" past its end."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number] if number < len(self._lines) else ""

    def problem(self, at: Value | tuple[int, int], message: str, hint: str = "", layer: str = "") -> Problem:
        return Problem(message, hint, self.place(at), layer)

    def error(self, at: Value | tuple[int, int], message: str, hint: str = "") -> CnnError:
        return CnnError.of([self.problem(at, message, hint)])


class Value:
    """A node of the tree. ``weight`` counts the values in it, with aliases expanded, and ``height`` its levels;
    ``start`` and ``end`` are its character offsets in the text; ``dynamic`` is true where it holds an expression.
    """

    __slots__ = ("column", "dynamic", "end", "height", "line", "start", "weight")

    def __init__(self, event: Any) -> None:
        mark: Any = event.start_mark
        self.line: int = mark.line
        self.column: int = mark.column
        self.start: int = mark.index
        self.end: int = event.end_mark.index
        self.weight = 1
        self.height = 0
        self.dynamic = False


class Scalar(Value):
    """A text as written; ``quoted`` texts are never numbers."""

    __slots__ = ("quoted", "text")

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.text: str = event.value
        self.quoted: bool = not event.implicit[0]
        self.dynamic = "$" in self.text

    def part(self, text: str) -> Scalar:
        """An item of a tuple that this text is, at the place of the tuple."""
        from copy import copy  # needed only for these

        item = copy(self)
        item.text, item.dynamic = text, "$" in text
        return item


class Sequence(Value):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.items: list[Value] = []


class Mapping(Value):
    """Keys and values, in order. ``keys`` holds the place of each key."""

    __slots__ = ("entries", "keys")

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.entries: dict[str, Value] = {}
        self.keys: dict[str, Value] = {}


def read_text(path: str) -> Source:
    """The text of a file, or of standard input for ``-``.

    The pipe that a shell gives for ``<(command)`` is read, too. Raises CnnError for what is missing, neither that nor
    a regular file, larger than 1 MiB, or not UTF-8. At most 1 MiB is read.
    """
    if path == "-":
        return decode("<stdin>", sys.stdin.buffer.read(TEXT_LIMIT + 1))
    with named(path):
        return decode(path, read_bytes(path, TEXT_LIMIT, HINT, fifo=True))


def decode(name: str, data: bytes) -> Source:
    """Bytes of UTF-8, with or without a byte order mark. Raises CnnError for anything else, and past 1 MiB."""
    if len(data) > TEXT_LIMIT:
        raise too_large(name, TEXT_LIMIT, HINT)
    if any(byte < 9 for byte in data[:512]):
        _refuse_binary(name, data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CnnError(f"{name}: is UTF-16 text", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse_binary(name, data)
        line = data.count(b"\n", 0, error.start) + 1
        raise CnnError(
            f"{name}:{line}: is not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start}",
            "save it as UTF-8 (or is it a binary file?)",
        ) from None
    return Source(name, text)


def _refuse_binary(name: str, data: bytes) -> None:
    """Raises CnnError for a file of a known binary format."""
    from cnncli.language.hints.foreign_files import binary_file

    what = binary_file(data[:512])
    if what:
        raise CnnError(f"{name}: is {what}, not a description of a network", "name a YAML file")


def parse(source: Source) -> Value | None:
    """The tree of a text, or None for an empty one. Raises CnnError with the place of the first mistake."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        raise CnnError(f"{source.name}: is not UTF-8 text: character {error.start + 1} is half of one") from None
    try:
        return _TreeBuilder(source).build(yaml.parse(source.text, Loader=loader))
    except yaml.YAMLError as error:
        from cnncli.language.yaml_errors import syntax_faults

        what = foreign(source)
        if what is not None:
            raise what from None
        faults = syntax_faults(source.text, error)
        raise CnnError.of([source.problem(*fault) for fault in faults]) from None


def foreign(source: Source) -> CnnError | None:
    """The error for a text of another kind, e.g. Python code; None where it may be a network."""
    from cnncli.language.hints.foreign_files import HINT as WRITE_LAYERS
    from cnncli.language.hints.foreign_files import foreign_text

    what = foreign_text(source.text)
    return CnnError(f"{source.name}: is {what}, not a description of a network", WRITE_LAYERS) if what else None


class _Container:
    """An open list or mapping, with the key that waits for its value; ``flow`` ones are in brackets or braces."""

    __slots__ = ("anchor", "flow", "key", "value")

    def __init__(self, value: Sequence | Mapping, anchor: str, flow: bool) -> None:
        self.value = value
        self.anchor = anchor
        self.flow = flow
        self.key: Scalar | None = None


class _TreeBuilder:
    """Builds one tree from the parser's events. Its stack replaces recursion, so that any depth is only a number."""

    def __init__(self, source: Source) -> None:
        import yaml

        self.source = source
        self.root: Value | None = None
        self.stack: list[_Container] = []
        self.anchors: dict[str, Value] = {}
        self.open_anchors: set[str] = set()
        self.documents = 0
        self.aliased = 0
        self.handlers = {
            yaml.DocumentStartEvent: self.start_document,
            yaml.AliasEvent: self.alias,
            yaml.ScalarEvent: self.scalar,
            yaml.SequenceStartEvent: self.open_container,
            yaml.MappingStartEvent: self.open_container,
            yaml.SequenceEndEvent: self.close_container,
            yaml.MappingEndEvent: self.close_container,
        }
        self.containers: dict[type, type[Sequence | Mapping]] = {
            yaml.SequenceStartEvent: Sequence,
            yaml.MappingStartEvent: Mapping,
        }

    def build(self, events: Iterator[Any]) -> Value | None:
        """The root of the tree."""
        for event in events:
            handler = self.handlers.get(type(event))
            if handler is not None:
                handler(event)
        return self.root

    def start_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            hint = "a file holds one network: remove the ---"
            raise self.source.error(_at(event), "a second document starts here", hint)

    def scalar(self, event: Any) -> None:
        value = Scalar(event)
        self.refuse_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = value
        self.attach(value)

    def alias(self, event: Any) -> None:
        if event.anchor in self.open_anchors:
            message = f"*{event.anchor} is inside the value that it repeats"
            raise self.source.error(_at(event), message, "an alias cannot contain itself")
        value = self.anchors.get(event.anchor)
        if value is None:
            raise self.source.error(_at(event), f"no earlier &{event.anchor} for *{event.anchor}")
        self.check_depth(event, len(self.stack) + value.height)
        self.aliased += value.weight
        if self.aliased > ALIAS_LIMIT:
            message = f"aliases expand to more than {ALIAS_LIMIT:,} values (the limit)"
            raise self.source.error(_at(event), message, "use blocks and repeat instead of aliases")
        self.attach(value)

    def open_container(self, event: Any) -> None:
        self.check_depth(event, len(self.stack))
        self.stack.append(_Container(self.containers[type(event)](event), event.anchor or "", event.flow_style))
        if event.anchor:
            self.open_anchors.add(event.anchor)
        self.refuse_tag(event)

    def close_container(self, event: Any) -> None:
        container = self.stack.pop()
        container.value.end = int(event.end_mark.index)
        if container.anchor:
            self.open_anchors.discard(container.anchor)
            self.anchors[container.anchor] = container.value
        self.attach(container.value)

    def check_depth(self, event: Any, levels: int) -> None:
        if levels >= DEPTH_LIMIT:
            raise self.source.error(_at(event), f"this is nested deeper than {DEPTH_LIMIT} levels (the limit)")

    def refuse_tag(self, event: Any) -> None:
        if event.tag and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
            raise self.source.error(_at(event), f"the tag {tag} is not supported", "remove it")

    def attach(self, value: Value) -> None:
        """Add a finished value to the open container, or make it the root."""
        if not self.stack:
            self.root = value
            return
        container = self.stack[-1]
        parent = container.value
        if isinstance(parent, Sequence):
            if container.flow and parent.items and _rejoined(self.source, parent.items[-1], value):
                parent.dynamic = parent.dynamic or value.dynamic
                return
            parent.items.append(value)
        elif container.key is None:
            if not isinstance(value, Scalar):
                hint = "text in braces or brackets may need quotes"
                raise self.source.error(value, "a key must be a plain word", hint)
            container.key = value
            return
        else:
            key, container.key = container.key, None
            cut = container.flow and parent.entries and _is_empty(value)
            if cut and _rejoined(self.source, next(reversed(parent.entries.values())), key):
                parent.dynamic = parent.dynamic or key.dynamic
                return
            _enter(self.source, parent, key, value)
        parent.weight += value.weight
        parent.height = max(parent.height, value.height + 1)
        parent.dynamic = parent.dynamic or value.dynamic


def _is_empty(value: Value) -> bool:
    return isinstance(value, Scalar) and not value.quoted and not value.text


def _rejoined(source: Source, before: Value, part: Value) -> bool:
    """Join ``part`` to the end of ``before`` where the comma between them is inside parentheses.

    YAML ends a value in braces or brackets at every comma: ``{kernel: (5, 3)}`` has a value ``(5`` and a key ``3)``.
    """
    if not isinstance(part, Scalar) or part.quoted:
        return False
    pairs = []
    while isinstance(before, Mapping) and before.entries:  # in a list, ``maxpool: (2`` is a mapping without braces
        pairs.append(before)
        before = next(reversed(before.entries.values()))
    if not isinstance(before, Scalar) or before.quoted or before.text.count("(") <= before.text.count(")"):
        return False
    if len(before.text) > LONGEST_PARENTHESIS or source.text[before.end : part.start].strip() != ",":
        return False
    before.text = " ".join(source.text[before.start : part.end].split())
    before.end = part.end
    for value in (before, *pairs):
        value.dynamic = value.dynamic or part.dynamic
    return True


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line, event.start_mark.column


def _enter(source: Source, parent: Mapping, key: Scalar, value: Value) -> None:
    if key.text == "<<" and not key.quoted:
        _merge(source, parent, key, value)
        return
    if key.text in parent.keys and parent.keys[key.text].start >= parent.start:
        first = parent.keys[key.text]
        listed = _is_empty(value) and _is_empty(parent.entries[key.text])
        hint = "write a list in brackets: [1, 2]" if listed else f"it is already in line {first.line + 1}; keep one"
        raise source.error(key, f"{key.text!r} is given twice", _dash_hint(key.text) or hint)
    parent.entries[key.text] = value
    parent.keys[key.text] = key
    parent.dynamic = parent.dynamic or key.dynamic


def _dash_hint(key: str) -> str:
    """The hint for layers that are written as a mapping; "" for a key that is no layer type."""
    from cnncli.layers import KINDS  # needed only for errors

    return f"begin each layer with a dash and a space: - {key}" if key in KINDS else ""


def _merge(source: Source, parent: Mapping, key: Scalar, value: Value) -> None:
    """YAML's ``<<: *defaults``: the entries that the mapping does not give itself."""
    for merged in value.items if isinstance(value, Sequence) else [value]:
        if not isinstance(merged, Mapping):
            raise source.error(key, "<< takes a mapping", "write <<: *name, with &name on an earlier mapping")
        for name, entry in merged.entries.items():
            if name not in parent.entries:
                parent.entries[name] = entry
                parent.keys[name] = merged.keys[name]


def plain_tree(node: Value | None) -> Any:
    """A tree as lists, mappings and plain values, with aliases expanded; expressions stay texts."""
    if isinstance(node, Scalar):
        return plain_value(node)
    if isinstance(node, Sequence):
        return [plain_tree(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key: plain_tree(entry) for key, entry in node.entries.items()}
    return None


def plain_value(scalar: Scalar) -> int | float | bool | str | None:
    """A scalar by its form: a whole number, a number, true or false, nothing, or a text.

    ``1e-3`` and ``.5`` are numbers; ``010`` is ten; ``0x10``, ``1:30``, ``yes``, ``nan`` and ``1_6`` are texts.
    """
    return read_plain(scalar.text) if not scalar.quoted else scalar.text
