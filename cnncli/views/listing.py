"""Plain lists of records as a table, CSV or Markdown: for commands whose rows are not layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncli.escaping import csv_text, markdown, visible_line

Record = dict[str, Any]


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible_line(str(value))


def as_table(records: Sequence[Record]) -> str:
    """Aligned columns under their names; numbers to the right, with thousands separators."""
    if not records:
        return "none\n"
    names = list(records[0])
    texts = [[*map(visible_line, names)], *([_text(record[name]) for name in names] for record in records)]
    widths = [max(len(line[at]) for line in texts) for at in range(len(names))]
    right = [any(isinstance(record[name], int) for record in records) for name in names]
    return "".join(_line(line, widths, right) for line in texts)


def _line(texts: list[str], widths: list[int], right: list[bool]) -> str:
    cells = (t.rjust(w) if r else t.ljust(w) for t, w, r in zip(texts, widths, right, strict=True))
    return f" {'  '.join(cells)}".rstrip() + "\n"


def as_csv(records: Sequence[Record]) -> str:
    """Comma-separated values under a line of names; numbers without separators."""
    names = list(records[0]) if records else []
    return csv_text([names, *([record[name] for name in names] for record in records)])


def as_markdown(records: Sequence[Record]) -> str:
    """A Markdown table."""
    names = list(records[0]) if records else []
    heading = [markdown(name) for name in names]
    rule = ["---:" if any(isinstance(record[name], int) for record in records) else "---" for name in names]
    lines = [heading, rule, *([markdown(_text(record[name])) for name in names] for record in records)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
