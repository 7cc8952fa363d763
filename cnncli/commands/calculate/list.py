"""``cnn list``: the bundled architectures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options

if TYPE_CHECKING:
    from cnncli.bundled import BundledNetwork


LEAST_SHAPE = 12  # characters of an input to which several inputs are cut: 3x16x112x112
FEW = 5  # networks whose sources are shown in full on several lines


@options.command()
@click.argument("part", required=False, metavar="[PART]")
@options.format_option("table", "json", "csv", "markdown")
def command(part: str | None, form: str) -> None:
    """List the bundled networks.

    With PART only those whose name begins with it, and then those in which a word does, e.g. cnn list resnet; where
    there are none, those whose name holds it anywhere.
    """
    from cnncli.views.listing import as_csv, as_markdown

    rows = _rows(part or "")
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    write = {"table": _as_table, "csv": as_csv, "markdown": as_markdown}[form]
    click.echo(write(rows), nl=False)


def _as_table(rows: list[dict[str, Any]]) -> str:
    """The networks in the width of the terminal; the sources of a few in full, of many shortened or hidden."""
    from cnncli.io.width import output_width, wrapped_text
    from cnncli.views.listing import as_table, continued, fitted
    from cnncli.views.summary.table import hidden_note

    width = output_width()
    if len(rows) <= FEW:
        rows = continued(rows, "source", width)
    shown, hidden = fitted(rows, width, {"source": 14, "input": LEAST_SHAPE}, "name")
    shown, also = fitted(shown, width, {"macs": 0})
    hidden += also
    if len(rows) <= FEW and hidden == ["source"]:
        return "\n".join([as_table(shown), *(wrapped_text(f" {row['name']}: {row['source']}") for row in rows), ""])
    return as_table(shown) + (f"\n{hidden_note(hidden, 'cnn list NAME shows all')}\n" if hidden else "")


def _rows(part: str) -> list[dict[str, Any]]:
    from cnncli.bundled import bundled, indexed
    from cnncli.errors import NO, CnnError, shortened, suggestion

    known = [*bundled()]
    names = _matching(known, part)
    if not names:
        hint = suggestion(part[:60], known, "cnn list shows all of them")
        raise CnnError(f"no bundled network has {shortened(part)!r} in its name", hint, exit_code=NO)
    others = [name for name in _holding(known, part) if name not in names]
    if others:
        shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        click.echo(f"not listed: {len(others)} with {part!r} inside a word ({shown})", err=True)
    index = indexed()
    return [(index.get(name) or _calculated(name))._asdict() for name in names]


def _matching(names: list[str], part: str) -> list[str]:
    """The names that begin with ``part``, then those in which a word does; those that hold it elsewhere if none do.

    Words begin after ``_`` and ``/``, and where digits and letters meet. Case, hyphens and spaces do not matter.

    >>> _matching(["googlenet", "preact_resnet18", "resnet18", "resnet_basic"], "ResNet")
    ['resnet18', 'resnet_basic', 'preact_resnet18']
    """
    text = _searched(part)
    begins = [
        name for name in names if name.startswith(text) or name.replace("_", "").startswith(text.replace("_", ""))
    ]
    word = re.compile(rf"(?:[_/]|(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])){re.escape(text)}")
    inside = [name for name in names if name not in begins and word.search(name)]
    return [*begins, *inside] or _holding(names, part)


def _holding(names: list[str], part: str) -> list[str]:
    """The names that hold ``part`` anywhere."""
    return [name for name in names if _searched(part) in name]


def _searched(part: str) -> str:
    return re.sub(r"[-\s]+", "_", part.strip().lower())


def _calculated(name: str) -> BundledNetwork:
    """A row that is missing in the index or outdated, e.g. while a network is being added."""
    from cnncli.loading import calculated_row

    return calculated_row(name)
