"""Grades in the formats that teachers upload: plain CSV, Canvas and Moodle."""

from __future__ import annotations

from cnncli.homework.collecting.roster import Roster
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.key import AnswerKey
from cnncli.homework.grading.points import points_text, worth
from cnncli.io.escaping import csv_text

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")  # the columns that Canvas needs, in its order


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
    for submission in submissions:
        if not submission.problem:
            found = roster.row_of_any((*submission.known_as, submission.student)) if roster is not None else None
            known = [found.get(column, "") for column in CANVAS] if found is not None else []
            columns = known if any(known) else [submission.student, "", submission.student, "", ""]
            rows.append([*columns, points_text(submission.points)])
    return csv_text(rows)


def moodle_csv(key: AnswerKey, submissions: list[GradedSubmission], roster: Roster | None) -> str:
    """A gradebook that Moodle imports: the student, the grade and the feedback, with the columns of the roster."""
    columns = roster.columns if roster is not None else ("ID number",)
    rows = [[*columns, key.title or "Homework", "Feedback comments"]]
    for submission in submissions:
        if not submission.problem:
            found = roster.row_of_any((*submission.known_as, submission.student)) if roster is not None else None
            known = found or {columns[0]: submission.student}
            student = [known.get(name, "") for name in columns]
            rows.append([*student, points_text(submission.points), _comment(submission)])
    return csv_text(rows)


def _comment(submission: GradedSubmission) -> str:
    comments = [_comment_on(answer) for answer in submission.answers if not answer.verdict.correct]
    return "; ".join(comments) or "all correct"


def _comment_on(answer: GradedAnswer) -> str:
    verdict = answer.verdict
    if verdict.pending:
        return f"{verdict.question}: pending {worth(answer.out_of)}"
    correct = f", correct answer: {verdict.expected}" if verdict.expected else ""
    return f"{verdict.question}: {verdict.status}{correct}"
