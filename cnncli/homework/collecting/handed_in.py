"""The submissions in files, folders, archives and exports of forms, each with its student where the platform names one.

Archives are read in place: no name in them becomes a file. Sizes are checked before anything is unpacked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cnncli.data.formats.containers import Container, FileEntry, open_source
from cnncli.errors import CnnError
from cnncli.homework.answer_key.sheet import Sheet, one_line
from cnncli.homework.collecting.forms import form_rows
from cnncli.homework.collecting.submitters import (
    EXPORT,
    Described,
    Submitter,
    described_folders,
    is_canvas,
    submitters_of,
)
from cnncli.homework.submissions.documents import FILE_LIMIT, HAND_IN, SHEET_ENDINGS
from cnncli.homework.submissions.drafts import Asked
from cnncli.homework.submissions.files import document_of, read_document
from cnncli.homework.submissions.reading import sheet_in
from cnncli.io.files import exists, named, read_bytes, too_large
from cnncli.loading import FILE_ENDINGS

SHEETS = (*FILE_ENDINGS, *SHEET_ENDINGS)
FORMS = (".csv", ".tsv")
SYSTEM = ("__MACOSX", "Thumbs.db", "desktop.ini")
FILES_LIMIT = 100_000
DESCRIPTIONS = 20  # that are read
ARCHIVE_LIMIT = 1 << 28  # bytes of all sheets of an archive, unpacked

Skipped = Callable[[Path, str], None]  # called with each file that is skipped, and the reason


class HandedIn(NamedTuple):
    """A submission: the name of its file, how to read it, and who handed it in where the platform says so.

    ``read`` raises CnnError for what is no sheet; ``group`` are all who handed it in together, and ``is_sheet`` is
    False where the name of the file tells that it is no sheet.
    """

    name: str
    read: Callable[[], Sheet]
    submitter: Submitter | None = None
    group: tuple[Submitter, ...] = ()
    is_sheet: bool = True


def collect(path: Path, skipped: Skipped, asked: Asked | None = None) -> list[HandedIn]:
    """The submissions of a file, a folder with its subfolders, an archive, or the export of a form.

    A file that is no sheet is a submission that cannot be read; ``skipped`` is called with it instead where its
    student handed in a sheet as well. ``asked`` is what the key asks. Raises CnnError where nothing can be listed.
    """
    if not exists(path):
        raise CnnError(f"{path}: no such file or folder", "give answer sheets, or folders of them")
    if path.is_dir() or path.suffix.lower() == ".zip":
        return _of_container(path, skipped, asked)
    return (
        [*_of_file(str(path), path.suffix.lower(), lambda: _content(path), (), asked)]
        if path.is_file()
        else [_single(path, asked)]
    )


def _single(path: Path, asked: Asked | None) -> HandedIn:
    """A pipe, or what is no regular file, which reading refuses."""
    return HandedIn(str(path), lambda: sheet_in(read_document(str(path)), network=False, asked=asked))


def _content(path: Path) -> bytes:
    with named(path):
        return read_bytes(path, FILE_LIMIT, "a sheet takes a few kilobytes")


def _of_file(
    name: str, ending: str, content: Callable[[], bytes], submitters: tuple[Submitter, ...], asked: Asked | None
) -> Iterator[HandedIn]:
    """The submissions in one file: several where it is the export of a form, or of a group."""
    if ending in FORMS:
        try:
            for row in form_rows(name, content(), asked.names if asked is not None else ()):
                yield HandedIn(f"{name}:{row.line}", lambda row=row: row.sheet, row.submitter)  # type: ignore[misc]
        except CnnError as error:
            yield HandedIn(name, raising(error))
        return

    def read() -> Sheet:
        return sheet_in(document_of(name, content()), network=False, asked=asked)

    for submitter in submitters or (None,):
        yield HandedIn(name, read, submitter, submitters)


def raising(error: CnnError) -> Callable[[], Sheet]:
    """How to read a submission that is no sheet."""

    def read() -> Sheet:
        raise error

    return read


# Folders and archives ---------------------------------------------------------------------------------------------


class _File(NamedTuple):
    """A file of a folder or an archive, and its students."""

    entry: FileEntry
    name: str
    ending: str
    submitters: tuple[Submitter, ...]


def _of_container(path: Path, skipped: Skipped, asked: Asked | None) -> list[HandedIn]:
    container = open_source(path)
    if len(container.entries) > FILES_LIMIT:
        raise CnnError(f"{path}: has more than {FILES_LIMIT:,} files (the limit)", "name the folder of the submissions")
    listed = [*_listed(container, skipped)]
    described = _described(container)
    canvas = is_canvas(entry.path[-1] for entry in listed)
    files = [
        _File(
            entry,
            str(path.joinpath(*entry.path)),
            Path(entry.path[-1]).suffix.lower(),
            submitters_of(entry.path, described, canvas=canvas),
        )
        for entry in listed
        if entry.path[-1] != EXPORT
    ]
    answered = _with_sheets(files)
    kept = []
    for file in files:
        if file.ending not in (*SHEETS, *FORMS) and _owner(file) in answered:
            skipped(Path(file.name), "not a sheet; its student handed in a sheet as well")
        elif not file.submitters and file.entry.path[-1].lower().startswith(("readme", "license")):
            skipped(Path(file.name), "not a submission")
        else:
            kept.append(file)
    return [*_read_all(container, kept, asked)]


def _listed(container: Container, skipped: Skipped) -> Iterator[FileEntry]:
    """The regular files, by name. Files of the operating system are no submissions."""
    parents = {entry.path[:-1] for entry in container.entries}
    folders = [entry.path for entry in container.entries if entry.kind == "folder"]
    for folder in folders if container.entries else [()]:
        if folder not in parents:
            skipped(container.path.joinpath(*folder), "an empty folder")
    for entry in sorted(container.entries, key=lambda entry: entry.path):
        shown = container.path.joinpath(*entry.path)
        if entry.kind == "folder" or not entry.path:
            continue
        if container.form == "folder" and entry.kind == "link" and shown.is_symlink():
            skipped(shown, "a link, which is not followed")  # a student's may name another file, such as the key
        elif entry.kind != "file":
            skipped(shown, "not a regular file" if entry.kind == "link" else "a later file of the archive has its name")
        elif ".." in entry.path:
            skipped(shown, "its name leaves the archive")
        elif any(part.startswith(".") or part in SYSTEM for part in entry.path):
            skipped(shown, "a hidden file")
        else:
            yield entry


def _described(container: Container) -> Described:
    """The students by path, of Gradescope's descriptions: each of what is beside it, as students may write one, too."""
    found = [entry for entry in container.entries if entry.path[-1:] == (EXPORT,) and entry.size <= FILE_LIMIT]
    found = sorted((entry for entry in found if entry.kind == "file"), key=lambda entry: entry.offset)[:DESCRIPTIONS]
    described: Described = {}
    for entry, content in zip(found, container.contents(found), strict=True):
        described |= {(*entry.path[:-1], name): people for name, people in described_folders(content).items()}
    return described


def _owner(file: _File) -> object:
    """What tells the files of one student: the student, a folder of one sheet, or the name without its ending."""
    return file.submitters or (*file.entry.path[:-1], Path(file.entry.path[-1]).stem)


def _with_sheets(files: Sequence[_File]) -> set[object]:
    """The owners of sheets; also by folder, where a folder holds one sheet alone."""
    sheets = [file for file in files if file.ending in (*SHEETS, *FORMS)]
    return {_owner(file) for file in sheets}


def _read_all(container: Container, files: Sequence[_File], asked: Asked | None) -> Iterator[HandedIn]:
    """The submissions of all files: those of a folder are opened when they are read, those of an archive at once."""
    small = [file for file in files if file.entry.size <= FILE_LIMIT and file.ending in (*SHEETS, *FORMS)]
    contents: dict[tuple[str, ...], bytes] = {}
    if container.form != "folder":
        if sum(file.entry.size for file in small) > ARCHIVE_LIMIT:
            raise too_large(f"{container.path}: the sheets in it", ARCHIVE_LIMIT, "unpack it, and name its folder")
        ordered = sorted(small, key=lambda file: file.entry.offset)
        found = container.contents([file.entry for file in ordered])
        contents = {file.entry.path: content for file, content in zip(ordered, found, strict=True)}
    for file in files:
        if file.entry.size > FILE_LIMIT:
            error = too_large(one_line(file.name), FILE_LIMIT, "a sheet takes a few kilobytes")
            yield from _unread(file, error)
        elif file.ending not in (*SHEETS, *FORMS):
            what = f"a {file.ending} file is not read" if file.ending else "a file without an ending is not read"
            yield from _unread(file, CnnError(f"{one_line(file.name)}: {what}", HAND_IN))
        else:
            path = container.path.joinpath(*file.entry.path)
            content = contents.get(file.entry.path)
            read = partial(_content, path) if content is None else partial(bytes, content)
            yield from _of_file(one_line(file.name), file.ending, read, file.submitters, asked)


def _unread(file: _File, error: CnnError) -> Iterator[HandedIn]:
    for submitter in file.submitters or (None,):
        yield HandedIn(one_line(file.name), raising(error), submitter, is_sheet=False)
