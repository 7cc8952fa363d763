"""From the rows of a table to arrays: images are decoded once, numbers are used unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_input_shape, format_shape, probable_input
from cnncli.data.formats.decoding import BATCH, conversions, decoded, image_shape, threads_for
from cnncli.data.formats.pixels import strict
from cnncli.data.memory_limit import check_fits
from cnncli.data.sources.hf.column_choice import Columns
from cnncli.errors import CnnError, counted
from cnncli.io.files import MAX_FILE_BYTES, read_bytes
from cnncli.io.progress import progress

SMALLER = "give the network a smaller input, or write WebDataset shards, which are not held in memory: wds:PATH"

Table = Any  # a datasets.Dataset: rows mapped from disk
Read = tuple[NDArray[Any], tuple[str, ...]]


@dataclass(frozen=True)
class TableSplit:
    """A split of a table: its rows, its name in messages, and the number of each row in the original table."""

    name: str
    table: Table
    numbers: Sequence[int] | NDArray[np.int64]

    def place(self, row: int) -> str:
        return f"{self.name}, example {self.numbers[row]:,}"

    def __len__(self) -> int:
        return len(self.table)

    def cells(self, column: str, start: int = 0, count: int | None = None) -> list[Any]:
        """``count`` cells of a column from ``start`` on, as stored, so that the library decodes no image."""
        cells: list[Any] = self.stored(column, start, count).to_pylist()
        return cells

    def stored(self, column: str, start: int = 0, count: int | None = None) -> Any:
        """The same as an Arrow array, which is memory-mapped."""
        stop = len(self) if count is None else min(start + count, len(self))
        return self.table.with_format("arrow")[start:stop].column(column)


def number_labels(columns: Columns, splits: Sequence[TableSplit]) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """The classes, and the class numbers of the training and of the test split. Raises CnnError."""
    train, test = (split.cells(columns.label) for split in splits)
    for split, values in zip(splits, (train, test), strict=True):
        for row, value in enumerate(values):
            if value is None or (columns.classes and not 0 <= value < len(columns.classes)):
                raise CnnError(
                    f"{split.place(row)}: {columns.label} is {value}, which is not a class", "remove that example"
                )
    if columns.classes:
        return columns.classes, [np.array(values, np.int64) for values in (train, test)]
    classes = sorted(set(train))
    if len(classes) > len(train) // 2 + 1:
        message = f"{splits[0].name}: there are {len(classes):,} classes in {columns.label} for {len(train):,} examples"
        raise CnnError(message, "check that the labels are classes")
    if unknown := sorted(set(test) - set(train)):
        raise CnnError(f"{splits[1].name}: no training example has the class {', '.join(map(str, unknown[:5]))}")
    numbers = {value: number for number, value in enumerate(classes)}
    return tuple(map(str, classes)), [
        np.array([numbers[value] for value in values], np.int64) for values in (train, test)
    ]


def read_images(name: str, splits: Sequence[TableSplit], column: str, shape: tuple[int, ...]) -> Read:
    """All images in one array (N, C, H, W), split by split, and notes on what was converted. Raises CnnError."""
    wanted = image_shape(shape)
    total = sum(map(len, splits))
    check_fits(total * int(np.prod(wanted)), f"{name}: {counted(total, 'image')} of {format_shape(wanted)}", SMALLER)
    images = np.empty((total, *wanted), np.uint8)
    found: Counter[tuple[str, int, int]] = Counter()
    files = (
        (f"{split.place(row)}: {column}", _content(split, row, column, cell))
        for split, row, cell in _rows(splits, column)
    )
    first = [_content(splits[0], row, column, cell) for row, cell in enumerate(splits[0].cells(column, 0, BATCH))]
    threads = threads_for(len(first), sum(map(len, first)))
    with strict(), progress(f"reading {name}", total, "images") as advance:
        for at, image in enumerate(decoded(files, wanted, threads, advance)):
            images[at] = image.pixels
            found[image.mode, image.height, image.width] += 1
    return images, conversions(found, wanted)


def read_numbers(name: str, splits: Sequence[TableSplit], columns: Columns, shape: tuple[int, ...]) -> Read:
    """All numbers in one array (N, *shape), split by split: uint8 if all are, else float32. Raises CnnError."""
    arrays = [_array(split, columns) for split in splits]
    sizes = {array.shape[1:] for array in arrays}
    if len(sizes) > 1:
        raise CnnError(
            f"{name}: the training and test examples have different shapes: {' and '.join(map(format_shape, sizes))}"
        )
    values = np.concatenate(arrays)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise CnnError(f"{name}: some values are not finite", "remove those examples")
    return _as_input(name, values, shape), ()


def _as_input(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The examples in ``shape``: a channel axis is added or moved to the front, and rows are reshaped."""
    have = values.shape[1:]
    flat = 1 in (len(have), len(shape)) and np.prod(have) == np.prod(shape)
    if have == shape or flat or (1, *have) == shape:
        return values.reshape(-1, *shape)
    if len(shape) > 1 and have == (*shape[1:], shape[0]):
        return np.ascontiguousarray(np.moveaxis(values, -1, 1))
    message = f"{name}: examples of {format_shape(have)} cannot become the network's input {format_input_shape(shape)}"
    raise CnnError(message, f"set the input to {probable_input(have)}")


def _array(split: TableSplit, columns: Columns) -> NDArray[Any]:
    """The columns of numbers side by side, or the one column of arrays."""
    try:
        arrays = [np.array(split.cells(column)) for column in columns.numbers]
    except ValueError:
        raise CnnError(f"{split.name}: the examples in {columns.numbers[0]} have different shapes") from None
    for column, array in zip(columns.numbers, arrays, strict=True):
        if array.dtype.kind not in "biuf":
            raise CnnError(f"{split.name}: {column} contains other values than numbers", "remove those examples")
    return (arrays[0] if columns.nested else np.stack(arrays, 1)).astype(np.uint8 if columns.bytes else np.float32)


def _rows(splits: Sequence[TableSplit], column: str) -> Iterator[tuple[TableSplit, int, Any]]:
    """The cells of the column in every split, with their split and row."""
    for split in splits:
        for start in range(0, len(split), BATCH):
            for row, cell in enumerate(split.stored(column, start, BATCH), start):
                yield split, row, cell.as_py()  # one at a time: a batch of large files is not copied at once


def _content(split: TableSplit, row: int, column: str, cell: Any) -> bytes:
    """The bytes of an image file, which are stored in the cell, or in the local file whose path is in the cell."""
    content, path = (cell.get("bytes"), cell.get("path")) if isinstance(cell, dict) else (cell, None)
    if content is not None:
        if len(content) > MAX_FILE_BYTES:
            raise CnnError(f"{split.place(row)}: {column} is larger than {MAX_FILE_BYTES >> 20} MiB")
        return bytes(content)
    if not path:
        raise CnnError(f"{split.place(row)}: {column} is empty", "remove that example")
    try:
        return read_bytes(Path(path))
    except OSError as error:
        reason = error.strerror or error
        raise CnnError(f"{split.place(row)}: {column} is the file {path}, which cannot be read: {reason}") from None
    except CnnError as error:
        raise CnnError(f"{split.place(row)}: {column} is the file {error.problems[0].message}") from None
