"""The rows of a CSV file, and the numbers in their cells."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnncli.data.memory_limit import check_fits
from cnncli.errors import CnnError, counted
from cnncli.io.files import open_regular

CSV_MEMORY = 20  # bytes of memory per byte of the file, at worst: if each number has two digits
EXACT = 2**53  # below it float64 holds every integer exactly
Values = NDArray[np.float32]


class CsvRow(NamedTuple):
    """A line of a CSV file: its number, from 1, and its cells."""

    line: int
    cells: list[str]


def rows_in(path: Path) -> list[CsvRow]:
    """The lines of a CSV file that are not empty. Raises CnnError."""
    try:
        with open_regular(path) as binary, TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file:
            size = os.fstat(binary.fileno()).st_size
            check_fits(CSV_MEMORY * size, f"{path}: the numbers of a CSV file", "write it as npz, with np.savez")
            head = file.readline()
            file.seek(0)
            apart = next(
                (sign for sign in ",;\t" if sign in head), ","
            )  # spreadsheets write ; where the decimal separator is a comma
            reader = csv.reader(file, delimiter=apart)
            return [CsvRow(reader.line_num, cells) for cells in reader if cells]
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file") from None
    except (OSError, ValueError, csv.Error) as error:
        raise CnnError(f"{path}: is not a CSV file: {error}") from None


def values_in(
    path: Path, rows: list[CsvRow], heads: Sequence[str] | int, inputs: Sequence[int], besides: str = ""
) -> Values:
    """The numbers of each row in the columns of the ``inputs``, in their order, float32.

    ``heads`` are the names of all columns, or their number; ``besides`` names what else a row contains. Raises
    CnnError with the line.
    """
    names, columns = ((), heads) if isinstance(heads, int) else (heads, len(heads))
    valid = next((at for at, row in enumerate(rows) if len(row.cells) != columns), len(rows))
    values = np.empty((valid, len(inputs)), np.float32)  # the loop raises at the first row of another length
    for number, (line, row) in enumerate(rows):
        cells = [row[place] for place in inputs] if len(row) == columns else []
        if not cells or not all(map(is_number, cells)):
            numbers = f"{counted(len(inputs), 'number')}{f' and {besides}' if besides else ''}"
            wrong = next((place for place, cell in zip(inputs, cells, strict=False) if not is_number(cell)), None)
            count = f"it has {counted(len(row), 'column')}; expected {columns}"
            hint = count if wrong is None else f"{column_name(names, wrong)} is {row[wrong].strip()[:40] or 'empty'}"
            raise CnnError(f"{path}:{line}: expected {numbers}: {','.join(row)[:60]}", hint)
        values[number] = [float(cell.strip()) for cell in cells]
    return values


def as_numbers(cells: NDArray[Any], *, exact: bool) -> NDArray[Any]:
    """The strings (N, K) as numbers if all are numeric; (N,) if K is 1.

    Integers from 2^53 on, such as identifiers, stay strings if they have to be ``exact``: as float64 some of them
    would be equal.
    """
    if all(map(is_number, cells.flat)):
        numbers = cells.astype(np.float64)
        integral, small = are_whole(numbers), bool((np.abs(numbers) < EXACT).all())
        if small or not (integral and exact):
            cells = numbers.astype(np.int64) if integral and small else numbers
    return cells[:, 0] if cells.shape[1] == 1 else cells


def is_number(text: str) -> bool:
    """Whether ``read_number`` would accept a text; a fast version for millions of cells."""
    try:
        return text.isascii() and "_" not in text and abs(float(text.strip())) < 1e300  # which is False for NaN
    except ValueError:
        return False


def column_name(heads: Sequence[str], place: int) -> str:
    return f"column {heads[place][:60]}" if heads else f"column {place + 1}"


def are_whole(values: NDArray[Any]) -> bool:
    """Whether all numbers are integers, of any type."""
    return bool((values == np.rint(values)).all())
