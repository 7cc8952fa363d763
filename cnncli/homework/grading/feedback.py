"""Feedback to a student on a graded sheet, as Markdown and as an HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from cnncli.homework.answer_key.expected import equations, is_remark
from cnncli.homework.checking.verdict import STATUSES, Verdict
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.key import AnswerKey
from cnncli.homework.grading.points import points_text, total_text, worth
from cnncli.homework.languages.derivations import localized_answer, localized_line
from cnncli.homework.languages.messages import localized, text, translated
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.pages.derivation import derivation_html
from cnncli.homework.pages.html_page import page, words
from cnncli.homework.pages.window_strip import window_strip
from cnncli.io import escaping
from cnncli.io.escaping import html as escape

MARK = "\ue000"  # where HTML is filled in after a text is escaped
NOTES = text("How the sheet was read")


class FeedbackLine(NamedTuple):
    """A line of feedback: words, or a formula."""

    text: str
    is_formula: bool = False


def feedback_lines(verdict: Verdict) -> Iterator[FeedbackLine]:
    """The hints; for an answer that is not correct, also the correct one, if there is one, with its derivation."""
    yield from map(FeedbackLine, map(localized, verdict.hints))
    if not _shows_answer(verdict):
        return
    yield FeedbackLine(translated("correct answer: {answer}", answer=localized_answer(verdict.expected)))
    yield from (FeedbackLine(localized_line(line), is_formula=True) for line in equations(verdict.derivation))
    for line in verdict.derivation:
        if is_remark(line):
            yield FeedbackLine(localized_line(line)[1:-1])


def _shows_answer(verdict: Verdict) -> bool:
    return bool(verdict.expected) and not verdict.correct and not verdict.pending


def _title(key: AnswerKey, submission: GradedSubmission) -> str:
    return f"{key.title or translated('Homework')}: {submission.student}"


def _total(key: AnswerKey, submission: GradedSubmission) -> str:
    return str(localized(total_text(submission.points, key.out_of, submission.pending)))


def _not_graded(submission: GradedSubmission) -> str:
    return translated("Not graded: {reason}", reason=submission.problem)


def markdown(key: AnswerKey, submission: GradedSubmission) -> str:
    """A student's feedback as Markdown; what the student wrote is escaped."""
    lines = [f"# {escaping.markdown(_title(key, submission))}", ""]
    if submission.problem:
        return "\n".join([*lines, escaping.markdown(_not_graded(submission)), ""])
    lines += [_total(key, submission), ""]
    if submission.notes:
        lines += [f"{localized(NOTES)}:", "", *(f"- {escaping.markdown(str(note))}" for note in submission.notes), ""]
    for answer in submission.answers:
        verdict = answer.verdict
        given = escaping.markdown_code(verdict.given) if verdict.given else localized(STATUSES["blank"])
        text = f"{escaping.markdown(answer.text)} " if answer.text else ""
        state = _points(answer) if verdict.pending else f"{localized(STATUSES[verdict.status])}, {_points(answer)}"
        lines.append(f"- **{escaping.markdown(verdict.question)}**: {text}{given} ({state})")
        lines += [
            f"  - {escaping.markdown_code(line.text) if line.is_formula else escaping.markdown(line.text)}"
            for line in feedback_lines(verdict)
        ]
    return "\n".join([*lines, ""])


def html(key: AnswerKey, submission: GradedSubmission) -> str:
    """A student's feedback as a page that can be printed; what the student wrote is escaped."""
    if submission.problem:
        return page(_title(key, submission), f"<p>{escape(_not_graded(submission))}</p>")
    rows = "\n".join(map(_row, submission.answers))
    heads = (
        f'<th scope="col">{escape(translated("Question"))}</th><th scope="col">{escape(translated("Answer"))}</th>'
        f'<th scope="col" class="points">{escape(translated("Points"))}</th>'
    )
    table = (
        f'<table class="answers">\n<caption>{escape(translated("Your answers"))}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )
    return page(_title(key, submission), f"{_summary(key, submission)}\n{table}")


def _summary(key: AnswerKey, submission: GradedSubmission) -> str:
    """The points, how many answers are correct, and the mistakes that were made, the most frequent first."""
    counts = Counter(answer.verdict.status for answer in submission.answers)
    total = f'<p class="total">{_total(key, submission)}</p>'
    counted = ", ".join(
        f'<span class="{status}">{count} {localized(STATUSES[status])}</span>' for status, count in counts.items()
    )
    made = Counter(
        likely(answer.verdict.diagnoses)
        for answer in submission.answers
        if answer.verdict.diagnoses and not answer.verdict.correct
    )
    listed = "".join(f"<li>{words(localized(_times(name, n)))}</li>" for name, n in made.most_common())
    review = f"<h2>{escape(translated('What to look at again'))}</h2>\n<ul>{listed}</ul>" if listed else ""
    notes = "".join(f"<li>{escape(str(note))}</li>" for note in submission.notes)
    told = f"<h2>{escape(localized(NOTES))}</h2>\n<ul>{notes}</ul>" if notes else ""
    return f'{total}<p class="counts">{counted}</p>{told}{review}'


def _times(mistake: str, count: int) -> str:
    return text("{mistake} ({count} times)", mistake=mistake, count=count) if count > 1 else mistake


def _row(answer: GradedAnswer) -> str:
    verdict = answer.verdict
    text = f'<p class="question-text">{escape(answer.text)}</p>' if answer.text else ""
    given = f"<code>{escape(verdict.given)}</code> " if verdict.given else ""
    status = f'<strong class="status {verdict.status}">{localized(STATUSES[verdict.status])}</strong>'
    cells = (
        f'<th scope="row">{escape(verdict.question)}</th>',
        f"<td>{text}{given}{status}{_details(verdict)}</td>",
        f'<td class="points">{_points(answer)}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _details(verdict: Verdict) -> str:
    hints = "".join(f"<li>{words(localized(hint))}</li>" for hint in verdict.hints)
    details = f"<ul>{hints}</ul>" if hints else ""
    if not _shows_answer(verdict):
        return details
    pictures = "".join(window_strip(size, window) for size, window in verdict.windows)
    derivation = derivation_html(verdict.derivation) if verdict.derivation else ""
    worked = f'<div class="derivation">{derivation}{pictures}</div>' if derivation or pictures else ""
    shown = f"<strong>{escape(localized_answer(verdict.expected))}</strong>"
    told = escape(translated("correct answer: {answer}", answer=MARK)).replace(MARK, shown)
    return f"{details}<div>{told}</div>{worked}"


def _points(answer: GradedAnswer) -> str:
    if answer.verdict.pending:
        return translated("pending {points}", points=worth(answer.out_of))
    return translated("{earned} of {most}", earned=points_text(answer.points), most=points_text(answer.out_of))
