"""A graded class as a table, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cnncli.errors import counted, shortened
from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.collecting.roster import Roster
from cnncli.homework.grading.class_statistics import QuestionStatistics, WrongAnswer
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.gradebooks import StudentSheets, by_student
from cnncli.homework.grading.item_statistics import others_answers
from cnncli.homework.grading.key import AnswerKey
from cnncli.homework.grading.points import points_text, worth
from cnncli.homework.grading.regrade import MarkChange
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.mistakes.texts import plain, plain_ids
from cnncli.io.escaping import markdown, markdown_code
from cnncli.io.width import wrapped
from cnncli.views.listing import as_table, fitted

WIDEST = 40  # characters of an answer, and of a mistake, in the table of a class
ITEM_REST = "item-rest r"  # the correlation of a question's points with those of all others


def class_lines(
    key: AnswerKey, submissions: list[GradedSubmission], statistics: list[QuestionStatistics], width: int | None = None
) -> list[str]:
    """The table of a class, with a row per question, then the mean; in ``width`` columns if it is given."""
    graded = [submission for submission in submissions if not submission.problem]
    lines = [key.title, ""] if key.title else []
    if not graded:
        return [*lines, "no submission was graded"]
    mean = sum(float(submission.points) for submission in graded) / len(graded)
    lines += [
        *_question_lines([_question_row(found) for found in statistics], width),
        "",
        f"{_submissions(len(graded))}, mean {mean:.2f} of {points_text(key.out_of)} points{_pending(graded)}",
    ]
    judged = [found for found in statistics if found.pending < len(graded)]
    hardest = min(judged, key=lambda found: found.mean / max(float(found.out_of), 1e-9), default=None)
    if hardest is not None and hardest.mean < float(hardest.out_of):
        lines.append(f"hardest: {hardest.question}")
    suspicions = (
        f"suspicious: {found.question}: {found.suspicion}: check the key and the wording"
        for found in statistics
        if found.suspicion
    )
    return [
        part
        for line in (*lines, *suspicions, *_others(graded))
        for part in ([line] if width is None else wrapped(line))
    ]


def _pending(graded: list[GradedSubmission]) -> str:
    """The points that a person has yet to decide, of all submissions, and of how many."""
    pending = [submission.pending for submission in graded if submission.pending]
    return f", pending {worth(sum(pending, Fraction(0)))} in {_submissions(len(pending))}" if pending else ""


def _question_lines(rows: list[dict[str, Any]], width: int | None) -> list[str]:
    """The table of the questions; wrong answers and mistakes below it where they do not fit beside the numbers."""
    unused = [name for name in (ITEM_REST, "pending") if not any(row[name] for row in rows)]
    rows = [{name: value for name, value in row.items() if name not in unused} for row in rows]
    texts = ("top wrong answer", "top mistake")
    lines = as_table(rows).splitlines()
    if width is None or max(map(len, lines)) <= width:
        return lines
    numbers, _ = fitted(rows, 0, dict.fromkeys(texts, 0))
    told = [
        f" {row['question']}: {row[texts[0]]}" + (f": {row[texts[1]]}" if row[texts[1]] else "")
        for row in rows
        if row[texts[0]]
    ]
    dropped = {name: 0 for name in ("blank", "follow-through", ITEM_REST) if name not in unused}
    shown, _ = fitted(numbers, width, dropped, "question")
    return [*as_table(shown).splitlines(), *(["", "top wrong answers:", *told] if told else [])]


def _submissions(count: int) -> str:
    return counted(count, "submission")


def _question_row(found: QuestionStatistics) -> dict[str, Any]:
    top = found.wrong[0] if found.wrong else None
    return {
        "question": found.question,
        "points": points_text(found.out_of),
        "mean": f"{found.mean:.2f}" if not found.pending or found.difficulty is not None else "",
        "correct": found.correct,
        "follow-through": found.follow_through,
        "blank": found.blank,
        "pending": found.pending,
        ITEM_REST: "" if found.discrimination is None else f"{found.discrimination:.2f}",
        "top wrong answer": f"{one_line(top.value, WIDEST)} ({top.times})" if top is not None else "",
        "top mistake": f"{shortened(found.top_mistake_text, WIDEST)} ({found.top_times})" if found.top_times else "",
    }


def _others(graded: list[GradedSubmission]) -> Iterator[str]:
    """Wrong answers that are correct for another student's variant, stated without a conclusion."""
    for found in others_answers(graded):
        yield (
            f"same as another's variant: {len(found.matching)} of {found.wrong} wrong answers of {found.student} "
            f"({', '.join(found.matching)}) are correct for {found.other}; on average {found.expected_matches:.1f} are "
            "correct for a classmate"
        )


def change_lines(changes: list[MarkChange] | None) -> list[str]:
    """The marks that a regrade changes, for whom and why; nothing (None) for a first grading."""
    if changes is None:
        return []
    lines = []
    for change in changes:
        who = f"{change.student}, {change.question}" if change.question else change.student
        marks = " -> ".join(filter(None, (change.before, change.after)))
        lines += wrapped(f"  {who}: {marks} ({change.reason})")
    return ["", f"{counted(len(changes), 'mark') if changes else 'no mark'} changed since the last grading", *lines]


def change_record(changes: list[MarkChange] | None) -> dict[str, Any]:
    """The marks that a regrade changes for JSON; nothing (None) for a first grading."""
    return {} if changes is None else {"changes": [change._asdict() for change in changes]}


def class_report(key: AnswerKey, submissions: list[GradedSubmission], statistics: list[QuestionStatistics]) -> str:
    """The report of a class as Markdown: its table, and the top wrong answers with their students."""
    lines = ["```", *class_lines(key, submissions, statistics), "```", ""]
    for found in statistics:
        for wrong in found.wrong:
            reason = f" ({markdown(likely(wrong.diagnoses))})" if wrong.diagnoses else ""
            more = ", …" if wrong.times > len(wrong.students) else ""
            students = markdown(", ".join(wrong.students))
            answer = f"{markdown(found.question)}: {markdown_code(wrong.value)}{reason}"
            lines.append(f"- {answer}, {wrong.times}: {students}{more}")
    return "\n".join([*lines, ""])


def class_notes(submissions: list[GradedSubmission], roster: Roster | None) -> Iterator[str]:
    """Notes for the teacher: sheets that were not graded, students with two sheets or none, unknown students."""
    for submission in submissions:
        if submission.problem:
            yield f"{submission.file}: not graded: {submission.problem}"
            continue
        yield from (f"{submission.file}: {note}" for note in submission.notes if note.is_lost)
        if submission.extra:
            yield f"{submission.file}: not in the key: {shortened(', '.join(submission.extra), 300)}"
    students = by_student(submissions, roster)
    for student in students:
        if len(student.sheets) > 1:
            yield _several_sheets(student)
        if roster is not None and student.row is None:
            yield _unknown(student, roster)
    if roster is not None:
        found = {id(roster.row_of_any((*sent.known_as, sent.student))) for sent in submissions}
        missing = [roster.name_in(row) or next(iter(row.values())) for row in roster.rows if id(row) not in found]
        if missing:
            yield f"no submission from {('; ' if any(',' in name for name in missing) else ', ').join(missing)}"


def _unknown(student: StudentSheets, roster: Roster) -> str:
    """The note on a student who has no row in the class list, or one of several."""
    (sheet, *_) = student.sheets
    rows = roster.namesakes((*sheet.known_as, sheet.student))
    if rows:
        return f"{student.student} is in {len(rows)} rows of the roster: write the number in the sheet ({sheet.file})"
    return f"{student.student} is not in the roster ({sheet.file})"


def _several_sheets(student: StudentSheets) -> str:
    """The note on a student with several sheets."""
    told = f"{student.student} submitted {len(student.sheets)} sheets, all graded"
    if student.counting is not None:
        return f"{told}: {', '.join(sheet.file for sheet in student.sheets)}"
    points = ", ".join(f"{sheet.file} ({worth(sheet.points)}{_pending([sheet])})" for sheet in student.sheets)
    return f"{told}: {points}; canvas.csv and moodle.csv have no row until one sheet is left"


def class_record(
    key: AnswerKey, submissions: list[GradedSubmission], statistics: list[QuestionStatistics]
) -> dict[str, Any]:
    """The grades of a class for JSON."""
    return {
        "title": key.title,
        "out_of": float(key.out_of),
        "students": [_submission_record(submission) for submission in submissions],
        "questions": [_question_record(found) for found in statistics],
    }


def _submission_record(submission: GradedSubmission) -> dict[str, Any]:
    outcome: dict[str, Any] = (
        {"problem": submission.problem} if submission.problem else {"points": float(submission.points)}
    )
    outcome |= {"pending": float(submission.pending)} if submission.pending else {}
    told = {"notes": [*map(str, submission.notes)]} if submission.notes else {}
    marks = [
        {
            "question": answer.verdict.question,
            "given": answer.verdict.given,
            "points": float(answer.points),
            "out_of": float(answer.out_of),
            "correct": answer.verdict.correct,
            "follow_through": answer.verdict.follow_through,
            "blank": answer.verdict.blank,
            **({"pending": True} if answer.verdict.pending else {}),
            **_before_review(answer),
            "mistakes": list(answer.verdict.mistakes),
            "remarks": [*answer.verdict.remarks, *answer.verdict.details],
        }
        for answer in submission.answers
    ]
    return {"student": submission.student, "file": submission.file, **outcome, **told, "marks": marks}


def _before_review(answer: GradedAnswer) -> dict[str, Any]:
    """The automatic verdict on an answer that a person's review changed."""
    if answer.automatic is None:
        return {}
    verdict, points = answer.automatic
    return {"before_review": {"status": verdict.status, "points": float(points)}}


def _question_record(found: QuestionStatistics) -> dict[str, Any]:
    return {
        "question": found.question,
        "out_of": float(found.out_of),
        "mean": found.mean,
        "right": found.correct,
        "followed": found.follow_through,
        "blank": found.blank,
        "wrong": [_wrong_record(wrong) for wrong in found.wrong],
        "common_mistake": plain(found.top_mistake),
        "common_mistake_times": found.top_times,
        "difficulty": found.difficulty,
        "discrimination": found.discrimination,
        **({"pending": found.pending} if found.pending else {}),
        "suspect": bool(found.suspicion),
        **({"suspicion": found.suspicion} if found.suspicion else {}),
    }


def _wrong_record(wrong: WrongAnswer) -> dict[str, Any]:
    return {
        "value": wrong.value,
        "times": wrong.times,
        "mistakes": plain_ids(wrong.diagnoses),
        "students": wrong.students,
    }
