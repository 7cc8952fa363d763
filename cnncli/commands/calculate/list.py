"""``cnn list``: the bundled architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options

if TYPE_CHECKING:
    from cnncli.bundled import BundledNetwork


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
    from cnncli.bundled import bundled, indexed
    from cnncli.errors import CnnError

    names = [name for name in bundled() if part.lower() in name]
    if not names:
        raise CnnError(f"{part}: no bundled architecture has that in its name", "cnn list shows all of them")
    index = indexed()
    return [(index.get(name) or _calculated(name))._asdict() for name in names]


def _calculated(name: str) -> BundledNetwork:
    """A row that is missing in the index or outdated, e.g. while a network is being added."""
    from cnncli.loading import calculated_row

    return calculated_row(name)
