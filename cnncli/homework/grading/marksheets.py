"""Marks in the forms that teachers upload: plain CSV, Canvas, Moodle, Gradescope."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cnncli.errors import SHOWN_AT_MOST, CnnError
from cnncli.homework.checking.check import Answer, is_unexplained
from cnncli.homework.grading.feedback import said_of, state_of
from cnncli.homework.grading.grade import GradedSubmission, Key, points_text
from cnncli.io.escaping import csv_text
from cnncli.io.files import TEXT_LIMIT, named, read_bytes

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")  # what its gradebook wants, in its order


class Roster(NamedTuple):
    """A class list: its columns, and a row for each student."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def row_of(self, student: str) -> dict[str, str] | None:
        """The row with this name, number or address in any of its columns; None where it is in several, or in none."""
        wanted = student.strip().lower()
        found = [row for row in self.rows if wanted and wanted in (value.strip().lower() for value in row.values())]
        return found[0] if len(found) == 1 else None


def read_roster(path: Path) -> Roster:
    """Read a class list, a CSV with a heading line, such as Canvas and Moodle export. Raises CnnError."""
    with named(path):
        data = read_bytes(path, TEXT_LIMIT, "a class list takes a line for each student")
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig").read()  # which knows all ends of lines
        heading = text.lstrip().partition("\n")[0]
        apart = next((sign for sign in ",;\t" if sign in heading), ",")  # a spreadsheet writes ; where , is decimal
        reader = csv.DictReader(io.StringIO(text.lstrip()), delimiter=apart)
        columns = tuple(reader.fieldnames or ())
        rows = tuple({key: value or "" for key, value in row.items() if isinstance(key, str)} for row in reader)
    except (ValueError, csv.Error) as error:
        raise CnnError(f"{path}: is not a CSV file: {error}", "the first line names the columns") from None
    if not rows:
        raise CnnError(f"{path}: lists no students", "write a line of column names, then one line for each student")
    people = tuple(row for row in rows if "Points Possible" not in next(iter(row.values())))  # of Canvas's own export
    return Roster(columns, people)


def plain_csv(key: Key, papers: list[GradedSubmission]) -> str:
    """A row per student, a column per question."""
    rows = [["student", *(item.name for item in key.items), "total", "out_of", "file", "problem"]]
    for paper in papers:
        points = [points_text(mark.points) for mark in paper.marks] or [""] * len(key.items)
        total = "" if paper.problem else points_text(paper.points)
        rows.append([paper.student, *points, total, points_text(key.out_of), paper.file, paper.problem])
    return csv_text(rows)


def canvas_csv(key: Key, papers: list[GradedSubmission], roster: Roster | None) -> str:
    """What Canvas's gradebook imports; with its own export as the roster, its numbers of the students are kept."""
    title = key.title or "Homework"
    rows = [[*CANVAS, title], ["    Points Possible", "", "", "", "", points_text(key.out_of)]]
    for paper in papers:
        if not paper.problem:
            found = roster.row_of(paper.student) if roster is not None else None
            known = [found.get(column, "") for column in CANVAS] if found is not None else []
            who = known if any(known) else [paper.student, "", paper.student, "", ""]
            rows.append([*who, points_text(paper.points)])
    return csv_text(rows)


def moodle_csv(key: Key, papers: list[GradedSubmission], roster: Roster | None) -> str:
    """What Moodle's gradebook imports: who, the grade, and the feedback; the roster's columns where one is given."""
    who = roster.columns if roster is not None else ("ID number",)
    rows = [[*who, key.title or "Homework", "Feedback comments"]]
    for paper in papers:
        if not paper.problem:
            found = roster.row_of(paper.student) if roster is not None else None
            known = found or {who[0]: paper.student}
            rows.append([*(known.get(name, "") for name in who), points_text(paper.points), _comment(paper)])
    return csv_text(rows)


def _comment(paper: GradedSubmission) -> str:
    wrong = [mark.answer for mark in paper.marks if not mark.answer.correct]
    return (
        "; ".join(f"{answer.question}: {state_of(answer)}, it is {answer.expected}" for answer in wrong) or "all right"
    )


def gradescope(answers: Sequence[tuple[Answer, float, float]], *, hidden: bool = False) -> dict[str, Any]:
    """The ``results.json`` of Gradescope's autograder: a test for each answer with its points, and what was found."""
    tests = [
        {
            "name": answer.question,
            "score": score,
            "max_score": most,
            "output": "\n".join([f"{state_of(answer)}: {answer.given or 'nothing'}", *_lines(answer, hidden=hidden)]),
        }
        for answer, score, most in answers
    ]
    return {"score": sum(score for _, score, _ in answers), "tests": tests}


def gradescope_of(paper: GradedSubmission, *, hidden: bool = False) -> dict[str, Any]:
    """The same of a marked sheet; one that cannot be read has no points, and is told why."""
    if paper.problem:
        return {"score": 0, "output": paper.problem, "tests": []}
    return gradescope([(mark.answer, float(mark.points), float(mark.out_of)) for mark in paper.marks], hidden=hidden)


def results_text(record: dict[str, Any]) -> str:
    """The text of a ``results.json``."""
    import json

    return json.dumps(record, indent=1, ensure_ascii=False)


def write_results(path: Path, record: dict[str, Any]) -> None:
    """Write a ``results.json``. Raises CnnError where it cannot be written."""
    from cnncli.io.writing import write_output

    try:
        write_output(path, results_text(record).encode())
    except OSError as error:
        raise CnnError(f"{path}: cannot be written: {error.strerror or error}") from None


def unread(error: CnnError) -> dict[str, Any]:
    """The ``results.json`` of a sheet that cannot be read: no points, and why. Lines of files are not shown in it."""
    said = [": ".join(map(str, filter(None, (p.place, p.message)))) + (f"\n  {p.hint}" if p.hint else "")
            for p in error.problems[:SHOWN_AT_MOST]]  # fmt: skip
    return {"score": 0, "output": "\n".join(said), "tests": []}


def _lines(answer: Answer, *, hidden: bool) -> list[str]:
    lines = [line.text for line in said_of(answer)]
    shown = len(answer.remarks) + (bool(answer.mistakes) or is_unexplained(answer))
    return lines[:shown] if hidden else lines
