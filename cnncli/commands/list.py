"""``cnn list``: the bundled architectures."""

from __future__ import annotations

from typing import Any

import click

from cnncli.commands import options


@click.command()
@options.format_option("table", "json", "csv", "markdown")
def command(form: str) -> None:
    """The architectures that come with cnn: input, parameters, MACs, source."""
    from cnncli.views.listing import as_csv, as_markdown, as_table

    rows = _rows()
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    write = {"table": as_table, "csv": as_csv, "markdown": as_markdown}[form]
    click.echo(write(rows), nl=False)


def _rows() -> list[dict[str, Any]]:
    from cnncli.loading import bundled, load
    from cnncli.shape import format_shape

    rows = []
    for name in bundled():
        inferred = load(name).inferred
        totals = inferred.totals
        shapes = ", ".join(format_shape(entry.shape) for entry in inferred.graph.inputs)
        rows.append(
            {
                "name": name,
                "input": shapes,
                "params": totals["params"],
                "macs": totals["macs"],
                "source": inferred.graph.source,
            }
        )
    return rows
