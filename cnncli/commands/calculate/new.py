"""``cnn new``: write a network file to start from."""

from __future__ import annotations

import click

from cnncli.commands import options
from cnncli.errors import CnnError

ENDINGS = (".yaml", ".yml")


@options.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--like", metavar="NAME", shell_complete=options.complete_architecture, help="Copy this bundled network (cnn list)."
)
def command(file: str, like: str | None) -> None:
    """Write a network file to start from.

    FILE ends in .yaml and must not exist yet; - prints the text instead.

    \b
      cnn new net.yaml                   a small network with comments
      cnn new mine.yaml --like resnet18  a copy of a bundled network
    """
    from shlex import quote

    from cnncli.bundled import copy_of, starting_file

    text = starting_file() if like is None else copy_of(like)
    if file == "-":
        click.echo(text, nl=False)
        return
    _write(file, text)
    click.echo(f"wrote {file}\n  next: cnn summarize {quote(file)}", err=True)


def _write(file: str, text: str) -> None:
    """Write a file that must not exist. Raises CnnError."""
    from cnncli.io.files import given_path
    from cnncli.io.writing import write_new

    path = given_path(file)
    if not path.name.isprintable():
        raise CnnError(f"{file}: the name has a character that cannot be printed", "choose another, e.g. net.yaml")
    if file.endswith("/") or (path.is_dir() and file):
        raise CnnError(f"{file}: is a directory", f"name a file in it, e.g. {file.rstrip('/')}/net.yaml")
    if not path.name.endswith(ENDINGS) or path.name in ENDINGS:
        wanted = path.with_suffix(".yaml") if path.name.strip(".") and path.name not in ENDINGS else "net.yaml"
        raise CnnError(f"{file or 'FILE'}: the name of a network file ends in .yaml", f"write cnn new {wanted}")
    try:
        write_new(path, text.encode())
    except FileExistsError:
        raise CnnError(
            f"{file}: this file already exists, and is not overwritten", "choose another name, or delete the file"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL
        if not path.parent.is_dir():
            raise CnnError(f"{file}: there is no folder {path.parent}", "create it, or choose another") from None
        reason = getattr(error, "strerror", None) or error
        raise CnnError(f"{file}: cannot be written: {reason}", "choose another name or folder") from None
