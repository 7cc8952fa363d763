"""The rows of a table to arrays: images are decoded once, numbers taken as they are."""

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
from cnncli.data.memory import check_fits
from cnncli.data.sources.hf.columns import Columns
from cnncli.errors import CnnError
from cnncli.io.files import MAX_FILE_BYTES, read_bytes
from cnncli.io.progress import progress

SMALLER = "give the network a smaller input, or write WebDataset shards, which are not held in memory: wds:PATH"

Table = Any  # a datasets.Dataset: rows mapped from disk
Read = tuple[NDArray[Any], tuple[str, ...]]


@dataclass(frozen=True)
class Part:
    """Rows of a table, what messages call them, and the number of each in the table it was taken from."""

    name: str
    table: Table
    numbers: Sequence[int] | NDArray[np.int64]

    def place(self, row: int) -> str:
        return f"{self.name}, example {self.numbers[row]:,}"

    def __len__(self) -> int:
        return len(self.table)

    def cells(self, column: str, start: int = 0, count: int | None = None) -> list[Any]:
        """``count`` cells of a column from ``start`` on, as they are stored: so the library decodes no image."""
        cells: list[Any] = self.stored(column, start, count).to_pylist()
        return cells

    def stored(self, column: str, start: int = 0, count: int | None = None) -> Any:
        """The same as an array of Arrow, which maps them from disk."""
        stop = len(self) if count is None else min(start + count, len(self))
        return self.table.with_format("arrow")[start:stop].column(column)


def number_labels(columns: Columns, parts: Sequence[Part]) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """The classes, and the class numbers of the training and of the test part. Raises CnnError."""
    train, test = (part.cells(columns.label) for part in parts)
    for part, values in zip(parts, (train, test), strict=True):
        for row, value in enumerate(values):
            if value is None or (columns.classes and not 0 <= value < len(columns.classes)):
                raise CnnError(f"{part.place(row)}: {columns.label} is {value}, no class", "leave that example out")
    if columns.classes:
        return columns.classes, [np.array(values, np.int64) for values in (train, test)]
    classes = sorted(set(train))
    if len(classes) > len(train) // 2 + 1:
        message = f"{parts[0].name}: there are {len(classes):,} classes in {columns.label} for {len(train):,} examples"
        raise CnnError(message, "labels are classes")
    if unknown := sorted(set(test) - set(train)):
        raise CnnError(f"{parts[1].name}: no training example is of class {', '.join(map(str, unknown[:5]))}")
    numbers = {value: number for number, value in enumerate(classes)}
    return tuple(map(str, classes)), [
        np.array([numbers[value] for value in values], np.int64) for values in (train, test)
    ]


def read_images(name: str, parts: Sequence[Part], column: str, shape: tuple[int, ...]) -> Read:
    """All images in one array (N, C, H, W), part by part, and what was converted. Raises CnnError."""
    wanted = image_shape(shape)
    total = sum(map(len, parts))
    check_fits(total * int(np.prod(wanted)), f"{name}: {total:,} images of {format_shape(wanted)}", SMALLER)
    images = np.empty((total, *wanted), np.uint8)
    found: Counter[tuple[str, int, int]] = Counter()
    files = (
        (f"{part.place(row)}: {column}", _content(part, row, column, cell)) for part, row, cell in _rows(parts, column)
    )
    first = [_content(parts[0], row, column, cell) for row, cell in enumerate(parts[0].cells(column, 0, BATCH))]
    threads = threads_for(len(first), sum(map(len, first)))
    with strict(), progress(f"reading {name}", total, "images") as advance:
        for at, image in enumerate(decoded(files, wanted, threads, advance)):
            images[at] = image.pixels
            found[image.mode, image.height, image.width] += 1
    return images, conversions(found, wanted)


def read_numbers(name: str, parts: Sequence[Part], columns: Columns, shape: tuple[int, ...]) -> Read:
    """All numbers in one array (N, *shape), part by part: uint8 where they are that, else float32. Raises CnnError."""
    arrays = [_array(part, columns) for part in parts]
    sizes = {array.shape[1:] for array in arrays}
    if len(sizes) > 1:
        raise CnnError(
            f"{name}: the examples to train and to test have the sizes {' and '.join(map(format_shape, sizes))}"
        )
    values = np.concatenate(arrays)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise CnnError(f"{name}: some values are not finite", "leave those examples out")
    return _as_input(name, values, shape), ()


def _as_input(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The examples as ``shape``: a channel added or put first, and rows of numbers folded, or unfolded."""
    have = values.shape[1:]
    flat = 1 in (len(have), len(shape)) and np.prod(have) == np.prod(shape)
    if have == shape or flat or (1, *have) == shape:
        return values.reshape(-1, *shape)
    if len(shape) > 1 and have == (*shape[1:], shape[0]):
        return np.ascontiguousarray(np.moveaxis(values, -1, 1))
    message = f"{name}: examples of {format_shape(have)} cannot become the network's input {format_input_shape(shape)}"
    raise CnnError(message, f"set the input to {probable_input(have)}")


def _array(part: Part, columns: Columns) -> NDArray[Any]:
    """The columns of numbers side by side, or the one column of arrays."""
    try:
        arrays = [np.array(part.cells(column)) for column in columns.numbers]
    except ValueError:
        raise CnnError(f"{part.name}: the examples in {columns.numbers[0]} have different sizes") from None
    for column, array in zip(columns.numbers, arrays, strict=True):
        if array.dtype.kind not in "biuf":
            raise CnnError(f"{part.name}: {column} holds other things than numbers", "leave those examples out")
    return (arrays[0] if columns.nested else np.stack(arrays, 1)).astype(np.uint8 if columns.bytes else np.float32)


def _rows(parts: Sequence[Part], column: str) -> Iterator[tuple[Part, int, Any]]:
    """Every part's cells of the column, with their part and row."""
    for part in parts:
        for start in range(0, len(part), BATCH):
            for row, cell in enumerate(part.stored(column, start, BATCH), start):
                yield part, row, cell.as_py()  # one at a time: a batch of large files is not copied at once


def _content(part: Part, row: int, column: str, cell: Any) -> bytes:
    """An image's file: its bytes, or a path and bytes, of which a path alone is that of a file on this machine."""
    content, path = (cell.get("bytes"), cell.get("path")) if isinstance(cell, dict) else (cell, None)
    if content is not None:
        if len(content) > MAX_FILE_BYTES:
            raise CnnError(f"{part.place(row)}: {column} is larger than {MAX_FILE_BYTES >> 20} MiB")
        return bytes(content)
    if not path:
        raise CnnError(f"{part.place(row)}: {column} is empty", "leave that example out")
    try:
        return read_bytes(Path(path))
    except OSError as error:
        reason = error.strerror or error
        raise CnnError(f"{part.place(row)}: {column} is the file {path}, which cannot be read: {reason}") from None
    except CnnError as error:
        raise CnnError(f"{part.place(row)}: {column} is the file {error.problems[0].message}") from None
