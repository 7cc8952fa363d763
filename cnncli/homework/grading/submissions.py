"""Reading the keys and the answer sheets of a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cnncli.errors import INTERNAL_ERROR, NO, CnnError
from cnncli.homework.answer_key.questions import AnswerCache, empty_cache
from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.grading.grade import GradedSubmission, grade
from cnncli.homework.grading.key import AnswerKey, read_key
from cnncli.homework.grading.key_check import wrong_answers
from cnncli.homework.submissions.reading import read_sheet
from cnncli.io.files import exists, is_file
from cnncli.io.progress import progress

Skipped = Callable[[Path, str], None]  # called with each file that is skipped, and the reason


def find_sheets(path: Path, skipped: Skipped) -> list[Path]:
    """A file, or the YAML files of a folder and its subfolders.

    Raises CnnError where the path does not exist, or a folder cannot be read.
    """
    if not exists(path):
        raise CnnError(f"{path}: no such file or folder", "give answer sheets, or folders of them")
    return [*_in_folder(path, skipped)] if path.is_dir() else [path]


def _in_folder(folder: Path, skipped: Skipped) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise CnnError(f"{folder}: cannot be read: {error.strerror or error}") from None
    reasons = {} if entries else {folder: "an empty folder"}
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from _in_folder(entry, skipped)
        elif entry.suffix.lower() not in (".yaml", ".yml"):
            reasons[entry] = "not a .yaml or .yml file"
        elif is_file(entry):
            yield entry
        else:
            reasons[entry] = "not a regular file"
    for entry, reason in reasons.items():
        skipped(entry, reason)


def read_keys(path: Path, skipped: Skipped) -> dict[str, AnswerKey]:
    """The key for all students (under ""), or those of a folder by student, all checked.

    Raises CnnError for an invalid key, for one with wrong answers, and for keys that ask different questions.
    """
    keys: dict[str, AnswerKey] = {}
    for file in find_sheets(path, skipped):
        key = read_key(str(file))
        wrong = wrong_answers(key, empty_cache())
        if wrong:
            text = f"{file}: wrong answers in the key\n  " + "\n  ".join(wrong)
            raise CnnError(text, "fix them, or remove them from the key", exit_code=NO)
        student = key.student if path.is_dir() else ""
        if student in keys:
            raise CnnError(f"{file}: second key for {student or 'all students'}", "keep one key per student")
        keys[student] = key
    if not keys:
        raise CnnError(f"{path}: no keys", "write them with cnn quiz --per-student")
    if len({tuple((question.name, question.points) for question in key.questions) for key in keys.values()}) > 1:
        raise CnnError(f"{path}: the keys ask different questions", "draw them with the same options")
    return keys


def grade_files(keys: dict[str, AnswerKey], files: list[Path]) -> Iterator[GradedSubmission]:
    """Grade answer sheets, each by the key of its student, or by the one for all."""
    caches = {student: empty_cache() for student in keys}
    with progress("grading", len(files), "sheets") as advance:
        for file in files:
            yield _graded(keys, file, caches)
            advance(1)


def _graded(keys: dict[str, AnswerKey], file: Path, caches: dict[str, AnswerCache]) -> GradedSubmission:
    """A graded sheet. An error in one sheet is its own problem, and the others are graded."""
    name = one_line(str(file))  # archives of other systems may have names that are not UTF-8

    def not_graded(problem: str, student: str = "") -> GradedSubmission:
        return GradedSubmission(name, student or one_line(file.stem), problem=one_line(problem))

    try:
        sheet = read_sheet(str(file), network=False)
        student = "" if "" in keys else sheet.student
        if student not in keys:
            return not_graded(f"no key for {student or 'a sheet without a student'}", sheet.student)
        return grade(keys[student], name, sheet, caches[student])
    except CnnError as error:
        return not_graded(str(error).splitlines()[0])
    except RecursionError:
        return not_graded("nested too deeply")
    except Exception as error:  # a bug that one sheet triggers must not keep the others from being graded
        return not_graded(f"{INTERNAL_ERROR} ({type(error).__name__}: {error}): please report it")
