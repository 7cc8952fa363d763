"""Class lists."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.collecting.forms import EMAILS, FIRST_NAMES, LAST_NAMES, NAMES, NUMBERS
from cnncli.homework.collecting.submitters import same_name
from cnncli.homework.submissions.encodings import decoded
from cnncli.io.files import TEXT_LIMIT, named, read_bytes

# The columns that identify a student, in lower case; the others, such as sections and marks, do not.
IDS = {*NUMBERS, *EMAILS, "id", "sis login id", "login", "login id", "sid", "identifier", "integration id", "user"}
ALL_NAMES = {*NAMES, *FIRST_NAMES, *LAST_NAMES, "first", "last"}
POINTS = "Points Possible"  # a row of Canvas's export


class Roster(NamedTuple):
    """A class list: its columns, and one row per student."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def row_of(self, student: str) -> dict[str, str] | None:
        """The row of a student by number, address or name, in this order; None unless exactly one row matches."""
        wanted = student.strip().lower()
        ids = [name for name in self.columns if name.strip().lower() in IDS]
        names = [name for name in self.columns if name.strip().lower() in ALL_NAMES]
        for columns in (ids, names) if ids or names else (self.columns,):
            cells = ((row, [row.get(name, "").strip().lower() for name in columns]) for row in self.rows)
            found = [row for row, texts in cells if wanted and wanted in texts]
            if not found and columns is names and wanted:
                found = [row for row in self.rows if _is_named(row, names, student)]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def row_of_any(self, known_as: Iterable[str]) -> dict[str, str] | None:
        """The row of a student by the first of these numbers, addresses and names that has one."""
        return next((row for row in map(self.row_of, known_as) if row is not None), None)


def _is_named(row: dict[str, str], names: list[str], student: str) -> bool:
    """Whether a student has the words of a row's name: ``Ann Miller`` of the columns Surname and First name."""
    whole = " ".join(row.get(name, "") for name in names if name.strip().lower() not in NAMES)
    alone = (row.get(name, "") for name in names if name.strip().lower() in NAMES)
    return any(text.strip() and same_name(text, student) for text in (whole, *alone))


def read_roster(path: Path) -> Roster:
    """Read a class list: CSV with a heading line, as exported by Canvas or Moodle. Raises CnnError."""
    with named(path):
        data = read_bytes(path, TEXT_LIMIT, "a class list has one line per student")
    if data.count(b"\0") and decoded(data).text.count("\0"):
        raise CnnError(f"{path}: not a CSV file: it is not a text", "write the column names in the first line")
    try:
        text = decoded(data).text.lstrip("\ufeff").lstrip().replace("\r\n", "\n").replace("\r", "\n")
        heading = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
        # Spreadsheets write ; where a comma is the decimal sign.
        separator = max(",;\t", key=heading.count)
        reader = csv.DictReader(io.StringIO(text), delimiter=separator)
        columns = tuple(reader.fieldnames or ())
        rows = tuple({key: value or "" for key, value in row.items() if isinstance(key, str)} for row in reader)
    except (ValueError, csv.Error) as error:
        raise CnnError(f"{path}: not a CSV file: {error}", "write the column names in the first line") from None
    if not rows:
        raise CnnError(f"{path}: no students", "write a line of column names, then one line per student")
    return Roster(columns, tuple(row for row in rows if POINTS not in next(iter(row.values()))))


def file_names(students: Iterable[str]) -> Iterator[str]:
    """A unique name for each student's files, also where case is ignored, of characters that file names can contain."""
    used: dict[str, int] = {}  # names in lower case, and the next number to try for those that were asked for
    for student in students:
        plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in student)[:60].lstrip(".") or "_"
        numbers = count(used.get(plain.lower(), 1))
        number = next(n for n in numbers if n == 1 or f"{plain}-{n}".lower() not in used)
        name = plain if number == 1 else f"{plain}-{number}"
        used.setdefault(name.lower(), 2)
        used[plain.lower()] = number + 1
        yield name
