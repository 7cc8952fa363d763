"""``cnn list``: the bundled architectures."""

from __future__ import annotations

from typing import Any

import click

from cnncli.commands import options


@options.command()
@click.argument("part", required=False, metavar="[PART]")
@options.format_option("table", "json", "csv", "markdown")
def command(part: str | None, form: str) -> None:
    """List the bundled networks.

    With PART only those whose name holds it: cnn list resnet.
    """
    from cnncli.views.listing import as_csv, as_markdown, as_table

    rows = _rows(part or "")
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    write = {"table": as_table, "csv": as_csv, "markdown": as_markdown}[form]
    click.echo(write(rows), nl=False)


def _rows(part: str) -> list[dict[str, Any]]:
    from cnncli.arithmetic.shape import format_input_shape
    from cnncli.errors import CnnError
    from cnncli.loading import bundled, load

    names = [name for name in bundled() if part.lower() in name]
    if not names:
        raise CnnError(f"{part}: no bundled architecture has that in its name", "cnn list shows all of them")
    rows = []
    for name in names:
        inferred = load(name).inferred
        totals = inferred.totals
        shapes = ", ".join(format_input_shape(entry.shape) for entry in inferred.graph.inputs)
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
