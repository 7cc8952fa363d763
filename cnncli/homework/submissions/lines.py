"""A sheet as lines of ``question: answer``, for texts that are no YAML, or in which YAML would cut answers.

A line may be indented in any way, begin with a bullet, and have ``=`` or a tab in place of the colon. Rows of a matrix
may follow on lines of their own. What is not understood is told with its line; the other lines count.
"""

from __future__ import annotations

import re

from cnncli.errors import CnnError, Place
from cnncli.homework.answer_key.sheet import Question, ReadingNote, one_line
from cnncli.homework.languages.messages import text as message
from cnncli.homework.submissions.documents import Document
from cnncli.homework.submissions.drafts import BULLET, Asked, SheetDraft, question_with, section_note, section_of, shown
from cnncli.homework.submissions.fields import (
    FIELDS,
    root_entries,
    split_entries,
    split_fields,
    unquoted,
    without_braces,
)
from cnncli.homework.submissions.markup import without_markup
from cnncli.language.source import Mapping, Source, parse

_NUMBERED = re.compile(r"\(?(\d{1,3}|[a-z])[.)]\s+(?=\S)")
_ENTRY = re.compile(r"[\"'“]?([^\W_][\w./()# -]{0,58}?)[\"'”]?[ ]*(?::(?!:)|=(?!=)|\t|->|→)\s*(.*)", re.DOTALL)
_WITHOUT_COLON = re.compile(r"([^\W\d]\w*(?:\.\w+)+|[Qq]\d+|solve(?: \w+)?|convolve(?: \w+)?)[ \t]+(\S.*)")
_COMMENT = re.compile(r"(?:^|(?<=\s))#(?!\d).*")
_OPEN_QUOTE = re.compile(r"[:=]\s*([\"'])(?:(?!\1).)*$")
_DECORATION = re.compile(r"[\W_]*")
_ROW = re.compile(r"[\[(]?\s*[+−-]?[\d.]+(?:[\s,;&|]+[+−-]?[\d./]+)+\s*[\])]?\s*[,;]?\s*(?:\\\\)?")
_ASKED = re.compile(r"[\w-]+(?:\.[\w -]+)+|[Qq]\d+\w?|(?:solve|convolve)\b.*")
_NO_QUESTION = re.compile(r"[^\W\d_]|[\d\W]+")  # one letter, or an expression: C = 6, 4/6 = 2/3
_TABLE_HEADING = re.compile(
    r"\|?\s{0,9}(?:question|exercise|task|no|nr|frage|aufgabe|questão|pregunta|문제|题)\.?\s{0,9}[|\t]\s{0,9}"
    r"(?:your )?(?:answers?|solution|antwort|lösung|resposta|respuesta|답|답안|答案)\s{0,9}\|?",
    re.IGNORECASE,
)
_BLOCKS = ("architecture", "conventions", "locale")


class _Entry:
    """A question with the lines of its answer; ``depth`` counts the brackets that are open."""

    def __init__(self, name: str, value: str, line: int, indent: int) -> None:
        self.name = name
        self.values: list[str] = []
        self.depth = 0
        self.line = self.end = line
        self.indent = indent
        self.is_heading = not value  # the answer is below it
        if value:
            self.add(value, line)

    def add(self, value: str, line: int) -> None:
        """Add a line of the answer."""
        self.values.append(value)
        self.end = line
        self.depth += sum(map(value.count, "([{")) - sum(map(value.count, ")]}"))

    @property
    def is_open(self) -> bool:
        """Whether more must follow: nothing was given yet, or a bracket is open."""
        return not self.values or self.depth > 0


def read_lines(document: Document, asked: Asked | None = None) -> SheetDraft:
    """The questions of a sheet, line by line, with what its key ``asked``.

    Never fails: a text without any has no questions and a note a line.
    """
    reader = _LineReader(document, asked)
    for number, line in enumerate(document.source.text.split("\n")):
        reader.read(number, line)
    return reader.draft()


class _LineReader:
    def __init__(self, document: Document, asked: Asked | None) -> None:
        self.document = document
        self.asked = asked
        self.entries: list[_Entry] = []
        self.notes: list[ReadingNote] = []
        self.sections: dict[str, str] = {}
        self.blocks: set[int] = set()  # the lines of the network and the conventions
        self.in_braces: dict[int, str] = {}  # what of a line in braces is of the network and the conventions
        self.block_indent = -1  # of the open block; -1 outside
        self.block_has_value = False  # beside its name: a list below is none of it
        self.answers_indent = -1  # of the heading of the answers; -1 before it

    def read(self, number: int, raw: str) -> None:
        """Read a line."""
        indent = len(raw.expandtabs(4)) - len(raw.expandtabs(4).lstrip())
        is_markdown = self.document.source.name.lower().endswith(".md")
        line = _without_comment(without_markup(raw, self.asked, is_markdown=is_markdown)).strip()
        if self.has_empty_cell(raw, line):
            line = f"{line}:"
        if not line or _TABLE_HEADING.fullmatch(line):
            self.blocks |= {number} if self.block_indent >= 0 else set()
            return
        parts = root_entries(line) if not (self.entries or self.block_indent >= 0 or self.answers_indent >= 0) else []
        if parts:
            self.braces(number, parts)
            return
        match = _ENTRY.fullmatch(line)
        section = section_of(match[1]) if match else ""
        if self.block_indent >= 0:
            is_item = line.startswith("- ") and not self.block_has_value
            if section != "answers" and (indent > self.block_indent or is_item):
                self.blocks.add(number)
                return
            self.block_indent = -1
        if match and section and not self.is_asked(section, indent, match[2]):
            self.section(number, indent, match[1], section, match[2])
        else:
            self.answer(number, indent, line)

    def braces(self, number: int, parts: list[str]) -> None:
        """Read the entries of a sheet in braces, each as a line."""
        of_network = []
        for part in parts:
            self.read(number, part)
            if self.block_indent >= 0:
                of_network.append(part)
            self.block_indent = self.answers_indent = -1
        self.in_braces[number] = ", ".join(of_network) and f"{{{', '.join(of_network)}}}"

    def has_empty_cell(self, raw: str, line: str) -> bool:
        """Whether a line is a row of a table with a question whose cell for the answer is empty."""
        is_name = _ASKED.fullmatch(line) is not None or (self.asked is not None and line in self.asked.names)
        return is_name and raw.rstrip(" ").endswith("\t")

    def is_asked(self, section: str, indent: int, value: str) -> bool:
        """Whether a line is of the answers though it has the name of an entry of the sheet, as ``name`` may be."""
        last = self.entries[-1] if self.entries else None
        if last is not None and last.is_open and (indent > last.indent or _is_answer(section, value)):
            return True
        if self.answers_indent >= 0 and section != "answers" and indent > self.answers_indent:
            return True
        return section in ("name", "date") and (
            self.answers_indent >= 0 or bool({section, "student"} & {*self.sections})
        )

    def section(self, number: int, indent: int, key: str, section: str, value: str) -> None:
        """A line that names an entry of the sheet itself."""
        note = section_note(key, section)
        if note:
            self.note(number, note)
        if section in _BLOCKS:
            self.blocks.add(number)
            self.block_indent, self.block_has_value = indent, bool(value)
            if value.endswith(","):  # a line of JSON
                self.in_braces[number] = f"{key}: {value[:-1]}"
        elif section == "answers":
            self.answers_indent = indent
            if value.startswith("{") and value != "{":
                for name, text in split_entries(value):
                    self.entries.append(_Entry(name, text, number, indent))
            elif value not in ("", "{", "|", ">"):
                self.note(
                    number, message("not read: `{line}`; write question: answer", line=shown(value)), is_lost=True
                )
        else:
            text = one_line(unquoted(value))
            first = self.sections.setdefault(section, text)
            if text and text != first:
                told = message("not read: `{line}`; the {entry} is {first}",
                               line=shown(text), entry=section, first=shown(first))  # fmt: skip
                self.note(number, told, is_lost=True)

    def answer(self, number: int, indent: int, line: str) -> None:
        """A line with a question, one that continues the answer before it, or one that is not understood."""
        last = self.entries[-1] if self.entries else None
        body = BULLET.sub("", line)
        match = _ENTRY.fullmatch(body)
        numbered = _NUMBERED.match(body)
        if last and (self.is_below(last, number, body, match) or _continues(last, body, indent, match)):
            is_answer = match is not None and section_of(match[1]) == "answers"  # Answer: 156
            last.add(match[2] if match and is_answer else line if match is None else body, number)
            return
        if match is None and numbered:
            match = _ENTRY.fullmatch(body[numbered.end() :])
            if match is None:
                self.entries.append(_Entry(numbered[1], unquoted(body[numbered.end() :]), number, indent))
                return
        if match:
            name = match[1] if not numbered else _NUMBERED.sub("", match[1], count=1)
            self.entries.append(_Entry(name.strip(), match[2].strip(), number, indent))
            return
        bare = _WITHOUT_COLON.fullmatch(body)
        if bare:
            read = f"{bare[1]}: {shown(bare[2])}"
            self.note(number, message("`{line}` has no colon; it was read as {read}", line=shown(body), read=read))
            self.entries.append(_Entry(bare[1], bare[2].strip(), number, indent))
        elif not _DECORATION.fullmatch(body):
            self.note(
                number,
                message("not read: `{line}`; write question: answer", line=shown(body)),
                is_lost=last is not None,
            )

    def is_below(self, last: _Entry, number: int, line: str, match: re.Match[str] | None) -> bool:
        """Whether a line is of the answer below a question that has none in its own line, and no question itself.

        Without a key, only what cannot be the name of a question is no question.
        """
        if not last.is_heading or (last.values and number > last.end + 1) or _DECORATION.fullmatch(line):
            return False
        numbered, bare = _NUMBERED.match(line), _WITHOUT_COLON.fullmatch(line)
        name = (match or bare or numbered or [line, ""])[1].strip()
        if match and not match[2]:
            return False
        if match and _is_answer(section_of(name), match[2]):
            return True
        if self.asked is None:
            return bool(match) and not last.values and _NO_QUESTION.fullmatch(name) is not None
        is_asked = bool(name) and (_ASKED.fullmatch(name) is not None or self.asked.means(name))
        return not is_asked and self.asked.means(last.name)

    def draft(self) -> SheetDraft:
        """All that was read."""
        root, source = self.network()
        questions = tuple(self.question(entry) for entry in self.entries)
        student = self.sections.get("student") or self.sections.get("name") or ""
        return SheetDraft(student, questions, (*self.notes,), root, source)

    def question(self, entry: _Entry) -> Question:
        """An entry as a question: with fields where it names some."""
        line = self.document.source.line(entry.line)
        place = Place(self.document.source.name, entry.line + 1, len(line) - len(line.lstrip()) + 1, line)
        before, fields = split_fields("\n".join(entry.values))
        if fields:
            found = question_with(entry.name, fields, before, lambda text: self.note(entry.line, text, is_lost=True))
            return found._replace(place=place)
        values = entry.values[1:] if entry.values and entry.values[0] in ("|", ">", "|-") else entry.values
        text = unquoted("\n".join(values))
        if text.startswith("{") and text.count("{") == 1:
            text = unquoted(without_braces(text))
        comment = text if text.startswith("#") else "".join(_COMMENT.findall(line)[:1])
        if text in ("", comment) and re.search(r"\d", comment):
            told = message("{question} has no answer: `{comment}` is a comment; remove the #",
                           question=shown(entry.name), comment=shown(comment))  # fmt: skip
            self.note(entry.line, told, is_lost=True)
            text = ""
        return Question(entry.name, "" if text in ("~", "null") else text, {}, place)

    def network(self) -> tuple[Mapping | None, Source]:
        """The entries of the network and the conventions, in a text that has their lines alone."""
        lines = self.document.source.text.split("\n")
        text = "\n".join(self.in_braces.get(at, line) if at in self.blocks else "" for at, line in enumerate(lines))
        source = Source(self.document.source.name, text)
        try:
            root = parse(source)
        except CnnError as error:
            first = error.problems[0]
            reason = message("the network was not read: {reason}", reason=first.message)
            self.note(first.place.line - 1 if first.place else 0, reason, is_lost=True)
            return None, source
        if isinstance(root, Mapping):
            for key in [*root.entries]:
                section = section_of(key)
                if section and section != key and section not in root.entries:
                    root.entries[section], root.keys[section] = root.entries.pop(key), root.keys.pop(key)
            return root, source
        return None, source

    def note(self, number: int, text: str, *, is_lost: bool = False) -> None:
        self.notes.append(ReadingNote(text, self.document.where(number), is_lost))


def _continues(last: _Entry, line: str, indent: int, match: re.Match[str] | None) -> bool:
    """Whether a line belongs to the answer before it: a row of a matrix, a field, or what an open bracket awaits."""
    if last.values[:1] in (["|"], [">"], ["|-"], [">-"]) and indent > last.indent:
        return match is None or _ASKED.fullmatch(match[1].strip()) is None  # a text may have a colon
    if match and match[1].strip().lower() in FIELDS:
        return last.is_open or indent > last.indent
    if match and not re.fullmatch(r"[\[({].*", line):
        return False
    if _WITHOUT_COLON.fullmatch(line) or (_NUMBERED.match(line) and not _ROW.fullmatch(line)):
        return False
    if last.is_open or indent > last.indent:
        return True
    return bool(_ROW.fullmatch(line)) and bool(_ROW.fullmatch(last.values[-1]))


def _is_answer(section: str, value: str) -> bool:
    """Whether an entry of the sheet is one answer: ``Answer: 156``."""
    return section == "answers" and bool(value) and value[0] not in "{|>"


def _without_comment(line: str) -> str:
    """A line without its comment; a # in quotation marks is none, nor is that of ``Question #1``."""
    match = _COMMENT.search(line)
    return line if match is None or _OPEN_QUOTE.search(line[: match.start()]) else line[: match.start()]
