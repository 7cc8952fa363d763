"""The layer types, and the fields of one: tables for ``cnn layer`` without an input."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from cnncli.analysis.explanation.layer import summary_of
from cnncli.errors import CnnError
from cnncli.io.width import text_width, wrapped
from cnncli.layers import FAMILIES, KINDS
from cnncli.layers.descriptions import description
from cnncli.layers.fields import shown
from cnncli.one_layer import option
from cnncli.schema import SchemaField
from cnncli.views import listing

FOOTER = """cnn layer TYPE lists the fields of a type, with what they mean. residual,
parallel and repeat, which hold other layers, are written in a file.
"""
Record = dict[str, Any]


def types_as(form: str) -> str:
    """All layer types, as ``table``, ``json``, ``csv`` or ``markdown``. Raises CnnError for ``latex``."""
    return _list_as(form, _type_records(), _types_text)


def fields_as(kind: str, form: str) -> str:
    """The fields of a layer type, in the same forms."""
    return _list_as(form, _field_records(kind), lambda: _fields_text(kind))


def _list_as(form: str, records: Sequence[Record], text: Callable[[], str]) -> str:
    if form == "table":
        return text()
    if form == "json":
        return listing.as_json(records)
    if form == "latex":
        raise CnnError("--format latex: a list of types or fields has no LaTeX", "use table, json, csv or markdown")
    return listing.as_csv(records) if form == "csv" else listing.as_markdown(records)


def _type_records() -> list[Record]:
    """The types by family: the field that a value without a name sets, and the other fields."""
    return [
        {"family": family, "type": kind, "value": main, "fields": ", ".join(others)}
        for family in (module.__name__.rpartition(".")[2] for module in FAMILIES)
        for kind, layer in KINDS.items()
        if layer.__module__.endswith(f".{family}")
        for main, *others in [[*layer.schema] or [""]]
    ]


def _types_text() -> str:
    """The types in a table, with a line for each family."""
    records = [{"family": "", "type": "type", "value": "value", "fields": "other fields"}, *_type_records()]
    kinds, mains = (max(len(record[column]) for record in records) for column in ("type", "value"))
    lines: list[str] = []
    family = ""
    for record in records:
        if record["family"] != family:
            family = record["family"]
            lines += ["", f"{family}:"]
        lines += hanging(f" {record['type'].ljust(kinds)}  {record['value'].ljust(mains)}  ", record["fields"])
    return "\n".join([*lines, "", FOOTER])


def _field_records(kind: str) -> list[Record]:
    """The fields of a type as options: the default, ``required`` or empty, and what each means."""
    return [
        {"option": option(name), "default": default_text(field), "meaning": meaning(kind, name)}
        for name, field in KINDS[kind].schema.items()
    ]


def default_text(field: SchemaField) -> str:
    """The default of a field as written, ``required``, or "" where the meaning has it."""
    return "required" if field.required else "" if field.default is None else shown(field.default)


def meaning(kind: str, field: str) -> str:
    """The description of a field, with the words that it takes."""
    words = KINDS[kind].schema[field].read.accepts.get("enum")
    return description(kind, field) + (f" One of {', '.join(words)}." if words else "")


def _fields_text(kind: str) -> str:
    """The description of a type, its fields in a table, and how to ask about a layer of it."""
    layer = KINDS[kind]
    shape = {"option": "--input", "default": "required", "meaning": "Shape of the input: 3x32x32, 400, or 3xHxW."}
    records = [{name: name for name in shape}, *_field_records(kind), shape]
    names, defaults = (max(len(record[column]) for record in records) for column in ("option", "default"))
    lines: list[str] = []
    for record in records:
        start = f" {record['option'].ljust(names)}  {record['default'].ljust(defaults)}  "
        lines += hanging(start, record["meaning"])
    required = [name for name, field in layer.schema.items() if field.required]
    words = [name.upper() if name == layer.main else f"{option(name)} {name.upper()}" for name in required]
    example = " ".join(["cnn layer", kind, *words, *["--input SHAPE"] * layer.min_inputs])
    heading = wrapped(f"{kind}: {summary_of(layer)}")
    return "\n".join([*heading, "", *lines, "", example]) + "\n"


def hanging(start: str, text: str) -> list[str]:
    """A text after its label, its further lines indented as far."""
    parts = textwrap.wrap(text, text_width() - len(start), break_long_words=False) or [""]
    return [f"{start if at == 0 else ' ' * len(start)}{part}".rstrip() for at, part in enumerate(parts)]
