"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cnncli.errors import CnnError

Command = TypeVar("Command", bound=Callable[..., Any])


def complete_architecture(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from cnncli.loading import bundled

    names = [CompletionItem(name) for name in bundled() if name.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


architecture = click.argument("architecture", metavar="ARCH", shell_complete=complete_architecture)

set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Override a variable of the file; may be given several times.",
)

input_option = click.option(
    "--input",
    "input_shapes",
    multiple=True,
    metavar="SHAPE",
    help="Replace the input, as 3x64x64; with several inputs NAME=3x64x64.",
)

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Where data sets are looked for first, and downloaded to (default: $CNN_DATA, the user's cache).",
)


best_option = click.option(
    "--best", is_flag=True, help="The weights of the epoch with the lowest held-out loss, not those of the last."
)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """``--format``, with ``table`` for reading and the others for programs and papers."""
    return click.option(
        "--format", "form", type=click.Choice(formats), default="table", show_default=True, help="How to print."
    )


def overrides(assignments: tuple[str, ...]) -> dict[str, str]:
    """``("width=64",)`` as a dict. Raises CnnError for what is not NAME=VALUE."""
    result = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign or not name.strip():
            raise CnnError(f"--set {assignment}: is not NAME=VALUE", "write --set width=64")
        result[name.strip()] = value.strip()
    return result


def input_shapes(texts: tuple[str, ...]) -> dict[str, str]:
    """``("rgb=3x64x64",)`` or ``("3x64x64",)`` as a dict by input name, "" for the only one."""
    result = {}
    for text in texts:
        name, sign, shape = text.rpartition("=")
        result[name.strip() if sign else ""] = shape.strip()
    return result
