"""A table for reading: aligned, as wide as the terminal, in colour where there is one.

The layout is worked out here, in plain text; rich prints it where the output is a terminal. On a pipe rich is not
even imported: a summary there takes less time than the import would.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from cnncli.arithmetic.numerals import is_digits
from cnncli.arithmetic.shape import describe_input
from cnncli.errors import shortened
from cnncli.inference import Inferred
from cnncli.io.escaping import visible_line
from cnncli.views.summary.columns import Column, notes, scaled
from cnncli.views.summary.rows import Row

GAP = "  "
LONG = 40  # rows from which a table shows each one's share of the total
NARROWEST = 8  # a text column is shortened to this, then left out


class Cell(NamedTuple):
    """A laid-out column of a table: its width, and the texts of its lines."""

    column: Column
    texts: list[str]
    width: int


def lines(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int, width: int | None) -> list[str]:
    """The table: heading, a line per row, the total, and notes."""
    shown, left_out = _fitted(_laid_out(inferred, rows, columns, batch), width)
    body = [_line(shown, at) for at in range(len(rows) + 2)]
    return [*body, *_notes(rows, shown), *_left_out(left_out)]


def _laid_out(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int) -> list[Cell]:
    totals = inferred.totals
    laid_out = []
    for position, column in enumerate(columns):
        total = "total" if position == 0 and column.name not in totals else ""
        if column.name in totals:
            total = f"{scaled(column.name, totals[column.name], batch):,}"
        texts = [column.heading, *(visible_line(column.cell(row, inferred, batch)) for row in rows), total]
        laid_out.append(Cell(column, texts, max(map(len, texts))))
    return laid_out


def _fitted(cells: list[Cell], width: int | None) -> tuple[list[Cell], list[str]]:
    """Shorten, then leave out, the least important columns until the lines fit."""
    left_out: list[str] = []
    for column in sorted((cell.column for cell in cells), key=lambda column: -column.rank):
        excess = _width(cells) - width if width is not None else 0
        if excess <= 0:
            break
        at = next(i for i, cell in enumerate(cells) if cell.column is column)
        narrow = cells[at].width - excess
        if (not column.right and narrow >= NARROWEST) or len(cells) == 1:
            cells[at] = cells[at]._replace(width=max(narrow, 1))
        elif column.rank > 0:
            del cells[at]
            left_out.append(column.name)
        else:
            cells[at] = cells[at]._replace(width=max(narrow, NARROWEST))
    return cells, left_out


def _width(cells: list[Cell]) -> int:
    return 1 + sum(cell.width for cell in cells) + len(GAP) * (len(cells) - 1)


def _line(cells: list[Cell], at: int) -> str:
    return " " + GAP.join(map(_text, cells, [at] * len(cells))).rstrip()


def _text(cell: Cell, at: int) -> str:
    text = shortened(cell.texts[at], cell.width)
    return text.rjust(cell.width) if cell.column.right else text.ljust(cell.width)


def _notes(rows: list[Row], cells: list[Cell]) -> list[str]:
    said = [f" {_path(rows, at)}: {note}" for at, row in enumerate(rows) for note in notes(row)]
    if any("*" in text for cell in cells if cell.column.name == "sees" for text in cell.texts):
        said.append(" * seen along paths whose centres or strides differ")
    return ["", *said] if said else []


def _path(rows: list[Row], at: int) -> str:
    """A row's name with the headings above it."""
    labels, depth = [rows[at].label], rows[at].depth
    for row in reversed(rows[:at]):
        if row.depth < depth:
            labels.append(row.label)
            depth = row.depth
    return ".".join(reversed(labels))


def _left_out(names: list[str]) -> list[str]:
    if not names:
        return []
    return ["", f" no room for {', '.join(reversed(names))}: widen the terminal, or choose with --columns"]


def title(inferred: Inferred, slug: str, batch: int) -> str:
    """``LeNet-5 · input 1x28x28 · LeCun et al. 1998``."""
    graph = inferred.graph
    names = ["input" if entry.name == "input" else f"input {entry.name}" for entry in graph.inputs]
    inputs = [f"{name} {describe_input(entry.shape)}" for name, entry in zip(names, graph.inputs, strict=True)]
    parts = [graph.name or slug, *inputs, f"batch {batch}" if batch else "", graph.source]
    return " · ".join(visible_line(part) for part in parts if part)


def terminal_width() -> int | None:
    """The width to lay out for: the terminal's or ``$COLUMNS``; None (as wide as it gets) on a pipe."""
    columns = os.environ.get("COLUMNS", "")
    if is_digits(columns) and 0 < int(columns[:10]) < 10**9:
        return int(columns)
    # a terminal that does not know its size says 0
    return (os.get_terminal_size(sys.stdout.fileno()).columns or None) if sys.stdout.isatty() else None


_STYLES = {"conv": "cyan", "linear": "magenta", "pool": "green", "merge": "yellow"}  # the others cost next to nothing


def styles(rows: list[Row]) -> list[str]:
    """A colour for each line of the table: the heading's, each row's by the family of its kind, the total's."""
    return ["dim", *map(_row_style, rows), "bold"]


def _row_style(row: Row) -> str:
    if row.facts is None or not row.is_layer:
        return "bold"
    family = type(row.facts.node.layer).__module__.rpartition(".")[2]
    return _STYLES.get(family, "")


def show(heading: str, body: Sequence[str], line_styles: Sequence[str]) -> None:
    """Print a table under its title, in colour on a terminal; ``line_styles`` are for its first lines."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        sys.stdout.write("\n".join([heading, "", *body]) + "\n")
        return
    from itertools import zip_longest

    from rich.text import Text

    from cnncli.io import terminal

    console = terminal.console()
    console.print(Text(heading, style="bold"), soft_wrap=True)
    console.print()
    for line, style in zip_longest(body, line_styles, fillvalue=""):
        console.print(Text(line, style=style), soft_wrap=True)
