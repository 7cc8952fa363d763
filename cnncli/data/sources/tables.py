"""Tables and arrays of examples, of which a trained network is asked what it makes of them: targets are not needed."""

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
from cnncli.data.sources.pictures import BATCH, picture_shape
from cnncli.data.sources.targets import shaped
from cnncli.errors import CnnError
from cnncli.io.files import given_path

KINDS = {".csv": "csv", ".tsv": "csv", ".npz": "npz"}  # by ending; others are named as data sets are, csv:FILE
ARRAYS = ("x", "images", "x_test", "test_x")


class Rows(NamedTuple):
    """Some examples of a file; their names, with the line or the number there, and the like for a file of each."""

    names: list[str]
    stems: list[str]
    examples: NDArray[Any]


def is_table(path: Path) -> bool:
    """Whether a file holds examples in rows; else it is a picture or a folder of them."""
    return _kind(path)[0] in KINDS.values()


def _kind(path: Path) -> tuple[str, Path]:
    kind, colon, rest = str(path).partition(":")
    if colon and kind in KINDS.values():
        return kind, given_path(rest)
    return KINDS.get(path.suffix.lower(), ""), path


class Learnt(NamedTuple):
    """What a network was trained on: the channels of its examples, its task, and its classes or targets.

    ``columns`` are the names of a table's inputs, none where they had no names.
    """

    channels: int
    task: str
    names: tuple[str, ...]
    columns: tuple[str, ...] = ()


def batches(path: Path, shape: Shape, learnt: Learnt) -> Iterator[Rows]:
    """The examples of a file for a network whose input is ``shape``, uint8 or float32, some at a time.

    Of a CSV file the columns that hold targets are left out, and those that have names are brought into the order in
    which the network was trained on them. Raises CnnError.
    """
    channels = learnt.channels
    if len(shape) == 1 and channels not in (1, shape[0]):  # it was trained on images read as vectors
        shape = picture_shape(shape, channels)
    kind, path = _kind(path)
    numbers: Sequence[int]
    if kind == "npz":
        x, name = shaped(path, _array(path), shape), "{}[{}]"
        numbers = range(len(x))
    else:
        numbers, values = _values(path, numel(shape), learnt)
        x, name = shaped(path, values, shape), "{}:{}"
    for start in range(0, len(x), BATCH):
        of_part = numbers[start : start + BATCH]
        names = [name.format(path, number) for number in of_part]
        yield Rows(names, [f"{path.stem}-{number}" for number in of_part], x[start : start + BATCH])


def _array(path: Path) -> NDArray[Any]:
    arrays = Npz(path)
    name = next((name for name in ARRAYS if name in arrays), None)
    if name is None and len(arrays.names) == 1:
        (name,) = arrays.names
    if name is None:
        raise CnnError(f"{path}: holds {', '.join(arrays.names) or 'nothing'}", "it takes an array x of examples")
    return arrays[name]


def _values(path: Path, count: int, learnt: Learnt) -> tuple[list[int], Values]:
    """The numbers of the lines that are examples, and the ``count`` values of each."""
    rows = rows_in(path)
    heads = [cell.strip() for cell in rows[0].cells] if rows else []
    known = bool(learnt.columns) and places_of(learnt.columns, heads) is not None
    named = known or not any(map(is_number, heads[:count]))  # a line of both is a mistake, and told as one
    body = rows[1:] if named else rows
    if not body:
        raise CnnError(f"{path}: holds no examples", f"it takes {count} numbers in a row for each example")
    inputs = _inputs(path, heads, count, learnt, named=named)
    return [row.line for row in body], values_in(path, body, heads if named else len(heads), inputs)


def _inputs(path: Path, heads: list[str], count: int, learnt: Learnt, *, named: bool) -> list[int]:
    """The columns of the network's ``count`` inputs: by name where file and training have names, else by position."""
    regression = learnt.task == "regression"
    if named and learnt.columns:
        trained = ColumnNames(learnt.columns, learnt.names if regression else ())
        return trained_places(path, heads, trained, learnt.task, targets=False).inputs
    targets: list[int] = []
    if len(heads) != count:
        known = [place for place, head in enumerate(heads) if named and head.lower() in learnt.names]
        outputs = len(learnt.names) if regression else 1
        targets = known or target_columns(heads if named else [""] * len(heads), learnt.task, outputs)
    if len(heads) - len(targets) != count:
        wanted = f"the network takes {count} numbers in each row, with or without their targets"
        raise CnnError(f"{path}: has {len(heads)} columns", wanted)
    return [place for place in range(len(heads)) if place not in targets]
