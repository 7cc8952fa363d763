"""Networks side by side as a table in the width of the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import format_input_shape
from cnncli.io.escaping import visible_line
from cnncli.io.width import cut_all, output_width, titled
from cnncli.views.comparison.alignment import Compared
from cnncli.views.comparison.network_rows import JOINED, records
from cnncli.views.listing import Headings, as_table, excess, widest
from cnncli.views.summary.columns import readable
from cnncli.views.summary.table import hidden_note, way_to_see

LONGEST_NAME = 24  # characters of a network's name in the headings on a terminal
LEAST_LAYER = 20  # characters of a line of a layer's name before a column is hidden


def as_fitted_table(
    networks: Sequence[Compared], quantities: Sequence[str], *, changed: bool, depth: int | None, chosen: bool = False
) -> str:
    """The networks' titles and the table in the width of the terminal, with notes on what does not fit.

    If many networks do not fit even with one quantity, the last ones are hidden. ``chosen`` says that --columns
    chose the quantities.
    """
    width = output_width()
    if width is not None:
        networks = _with_short_names(networks)
    shown = _shown(networks, quantities, width, changed=changed, depth=depth)
    count = len(shown.networks)
    text = f"{_titles(shown.networks)}\n\n{as_table(*shown.layout)}"
    if shown.hidden:
        text += f"\n{hidden_note(shown.hidden, way_to_see(chosen=chosen))}\n"
    if networks[count:]:
        text += f"\n{hidden_note([network.name for network in networks[count:]], '--format csv has all networks')}\n"
    if changed and not any(row["type"] for row in shown.rows):
        text += f"\n no layer differs in {', '.join(quantities)}\n"
    return text


def _titles(networks: Sequence[Compared]) -> str:
    lines = []
    for name, inferred in networks:
        shapes = ", ".join(format_input_shape(entry.shape) for entry in inferred.graph.inputs)
        lines.append(titled(*map(visible_line, (name, inferred.graph.name, shapes, inferred.graph.source))))
    return "\n".join(lines)


def _with_short_names(networks: Sequence[Compared]) -> Sequence[Compared]:
    """The networks with names that leave room for the numbers; with their own where those would not be distinct."""
    names = cut_all([network.name for network in networks], LONGEST_NAME)
    short = [network._replace(name=name) for network, name in zip(networks, names, strict=True)]
    return short if len({network.name for network in short}) == len(networks) else networks


class _Layout(NamedTuple):
    """A table that may be too wide: its rows and headings."""

    rows: list[dict[str, Any]]
    headings: Headings

    def fits(self, width: int | None) -> bool:
        return excess(self.rows, width, self.headings) <= 0


class _Shown(NamedTuple):
    """The networks of a table, its records, their layout, and the columns that are hidden."""

    networks: Sequence[Compared]
    rows: list[dict[str, Any]]
    layout: _Layout
    hidden: list[str]


def _shown(
    networks: Sequence[Compared], quantities: Sequence[str], width: int | None, *, changed: bool, depth: int | None
) -> _Shown:
    """The first networks that fit ``width`` side by side, at least two."""

    def first(count: int) -> _Shown:
        rows = records(networks[:count], quantities, changed=changed, depth=depth)
        return _Shown(networks[:count], rows, *_fitted([*map(readable, rows)], networks[:count], quantities, width))

    if width is None:
        return first(len(networks))
    found = first(2)  # upwards, because a table of many networks takes long, and few fit
    for count in range(3, len(networks) + 1):
        more = first(count)
        if not more.layout.fits(width):
            break
        found = more
    return found


def _fitted(
    rows: list[dict[str, Any]], networks: Sequence[Compared], quantities: Sequence[str], width: int | None
) -> tuple[_Layout, list[str]]:
    """The rows with as many columns as fit ``width``, and what is hidden.

    First headings take two lines, and the names of corresponding layers stand below each other and are broken. Then
    types are hidden, then a quantity of all networks: the shapes, and from the last one on the others. One quantity
    stays.
    """
    order = sorted(quantities, key=lambda quantity: (quantity != "output", -quantities.index(quantity)))[:-1]
    hidden: list[str] = []
    for column in ("", "type", *order):
        hidden += [column] if column else []
        layout = _laid_out(_without(rows, hidden, networks), networks, quantities, width)
        if layout.fits(width):
            break
    return layout, hidden


def _without(rows: list[dict[str, Any]], hidden: Sequence[str], networks: Sequence[Compared]) -> list[dict[str, Any]]:
    """The rows without the types and quantities that are hidden."""
    gone = {*hidden, *(f"{network.name} {name}" for name in hidden for network in networks)}
    return [{key: cell for key, cell in row.items() if key not in gone} for row in rows]


def _laid_out(
    rows: list[dict[str, Any]], networks: Sequence[Compared], quantities: Sequence[str], width: int | None
) -> _Layout:
    """The first layout that fits, else the narrowest one."""
    two_lines = {f"{network.name} {name}": (network.name, name) for name in quantities for network in networks}
    for layout in (_Layout(rows, {}), _Layout(rows, two_lines), _Layout(stacked(rows), {})):
        if layout.fits(width):
            return layout
    below = stacked(rows)
    room = widest(below, "layer") - max(excess(below, width, two_lines), 0)
    least = min(LEAST_LAYER, widest(below, "layer"))
    return _Layout(stacked(rows, max(room, least)), two_lines)


def stacked(rows: Sequence[dict[str, Any]], most: int = 10**9) -> list[dict[str, Any]]:
    """The rows with the names and types of corresponding layers below each other, in names of at most ``most``."""
    lines: list[dict[str, Any]] = []
    mark = JOINED.rstrip()
    for row in rows:
        *names, last_name = row["layer"].split(JOINED)
        broken = [_name_lines(name, most - len(mark)) for name in names]
        ended = [line for *before, last in broken for line in (*before, last + mark)]
        columns = {"layer": [*ended, *_name_lines(last_name, most)]}
        if "type" in row:
            *types, last = row["type"].split(JOINED)
            columns["type"] = [*(kind + mark for kind in types), last]
        first, *more = zip_longest(*columns.values(), fillvalue="")
        lines.append({**row, **dict(zip(columns, first, strict=True))})
        lines += [dict(zip(columns, texts, strict=True)) for texts in more]
    return lines


def _name_lines(name: str, most: int) -> list[str]:
    """A layer's name on lines of at most ``most`` characters: broken after dots, or within a part longer than a line.

    >>> _name_lines("inception3a.branch2.unit1.conv1", 20)
    ['inception3a.branch2.', '  unit1.conv1']
    """
    if len(name) <= most:
        return [name]
    lines = [""]
    for part in re.findall(rf"[^.]{{1,{most - 3}}}\.?", name):
        if lines[-1].strip() and len(lines[-1]) + len(part) > most:
            lines.append("  ")
        lines[-1] += part
    return lines
