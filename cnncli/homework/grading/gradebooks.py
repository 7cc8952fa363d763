"""Grades in the formats that teachers upload: plain CSV, Canvas and Moodle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cnncli.homework.collecting.roster import Roster, Row
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.key import AnswerKey
from cnncli.homework.grading.points import points_text, worth
from cnncli.io.escaping import csv_text

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")  # the columns that Canvas needs, in its order


class StudentSheets(NamedTuple):
    """The graded sheets of one student, and the row of the class list, None where there is none."""

    student: str
    row: Row | None
    sheets: tuple[GradedSubmission, ...]

    @property
    def counting(self) -> GradedSubmission | None:
        """The sheet whose points go to a gradebook; None where the points of several sheets differ.

        Which of them counts is the teacher's decision: platforms would take one of two rows without telling which.
        """
        first, *others = self.sheets
        same = (first.points, first.pending)
        return first if all((other.points, other.pending) == same for other in others) else None


def by_student(submissions: Iterable[GradedSubmission], roster: Roster | None) -> list[StudentSheets]:
    """The sheets that were graded by student: by the row of the class list, else by what is known of the student."""
    found: dict[object, StudentSheets] = {}
    for submission in submissions:
        if submission.problem:
            continue
        row = roster.row_of_any((*submission.known_as, submission.student)) if roster is not None else None
        is_named = submission.student != submission.file
        name = submission.student.lower() if is_named else submission.student
        identity = id(row) if row is not None else (*submission.known_as, name)
        known = found.setdefault(identity, StudentSheets(submission.student, row, ()))
        found[identity] = known._replace(sheets=(*known.sheets, submission))
    return [*found.values()]


def plain_csv(key: AnswerKey, submissions: list[GradedSubmission]) -> str:
    """A row per student, a column per question; a column with the pending points where there are any."""
    names = [question.name for question in key.questions]
    has_pending = any(submission.pending for submission in submissions)
    rows = [["student", *names, "total", "out_of", *(["pending"] if has_pending else []), "file", "problem"]]
    for submission in submissions:
        points = [_mark(answer) for answer in submission.answers] or [""] * len(names)
        total = "" if submission.problem else points_text(submission.points)
        pending = [points_text(submission.pending)] if has_pending else []
        end = (total, points_text(key.out_of), *pending, submission.file, submission.problem)
        rows.append([submission.student, *points, *end])
    return csv_text(rows)


def _mark(answer: GradedAnswer) -> str:
    return answer.verdict.status if answer.verdict.pending else points_text(answer.points)


def canvas_csv(key: AnswerKey, submissions: list[GradedSubmission], roster: Roster | None) -> str:
    """A gradebook that Canvas imports; with Canvas's own export as the roster, students keep their numbers."""
    title = key.title or "Homework"
    rows = [[*CANVAS, title], ["    Points Possible", "", "", "", "", points_text(key.out_of)]]
    for student, submission in _rows(submissions, roster):
        known = [student.row.get(column, "") for column in CANVAS] if student.row is not None else []
        columns = known if any(known) else [submission.student, "", submission.student, "", ""]
        rows.append([*columns, points_text(submission.points)])
    return csv_text(rows)


def moodle_csv(key: AnswerKey, submissions: list[GradedSubmission], roster: Roster | None) -> str:
    """A gradebook that Moodle imports: the student, the grade and the feedback, with the columns of the roster."""
    columns = roster.columns if roster is not None else ("ID number",)
    rows = [[*columns, key.title or "Homework", "Feedback comments"]]
    for student, submission in _rows(submissions, roster):
        known = student.row or {columns[0]: submission.student}
        cells = [known.get(name, "") for name in columns]
        rows.append([*cells, points_text(submission.points), _comment(submission)])
    return csv_text(rows)


def _rows(
    submissions: list[GradedSubmission], roster: Roster | None
) -> Iterator[tuple[StudentSheets, GradedSubmission]]:
    """The students with a row in a gradebook, each with the sheet that counts."""
    for student in by_student(submissions, roster):
        if student.counting is not None:
            yield student, student.counting


def _comment(submission: GradedSubmission) -> str:
    comments = [_comment_on(answer) for answer in submission.answers if not answer.verdict.correct]
    return "; ".join(comments) or "all correct"


def _comment_on(answer: GradedAnswer) -> str:
    verdict = answer.verdict
    if verdict.pending:
        return f"{verdict.question}: pending {worth(answer.out_of)}"
    correct = f", correct answer: {verdict.expected}" if verdict.expected else ""
    return f"{verdict.question}: {verdict.status}{correct}"
