"""Writing quizzes: one in all formats, or those of a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cnncli.homework.collecting.roster import file_names
from cnncli.homework.quiz import documents, sheets
from cnncli.homework.quiz.quiz import Quiz
from cnncli.homework.quiz.uploads.gift import gift
from cnncli.homework.quiz.uploads.moodle import moodle_xml
from cnncli.homework.quiz.uploads.qti import qti
from cnncli.io.progress import progress
from cnncli.io.writing import write_whole, writing

CLASS_FOLDERS = ("papers", "sheets", "solutions", "keys", "qti")


def write_quiz(folder: Path, quizzes: Sequence[Quiz], *, practice: bool) -> None:
    """Write all formats of the first quiz, and the uploads with a variant from each. Raises CnnError."""
    quiz = quizzes[0]
    texts = {
        "sheet.yaml": sheets.sheet(quiz, practice=practice),
        "answers.yaml": sheets.sheet(quiz, filled=True, practice=practice),
        "key.yaml": sheets.key(quiz),
        "quiz.gift": gift(quizzes),
        "quiz.moodle.xml": moodle_xml(quizzes),
    }
    for ending, form in (("md", documents.MARKDOWN), ("tex", documents.LATEX), ("html", documents.HTML)):
        texts[f"quiz.{ending}"] = documents.write_document(quiz, form)
        texts[f"solutions.{ending}"] = documents.write_document(quiz, form, solutions=True)
    data = {name: text.encode() for name, text in texts.items()}
    _write(folder, data | {"quiz.qti.zip": qti(quizzes)})


def write_class(folder: Path, students: list[str], draw_for: Callable[[str], Quiz], *, practice: bool) -> None:
    """Write folders of quizzes to hand out, of answer sheets, of solutions, of keys and of uploads. Raises CnnError."""
    for name in CLASS_FOLDERS:
        with writing(folder / name):
            (folder / name).mkdir(parents=True, exist_ok=True)
    with progress("drawing", len(students), "quizzes") as advance:
        for student, file in zip(students, file_names(students), strict=True):
            quiz = draw_for(student)
            texts = {
                f"papers/{file}.html": documents.write_document(quiz, documents.HTML),
                f"sheets/{file}.yaml": sheets.sheet(quiz, practice=practice),
                f"keys/{file}.yaml": sheets.key(quiz),
                f"solutions/{file}.html": documents.write_document(quiz, documents.HTML, solutions=True),
            }
            data = {name: text.encode() for name, text in texts.items()}
            _write(folder, data | {f"qti/{file}.qti.zip": qti([quiz])})
            advance(1)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        with writing(folder / name):
            write_whole(folder / name, data, synced=False)
