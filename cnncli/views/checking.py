"""Checked files: a line or the problems of each, a summary, and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncli.errors import CnnError, Problem, counted
from cnncli.homework.checking.files import Checked, Kind
from cnncli.io.escaping import visible_line, visible_message
from cnncli.views.homework import verdict_lines, verdicts_record

NAMED = 3  # skipped files named in the note


def texts(files: list[Checked], *, hidden: bool) -> Iterator[tuple[str, bool]]:
    """The text of each file that was not skipped, and whether it is an error: a file that could not be checked."""
    for checked in files:
        if checked.skipped:
            continue
        if checked.verdicts:
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
    return {key: value for key, value in found[0].items() if key != "file" or not files[0].verdicts}


def _record(checked: Checked, *, hidden: bool) -> dict[str, Any]:
    if checked.skipped:
        return {"file": checked.name, "skipped": True}
    if checked.verdicts:
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
