"""``cnn summarize --at``: the figures of one network at many input sizes."""

from __future__ import annotations

import click

from cnncli.errors import CnnError
from cnncli.loading import Loaded, load_source


def print_at(loaded: Loaded, at: tuple[str, ...], columns: str | None, batch: int, form: str) -> None:
    """A row per size, of a network with open sizes or one whose inputs are opened."""
    from cnncli.views import listing, open_sizes
    from cnncli.views.table import title

    if not loaded.inferred.has_open_sizes:
        shapes = open_sizes.opened(loaded.graph)
        if not shapes:
            raise CnnError("--at: the network's input is a vector, which has no size to vary")
        if loaded.inputs:
            raise CnnError("--at varies the sizes that --input gives", "leave them open, as with --input 3xHxW")
        inputs = {**loaded.inputs, **shapes}
        inputs.pop("", None)
        loaded = load_source(loaded.source, loaded.slug, overrides=loaded.overrides, inputs=inputs, open_sizes=True)
    inferred = loaded.inferred
    sizes = open_sizes.read_at(at, open_sizes.open_letters(inferred))
    rows = open_sizes.at_sizes(inferred, sizes, columns, batch)
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=1))
        return
    write = {"table": listing.as_table, "csv": listing.as_csv, "markdown": listing.as_markdown}.get(form)
    if write is None:
        raise CnnError(f"--at: there is no {form} form of it", "use table, json, csv or markdown")
    if form == "table":
        click.echo(f"{title(inferred, loaded.slug, batch)}\n")
    click.echo(write(rows), nl=False)
