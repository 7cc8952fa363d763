"""Checked files: the verdicts on a sheet, a line or the problems of a network, a summary, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnncli.errors import CnnError, Problem, counted
from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.answer_key.sheet import ReadingNote
from cnncli.homework.checking.files import Checked, Kind
from cnncli.homework.checking.verdict import STATUSES, Verdict
from cnncli.homework.languages.derivations import localized_answer, localized_line
from cnncli.homework.languages.messages import localized, translated
from cnncli.io.escaping import visible_line, visible_message
from cnncli.io.width import columns_of, equation_lines, wrapped

NAMED = 3  # skipped files named in the note


def texts(files: list[Checked], *, hidden: bool) -> Iterator[tuple[str, bool]]:
    """The text of each file that was not skipped, and whether it is an error: a file that could not be checked."""
    for checked in files:
        if checked.skipped:
            continue
        if checked.is_read:
            title = ": ".join(filter(None, (visible_line(checked.name) if len(files) > 1 else "", checked.student)))
            yield "\n".join(verdict_lines(title, [*checked.verdicts], checked.notes, hidden=hidden)), False
            if lost_text(checked):
                yield lost_text(checked), True
        if checked.problems:
            yield problems_text(checked), checked.kind is not Kind.NETWORK
        elif checked.kind is Kind.NETWORK:
            yield f"{visible_line(checked.name)}: ok", False


def lost_text(checked: Checked) -> str:
    """How much of a sheet does not count, in a line; empty where everything counts."""
    lost = sum(note.is_lost for note in checked.notes)
    return f"{visible_line(checked.name)}: {counted(lost, 'note')} on what does not count" if lost else ""


def problems_text(checked: Checked) -> str:
    """The problems of a file, each with its place, or at least with the file's name."""
    text = str(CnnError.of([_with_file(problem, checked.name) for problem in checked.problems]))
    return visible_message(text, [checked.name])


def _with_file(problem: Problem, name: str) -> Problem:
    named = problem.place is not None or problem.message.startswith(name)
    return problem if named else problem._replace(message=f"{name}: {problem.message}")


def summary(files: list[Checked]) -> str:
    """How many files are right, and how many are not: ``4 files: 2 ok, 1 not valid, 1 skipped``.

    Networks are not valid; other files that have a problem, or are of neither kind, are not checked.
    """
    failed = [checked.kind for checked in files if checked.exit_code > 0 and not checked.verdicts]
    counts = {
        "ok": sum(not checked.skipped and checked.exit_code == 0 for checked in files),
        "not valid": failed.count(Kind.NETWORK),
        "with wrong answers": sum(checked.exit_code > 0 and bool(checked.verdicts) for checked in files),
        "not checked": len(failed) - failed.count(Kind.NETWORK),
        "skipped": sum(checked.skipped for checked in files),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{len(files)} file{'s' * (len(files) != 1)}: {told}"


def skipped_note(files: list[Checked]) -> str:
    """A note that names the skipped files; empty if there are none."""
    names = [visible_line(checked.name) for checked in files if checked.skipped]
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"skipped, neither a network nor an answer sheet: {', '.join(names[:NAMED])}{more}"


def records(files: list[Checked], *, hidden: bool) -> Any:
    """The files for JSON: a list with an object for each, or the only object."""
    found = [_record(checked, hidden=hidden) for checked in files]
    if len(found) > 1:
        return found
    return {key: value for key, value in found[0].items() if key != "file" or not files[0].is_read}


def _record(checked: Checked, *, hidden: bool) -> dict[str, Any]:
    if checked.skipped:
        return {"file": checked.name, "skipped": True}
    if checked.is_read:
        record = verdicts_record(checked.student, [*checked.verdicts], checked.notes, hidden=hidden)
        return {"file": checked.name, **record, **({"problems": _problems(checked)} if checked.problems else {})}
    return {"file": checked.name, "valid": not checked.problems, "problems": _problems(checked)}


def _problems(checked: Checked) -> list[dict[str, Any]]:
    return [
        {
            "line": problem.place.line if problem.place else None,
            "column": problem.place.column if problem.place else None,
            "layer": problem.layer,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in checked.problems
    ]


# The verdicts on a sheet ----------------------------------------------------------------------------------------------


def verdict_lines(title: str, verdicts: list[Verdict], notes: Sequence[ReadingNote] = (), *, hidden: bool) -> list[str]:
    """The verdicts on a sheet, then the score; with hints only where the answers are ``hidden``.

    The ``notes`` on how the sheet was read stand before the verdicts; without any verdict they are all.
    """
    lines = [title, ""] if title else []
    lines += [*(translated("note: {note}", note=str(note)) for note in notes), *([""] if notes else [])]
    if not verdicts:
        return [part for line in lines for part in wrapped(line)][:-1]
    for verdict in verdicts:
        lines += _verdict(verdict, hidden=hidden)
    correct = sum(verdict.correct for verdict in verdicts)
    follow_through = sum(verdict.follow_through for verdict in verdicts)
    score = translated("{correct} of {answers} correct", correct=correct, answers=len(verdicts))
    if follow_through:
        score = translated(
            "{score}, {count} more by follow-through from earlier errors", score=score, count=follow_through
        )
    return [*(part for line in lines for part in wrapped(line)), "", score]


def _verdict(verdict: Verdict, *, hidden: bool) -> Iterator[str]:
    status = localized(STATUSES[verdict.status])
    yield f"{status}{' ' * max(1, 16 - columns_of(status))}{verdict.question}: {verdict.given}".rstrip()
    for hint in verdict.hints:
        yield f"    {localized(hint)}"
    if verdict.correct or hidden:
        return
    yield "    " + translated("correct answer: {answer}", answer=localized_answer(verdict.expected))
    for at, line in enumerate(verdict.derivation):
        continues = at and " = " not in line and not is_remark(line)
        yield from equation_lines(f"      {'= ' if continues else ''}{localized_line(line)}")


def verdicts_record(
    student: str, verdicts: list[Verdict], notes: Sequence[ReadingNote] = (), *, hidden: bool
) -> dict[str, Any]:
    """The verdicts on a sheet for JSON."""
    answers = []
    for verdict in verdicts:
        record: dict[str, Any] = {"question": verdict.question, "given": verdict.given, "correct": verdict.correct}
        if not hidden:
            record["expected"] = localized_answer(verdict.expected)
        record["mistakes"] = list(verdict.mistakes)
        record["follow_through"] = verdict.follow_through
        record["blank"] = verdict.blank
        if not hidden:
            record["derivation"] = [*map(localized_line, verdict.derivation)]
        record["remarks"] = [*map(localized, verdict.remarks), *verdict.details]
        answers.append(record)
    score = {"score": sum(verdict.correct for verdict in verdicts), "out_of": len(verdicts)}
    told = {"notes": [*map(str, notes)]} if notes else {}
    return {**({"student": student} if student else {}), **score, **told, "answers": answers}
