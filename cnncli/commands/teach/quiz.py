"""``cnn quiz``: exercises drawn at random, with their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.quiz import Quiz

FORMS = ("markdown", "latex", "html", "yaml", "key", "gift", "moodle", "json")


@options.command(
    options.excludes("--per-student", "--student", "--interactive", "--format", "--solutions",
                     why="all forms of each student's paper are written"),
    options.excludes("--interactive", "--out", "--format", "--solutions", why="an interactive quiz is asked here"),
    options.excludes("--out", "--format", "--solutions", why="all forms are written, and the solutions"),
    options.excludes("--solutions", "--format key", "--format gift", "--format moodle", "--format json",
                     why="this form holds the answers anyway"),
    options.excludes("--format yaml", "--title", why="a sheet has no title"),
    options.excludes("--format gift", "--title", why="this form has no title"),
    options.excludes("--format moodle", "--title", why="this form has no title"),
)  # fmt: skip
@click.option("--seed", type=options.Whole(), default=1, show_default=True, help="Another seed gives another quiz.")
@click.option("--questions", type=options.Whole(1, 100), default=6, show_default=True, help="How many.")
@click.option("--level", default="medium", show_default=True, help="easy, medium or hard.")
@click.option("--topics", help="Of sizes, padding, parameters, fields, by_hand, networks: those, in turn.")
@click.option("--student", default="", help="Whose paper: each student's figures are their own.")
@click.option("--per-student", "roster", type=click.Path(path_type=Path), help="A paper for each student of this CSV.")
@click.option("--title", default="", help="Of the paper.")
@click.option("--solutions", is_flag=True, help="The paper with its solutions worked.")
@click.option("--interactive", is_flag=True, help="Asks here, with hints.")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path), help="Write all forms there.")
@click.option("--format", "form", type=click.Choice(FORMS), default="markdown", show_default=True, help="To print.")
def command(
    seed: int, questions: int, level: str, topics: str | None, student: str, roster: Path | None, title: str,
    solutions: bool, interactive: bool, folder: Path | None, form: str,
) -> None:  # fmt: skip
    """Generate random exercises with keys and solutions.

    \b
      cnn quiz --seed 7 --level easy                  prints a paper
      cnn quiz --seed 7 --solutions                   the same, worked
      cnn quiz --seed 7 -o quiz                       writes all forms, key.yaml for cnn grade among them
      cnn quiz --seed 7 --per-student class.csv -o q  a paper for each student; cnn grade q/keys marks them
      cnn quiz --interactive                          asks here
    """
    from cnncli.homework.quiz import draw
    from cnncli.homework.quiz.topics import TOPICS

    chosen = tuple(name.strip() for name in topics.split(",") if name.strip()) if topics else tuple(TOPICS)

    def paper(of: str) -> Quiz:
        return draw(seed, of, questions, level, chosen, title)

    if roster is not None:
        _write_class(folder, roster, paper)
    elif interactive:
        from cnncli.homework.quiz.interactive import ask

        ask(paper(student))
    elif folder is not None:
        _write(folder, paper(student))
        click.echo(f"{folder}: quiz.md, .tex, .html; solutions.md, .tex, .html; sheet.yaml, answers.yaml, key.yaml; "
                   "quiz.gift, quiz.moodle.xml, quiz.qti.zip")  # fmt: skip
    else:
        click.echo(_text(paper(student), form, solutions=solutions), nl=False)


def _text(quiz: Quiz, form: str, *, solutions: bool) -> str:
    from cnncli.homework.quiz import papers, sheets, uploads

    if form in ("markdown", "latex", "html"):
        written = {"markdown": papers.MARKDOWN, "latex": papers.LATEX, "html": papers.HTML}[form]
        return papers.write_paper(quiz, written, solutions=solutions)
    if form == "yaml":
        return sheets.sheet(quiz, filled=solutions)
    if form == "key":
        return sheets.key(quiz)
    return {"gift": uploads.gift, "moodle": uploads.moodle_xml, "json": _json}[form](quiz)


def _json(quiz: Quiz) -> str:
    import json

    from cnncli.homework.quiz import solved
    from cnncli.homework.quiz.papers import MARKDOWN, value_text, wrong_options

    tasks = [
        {
            "question": answer.asked.name,
            "topic": task.topic,
            "text": "\n".join([*map(MARKDOWN.part, task.parts), answer.asked.what]),
            "answer": value_text(answer.truth.value),
            "derivation": list(answer.truth.derivation),
            "mistakes": dict(wrong_options(answer)),
        }
        for task, answers in zip(quiz.tasks, solved(quiz), strict=True)
        for answer in answers
    ]
    record = {"title": quiz.title, "seed": quiz.seed, "student": quiz.student, "questions": tasks}
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _write(folder: Path, quiz: Quiz) -> None:
    """All forms of one paper."""
    from cnncli.homework.quiz import papers, sheets, uploads
    from cnncli.io.writing import write_whole

    texts = {
        "sheet.yaml": sheets.sheet(quiz),
        "answers.yaml": sheets.sheet(quiz, filled=True),
        "key.yaml": sheets.key(quiz),
        "quiz.gift": uploads.gift(quiz),
        "quiz.moodle.xml": uploads.moodle_xml(quiz),
    }
    for ending, form in (("md", papers.MARKDOWN), ("tex", papers.LATEX), ("html", papers.HTML)):
        texts[f"quiz.{ending}"] = papers.write_paper(quiz, form)
        texts[f"solutions.{ending}"] = papers.write_paper(quiz, form, solutions=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text.encode(), synced=False)
        write_whole(folder / "quiz.qti.zip", uploads.qti(quiz), synced=False)
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None


def _write_class(folder: Path | None, roster: Path, paper: Callable[[str], Quiz]) -> None:
    """A folder of papers for each student, to hand out, and one of keys, to keep."""
    from cnncli.homework.grading.marksheets import read_roster
    from cnncli.homework.quiz import papers, sheets
    from cnncli.io.progress import progress
    from cnncli.io.writing import write_whole

    if folder is None:
        raise CnnError("--per-student writes many papers", "say where: -o FOLDER")
    listed = read_roster(roster)
    column = next(
        (name for name in ("student", "SIS User ID", "ID number") if name in listed.columns), listed.columns[0]
    )
    students = [row[column].strip() for row in listed.rows if row[column].strip()]
    if len({*students}) < len(students):
        raise CnnError(f"{roster}: a student stands in it twice", f"the column {column} must tell students apart")
    try:
        for name in ("papers", "sheets", "solutions", "keys"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with progress("drawing", len(students), "papers") as advance:
            for student, file in zip(students, _file_names(students), strict=True):
                quiz = paper(student)
                texts = {
                    f"papers/{file}.html": papers.write_paper(quiz, papers.HTML),
                    f"sheets/{file}.yaml": sheets.sheet(quiz),
                    f"keys/{file}.yaml": sheets.key(quiz),
                    f"solutions/{file}.html": papers.write_paper(quiz, papers.HTML, solutions=True),
                }
                for name, text in texts.items():
                    write_whole(folder / name, text.encode(), synced=False)
                advance(1)
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
    click.echo(f"{folder}: papers, sheets, solutions and keys for {len(students)} students")


def _file_names(students: list[str]) -> Iterator[str]:
    """A name for each student's files, without what a file name cannot hold: each once, also where case is ignored."""
    taken: set[str] = set()
    for student in students:
        plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in student)[:60].lstrip(".") or "_"
        numbered = chain((plain,), (f"{plain}-{number}" for number in count(2)))
        name = next(name for name in numbered if name.lower() not in taken)
        taken.add(name.lower())
        yield name
