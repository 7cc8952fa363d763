"""``cnn explain``: how each number is derived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.inference import Inferred

QUANTITIES = (
    *("shape", "params", "macs", "flops", "connections", "activations", "buffers", "receptive_field"),
    "initialization",
)


@options.command(options.excludes("--reconcile", "LAYER", "--figure", why="--reconcile applies to the whole network"))
@options.architecture
@click.argument("layers", nargs=-1, metavar="[LAYER]…")
@click.option(
    "--figure",
    "quantity",
    type=click.Choice(QUANTITIES),
    metavar="QUANTITY",
    help=f"Explain one quantity only: {', '.join(QUANTITIES)}.",
)
@click.option("--reconcile", is_flag=True, help="Show what other tools count, and why.")
@options.input_option
@options.set_option
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "markdown", "latex", "json")),
    default="text",
    show_default=True,
    help="Output format.",
)
def command(
    architecture: str,
    layers: tuple[str, ...],
    quantity: str | None,
    reconcile: bool,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    form: str,
) -> None:
    """Show how each number is derived: formula, values, result.

    A LAYER is named as in cnn summarize (c1, stage1.first.conv2); the name of a composite means all layers in it.
    Without LAYER the whole network is explained, with its totals at the end. A layer or a repeat with the numbers of an
    earlier one refers to that.
    """
    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    loaded = options.load_to_show(architecture, overrides=overrides, inputs=inputs)
    inferred = loaded.inferred
    if reconcile:
        _print_reconciled(inferred, loaded.slug, form)
        return
    names = _named(inferred, layers) if layers else list(inferred.layers)
    if form == "json":
        _print_json(inferred, names, quantity, total=not layers)
    else:
        _print(inferred, names, quantity, form, total=not layers)


def _named(inferred: Inferred, layers: tuple[str, ...]) -> list[str]:
    names: list[str] = []
    for layer in layers:
        inside = [name for name in inferred.layers if name.startswith(f"{layer}.")]
        if layer in inferred.layers:
            inside = [layer] if not any(group.name == layer for group in inferred.graph.groups) else [*inside, layer]
        if not inside and layer == "total":
            raise CnnError("total: the network has no such layer", "leave LAYER out: the totals are explained last")
        if not inside and layer in QUANTITIES:
            raise CnnError(f"{layer}: the network has no such layer", f"write --figure {layer} for the quantity")
        if not inside:
            inferred.layer(layer)
        names += inside
    return list(dict.fromkeys(names))


def _print(inferred: Inferred, names: list[str], quantity: str | None, form: str, *, total: bool) -> None:
    from cnncli.views.explaining import solution

    for at, paragraph in enumerate(solution(inferred, names, quantity, form, total=total)):
        click.echo(f"\n{paragraph}" if at else paragraph, nl=False)


def _print_reconciled(inferred: Inferred, slug: str, form: str) -> None:
    from cnncli.views.summary import reconciling

    if form == "json":
        import json

        click.echo(json.dumps(reconciling.as_records(inferred), indent=1))
        return
    if form != "text":
        raise CnnError(f"--reconcile: not available as {form}", "use text or json")
    click.echo(reconciling.as_text(inferred, inferred.graph.name or slug), nl=False)


def _print_json(inferred: Inferred, names: list[str], quantity: str | None, *, total: bool) -> None:
    import json

    from cnncli.analysis.explanation import explain, totals
    from cnncli.views.explaining import as_record, step_record

    records = [as_record(explain(inferred, name), quantity) for name in names]
    sums = {"totals": [step_record(step) for step in totals(inferred)]} if total else {}
    click.echo(json.dumps({"layers": records, **sums}, indent=1, ensure_ascii=False))
