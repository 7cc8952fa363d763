"""``cnn check``: check the answers of homework."""

from __future__ import annotations

from pathlib import Path

import click

from cnncli.commands import options
from cnncli.errors import NO, CnnError


@options.command()
@click.argument("sheets", metavar="SHEET…", nargs=-1, required=True)
@click.option("--hide-answers", is_flag=True, help="Show hints, not the correct answers.")
@click.option("--gradescope", type=click.Path(path_type=Path), help="Gradescope results.json to write.")
@options.format_option("table", "json")
def command(sheets: tuple[str, ...], hide_answers: bool, gradescope: Path | None, form: str) -> None:
    """Check homework; show derivations and likely mistakes.

    A SHEET is YAML: architecture: lenet5 and answers: {c1.params: 156, c1.shape: 6x28x28, …}. The exit status is 0
    only if all answers are correct.
    """
    import json

    from cnncli.homework.answer_key.sheet import read_sheet
    from cnncli.homework.checking.check import check
    from cnncli.homework.grading.gradescope import error_results, results, write_results
    from cnncli.views.homework import verdict_lines, verdicts_record

    if gradescope is not None and len(sheets) > 1:
        raise CnnError("--gradescope takes one answer sheet", "give one answer sheet")
    records = []
    all_correct = True
    for path in sheets:
        try:
            sheet = read_sheet(path)
            verdicts = check(sheet)
        except CnnError as error:
            if gradescope is None:
                raise
            write_results(gradescope, error_results(error))  # the student reads the error, so the autograder succeeds
            click.echo(str(error), err=True)
            return
        all_correct = all_correct and all(verdict.correct for verdict in verdicts)
        if gradescope is not None:
            points = [(verdict, int(verdict.correct), 1) for verdict in verdicts]
            write_results(gradescope, results(points, hidden=hide_answers))
        if form == "json":
            records.append(verdicts_record(sheet.student, verdicts, hidden=hide_answers))
        else:
            title = ": ".join(filter(None, (path if len(sheets) > 1 else "", sheet.student)))
            click.echo("\n".join(verdict_lines(title, verdicts, hidden=hide_answers)))
    if form == "json":
        click.echo(json.dumps(records[0] if len(records) == 1 else records, indent=1, ensure_ascii=False))
    if not all_correct and gradescope is None:  # Gradescope reads the score, which a failure would hide
        raise click.exceptions.Exit(NO)
