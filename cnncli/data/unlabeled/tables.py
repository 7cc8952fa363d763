"""Tables and arrays of examples without targets, for ``cnn predict``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from cnncli.arithmetic.shape import Shape, numel
from cnncli.data.dataset import ColumnNames
from cnncli.data.formats.csv_columns import places_of, target_columns, trained_places
from cnncli.data.formats.csv_rows import Values, is_number, rows_in, values_in
from cnncli.data.formats.npz import Npz
from cnncli.data.sources.targets import shaped
from cnncli.data.unlabeled.image_files import BATCH, image_input_shape
from cnncli.errors import CnnError, counted
from cnncli.io.files import given_path

KINDS = {".csv": "csv", ".tsv": "csv", ".npz": "npz"}  # by file extension; others are named like datasets, csv:FILE
ARRAYS = ("x", "images", "x_test", "test_x")


class RowBatch(NamedTuple):
    """A batch of examples of a file: their names for a report, and those for a file of each one's output."""

    names: list[str]
    stems: list[str]
    examples: NDArray[Any]


def is_table(path: Path) -> bool:
    """Whether a file contains examples in rows; else it is an image or a folder of images."""
    return _kind(path)[0] in KINDS.values()


def _kind(path: Path) -> tuple[str, Path]:
    kind, colon, rest = str(path).partition(":")
    if colon and kind in KINDS.values():
        return kind, given_path(rest)
    return KINDS.get(path.suffix.lower(), ""), path


class TrainedOn(NamedTuple):
    """The training data of a network: the channels of its examples, its task, and its classes or targets.

    ``columns`` are the names of a table's inputs, empty if they had none.
    """

    channels: int
    task: str
    names: tuple[str, ...]
    columns: tuple[str, ...] = ()


def table_batches(path: Path, shape: Shape, trained_on: TrainedOn) -> Iterator[RowBatch]:
    """The examples of a file for a network whose input is ``shape``, uint8 or float32, in batches.

    The target columns of a CSV file are left out, and named columns are put in the order in which the network was
    trained on them. Raises CnnError.
    """
    channels = trained_on.channels
    if len(shape) == 1 and channels not in (1, shape[0]):  # it was trained on images read as vectors
        shape = image_input_shape(shape, channels)
    kind, path = _kind(path)
    numbers: Sequence[int]
    if kind == "npz":
        x, name = shaped(path, _array(path), shape), "{}[{}]"
        numbers = range(len(x))
    else:
        numbers, values = _values(path, numel(shape), trained_on)
        x, name = shaped(path, values, shape), "{}:{}"
    for start in range(0, len(x), BATCH):
        chosen = numbers[start : start + BATCH]
        names = [name.format(path, number) for number in chosen]
        yield RowBatch(names, [f"{path.stem}-{number}" for number in chosen], x[start : start + BATCH])


def _array(path: Path) -> NDArray[Any]:
    arrays = Npz(path)
    name = next((name for name in ARRAYS if name in arrays), None)
    if name is None and len(arrays.names) == 1:
        (name,) = arrays.names
    if name is None:
        raise CnnError(f"{path}: contains {', '.join(arrays.names) or 'nothing'}", "expected an array x of examples")
    return arrays[name]


def _values(path: Path, count: int, trained_on: TrainedOn) -> tuple[list[int], Values]:
    """The numbers of the lines that are examples, and the ``count`` values of each."""
    rows = rows_in(path)
    heads = [cell.strip() for cell in rows[0].cells] if rows else []
    known = bool(trained_on.columns) and places_of(trained_on.columns, heads) is not None
    named = known or not any(map(is_number, heads[:count]))  # a line of both is reported as an error
    body = rows[1:] if named else rows
    if not body:
        raise CnnError(
            f"{path}: contains no examples", f"expected {counted(count, 'number')} in a row for each example"
        )
    inputs = _inputs(path, heads, count, trained_on, named=named)
    return [row.line for row in body], values_in(path, body, heads if named else len(heads), inputs)


def _inputs(path: Path, heads: list[str], count: int, trained_on: TrainedOn, *, named: bool) -> list[int]:
    """The columns of the network's ``count`` inputs: by name where file and training have names, else by position."""
    regression = trained_on.task == "regression"
    if named and trained_on.columns:
        trained = ColumnNames(trained_on.columns, trained_on.names if regression else ())
        return trained_places(path, heads, trained, trained_on.task, targets=False).inputs
    targets: list[int] = []
    if len(heads) != count:
        known = [place for place, head in enumerate(heads) if named and head.lower() in trained_on.names]
        outputs = len(trained_on.names) if regression else 1
        targets = known or target_columns(heads if named else [""] * len(heads), trained_on.task, outputs)
    if len(heads) - len(targets) != count:
        wanted = f"the network takes {counted(count, 'number')} in each row, with or without their targets"
        raise CnnError(f"{path}: has {counted(len(heads), 'column')}", wanted)
    return [place for place in range(len(heads)) if place not in targets]
