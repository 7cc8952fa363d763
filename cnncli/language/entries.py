"""One item of a layer list, and the reading of its fields into a layer."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple, NoReturn

from cnncli.arithmetic.numerals import read_number, rewritten
from cnncli.arithmetic.shape import InvalidValue
from cnncli.language.aliases import EVERYWHERE, WEIGHTS_BY_HAND, field_hint, field_meant, kind_hint, kind_named
from cnncli.language.blocks import SHARE
from cnncli.language.expressions import Env
from cnncli.language.reading import Reading, ReportedError, is_nothing
from cnncli.language.source import Mapping, Scalar, Value
from cnncli.layers import KINDS, Layer
from cnncli.layers.fields import PER_AXIS_HINT, shown


class Entry(NamedTuple):
    """One item of a layer list: its layer type, its place, and the value after the colon."""

    kind: str
    at: Value
    body: Value | None

    def field(self, name: str) -> Value | None:
        """The value of a field in a mapping of fields."""
        return self.body.entries.get(name) if isinstance(self.body, Mapping) else None


def given_fields(reading: Reading, entry: Entry, main: str, known: list[str], full: str) -> dict[str, Value]:
    """The values after the colon by field; a bare value sets ``main``. Raises ReportedError where there is no main."""
    body = entry.body
    if is_nothing(body) or body is None:
        return {}
    if not isinstance(body, Mapping):
        if not main:
            off = isinstance(body, Scalar) and body.text.lower() in ("false", "no", "off")
            hint = "remove the layer" if off else f"write - {entry.kind}"
            reading.fail(body, f"{entry.kind} takes no value", hint, full)
        if isinstance(body, Scalar) and not body.quoted:
            fault = _without_braces(entry.kind, body.text, known)
            if fault is not None:
                reading.fail(body, *fault, full)
        return {main: body}
    before = ""
    for field in body.entries:
        if field not in known and field not in EVERYWHERE:
            fault = _typed_field(entry, body, field, before, [*known, *EVERYWHERE])
            hint = field_hint(field, [*known, *EVERYWHERE], body.entries)
            reading.report(body.keys[field], *(fault or (f"{entry.kind} has no field {field!r}", hint)), full)
        before = field
    return body.entries


# typing errors, as YAML reads them: a key without a value, or a text
_TYPED_FIELD = r"(\w+)(:|\s*=\s*|\s+)([^:=]+)"
_GLUED_FIELD = r"(\w+)(:(?=\S)|\s*=)"
QUOTES = "'\""
DIGITS_IN_A_GROUP = 3  # 1,000


def _typed_field(entry: Entry, body: Mapping, field: str, before: str, known: list[str]) -> tuple[str, str] | None:
    """The typing error and the hint for a text in braces that is no field: ``filters:4``, ``filters=4``, ``5``."""
    if not is_nothing(body.entries[field]):
        return None
    number, previous = read_number(field), body.entries.get(before)
    if number is not None and isinstance(previous, Scalar) and read_number(previous.text) is not None:
        text = f"{previous.text},{field}"
        whole = previous.text == "0" or len(field) == DIGITS_IN_A_GROUP  # 0,5 or 1,000
        meant = rewritten(text) if whole else f"write [{previous.text}, {field}]"
        return f"a comma ends the value of {before}", meant.replace("write ", f"write {before}: ")
    if number is not None or "：" in field or re.fullmatch(r"[0-9]+([x×*@][0-9]+)+", field):
        message = "'：' is a full-width colon" if "：" in field else f"{field} is given without the name of a field"
        values = {name: node.text for name, node in body.entries.items() if isinstance(node, Scalar) and node.text}
        typed = (f"{name}: {values[name]}" if name in values else name for name in body.entries)
        return message, _written_out(entry.kind, ", ".join(typed))
    return _missing_sign(re.fullmatch(_TYPED_FIELD, field), known)


def _missing_sign(typed: re.Match[str] | None, known: list[str]) -> tuple[str, str] | None:
    """The fault of ``filters:4`` or ``filters=4``, and its hint; None for a text that does not begin with a field."""
    name = field_meant(typed[1], known) if typed else ""
    if typed is None or name not in known:
        return None
    return _sign_fault(typed), f"write {name}: {typed[3]}"


def _sign_fault(typed: re.Match[str]) -> str:
    return "a space is missing after the colon" if typed[2] == ":" else f"a colon is missing after {typed[1]}"


def _without_braces(kind: str, text: str, known: list[str]) -> tuple[str, str] | None:
    """The fault and the hint of fields that are not in braces: ``p=0.5``, ``filters:6``; None for a bare value."""
    typed = re.match(_GLUED_FIELD, text)
    if typed is None:
        return None
    names = re.findall(r"(\w+)\s*[:=]", text)
    name = field_meant(typed[1], known, names)
    if name not in known:
        return f"{kind} has no field {typed[1]!r}", field_hint(typed[1], known)
    value = text[typed.end() :].strip()
    line = f"write - {kind}: {{{name}: {value if len(names) == 1 else '…'}}}"
    return _sign_fault(typed), _written_out(kind, text) or line


def _written_out(kind: str, values: str) -> str:
    """The hint for values that are not in braces, or without names: ``filters=6, kernel=5`` or ``6, 5``."""
    from cnncli.language.hints.typed_layers import rewritten_line

    hint = rewritten_line(f"- {kind}: {{{values}}}")
    return f"write {hint}" if hint else ""


def _value_hint(made: type[Layer], field: str, text: str, names: Collection[str], error: InvalidValue) -> str:
    """The hint for a value that a field does not take; ``names`` are the fields in braces, none for a bare value."""
    from cnncli.language.hints.slide_notation import slide_layer

    several = re.search(r"[\s,@/xX×*]", text) and field == made.main
    if several and not names:
        return _several_values_hint(made.kind, text, error)
    slide = slide_layer(f"{made.kind} {text.strip(QUOTES)}") if several and field == "filters" else None
    if slide is not None and field in slide.fields:  # filters: 6@5x5
        others = {name: value for name, value in slide.fields.items() if name == field or name not in names}
        return "write " + ", ".join(f"{name}: {value}" for name, value in others.items())
    other_kind = f"{text}_{made.kind}"
    if other_kind in KINDS and field == made.main:  # avgpool: global
        return f"use {other_kind}"
    if field == "stride" and (divided := re.fullmatch(r"/ *([0-9]+)", text)):
        return f"write {divided[1]}"
    if field in WEIGHTS_BY_HAND and not error.hint and re.search("[0-9]", text):
        return "write true or false, or use cnn convolve, which calculates with numbers"
    is_unused = text == "0" and not error.hint and made.schema[field].default == 1  # a stride or a dilation of 0
    return f"leave it out, or write {field}: 1" if is_unused else error.hint


def _several_values_hint(kind: str, text: str, error: InvalidValue) -> str:
    """The hint for several values as the only one of a layer, ``conv: 5x5, 6``, else that of the field's reader."""
    from cnncli.language.hints.typed_layers import slide_hint

    slide = slide_hint(f"{kind} {text.strip('()[]')}")
    if slide or (error.hint and error.hint != PER_AXIS_HINT):
        return slide or error.hint
    return _written_out(kind, text.strip("()[]")) or error.hint


def report_unknown_kind(reading: Reading, entry: Entry, known: list[str]) -> None:
    """Report a layer type that does not exist, by its typing error if it has one."""
    from cnncli.language.hints.layer_faults import layer_fault
    from cnncli.language.hints.typed_layers import translated_line

    kind, at = entry.kind, entry.at
    second = re.fullmatch(r"(\S+) -(\s?)(\S.*)", kind)
    if second:  # the next line continues this one
        fault, hint = "a space is missing after the dash", f"write - {second[3]}"
        if second[2]:
            fault, hint = "a list item is indented further than the one before", "align its dash with the earlier ones"
        line = reading.source.line(at.line + 1)
        reading.report((at.line + 1, len(line) - len(line.lstrip())), fault, hint)
        return
    typed = kind if entry.body is None else reading.source.text[at.start : entry.body.end]
    message, hint = layer_fault(typed, known) or (f"unknown layer type {kind!r}", "")
    value = entry.body.text if isinstance(entry.body, Scalar) else ""
    hint = hint or kind_hint(kind, known, value)
    named = kind_named(kind)
    if named and hint == f"use {named}" and not is_nothing(entry.body):
        line = translated_line(typed, named, kind)
        hint = f"write {line}" if line else hint
    reading.report(at, message, hint)


def two_readings(made: type[Layer], text: str) -> tuple[str, str] | None:
    """The two numbers of a bare ``3, 2`` for a pool: a 3x2 kernel, or kernel 3 and stride 2; None for other values.

    ``2, 2`` is the same layer in both readings.
    """
    pair = re.fullmatch(r"\s*([0-9]+)\s*,\s*([0-9]+)\s*", text)
    if pair is None or [*made.schema][:2] != ["kernel", "stride"] or int(pair[1]) == int(pair[2]):
        return None
    return pair[1], pair[2]


def two_readings_message(kernel: str, stride: str) -> str:
    """The fault of two numbers that :func:`two_readings` finds."""
    return f"'{kernel}, {stride}' may be kernel {kernel} and stride {stride}, or a kernel of {kernel}x{stride}"


class LayerReader:
    """Creates layers from entries. An entry without expressions is read once, however often it is repeated."""

    def __init__(self, reading: Reading, defaults: dict[str, Mapping], top: Env) -> None:
        self.reading = reading
        self.defaults = defaults
        self.top = top
        self._known: dict[tuple[str, int], Layer | None] = {}
        self._made: dict[
            tuple[object, ...], Layer
        ] = {}  # equal layers are one object, so that inference calculates them once

    def read(self, entry: Entry, env: Env, full: str) -> Layer:
        """The layer of an entry; ``full`` is its name, for messages. Raises ReportedError."""
        defaults = self.defaults.get(entry.kind)
        if (entry.body is not None and entry.body.dynamic) or (defaults is not None and defaults.dynamic):
            return self._make(entry, env, full)
        key = (entry.kind, id(entry.body) if entry.body is not None else 0)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._make(entry, env, full)
        layer = self._known[key]
        if layer is None:
            raise ReportedError
        return layer

    def _make(self, entry: Entry, env: Env, full: str) -> Layer:
        made = KINDS[entry.kind]
        before = self.reading.reported
        main = "" if made.merges else made.main
        bare_inputs = made.merges and not isinstance(entry.body, Mapping)  # add: [a, b] names its inputs
        given = {} if bare_inputs else given_fields(self.reading, entry, main, [*made.schema, SHARE], full)
        defaults = self.defaults.get(entry.kind)
        fields: dict[str, Any] = {}
        for field, node in (defaults.entries if defaults else {}).items():
            if field in made.schema and field not in given:
                self._read_field(made, field, node, self.top, full, fields, defaults.entries if defaults else {})
        is_mapping = isinstance(entry.body, Mapping)
        for field, node in given.items():
            if field in made.schema:
                self._read_field(made, field, node, env, full, fields, given if is_mapping else {})
        if self.reading.reported > before:
            raise ReportedError
        return self._checked(made, fields, entry, full)

    def _read_field(
        self,
        made: type[Layer],
        field: str,
        node: Value,
        env: Env,
        full: str,
        into: dict[str, Any],
        names: Collection[str],
    ) -> None:
        pair = two_readings(made, node.text) if not names and isinstance(node, Scalar) else None
        if pair is not None:
            fields = f"{{kernel: {pair[0]}, stride: {pair[1]}}}"
            hint = f"write {fields}, or [{', '.join(pair)}] for a kernel of {'x'.join(pair)}"
            self.reading.report(node, two_readings_message(*pair), hint, full)
            return
        try:
            into[field] = made.schema[field].read(self.reading.value(node, env, full))
        except InvalidValue as error:
            because = f" (from {node.text})" if isinstance(node, Scalar) and "$" in node.text else ""
            text = self.reading.source.text[node.start : node.end]
            hint = _value_hint(made, field, text, names, error)
            self.reading.report(node, f"{field} {error}{because}", hint, full)
        except ReportedError:
            return

    def _checked(self, made: type[Layer], fields: dict[str, Any], entry: Entry, full: str) -> Layer:
        missing = [name for name, field in made.schema.items() if field.required and name not in fields]
        if missing:
            fail_missing(self.reading, entry, missing, full, fields)
        key = (made, *fields.items())
        layer = self._made.get(key) or self._made.setdefault(key, made(**fields))
        misfit = layer.field_problem()
        if misfit:
            self.reading.fail(entry.at, str(misfit), misfit.hint, full)
        return layer


def fail_missing(
    reading: Reading, entry: Entry, missing: list[str], full: str, given: dict[str, Any] | None = None
) -> NoReturn:
    """Report missing fields, with an example that completes the given ones. Raises ReportedError."""
    kept = [f"{name}: {shown(value)}" for name, value in (given or {}).items() if isinstance(value, int | float | str)]
    example = ", ".join([*kept[:3], *(f"{name}: …" for name in missing)])
    hint = f"write {entry.kind}: {{{example}}}"
    plural = "s" if len(missing) > 1 else ""
    reading.fail(entry.at, f"missing required field{plural}: {', '.join(missing)}", hint, full)
