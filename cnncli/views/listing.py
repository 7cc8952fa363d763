"""Plain lists of records as a table, CSV or Markdown: for commands whose rows are not layers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from cnncli.io.escaping import csv_text, markdown, visible_line
from cnncli.io.width import columns_of, cut_all

Record = dict[str, Any]
Headings = Mapping[str, Sequence[str]]  # the lines of a heading, by its column
NO_HEADINGS: Headings = {}

NARROWEST_NAME = 12  # characters to which a name is shortened at most
NARROWEST_TEXT = 20  # columns for a text on several lines


class NumberText(str):
    """The text of a number: tables align its column to the right."""


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible_line(str(value))


def _columns(records: Sequence[Record]) -> tuple[list[str], list[list[Any]]]:
    """The names of all records, in the order in which they come up, and a row of values for each; "" for none."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return names, [[record.get(name, "") for name in names] for record in records]


def _of_numbers(rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Whether each column holds whole numbers, or numbers as text."""
    return [any(isinstance(value, int | NumberText) for value in column) for column in zip(*rows, strict=True)]


def as_table(records: Sequence[Record], headings: Headings = NO_HEADINGS) -> str:
    """Aligned columns under their names, or ``headings`` of several lines; numbers to the right, with thousands
    separators.
    """
    if not records:
        return "none\n"
    names, rows = _columns(records)
    above = [headings.get(name, (name,)) for name in names]
    height = max(map(len, above))
    lines = zip(*([*[""] * (height - len(lines)), *map(visible_line, lines)] for lines in above), strict=True)
    texts = [*map(list, lines), *([*map(_text, row)] for row in rows)]
    return "".join(f"{line}\n" for line in aligned(texts, _of_numbers(rows)))


def fitted(
    records: Sequence[Record], width: int | None, hides: Mapping[str, int], name: str = ""
) -> tuple[list[Record], list[str]]:
    """The records with the columns that fit into ``width``, and the names of those that are hidden.

    The columns that ``hides`` names give way in its order: each is shortened to no less than its number of characters,
    else hidden; 0 hides it at once. At last the column ``name`` is shortened. No other column is touched, so that no
    number is cut.
    """
    shown, hidden = [*records], list[str]()
    for column, least in hides.items():
        too_wide = excess(shown, width)
        if too_wide <= 0:
            return shown, hidden
        if not any(column in record for record in shown):
            continue
        room = widest(shown, column) - too_wide
        if least and room >= max(least, len(column)):
            return _with_cut(shown, column, room), hidden
        shown = [{key: value for key, value in record.items() if key != column} for record in shown]
        hidden.append(column)
    if name and (too_wide := excess(shown, width)) > 0:
        shown = _with_cut(shown, name, max(widest(shown, name) - too_wide, NARROWEST_NAME))
    return shown, hidden


def excess(records: Sequence[Record], width: int | None, headings: Headings = NO_HEADINGS) -> int:
    """By how much the table is wider than ``width``."""
    return max(map(columns_of, as_table(records, headings).splitlines())) - width if width is not None else 0


def widest(records: Sequence[Record], column: str) -> int:
    """The width of a column: that of its name or of its longest text."""
    return max(columns_of(column), *(columns_of(_text(record.get(column, ""))) for record in records))


def _with_cut(records: Sequence[Record], column: str, most: int) -> list[Record]:
    """The records with the texts of a column cut; different ones stay different where possible."""
    texts = list(dict.fromkeys(_text(record[column]) for record in records if isinstance(record.get(column), str)))
    short = dict(zip(texts, cut_all(texts, most), strict=True))
    return [
        {**record, column: short[_text(record[column])]} if isinstance(record.get(column), str) else record
        for record in records
    ]


def continued(records: Sequence[Record], column: str, width: int | None) -> list[Record]:
    """The records with the last ``column``, a text, on several lines where it is wider than the rest of ``width``."""
    too_wide = excess(records, width)
    room = widest(records, column) - too_wide
    if too_wide <= 0 or room < max(NARROWEST_TEXT, len(column)):
        return [*records]
    lines: list[Record] = []
    for record in records:
        first, *more = textwrap.wrap(visible_line(str(record[column])), room, break_on_hyphens=False) or [""]
        lines += [{**record, column: first}, *({column: part} for part in more)]
    return lines


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """A line per row, with its columns aligned: to the right where ``right`` says so."""
    widths = [max(map(columns_of, column)) for column in zip(*rows, strict=True)]
    return [" " + "  ".join(map(_justified, row, widths, right)).rstrip() for row in rows]


def _justified(text: str, width: int, right: bool) -> str:
    space = " " * (width - columns_of(text))
    return f"{space}{text}" if right else f"{text}{space}"


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
