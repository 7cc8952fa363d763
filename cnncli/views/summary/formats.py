"""A summary for programs (JSON, CSV) and for papers (Markdown, LaTeX)."""

from __future__ import annotations

from typing import Any

from cnncli.inference import BYTES_PER_PARAMETER, SUMMED, Inferred, LayerInfo
from cnncli.io.escaping import csv_text, latex, markdown
from cnncli.views.summary.columns import (
    MEGABYTES,
    Column,
    closing_rows,
    initialization,
    megabytes,
    scaled,
    stride_value,
    with_batch,
)
from cnncli.views.summary.rows import Row, is_partial, subtotal


def as_json(inferred: Inferred, slug: str, batch: int) -> dict[str, Any]:
    """The summary as plain data: every layer in the order of computation, without folding."""
    graph = inferred.graph
    totals = {name: scaled(name, count, batch) for name, count in inferred.totals.items()}
    smallest = {"smallest_input": inferred.smallest_sizes} if inferred.assumed else {}
    return {
        "name": graph.name or slug,
        **({"batch": batch} if batch else {}),
        "inputs": [{"name": entry.name, "shape": list(with_batch(entry.shape, batch))} for entry in graph.inputs],
        "layers": [_layer(info, batch) for info in inferred.layers.values()],
        "outputs": list(graph.outputs),
        **smallest,
        "totals": totals,
    }


def only_rows(summary: dict[str, Any], inferred: Inferred, rows: list[Row], batch: int) -> dict[str, Any]:
    """The summary with the layers of ``rows`` in their order; if they are only some, with ``subtotals`` as well."""
    layers = {layer["name"]: layer for layer in summary["layers"]}
    summary = {**summary, "layers": [layers[row.label] for row in rows]}
    counts = subtotal(rows).counts
    if counts is None or not is_partial(inferred, rows):
        return summary
    sums = {**counts, "parameter_bytes": counts["params"] * BYTES_PER_PARAMETER}
    totals = summary.pop("totals")
    return {**summary, "subtotals": {name: scaled(name, sums[name], batch) for name in totals}, "totals": totals}


def json_text(summary: dict[str, Any]) -> str:
    """The summary as JSON with one line per layer, for grep and for parsers."""
    import json

    parts = []
    for key, value in summary.items():
        if key == "layers":
            lines = ",\n".join(f"  {json.dumps(layer, ensure_ascii=False, default=str)}" for layer in value)
            parts.append(f' "layers": [\n{lines}\n ]')
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, default=str)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _layer(info: LayerInfo, batch: int) -> dict[str, Any]:
    stats = info.stats
    counts = {name: getattr(stats, name) for name in SUMMED}
    return {
        "name": info.node.name,
        "kind": info.node.layer.kind,
        "inputs": list(info.node.inputs),
        "output_shape": list(with_batch(stats.output_shape, batch)),
        **{name: scaled(name, count, batch) for name, count in counts.items()},
        "receptive_field": {
            name: {
                "size": [axis.size if axis.is_known else None for axis in field.axes],
                "stride": [stride_value(axis.stride) if axis.is_known else None for axis in field.axes],
                "offset": [axis.offset if axis.is_known else None for axis in field.axes],
                "aligned": field.aligned,
            }
            for name, field in info.receptive_field.items()
        },
        **{name: megabytes(name, counts, batch) for name in MEGABYTES},
        **initialization(info),
        "dropped": list(stats.dropped),
        "notes": list(stats.notes),
    }


def as_csv(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int) -> str:
    """A line per row, with full names and plain numbers."""
    lines = [[_plain(column, row, inferred, batch) for column in columns] for row in rows]
    return csv_text([[column.name for column in columns], *lines])


def _plain(column: Column, row: Row, inferred: Inferred, batch: int) -> str:
    if column.name == "layer" and row.info is not None and row.is_layer:
        return row.info.node.name
    cell = column.cell(row, inferred, batch)
    return cell.replace(",", "") if column.right else cell.strip()


def as_markdown(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int) -> str:
    """A Markdown table; nested layers are indented with non-breaking spaces."""
    head = "| " + " | ".join(column.heading for column in columns) + " |"
    rule = "|" + "|".join(" ---: " if column.right else " --- " for column in columns) + "|"
    body = [
        "| " + " | ".join(_escape_markdown(cell) for cell in cells) + " |"
        for cells in _cells(inferred, rows, columns, batch)
    ]
    return "\n".join([head, rule, *body]) + "\n"


def _escape_markdown(text: str) -> str:
    stripped = text.lstrip(" ")
    return "&nbsp;" * (len(text) - len(stripped)) + markdown(stripped)


def as_latex(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int) -> str:
    """A LaTeX tabular that does not need a package."""
    layout = "".join("r" if column.right else "l" for column in columns)
    lines = [" & ".join(map(_escape_latex, cells)) + r" \\" for cells in _cells(inferred, rows, columns, batch)]
    body, totals = lines[: len(rows)], lines[len(rows) :]
    head = " & ".join(column.heading for column in columns) + r" \\"
    rule = r"\hline"
    begin, end = rf"\begin{{tabular}}{{{layout}}}", r"\end{tabular}"
    return "\n".join([begin, rule, head, rule, *body, rule, *totals, rule, end]) + "\n"


def _escape_latex(text: str) -> str:
    stripped = text.lstrip(" ")
    indent = rf"\hspace*{{{(len(text) - len(stripped)) / 2:g}em}}" if stripped != text else ""
    return indent + latex(stripped)


def _cells(inferred: Inferred, rows: list[Row], columns: list[Column], batch: int) -> list[list[str]]:
    """The texts of all rows, and of the totals."""
    body = [[column.cell(row, inferred, batch) for column in columns] for row in rows]
    return [*body, *closing_rows(columns, inferred, rows, batch)]
