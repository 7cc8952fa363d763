"""``cnn train --nproc``: the same command in several processes, of which the main one prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from cnncli.errors import CnnError

OWN_OPTIONS = ("--nproc", "--max-restarts")  # of the command that starts the workers


def is_main_process() -> bool:
    """Whether this process prints: the only one, or that of rank 0 among the workers of torchrun."""
    from cnncli.runs.torchrun import place

    return place().rank == 0


@contextmanager
def one_error_message() -> Iterator[None]:
    """Let only the main process print an error that all workers raise."""
    try:
        yield
    except CnnError as error:
        if not is_main_process():
            raise click.exceptions.Exit(error.exit_code) from None
        raise


def launch_workers(processes: int, max_restarts: int, run_dir: Path | None, slug: str, device: str) -> NoReturn:
    """Run this command line in several processes, and exit with their code; names the run folder unless given."""
    from cnncli.executor.runtime.devices import choose_device
    from cnncli.executor.runtime.distributed import launch
    from cnncli.runs import folder

    choose_device(device)  # A missing device is one error here, instead of one for each worker at each restart.
    arguments = _without(OWN_OPTIONS, sys.argv[1:])
    if run_dir is None:
        arguments += ["--run-dir", str(folder.next_folder(slug))]
    raise click.exceptions.Exit(launch(processes, max_restarts, arguments))


def _without(names: tuple[str, ...], arguments: list[str]) -> list[str]:
    """The arguments without the named options and their values."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in names:
            skip = True
        elif argument.partition("=")[0] not in names:
            kept.append(argument)
    return kept
