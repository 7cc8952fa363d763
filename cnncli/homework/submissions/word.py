"""The text of a Word document (.docx): paragraphs as lines, the cells of a table row as one line with tabs.

The document is a zip archive with ``word/document.xml`` (ECMA-376, part 1). Its sizes are checked before anything is
unpacked, and a document type declaration is refused: entities could expand without bound. Powers and fractions become
``^(2)`` and ``(1)/(2)``: without them, 5² would be read as 52.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from xml.parsers import expat

from cnncli.data.formats.archives import read_member
from cnncli.errors import CnnError
from cnncli.homework.answer_key.sheet import ReadingNote
from cnncli.homework.languages.messages import text as message
from cnncli.homework.submissions.documents import FILE_LIMIT, HAND_IN, Document, plain_text
from cnncli.io.files import TEXT_LIMIT, too_large
from cnncli.language.source import Source

TEXT = "word/document.xml"
PARTS = {  # the parts of a zip archive by which its kind is known
    "word/document.xml": "docx",
    "xl/workbook.xml": "an Excel workbook",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file",
}
_LETTER = re.compile(r"[^\W\d_]")
MEMBERS_LIMIT = 10_000
SAVE_AGAIN = "save it again as .docx, or hand in the answers as .txt"
BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-"}
SKIPPED = {"moveFrom", "Fallback", "del", "instrText"}  # deleted and moved text, and copies for older programs
AROUND = {"num": ("(", ")"), "den": ("/(", ")"), "sup": ("^(", ")"), "mr": ("", "; ")}
UNREAD = {
    "rad": message("a root"),
    "nary": message("a sum or an integral"),
    "drawing": message("a picture"),
    "pict": message("a picture"),
}


def word_document(name: str, data: bytes) -> Document:
    """The text of a document. Raises CnnError for other archives, and for a damaged or an implausibly large one."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            content = _member(name, archive)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise CnnError(f"{name}: is a damaged Word document or archive ({error})"[:200], SAVE_AGAIN) from None
    except Exception as error:  # a damaged archive makes Python's decompressors raise almost anything
        if isinstance(error, CnnError):
            raise
        raise CnnError(f"{name}: is a damaged Word document or archive", SAVE_AGAIN) from None
    reader = _WordReader()
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise CnnError(f"{name}: is a damaged Word document: {error}", SAVE_AGAIN) from None
    except ValueError as error:
        raise CnnError(f"{name}: {error}", SAVE_AGAIN) from None
    notes = tuple(
        ReadingNote(message("{thing} in the document was not read", thing=what), is_lost=True) for what in reader.unread
    )
    return Document(Source(name, plain_text("".join(reader.parts))), (), notes)


def _member(name: str, archive: zipfile.ZipFile) -> bytes:
    """The text of the document. Raises CnnError for an archive of another kind."""
    members = {member.filename: member for member in archive.infolist()[:MEMBERS_LIMIT]}
    kind = next((kind for part, kind in PARTS.items() if part in members), "a zip archive")
    if kind != "docx":
        raise CnnError(f"{name}: is {kind}, which is not read as a sheet", HAND_IN)
    member = members[TEXT]
    if member.file_size > FILE_LIMIT:
        raise too_large(f"{name}: its text", FILE_LIMIT, SAVE_AGAIN)
    return read_member(archive, member)


class _WordReader:
    """Collects the text of the elements as they are parsed; nothing is kept of the tree."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parts: list[str] = []
        self.unread: dict[str, None] = {}
        self.skipped = self.cells = self.texts = self.rows = self.length = 0
        self.raised = False  # the run is a superscript
        self.cell = 0  # where the parts of the outermost cell begin

    def refuse(self, *_: object) -> None:
        raise ValueError("the document declares a document type, which Word never does")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = _local(tag)
        self.skipped += tag in SKIPPED
        self.texts += tag == "t"
        if tag == "tc":
            self.cell = len(self.parts) if self.cells == 0 else self.cell
            self.cells += 1
        self.rows += tag == "mr"
        if tag == "r":
            self.raised = False
        elif tag == "vertAlign":
            self.raised = attributes.get("w:val") == "superscript"
        elif tag == "t" and self.raised:
            self.add("^(")
        elif tag in UNREAD and not self.skipped:
            self.unread[UNREAD[tag]] = None
        self.add(BREAKS.get(tag, AROUND.get(tag, ("", ""))[0]))

    def end(self, tag: str) -> None:
        tag = _local(tag)
        if tag == "t" and self.raised:
            self.add(")")
        self.skipped -= tag in SKIPPED
        self.texts -= tag == "t"
        self.cells -= tag == "tc"
        if tag == "tc" and self.cells == 0:
            self.parts[self.cell :] = [_one_cell("".join(self.parts[self.cell :]))]
        if tag == "p":
            self.add("\n" if self.cells < 2 else " ")
        if tag == "e" and self.rows:  # an element of a matrix
            self.add(" ")
        self.rows -= tag == "mr"
        self.add({"tc": "\t", "tr": "\n"}.get(tag, AROUND.get(tag, ("", ""))[1]))

    def characters(self, text: str) -> None:
        if self.texts:
            self.add(re.sub(r"[\r\n]", " ", text))

    def add(self, text: str) -> None:
        if text and not self.skipped:
            self.length += len(text)
            if self.length > TEXT_LIMIT:
                raise ValueError("the text of the document is larger than 1 MiB (the limit)")
            self.parts.append(text)


def _one_cell(text: str) -> str:
    """The text of a cell: the rows of a matrix as lines that continue the first; other lines as one."""
    lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
    return (" " if _LETTER.search(text) else "\n    ").join(lines)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]
