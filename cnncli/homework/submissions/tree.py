"""A sheet in YAML: the questions in its tree, with what YAML cuts at commas put together again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from cnncli.errors import CnnError
from cnncli.homework.answer_key.sheet import Question, ReadingNote, name_of, one_line, question_of, text_of
from cnncli.homework.languages.messages import text as message
from cnncli.homework.submissions.documents import Document
from cnncli.homework.submissions.drafts import BULLET, Asked, SheetDraft, question_with, section_note, section_of, shown
from cnncli.homework.submissions.fields import FIELDS, split_fields, unquoted, without_braces
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, parse

# Lines of an answer that are questions of their own; in a block (|) a text may have a colon.
_ASKED = r"(?:[\w-]{1,40}(?:\.[\w-]{1,40}){1,5}|[Qq]\d{1,3}|solve|convolve)"
_HIDDEN = re.compile(rf"\n[ \t]*(?:[^\W\d][\w. -]{{0,58}}:|{_ASKED}[ \t:=])[ \t]*\S")
_HIDDEN_IN_BLOCK = re.compile(rf"\n[ \t]*{_ASKED}(?: [\w-]{{1,40}})?[ \t]*[:=][ \t]*\S")
_COMMENT = re.compile(r"[ \t]*#[^\n]*\d")


class HiddenLines(Exception):
    """Raised where YAML reads several lines of a sheet as one answer, or does not see the answers at all."""


def read_tree(document: Document, asked: Asked | None = None) -> SheetDraft:
    """The questions of a sheet in YAML, with what its key ``asked``. Raises CnnError for no YAML, and HiddenLines."""
    root = parse(document.source)
    if not isinstance(root, Mapping):
        raise HiddenLines
    reader = _TreeReader(document, asked)
    reader.read_root(root)
    if not reader.questions:
        raise HiddenLines
    return SheetDraft(reader.student, tuple(reader.questions), tuple(reader.notes), root, document.source)


class _TreeReader:
    def __init__(self, document: Document, asked: Asked | None) -> None:
        self.document = document
        self.asked = asked
        self.source: Source = document.source
        self.questions: list[Question] = []
        self.notes: list[ReadingNote] = []
        self.student = ""

    def read_root(self, root: Mapping) -> None:
        """Read all entries; those of the network and the conventions get their own names, for those who read them."""
        names: dict[str, str] = {}
        sections = {key: section_of(key) for key in root.entries}
        order = [*sections.values()]
        answers = order.index("answers") if "answers" in order else 0
        self.refuse_cut(root, {key for key, section in sections.items() if section})
        for at, (key, section) in enumerate(sections.items()):
            is_asked = section == "name" and "student" in order and at >= answers  # a question may be: name
            section = "" if is_asked else section
            value = root.entries[key]
            if section and section not in names:
                names[section] = key
                note = section_note(key, section)
                if note:
                    self.note(root.keys[key], note)
                if section != key:
                    root.entries[section], root.keys[section] = root.entries.pop(key), root.keys.pop(key)
                if section == "answers":
                    self.answers(value)
            else:
                self.question(key, value, root.keys[key])
        self.student = next(filter(None, (self.name(root.entries.get(name)) for name in ("student", "name"))), "")

    def name(self, value: Value | None) -> str:
        """The name of a student; that of several, with a note, for a list of texts."""
        if value is None or isinstance(value, Scalar) or is_nothing(value):
            return name_of(value)
        written = one_line(self.source.text[value.start : value.end])
        self.note(value, message("the student is one name, not `{line}`; hand in a sheet for each student",
                                 line=shown(written)), is_lost=True)  # fmt: skip
        items = value.items if isinstance(value, Sequence) else []
        return ", ".join(filter(None, map(name_of, items))) or written

    def answers(self, value: Value) -> None:
        if isinstance(value, Sequence) and value.items and all(isinstance(item, Mapping) for item in value.items):
            for item in value.items:
                self.answers(item)
        elif isinstance(value, Mapping):
            if any(_is_bare(self.source, value, name) for name in value.entries):
                raise HiddenLines  # answers in one pair of braces, cut at commas
            self.refuse_cut(value)
            for name, entry in value.entries.items():
                self.question(name, entry, value.keys[name])
        elif not is_nothing(value):
            raise HiddenLines

    def refuse_cut(self, mapping: Mapping, own: Collection[str] = ()) -> None:
        """Raise HiddenLines where what seems to be an entry is the answer to the one before: ``C: 6, ...`` below it."""
        if self.asked is None:
            return
        for before, (name, value) in pairwise(mapping.entries.items()):
            is_empty = before[0] not in own and is_nothing(before[1]) and self.asked.means(before[0])
            if is_empty and name not in own and isinstance(value, Scalar) and not self.asked.means(name):
                raise HiddenLines

    def question(self, name: str, value: Value, at: Value) -> None:
        found = [*self.read(BULLET.sub("", name.strip()), value, at)]
        self.questions += [question._replace(place=self.source.place(at)) for question in found]

    def read(self, name: str, value: Value, at: Value) -> Iterator[Question]:
        if isinstance(value, Mapping):
            yield from self.mapping(name, value, at)
            return
        text = text_of(self.source, value)
        written = self.source.text[value.start : value.end].strip()
        if not text and written not in ("", "~", "null", "''", '""'):
            text = written  # YAML takes &156 for a name of the value
        hidden = _HIDDEN_IN_BLOCK if written[:1] in ("|", ">") else _HIDDEN
        if isinstance(value, Scalar) and written[:1] not in ("'", '"') and hidden.search(written):
            raise HiddenLines
        end = self.source.text.find("\n", value.end)
        rest = self.source.text[value.end : end if end >= 0 else None]
        if not text and _COMMENT.match(rest):
            told = message("{question} has no answer: `{comment}` is a comment; remove the #",
                           question=shown(name), comment=shown(rest))  # fmt: skip
            self.note(at, told, is_lost=True)
        yield Question(name, text, {})

    def mapping(self, name: str, value: Mapping, at: Value) -> Iterator[Question]:
        """An answer in braces, a solve or a convolve with its fields, or the quantities of one layer."""
        bare = [key for key in value.entries if _is_bare(self.source, value, key)]
        written = self.source.text[value.start : value.end]
        kinds = [kind for kind in ("solve", "convolve") if kind in value.entries]
        if kinds and not bare:
            try:
                yield question_of(self.source, name, value)
            except CnnError as error:
                self.note(at, message("not read: {reason}", reason=error.problems[0].message), is_lost=True)
            return
        if bare:
            before, fields = split_fields(written)
            if not fields:
                yield Question(name, unquoted(without_braces(written)), {})
                return
            told = ", ".join(f"{key}: {shown(text)}" for key, text in fields.items() if "," in text)
            told = told or shown(written)
            self.note(at, message("{question}: read as {read}; quotation marks make it certain",
                                  question=shown(name), read=told))  # fmt: skip
            yield self.with_fields(name, fields, before, at)
        elif any(key.lower() in FIELDS for key in value.entries) or name.lower().startswith(("solve", "convolve")):
            lower = {key.lower(): key for key in value.entries}
            value.entries = {key: value.entries[old] for key, old in lower.items()}
            value.keys = {key: value.keys[old] for key, old in lower.items()}
            read = question_of(self.source, "convolve", value)  # of which result is the answer
            fields = {**read.fields, **({"result": read.given} if "result" in value.entries else {})}
            yield self.with_fields(name, fields, "", at)
        else:
            for key, entry in value.entries.items():
                inner = f"{name}.{key.strip()}" if re.search(r"\w", name) else key.strip()
                yield from self.read(inner, entry, value.keys[key])

    def with_fields(self, name: str, fields: dict[str, str], before: str, at: Value) -> Question:
        return question_with(name, fields, before, lambda text: self.note(at, text, is_lost=True))

    def note(self, at: Value, text: str, *, is_lost: bool = False) -> None:
        self.notes.append(ReadingNote(text, self.document.where(at.line), is_lost))


def _is_bare(source: Source, mapping: Mapping, name: str) -> bool:
    """Whether an entry in braces has no colon: ``10; 7`` in ``{output: 30, 10; 7, 16}``."""
    key, value = mapping.keys[name], mapping.entries[name]
    in_braces = source.text[mapping.start : mapping.start + 1] == "{"
    empty = isinstance(value, Scalar) and not value.quoted and not value.text
    return in_braces and empty and ":" not in source.text[key.end : value.end]
