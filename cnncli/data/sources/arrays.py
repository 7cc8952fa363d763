"""Arrays as data sets: ``npz:FILE`` and ``csv:FILE``, read without pickle."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_input_shape, probable_input
from cnncli.data.dataset import MAX_CLASS_NAME, VOID, ColumnNames, Dataset, Split, mask_classes, unnamed_targets
from cnncli.data.formats.decoding import times
from cnncli.data.formats.headings import LABELS, Places, called_targets, places_of, target_columns, trained_places
from cnncli.data.formats.npz import Npz
from cnncli.data.memory import check_fits
from cnncli.data.splits import hold_out_by_permutation
from cnncli.errors import CnnError
from cnncli.io.files import given_path, open_regular

CSV_MEMORY = 20  # bytes of memory for a byte of the file, at worst: where each number has two digits
NAMES_LIMIT = 1 << 20  # characters of the columns' names, which a run keeps
EXACT = 2**53  # below it float64 holds every whole number
IMAGES = (("train_x", "train_y", "test_x", "test_y"), ("x_train", "y_train", "x_test", "y_test"))
ALONE = (("x", "y"), ("images", "labels"))
Values = NDArray[np.float32]
Examples = tuple[NDArray[Any], NDArray[Any]]


def load(
    spec: str, shape: tuple[int, ...], task: str = "auto", outputs: int = 1, trained: ColumnNames | None = None
) -> Dataset:
    """``npz:FILE`` by :func:`load_npz`, ``csv:FILE`` by :func:`load_csv`. Raises CnnError."""
    kind, _, text = spec.partition(":")
    if kind == "npz":
        return load_npz(text, shape, task, outputs)
    return load_csv(text, shape, task, outputs, trained)


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


def load_csv(
    text: str,
    shape: tuple[int, ...],
    task: str = "auto",
    outputs: int = 1,
    trained: ColumnNames | None = None,
) -> Dataset:
    """A row per example: numbers, and its class in a column named label, class, target or y, else in the last one.

    The targets of a regression are the columns called target…, y, y1 or y_…, else the last ones, as many as the network
    has ``outputs``. The first line may name the columns; then those that a network was ``trained`` on are read, in its
    order. Rows are read as the network's ``shape``. Raises CnnError with the line.
    """
    path = given_path(text)
    rows = rows_in(path)
    if len(rows) < 2:
        raise CnnError(f"{path}: holds no examples", "it takes a row per example, its class in the last column")
    cells = [cell.strip() for cell in rows[0].cells]
    heads = cells if not all(map(is_number, cells[:-1])) else []
    names = heads or [""] * len(cells)
    inputs, at = _places(path, names, shape, task, outputs, trained if heads else None)
    if not inputs:
        raise CnnError(f"{path}: has {len(names)} columns, all of them targets", "it takes some to tell them from")
    body = rows[1:] if heads else rows
    asked, task = task, "regression" if task == "auto" and len(at) > 1 else task
    kind = "target" if task == "regression" else "class"
    values = values_in(path, body, heads or len(names), inputs, f"a {kind}" if len(at) == 1 else f"{len(at)} {kind}s")
    _check_targets(path, body, heads, at, task)
    texts = np.array([[row.cells[place].strip() for place in at] for row in body])
    targets = _numbers(texts, exact=task != "regression")
    if asked == "auto" and _is_one_hot(targets):
        which = f"the columns {', '.join(heads[place] for place in at)}" if heads else f"the last {len(at)} columns"
        raise CnnError(f"{path}: {which} are one-hot classes", f"{_ONE_COLUMN}; as numbers: --task regression")
    named = tuple(heads[place].lower() for place in at) if heads else ()
    dataset = _held_out(path, *_examples(path, values, targets, shape), task, outputs, named)
    columns = tuple(heads[place] for place in inputs) if heads else ()
    if sum(map(len, columns)) > NAMES_LIMIT:
        note = f"{path.name}: the names of its columns are too long to be kept; tables are matched by position"
        return replace(dataset, notes=(*dataset.notes, note))
    return replace(dataset, columns=columns)


_ONE_COLUMN = "give each row its class in one column called label"


def _places(
    path: Path, heads: list[str], shape: tuple[int, ...], task: str, outputs: int, trained: ColumnNames | None
) -> Places:
    """Which columns are inputs and which are targets; without names ``heads`` are empty texts. Raises CnnError."""
    if trained is not None and trained.inputs:
        return trained_places(path, heads, trained, task, targets=True)
    at = places_of(trained.targets, heads) if trained is not None and trained.targets else None
    if at is None:
        at = target_columns(heads, task, outputs, math.prod(shape) if shape else 0)
    inputs = [place for place in range(len(heads)) if place not in {*at}]
    if task == "classification":
        _check_one_class(path, heads, fits=not shape or len(inputs) == math.prod(shape))
    return Places(inputs, at)


def _check_one_class(path: Path, heads: list[str], *, fits: bool) -> None:
    """Raises CnnError where several columns are called targets and it is not plain which one holds the classes."""
    several, lower = called_targets(heads), {head.lower() for head in heads}
    plain = lower & {*LABELS[:2]} or (fits and lower & {*LABELS})
    if len(several) > 1 and not plain:
        raise CnnError(
            f"{path}: the columns {', '.join(heads[place] for place in several)} are targets, and a classification "
            "takes one column of classes",
            f"{_ONE_COLUMN}, or use --task regression for numbers",
        )


def _check_targets(path: Path, rows: list[Row], heads: Sequence[str], at: Sequence[int], task: str) -> None:
    """Raises CnnError, with the line, for a target that is too long or, of a regression, no finite number."""
    for line, row in rows:
        for place in at:
            cell = row[place].strip()
            if len(cell) > MAX_CLASS_NAME:
                raise CnnError(
                    f"{path}:{line}: a target has more than {MAX_CLASS_NAME} characters", "it is a class or a number"
                )
            if task == "regression" and not is_number(cell):
                raise _no_number(path, line, _column(heads, place), cell)


def _no_number(path: Path, line: int, column: str, cell: str) -> CnnError:
    """What is wrong with a cell of a regression's targets."""
    if not cell or cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return CnnError(f"{path}:{line}: the target in {column} is {cell or 'empty'}", _GAP)
    hint = "a regression's targets are numbers; text is a class: --task classification"
    return CnnError(f"{path}:{line}: the target in {column} is text: {cell[:60]}", hint)


_GAP = "it takes a finite number: fill it in, or leave the row out"


def _column(heads: Sequence[str], place: int) -> str:
    return f"column {heads[place][:60]}" if heads else f"column {place + 1}"


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
        raise CnnError(f"{path}: no such file") from None
    except (OSError, ValueError, csv.Error) as error:
        raise CnnError(f"{path}: is not a CSV file: {error}") from None


def values_in(
    path: Path, rows: list[Row], heads: Sequence[str] | int, inputs: Sequence[int], besides: str = ""
) -> Values:
    """The numbers of each row in the columns of the ``inputs``, in their order, float32.

    ``heads`` are the names of all columns, or how many they are; ``besides`` says what else a row holds. Raises
    CnnError with the line.
    """
    names, columns = ((), heads) if isinstance(heads, int) else (heads, len(heads))
    whole = next((at for at, row in enumerate(rows) if len(row.cells) != columns), len(rows))
    values = np.empty((whole, len(inputs)), np.float32)  # the loop ends at the first row of another length
    for number, (line, row) in enumerate(rows):
        cells = [row[place] for place in inputs] if len(row) == columns else []
        if not cells or not all(map(is_number, cells)):
            numbers = f"{len(inputs)} number{'s' if len(inputs) > 1 else ''}{f' and {besides}' if besides else ''}"
            wrong = next((place for place, cell in zip(inputs, cells, strict=False) if not is_number(cell)), None)
            count = f"it has {len(row)} column{'s' if len(row) > 1 else ''}, where {columns} are expected"
            hint = count if wrong is None else f"{_column(names, wrong)} is {row[wrong].strip()[:40] or 'empty'}"
            raise CnnError(f"{path}:{line}: is not {numbers}: {','.join(row)[:60]}", hint)
        values[number] = [float(cell.strip()) for cell in cells]
    return values


def _numbers(cells: NDArray[Any], *, exact: bool) -> NDArray[Any]:
    """The texts (N, K) as numbers where all are, and (N,) where there is one of each.

    Whole numbers from 2^53 on, such as identifiers, stay texts where they have to be ``exact``: as float64 some of them
    would be the same.
    """
    if all(map(is_number, cells.flat)):
        numbers = cells.astype(np.float64)
        whole, small = _are_whole(numbers), bool((np.abs(numbers) < EXACT).all())
        if small or not (whole and exact):
            cells = numbers.astype(np.int64) if whole and small else numbers
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
    train, test = hold_out_by_permutation(path, len(x))
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
    named = names if len(names) == count else unnamed_targets(count)
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
    if len(values) > len(train[1]) // 2 + 1:
        raise CnnError(
            f"{path}: there are {len(values):,} classes for {len(train[1]):,} examples", "labels are classes"
        )
    missing = np.setdiff1d(values, train[1])
    if len(missing):
        raise CnnError(f"{path}: no training example is of class {', '.join(map(str, missing[:5]))}")
    numbers = [np.searchsorted(values, labels).astype(np.int64) for _, labels in (train, test)]
    splits = [Split(np.ascontiguousarray(x), y) for (x, _), y in zip((train, test), numbers, strict=True)]
    return Dataset(path.name, splits[0], splits[1], tuple(str(value) for value in values), notes)
