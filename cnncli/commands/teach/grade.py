"""``cnn grade``: grade a class's answer sheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.grading.class_statistics import QuestionStatistics
    from cnncli.homework.grading.grade import GradedSubmission
    from cnncli.homework.grading.key import AnswerKey
    from cnncli.homework.grading.roster import Roster


@options.command(options.needs("--hide-answers", "--gradescope"))
@click.argument("key_file", metavar="KEY", type=click.Path(path_type=Path))
@click.argument("submissions", metavar="SUBMISSION…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path),
              help="Folder for gradebooks (CSV, Canvas, Moodle, Gradescope), a class report and feedback.")  # fmt: skip
@click.option("--roster", type=click.Path(path_type=Path), help="Class list: CSV as exported by Canvas or Moodle.")
@click.option("--gradescope", type=click.Path(path_type=Path), help="Gradescope results.json to write, for one sheet.")
@click.option("--hide-answers", is_flag=True, help="With --gradescope: show hints, not the correct answers.")
@options.format_option("table", "json", "csv")
def command(
    key_file: Path, submissions: tuple[Path, ...], folder: Path | None, roster: Path | None, gradescope: Path | None,
    hide_answers: bool, form: str,
) -> None:  # fmt: skip
    """Grade a class's answer sheets against an answer key.

    SUBMISSIONs are answer sheets, or folders of them. The KEY names the network, the points of each question, the
    conventions and what else is accepted; its own answers are checked first. A folder of keys has one key per student,
    as cnn quiz writes them. An answer sheet that cannot be read is reported and not graded.
    """
    import json

    from cnncli.homework.grading.class_statistics import class_statistics
    from cnncli.homework.grading.gradebooks import plain_csv
    from cnncli.homework.grading.gradescope import submission_results, write_results
    from cnncli.homework.grading.roster import read_roster
    from cnncli.homework.grading.submissions import grade_files, read_keys
    from cnncli.io.width import output_width
    from cnncli.views.homework import class_lines, class_notes, class_record

    keys = read_keys(key_file, _report_skipped)
    key = next(iter(keys.values()))
    class_list = read_roster(roster) if roster is not None else None
    files = _files(submissions, for_gradescope=gradescope is not None)
    graded = list(grade_files(keys, files))
    if gradescope is not None:
        write_results(gradescope, submission_results(graded[0], hidden=hide_answers))
    statistics = class_statistics(key, graded)
    if folder is not None:
        _write(folder, key, graded, statistics, class_list)
    for note in class_notes(graded, class_list):
        click.echo(note, err=True)
    if form == "json":
        click.echo(json.dumps(class_record(key, graded, statistics), indent=1, ensure_ascii=False))
    elif form == "csv":
        click.echo(plain_csv(key, graded), nl=False)
    else:
        click.echo("\n".join(class_lines(key, graded, statistics, output_width())))


def _report_skipped(path: Path, reason: str) -> None:
    from cnncli.homework.answer_key.sheet import one_line

    click.echo(f"skipped: {one_line(str(path))} ({reason})", err=True)


def _files(submissions: tuple[Path, ...], *, for_gradescope: bool) -> list[Path]:
    """The answer sheets. Raises CnnError where there are none, or several for Gradescope."""
    from cnncli.homework.grading.submissions import find_sheets
    from cnncli.io.files import exists

    files: list[Path] = []
    for path in submissions:
        is_missing = for_gradescope and not exists(path)  # the student reads in the results that the sheet is missing
        files += [path] if is_missing else find_sheets(path, _report_skipped)
    if not files:
        raise CnnError("no answer sheets", "give YAML files, or folders of them")
    if for_gradescope and len(files) > 1:
        raise CnnError("--gradescope takes one answer sheet", "give one sheet, or -o for a class")
    return files


def _write(
    folder: Path,
    key: AnswerKey,
    graded: list[GradedSubmission],
    statistics: list[QuestionStatistics],
    roster: Roster | None,
) -> None:
    """Write the gradebooks, the class report, and feedback and Gradescope's results for each student."""
    from cnncli.homework.grading import feedback, gradebooks, gradescope
    from cnncli.io.writing import write_whole
    from cnncli.views.homework import class_report

    texts = {
        "marks.csv": gradebooks.plain_csv(key, graded),
        "canvas.csv": gradebooks.canvas_csv(key, graded, roster),
        "moodle.csv": gradebooks.moodle_csv(key, graded, roster),
        "class.md": class_report(key, graded, statistics),
    }
    for number, submission in enumerate(graded, 1):
        name = f"{number:04d}-" + "".join(c if c.isalnum() or c in "-_" else "_" for c in submission.student)[:60]
        texts[f"feedback/{name}.md"] = feedback.markdown(key, submission)
        texts[f"feedback/{name}.html"] = feedback.html(key, submission)
        texts[f"gradescope/{name}.json"] = gradescope.results_text(gradescope.submission_results(submission))
    try:
        for name in ("feedback", "gradescope"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text.encode(), synced=False)
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
