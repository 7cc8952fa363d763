"""Reading the keys and the answer sheets of a class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cnncli.errors import INTERNAL_ERROR, NO, CnnError
from cnncli.homework.answer_key.questions import AnswerCache, empty_cache
from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.collecting.handed_in import HandedIn, Skipped
from cnncli.homework.collecting.roster import Roster
from cnncli.homework.collecting.submitters import Submitter, same_name
from cnncli.homework.grading.decision import Decide
from cnncli.homework.grading.grade import GradedSubmission, grade
from cnncli.homework.grading.key import AnswerKey, read_key
from cnncli.homework.grading.key_check import wrong_answers
from cnncli.homework.languages.messages import text as message
from cnncli.homework.submissions.documents import HAND_IN
from cnncli.io.files import exists, is_file
from cnncli.io.progress import progress
from cnncli.loading import FILE_ENDINGS


def find_keys(path: Path, skipped: Skipped) -> list[Path]:
    """A key, or the YAML files of a folder of keys and its subfolders.

    Raises CnnError where the path does not exist, or a folder cannot be read.
    """
    if not exists(path):
        raise CnnError(f"{path}: no such file or folder", "give an answer key, or a folder of them")
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
        elif entry.suffix.lower() not in FILE_ENDINGS:
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
    for file in find_keys(path, skipped):
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


def grade_files(
    keys: dict[str, AnswerKey],
    submissions: list[HandedIn],
    roster: Roster | None = None,
    decide: Decide | None = None,
) -> Iterator[GradedSubmission]:
    """Grade what was handed in, each by the key of its student, or by the one for all, with a person's decisions.

    The student is the one whom the platform names, else the one whom the sheet names; ``roster`` relates their names.
    """
    caches = {student: empty_cache() for student in keys}
    with progress("grading", len(submissions), "sheets") as advance:
        for handed_in in submissions:
            yield _graded(keys, handed_in, caches, roster, decide)
            advance(1)


def _graded(
    keys: dict[str, AnswerKey],
    handed_in: HandedIn,
    caches: dict[str, AnswerCache],
    roster: Roster | None,
    decide: Decide | None,
) -> GradedSubmission:
    """A graded sheet. An error in one sheet is its own problem, and the others are graded."""
    name = one_line(handed_in.name)  # archives of other systems may have names that are not UTF-8
    submitter = handed_in.submitter
    known_as = submitter.known_as if submitter is not None else ()

    def not_graded(problem: str, student: str = "") -> GradedSubmission:
        shown = (submitter.shown if submitter else "") or student or one_line(Path(handed_in.name).stem)
        return GradedSubmission(name, shown, problem=problem, known_as=known_as)

    try:
        sheet = handed_in.read()
        key, student = _key_of(keys, sheet.student, submitter, roster)
        if key is None:
            who = one_line(student) if student else message("a sheet without a student")
            return not_graded(message("no key for {student}", student=who), student)
        if told := _two_students(submitter, roster):
            return not_graded(told)
        if _is_of_another(handed_in, sheet.student, roster):
            return not_graded(message("handed in by {student}, but it is the sheet of {other}",
                                      student=one_line(student), other=one_line(sheet.student)))  # fmt: skip
        if roster is not None:
            known_as, student = _identified(roster, known_as, student, sheet.student)
        return grade(keys[key], name, sheet._replace(student=student), caches[key], decide)._replace(known_as=known_as)
    except CnnError as error:
        reason = one_line(str(error).splitlines()[0].removeprefix(f"{name}: "))
        is_wrong_kind = error.problems[0].hint == HAND_IN
        return not_graded(message("{reason}; {advice}", reason=reason, advice=HAND_IN) if is_wrong_kind else reason)
    except RecursionError:
        return not_graded(message("nested too deeply"))
    except Exception as error:  # a bug that one sheet triggers must not keep the others from being graded
        return not_graded(one_line(f"{INTERNAL_ERROR} ({type(error).__name__}: {error}): please report it"))


def _two_students(submitter: Submitter | None, roster: Roster | None) -> str:
    """Why a number or an address and the name beside it are of two students of the class list; empty otherwise."""
    named = roster.row_of(submitter.name) if roster is not None and submitter is not None else None
    if roster is None or submitter is None or named is None:
        return ""
    for identifier in submitter.known_as:
        row = roster.row_of(identifier)
        if row is not None and row is not named:
            return message("`{identifier}` is that of {one} in the class list, but the name is {other}",
                           identifier=one_line(identifier), one=roster.name_of([identifier]),
                           other=one_line(submitter.name))  # fmt: skip
    return ""


def _identified(roster: Roster, known_as: tuple[str, ...], student: str, written: str) -> tuple[tuple[str, ...], str]:
    """What is known of a student, and the name in reports: that of the class list for numbers and joined names.

    Of namesakes, the number in the sheet decides.
    """
    row = roster.row_of(written)
    if roster.row_of_any(known_as) is None and row in roster.namesakes(known_as):
        known_as = (written, *known_as)
    is_joined = bool(known_as) and len(student.split()) == 1  # Canvas: millerann
    if not is_joined and not any(char.isdigit() or char == "@" for char in student):
        return known_as, student
    known_as = known_as or (student,)
    return known_as, roster.name_of(known_as) or student


def _is_of_another(handed_in: HandedIn, written: str, roster: Roster | None) -> bool:
    """Whether a sheet names someone other than those who handed it in, by their names or by the roster."""
    people = handed_in.group or ((handed_in.submitter,) if handed_in.submitter is not None else ())
    if not people or not written:
        return False
    row = roster.row_of(written) if roster is not None else None
    if roster is not None and row is not None:
        rows = [found for person in people for found in roster.namesakes(person.known_as)]
        if rows:
            return row not in rows
    return all(person.contradicts(written) for person in people)


def _key_of(
    keys: dict[str, AnswerKey], written: str, submitter: Submitter | None, roster: Roster | None
) -> tuple[str | None, str]:
    """The student of the key for a sheet, None without one, and the student's name in reports.

    A sheet that someone else handed in is graded by the key of who handed it in: a friend's sheet earns nothing.
    """
    shown = (submitter.shown if submitter is not None else "") or written
    if "" in keys:
        return "", shown
    if submitter is None:
        return (written if written in keys else None), shown
    row = roster.row_of_any(submitter.known_as) if roster is not None else None
    known = [*submitter.known_as, *(row.values() if row is not None else ())]
    found = {student for student in keys for name in known if name.strip().lower() == student.lower()}
    found = found or {student for student in keys if submitter.name and same_name(submitter.name, student)}
    return (found.pop(), shown) if len(found) == 1 else (None, shown)
