"""``cnn diff``: compare networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.views.network_comparison import Compared


@options.command()
@click.argument("architectures", metavar="ARCH ARCH…", nargs=-1)
@click.option("--columns", default=None, metavar="A,B,…", help="Columns to compare, e.g. params,flops,RF.")
@click.option("--changed", is_flag=True, help="Show only the rows that differ.")
@click.option("--depth", type=options.Whole(0), default=None, help="Expand composites this many levels.")
@options.input_option
@options.set_option
@options.format_option("table", "json", "csv", "markdown")
def command(
    architectures: tuple[str, ...],
    columns: str | None,
    changed: bool,
    depth: int | None,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    form: str,
) -> None:
    """Compare networks layer by layer, and their totals.

    Corresponding layers share a row; = marks those that agree in all columns shown. The last row has the ratios of the
    totals to those of the first network. --set applies to the networks that have the variable, --input to all.
    """
    from cnncli.views import listing, network_comparison
    from cnncli.views.summary.table import hidden_note

    if len(architectures) < 2:
        raise CnnError("diff compares two networks or more", "write cnn diff resnet18 resnet34")
    quantities = network_comparison.chosen(columns)
    networks = _load(architectures, options.overrides(assignments), options.input_shapes(input_shapes))
    rows = network_comparison.records(networks, quantities, changed=changed, depth=depth)
    if form == "json":
        import json

        click.echo(json.dumps(network_comparison.json_records(rows), indent=1, ensure_ascii=False, default=str))
        return
    if form == "table":
        click.echo(_title(networks))
        rows, hidden = _fitted(rows, networks, quantities)
        click.echo(listing.as_table(rows), nl=False)
        if hidden:
            click.echo(f"\n{hidden_note(hidden)}")
        if changed and not any(row["type"] for row in rows):
            click.echo(f"\n no layer differs in {', '.join(quantities)}")
        return
    write = {"csv": listing.as_csv, "markdown": listing.as_markdown}[form]
    click.echo(write(rows), nl=False)


def _load(architectures: tuple[str, ...], overrides: dict[str, str], inputs: dict[str, str]) -> list[Compared]:
    from cnncli.loading import find, load_source, slug, variables
    from cnncli.views.network_comparison import Compared

    networks: list[Compared] = []
    used: set[str] = set()
    for architecture in architectures:
        source, variant = find(architecture)
        own = {name: value for name, value in overrides.items() if name == "variant" or name in variables(source)}
        used |= {*own}
        loaded = load_source(
            source, slug(architecture), overrides={**variant, **own}, inputs=inputs, symbolic_sizes=True
        )
        name = slug(architecture)
        taken = sum(network.name.partition("#")[0] == name for network in networks)
        networks.append(Compared(f"{name}#{taken + 1}" if taken else name, loaded.inferred))
    for name in overrides:
        if name not in used:
            raise CnnError(f"--set {name}: no network has a variable of that name")
    return networks


def _title(networks: list[Compared]) -> str:
    from cnncli.arithmetic.shape import format_input_shape

    lines = []
    for network in networks:
        graph = network.inferred.graph
        shapes = ", ".join(format_input_shape(entry.shape) for entry in graph.inputs)
        lines.append(" · ".join(part for part in (network.name, graph.name, shapes, graph.source) if part))
    return "\n".join([*lines, ""])


def _fitted(
    rows: list[dict[str, Any]], networks: list[Compared], quantities: list[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows with as many columns per network as fit the terminal, and the names of those that are hidden."""
    from cnncli.io.width import output_width
    from cnncli.views import listing

    width, hidden, shown = output_width(), [], [*quantities]
    while width is not None and len(shown) > 1:
        if max(map(len, listing.as_table(rows).splitlines())) <= width:
            break
        gone = "output" if "output" in shown else shown[-1]
        shown.remove(gone)
        hidden.append(gone)
        for row in rows:
            for network in networks:
                del row[f"{network.name} {gone}"]
    return rows, hidden
