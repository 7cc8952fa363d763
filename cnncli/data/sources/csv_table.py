"""``csv:FILE``: a table with a row per example."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnncli.data.dataset import MAX_CLASS_NAME, Dataset
from cnncli.data.formats.csv_columns import (
    LABELS,
    ColumnPositions,
    called_targets,
    places_of,
    target_columns,
    trained_places,
)
from cnncli.data.formats.csv_rows import CsvRow, as_numbers, column_name, is_number, rows_in, values_in
from cnncli.data.registry import Request
from cnncli.data.sources.targets import Examples, checked_examples, held_out_dataset, is_one_hot
from cnncli.errors import CnnError, counted
from cnncli.io.files import given_path

NAMES_LIMIT = 1 << 20  # characters of the columns' names, which are stored in a run


def load(request: Request) -> Dataset:
    """A row per example: numbers, and its class in a column named label, class, target or y, else in the last one.

    The targets of a regression are the columns called target…, y, y1 or y_…, else the last ones, as many as the network
    has outputs. The first line may name the columns; then those that a network was trained on are read, in its order.
    Rows are read as the network's shape. Raises CnnError with the line.
    """
    path = given_path(request.argument)
    rows = rows_in(path)
    if len(rows) < 2:
        raise CnnError(f"{path}: contains no examples", "expected a row per example, with its class in the last column")
    first = [cell.strip() for cell in rows[0].cells]
    heads = first if not all(map(is_number, first[:-1])) else []
    body = rows[1:] if heads else rows
    places = _places(path, heads, len(first), request)
    task = "regression" if request.task == "auto" and len(places.targets) > 1 else request.task
    values, targets = _examples(path, body, heads, len(first), places, task)
    if request.task == "auto" and is_one_hot(targets):
        count = len(places.targets)
        which = f"the columns {', '.join(heads[at] for at in places.targets)}" if heads else f"the last {count} columns"
        raise CnnError(
            f"{path}: {which} are one-hot encoded classes", f"{_ONE_COLUMN}; for numbers, use --task regression"
        )
    names = tuple(heads[at].lower() for at in places.targets) if heads else ()
    examples = checked_examples(path, values, targets, request.shape)
    dataset = held_out_dataset(path, replace(request, task=task), examples, names)
    return _with_columns(path, dataset, tuple(heads[at] for at in places.inputs) if heads else ())


def _examples(
    path: Path, body: list[CsvRow], heads: list[str], columns: int, places: ColumnPositions, task: str
) -> Examples:
    """The inputs and the targets of each row, as numbers where they are. Raises CnnError with the line."""
    regression, count = task == "regression", len(places.targets)
    kind = "target" if regression else "class"
    besides = f"a {kind}" if count == 1 else f"{count} {kind}s"
    values = values_in(path, body, heads or columns, places.inputs, besides)
    _check_targets(path, body, heads, places.targets, task)
    texts = np.array([[row.cells[at].strip() for at in places.targets] for row in body])
    return values, as_numbers(texts, exact=not regression)


def _with_columns(path: Path, dataset: Dataset, columns: tuple[str, ...]) -> Dataset:
    """The dataset with the names of its inputs, where they are short enough to be stored in a run."""
    if sum(map(len, columns)) <= NAMES_LIMIT:
        return replace(dataset, columns=columns)
    note = f"{path.name}: the names of its columns are too long to store; tables are matched by position"
    return replace(dataset, notes=(*dataset.notes, note))


_ONE_COLUMN = "give each row its class in one column called label"


def _places(path: Path, heads: list[str], columns: int, request: Request) -> ColumnPositions:
    """Which columns are inputs and which are targets; ``heads`` are their names, if any. Raises CnnError."""
    shape, trained = request.shape, request.trained if heads else None
    names = heads or [""] * columns
    if trained is not None and trained.inputs:
        places = trained_places(path, names, trained, request.task, targets=True)
    else:
        at = places_of(trained.targets, names) if trained is not None and trained.targets else None
        if at is None:
            at = target_columns(names, request.task, request.outputs, math.prod(shape) if shape else 0)
        places = ColumnPositions([place for place in range(columns) if place not in {*at}], at)
        if request.task == "classification":
            _check_one_class(path, names, fits=not shape or len(places.inputs) == math.prod(shape))
    if not places.inputs:
        raise CnnError(f"{path}: has {counted(columns, 'column')}, all of them targets", "some columns must be inputs")
    return places


def _check_one_class(path: Path, heads: list[str], *, fits: bool) -> None:
    """Raises CnnError if several columns have names of targets and it is unclear which one contains the classes."""
    several, lower = called_targets(heads), {head.lower() for head in heads}
    plain = lower & {*LABELS[:2]} or (fits and lower & {*LABELS})
    if len(several) > 1 and not plain:
        raise CnnError(
            f"{path}: the columns {', '.join(heads[place] for place in several)} are targets, and a classification "
            "takes one column of classes",
            f"{_ONE_COLUMN}, or use --task regression for numbers",
        )


def _check_targets(path: Path, rows: list[CsvRow], heads: Sequence[str], at: Sequence[int], task: str) -> None:
    """Raises CnnError, with the line, for a target that is too long or, in a regression, not a finite number."""
    for line, row in rows:
        for place in at:
            cell = row[place].strip()
            if len(cell) > MAX_CLASS_NAME:
                raise CnnError(
                    f"{path}:{line}: a target has more than {MAX_CLASS_NAME} characters",
                    "a target is a class or a number",
                )
            if task == "regression" and not is_number(cell):
                raise _no_number(path, line, column_name(heads, place), cell)


def _no_number(path: Path, line: int, column: str, cell: str) -> CnnError:
    """The error for a regression target that is not a finite number."""
    if not cell or cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return CnnError(f"{path}:{line}: the target in {column} is {cell or 'empty'}", _GAP)
    hint = "regression targets must be numbers; for classes, use --task classification"
    return CnnError(f"{path}:{line}: the target in {column} is text: {cell[:60]}", hint)


_GAP = "use a finite number, or remove the row"
