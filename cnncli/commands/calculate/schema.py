"""``cnn schema``: the architecture language for editors."""

from __future__ import annotations

from pathlib import Path

import click

from cnncli.commands import options
from cnncli.errors import CnnError


@options.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON file to write; - prints it.")
def command(output: Path | None) -> None:
    """Print a JSON Schema with which editors check networks.

    Editors complete and check YAML files by it, and show what a field means. In a network file, the first line can
    name it:

    \b
      cnn schema -o cnn.schema.json
      # yaml-language-server: $schema=cnn.schema.json
    """
    import json

    from cnncli.io.files import is_file
    from cnncli.io.writing import write_output
    from cnncli.views.json_schema import architecture_schema

    text = json.dumps(architecture_schema(), indent=1, ensure_ascii=False) + "\n"
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
        return
    if output.suffix.lower() != ".json" and is_file(output):
        raise CnnError(f"{output}: this file exists, and is not a .json file", "choose a name such as cnn.schema.json")
    try:
        write_output(output, text.encode())
    except OSError as error:
        raise CnnError(f"{output}: cannot be written: {error.strerror or error}") from None
    click.echo(f"wrote {output}", err=True)
