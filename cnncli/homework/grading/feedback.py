"""Feedback to a student on a graded sheet, as Markdown and as an HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.key import AnswerKey, points_text
from cnncli.homework.html_page import page
from cnncli.io import escaping
from cnncli.io.escaping import html as escape

NOTES = "How the sheet was read"


class FeedbackLine(NamedTuple):
    """A line of feedback: words, or a formula."""

    text: str
    is_formula: bool = False


def feedback_lines(verdict: Verdict) -> Iterator[FeedbackLine]:
    """The hints; for an answer that is not correct, also the correct one, if there is one, with its derivation."""
    yield from map(FeedbackLine, verdict.hints)
    if verdict.correct or verdict.pending or not verdict.expected:
        return
    yield FeedbackLine(f"correct answer: {verdict.expected}")
    formulas = [line for line in verdict.derivation if not is_remark(line)]
    between = "; " if any(" = " in line for line in formulas) else " = "
    if formulas:
        yield FeedbackLine(between.join(formulas), is_formula=True)
    for line in verdict.derivation:
        if is_remark(line):
            yield FeedbackLine(line[1:-1])


def _title(key: AnswerKey, submission: GradedSubmission) -> str:
    return f"{key.title or 'Homework'}: {submission.student}"


def as_code(text: str) -> str:
    """A line as Markdown code, whatever characters it has."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def markdown(key: AnswerKey, submission: GradedSubmission) -> str:
    """A student's feedback as Markdown; what the student wrote is escaped."""
    lines = [f"# {escaping.markdown(_title(key, submission))}", ""]
    if submission.problem:
        return "\n".join([*lines, f"Not graded: {escaping.markdown(submission.problem)}", ""])
    lines += [f"{points_text(submission.points)} of {points_text(key.out_of)} points", ""]
    if submission.notes:
        lines += [f"{NOTES}:", "", *(f"- {escaping.markdown(str(note))}" for note in submission.notes), ""]
    for answer in submission.answers:
        verdict = answer.verdict
        given = as_code(verdict.given) if verdict.given else "blank"
        lines.append(f"- **{escaping.markdown(verdict.question)}**: {given} ({verdict.status}, {_points(answer)})")
        lines += [
            f"  - {as_code(line.text) if line.is_formula else escaping.markdown(line.text)}"
            for line in feedback_lines(verdict)
        ]
    return "\n".join([*lines, ""])


def html(key: AnswerKey, submission: GradedSubmission) -> str:
    """A student's feedback as a page that can be printed; what the student wrote is escaped."""
    if submission.problem:
        return page(_title(key, submission), f"<p>Not graded: {escape(submission.problem)}</p>")
    total = f"<p><strong>{points_text(submission.points)} of {points_text(key.out_of)} points</strong></p>"
    rows = "\n".join(map(_row, submission.answers))
    notes = "".join(f"<li>{escape(str(note))}</li>" for note in submission.notes)
    total += f"\n<p>{NOTES}:</p>\n<ul>{notes}</ul>" if notes else ""
    return page(_title(key, submission), f'{total}\n<table class="answers">\n{rows}\n</table>')


def _row(answer: GradedAnswer) -> str:
    verdict = answer.verdict
    items = "".join(
        f"<li><code>{escape(line.text)}</code></li>" if line.is_formula else f"<li>{escape(line.text)}</li>"
        for line in feedback_lines(verdict)
    )
    given = f"<code>{escape(verdict.given)}</code>" if verdict.given else ""
    details = f"<ul>{items}</ul>" if items else ""
    cells = (
        f"<td><strong>{escape(verdict.question)}</strong></td>",
        f'<td>{given} <span class="{verdict.status}">{verdict.status}</span>{details}</td>',
        f'<td class="points">{_points(answer)}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _points(answer: GradedAnswer) -> str:
    return f"{points_text(answer.points)} of {points_text(answer.out_of)}"
