"""The CSV exports of forms and quizzes: one row a student, and a column for each question.

The columns about the student and the attempt are those of Google Forms (``Timestamp``, ``Email Address``, ``Score``),
Microsoft Forms (``ID``, ``Start time``, ``Completion time``, ``Email``, ``Name``), the responses of a Moodle quiz
(``Last name``, ``First name``, ``Email address``, ``Status``, …, ``Response 1``) and Canvas's student analysis
(``name``, ``id``, ``sis_id``, ``section``, …). Every other column is a question.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from cnncli.errors import CnnError, Place
from cnncli.homework.answer_key.sheet import Question, ReadingNote, Sheet, one_line
from cnncli.homework.collecting.submitters import Submitter
from cnncli.homework.submissions.documents import plain_text
from cnncli.homework.submissions.encodings import decoded

NAMES = ("name", "full name", "your name", "student", "student name", "vollständiger name", "nome", "이름", "姓名")
FIRST_NAMES = ("first name", "vorname", "given name", "prénom", "nombre")
LAST_NAMES = ("last name", "surname", "nachname", "family name", "nom", "apellido(s)", "sobrenome")
EMAILS = ("email", "e-mail", "email address", "e-mail address", "username", "e-mail-adresse", "이메일 주소", "电子邮件")
NUMBERS = (
    *("id number", "sis_id", "student id", "student number", "sis user id", "matrikelnummer", "id-nummer"),
    *("학번", "学号"),
)
PARTS = {"name": NAMES, "first": FIRST_NAMES, "last": LAST_NAMES, "email": EMAILS, "number": NUMBERS, "other": ("id",)}
ATTEMPT = {
    *("timestamp", "zeitstempel", "타임스탬프", "时间戳记", "carimbo de data/hora", "marca temporal", "horodateur"),
    *("score", "start time", "completion time", "last modified time", "total points", "quiz feedback"),
    *("institution", "department", "state", "status", "started on", "started", "completed", "time taken", "duration"),
    *("grade posted time", "language", "section", "section_id", "section_sis_id", "submitted"),
    *("attempt", "n correct", "n incorrect"),
    *("startzeit", "fertigstellungszeit", "status", "begonnen am", "beendet", "verbrauchte zeit", "group", "groups"),
}  # fmt: skip
_GRADING = re.compile(
    r"(?:points|feedback|punkte) - .*|.* \[(?:score|feedback)\]|(?:grade|bewertung|q\. ?\d+ ?)/[\d.,]+|\d+[.,]\d+",
    re.DOTALL,
)
_CANVAS_QUESTION = re.compile(r"\d+: (.+)", re.DOTALL)
COLUMNS = "export it with a column for the name or the e-mail address, and one for each question"
CELL_LIMIT = 100_000  # characters


class FormRow(NamedTuple):
    """A row of a form: its line, who answered, and the answers as a sheet."""

    line: int
    submitter: Submitter
    sheet: Sheet


def form_rows(name: str, data: bytes, asked: Collection[str] = ()) -> Iterator[FormRow]:
    """The students of a form's export, of which a key ``asked`` questions. Raises CnnError for a file that is none."""
    read = decoded(data)
    text = read.text.lstrip("\ufeff \r\n")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
        heads = [plain_text(cell).strip() for cell in next(reader, [])]
        columns = _columns(heads, asked)
        if not columns.identify or not columns.questions:
            missing = "students" if columns.questions else "answers"
            raise CnnError(f"{name}: is no export of a form: it has no column of {missing}", COLUMNS)
        if columns.unclear:
            raise CnnError(f"{name}: the column '{columns.unclear}' may be that of the students, or of the question",
                           "add a column of e-mail addresses, or give the question another name")  # fmt: skip
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) > len(heads) or max(map(len, row)) > CELL_LIMIT:
                    raise CnnError(f"{name}:{reader.line_num}: the row has more cells than there are columns",
                                   "export the form again")  # fmt: skip
                yield _form_row(name, reader.line_num, columns, row, read.notes)
    except (csv.Error, ValueError) as error:
        raise CnnError(f"{name}: is not a CSV file: {error}", "export the form again") from None


class _Columns(NamedTuple):
    """The places of the columns: by the part of a student that they hold, and the questions by place.

    ``unclear`` is a question that has no column but the one that tells who the students are.
    """

    identify: dict[str, int]
    questions: dict[int, str]
    unclear: str = ""


def _columns(heads: list[str], asked: Collection[str]) -> _Columns:
    """The columns by their headings; that of a question of the key is its column, whatever else it could be."""
    questions = _questions(heads)
    for name in sorted({*asked} - {*questions.values()}):
        at = max((at for at, head in enumerate(heads) if head == name), default=None)
        if at is None:
            continue
        identify = _identifying(["" if other == at else head for other, head in enumerate(heads)])
        if not identify.keys() - {"other"}:
            return _Columns(_identifying(heads), questions, unclear=name)
        questions[at] = name
    plain = ["" if at in questions else head for at, head in enumerate(heads)]
    return _Columns(_identifying(plain), dict(sorted(questions.items())))


def _identifying(heads: list[str]) -> dict[str, int]:
    """The first column for each part of a student."""
    identify: dict[str, int] = {}
    for at, head in enumerate(heads):
        if part := _part(head):
            identify.setdefault(part, at)
    return identify


def _questions(heads: list[str]) -> dict[int, str]:
    """The columns that are neither about the student nor about the attempt or its grading."""
    questions: dict[int, str] = {}
    for at, head in enumerate(heads):
        plain = _plain(head)
        if head and not _part(head) and plain not in ATTEMPT and not _GRADING.fullmatch(plain):
            numbered = _CANVAS_QUESTION.fullmatch(head)
            questions[at] = numbered[1] if numbered else head
    return questions


def _part(head: str) -> str:
    """The part of a student that a column holds; "" for any other column."""
    return next((part for part, known in PARTS.items() if _plain(head) in known), "")


def _plain(head: str) -> str:
    return " ".join(head.lower().split())


def _form_row(name: str, line: int, columns: _Columns, row: list[str], notes: tuple[ReadingNote, ...]) -> FormRow:
    cells = [plain_text(cell).strip() for cell in row]

    def cell(part: str) -> str:
        at = columns.identify.get(part, len(cells))
        return one_line(cells[at]) if at < len(cells) else ""

    full = cell("name") or " ".join(filter(None, (cell("first"), cell("last"))))
    submitter = Submitter(full, cell("email"), cell("number"), tuple(filter(None, (cell("other"),))))
    questions = tuple(
        Question(one_line(head), "" if cells[at] == "-" else cells[at], {}, Place(name, line, 1, ""))
        for at, head in columns.questions.items()
        if at < len(cells)
    )
    return FormRow(line, submitter, Sheet(submitter.shown, None, questions, notes=notes))


def delimiter_of(text: str) -> str:
    """What separates the cells of a CSV file, by its first line: spreadsheets write ; where decimals have a comma."""
    heading = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    return max(",;\t", key=heading.count)
