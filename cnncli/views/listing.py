"""Plain lists of records as a table, CSV or Markdown: for commands whose rows are not layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cnncli.io.escaping import csv_text, markdown, visible_line

Record = dict[str, Any]


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible_line(str(value))


def _columns(records: Sequence[Record]) -> tuple[list[str], list[list[Any]]]:
    """The names of all records, in the order in which they come up, and a row of values for each; "" for none."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return names, [[record.get(name, "") for name in names] for record in records]


def _of_numbers(rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Whether each column holds whole numbers."""
    return [any(isinstance(value, int) for value in column) for column in zip(*rows, strict=True)]


def as_table(records: Sequence[Record]) -> str:
    """Aligned columns under their names; numbers to the right, with thousands separators."""
    if not records:
        return "none\n"
    names, rows = _columns(records)
    texts = [[*map(visible_line, names)], *([*map(_text, row)] for row in rows)]
    return "".join(f"{line}\n" for line in aligned(texts, _of_numbers(rows)))


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """A line per row, with its columns aligned: to the right where ``right`` says so."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [" " + "  ".join(map(_justified, row, widths, right)).rstrip() for row in rows]


def _justified(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def as_json(value: Any, indent: int | None = 1) -> str:
    """JSON on lines of its own. NaN and the infinities, which JSON does not have, become null."""
    import json

    return json.dumps(_without_nan(value), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(records: Sequence[Record]) -> str:
    """Comma-separated values under a line of names; numbers without separators."""
    names, rows = _columns(records)
    return csv_text([names, *rows])


def as_markdown(records: Sequence[Record]) -> str:
    """A Markdown table."""
    names, rows = _columns(records)
    heading = [markdown(name) for name in names]
    rule = ["---:" if number else "---" for number in _of_numbers(rows)]
    lines = [heading, rule, *([markdown(_text(value)) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
