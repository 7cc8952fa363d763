"""``cnn verify``: the calculated figures against torch's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import NO

if TYPE_CHECKING:
    from cnncli.executor.verification import Verdict
    from cnncli.inference import Inferred


@options.command()
@options.architecture
@click.option("--only-differences", is_flag=True, help="Only the layers on which torch disagrees.")
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

    A line for each layer: its output shape, its weights by name and shape, its MACs (torch's flop counter) and what a
    unit in its middle and one in its corner depend on (gradients, for some layers of a deep network). - means that
    there is nothing to compare; where a layer has MACs all the same, the reason stands below. Ends with 1 where
    anything differs, the names that weights are saved under and the totals included.
    """
    from cnncli.loading import load

    loaded = load(architecture, overrides=options.overrides(assignments), inputs=options.input_shapes(input_shapes))
    from cnncli.executor.verification import verify

    verdicts = []
    for verdict in verify(loaded.inferred):
        verdicts.append(verdict)
        if form == "table" and not (only_differences and verdict.agrees):
            click.echo(_line(verdict, _width(loaded.inferred)))
    if form == "json":
        from cnncli.views.listing import as_json

        shown = [v._asdict() for v in verdicts if not (only_differences and v.agrees)]
        click.echo(as_json(shown), nl=False)
    else:
        click.echo("\n".join(_summary(loaded.inferred, verdicts)))
    if not all(verdict.agrees for verdict in verdicts):
        raise click.exceptions.Exit(NO)


def _width(inferred: Inferred) -> int:
    return max(map(len, inferred.facts))


def _line(verdict: Verdict, width: int) -> str:
    parts = [f"{what} {getattr(verdict, what)}".ljust(11) for what in ("shape", "weights", "macs", "field")]
    return f" {verdict.layer.ljust(width)}  {verdict.kind.ljust(16)}  {'  '.join(parts)}".rstrip()


def _notes(verdicts: list[Verdict]) -> list[str]:
    """Why MACs were not compared, with the layers; no line where that is never so."""
    noted: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.note:
            noted.setdefault(verdict.note, []).append(verdict.layer)
    return [
        f" macs of {layers[0]}{f' and {len(layers) - 1} more' if len(layers) > 1 else ''} not compared: {note}"
        for note, layers in noted.items()
    ]


def _summary(inferred: Inferred, verdicts: list[Verdict]) -> list[str]:
    """How many of each were compared and agree, and the totals."""
    from cnncli.executor.verification import NOTHING, OK

    lines = [""]
    for what in ("shape", "weights", "macs", "field"):
        found = [getattr(verdict, what) for verdict in verdicts]
        compared = [text for text in found if text != NOTHING]
        of_maps = ", spread over those with maps" if what == "field" else ""
        lines.append(f" {what}: {compared.count(OK)} of {len(compared)} layers compared agree{of_maps}")
    lines += _notes(verdicts)
    totals = inferred.totals
    lines.append(f" {totals['params']:,} parameters and {totals['macs']:,} MACs in all")
    return lines
