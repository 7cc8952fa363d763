"""The rows of networks side by side: corresponding layers, and the totals as ratios to the first network's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncli.arithmetic.shape import is_symbolic
from cnncli.views.comparison.alignment import Aligned, Compared, align
from cnncli.views.summary.columns import COLUMNS, Value, read_names, total, type_text

QUANTITIES = tuple(name for name in COLUMNS if name not in ("layer", "type"))  # which every comparison has
DEFAULT = ("output", "params", "macs")
JOINED = " | "  # between the names of corresponding layers
SAME, DIFFERENT = "=", "≠"
JSON_KEYS = {"": "same", "type": "kind", "RF": "sees"}  # of the headings that differ from their JSON keys


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
        f"{network.name} {quantity}": "" if layer is None else COLUMNS[quantity].value(layer, network.inferred, 0)
        for quantity in quantities
        for network, layer in zip(networks, row.layers, strict=True)
    }
    same = all(len({cells[f"{network.name} {quantity}"] for network in networks}) == 1 for quantity in quantities)
    return {"": SAME if same else DIFFERENT, "layer": JOINED.join(names), "type": JOINED.join(kinds), **cells}


def _totals(networks: Sequence[Compared], quantities: Sequence[str]) -> list[dict[str, Any]]:
    totals = {network.name: network.inferred.totals for network in networks}
    first = totals[networks[0].name]
    sums = {f"{name} {quantity}": total(quantity, totals[name]) for quantity in quantities for name in totals}
    ratios = {
        f"{name} {quantity}": ratio_text(total(quantity, totals[name]), total(quantity, first))
        for quantity in quantities
        for name in totals
    }
    return [{"": "", "layer": name, "type": "", **cells} for name, cells in (("total", sums), ("ratio", ratios))]


def ratio_text(count: Value, first: Value) -> str:
    """``x1.86``, ``x16,000`` or ``1/400``; empty where there is nothing to compare with."""
    if isinstance(count, str) or isinstance(first, str) or any(map(_is_formula, (count, first))):
        return ""  # not a number: a ratio of formulas
    if not first or not count:
        return "x0" if first else ""
    if count >= first:
        return f"x{count / first:.2f}" if count < 1000 * first else f"x{count / first:,.0f}"
    return f"x{count / first:.2f}" if 20 * count >= first else f"1/{first / count:,.0f}"


def _is_formula(count: Value) -> bool:
    return not isinstance(count, float) and is_symbolic(count)
