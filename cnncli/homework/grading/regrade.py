"""The folder of a grading: its files, and what a regrade changes in the marks that it keeps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.points import points_text
from cnncli.io.files import read_bytes
from cnncli.io.writing import write_whole, writing

RECORD = "results.json"  # the marks as they were written, in the folder of gradebooks
LARGEST = 1 << 28  # bytes of a record that is read: some 100,000 sheets
FOLDERS = ("feedback", "gradescope")  # with a file for each student: those of an earlier grading may be removed


class MarkChange(NamedTuple):
    """A mark that differs from the earlier grading. ``question`` is empty for a submission as a whole."""

    student: str
    question: str
    before: str
    after: str
    reason: str


class _Mark(NamedTuple):
    """The mark of one answer, as it is kept."""

    given: str
    points: Fraction
    out_of: Fraction
    status: str
    remarks: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.status if self.status == "pending" else points_text(self.points)


def write_grading(
    folder: Path, submissions: Sequence[GradedSubmission], texts: Mapping[str, str], feedback: Mapping[str, str]
) -> list[MarkChange] | None:
    """Write the texts about a class and the ``feedback`` for its students, by the names of their files.

    Returns the marks that differ from the earlier grading into the folder, whose other feedback is removed; None if
    this is the first. Raises CnnError where something cannot be written.
    """
    before, record = read_record(folder), marks_record(submissions, feedback)
    for name in FOLDERS:
        with writing(folder / name):
            (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in {**texts, **feedback, RECORD: json.dumps(record, indent=1, ensure_ascii=False)}.items():
        with writing(folder / name):
            write_whole(folder / name, text.encode(), synced=False)
    for name in superseded_files(before, feedback) if before is not None else ():
        with writing(folder / name):
            (folder / name).unlink(missing_ok=True)
    return mark_changes(before, record) if before is not None else None


def marks_record(submissions: Sequence[GradedSubmission], files: Iterable[str]) -> dict[str, Any]:
    """The record of a grading: the marks of each submission, and the ``files`` that were written for students."""
    return {
        "format": 1,
        "files": sorted(files),
        "submissions": [
            {
                "student": submission.student,
                "file": submission.file,
                "path": str(Path(submission.file).resolve()),
                "problem": submission.problem,
                "marks": {answer.verdict.question: _kept(answer) for answer in submission.answers},
            }
            for submission in submissions
        ],
    }


def _kept(answer: GradedAnswer) -> dict[str, Any]:
    verdict = answer.verdict
    return {
        "given": verdict.given,
        "points": str(answer.points),
        "out_of": str(answer.out_of),
        "status": verdict.status,
        "remarks": list(verdict.remarks),
    }


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of the earlier grading into a folder; None where there is none, or it cannot be read."""
    try:
        record = json.loads(read_bytes(folder / RECORD, LARGEST).decode())
        _marks(record)
        superseded_files(record, ())
    except (CnnError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, ZeroDivisionError):
        return None
    return dict(record)


def mark_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[MarkChange]:
    """The marks that differ between two records, by student in the order of the later one, each with the reason."""
    old, new = _marks(before), _marks(after)
    found: list[MarkChange] = []
    for student, (problem, marks) in new.items():
        if student not in old:
            found.append(MarkChange(student, "", "", problem or _total(marks), "new submission"))
            continue
        old_problem, old_marks = old[student]
        if bool(problem) != bool(old_problem):
            texts = (old_problem or _total(old_marks), problem or _total(marks))
            found.append(MarkChange(student, "", *texts, "not graded" if problem else "graded now"))
            continue
        found += _of_marks(student, old_marks, marks)
    gone = (student for student in old if student not in new)
    return [*found, *(MarkChange(student, "", _total(old[student][1]), "", "no submission now") for student in gone)]


def _of_marks(student: str, old: Mapping[str, _Mark], new: Mapping[str, _Mark]) -> Iterator[MarkChange]:
    for question in dict.fromkeys((*new, *old)):
        before, after = old.get(question), new.get(question)
        texts = (before.text if before else "", after.text if after else "")
        if before is None or after is None:
            yield MarkChange(student, question, *texts, "new question" if before is None else "no longer asked")
        elif texts[0] != texts[1]:
            yield MarkChange(student, question, *texts, _reason(before, after))


def _reason(before: _Mark, after: _Mark) -> str:
    if before.given != after.given:
        return f"the answer was {before.given or 'blank'}, and is {after.given or 'blank'}"
    if before.out_of != after.out_of:
        return f"the question gives {points_text(after.out_of)}, not {points_text(before.out_of)}"
    if told := [remark for remark in after.remarks if remark not in before.remarks]:
        return told[0]
    return f"{before.status} before, {after.status} now" if before.status != after.status else "the key has changed"


def superseded_files(before: Mapping[str, Any], written: Iterable[str]) -> list[str]:
    """The files of the earlier grading that the new one did not write again; names outside the folders are ignored."""
    kept = set(written)
    return [name for name in before["files"] if name not in kept and _is_own(name)]


def _is_own(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[0] in FOLDERS and parts[1] not in ("..", ".") and "\\" not in name


def _marks(record: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, _Mark]]]:
    """By student, the problem of the submission and its marks; a student with several sheets by their paths."""
    submissions = record["submissions"]
    times = Counter(str(each["student"]) for each in submissions)
    return {
        str(each["student"]) if times[str(each["student"])] == 1 else f"{each['student']} ({_shown_path(each)})": (
            str(each["problem"]),
            {str(question): _read(kept) for question, kept in each["marks"].items()},
        )
        for each in submissions
    }


def _shown_path(submission: Mapping[str, Any]) -> str:
    """The path of a sheet from here, whether it was given from here, from elsewhere, or as an absolute path."""
    path = Path(str(submission.get("path", submission["file"]))).resolve()  # records of earlier versions have no path
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _read(kept: Mapping[str, Any]) -> _Mark:
    remarks = tuple(map(str, kept["remarks"]))
    points, out_of = Fraction(str(kept["points"])), Fraction(str(kept["out_of"]))
    return _Mark(str(kept["given"]), points, out_of, str(kept["status"]), remarks)


def _total(marks: Mapping[str, _Mark]) -> str:
    return points_text(sum((mark.points for mark in marks.values()), Fraction(0)))
