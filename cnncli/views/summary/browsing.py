"""Filtering and sorting a long summary, and each row's percentage of the total."""

from __future__ import annotations

from cnncli.arithmetic.shape import is_symbolic
from cnncli.errors import CnnError, shortened, suggestion
from cnncli.inference import SUMMED, Inferred
from cnncli.language.aliases import kind_named
from cnncli.layer_names import unknown_layer
from cnncli.layers import KINDS
from cnncli.loading import numbers_hint
from cnncli.views.summary.columns import Column
from cnncli.views.summary.rows import Row, flat

BAR_WIDTH = 12  # characters of the bar for 100%
EIGHTHS = " ▏▎▍▌▋▊▉█"


def browse(inferred: Inferred, only: str | None, sort: str | None, top: int | None) -> list[Row]:
    """The rows of single layers under their full names: those ``only``, largest ``sort`` first, at most ``top``.

    ``only`` lists types, layers and composites. Raises CnnError for unknown ones, and for unknown quantities.
    """
    rows = flat(inferred)
    if only is not None:
        shown = _layers_named(only, inferred)
        rows = [row for row in rows if row.label in shown]
    if sort is not None or top is not None:
        quantity = quantity_named(sort or "params")
        if is_symbolic(inferred.totals[quantity]):
            raise CnnError(f"--sort {quantity}: depends on symbolic sizes", numbers_hint(inferred.graph))
        rows.sort(key=lambda row: -row.counts[quantity] if row.counts is not None else 0)
    return rows[:top]


def quantity_named(name: str, option: str = "--sort") -> str:
    """The name, checked. Raises CnnError, with the option's name, if it is not that of a quantity."""
    if name not in SUMMED:
        hint = suggestion(name, SUMMED, f"the quantities are {', '.join(SUMMED)}")
        raise CnnError(f"{option}: unknown quantity {name!r}", hint)
    return name


def _layers_named(text: str, inferred: Inferred) -> set[str]:
    """The names of the layers that ``--only`` chooses by their types, their names or their composites."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        present = dict.fromkeys(info.node.layer.kind for info in inferred.layers.values())
        raise CnnError("--only: names no layer type", f"the network has {', '.join(present)}")
    shown: set[str] = set()
    for word in words:
        kind = word.lower()
        named = [name for name in inferred.layers if name == word or name.startswith(f"{word}.")]
        if not named and kind not in KINDS:
            raise CnnError(f"--only: unknown layer or layer type {shortened(word)!r}", _meant(word, inferred))
        shown |= {*named, *(name for name, info in inferred.layers.items() if info.node.layer.kind == kind)}
    return shown


def _meant(word: str, inferred: Inferred) -> str:
    """What to write for a word that is neither a layer nor a layer type of cnn."""
    if not word.isalpha():
        return unknown_layer(inferred.graph, word).problems[0].hint
    present = list(dict.fromkeys(info.node.layer.kind for info in inferred.layers.values()))
    kind = kind_named(word)
    return f"use {kind}" if kind else suggestion(word, list(KINDS), f"the network has {', '.join(present)}")


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
