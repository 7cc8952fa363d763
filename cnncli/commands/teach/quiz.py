"""``cnn quiz``: random exercises with their keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError, counted

if TYPE_CHECKING:
    from cnncli.homework.quiz.quiz import Course, Quiz

FORMS = ("markdown", "latex", "html", "yaml", "key", "gift", "moodle", "json")
MOST_VARIANTS = 100


@options.command(
    options.excludes("--per-student", "--student", "--interactive", "--format", "--solutions", "--variants",
                     why="all formats of each student's quiz are written"),
    options.excludes("--interactive", "--out", "--format", "--solutions", why="an interactive quiz prints no file"),
    options.excludes("--out", "--format", "--solutions", why="all formats are written, with the solutions"),
    options.excludes("--solutions", "--format key", "--format gift", "--format moodle", "--format json",
                     why="this format already includes the answers"),
    options.excludes("--format yaml", "--title", why="answer sheets have no title"),
    options.excludes("--format gift", "--points", why="this format has no points"),
    options.excludes("--interactive", "--points", why="an interactive quiz counts answers"),
    options.needs("--variants", "--format gift", "--format moodle", "--out", why="it is for uploads: add -o FOLDER"),
    options.needs("--practice", "--format yaml", "--out", "--per-student", why="it is for sheets: add -o FOLDER"),
)  # fmt: skip
@click.option("--seed", type=options.Whole(), default=1, show_default=True, help="Random seed of the quiz.")
@click.option("--secret", help="Secret to draw with, so that the seed is not enough: a file, or a text.")
@click.option("--questions", type=options.Whole(1, 100), default=6, show_default=True, help="Number of questions.")
@click.option("--level", default="medium", show_default=True, help="Difficulty: easy, medium or hard.")
@click.option("--topics", help="Topics to cycle through: sizes, padding, parameters, fields, by_hand, networks, "
              "transposed, backward, batchnorm, softmax, memory, budget, table.")  # fmt: skip
@click.option("--points", default="", help="Points of each answer: 2, or by topic: by_hand=3,fields=2.")
@click.option("--student", default="", help="Student ID; each gets different numbers.")
@click.option(
    "--per-student", "roster", type=click.Path(path_type=Path), help="Class list (CSV): write a quiz for each student."
)
@click.option("--variants", type=options.Whole(1, MOST_VARIANTS), default=1,
              help="Uploads: a pool of N variants for each question.")  # fmt: skip
@click.option("--title", default="", help="Title of the quiz.")
@click.option("--practice", is_flag=True, help="Answer sheets that cnn check can judge, with the answers.")
@click.option("--solutions", is_flag=True, help="Print the solutions as well.")
@click.option("--interactive", is_flag=True, help="Answer in the terminal, with hints.")
@options.language_option("Language of the quiz: en, de, ko, pt.")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path), help="Folder for the quiz in all formats.")
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="markdown", show_default=True, help="Output format."
)
def command(
    seed: int, secret: str | None, questions: int, level: str, topics: str | None, points: str, student: str,
    roster: Path | None, variants: int, title: str, practice: bool, solutions: bool, interactive: bool,
    language: str, folder: Path | None, form: str,
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

    Whoever knows the seed can draw the quiz with its solutions. The quizzes of a class are therefore drawn with a
    secret, which is kept in FOLDER/secret.txt.
    """
    from cnncli.homework.languages.messages import speaking
    from cnncli.homework.quiz.quiz import Course, draw
    from cnncli.homework.quiz.secret import key_of, read_secret
    from cnncli.homework.quiz.topics.registry import TOPICS

    chosen = tuple(name.strip() for name in topics.split(",") if name.strip()) if topics else tuple(TOPICS)
    key = key_of(read_secret(secret)) if secret is not None else b""
    course = Course(seed, questions, level, chosen, title, key, _points(points, chosen))
    with speaking(language):
        if roster is not None:
            _write_class(folder, roster, course, practice=practice)
        elif interactive:
            from cnncli.homework.quiz.interactive import ask

            ask(draw(course, student))
        elif folder is not None:
            _write(folder, _variants(course, student, variants), practice=practice, is_secret=bool(key))
        else:
            quizzes = _variants(course, student, variants)
            click.echo(_for_screen(_text(quizzes, form, solutions=solutions, practice=practice), form), nl=False)


def _variants(course: Course, student: str, variants: int) -> list[Quiz]:
    """The quiz, and its other variants."""
    from cnncli.homework.quiz.quiz import draw

    first = draw(course, student)
    others = (draw(course, f"{student}#{number}") for number in range(2, variants + 1))
    return [first, *(quiz._replace(student=student) for quiz in others)]


def _points(text: str, topics: tuple[str, ...]) -> dict[str, int]:
    """``2`` for all topics (under ""), or ``by_hand=3,fields=2``. Raises CnnError."""
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        topic, equals, number = part.partition("=") if "=" in part else ("", "", part)
        topic = topic.strip()
        if not (number.strip().isascii() and number.strip().isdigit() and 1 <= len(number.strip()) <= 3):
            raise CnnError(f"--points: {part!r} is not a whole number of points", "write 2, or by_hand=3,fields=2")
        if equals and topic not in topics:
            raise CnnError(f"--points: the quiz has no questions about {topic!r}", f"use {', '.join(topics)}")
        if topic in found:
            raise CnnError(f"--points: twice for {topic or 'all topics'}", "write 2, or by_hand=3,fields=2")
        found[topic] = int(number)
    return found


def _for_screen(text: str, form: str) -> str:
    """The text with the paragraphs of Markdown wrapped on a terminal."""
    from cnncli.io.width import output_width, wrapped_text

    return text if form != "markdown" or output_width() is None else wrapped_text(text, more=0, code="|")


def _text(quizzes: list[Quiz], form: str, *, solutions: bool, practice: bool) -> str:
    from cnncli.homework.quiz import documents, sheets
    from cnncli.homework.quiz.uploads.gift import gift
    from cnncli.homework.quiz.uploads.moodle import moodle_xml

    quiz = quizzes[0]
    if form in ("markdown", "latex", "html"):
        written = {"markdown": documents.MARKDOWN, "latex": documents.LATEX, "html": documents.HTML}[form]
        return documents.write_document(quiz, written, solutions=solutions)
    if form == "yaml":
        return sheets.sheet(quiz, filled=solutions, practice=practice)
    if form in ("gift", "moodle"):
        return {"gift": gift, "moodle": moodle_xml}[form](quizzes)
    return {"key": sheets.key, "json": _json}[form](quiz)


def _json(quiz: Quiz) -> str:
    import json

    from cnncli.homework.quiz.documents import MARKDOWN
    from cnncli.homework.quiz.options import wrong_options
    from cnncli.homework.quiz.quiz import answered
    from cnncli.homework.quiz.values import value_text

    questions = [
        {
            "question": answer.prompt.name,
            "topic": question.topic,
            "text": "\n".join([*map(MARKDOWN.part, question.parts), answer.prompt.request]),
            "points": question.points,
            "answer": value_text(answer.expected.value),
            "choices": list(answer.prompt.stated.choices) if answer.prompt.stated else [],
            "derivation": list(answer.expected.derivation),
            "mistakes": dict(wrong_options(answer)),
        }
        for question, answers in zip(quiz.questions, answered(quiz), strict=True)
        for answer in answers
    ]
    record = {"title": quiz.title, "seed": quiz.seed, "student": quiz.student, "questions": questions}
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _write(folder: Path, quizzes: list[Quiz], *, practice: bool, is_secret: bool) -> None:
    """Write all formats of a quiz."""
    from cnncli.homework.quiz.folders import write_quiz

    write_quiz(folder, quizzes, practice=practice)
    click.echo(f"{folder}: quiz.md, .tex, .html; solutions.md, .tex, .html\n"
               "  sheet.yaml, answers.yaml, key.yaml\n"
               "  quiz.gift, quiz.moodle.xml, quiz.qti.zip")  # fmt: skip
    if not is_secret and not practice:
        click.echo("note: whoever guesses the seed can draw this quiz with its solutions\n"
                   "  add --secret FILE where points count", err=True)  # fmt: skip


def _write_class(folder: Path | None, roster: Path, course: Course, *, practice: bool) -> None:
    """Write folders of quizzes to hand out, of answer sheets, of solutions, of keys and of uploads."""
    from cnncli.homework.quiz.folders import write_class
    from cnncli.homework.quiz.quiz import draw
    from cnncli.homework.quiz.secret import FILE, kept_secret, key_of

    if folder is None:
        raise CnnError("--per-student needs a folder to write to", "add -o FOLDER")
    students = _students(roster)
    draw(course, students[0])  # raises the errors of the options before anything is written
    is_kept = not course.key
    if is_kept:
        course = course._replace(key=key_of(kept_secret(folder)))
    write_class(folder, students, lambda student: draw(course, student), practice=practice)
    click.echo(f"{folder}: papers, sheets, solutions, keys and qti for {counted(len(students), 'student')}")
    if is_kept:
        click.echo(f"  the quizzes are drawn with the secret in {FILE}: do not hand it out")


def _students(roster: Path) -> list[str]:
    """The students of a class list. Raises CnnError where one occurs twice."""
    from cnncli.homework.collecting.roster import IDS, read_roster

    class_list = read_roster(roster)
    first = next((name for name in ("student", "SIS User ID", "ID number") if name in class_list.columns), "")
    numbers = [name for name in class_list.columns if name.strip().lower() in IDS]
    columns = dict.fromkeys(filter(None, (first or class_list.columns[0], *numbers)))  # namesakes differ in a number
    found = {name: [row[name].strip() for row in class_list.rows if row[name].strip()] for name in columns}
    students = next((names for names in found.values() if len({*names}) == len(class_list.rows)), None)
    if students is None:
        column, students = next(iter(found.items()))
        if len({*students}) < len(students):
            raise CnnError(f"{roster}: a student occurs twice", f"the values in column {column} must be unique")
    return students
