"""YAML text -> a tree of values that know where they stand.

The tree is built from the parser's events, not by PyYAML's composer: so nesting and aliases are bounded before
memory is spent on them, a key given twice is an error, and every value keeps its line and column. Plain scalars are
read by type where they are used, so ``1e-3`` is a number and ``name: 1e3`` is a text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from cnncli.arithmetic.numerals import read_number
from cnncli.errors import CnnError, Place, Problem
from cnncli.io.files import TEXT_LIMIT, named, read_bytes, too_large

HINT = "an architecture takes a few kilobytes"
DEPTH_LIMIT = 100
ALIAS_LIMIT = 100_000  # values, after expansion


class Source:
    """A text with a name: gives the places in it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    def place(self, at: Value | tuple[int, int]) -> Place:
        line, column = at if isinstance(at, tuple) else (at.line, at.column)
        if self._lines is None:
            self._lines = self.text.splitlines()
        shown = self._lines[line] if line < len(self._lines) else ""
        return Place(self.name, line + 1, column + 1, shown)

    def problem(self, at: Value | tuple[int, int], message: str, hint: str = "", layer: str = "") -> Problem:
        return Problem(message, hint, self.place(at), layer)

    def error(self, at: Value | tuple[int, int], message: str, hint: str = "") -> CnnError:
        return CnnError.of([self.problem(at, message, hint)])


class Value:
    """A node of the tree. ``weight`` counts the values in it, with aliases expanded, and ``height`` its levels;
    ``start`` and ``end`` are its character offsets in the text; ``dynamic`` says that an expression stands in it.
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


class Sequence(Value):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.items: list[Value] = []


class Mapping(Value):
    """Keys and values, in order. ``keys`` holds where each key stands."""

    __slots__ = ("entries", "keys")

    def __init__(self, event: Any) -> None:
        super().__init__(event)
        self.entries: dict[str, Value] = {}
        self.keys: dict[str, Value] = {}


def read_text(path: str) -> Source:
    """The text of a file, or of standard input for ``-``.

    A FIFO is waited for, as a shell gives one for ``<(command)``. Raises CnnError for what is missing, neither that nor
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
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CnnError(f"{name}: is UTF-16 text", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CnnError(
            f"{name}:{line}: is not UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start}",
            "save it as UTF-8 (or is it a binary file?)",
        ) from None
    return Source(name, text)


def parse(source: Source) -> Value | None:
    """The tree of a text, or None where it holds nothing. Raises CnnError with the place of the first mistake."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        raise CnnError(f"{source.name}: is not UTF-8 text: character {error.start + 1} is half of one") from None
    try:
        return _build(source, yaml.parse(source.text, Loader=loader))
    except yaml.YAMLError as error:
        raise _syntax_error(source, error) from None


def _build(source: Source, events: Iterator[Any]) -> Value | None:
    """One tree from events, with a stack of its own: no recursion, so depth is a number and not a crash."""
    import yaml

    root: Value | None = None
    documents = 0
    anchors: dict[str, Value] = {}
    open_anchors: dict[str, Value] = {}
    stack: list[_Container] = []
    aliased = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            value = _aliased(source, event, anchors, open_anchors)
            _check_depth(source, event, len(stack) + value.height)
            aliased += value.weight
            if aliased > ALIAS_LIMIT:
                raise source.error(
                    _at(event),
                    f"aliases expand to more than {ALIAS_LIMIT:,} values (the limit)",
                    "use blocks and repeat instead of aliases",
                )
        elif isinstance(event, yaml.ScalarEvent):
            value = Scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            value = Sequence(event) if isinstance(event, yaml.SequenceStartEvent) else Mapping(event)
            _check_depth(source, event, len(stack))
            stack.append(_Container(value))
            if event.anchor:
                open_anchors[event.anchor] = value
                stack[-1].anchor = event.anchor
            _refuse_tag(source, event)
            continue
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            container = stack.pop()
            value = container.value
            value.end = _end(event)
            if container.anchor:
                anchors[container.anchor] = open_anchors.pop(container.anchor)
            root = _attach(source, stack, value, root)
            continue
        else:
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                at = _at(event)
                raise source.error(at, "a second document starts here", "a file holds one network: remove the ---")
            continue
        if isinstance(event, yaml.ScalarEvent):
            _refuse_tag(source, event)
            if event.anchor:
                anchors[event.anchor] = value
        root = _attach(source, stack, value, root)
    return root


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line, event.start_mark.column


def _end(event: Any) -> int:
    return int(event.end_mark.index)


def _check_depth(source: Source, event: Any, levels: int) -> None:
    if levels >= DEPTH_LIMIT:
        at = _at(event)
        raise source.error(at, f"this is nested deeper than {DEPTH_LIMIT} levels (the limit)")


class _Container:
    """An open list or mapping, with the key that waits for its value."""

    __slots__ = ("anchor", "key", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.anchor = ""
        self.key: Scalar | None = None


def _refuse_tag(source: Source, event: Any) -> None:
    if event.tag and event.tag != "!":
        at = _at(event)
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
        raise source.error(at, f"the tag {tag} is not supported", "remove it")


def _aliased(source: Source, event: Any, anchors: dict[str, Value], open_anchors: dict[str, Value]) -> Value:
    at = _at(event)
    if event.anchor in open_anchors:
        raise source.error(at, f"*{event.anchor} is inside the value that it repeats", "an alias cannot contain itself")
    if event.anchor not in anchors:
        raise source.error(at, f"there is no &{event.anchor} above *{event.anchor}")
    return anchors[event.anchor]


def _attach(source: Source, stack: list[_Container], value: Value, root: Value | None) -> Value | None:
    """Hang a finished value into the container that is open, or make it the root."""
    if not stack:
        return value
    container = stack[-1]
    parent = container.value
    if isinstance(parent, Sequence):
        parent.items.append(value)
    elif container.key is None:
        if not isinstance(value, Scalar):
            raise source.error(value, "a key must be a plain word", "text in braces or brackets may need quotes")
        container.key = value
        return root
    else:
        _enter(source, parent, container.key, value)
        container.key = None
    parent.weight += value.weight
    parent.height = max(parent.height, value.height + 1)
    parent.dynamic = parent.dynamic or value.dynamic
    return root


def _enter(source: Source, parent: Value, key: Scalar, value: Value) -> None:
    assert isinstance(parent, Mapping)
    if key.text == "<<" and not key.quoted:
        _merge(source, parent, key, value)
        return
    if key.text in parent.keys and parent.keys[key.text].start >= parent.start:
        first = parent.keys[key.text]
        raise source.error(key, f"{key.text!r} is given twice", f"it is already in line {first.line + 1}; keep one")
    parent.entries[key.text] = value
    parent.keys[key.text] = key
    parent.dynamic = parent.dynamic or key.dynamic


def _merge(source: Source, parent: Mapping, key: Scalar, value: Value) -> None:
    """YAML's ``<<: *defaults``: the entries that the mapping does not give itself."""
    for merged in value.items if isinstance(value, Sequence) else [value]:
        if not isinstance(merged, Mapping):
            raise source.error(key, "<< takes a mapping", "write <<: *name, with &name on an earlier mapping")
        for name, entry in merged.entries.items():
            if name not in parent.entries:
                parent.entries[name] = entry
                parent.keys[name] = merged.keys[name]


def _syntax_error(source: Source, error: Any) -> CnnError:
    """What a YAML parser says, in other words, at the place where something was opened and not closed."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    if mark is None:
        return _unprintable(source, error, problem)
    at = (mark.line, mark.column)
    if "\t" in source.place(at).text[max(0, mark.column - 1) : mark.column + 1]:
        return source.error(at, "a tab, where YAML requires spaces", "replace the tab with spaces")
    for sign, message, hint in _SYNTAX_HINTS:
        if sign in problem:
            opened = getattr(error, "context_mark", None) if "opened here" in message else None
            return source.error((opened.line, opened.column) if opened else at, message, hint)
    return source.error(at, f"is not YAML: {problem}", "check the indentation, the brackets and the quotes")


def _unprintable(source: Source, error: Any, problem: str) -> CnnError:
    """A character that YAML does not allow; the parsers tell its position in the text."""
    position = getattr(error, "position", 0)
    before = source.text[:position] if isinstance(position, int) else ""
    at = (before.count("\n"), len(before) - before.rfind("\n") - 1)
    character = getattr(error, "character", None)
    which = f"the character U+{character:04X}" if isinstance(character, int) else f"a character ({problem})"
    return source.error(at, f"{which} is not allowed in a YAML file", "remove it")


_BRACES = "the brace opened here is not closed, or a comma is missing after it"
_BRACKETS = "the bracket opened here is not closed, or a comma is missing after it"
_SYNTAX_HINTS = (
    (
        "mapping values are not allowed",
        "a second ':' in one line, a line indented too far, or no ':' at the end of the previous line",
        "put a list item's fields in braces, as in conv: {filters: 6, kernel: 5}; put a text with ': ' in quotes",
    ),
    ("expected ',' or '}'", _BRACES, "write {a: 1, b: 2}"),
    ("expected ',' or ']'", _BRACKETS, "write [1, 2]"),
    ("did not find expected node content", "a value is missing here", "close what is open: { with }, [ with ]"),
    (
        "could not find expected ':'",
        "a line has no ':' where a key is expected",
        "write key: value, with a space after the ':'",
    ),
    ("did not find expected key", "the indentation does not match the previous lines", "align it with its neighbors"),
    ("did not find expected '-' indicator", "the indentation does not match the list", "start each item with '- '"),
    ("unexpected end of stream", "the quote opened here is never closed", "close it"),
    ("cannot start any token", "no value can start with this character", "put the text in quotes"),
    ("expected alphabetic or numeric character", "a name is missing after the * or &", "put the text in quotes"),
    ("unknown escape character", "a backslash starts an escape sequence in double quotes", "use single quotes"),
)


def plain_tree(node: Value | None) -> Any:
    """A tree as lists, mappings and plain values, with aliases put in; what stands in an expression stays text."""
    if isinstance(node, Scalar):
        return plain_value(node)
    if isinstance(node, Sequence):
        return [plain_tree(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key: plain_tree(entry) for key, entry in node.entries.items()}
    return None


def plain_value(scalar: Scalar) -> int | float | bool | str | None:
    """A scalar by its look: a whole number, a number, true or false, nothing, or a text.

    ``1e-3`` and ``.5`` are numbers; ``010`` is ten; ``0x10``, ``1:30``, ``yes``, ``nan`` and ``1_6`` are texts.
    """
    return read_plain(scalar.text) if not scalar.quoted else scalar.text


def read_plain(text: str) -> int | float | bool | str | None:
    """See :func:`plain_value`."""
    number = read_number(text) if text[:1] in _NUMBER_STARTS else None
    return number if number is not None else _WORDS.get(text, text)


_NUMBER_STARTS = frozenset("0123456789+-.")
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
