"""``cnn summarize --at``: the quantities of one network at many input sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncli.errors import NO, CnnError
from cnncli.loading import Loaded, load_source

if TYPE_CHECKING:
    from cnncli.views.summary.symbolic_sizes import AtSize


MAX_REASONS = 10


def print_at(loaded: Loaded, at: tuple[str, ...], columns: str | None, batch: int, form: str) -> None:
    """Print a row per size; a numeric input is made symbolic first. Exits with 1 if no size fits."""
    from cnncli.io.width import output_width
    from cnncli.views import listing
    from cnncli.views.summary import symbolic_sizes
    from cnncli.views.summary.table import hidden_note, title, way_to_see

    loaded = _with_symbolic_sizes(loaded)
    sizes = symbolic_sizes.read_at(at, loaded.inferred.letters)
    rows = symbolic_sizes.at_sizes(loaded.graph, sizes, columns, batch)
    if form == "json":
        import json

        click.echo(json.dumps([row.record for row in rows], indent=1))
    elif form == "table":
        quantities = dict.fromkeys([*rows[0].quantities][:0:-1], 0)
        shown, hidden = listing.fitted([row.readable for row in rows], output_width(), quantities)
        lines = [
            title(loaded.inferred, loaded.shown_name, batch),
            "",
            listing.as_table(shown).rstrip("\n"),
            *_reasons(rows),
        ]
        lines += ["", hidden_note(hidden, way_to_see(chosen=bool(columns)))] if hidden else []
        click.echo("\n".join(lines))
    else:
        write = {"csv": listing.as_csv, "markdown": listing.as_markdown}.get(form)
        if write is None:
            raise CnnError(f"--at: not available as {form}", "use table, json, csv or markdown")
        click.echo(write([row.record for row in rows]), nl=False)
    if all(row.reason for row in rows):
        raise click.exceptions.Exit(NO)


def _with_symbolic_sizes(loaded: Loaded) -> Loaded:
    """The network with symbolic spatial sizes. Raises CnnError if it has none, or if --input gives them too."""
    from cnncli.views.summary.symbolic_sizes import symbolic_inputs

    if loaded.inferred.has_symbolic_sizes:
        return loaded
    shapes = symbolic_inputs(loaded.graph)
    if not shapes:
        raise CnnError("--at: the input is a vector, which has no size to vary")
    if loaded.inputs:
        raise CnnError("--at varies the sizes that --input gives", "make them symbolic: --input 3xHxW")
    return load_source(
        loaded.source, loaded.slug, overrides=loaded.overrides, inputs=shapes, symbolic_sizes=True, infer=False
    )


def _reasons(rows: list[AtSize]) -> list[str]:
    """The footer: why the network does not fit at some of the sizes."""
    from cnncli.io.escaping import visible_line
    from cnncli.io.width import wrapped

    without = [row for row in rows if row.reason]
    lines = [line for row in without[:MAX_REASONS] for line in wrapped(f" {visible_line(row.why)}")]
    if len(without) > MAX_REASONS:
        lines.append(f" … and {len(without) - MAX_REASONS} more: --format csv gives all reasons")
    return ["", *lines] if lines else []
