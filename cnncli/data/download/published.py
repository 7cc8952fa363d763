"""The files of a published dataset: from disk, else downloaded into the given folder or the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cnncli.data.download.fetch import fetch
from cnncli.data.download.local_files import cache, find_file, find_files
from cnncli.data.registry import Published, Request
from cnncli.errors import CnnError


def local_or_downloaded(request: Request) -> list[Path]:
    """The paths of the dataset's files, in the order of its row: those of its records, or its downloads.

    Raises CnnError with what to do without a network.
    """
    published = request.row.published
    assert published is not None  # only published datasets have a loader that asks for this
    return find_files(published, request.data_dir) or download(request.row.name, published, request.data_dir)


def download(name: str, published: Published, data_dir: Path | None) -> list[Path]:
    """Download those files that are missing. Raises CnnError."""
    addresses = mirrors(name, published.mirrors)
    folder = (data_dir or cache()) / name
    hint = (
        f"without a network, copy {', '.join(published.downloads)} to {folder}; "
        "set CNN_MIRROR to download from another server; digits needs no download"
    )
    paths = []
    with writing(name, folder):
        for file, remote in published.downloads.items():
            path = find_file(folder, file)
            if path is None:
                path = folder / file
                fetch([f"{address}/{file}" for address in addresses], path, remote, hint)
            paths.append(path)
    return paths


def mirrors(name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of the folder with the files; CNN_MIRROR replaces the usual ones. Raises CnnError."""
    own = os.environ.get("CNN_MIRROR")
    if not own:
        return usual
    if not own.startswith(("http://", "https://")):
        raise CnnError(f"CNN_MIRROR is {own!r}, which is not a URL", "use http://… or https://…")
    return (f"{own.rstrip('/')}/{name}",)


@contextmanager
def writing(name: str, folder: Path) -> Iterator[None]:
    """Make the folder of a dataset, and be the only process to write into it. Raises CnnError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with sole_writer(folder):
            yield
    except OSError as error:
        message = f"cannot write {name} to {folder}: {error.strerror or error}"
        hint = "choose another folder with --data-dir, or use digits, which needs no download"
        raise CnnError(message, hint) from None


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads into ``folder``: two of them would write one .part file."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock, and refuses to rename a file that another process writes
        yield
        return
    with (folder / ".lock").open("w") as file:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
