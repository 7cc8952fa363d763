"""The table of a summary: aligned, fitted to the width of the terminal, and colored there.

The layout is computed here as plain text, and rich prints it on a terminal. On a pipe rich is not imported: a summary
takes less time than that import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from cnncli.arithmetic.shape import describe_input
from cnncli.inference import Inferred
from cnncli.io.escaping import visible_line
from cnncli.io.width import cut, cut_all, titled, wrapped, wrapped_text
from cnncli.views.summary.columns import Column, closing_rows, notes
from cnncli.views.summary.rows import Row, is_partial, subtotal, total_label

GAP = "  "
NEEDED = 4  # the rank of RF: columns up to it are needed more than long names
LEAST_LAYER = 24  # characters to which names of layers are shortened before a column is hidden
MIN_WIDTH = 8  # a text column is shortened to this width, then hidden


class TextColumn(NamedTuple):
    """A column of the table as text: its width, and the text of each line."""

    column: Column
    texts: list[str]
    width: int


def lines(
    inferred: Inferred, rows: list[Row], columns: list[Column], batch: int, width: int | None, *, chosen: bool = False
) -> list[str]:
    """The lines of the table: heading, rows, total and notes. ``chosen`` says that --columns chose the columns."""
    shown, hidden = _fitted(_laid_out(inferred, rows, columns, batch), width)
    body = [_line(shown, at) for at in range(len(shown[0].texts))]
    return [*body, *_unlabeled(inferred, rows, shown), *_notes(rows, shown), *_hidden_columns(hidden, chosen=chosen)]


def _unlabeled(inferred: Inferred, rows: list[Row], shown: list[TextColumn]) -> list[str]:
    """What the last rows of a part of the layers are, where a sum takes the place of their labels."""
    label = total_label(inferred, rows)
    if not is_partial(inferred, rows) or label in (cell.texts[-1] for cell in shown):
        return []
    return ["", *wrapped(f" last rows: {subtotal(rows).label}, {label}")]


def _laid_out(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int) -> list[TextColumn]:
    laid_out = []
    closing = zip(*closing_rows(columns, inferred, rows, batch), strict=True)
    for column, last in zip(columns, closing, strict=True):
        texts = [column.heading, *(visible_line(column.cell(row, inferred, batch)) for row in rows), *last]
        laid_out.append(TextColumn(column, texts, max(map(len, texts))))
    return laid_out


def _fitted(cells: list[TextColumn], width: int | None) -> tuple[list[TextColumn], list[str]]:
    """Shorten, then hide, the least important columns until the lines fit ``width``."""
    hidden: list[str] = []
    for column in sorted((cell.column for cell in cells), key=lambda column: -column.rank):
        if column.rank <= NEEDED:
            excess = _excess(cells, width)
            cells = [_with_shorter_names(cell, excess) for cell in cells]
        excess = _excess(cells, width)
        if excess <= 0:
            break
        at = next(i for i, cell in enumerate(cells) if cell.column is column)
        narrow = cells[at].width - excess
        if (_may_be_cut(cells[at]) and narrow >= MIN_WIDTH) or len(cells) == 1:
            cells[at] = cells[at]._replace(width=max(narrow, 1))
        elif column.rank > 0:
            del cells[at]
            hidden.append(column.name)
        else:
            cells[at] = cells[at]._replace(width=max(narrow, MIN_WIDTH))
    return cells, hidden


def _with_shorter_names(cell: TextColumn, excess: int) -> TextColumn:
    """The names of layers shortened before a column of quantities is hidden; different ones stay different."""
    most = max(cell.width - excess, LEAST_LAYER)
    if cell.column.name != "layer" or cell.width <= most:
        return cell
    return cell._replace(texts=cut_all(cell.texts, most), width=most)


def _may_be_cut(cell: TextColumn) -> bool:
    """Names, notes and formulas: a number that is cut would be another number."""
    return cell.column.is_text or (not cell.column.right and any("(" in text for text in cell.texts))


def _excess(cells: list[TextColumn], width: int | None) -> int:
    """By how much the lines are wider than ``width``."""
    return 1 + sum(cell.width for cell in cells) + len(GAP) * (len(cells) - 1) - width if width is not None else 0


def _line(cells: list[TextColumn], at: int) -> str:
    return " " + GAP.join(map(_text, cells, [at] * len(cells))).rstrip()


def _text(cell: TextColumn, at: int) -> str:
    text = cut(cell.texts[at], cell.width)
    return text.rjust(cell.width) if cell.column.right else text.ljust(cell.width)


def _notes(rows: list[Row], cells: list[TextColumn]) -> list[str]:
    told = (f" {_path(rows, at)}: {note}" for at, row in enumerate(rows) for note in notes(row))
    lines = [line for note in told for line in wrapped(note)]
    if any("*" in text for cell in cells if cell.column.name == "RF" for text in cell.texts):
        lines.append(" * merged paths differ in center or stride")
    return ["", *lines] if lines else []


def _path(rows: list[Row], at: int) -> str:
    """A row's name after the headings that it is nested under."""
    labels, depth = [rows[at].label], rows[at].depth
    for row in reversed(rows[:at]):
        if row.depth < depth:
            labels.append(row.label)
            depth = row.depth
    return ".".join(reversed(labels))


def _hidden_columns(names: list[str], *, chosen: bool) -> list[str]:
    return ["", hidden_note([*reversed(names)], way_to_see(chosen=chosen))] if names else []


def way_to_see(*, chosen: bool) -> str:
    """How to see hidden columns; ``chosen`` says that --columns chose them already."""
    return "choose fewer with --columns, or add --format csv" if chosen else "choose with --columns"


def hidden_note(names: Sequence[str], how: str) -> str:
    """What is below a table whose columns do not all fit the terminal."""
    return wrapped_text(f" hidden for lack of room: {', '.join(names)} ({how})")


def title(inferred: Inferred, name: str, batch: int) -> str:
    """``LeNet-5 · input 1x28x28 · LeCun et al. 1998``."""
    graph = inferred.graph
    names = ["input" if entry.name == "input" else f"input {entry.name}" for entry in graph.inputs]
    inputs = [f"{label} {describe_input(entry.shape)}" for label, entry in zip(names, graph.inputs, strict=True)]
    parts = [graph.name or name, *inputs, f"batch {batch}" if batch else "", graph.source]
    return titled(*map(visible_line, parts))


# Of medium lightness: readable on dark and on light terminals, which yellow and cyan are not.
STYLES = {
    "conv": "color(31)",  # blue
    "linear": "color(133)",  # violet
    "pool": "color(28)",  # green
    "merge": "color(130)",  # orange
}


def styles(inferred: Inferred, rows: list[Row]) -> list[str]:
    """The color of each line of the table: heading, rows (by the family of the layer type) and totals."""
    return ["dim", *map(_row_style, rows), *["bold"] * (2 if is_partial(inferred, rows) else 1)]


def _row_style(row: Row) -> str:
    if row.info is None or not row.is_layer:
        return "bold"
    return STYLES.get(row.info.node.layer.family, "")


def show(heading: str, body: Sequence[str], line_styles: Sequence[str]) -> None:
    """Print a table below its title, colored on a terminal; ``line_styles`` are those of the first lines."""
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
