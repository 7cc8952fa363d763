"""``cnn check``: check the answers of homework, and whether networks are valid."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.checking.files import Checked


@options.command(
    options.excludes("--gradescope", "--strict", "--skip-others", why="--gradescope is for one answer sheet"),
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--hide-answers", is_flag=True, help="Sheets: show hints, not the correct answers.")
@click.option("--gradescope", type=click.Path(path_type=Path), help="Sheets: Gradescope results.json to write.")
@click.option("--strict", is_flag=True, help="Networks: treat dropped rows or columns as an error.")
@click.option("--skip-others", is_flag=True, help="Skip files that are neither networks nor answer sheets.")
@options.language_option("Sheets: language of the verdicts: en, de, ko, pt.")
@options.format_option("table", "json")
def command(
    files: tuple[str, ...], hide_answers: bool, gradescope: Path | None, strict: bool, skip_others: bool,
    language: str, form: str,
) -> None:  # fmt: skip
    """Check homework answers, and whether networks are valid.

    A FILE is an answer sheet (architecture: lenet5 and answers: {c1.params: 156, c1.shape: 6x28x28, …} in YAML, or
    these lines as text, in Word or Jupyter), a network (YAML with input and layers), or a folder of YAML files. A
    network is valid if all its variants are.

    The exit status is 0 if all networks are valid and all answers are correct, 1 if not, and 2 if a file, or
    something in an answer sheet, cannot be checked.
    """
    if gradescope is not None:
        with _speaking(language):
            _write_gradescope(files, gradescope, hide_answers, form)
        return
    from cnncli.homework.checking.files import check_files

    with _speaking(language):  # an unknown language is an error before anything is checked
        pass
    checked = check_files(files, strict=strict, skip_others=skip_others)
    if not skip_others:
        _refuse_idle(checked, hide_answers, strict, bool(language))
    with _speaking(language):
        if form == "json":
            _print_json(checked, hide_answers)
        else:
            _print(checked, hide_answers)
    worst = max(file.exit_code for file in checked)
    if worst:
        raise click.exceptions.Exit(worst)


def _speaking(language: str) -> AbstractContextManager[None]:
    from cnncli.homework.languages.messages import speaking

    return speaking(language)


def _refuse_idle(checked: list[Checked], hide_answers: bool, strict: bool, has_language: bool) -> None:
    """Raises CnnError for an option about files of a kind that there are none of."""
    from cnncli.homework.checking.files import Kind

    kinds = {file.kind for file in checked}
    idle = (
        (hide_answers, "--hide-answers", Kind.SHEET),
        (has_language, "--lang", Kind.SHEET),
        (strict, "--strict", Kind.NETWORK),
    )
    for given, option, kind in idle:
        if given and kind not in kinds and kinds != {Kind.OTHER}:
            raise CnnError(f"{option} has no effect: no FILE is {_with_article(kind.value)}", f"leave {option} out")


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _print(checked: list[Checked], hidden: bool) -> None:
    """Texts of several lines are separated by empty lines."""
    from cnncli.io.width import output_width, wrapped_text
    from cnncli.views.checking import skipped_note, summary, texts

    on_pipe = output_width() is None
    previous = {False: "", True: ""}  # the last text on standard output, and on standard error
    for text, is_error in texts(checked, hidden=hidden):
        shown = text if on_pipe or is_error else wrapped_text(text, code="    ")
        click.echo(f"{_gap(previous[is_error], text)}{shown}", err=is_error)
        previous[is_error] = text
    if len(checked) > 1:
        click.echo(f"{_gap(previous[False], '')}{summary(checked)}")
    note = skipped_note(checked)
    if note:
        click.echo(note, err=True)


def _gap(before: str, text: str) -> str:
    return "\n" if before and "\n" in before + text else ""


def _print_json(checked: list[Checked], hidden: bool) -> None:
    import json

    from cnncli.homework.checking.files import Kind
    from cnncli.views.checking import lost_text, problems_text, records

    click.echo(json.dumps(records(checked, hidden=hidden), indent=1, ensure_ascii=False))
    for file in checked:
        if lost_text(file):
            click.echo(lost_text(file), err=True)
        if file.problems and not file.skipped and file.kind is not Kind.NETWORK:
            click.echo(problems_text(file), err=True)


def _write_gradescope(sheets: tuple[str, ...], target: Path, hidden: bool, form: str) -> None:
    """Check one sheet for Gradescope. It reads the score, which an exit status other than 0 would hide."""
    from cnncli.homework.checking.files import Kind, check_sheet, kind_of_file
    from cnncli.homework.grading.gradescope import checked_results, write_results

    if len(sheets) > 1:
        raise CnnError("--gradescope takes one answer sheet", "give one answer sheet")
    if kind_of_file(sheets[0]) is Kind.NETWORK:
        raise CnnError("--gradescope has no effect: FILE is a network", "give an answer sheet")
    checked = check_sheet(sheets[0])  # of one that cannot be read, the student reads the reason in the results
    write_results(target, checked_results(checked, hidden=hidden))
    if form == "json":
        _print_json([checked], hidden)
    else:
        _print([checked], hidden)
