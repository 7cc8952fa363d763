"""``cnn runs``: the trainings so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnncli.commands import options


@click.command()
@click.argument("folders", metavar="[FOLDER | RUN RUN…]", nargs=-1, type=click.Path(path_type=Path))
@options.format_option("table", "json", "csv")
def command(folders: tuple[Path, ...], form: str) -> None:
    """List the runs in a folder, or compare some of them.

    Without FOLDER those in runs/ are listed: how far each came, its test accuracy, and when it began. Of two runs or
    more it shows what differs in their networks, recipes and machines, and their results side by side.
    """
    from cnncli.views.runs import compared, listed

    rows = compared(folders) if len(folders) > 1 else listed(folders[0] if folders else Path("runs"))
    click.echo(_text(rows, form), nl=False)
    networks = [str(folder / "architecture.yaml") for folder in folders]
    if form == "table" and any(row.get("part") == "network" for row in rows):
        click.echo(f"the networks differ: cnn diff {' '.join(networks)}", err=True)


def _text(rows: list[dict[str, Any]], form: str) -> str:
    from cnncli.views.listing import as_csv, as_table
    from cnncli.views.runs import readable

    if form == "json":
        import json

        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    return as_csv(rows) if form == "csv" else as_table(readable(rows))
