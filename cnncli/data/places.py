"""Where downloaded data sets lie: the folder that is asked for, then $CNN_DATA, then the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cnncli.errors import CnnError
from cnncli.io.files import given_path


def places(folders: tuple[str, ...], data_dir: Path | None) -> Iterator[Path]:
    """The folders in which a data set's files may lie, in the order in which they are looked at."""
    set_by_user = os.environ.get("CNN_DATA")
    roots = [data_dir, given_path(set_by_user) if set_by_user else None, cache()]
    for root in filter(None, roots):
        yield from (root / folder for folder in folders)
        if root is data_dir:
            yield root


def cache() -> Path:
    """The user's own folder for what was downloaded."""
    from platformdirs import user_cache_path

    return user_cache_path("cnn")


def mirrors(name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of the folder with the files; CNN_MIRROR replaces the usual ones. Raises CnnError."""
    own = os.environ.get("CNN_MIRROR")
    if not own:
        return usual
    if not own.startswith(("http://", "https://")):
        raise CnnError(f"CNN_MIRROR is {own!r}, which is not an address", "write http://… or https://…")
    return (f"{own.rstrip('/')}/{name}",)
