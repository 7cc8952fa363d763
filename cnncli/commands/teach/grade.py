"""``cnn grade``: grade a class's answer sheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.collecting.handed_in import HandedIn
    from cnncli.homework.collecting.roster import Roster
    from cnncli.homework.grading.class_statistics import QuestionStatistics
    from cnncli.homework.grading.grade import GradedSubmission
    from cnncli.homework.grading.key import AnswerKey
    from cnncli.homework.grading.regrade import MarkChange
    from cnncli.homework.review.session import ReviewSession
    from cnncli.homework.submissions.drafts import Asked


@options.command(
    options.needs("--hide-answers", "--gradescope", "--autograder"),
    options.needs("--lang", "--out", "--gradescope",
                  why="it is for feedback: add -o FOLDER, or write language: de in the key"),
    options.excludes("--autograder", "--gradescope", "--out", "--format", "SUBMISSION",
                     why="the autograder is written, and nothing is graded"),
)  # fmt: skip
@click.argument("key_file", metavar="KEY", type=click.Path(path_type=Path))
@click.argument("submissions", metavar="SUBMISSION…", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path),
              help="Folder for gradebooks (CSV, Canvas, Moodle, Gradescope), a class report and feedback.")  # fmt: skip
@click.option("--roster", type=click.Path(path_type=Path), help="Class list: CSV as exported by Canvas or Moodle.")
@click.option("--gradescope", type=click.Path(path_type=Path), help="Gradescope results.json to write, for one sheet.")
@click.option("--autograder", type=click.Path(path_type=Path), help="Gradescope autograder (zip) to write for the key.")
@click.option("--hide-answers", is_flag=True, help="For Gradescope: show hints, not the correct answers.")
@click.option("--review", "review_file", type=click.Path(path_type=Path),
              help="Queue of answers to review (YAML): written, and its verdicts applied.")  # fmt: skip
@options.language_option("Language of the feedback: en, de, ko, pt; of the key if not given.")
@options.format_option("table", "json", "csv")
def command(
    key_file: Path, submissions: tuple[Path, ...], folder: Path | None, roster: Path | None, gradescope: Path | None,
    autograder: Path | None, hide_answers: bool, review_file: Path | None, language: str, form: str,
) -> None:  # fmt: skip
    """Grade a class's answer sheets against an answer key.

    SUBMISSIONs are answer sheets (YAML, text, Word, Jupyter), folders or zip archives of them as Gradescope, Canvas and
    Moodle give them, or a form's CSV export. The KEY names the network, the points of each question, the
    conventions and what else is accepted; its own answers are checked first. A folder of keys has one key per student,
    as cnn quiz writes them. An answer sheet that cannot be read is reported and not graded.
    """
    import json

    from cnncli.homework.collecting.roster import read_roster
    from cnncli.homework.grading.class_statistics import class_statistics
    from cnncli.homework.grading.grade import asked_of
    from cnncli.homework.grading.gradebooks import plain_csv
    from cnncli.homework.grading.gradescope import submission_results, write_results
    from cnncli.homework.grading.submissions import grade_files, read_keys
    from cnncli.homework.languages.messages import known_language, speaking
    from cnncli.io.width import output_width
    from cnncli.views.grading import change_lines, change_record, class_lines, class_notes, class_record

    if not submissions and autograder is None:
        raise CnnError("no answer sheets", "give answer sheets, or folders of them")
    language = known_language(language)
    keys = read_keys(key_file, _report_skipped)
    key = next(iter(keys.values()))
    class_list = read_roster(roster) if roster is not None else None
    review = _review(review_file, keys, must_exist=gradescope is not None or autograder is not None)
    if autograder is not None:
        _write_autograder(autograder, key_file, roster, review_file, hide_answers=hide_answers)
        return
    own = [path for path in (key_file, review_file) if path is not None]
    asked = asked_of(key)
    if gradescope is None:
        handed_in = _collected(submissions, asked, own)
    else:
        handed_in = _for_gradescope(submissions, asked, gradescope)
    graded = list(grade_files(keys, handed_in, class_list, review.decide if review is not None else None))
    # one sheet does not tell which answers a class gave, so that the queue stays as it is
    notes = review.write(graded) if review is not None and gradescope is None else []
    if review is None and gradescope is None and any(submission.pending for submission in graded):
        notes = ["pending answers: grade them in the file of --review queue.yaml"]
    with speaking(language or key.language):
        if gradescope is not None:
            write_results(gradescope, submission_results(graded[0], hidden=hide_answers))
        written = _feedback(key, graded) if folder is not None else {}
    statistics = class_statistics(key, graded)
    changes = _write(folder, key, graded, statistics, class_list, written) if folder is not None else None
    for note in (*class_notes(graded, class_list), *notes):
        click.echo(note, err=True)
    if form == "json":
        record = class_record(key, graded, statistics) | change_record(changes)
        click.echo(json.dumps(record, indent=1, ensure_ascii=False))
    elif form == "csv":
        click.echo("\n".join(change_lines(changes)[1:]), err=True, nl=changes is not None)
        click.echo(plain_csv(key, graded), nl=False)
    else:
        click.echo("\n".join([*class_lines(key, graded, statistics, output_width()), *change_lines(changes)]))


def _write_autograder(path: Path, key: Path, roster: Path | None, review: Path | None, *, hide_answers: bool) -> None:
    """Write the autograder. Raises CnnError."""
    from cnncli.homework.autograder.gradescope_zip import autograder_zip
    from cnncli.io.escaping import visible_line
    from cnncli.io.writing import write_output, writing

    data = autograder_zip(key, {"--roster": roster, "--review": review}, hide_answers=hide_answers)
    with writing(path):
        write_output(path, data)
    click.echo(f"{visible_line(str(path))}: autograder to upload to a programming assignment of Gradescope")


def _report_skipped(path: Path, reason: str) -> None:
    from cnncli.errors import shortened
    from cnncli.io.escaping import visible_line

    click.echo(f"skipped: {shortened(visible_line(str(path)), 500)} ({reason})", err=True)


def _review(path: Path | None, keys: dict[str, AnswerKey], *, must_exist: bool) -> ReviewSession | None:
    """The review queue, which may not exist yet unless it is only read. Raises CnnError."""
    from cnncli.homework.review.session import open_review
    from cnncli.io.files import exists

    if path is not None and must_exist and not exists(path):
        raise CnnError(f"{path}: no such file", "write it with the whole class, without --gradescope")
    return open_review(path, keys) if path is not None else None


def _collected(submissions: tuple[Path, ...], asked: Asked, besides: Sequence[Path] = ()) -> list[HandedIn]:
    """What was handed in, without the teacher's own files that may be among it.

    Raises CnnError where there is nothing.
    """
    from cnncli.homework.collecting.handed_in import collect

    found = [handed_in for path in submissions for handed_in in collect(path, _report_skipped, asked)]
    own = {path.resolve() for path in besides}
    found = [handed_in for handed_in in found if Path(handed_in.name).resolve() not in own]
    if not found:
        raise CnnError("no answer sheets", "give answer sheets, or folders of them")
    return found


def _for_gradescope(submissions: tuple[Path, ...], asked: Asked, results: Path) -> list[HandedIn]:
    """The one sheet that is graded for Gradescope; it has no sheet where none was handed in, or several were.

    The student reads the reason in the results, which an error would leave without any.
    """
    from cnncli.homework.collecting.handed_in import HandedIn, collect, raising
    from cnncli.homework.collecting.submitters import Submitter, autograder_submitters
    from cnncli.homework.submissions.documents import HAND_IN

    people = autograder_submitters(results)
    name = ", ".join(person.shown for person in people)
    submitter = people[0] if len(people) == 1 else Submitter(name) if people else None
    try:
        collected = [found for path in submissions for found in collect(path, _report_skipped, asked)]
        if not collected:
            raise CnnError("no answer sheet was handed in", HAND_IN)
        found = [handed_in for handed_in in collected if handed_in.is_sheet] or collected
        for other in collected:
            if other not in found:
                _report_skipped(Path(other.name), "not a sheet")
        if len(found) > 1:
            names = ", ".join(handed_in.name for handed_in in found[:5])
            raise CnnError(f"one answer sheet is graded, and there are {len(found)}: {names}", "hand in one file")
        (handed_in,) = found
    except CnnError as error:
        handed_in = HandedIn(str(submissions[0]), raising(error))
    return [handed_in._replace(submitter=submitter, group=people) if submitter is not None else handed_in]


def _feedback(key: AnswerKey, graded: list[GradedSubmission]) -> dict[str, str]:
    """Feedback and Gradescope's results for each student, by file, in the current language."""
    from cnncli.homework.collecting.roster import file_names
    from cnncli.homework.grading import feedback, gradescope

    texts = {}
    for submission, name in zip(graded, file_names(submission.student for submission in graded), strict=True):
        texts[f"feedback/{name}.md"] = feedback.markdown(key, submission)
        texts[f"feedback/{name}.html"] = feedback.html(key, submission)
        texts[f"gradescope/{name}.json"] = gradescope.results_text(gradescope.submission_results(submission))
    return texts


def _write(
    folder: Path,
    key: AnswerKey,
    graded: list[GradedSubmission],
    statistics: list[QuestionStatistics],
    roster: Roster | None,
    feedback: dict[str, str],
) -> list[MarkChange] | None:
    """Write the gradebooks, the class report, and the texts for each student; the marks that this changes, if any."""
    from cnncli.homework.grading import gradebooks
    from cnncli.homework.grading.regrade import write_grading
    from cnncli.views.grading import class_report

    texts = {
        "marks.csv": gradebooks.plain_csv(key, graded),
        "canvas.csv": gradebooks.canvas_csv(key, graded, roster),
        "moodle.csv": gradebooks.moodle_csv(key, graded, roster),
        "class.md": class_report(key, graded, statistics),
    }
    return write_grading(folder, graded, texts, feedback)
