"""Class lists."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

from cnncli.errors import CnnError
from cnncli.io.files import TEXT_LIMIT, named, read_bytes


class Roster(NamedTuple):
    """A class list: its columns, and one row per student."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def row_of(self, student: str) -> dict[str, str] | None:
        """The row with this name, number or address in one of its columns; None unless exactly one row matches."""
        wanted = student.strip().lower()
        found = [row for row in self.rows if wanted and wanted in (value.strip().lower() for value in row.values())]
        return found[0] if len(found) == 1 else None


def read_roster(path: Path) -> Roster:
    """Read a class list: CSV with a heading line, as exported by Canvas or Moodle. Raises CnnError."""
    with named(path):
        data = read_bytes(path, TEXT_LIMIT, "a class list has one line per student")
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig").read()  # reads all line endings
        heading = text.lstrip().partition("\n")[0]
        # Spreadsheets write ; where a comma is the decimal sign.
        separator = next((sign for sign in ",;\t" if sign in heading), ",")
        reader = csv.DictReader(io.StringIO(text.lstrip()), delimiter=separator)
        columns = tuple(reader.fieldnames or ())
        rows = tuple({key: value or "" for key, value in row.items() if isinstance(key, str)} for row in reader)
    except (ValueError, csv.Error) as error:
        raise CnnError(f"{path}: not a CSV file: {error}", "write the column names in the first line") from None
    if not rows:
        raise CnnError(f"{path}: no students", "write a line of column names, then one line per student")
    students = tuple(
        row for row in rows if "Points Possible" not in next(iter(row.values()))
    )  # a row of Canvas's export
    return Roster(columns, students)
