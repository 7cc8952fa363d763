"""``cnn grade``: a class's answer sheets to marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import NO, CnnError

if TYPE_CHECKING:
    from cnncli.homework.answer_key.questions import AnswerCache
    from cnncli.homework.answer_key.sheet import Sheet
    from cnncli.homework.grading.grade import GradedSubmission, Key, Result
    from cnncli.homework.grading.marksheets import Roster


@options.command(options.needs("--hide-answers", "--gradescope"))
@click.argument("key_file", metavar="KEY")
@click.argument("submissions", metavar="SUBMISSION…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path),
              help="Write mark sheets (CSV, Canvas, Moodle, Gradescope), a report and feedback there.")  # fmt: skip
@click.option("--roster", type=click.Path(path_type=Path), help="The class list (CSV, as Canvas and Moodle export it).")
@click.option("--gradescope", type=click.Path(path_type=Path), help="Write the results.json of one sheet there.")
@click.option("--hide-answers", is_flag=True, help="With --gradescope: hints only, not what is right.")
@options.format_option("table", "json", "csv")
def command(
    key_file: str,
    submissions: tuple[Path, ...],
    folder: Path | None,
    roster: Path | None,
    gradescope: Path | None,
    hide_answers: bool,
    form: str,
) -> None:
    """Grade a class's answer sheets against an answer key.

    SUBMISSIONs are sheets, or folders of them. The KEY names the network, the points of each question, the conventions
    and what else is accepted; its own answers are checked first. A folder of keys holds one for each student, as cnn
    quiz writes them. A sheet that cannot be read gets an error line and no marks.
    """
    from cnncli.homework.grading.grade import results
    from cnncli.homework.grading.marksheets import gradescope_of, plain_csv, read_roster, write_results
    from cnncli.io.files import exists

    keys = _keys(Path(key_file))
    key = next(iter(keys.values()))
    listed = read_roster(roster) if roster is not None else None
    graded_here = gradescope is not None  # there a student reads in the results that the sheet is missing
    files = [file for path in submissions for file in ([path] if graded_here and not exists(path) else _sheets(path))]
    if not files:
        raise CnnError("there are no sheets", "a sheet is a YAML file; give files, or folders of them")
    if gradescope is not None and len(files) > 1:
        raise CnnError("--gradescope writes the results of one sheet", "give one sheet, or -o for all of a class")
    papers = list(_marked(keys, files))
    if gradescope is not None:
        write_results(gradescope, gradescope_of(papers[0], hidden=hide_answers))
    found = results(key, papers)
    if folder is not None:
        _write(folder, key, papers, found, listed)
    for note in _notes(papers, listed):
        click.echo(note, err=True)
    if form == "json":
        import json

        click.echo(json.dumps(_record(key, papers, found), indent=1, ensure_ascii=False))
    elif form == "csv":
        click.echo(plain_csv(key, papers), nl=False)
    else:
        click.echo("\n".join(_lines(key, papers, found)))


def _notes(papers: list[GradedSubmission], roster: Roster | None) -> Iterator[str]:
    """What a teacher must look at: sheets without marks, students with two sheets or none, and unknown ones."""
    for paper in papers:
        if paper.problem:
            yield f"{paper.file}: no marks: {paper.problem}"
        elif paper.unasked:
            yield f"{paper.file}: the key does not ask {', '.join(paper.unasked)}"
    handed: dict[str, list[str]] = {}
    for paper in papers:
        if not paper.problem:
            handed.setdefault(paper.student, []).append(paper.file)
    for student, files in handed.items():
        if len(files) > 1:
            yield f"{student} handed in {len(files)} sheets, all marked: {', '.join(files)}"
        if roster is not None and roster.row_of(student) is None:
            yield f"{student} is not in the roster, or in several of its rows ({files[0]})"
    if roster is not None:
        found = [roster.row_of(student) for student in handed]
        missing = [next(iter(row.values())) for row in roster.rows if row not in found]
        if missing:
            yield f"no marks for {', '.join(missing)}"


def _sheets(path: Path) -> list[Path]:
    """A file, or the sheets of a folder and its folders. What is left out there is said on standard error.

    Raises CnnError where there is nothing by that name, or a folder cannot be read.
    """
    from cnncli.io.files import exists

    if not exists(path):
        raise CnnError(f"{path}: no such file or folder", "give sheets, or folders of them")
    return [*_in_folder(path)] if path.is_dir() else [path]


def _in_folder(folder: Path) -> Iterator[Path]:
    from cnncli.homework.answer_key.sheet import one_line
    from cnncli.io.files import is_file

    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise CnnError(f"{folder}: cannot be read: {error.strerror or error}") from None
    why = {} if entries else {folder: "an empty folder"}
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from _in_folder(entry)
        elif entry.suffix.lower() not in (".yaml", ".yml"):
            why[entry] = "not a .yaml or .yml file"
        elif is_file(entry):
            yield entry
        else:
            why[entry] = "not a regular file"
    for entry, reason in why.items():
        click.echo(f"skipped: {one_line(str(entry))} ({reason})", err=True)


def _keys(path: Path) -> dict[str, Key]:
    """The key for all ("") or, of a folder, each student's own, all checked. Raises CnnError naming wrong ones."""
    from cnncli.homework.answer_key.questions import nothing_known
    from cnncli.homework.grading.grade import key_problems, read_key

    files = _sheets(path)
    keys = {}
    for file in files:
        key = read_key(str(file))
        problems = key_problems(key, nothing_known())
        if problems:
            text = f"{file}: the key is wrong\n  " + "\n  ".join(problems)
            raise CnnError(text, "mend it, or leave answer out", exit_code=NO)
        student = key.student if path.is_dir() else ""
        if student in keys:
            raise CnnError(f"{file}: is a second key for {student or 'all'}", "keep one key for each student")
        keys[student] = key
    if not keys:
        raise CnnError(f"{path}: holds no keys", "cnn quiz --per-student writes a folder of them")
    if len({tuple((item.name, item.points) for item in key.items) for key in keys.values()}) > 1:
        raise CnnError(f"{path}: the keys do not ask the same questions", "draw them with the same options")
    return keys


def _marked(keys: dict[str, Key], files: list[Path]) -> Iterator[GradedSubmission]:
    from cnncli.homework.answer_key.questions import nothing_known
    from cnncli.io.progress import progress

    known = {student: nothing_known() for student in keys}
    with progress("marking", len(files), "sheets") as advance:
        for file in files:
            yield _paper(keys, file, known)
            advance(1)


def _paper(keys: dict[str, Key], file: Path, known: dict[str, AnswerCache]) -> GradedSubmission:
    """One sheet's marks; whatever is wrong with it is its own."""
    from cnncli.homework.answer_key.sheet import one_line, read_sheet
    from cnncli.homework.grading.grade import GradedSubmission, mark

    shown = one_line(str(file))  # a name that is not UTF-8 as well: archives of other systems hold such

    def unmarked(problem: str, student: str = "") -> GradedSubmission:
        return GradedSubmission(shown, student or one_line(file.stem), problem=one_line(problem))

    try:
        sheet = read_sheet(str(file), network=False)
        whose = "" if "" in keys else sheet.student
        if whose not in keys:
            return unmarked(f"there is no key for {whose or 'no student'}", sheet.student)
        return mark(keys[whose], shown, sheet, known[whose])._replace(unasked=_unasked(keys[whose], sheet))
    except CnnError as error:
        return unmarked(str(error).splitlines()[0])
    except RecursionError:
        return unmarked("is nested too deeply")
    except Exception as error:  # a bug of ours that one sheet meets must not cost the others their marks
        return unmarked(f"cnn itself failed on it ({type(error).__name__}: {error}): please report it")


def _unasked(key: Key, sheet: Sheet) -> tuple[str, ...]:
    """What a sheet answers that the key does not ask: a misspelt question, most likely."""
    from cnncli.homework.answer_key.questions import one_name
    from cnncli.homework.answer_key.sheet import one_line

    asked = {one_name(name) for item in key.items for name in (item.name, item.question.name)}
    return tuple(one_line(question.name) for question in sheet.questions if one_name(question.name) not in asked)


def _lines(key: Key, papers: list[GradedSubmission], found: list[Result]) -> list[str]:
    """The class's table: every question, then the mean."""
    from cnncli.homework.answer_key.sheet import one_line
    from cnncli.homework.grading.grade import points_text
    from cnncli.views.listing import as_table

    marked = [paper for paper in papers if not paper.problem]
    rows = [
        {
            "question": result.question,
            "points": points_text(result.out_of),
            "mean": f"{result.mean:.2f}",
            "right": result.right,
            "follows": result.followed,
            "blank": result.blank,
            "commonest wrong": f"{one_line(result.wrong[0].value, 40)} ({result.wrong[0].times})"
            if result.wrong
            else "",
            "commonest mistake": result.common_mistake,
        }
        for result in found
    ]
    mean = sum(float(paper.points) for paper in marked) / max(1, len(marked))
    lines = [key.title, ""] if key.title else []
    lines += [
        as_table(rows).rstrip("\n"),
        "",
        f"{len(marked)} paper{'s' * (len(marked) != 1)}, {mean:.2f} of {points_text(key.out_of)} points on average",
    ]
    hardest = min(found, key=lambda result: result.mean / max(float(result.out_of), 1e-9))
    if marked and hardest.mean < float(hardest.out_of):
        lines.append(f"hardest: {hardest.question}")
    return [*lines, *(_suspicion(result, len(marked)) for result in found if result.suspect)]


def _suspicion(result: Result, papers: int) -> str:
    agreed = result.wrong[0]
    return (
        f"suspect: {agreed.times} of {papers} answer {result.question} with {agreed.value}: "
        "look at the key and at the wording"
    )


def _record(key: Key, papers: list[GradedSubmission], found: list[Result]) -> dict[str, Any]:
    return {
        "title": key.title,
        "out_of": float(key.out_of),
        "students": [
            {
                "student": paper.student,
                "file": paper.file,
                **({"problem": paper.problem} if paper.problem else {"points": float(paper.points)}),
                "marks": [
                    {
                        "question": mark.answer.question,
                        "given": mark.answer.given,
                        "points": float(mark.points),
                        "out_of": float(mark.out_of),
                        "correct": mark.answer.correct,
                        "follow_through": mark.answer.follow_through,
                        "blank": mark.answer.blank,
                        "mistakes": list(mark.answer.mistakes),
                        "remarks": list(mark.answer.remarks),
                    }
                    for mark in paper.marks
                ],
            }
            for paper in papers
        ],
        "questions": [
            {**result._asdict(), "out_of": float(result.out_of), "wrong": [wrong._asdict() for wrong in result.wrong]}
            for result in found
        ],
    }


def _write(folder: Path, key: Key, papers: list[GradedSubmission], found: list[Result], roster: Roster | None) -> None:
    """The mark sheets, the class's report, and a page of feedback and Gradescope's results for each student."""
    from cnncli.homework.grading import feedback, marksheets
    from cnncli.io.writing import write_whole

    texts = {
        "marks.csv": marksheets.plain_csv(key, papers),
        "canvas.csv": marksheets.canvas_csv(key, papers, roster),
        "moodle.csv": marksheets.moodle_csv(key, papers, roster),
        "class.md": _report(key, papers, found),
    }
    for number, paper in enumerate(papers, 1):
        name = f"{number:04d}-" + "".join(c if c.isalnum() or c in "-_" else "_" for c in paper.student)[:60]
        texts[f"feedback/{name}.md"] = feedback.markdown(key, paper)
        texts[f"feedback/{name}.html"] = feedback.html(key, paper)
        texts[f"gradescope/{name}.json"] = marksheets.results_text(marksheets.gradescope_of(paper))
    try:
        for name in ("feedback", "gradescope"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text.encode(), synced=False)
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None


def _report(key: Key, papers: list[GradedSubmission], found: list[Result]) -> str:
    """The class's report as Markdown: the table, and the commonest wrong values with who gave them."""
    from cnncli.homework.grading.feedback import as_code
    from cnncli.io.escaping import markdown

    lines = ["```", *_lines(key, papers, found), "```", ""]
    for result in found:
        for wrong in result.wrong:
            why = f" ({' or '.join(wrong.mistakes)})" if wrong.mistakes else ""
            more = ", …" if wrong.times > len(wrong.students) else ""
            who = markdown(", ".join(wrong.students))
            lines.append(f"- {markdown(result.question)}: {as_code(wrong.value)}{why}, {wrong.times}: {who}{more}")
    return "\n".join([*lines, ""])
