"""Class lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

from cnncli.errors import CnnError
from cnncli.homework.collecting.forms import EMAILS, FIRST_NAMES, LAST_NAMES, NAMES, NUMBERS, delimiter_of
from cnncli.homework.collecting.submitters import name_words, same_name
from cnncli.homework.submissions.encodings import decoded
from cnncli.io.files import TEXT_LIMIT, named, read_bytes

# The columns that identify a student, in lower case; the others, such as sections and marks, do not.
IDS = {*NUMBERS, *EMAILS, "id", "sis login id", "login", "login id", "sid", "identifier", "integration id", "user"}
ALL_NAMES = {*NAMES, *FIRST_NAMES, *LAST_NAMES, "first", "last"}
POINTS = "Points Possible"  # a row of Canvas's export


Row = dict[str, str]


@dataclass(frozen=True)
class Roster:
    """A class list: its columns, and one row per student."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def row_of(self, student: str) -> Row | None:
        """The row of a student by number, address or name, in this order; None unless exactly one row matches."""
        found = self.rows_of(student)
        return found[0] if len(found) == 1 else None

    def namesakes(self, known_as: Sequence[str]) -> list[Row]:
        """The row of a student by any of these numbers, addresses and names; several where none has just one."""
        row = self.row_of_any(known_as)
        return [row] if row is not None else next(filter(None, map(self.rows_of, known_as)), [])

    def rows_of(self, student: str) -> list[Row]:
        """The rows of all students with this number, address or name, in this order."""
        wanted = student.strip().lower()
        if not wanted:
            return []
        return next(filter(None, (lookup.get(wanted) for lookup in self._lookups)), None) or self._namesakes(student)

    def row_of_any(self, known_as: Iterable[str]) -> Row | None:
        """The row of a student by the first of these numbers, addresses and names that has one."""
        return next((row for row in map(self.row_of, known_as) if row is not None), None)

    def name_of(self, known_as: Iterable[str]) -> str:
        """The name in a student's row, as a whole where a column has it; empty without one."""
        row = self.row_of_any(known_as)
        return self.name_in(row) if row is not None else ""

    def name_in(self, row: Row) -> str:
        """The name in a row, as a whole where a column has it; empty without one."""
        whole = (row.get(column, "") for column in self._columns_in({*NAMES}))
        parts = " ".join(row.get(part, "").strip() for part in self._columns_in(ALL_NAMES - {*NAMES}))
        found = [*filter(None, (" ".join(name.split()) for name in (*whole, parts)))]
        without_digits = (
            name for name in found if not any(map(str.isdigit, name))
        )  # a column student may have numbers
        return next(without_digits, found[0] if found else "")

    def _namesakes(self, student: str) -> list[Row]:
        """The rows with the words of a name in any order; else those whose words it joins: ``millerann``."""
        if not name_words(student):
            return []
        same = self._by_words.get(_any_order(student))
        return same or [*{id(row): row for name, row in self._names if same_name(name, student)}.values()]

    @cached_property
    def _lookups(self) -> tuple[dict[str, list[Row]], ...]:
        """The rows by the cells of the columns that identify students, and by those of names; else by any cell."""
        ids, names = self._columns_in(IDS), self._columns_in(ALL_NAMES)
        return tuple(map(self._by_cell, (ids, names) if ids or names else (self.columns,)))

    @cached_property
    def _names(self) -> tuple[tuple[str, Row], ...]:
        """The names of each student with the row: those of columns of whole names, and surname and first name."""
        whole, parts = self._columns_in({*NAMES}), self._columns_in(ALL_NAMES - {*NAMES})
        found = []
        for row in self.rows:
            names = (" ".join(row.get(part, "") for part in parts), *(row.get(name, "") for name in whole))
            found += [(name, row) for name in names if name.strip()]
        return tuple(found)

    @cached_property
    def _by_words(self) -> dict[tuple[str, ...], list[Row]]:
        found: dict[tuple[str, ...], list[Row]] = {}
        for name, row in self._names:
            rows = found.setdefault(_any_order(name), [])
            if not rows or rows[-1] is not row:
                rows.append(row)
        return found

    def _columns_in(self, known: set[str]) -> list[str]:
        return [name for name in self.columns if name.strip().lower() in known]

    def _by_cell(self, columns: Iterable[str]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            for text in {row.get(name, "").strip().lower() for name in columns}:
                found.setdefault(text, []).append(row)
        return found


def _any_order(name: str) -> tuple[str, ...]:
    return tuple(sorted(name_words(name)))


def read_roster(path: Path) -> Roster:
    """Read a class list: CSV with a heading line, as exported by Canvas or Moodle. Raises CnnError."""
    with named(path):
        data = read_bytes(path, TEXT_LIMIT, "a class list has one line per student")
    if data.count(b"\0") and decoded(data).text.count("\0"):
        raise CnnError(f"{path}: not a CSV file: it is not a text", "write the column names in the first line")
    try:
        text = decoded(data).text.lstrip("\ufeff").lstrip().replace("\r\n", "\n").replace("\r", "\n")
        reader = csv.DictReader(io.StringIO(text), delimiter=delimiter_of(text))
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
