"""Rows of CSV files are those that csv.writer wrote; a cell is a number where Python reads a finite one."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.data.formats.csv_rows import CsvRow, as_numbers, is_number, rows_in, values_in
from cnncli.errors import CnnError

few = settings(max_examples=30, deadline=None, derandomize=True)
CELLS = st.text('ab1 ."\n', min_size=1, max_size=4)


@few
@given(
    rows=st.lists(st.lists(CELLS, max_size=3), min_size=1, max_size=6),
    sign=st.sampled_from([",", ";", "\t"]),
    mark=st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_rows_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], sign: str, mark: str
) -> None:
    rows = [["head", "er"], *rows]
    text = io.StringIO()
    ends = []
    for row in rows:
        csv.writer(text, delimiter=sign, lineterminator="\n").writerow(row)
        ends.append(text.getvalue().count("\n"))
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    path.write_text(text.getvalue(), encoding=mark)
    found = [(row.line, row.cells) for row in rows_in(path)]
    assert found == [(end, row) for end, row in zip(ends, rows, strict=True) if row]


NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.floats(), st.sampled_from([1e300, -1e300, 9.9e299])).map(str)


@given(st.one_of(NUMBERS, st.text("0123456789.eE+-_ naif\u0663", max_size=6)))
def test_a_number_is_a_finite_one_of_python_in_plain_digits(text: str) -> None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    wanted = math.isfinite(value) and abs(value) < 1e300 and "_" not in text and text.isascii()
    assert is_number(text) is wanted


@few
@given(
    rows=st.lists(st.lists(st.one_of(NUMBERS, st.sampled_from(["1", "2.5", "x"])), min_size=2, max_size=2), min_size=1),
    columns=st.integers(1, 2),
    exact=st.booleans(),
)
def test_cells_become_numbers_where_all_are_and_none_is_lost(rows: list[list[str]], columns: int, exact: bool) -> None:
    cells = np.array([row[:columns] for row in rows])
    found = as_numbers(cells, exact=exact)
    assert found.shape == ((len(rows),) if columns == 1 else (len(rows), 2))
    flat = found.reshape(len(rows), columns)
    if not all(map(is_number, cells.flat)):
        assert np.array_equal(flat, cells)
        return
    values = [float(cell) for cell in cells.flat]
    whole, small = all(value == round(value) for value in values), all(abs(value) < 2**53 for value in values)
    assert found.dtype.kind == ("i" if whole and small else "U" if whole and exact else "f")
    assert [float(value) for value in flat.flat] == values


@few
@given(order=st.permutations(range(4)), count=st.integers(1, 4), rows=st.integers(1, 5), heads=st.booleans())
def test_values_are_those_of_the_columns_asked_for_in_their_order(
    order: list[int], count: int, rows: int, heads: bool
) -> None:
    table = np.random.default_rng(rows).normal(size=(rows, 4))
    written = [(line, [f" {value!r} " for value in row]) for line, row in enumerate(table.tolist(), 1)]
    inputs = order[:count]
    names = ["a", "b", "c", "d"] if heads else 4
    found = values_in(Path("t.csv"), [CsvRow(*row) for row in written], names, inputs)
    assert np.array_equal(found, table[:, inputs].astype(np.float32))
    written[-1][1][inputs[-1]] = "no"
    with pytest.raises(CnnError) as refusal:
        values_in(Path("t.csv"), [CsvRow(*row) for row in written], names, inputs)
    place = "abcd"[inputs[-1]] if heads else str(inputs[-1] + 1)
    assert f"t.csv:{rows}: expected" in str(refusal.value) and f"column {place} is no" in str(refusal.value)
    written[-1] = (rows, ["1", "2", "3"])
    with pytest.raises(CnnError, match="it has 3 columns; expected 4"):
        values_in(Path("t.csv"), [CsvRow(*row) for row in written], names, inputs)
