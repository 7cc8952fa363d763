"""Checking files of any kind: architectures and answer sheets, told apart by their content."""

from __future__ import annotations

import os
import re
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from cnncli.errors import INVALID, NO, CnnError, Problem
from cnncli.homework.answer_key.sheet import ReadingNote
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.submissions.documents import SHEET_ENDINGS, Document
from cnncli.homework.submissions.drafts import section_of
from cnncli.homework.submissions.files import document_of, read_document
from cnncli.inference import infer_all
from cnncli.io.files import TEXT_LIMIT, is_file, is_missing, named, open_regular
from cnncli.language.aliases import WEIGHT_FIELDS
from cnncli.language.source import Mapping, Source, parse, read_text
from cnncli.loading import FILE_ENDINGS, NetworkNotFound, problems_of

NEITHER = (
    "is neither a network (it has no layers) nor an answer sheet (it has no answers)",
    "leave it out, or add --skip-others",
)
KEY_HINT = "write cnn grade KEY SHEET… to grade with it, or add --skip-others"


class Kind(Enum):
    """What a file holds."""

    NETWORK = "network"
    SHEET = "answer sheet"
    OTHER = "other"  # another YAML file, or one that cannot be read


# The keys by which a file is recognized, and the same for a text that is not YAML.
KEYS = {Kind.SHEET: ("answers", "architecture"), Kind.NETWORK: ("layers", "input")}
_LINES = {
    kind: re.compile(
        rf"^({'|'.join(keys)})[ \t\xa0]*[:=]|[{{,]\s*\"({'|'.join(keys)})\"\s*:",  # the latter in JSON
        re.MULTILINE | (re.I if kind is Kind.SHEET else re.NOFLAG),
    )
    for kind, keys in KEYS.items()
}


# Keys of a network with numbers, which is parsed to find out.
_WEIGHTS = (field for field, name in WEIGHT_FIELDS.items() if name == "weight")
_NUMBERS = re.compile(rf"\b({'|'.join(('values', *_WEIGHTS))})[ \t]*:")


class Checked(NamedTuple):
    """A file and what was found: ``verdicts`` on the answers of a sheet, ``problems`` of what cannot be checked.

    ``notes`` say how a sheet was read.
    """

    name: str
    kind: Kind
    problems: tuple[Problem, ...] = ()
    student: str = ""
    verdicts: tuple[Verdict, ...] = ()
    skipped: bool = False
    notes: tuple[ReadingNote, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether this is a sheet that was read: it has answers, or notes say why none of them counts."""
        return bool(self.verdicts or self.notes)

    @property
    def exit_code(self) -> int:
        """0 if all is right; 1 for a network that is not valid and for wrong answers; 2 for what cannot be checked."""
        if self.skipped:
            return 0
        if self.kind is not Kind.NETWORK and (self.problems or any(note.is_lost for note in self.notes)):
            return INVALID
        return NO if self.problems or not all(verdict.correct for verdict in self.verdicts) else 0


def check_files(paths: tuple[str, ...], *, strict: bool, skip_others: bool) -> list[Checked]:
    """Check files, and those of folders and their subfolders that are networks or sheets.

    ``strict`` is about networks; with ``skip_others`` files that are neither are skipped. Raises CnnError for a folder
    with nothing to check.
    """
    found: list[Checked] = []
    for path in paths:
        if not Path(path).is_dir():
            found.append(_check(path, strict, skip_others))
            continue
        inside = [_check(file, strict, skip_others=True) for file in _files(path)]
        if all(checked.skipped for checked in inside):
            raise CnnError(f"{path}: holds no networks and no answer sheets", "name a folder with YAML files of them")
        found += inside
    return found


def _files(folder: str) -> list[str]:
    """The YAML files of a folder and its subfolders in alphabetical order: broken links, but no hidden files."""
    found = []
    for inside, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        wanted = [name for name in files if name.lower().endswith(FILE_ENDINGS) and not name.startswith(".")]
        paths = [str(Path(inside) / name) for name in wanted]
        found += [path for path in paths if is_file(path) or is_missing(path)]  # missing: a link to no file
    return sorted(found)


def _check(path: str, strict: bool, skip_others: bool) -> Checked:
    if path.lower().endswith(SHEET_ENDINGS) and is_file(path) and kind_of_file(path) is not Kind.NETWORK:
        return check_sheet(path)
    try:
        source = read_text(path)
    except CnnError as error:
        sheet = _foreign_sheet(path)
        if sheet is not None:
            return _check_document(sheet)
        # A file of another kind may be large, or not be text; a file that is closed or missing is an error.
        other = skip_others and is_file(path) and os.access(path, os.R_OK) and not _may_be_meant(path)
        return Checked(path, Kind.OTHER, _with_copy(path, error.problems), skipped=other)
    kind, problems = _kind_of(source)
    if kind is Kind.NETWORK:
        return Checked(source.name, kind, _problems_of(source, strict))
    if kind is Kind.SHEET:
        return _check_document(document_of(source.name, source.text.encode("utf-8", "replace")))
    return Checked(source.name, kind, problems, skipped=skip_others)


def _foreign_sheet(path: str) -> Document | None:
    """A sheet in another encoding than UTF-8; None for any other file."""
    if path == "-" or not is_file(path):
        return None
    try:
        document = read_document(path)
    except CnnError:
        return None
    return document if _LINES[Kind.SHEET].search(document.source.text) else None


def _problems_of(source: Source, strict: bool) -> tuple[Problem, ...]:
    """The problems of a network. One with numbers for its weights is calculated as ``cnn convolve`` does."""
    if not _NUMBERS.search(source.text):
        return tuple(problems_of(source, strict=strict))
    # A network without numbers needs none of these.
    from cnncli.homework.exact_ops.chain.chain_reading import read_chain
    from cnncli.homework.exact_ops.chain.chain_run import run_chain
    from cnncli.homework.exact_ops.chain.chain_text import ChainText
    from cnncli.homework.exact_ops.chain.numbers_in_files import has_numbers

    try:
        root = parse(source)
        if not isinstance(root, Mapping) or not has_numbers(root):
            return tuple(problems_of(source, strict=strict))
        chain = read_chain(ChainText(source, root))
        run_chain(chain)  # its target may not fit the output
    except CnnError as error:
        return error.problems
    return tuple(infer_all(chain.inferred.graph, strict=strict)[1])


def _may_be_meant(path: str) -> bool:
    """Whether a file that is too large, or not UTF-8, has the keys of a network or a sheet in its first MiB."""
    with named(path), open_regular(path) as file:
        text = file.read(TEXT_LIMIT).decode("latin-1").replace("\0", "")  # UTF-16 has a NUL beside each letter
    return any(line.search(text) for line in _LINES.values())


def _with_copy(path: str, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The problems of a file that cannot be read; one named like a bundled network may be meant as a copy of it."""
    if path == "-" or not is_missing(path):
        return problems
    missing = NetworkNotFound(path)
    return tuple(problem._replace(hint=missing.copy) for problem in problems) if missing.likely else problems


def kind_of_file(path: str) -> Kind:
    """What a file is, by its keys; other for one that cannot be read, and for standard input."""
    try:
        return Kind.OTHER if path == "-" else _kind_of(read_text(path))[0]
    except CnnError:
        return Kind.OTHER


def _kind_of(source: Source) -> tuple[Kind, tuple[Problem, ...]]:
    """What a text is, by its keys, and why it is neither a network nor a sheet."""
    try:
        root = parse(source)
    except CnnError as error:
        kind = next((kind for kind, line in _LINES.items() if line.search(source.text)), Kind.OTHER)
        return kind, error.problems
    entries = root.entries if isinstance(root, Mapping) else {}
    kind = next((kind for kind, keys in KEYS.items() if any(key in entries for key in keys)), Kind.OTHER)
    if kind is Kind.OTHER and any(section_of(key) == "answers" for key in entries):
        kind = Kind.SHEET
    if "questions" in entries and "answers" not in entries:
        return Kind.OTHER, (Problem(f"{source.name}: is an answer key", KEY_HINT),)
    if root is None:
        return kind, (Problem(f"{source.name}: the file is empty", "cnn new - prints a network to start from"),)
    return kind, (Problem(f"{source.name}: {NEITHER[0]}", NEITHER[1]),)


def check_sheet(path: str) -> Checked:
    """Check the answers of a sheet of any kind of file."""
    try:
        return _check_document(read_document(path))
    except CnnError as error:
        return Checked(path, Kind.SHEET, error.problems)


def _check_document(document: Document) -> Checked:
    """The verdicts on the answers that can be checked, and the problems of the others."""
    from cnncli.homework.answer_key.questions import empty_cache
    from cnncli.homework.checking.check import check, checkable
    from cnncli.homework.submissions.reading import sheet_in

    name = document.source.name
    try:
        cache = empty_cache()
        sheet, problems = checkable(sheet_in(document), cache)
        verdicts = tuple(check(sheet, cache)) if sheet.questions else ()
    except CnnError as error:
        return Checked(name, Kind.SHEET, error.problems)
    return Checked(name, Kind.SHEET, tuple(problems), sheet.student, verdicts, notes=sheet.notes)
