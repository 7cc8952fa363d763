"""Arrays as data sets: ``npz:FILE`` and ``csv:FILE``, read without pickle."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Collection
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnncli.data.classes import LONGEST
from cnncli.data.dataset import VOID, Dataset, Split, mask_classes
from cnncli.data.decoding import times
from cnncli.data.memory import check_fits
from cnncli.data.npz import Npz
from cnncli.errors import CnnError
from cnncli.files import given_path, open_regular
from cnncli.shape import format_input_shape, probable_input

CSV_MEMORY = 20  # bytes of memory for a byte of the file, at worst: where each number has two digits
HELD_OUT = 5  # one example in five, where the file has no test part
TARGET = re.compile(r"target.*|y([\W\d_].*)?")  # y, y1 and y_price are targets; year is none
LABELS = ("label", "class", "target", "y")
IMAGES = (("train_x", "train_y", "test_x", "test_y"), ("x_train", "y_train", "x_test", "y_test"))
ALONE = (("x", "y"), ("images", "labels"))
Values = NDArray[np.float32]
Examples = tuple[NDArray[Any], NDArray[Any]]


def load_npz(text: str, shape: tuple[int, ...], task: str = "auto", outputs: int = 1) -> Dataset:
    """Arrays ``x`` and ``y`` (or ``x_train``, ``y_train``, ``x_test``, ``y_test``) as examples of ``shape``.

    x is (N, *shape), or without the channel where there is one, or with the channels last; uint8, or numbers that are
    taken as they are; without a ``shape`` it is what it is. y is (N,) of classes, (N,) or (N, targets) of numbers for a
    regression, or (N, *sizes) of the class of each pixel for a segmentation. Raises CnnError.
    """
    path = given_path(text)
    arrays = Npz(path)
    for names in IMAGES:
        if all(name in arrays for name in names):
            train, test = (_examples(path, arrays[a], arrays[b], shape) for a, b in (names[:2], names[2:]))
            return _dataset(path, train, test, (), task, outputs)
    for first, second in ALONE:
        if first in arrays and second in arrays:
            return _held_out(path, *_examples(path, arrays[first], arrays[second], shape), task, outputs)
    raise CnnError(
        f"{path}: holds {', '.join(arrays.names) or 'nothing'}",
        "it takes x and y, or x_train, y_train, x_test and y_test",
    )


def load_csv(text: str, shape: tuple[int, ...], task: str = "auto", outputs: int = 1) -> Dataset:
    """A row per example: numbers, and its class in a column named label, class, target or y, else in the last one.

    The targets of a regression are the columns called target…, y, y1 or y_…, else the last ones, as many as the network
    has ``outputs``. The first line may name the columns. Rows are read as the network's ``shape``. Raises CnnError with
    the line.
    """
    path = given_path(text)
    rows = rows_in(path)
    if len(rows) < 2:
        raise CnnError(f"{path}: holds no examples", "it takes a row per example, its class in the last column")
    heads = [cell.strip().lower() for cell in rows[0].cells]
    named = not all(map(is_number, heads[:-1]))
    at = target_columns(heads if named else [""] * len(heads), task, outputs, math.prod(shape) if shape else 0)
    task = "regression" if task == "auto" and len(at) > 1 else task
    if len(at) >= len(heads):
        raise CnnError(f"{path}: has {len(heads)} columns, all of them targets", "it takes some to tell them from")
    body = rows[1:] if named else rows
    values = values_in(path, body, len(heads), at)
    for row in body:
        if any(len(row.cells[place]) > LONGEST for place in at):
            raise CnnError(
                f"{path}:{row.line}: a target has more than {LONGEST} characters", "it is a class or a number"
            )
    targets = np.array([[row.cells[place].strip() for place in at] for row in body])
    names = tuple(heads[place] for place in at) if named else ()
    return _held_out(path, *_examples(path, values, _numbers(targets), shape), task, outputs, names)


class Row(NamedTuple):
    """A line of a CSV file: its number, from 1, and its cells."""

    line: int
    cells: list[str]


def rows_in(path: Path) -> list[Row]:
    """The lines of a CSV file that are not empty. Raises CnnError."""
    try:
        with open_regular(path) as binary, TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file:
            size = os.fstat(binary.fileno()).st_size
            check_fits(CSV_MEMORY * size, f"{path}: the numbers of a CSV file", "write it as npz, with np.savez")
            head = file.readline()
            file.seek(0)
            apart = next((sign for sign in ",;\t" if sign in head), ",")  # a spreadsheet writes ; where , is decimal
            reader = csv.reader(file, delimiter=apart)
            return [Row(reader.line_num, cells) for cells in reader if cells]
    except FileNotFoundError:
        raise CnnError(f"{path}: there is no such file") from None
    except (OSError, ValueError, csv.Error) as error:
        raise CnnError(f"{path}: is not a CSV file: {error}") from None


def values_in(path: Path, rows: list[Row], columns: int, left_out: Collection[int]) -> Values:
    """The numbers of each row, float32, without the columns that are ``left_out``. Raises CnnError with the line."""
    wanted = columns - len(left_out)
    whole = next((at for at, row in enumerate(rows) if len(row.cells) != columns), len(rows))
    values = np.empty((whole, wanted), np.float32)  # the loop ends at the first row of another length
    for number, (line, row) in enumerate(rows):
        cells = [cell for place, cell in enumerate(row) if place not in left_out]
        if len(row) != columns or not all(map(is_number, cells)):
            more = " and a class" if left_out else ""
            raise CnnError(f"{path}:{line}: is not {wanted} numbers{more}: {','.join(row)[:60]}")
        values[number] = [float(cell.strip()) for cell in cells]
    return values


def target_columns(heads: list[str], task: str, outputs: int, inputs: int = 0) -> list[int]:
    """Where the targets stand: one column, or for a regression several.

    Without a task it is a regression where several columns are called targets, and where there are as many columns as a
    network of several ``outputs`` takes, with its ``inputs``.
    """
    found = [place for place, head in enumerate(heads) if TARGET.fullmatch(head)]
    several = len(found) > 1 or (not found and outputs > 1 and len(heads) == inputs + outputs)
    if task == "regression" or (task == "auto" and several and not {*heads} & {*LABELS[:2]}):
        return found if found else [*range(max(0, len(heads) - outputs), len(heads))]
    return [next((heads.index(name) for name in LABELS if name in heads), len(heads) - 1)]


def _numbers(cells: NDArray[Any]) -> NDArray[Any]:
    """The texts (N, K) as numbers where all are, and (N,) where there is one of each."""
    if all(map(is_number, cells.flat)):
        cells = cells.astype(np.float64)
        if (cells == np.rint(cells)).all():
            cells = cells.astype(np.int64)
    return cells[:, 0] if cells.shape[1] == 1 else cells


def is_number(text: str) -> bool:
    """Whether a text is what ``read_number`` takes for one, asked of millions of cells: without calling it."""
    try:
        return text.isascii() and "_" not in text and abs(float(text.strip())) < 1e300  # which NaN is not, either
    except ValueError:
        return False


def _examples(path: Path, x: NDArray[Any], y: NDArray[Any], shape: tuple[int, ...]) -> Examples:
    if x.ndim and (len(y.shape) == 0 or len(y) != len(x)):
        raise CnnError(f"{path}: {len(x)} examples and labels of shape {'x'.join(map(str, y.shape))}", "one for each")
    return shaped(path, x, shape), y


def shaped(path: Path, x: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Examples as (N, *shape), uint8 or float32, in one of the ways that :func:`load_npz` names. Raises CnnError."""
    if x.dtype.kind not in "biuf" or x.size == 0 or x.ndim == 0:
        count = len(x) if x.ndim else 1
        raise CnnError(f"{path}: the examples are {count} of {x.dtype}", "they are numbers, in a row for each example")
    x = _single(x) if x.dtype != np.uint8 else x
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise CnnError(f"{path}: some values are not finite, or beyond 3e38", "leave those examples out")
    if x.shape[1:] == shape or not shape:
        return x
    if shape[:1] == (1,) and x.shape[1:] == shape[1:]:
        return x[:, None]
    if len(shape) > 1 and x.shape[1:] == (*shape[1:], shape[0]):
        return np.moveaxis(x, -1, 1)
    if len(shape) == 1 and x[0].size == shape[0]:
        return x.reshape(len(x), -1)
    if x.ndim == 2 and x.shape[1] == int(np.prod(shape)):
        return x.reshape(len(x), *shape)
    message = f"{path}: examples of {times(x.shape[1:])} cannot become the network's input {format_input_shape(shape)}"
    raise CnnError(message, f"set the input to {probable_input(x.shape[1:])}")


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32: what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _held_out(
    path: Path, x: NDArray[Any], y: NDArray[Any], task: str, outputs: int, names: tuple[str, ...] = ()
) -> Dataset:
    """Every fifth example of an order that is drawn once for all as the test part."""
    if len(x) < HELD_OUT:
        raise CnnError(f"{path}: {len(x)} examples cannot be split into a training and a test part")
    order = np.random.default_rng(0).permutation(len(x))
    test, train = np.sort(order[::HELD_OUT]), np.sort(np.setdiff1d(order, order[::HELD_OUT]))
    note = f"{path.name}: {len(test):,} of {len(x):,} examples are held out as the test part"
    return _dataset(path, (x[train], y[train]), (x[test], y[test]), (note,), task, outputs, names)


def _dataset(
    path: Path,
    train: Examples,
    test: Examples,
    notes: tuple[str, ...],
    task: str,
    outputs: int,
    names: tuple[str, ...] = (),
) -> Dataset:
    """The targets as their task has them; whose it is, numbers with fractions say where the network does not."""
    y = train[1]
    if task == "segmentation":
        return _with_masks(path, train, test, notes, outputs)
    if task == "regression" or (task == "auto" and _are_numbers(y)):
        return _with_numbers(path, train, test, notes, names)
    for _, labels in (train, test):
        if labels.ndim != 1:
            have = "x".join(map(str, labels.shape))
            raise CnnError(f"{path}: the labels are of shape {have}", _advice(y))
    return _with_classes(path, train, test, notes)


def _are_numbers(y: NDArray[Any]) -> bool:
    """Whether targets without a task are a regression's: with fractions, or several that are not one-hot classes."""
    if y.dtype.kind not in "iuf":
        return False
    return not _are_whole(y) or (y.ndim == 2 and y.shape[1] > 1 and not _is_one_hot(y))


def _is_one_hot(y: NDArray[Any]) -> bool:
    return y.ndim == 2 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())


def _advice(y: NDArray[Any]) -> str:
    """What to do about classes that are not a number for each example."""
    if y.ndim == 2 and y.shape[1] == 1:
        return "a class for each example: save np.ravel(y)"
    if y.dtype.kind in "iufb" and _is_one_hot(y):
        return "they are one-hot: save the classes, np.argmax(y, 1)"
    return "a class for each example; numbers are targets of a regression: --task regression"


def _are_whole(values: NDArray[Any]) -> bool:
    return bool((values == np.rint(values)).all())


def _with_numbers(
    path: Path, train: Examples, test: Examples, notes: tuple[str, ...], names: tuple[str, ...]
) -> Dataset:
    """For a regression: float64 (N, K), each finite in float32, too, as the network's inputs are."""
    splits = []
    for x, y in (train, test):
        if y.dtype.kind not in "biuf" or y.ndim > 2 or not np.isfinite(_single(y)).all():
            raise CnnError(f"{path}: the targets of a regression are numbers", "each finite, in one or two axes")
        splits.append(Split(np.ascontiguousarray(x), np.ascontiguousarray(y.reshape(len(y), -1), np.float64)))
    count = splits[0].labels.shape[1]
    if splits[1].labels.shape[1] != count:
        raise CnnError(f"{path}: the training part has {count} targets, the test part {splits[1].labels.shape[1]}")
    named = names if len(names) == count else tuple(f"y{number}" for number in range(count))
    return Dataset(path.name, splits[0], splits[1], named, notes)


def _with_masks(path: Path, train: Examples, test: Examples, notes: tuple[str, ...], outputs: int) -> Dataset:
    """For a segmentation: uint8 (N, *sizes); masks of 0 and 255 alone have two classes."""
    splits = []
    two = all(set(np.unique(y).tolist()) <= {0, VOID} for _, y in (train, test))
    for x, y in (train, test):
        if y.shape[1:] != x.shape[2:] or y.dtype.kind not in "biu":
            have, want = ("x".join(map(str, each)) for each in (y.shape[1:], x.shape[2:]))
            raise CnnError(f"{path}: masks of {have or 'no size'} ({y.dtype}) for examples of {want}")
        if y.min() < 0 or y.max() > VOID:
            raise CnnError(f"{path}: masks hold classes from 0 to 254, and 255 where there is none")
        classes = y // VOID if two else y
        splits.append(Split(np.ascontiguousarray(x), np.ascontiguousarray(classes, np.uint8)))
    return Dataset(path.name, splits[0], splits[1], mask_classes([split.labels for split in splits], outputs), notes)


def _with_classes(path: Path, train: Examples, test: Examples, notes: tuple[str, ...]) -> Dataset:
    """Labels as class numbers: the values in their order."""
    if train[1].dtype.kind == "f" and not _are_whole(train[1]):
        count = f"{len(np.unique(train[1])):,}"
        raise CnnError(f"{path}: the targets are {count} numbers with fractions, no classes", "use --task regression")
    values = np.unique(np.concatenate((train[1], test[1])))
    missing = [str(value) for value in values if value not in train[1]]
    if missing:
        raise CnnError(f"{path}: no training example is of class {', '.join(missing[:5])}")
    if len(values) > len(train[1]) // 2 + 1:
        raise CnnError(
            f"{path}: there are {len(values):,} classes for {len(train[1]):,} examples", "labels are classes"
        )
    numbers = [np.searchsorted(values, labels).astype(np.int64) for _, labels in (train, test)]
    splits = [Split(np.ascontiguousarray(x), y) for (x, _), y in zip((train, test), numbers, strict=True)]
    return Dataset(path.name, splits[0], splits[1], tuple(str(value) for value in values), notes)
