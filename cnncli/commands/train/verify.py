"""``cnn verify``: the calculated numbers against PyTorch's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import NO, counted

if TYPE_CHECKING:
    from cnncli.executor.verification.verdicts import LayerVerdict
    from cnncli.inference import Inferred

LABELS = {"shape": "shape", "weights": "weights", "macs": "MACs", "field": "RF"}  # of what a verdict compares


@options.command()
@options.architecture
@click.option("--only-differences", is_flag=True, help="Show only the layers on which PyTorch disagrees.")
@options.input_option
@options.set_option
@options.format_option("table", "json")
def command(
    architecture: str,
    only_differences: bool,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    form: str,
) -> None:
    """Check every calculated number against PyTorch.

    One line per layer: its output shape, its weights by name and shape, its MACs (torch's FLOP counter) and its
    receptive field RF (what its middle unit and a corner unit depend on, by their gradients; for a sample of the
    layers of a deep network). - means that there is nothing to compare; the reason is given where a layer has MACs.
    The names of saved weights and the totals are compared as well. Exits with 1 if anything differs.
    """
    from cnncli.loading import load

    loaded = load(architecture, overrides=options.overrides(assignments), inputs=options.input_shapes(input_shapes))
    from cnncli.executor.verification.verdicts import verify

    width = max(map(len, loaded.inferred.layers))
    verdicts = []
    for verdict in verify(loaded.inferred):
        verdicts.append(verdict)
        if form == "table" and not (only_differences and verdict.agrees):
            click.echo(_line(verdict, width))
    if form == "json":
        from cnncli.views.listing import as_json

        shown = [v._asdict() for v in verdicts if not (only_differences and v.agrees)]
        click.echo(as_json(shown), nl=False)
    else:
        click.echo("\n".join(_summary(loaded.inferred, verdicts)))
    if not all(verdict.agrees for verdict in verdicts):
        raise click.exceptions.Exit(NO)


def _line(verdict: LayerVerdict, width: int) -> str:
    parts = [f"{label} {getattr(verdict, name)}".ljust(11) for name, label in LABELS.items()]
    return f" {verdict.layer.ljust(width)}  {verdict.kind.ljust(16)}  {'  '.join(parts)}".rstrip()


def _notes(verdicts: list[LayerVerdict]) -> list[str]:
    """The reasons why MACs were not compared, one line each with the layers."""
    layers_by_note: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.note:
            layers_by_note.setdefault(verdict.note, []).append(verdict.layer)
    return [
        f" MACs of {layers[0]}{f' and {len(layers) - 1} more' if len(layers) > 1 else ''} not compared: {note}"
        for note, layers in layers_by_note.items()
    ]


def _summary(inferred: Inferred, verdicts: list[LayerVerdict]) -> list[str]:
    """The numbers of layers that were compared and that agree, and the totals."""
    from cnncli.executor.verification.verdicts import NOTHING, OK

    lines = [""]
    for name, label in LABELS.items():
        compared = [found for verdict in verdicts if (found := getattr(verdict, name)) != NOTHING]
        sample = ", a sample of the layers with feature maps" if name == "field" else ""
        agree = "agrees" if len(compared) == 1 else "agree"
        lines.append(f" {label}: {compared.count(OK)} of {counted(len(compared), 'layer')} compared {agree}{sample}")
    lines += _notes(verdicts)
    totals = inferred.totals
    lines.append(f" {totals['params']:,} parameters and {totals['macs']:,} MACs in total")
    return lines
