"""Where downloaded datasets are on disk: in the given folder, then in $CNN_DATA, then in the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cnncli.data.registry import DatasetRow, Published
from cnncli.io.files import given_path, is_file


def is_local(row: DatasetRow, data_dir: Path | None) -> bool:
    """Whether a dataset can be used without a download."""
    if row.published is not None:
        return find_files(row.published, data_dir) is not None
    return not row.downloads


def find_files(published: Published, data_dir: Path | None) -> list[Path] | None:
    """The files of a dataset in the first folder that has all of them: of its records, else those to download."""
    alternatives = [published.records.files] if published.records else []
    for folder in _folders(published, data_dir):
        for names in (*alternatives, tuple(published.downloads)):
            paths = [path for name in names if (path := find_file(folder, name))]
            if len(paths) == len(names):
                return paths
    return None


def find_file(folder: Path, name: str) -> Path | None:
    """The file ``name``, also unpacked if it is a .gz, and also with a dot before ``idx``; else None."""
    for spelled in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelled.removesuffix(".gz"), folder / spelled):
            if is_file(path):
                return path
    return None


def _folders(published: Published, data_dir: Path | None) -> Iterator[Path]:
    """The folders in which a dataset's files may be, in the order in which they are searched."""
    set_by_user = os.environ.get("CNN_DATA")
    roots = [data_dir, given_path(set_by_user) if set_by_user else None, cache()]
    for root in filter(None, roots):
        yield from (root / folder for folder in published.folders)
        if root is data_dir:
            yield root


def cache() -> Path:
    """The user's own folder for downloads."""
    from platformdirs import user_cache_path

    return user_cache_path("cnn")
