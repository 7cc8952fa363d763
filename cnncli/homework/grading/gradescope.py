"""The ``results.json`` of Gradescope's autograder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.errors import SHOWN_AT_MOST, CnnError
from cnncli.homework.answer_key.sheet import ReadingNote
from cnncli.homework.checking.verdict import STATUSES, Verdict
from cnncli.homework.grading.feedback import feedback_lines
from cnncli.homework.grading.grade import GradedSubmission
from cnncli.homework.grading.points import worth
from cnncli.homework.languages.messages import localized, text, translated
from cnncli.io.writing import write_output, writing

if TYPE_CHECKING:
    from cnncli.homework.checking.files import Checked


def results(
    answers: Sequence[tuple[Verdict, float, float]], notes: Sequence[ReadingNote] = (), *, hidden: bool = False
) -> dict[str, Any]:
    """The results of (verdict, points, largest points): a test for each, with hints only where answers are hidden.

    The ``notes`` on how the sheet was read, and the pending points, stand before the tests. A pending one has no score.
    """
    tests = [
        {
            "name": verdict.question,
            **({} if verdict.pending else {"score": score}),
            "max_score": most,
            "output": _output(verdict, hidden=hidden),
        }
        for verdict, score, most in answers
    ]
    pending = sum((Fraction(most) for verdict, _, most in answers if verdict.pending), Fraction(0))
    told = [
        *map(str, notes),
        *([translated("pending {points}: a person grades them", points=worth(pending))] if pending else []),
    ]
    output = {"output": "\n".join(told)} if told else {}
    return {"score": sum(score for _, score, _ in answers), **output, "tests": tests}


def submission_results(submission: GradedSubmission, *, hidden: bool = False) -> dict[str, Any]:
    """The results of a graded sheet; one that was not graded has no points, and the reason."""
    if submission.problem:
        return {"score": 0, "output": str(localized(submission.problem)), "tests": []}
    answers = [(answer.verdict, float(answer.points), float(answer.out_of)) for answer in submission.answers]
    record = results(answers, submission.notes, hidden=hidden)
    for test, answer in zip(record["tests"], submission.answers, strict=True):
        test["output"] = "\n".join(filter(None, (answer.text, test["output"])))
    return record


def checked_results(checked: Checked, *, hidden: bool = False) -> dict[str, Any]:
    """The results of a sheet that was checked without a key: a point for each correct answer."""
    if not checked.is_read:
        return error_results(CnnError.of(checked.problems))
    problems = (ReadingNote(problem.message, text("line {number}", number=problem.place.line) if problem.place else "")
                for problem in checked.problems)  # fmt: skip
    answers = [(verdict, int(verdict.correct), 1) for verdict in checked.verdicts]
    return results(answers, (*checked.notes, *problems), hidden=hidden)


def error_results(error: CnnError) -> dict[str, Any]:
    """The results of a sheet that cannot be read: no points, and the reason, without lines of files."""
    problems = [
        ": ".join(map(str, filter(None, (p.place, p.message)))) + (f"\n  {p.hint}" if p.hint else "")
        for p in error.problems[:SHOWN_AT_MOST]
    ]
    return {"score": 0, "output": "\n".join(problems), "tests": []}


def results_text(record: dict[str, Any]) -> str:
    """The text of a ``results.json``."""
    return json.dumps(record, indent=1, ensure_ascii=False)


def write_results(path: Path, record: dict[str, Any]) -> None:
    """Write a ``results.json``. Raises CnnError where it cannot be written."""
    with writing(path):
        write_output(path, results_text(record).encode())


def _output(verdict: Verdict, *, hidden: bool) -> str:
    lines = [*map(localized, verdict.hints)] if hidden else [line.text for line in feedback_lines(verdict)]
    status = localized(STATUSES[verdict.status])
    return "\n".join([f"{status}: {verdict.given}" if verdict.given else status, *lines])
