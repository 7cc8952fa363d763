"""Filtering and sorting a long summary, and each row's percentage of the total."""

from __future__ import annotations

from cnncli.arithmetic.shape import is_symbolic
from cnncli.errors import CnnError, suggestion
from cnncli.inference import SUMMED, Inferred
from cnncli.layers import KINDS
from cnncli.views.summary.columns import Column
from cnncli.views.summary.rows import Row, flat

BAR_WIDTH = 12  # characters of the bar for 100%
EIGHTHS = " ▏▎▍▌▋▊▉█"


def browse(inferred: Inferred, only: str | None, sort: str | None, top: int | None) -> list[Row]:
    """The rows of single layers under their full names: of the types ``only``, largest ``sort`` first, at most ``top``.

    Raises CnnError for unknown layer types and quantities.
    """
    rows = flat(inferred)
    if only is not None:
        kinds = _kinds(only, inferred)
        rows = [row for row in rows if row.kind in kinds]
    if sort is not None or top is not None:
        quantity = quantity_named(sort or "params")
        if is_symbolic(inferred.totals[quantity]):
            raise CnnError(
                f"--sort {quantity}: depends on symbolic sizes", "give the input numbers, e.g. --input 3x224x224"
            )
        rows.sort(key=lambda row: -row.counts[quantity] if row.counts is not None else 0)
    return rows[:top]


def quantity_named(name: str, option: str = "--sort") -> str:
    """The name, checked. Raises CnnError, with the option's name, if it is not that of a quantity."""
    if name not in SUMMED:
        hint = suggestion(name, SUMMED, f"the quantities are {', '.join(SUMMED)}")
        raise CnnError(f"{option}: unknown quantity {name!r}", hint)
    return name


def _kinds(text: str, inferred: Inferred) -> list[str]:
    kinds = [name.strip().lower() for name in text.split(",") if name.strip()]
    present = list(dict.fromkeys(info.node.layer.kind for info in inferred.layers.values()))
    for kind in kinds:
        if kind not in KINDS:
            hint = suggestion(kind, list(KINDS), f"the network has {', '.join(present)}")
            raise CnnError(f"--only: unknown layer type {kind!r}", hint)
    if not kinds:
        raise CnnError("--only: names no layer type", f"the network has {', '.join(present)}")
    return kinds


def percentage_column(inferred: Inferred, quantity: str, form: str = "table") -> Column | None:
    """Each row's fraction of the total of one quantity; None where the total is 0 or symbolic.

    A table shows it as a bar and a percentage, Markdown and LaTeX as a percentage, CSV as a number from 0 to 1.
    """
    total = inferred.totals[quantity]
    if is_symbolic(total) or not total:
        return None

    def cell(row: Row, *_: object) -> str:
        if row.counts is None:
            return ""
        part = row.counts[quantity]
        return {"table": f"{bar(part, total)} {part / total:6.1%}", "csv": f"{part / total:.6f}"}.get(
            form, f"{part / total:.1%}"
        )

    heading = f"share of {quantity}"
    return Column(heading if form == "csv" else "share", heading, cell, 9, right=form != "table")


def bar(part: int, whole: int) -> str:
    """A bar of at most ``BAR_WIDTH`` columns, drawn in eighths of a column."""
    eighths = round(8 * BAR_WIDTH * part / whole)
    full, rest = divmod(eighths, 8)
    return ("█" * full + EIGHTHS[rest].strip()).ljust(BAR_WIDTH)
