"""``cnn diff``: compare networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.views.comparison.alignment import Compared


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
    from cnncli.views import listing
    from cnncli.views.comparison import network_rows
    from cnncli.views.summary.columns import readable

    if len(architectures) < 2:
        raise CnnError("diff compares two networks or more", "write cnn diff resnet18 resnet34")
    quantities = network_rows.chosen(columns)
    networks = _load(architectures, options.overrides(assignments), options.input_shapes(input_shapes))
    if form == "table":
        from cnncli.views.comparison.fitted_table import as_fitted_table

        click.echo(as_fitted_table(networks, quantities, changed=changed, depth=depth, chosen=bool(columns)), nl=False)
        return
    rows = network_rows.records(networks, quantities, changed=changed, depth=depth)
    if form == "json":
        import json

        click.echo(json.dumps(network_rows.json_records(rows), indent=1, ensure_ascii=False, default=str))
        return
    shown = listing.as_csv(rows) if form == "csv" else listing.as_markdown([*map(readable, rows)])
    click.echo(shown, nl=False)


def _load(architectures: tuple[str, ...], overrides: dict[str, str], inputs: dict[str, str]) -> list[Compared]:
    from cnncli.loading import find, load_source, shown_name, slug, variables
    from cnncli.views.comparison.alignment import Compared

    networks: list[Compared] = []
    used: set[str] = set()
    for architecture in architectures:
        source, variant = find(architecture)
        own = {name: value for name, value in overrides.items() if name == "variant" or name in variables(source)}
        used |= {*own}
        loaded = load_source(
            source, slug(architecture), overrides={**variant, **own}, inputs=inputs, symbolic_sizes=True
        )
        networks.append(Compared(_new_name(shown_name(architecture), networks), loaded.inferred))
    for name in overrides:
        if name not in used:
            raise CnnError(f"--set {name}: no network has a variable of that name")
    return networks


def _new_name(name: str, networks: list[Compared]) -> str:
    """A name in one line that no network has yet: ``vgg16``, then ``vgg16#2``."""
    from itertools import count

    from cnncli.io.escaping import visible_line

    taken, name = {network.name for network in networks}, visible_line(name)
    return name if name not in taken else next(one for n in count(2) if (one := f"{name}#{n}") not in taken)
