"""``hf:NAME``: datasets of the Hugging Face Hub, or Parquet files like theirs, read by the library ``datasets``.

Version 4 of the library or later is required, as earlier ones run code that comes with a dataset. Files on
disk are read as Parquet and as nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cnncli.data.dataset import Dataset, Split
from cnncli.data.registry import Request
from cnncli.data.sources.hf.column_choice import choose_columns
from cnncli.data.sources.hf.table_rows import Table, TableSplit, number_labels, read_images, read_numbers
from cnncli.data.splits import by_split, choose_splits, hold_out_by_permutation
from cnncli.errors import CnnError
from cnncli.io.files import open_regular
from cnncli.io.terminal import unguarded

INSTALL = "pip install 'cnn-calculator[hf]'"
UNNAMED = "unnamed"  # the split of files whose names contain none, for the library, which accepts no empty name
UNREACHED = (
    "OfflineModeIsEnabled",
    "ConnectError",
    "ConnectTimeout",
    "ReadTimeout",
)  # by name, as the modules that define them change


def load(request: Request) -> Dataset:
    """NAME or NAME:CONFIG on the hub, or the path of a Parquet file or of a folder of them.

    Images are decoded to the network's input shape, (C, H, W); columns of numbers are read as it. Downloads go to
    the data folder, else to the cache of ``datasets``. Raises CnnError, also for errors of the library.
    """
    name, shape = request.spec, request.shape
    if not request.argument:
        raise CnnError("hf: needs a name", "use hf:NAME, as on the hub, or the path of a folder of Parquet files")
    library = _library()
    tables = _tables(library, name, request.argument, request.data_dir)
    columns = choose_columns(name, next(iter(tables.values())).features)
    splits, notes = _train_and_test(name, tables, columns.label, bool(columns.classes))
    classes, labels = number_labels(columns, splits)
    if columns.image:
        examples, more_notes = read_images(name, splits, columns.image, shape)
    else:
        examples, more_notes = read_numbers(name, splits, columns, shape)
    cut = len(labels[0])
    train, test = Split(examples[:cut], labels[0]), Split(examples[cut:], labels[1])
    return Dataset(name, train, test, classes, (columns.note(), *notes, *more_notes))


def local_path(text: str) -> Path | None:
    """The file or folder that ``text`` is the path of; None for a name on the hub."""
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # not a path
        return None


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise CnnError("hf: needs the Hugging Face library datasets, which is not installed", INSTALL) from None
    if int(datasets.__version__.partition(".")[0]) < 4:
        raise CnnError(f"hf: datasets {datasets.__version__} may run code that comes with a dataset", INSTALL)
    if sys.stderr is None or not sys.stderr.isatty():
        datasets.disable_progress_bars()
    return datasets


def _tables(library: Any, name: str, text: str, data_dir: Path | None) -> dict[str, Table]:
    """The splits by name, not yet decoded."""
    path = local_path(text)
    cache = str(data_dir / "huggingface") if data_dir else None
    if path is None and (text.startswith((".", "/", "~")) or text.endswith(".parquet")):
        raise CnnError(f"{name}: no such file or folder")
    try:
        if path is not None:
            files = by_split(_parquet_files(path))
            with unguarded():
                loaded = library.load_dataset(
                    "parquet", data_files={split or UNNAMED: each for split, each in files.items()}, cache_dir=cache
                )
            return {"" if split == UNNAMED else split: table for split, table in loaded.items()}
        hub_name, _, config = text.partition(":")
        with unguarded():
            return dict(library.load_dataset(hub_name, config or None, cache_dir=cache))
    except CnnError:
        raise
    except Exception as error:  # the library and its dependencies raise almost anything
        raise _failed(name, path, error) from None


def _parquet_files(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """The files, in the order of their names, each with its path below ``path``."""
    if path.is_file():
        found = [path] if path.suffix == ".parquet" else []
    else:
        found = [
            file
            for file in sorted(path.rglob("*.parquet"))
            if not any(part.startswith(".") for part in _below(path, file))
        ]
    if not found:
        raise CnnError(
            f"{path}: contains no Parquet file", "use a name on the hub, a .parquet file or a folder of them"
        )
    for file in found:
        open_regular(file).close()  # the library would read a FIFO or a device, too
        yield _below(path, file), str(file)


def _below(path: Path, file: Path) -> tuple[str, ...]:
    return file.relative_to(path).parts or (file.name,)


def _failed(name: str, path: Path | None, error: Exception) -> CnnError:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    cause = error.__cause__  # the cause is more specific
    if cause is not None and str(cause).strip():
        reason += f" ({str(cause).strip().splitlines()[0]})"
    if path is not None:
        return CnnError(f"{name}: cannot be read: {reason}")
    if "onfig name is missing" in reason or "BuilderConfig" in reason:
        return CnnError(f"{name}: {reason}", "use hf:NAME:CONFIG")
    if isinstance(error, ConnectionError) or type(error).__name__ in UNREACHED:
        hint = "without a network, use the path of a folder with the dataset's Parquet files"
        return CnnError(f"{name}: the hub cannot be reached: {reason}", hint)
    return CnnError(f"{name}: cannot be loaded: {reason}", "use a name on the hub, e.g. ylecun/mnist, or a path")


def _train_and_test(
    name: str, tables: dict[str, Table], label: str, typed: bool
) -> tuple[tuple[TableSplit, TableSplit], tuple[str, ...]]:
    """The rows to train and to test with. A split without labels, like the test split of a contest, is ignored."""
    secret = [split for split, table in tables.items() if not _labeled(table, label, typed)]
    chosen = choose_splits(name, [split for split in tables if split not in secret] or tables)
    notes = (*chosen.notes, *(f"{split} has no labels" for split in secret))
    table = tables[chosen.train]
    if chosen.test is not None:
        test = tables[chosen.test]
        return (_table_split(name, chosen.train, table), _table_split(name, chosen.test, test)), notes
    count = len(table)
    rows = hold_out_by_permutation(name, count)
    train, test = (TableSplit(_table_split(name, chosen.train, table).name, table.select(each), each) for each in rows)
    note = f"{len(rows[1]):,} of {count:,} examples are held out as the test split"
    return (train, test), (*notes, note)


def _table_split(name: str, split: str, table: Table) -> TableSplit:
    return TableSplit(f"{name}: {split}" if split else name, table, range(len(table)))


def _labeled(table: Table, label: str, typed: bool) -> bool:
    """Whether any row has a label; the hub writes -1 where a class is kept secret."""
    values = TableSplit("", table, ()).cells(label) if label in table.column_names else []
    return any(value is not None and not (typed and value == -1) for value in values)
