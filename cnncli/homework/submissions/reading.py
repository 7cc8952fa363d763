"""Answer sheets as students write them: YAML where it is, else line by line. What was written is read, or told."""

from __future__ import annotations

from cnncli.errors import CnnError
from cnncli.homework.answer_key.conventions import Conventions, read_conventions
from cnncli.homework.answer_key.sheet import EXAMPLE, ReadingNote, Sheet, network_of, text_of
from cnncli.homework.languages.messages import text as message
from cnncli.homework.reading.locales import read_locale
from cnncli.homework.submissions.documents import Document
from cnncli.homework.submissions.drafts import Asked, SheetDraft
from cnncli.homework.submissions.files import document_of, read_document
from cnncli.homework.submissions.lines import read_lines
from cnncli.homework.submissions.tree import HiddenLines, read_tree
from cnncli.language.source import Mapping, Source
from cnncli.loading import FILE_ENDINGS, Loaded

NOTES_LIMIT = 20  # notes on one sheet; the rest is counted
NOT_YAML = message("the sheet is not plain YAML; it was read line by line")


def read_sheet(path: str, *, network: bool = True) -> Sheet:
    """Read a sheet of any kind, with its ``network`` unless the key's is used.

    A question may occur several times: which names mean the same question is known where the answers are judged.

    Raises CnnError for a file without any answer, and with ``network`` for a network that is not valid.
    """
    return sheet_in(read_document(path), network=network)


def sheet_of(source: Source, *, network: bool = True) -> Sheet:
    """As :func:`read_sheet`, for a text that has already been read."""
    return sheet_in(document_of(source.name, source.text.encode("utf-8", "replace")), network=network)


def sheet_in(document: Document, *, network: bool = True, asked: Asked | None = None) -> Sheet:
    """As :func:`read_sheet`, for a document; with what the key ``asked``, where there is one."""
    draft = _draft(document, asked)
    notes = _limited((*document.notes, *draft.notes))
    if not draft.questions:
        told = "\n".join(f"  {note}" for note in notes if note.is_lost)
        raise CnnError(f"{document.source.name}: the sheet has no answers" + (f"\n{told}" if told else ""), EXAMPLE)
    loaded, conventions = _network(draft) if network else (None, _stated_conventions(draft))
    locale, unknown = _locale(draft)
    architecture = draft.root.entries.get("architecture") if draft.root is not None else None
    described = text_of(draft.source, architecture) if architecture is not None else ""
    return Sheet(draft.student, loaded, draft.questions, conventions, locale, (*notes, *unknown), described)


def _draft(document: Document, asked: Asked | None) -> SheetDraft:
    """The questions by YAML, or line by line where it is no YAML or would lose something."""
    try:
        return read_tree(document, asked)
    except HiddenLines:
        return read_lines(document, asked)
    except CnnError as error:
        draft = read_lines(document, asked)
        if not draft.questions:
            raise
        if not document.source.name.lower().endswith(FILE_ENDINGS):
            return draft
        problem = error.problems[0]
        reason = problem.message
        if problem.place:
            line = message("line {number}", number=problem.place.line)
            reason = message("{place}: {note}", place=line, note=problem.message)
        note = ReadingNote(message("{note} ({reason})", note=NOT_YAML, reason=reason))
        return draft._replace(notes=(note, *draft.notes))


def _network(draft: SheetDraft) -> tuple[Loaded | None, tuple[Conventions, ...]]:
    """The network and the conventions of a sheet. Raises CnnError."""
    root = draft.root
    if root is None:
        from cnncli.language.source import parse

        empty = parse(Source(draft.source.name, "{}"))
        assert isinstance(empty, Mapping)
        root = empty
    loaded = network_of(draft.source, root, draft.questions)
    return loaded, read_conventions(draft.source, root.entries.get("conventions"))


def _stated_conventions(draft: SheetDraft) -> tuple[Conventions, ...]:
    """The conventions of a sheet that is graded by a key; none where they cannot be read, as no answer needs them."""
    try:
        return read_conventions(draft.source, draft.root.entries.get("conventions") if draft.root is not None else None)
    except CnnError:
        return ()


def _locale(draft: SheetDraft) -> tuple[str, tuple[ReadingNote, ...]]:
    """How the sheet writes numbers; a note for an unknown locale, which must not void the answers."""
    try:
        return read_locale(draft.source, draft.root.entries.get("locale") if draft.root is not None else None), ()
    except CnnError as error:
        problem = error.problems[0]
        return "", (ReadingNote("; ".join(filter(None, (problem.message, problem.hint))), is_lost=True),)


def _limited(notes: tuple[ReadingNote, ...]) -> tuple[ReadingNote, ...]:
    """At most so many notes, those on lost lines first to stay."""
    if len(notes) <= NOTES_LIMIT:
        return notes
    kept = {*sorted(range(len(notes)), key=lambda at: not notes[at].is_lost)[:NOTES_LIMIT]}
    lost = any(note.is_lost for at, note in enumerate(notes) if at not in kept)
    more = ReadingNote(message("and {count} more notes", count=len(notes) - NOTES_LIMIT), is_lost=lost)
    return (*(note for at, note in enumerate(notes) if at in kept), more)
