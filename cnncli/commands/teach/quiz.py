"""``cnn quiz``: random exercises with their keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError, counted

if TYPE_CHECKING:
    from cnncli.homework.quiz.quiz import Quiz

FORMS = ("markdown", "latex", "html", "yaml", "key", "gift", "moodle", "json")


@options.command(
    options.excludes("--per-student", "--student", "--interactive", "--format", "--solutions",
                     why="all formats of each student's quiz are written"),
    options.excludes("--interactive", "--out", "--format", "--solutions", why="an interactive quiz prints no file"),
    options.excludes("--out", "--format", "--solutions", why="all formats are written, with the solutions"),
    options.excludes("--solutions", "--format key", "--format gift", "--format moodle", "--format json",
                     why="this format already includes the answers"),
    options.excludes("--format yaml", "--title", why="answer sheets have no title"),
    options.excludes("--format gift", "--title", why="this format has no title"),
    options.excludes("--format moodle", "--title", why="this format has no title"),
)  # fmt: skip
@click.option("--seed", type=options.Whole(), default=1, show_default=True, help="Random seed of the quiz.")
@click.option("--questions", type=options.Whole(1, 100), default=6, show_default=True, help="Number of questions.")
@click.option("--level", default="medium", show_default=True, help="Difficulty: easy, medium or hard.")
@click.option("--topics", help="Topics to cycle through: sizes,padding,parameters,fields,by_hand,networks.")
@click.option("--student", default="", help="Student ID; each gets different numbers.")
@click.option(
    "--per-student", "roster", type=click.Path(path_type=Path), help="Class list (CSV): write a quiz for each student."
)
@click.option("--title", default="", help="Title of the quiz.")
@click.option("--solutions", is_flag=True, help="Print the solutions as well.")
@click.option("--interactive", is_flag=True, help="Answer in the terminal, with hints.")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path), help="Folder for the quiz in all formats.")
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="markdown", show_default=True, help="Output format."
)
def command(
    seed: int, questions: int, level: str, topics: str | None, student: str, roster: Path | None, title: str,
    solutions: bool, interactive: bool, folder: Path | None, form: str,
) -> None:  # fmt: skip
    """Generate random exercises with keys and solutions.

    \b
      cnn quiz --seed 7 --level easy     print a quiz
      cnn quiz --seed 7 --solutions      print it with solutions
      cnn quiz --seed 7 -o quiz          write all formats, and a key for grading
      cnn quiz --per-student class.csv -o q
                                         write a quiz for each student, to grade
                                         with cnn grade q/keys
      cnn quiz --interactive             answer in the terminal
    """
    from cnncli.homework.quiz.quiz import draw
    from cnncli.homework.quiz.topics import TOPICS

    chosen = tuple(name.strip() for name in topics.split(",") if name.strip()) if topics else tuple(TOPICS)

    def draw_for(student: str) -> Quiz:
        return draw(seed, student, questions, level, chosen, title)

    if roster is not None:
        _write_class(folder, roster, draw_for)
    elif interactive:
        from cnncli.homework.quiz.interactive import ask

        ask(draw_for(student))
    elif folder is not None:
        _write(folder, draw_for(student))
        click.echo(f"{folder}: quiz.md, .tex, .html; solutions.md, .tex, .html; sheet.yaml, answers.yaml, key.yaml; "
                   "quiz.gift, quiz.moodle.xml, quiz.qti.zip")  # fmt: skip
    else:
        click.echo(_for_screen(_text(draw_for(student), form, solutions=solutions), form), nl=False)


def _for_screen(text: str, form: str) -> str:
    """The text with the paragraphs of Markdown wrapped on a terminal."""
    from cnncli.io.width import output_width, wrapped_text

    return text if form != "markdown" or output_width() is None else wrapped_text(text, more=0, code="|")


def _text(quiz: Quiz, form: str, *, solutions: bool) -> str:
    from cnncli.homework.quiz import documents, sheets, uploads

    if form in ("markdown", "latex", "html"):
        written = {"markdown": documents.MARKDOWN, "latex": documents.LATEX, "html": documents.HTML}[form]
        return documents.write_document(quiz, written, solutions=solutions)
    if form == "yaml":
        return sheets.sheet(quiz, filled=solutions)
    if form == "key":
        return sheets.key(quiz)
    return {"gift": uploads.gift, "moodle": uploads.moodle_xml, "json": _json}[form](quiz)


def _json(quiz: Quiz) -> str:
    import json

    from cnncli.homework.quiz.documents import MARKDOWN, value_text, wrong_options
    from cnncli.homework.quiz.quiz import answered

    questions = [
        {
            "question": answer.prompt.name,
            "topic": question.topic,
            "text": "\n".join([*map(MARKDOWN.part, question.parts), answer.prompt.label]),
            "answer": value_text(answer.expected.value),
            "derivation": list(answer.expected.derivation),
            "mistakes": dict(wrong_options(answer)),
        }
        for question, answers in zip(quiz.questions, answered(quiz), strict=True)
        for answer in answers
    ]
    record = {"title": quiz.title, "seed": quiz.seed, "student": quiz.student, "questions": questions}
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _write(folder: Path, quiz: Quiz) -> None:
    """Write all formats of a quiz."""
    from cnncli.homework.quiz import documents, sheets, uploads
    from cnncli.io.writing import write_whole

    texts = {
        "sheet.yaml": sheets.sheet(quiz),
        "answers.yaml": sheets.sheet(quiz, filled=True),
        "key.yaml": sheets.key(quiz),
        "quiz.gift": uploads.gift(quiz),
        "quiz.moodle.xml": uploads.moodle_xml(quiz),
    }
    for ending, form in (("md", documents.MARKDOWN), ("tex", documents.LATEX), ("html", documents.HTML)):
        texts[f"quiz.{ending}"] = documents.write_document(quiz, form)
        texts[f"solutions.{ending}"] = documents.write_document(quiz, form, solutions=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text.encode(), synced=False)
        write_whole(folder / "quiz.qti.zip", uploads.qti(quiz), synced=False)
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None


def _write_class(folder: Path | None, roster: Path, draw_for: Callable[[str], Quiz]) -> None:
    """Write folders of quizzes to hand out, of answer sheets, of solutions and of keys."""
    from cnncli.homework.grading.roster import file_names
    from cnncli.homework.quiz import documents, sheets
    from cnncli.io.progress import progress
    from cnncli.io.writing import write_whole

    if folder is None:
        raise CnnError("--per-student needs a folder to write to", "add -o FOLDER")
    students = _students(roster)
    try:
        for name in ("papers", "sheets", "solutions", "keys"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with progress("drawing", len(students), "quizzes") as advance:
            for student, file in zip(students, file_names(students), strict=True):
                quiz = draw_for(student)
                texts = {
                    f"papers/{file}.html": documents.write_document(quiz, documents.HTML),
                    f"sheets/{file}.yaml": sheets.sheet(quiz),
                    f"keys/{file}.yaml": sheets.key(quiz),
                    f"solutions/{file}.html": documents.write_document(quiz, documents.HTML, solutions=True),
                }
                for name, text in texts.items():
                    write_whole(folder / name, text.encode(), synced=False)
                advance(1)
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
    click.echo(f"{folder}: papers, sheets, solutions and keys for {counted(len(students), 'student')}")


def _students(roster: Path) -> list[str]:
    """The students of a class list. Raises CnnError where one occurs twice."""
    from cnncli.homework.grading.roster import read_roster

    class_list = read_roster(roster)
    columns = class_list.columns
    column = next((name for name in ("student", "SIS User ID", "ID number") if name in columns), columns[0])
    students = [row[column].strip() for row in class_list.rows if row[column].strip()]
    if len({*students}) < len(students):
        raise CnnError(f"{roster}: a student occurs twice", f"the values in column {column} must be unique")
    return students
