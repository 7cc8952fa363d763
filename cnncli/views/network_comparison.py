"""Networks side by side: corresponding layers in one row, and the totals as ratios to the first network's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import format_input_shape, format_shape, is_symbolic
from cnncli.inference import SUMMED, Inferred
from cnncli.io.escaping import visible_line
from cnncli.io.width import cut_all, output_width, titled
from cnncli.views.listing import as_table, fitted
from cnncli.views.summary.columns import read_names, receptive_field_text, type_text
from cnncli.views.summary.rows import Row, collapsed, flat
from cnncli.views.summary.table import hidden_note

QUANTITIES = ("output", *SUMMED, "RF")
DEFAULT = ("output", "params", "macs")
LONG = 1000  # networks of more layers are aligned without their most frequent layers, which takes quadratic time
SAME, DIFFERENT = "=", "≠"
JSON_KEYS = {"": "same", "type": "kind", "RF": "sees"}  # of the headings that differ from their JSON keys


class Compared(NamedTuple):
    """A network, and its name in the headings."""

    name: str
    inferred: Inferred


class Aligned(NamedTuple):
    """Layers that correspond: for each network one, or None."""

    layers: tuple[Row | None, ...]


def align(networks: Sequence[Compared], depth: int | None = None) -> list[Aligned]:
    """Every layer of every network once, in order; those that correspond to one of the first network in its row.

    With a ``depth``, composites that many levels deep take the place of their layers.
    """
    first, *others = [
        flat(network.inferred) if depth is None else collapsed(network.inferred, depth) for network in networks
    ]
    partners = [_partners(first, layers) for layers in others]
    rows: list[Aligned] = []
    at = [0] * len(others)
    for position in range(len(first) + 1):
        for number, layers in enumerate(others):  # the layers before the partner, in rows of their own
            until = _next_partner(partners[number], position, len(layers))
            rows += [_alone(layer, number + 1, len(networks)) for layer in layers[at[number] : until]]
            at[number] = max(at[number], until)
        if position < len(first):
            found = [_take(layers, partners[n].get(position), at, n) for n, layers in enumerate(others)]
            rows.append(Aligned((first[position], *found)))
    return rows


def _next_partner(partners: dict[int, int], position: int, end: int) -> int:
    """The index of the first layer of a network that comes no earlier than a row of the first network."""
    return next((partners[p] for p in range(position, max(partners, default=-1) + 1) if p in partners), end)


def _take(layers: list[Row], partner: int | None, at: list[int], number: int) -> Row | None:
    if partner is None:
        return None
    at[number] = partner + 1
    return layers[partner]


def _alone(layer: Row, number: int, count: int) -> Aligned:
    return Aligned(tuple(layer if n == number else None for n in range(count)))


def _partners(one: list[Row], other: list[Row]) -> dict[int, int]:
    """The indices of corresponding layers: that in ``other`` for one in ``one``.

    First those that agree in name and all quantities; in the gaps between them those that agree in all quantities, then
    in name, then in type.
    """
    found: dict[int, int] = {}
    for key in (_name_and_stats, _stats, _name, _kind):
        for (start, end), (begin, finish) in [*_gaps(found, len(one), len(other))]:
            for a, b, size in _matches(one[start:end], other[begin:finish], key):
                found.update(zip(range(start + a, start + a + size), range(begin + b, begin + b + size), strict=True))
    return found


def _name(row: Row) -> object:
    return row.label


def _name_and_stats(row: Row) -> object:
    return row.label, _stats(row)


def _kind(row: Row) -> object:
    return row.kind


def _stats(row: Row) -> object:
    """What determines the quantities of a layer; of a composite, the quantities themselves."""
    if row.is_layer and row.info is not None:
        return row.info.node.layer, row.info.input_shapes, row.times
    output = row.info.stats.output_shape if row.info is not None else ()
    return row.kind, row.times, output, tuple(row.counts.values()) if row.counts is not None else ()


def _matches(one: list[Row], other: list[Row], key: Callable[[Row], object]) -> Iterator[tuple[int, int, int]]:
    matcher = SequenceMatcher(None, [*map(key, one)], [*map(key, other)], autojunk=max(len(one), len(other)) > LONG)
    yield from matcher.get_matching_blocks()


def _gaps(found: dict[int, int], one: int, other: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The ranges between partners, in both networks."""
    start, begin = 0, 0
    for a, b in [*sorted(found.items()), (one, other)]:
        if a > start and b > begin:
            yield (start, a), (begin, b)
        start, begin = a + 1, b + 1


# Rows -------------------------------------------------------------------------------------------------------------


def chosen(columns: str | None) -> list[str]:
    """The columns of ``--columns a,b``, or the default ones. Raises CnnError for an unknown one."""
    return read_names(columns or "", QUANTITIES, "column") or [*DEFAULT]


def records(
    networks: Sequence[Compared], quantities: Sequence[str], *, changed: bool, depth: int | None = None
) -> list[dict[str, Any]]:
    """A record per row: layers, their types and each quantity of each network; then totals and ratios."""
    rows = [_record(row, networks, quantities) for row in align(networks, depth)]
    if changed:
        rows = [row for row in rows if row[""] != SAME]
    return [*rows, *_totals(networks, quantities)]


def json_records(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records with the keys of JSON in place of headings: ``kind`` for type, ``vgg16 sees`` for ``vgg16 RF``."""
    return [{_json_key(heading): value for heading, value in row.items()} for row in rows]


def _json_key(heading: str) -> str:
    network, space, name = heading.rpartition(" ")
    return f"{network}{space}{JSON_KEYS.get(name, name)}"


def _record(row: Aligned, networks: Sequence[Compared], quantities: Sequence[str]) -> dict[str, Any]:
    there = [layer for layer in row.layers if layer is not None]
    names = list(dict.fromkeys(layer.label for layer in there))
    kinds = list(dict.fromkeys(map(type_text, there)))
    cells = {
        f"{network.name} {quantity}": "" if layer is None else _value(layer, quantity, network.inferred)
        for quantity in quantities
        for network, layer in zip(networks, row.layers, strict=True)
    }
    same = all(len({cells[f"{network.name} {quantity}"] for network in networks}) == 1 for quantity in quantities)
    return {"": SAME if same else DIFFERENT, "layer": " | ".join(names), "type": " | ".join(kinds), **cells}


def _value(row: Row, quantity: str, inferred: Inferred) -> Any:
    if row.info is not None and quantity == "output":
        return format_shape(row.info.stats.output_shape)
    if row.info is not None and quantity == "RF":
        return receptive_field_text(row.info, inferred)
    return row.counts[quantity] if row.counts is not None else ""


def _totals(networks: Sequence[Compared], quantities: Sequence[str]) -> list[dict[str, Any]]:
    totals = {network.name: network.inferred.totals for network in networks}
    first = totals[networks[0].name]
    sums = {f"{name} {quantity}": totals[name].get(quantity, "") for quantity in quantities for name in totals}
    ratios = {
        f"{name} {quantity}": ratio_text(totals[name][quantity], first[quantity]) if quantity in first else ""
        for quantity in quantities
        for name in totals
    }
    return [{"": "", "layer": name, "type": "", **cells} for name, cells in (("total", sums), ("ratio", ratios))]


def ratio_text(count: int, first: int) -> str:
    """``x1.86``, ``x16,000`` or ``1/400``; empty where there is nothing to compare with."""
    if is_symbolic(count) or is_symbolic(first):
        return ""  # not a number: a ratio of formulas
    if not first or not count:
        return "x0" if first else ""
    if count >= first:
        return f"x{count / first:.2f}" if count < 1000 * first else f"x{count / first:,.0f}"
    return f"x{count / first:.2f}" if 20 * count >= first else f"1/{first / count:,.0f}"


# The table --------------------------------------------------------------------------------------------------------

LONGEST_NAME = 24  # characters of a network's name in the headings on a terminal
LEAST_LAYER = 20  # characters to which the names of layers are shortened before a column is hidden


def as_fitted_table(
    networks: Sequence[Compared], quantities: Sequence[str], *, changed: bool, depth: int | None
) -> str:
    """The networks' titles and the table in the width of the terminal, with a note on what does not fit."""
    width = output_width()
    if width is not None:
        networks = _with_short_names(networks)
    rows = records(networks, quantities, changed=changed, depth=depth)
    shown, hidden = _fitted(rows, networks, quantities, width)
    text = f"{_titles(networks)}\n\n{as_table(shown)}"
    if hidden:
        text += f"\n{hidden_note(hidden)}\n"
    if changed and not any(row["type"] for row in rows):
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


def _fitted(
    rows: list[dict[str, Any]], networks: Sequence[Compared], quantities: Sequence[str], width: int | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows with as many columns as fit ``width``, and the names of those that are hidden.

    First the names of layers are shortened, then types are hidden, then a quantity of all networks: the shapes, and
    from the last one on the others. One quantity stays.
    """
    order = sorted(quantities, key=lambda quantity: (quantity != "output", -quantities.index(quantity)))[:-1]
    for count in range(len(order) + 1):
        for also in ([], ["type"]):
            gone = {*also, *(f"{network.name} {quantity}" for quantity in order[:count] for network in networks)}
            kept = [{key: cell for key, cell in row.items() if key not in gone} for row in rows]
            shown, without = fitted(kept, width, {"layer": LEAST_LAYER})
            if not without:
                return shown, [*also, *order[:count]]
    return fitted(kept, width, {}, "layer")[0], ["type", *order]
