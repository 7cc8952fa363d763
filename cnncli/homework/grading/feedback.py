"""What a student reads of a marked sheet, as Markdown and as a page of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.checking.check import Answer, is_unexplained
from cnncli.homework.grading.grade import GradedSubmission, Key, Mark, points_text
from cnncli.homework.html_page import page
from cnncli.homework.mistakes import described
from cnncli.io import escaping
from cnncli.io.escaping import html as escape


class Line(NamedTuple):
    """Something said of an answer: in words, or as a formula."""

    text: str
    is_formula: bool = False


def state_of(answer: Answer) -> str:
    """right, blank, follows or wrong."""
    if answer.correct:
        return "right"
    return "blank" if answer.blank else "follows" if answer.follow_through else "wrong"


def said_of(answer: Answer) -> Iterator[Line]:
    """How it was read; of a wrong one the likely mistake, the right answer and how that comes about."""
    for remark in answer.remarks:
        yield Line(remark)
    if answer.correct:
        return
    if answer.mistakes:
        yield Line(f"likely: {' or '.join(map(described, answer.mistakes))}")
    elif is_unexplained(answer):
        yield Line("none of the known mistakes gives this")
    yield Line(answer.expected if answer.expected.startswith("does not") else f"it is {answer.expected}")
    formulas = [line for line in answer.derivation if not is_remark(line)]
    between = "; " if any(" = " in line for line in formulas) else " = "
    if formulas:
        yield Line(between.join(formulas), is_formula=True)
    for line in answer.derivation:
        if is_remark(line):
            yield Line(line[1:-1])


def _title(key: Key, paper: GradedSubmission) -> str:
    return f"{key.title or 'Homework'}: {paper.student}"


def as_code(text: str) -> str:
    """A line as Markdown's code, whatever stands in it."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def markdown(key: Key, paper: GradedSubmission) -> str:
    """A student's feedback as Markdown; what a student wrote is text in it."""
    lines = [f"# {escaping.markdown(_title(key, paper))}", ""]
    if paper.problem:
        return "\n".join([*lines, f"No marks: {escaping.markdown(paper.problem)}", ""])
    lines += [f"{points_text(paper.points)} of {points_text(key.out_of)} points", ""]
    for mark in paper.marks:
        answer = mark.answer
        given = as_code(answer.given) if answer.given else "nothing"
        lines.append(f"- **{escaping.markdown(answer.question)}**: {given} ({state_of(answer)}, {_points(mark)})")
        lines += [
            f"  - {as_code(line.text) if line.is_formula else escaping.markdown(line.text)}" for line in said_of(answer)
        ]
    return "\n".join([*lines, ""])


def html(key: Key, paper: GradedSubmission) -> str:
    """The same as a page that can be printed; everything that a student wrote is escaped."""
    if paper.problem:
        return page(_title(key, paper), f"<p>No marks: {escape(paper.problem)}</p>")
    total = f"<p><strong>{points_text(paper.points)} of {points_text(key.out_of)} points</strong></p>"
    rows = "\n".join(map(_row, paper.marks))
    return page(_title(key, paper), f'{total}\n<table class="marks">\n{rows}\n</table>')


def _row(mark: Mark) -> str:
    answer = mark.answer
    said = "".join(
        f"<li><code>{escape(line.text)}</code></li>" if line.is_formula else f"<li>{escape(line.text)}</li>"
        for line in said_of(answer)
    )
    state = state_of(answer)
    given = f"<code>{escape(answer.given)}</code>" if answer.given else "nothing"
    details = f"<ul>{said}</ul>" if said else ""
    found = f'{given} <span class="{state}">{state}</span>{details}'
    cells = (
        f'<td><strong>{escape(answer.question)}</strong></td><td>{found}</td><td class="points">{_points(mark)}</td>'
    )
    return f"<tr>{cells}</tr>"


def _points(mark: Mark) -> str:
    return f"{points_text(mark.points)} of {points_text(mark.out_of)}"
