"""One item of a layer list, and the reading of its fields into a layer."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from cnncli.arithmetic.shape import InvalidValue
from cnncli.language.aliases import field_hint
from cnncli.language.blocks import EVERYWHERE, SHARE
from cnncli.language.expressions import Env
from cnncli.language.reading import Reading, ReportedError, is_nothing
from cnncli.language.source import Mapping, Scalar, Value
from cnncli.layers import KINDS, Layer
from cnncli.layers.fields import shown


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
            reading.fail(body, f"{entry.kind} takes no value", f"write - {entry.kind}", full)
        return {main: body}
    for field in body.entries:
        if field not in known and field not in EVERYWHERE:
            hint = field_hint(field, [*known, *EVERYWHERE])
            reading.report(body.keys[field], f"{entry.kind} has no field {field!r}", hint, full)
    return body.entries


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
                self._read_field(made, field, node, self.top, full, fields)
        for field, node in given.items():
            if field in made.schema:
                self._read_field(made, field, node, env, full, fields)
        if self.reading.reported > before:
            raise ReportedError
        return self._checked(made, fields, entry, full)

    def _read_field(
        self, made: type[Layer], field: str, node: Value, env: Env, full: str, into: dict[str, Any]
    ) -> None:
        try:
            into[field] = made.schema[field].read(self.reading.value(node, env, full))
        except InvalidValue as error:
            because = f" (from {node.text})" if isinstance(node, Scalar) and "$" in node.text else ""
            self.reading.report(node, f"{field} {error}{because}", error.hint, full)
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
