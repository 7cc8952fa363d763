"""Loading a dataset by its name: the row of the registry names the loader, which is imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from cnncli.data.dataset import ColumnNames, Dataset
from cnncli.data.registry import DATASETS, Request, find_dataset, path_exists
from cnncli.errors import CnnError


class Loader(Protocol):
    """A module of ``data/sources`` that a row of the registry names."""

    def load(self, request: Request) -> Dataset: ...


def load_dataset(
    spec: str,
    shape: tuple[int, ...],
    data_dir: Path | None = None,
    stream: bool = False,
    *,
    task: str = "auto",
    outputs: int = 1,
    trained: ColumnNames | None = None,
) -> Dataset:
    """Load the dataset ``spec``, a name in the registry with its argument, for a network whose input is ``shape``.

    Image files are decoded to the shape, (C, H, W), and arrays are read as it; datasets with a shape of their own, such
    as (1, 28, 28) of MNIST, keep it. ``data_dir`` is searched first for what is downloaded, and downloads go there.
    With ``stream`` images stay on disk, as they do where they do not fit in memory. ``task`` and the network's number
    of ``outputs`` decide what the targets of arrays, tables and images mean. The columns of a table are those that a
    network was ``trained`` on, if given. Raises CnnError.
    """
    row, argument = find_dataset(spec)
    request = Request(row, argument, shape, data_dir, stream, task, outputs, trained)
    _check_options(request)
    return cast(Loader, import_module(f"cnncli.data.sources.{row.loader}")).load(request)


def _check_options(request: Request) -> None:
    """Raises CnnError for an option that this dataset would ignore."""
    if request.data_dir is not None and not request.row.downloads:
        hint = "it is the folder for downloaded datasets; omit it"
        raise CnnError(f"--data-dir has no effect with {request.spec}", hint)
    if request.stream and not request.row.streams:
        streaming = " and ".join(row.name for row in DATASETS if row.streams)
        raise CnnError(f"{request.spec} is always read into memory", f"{streaming} can stay on disk")


def absolute_spec(spec: str) -> str:
    """The same dataset with an absolute path, as a run may be evaluated from another folder."""
    try:
        row, argument = find_dataset(spec)
        if row.takes_argument and (not row.on_hub or path_exists(argument)):
            return f"{row.key}:{Path(argument).expanduser().resolve()}"
    except (CnnError, OSError, RuntimeError, ValueError):  # unknown, or not a path: loading it reports that
        pass
    return spec
