"""``cnn check``: homework, answer by answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import NO, CnnError

if TYPE_CHECKING:
    from cnncli.homework.checking.check import Answer


@options.command()
@click.argument("sheets", metavar="SHEET…", nargs=-1, required=True)
@click.option("--hide-answers", is_flag=True, help="Hints only: what to look at again, not what is right.")
@click.option("--gradescope", type=click.Path(path_type=Path), help="Write a Gradescope results.json there.")
@options.format_option("table", "json")
def command(sheets: tuple[str, ...], hide_answers: bool, gradescope: Path | None, form: str) -> None:
    """Check homework; show derivations and likely mistakes.

    A SHEET is YAML: architecture: lenet5 and answers: {c1.params: 156, c1.shape: 6x28x28, …}. Ends with 0 only if all
    answers are right.
    """
    from cnncli.homework.answer_key.sheet import read_sheet
    from cnncli.homework.checking.check import check
    from cnncli.homework.grading.marksheets import gradescope as results
    from cnncli.homework.grading.marksheets import unread, write_results

    if gradescope is not None and len(sheets) > 1:
        raise CnnError("--gradescope writes the results of one sheet", "give one sheet")
    records = []
    everything_right = True
    for path in sheets:
        try:
            sheet = read_sheet(path)
            found = check(sheet)
        except CnnError as error:
            if gradescope is None:
                raise
            write_results(gradescope, unread(error))  # the student reads why, and not that the autograder failed
            click.echo(str(error), err=True)
            return
        everything_right = everything_right and all(answer.correct for answer in found)
        if gradescope is not None:
            points = [(answer, int(answer.correct), 1) for answer in found]
            write_results(gradescope, results(points, hidden=hide_answers))
        if form == "json":
            records.append(_record(sheet.student, found, hidden=hide_answers))
        else:
            title = ": ".join(filter(None, (path if len(sheets) > 1 else "", sheet.student)))
            click.echo("\n".join(_lines(title, found, hidden=hide_answers)))
    if form == "json":
        import json

        click.echo(json.dumps(records[0] if len(records) == 1 else records, indent=1, ensure_ascii=False))
    if not everything_right and gradescope is None:  # there the score says it, and a failure would hide it
        raise click.exceptions.Exit(NO)


def _record(student: str, found: list[Answer], *, hidden: bool) -> dict[str, Any]:
    answers = []
    for answer in found:
        record: dict[str, Any] = {"question": answer.question, "given": answer.given, "correct": answer.correct}
        if not hidden:
            record["expected"] = answer.expected
        record["mistakes"] = list(answer.mistakes)
        record["follow_through"] = answer.follow_through
        record["blank"] = answer.blank
        if not hidden:
            record["derivation"] = list(answer.derivation)
        record["remarks"] = list(answer.remarks)
        answers.append(record)
    score = {"score": sum(answer.correct for answer in found), "out_of": len(found)}
    return {**({"student": student} if student else {}), **score, "answers": answers}


def _lines(title: str, found: list[Answer], *, hidden: bool) -> list[str]:
    lines = [title, ""] if title else []
    for answer in found:
        lines += _answer_lines(answer, hidden=hidden)
    right = sum(answer.correct for answer in found)
    carried = sum(answer.follow_through for answer in found)
    also = f", {carried} more right given an earlier error" if carried else ""
    return [*lines, "", f"{right} of {len(found)} right{also}"]


def _answer_lines(answer: Answer, *, hidden: bool) -> list[str]:
    from cnncli.homework.answer_key.expected import is_remark
    from cnncli.homework.checking.check import is_unexplained
    from cnncli.homework.grading.feedback import state_of

    lines = [f"{state_of(answer):8}{answer.question}: {answer.given or 'nothing'}"]
    lines += [f"        {remark}" for remark in answer.remarks]
    if answer.correct:
        return lines
    if answer.mistakes:
        from cnncli.homework.mistakes import described

        words = " or ".join(described(name) for name in answer.mistakes)
        lines.append(f"        likely: {words}")
    elif is_unexplained(answer):
        lines.append("        none of the known mistakes gives this")
    if not hidden:
        lines.append(f"        it {'' if answer.expected.startswith('does') else 'is '}{answer.expected}")
        for at, line in enumerate(answer.derivation):
            goes_on = at and " = " not in line and not is_remark(line)
            lines.append(f"          {'= ' if goes_on else ''}{line}")
    return lines
