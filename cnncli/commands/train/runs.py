"""``cnn runs``: list and compare runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError


@options.command()
@click.argument("folders", metavar="[FOLDER | RUN RUN…]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--epochs", is_flag=True, help="Show the metrics of each epoch of one run.")
@options.format_option("table", "json", "csv")
def command(folders: tuple[Path, ...], epochs: bool, form: str) -> None:
    """List the runs in a folder, or compare some of them.

    Without FOLDER, the runs in runs/ are listed: status, epochs, test accuracy and start. Two runs or more are compared
    by what differs in their networks, recipes and environments, and by their results.
    """
    from cnncli.views.runs import compared, epochs_of, listed

    if epochs:
        if len(folders) != 1:
            raise CnnError("--epochs requires one run", "give one: cnn runs runs/NAME-001 --epochs")
        click.echo(_text(epochs_of(folders[0]), form), nl=False)
        return
    rows = compared(folders) if len(folders) > 1 else listed(folders[0] if folders else Path("runs"))
    click.echo(_text(rows, form), nl=False)
    networks = [str(folder / "architecture.yaml") for folder in folders]
    if form == "table" and any(row.get("part") == "network" for row in rows):
        from cnncli.io.escaping import visible_line

        click.echo(visible_line(f"the networks differ: cnn diff {' '.join(networks)}"), err=True)


def _text(rows: list[dict[str, Any]], form: str) -> str:
    from cnncli.views.listing import as_csv, as_json
    from cnncli.views.runs import as_fitted_table, headed

    if form == "json":
        return as_json(rows)
    return as_csv(headed(rows)) if form == "csv" else as_fitted_table(rows)
