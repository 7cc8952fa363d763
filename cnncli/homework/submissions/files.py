"""A file that a student hands in as lines of text, whatever its kind and encoding. Nothing in it is executed."""

from __future__ import annotations

import sys

from cnncli.errors import CnnError
from cnncli.homework.answer_key.sheet import EXAMPLE
from cnncli.homework.submissions.documents import FILE_LIMIT, HAND_IN, Document, plain_text
from cnncli.homework.submissions.encodings import decoded
from cnncli.io.files import TEXT_LIMIT, named, read_bytes, too_large
from cnncli.language.source import Source

# What is not read, by its first bytes, and what a student may do.
REFUSED = (
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "a document of an old version of Word, or of another Office program"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
)


def read_document(path: str) -> Document:
    """The text of a file, or of standard input for ``-``. Raises CnnError for what cannot be read."""
    if path == "-":
        return document_of("<stdin>", sys.stdin.buffer.read(FILE_LIMIT + 1))
    with named(path):
        return document_of(path, read_bytes(path, FILE_LIMIT, "a sheet takes a few kilobytes", fifo=True))


def document_of(name: str, data: bytes) -> Document:
    """The text of a file with this content. Raises CnnError for an empty one, and for what holds no text."""
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise CnnError(f"{name}: the sheet is empty", EXAMPLE)
    what = next((what for magic, what in REFUSED if data.startswith(magic)), "")
    if what:
        raise CnnError(f"{name}: is {what}, which is not read", HAND_IN)
    if data.startswith(b"PK\x03\x04"):
        from cnncli.homework.submissions.word import word_document

        return word_document(name, data)
    if len(data) > FILE_LIMIT:
        raise too_large(name, FILE_LIMIT, "a sheet takes a few kilobytes")
    head = data[:4000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{") and (b'"nbformat"' in data or b'"cells"' in head):
        from cnncli.homework.submissions.notebooks import notebook

        return notebook(name, data)
    return _text(name, data)


def _text(name: str, data: bytes) -> Document:
    """A text of at most 1 MiB. Raises CnnError for a larger one, and for bytes that are no text."""
    if len(data) > TEXT_LIMIT:
        raise too_large(name, TEXT_LIMIT, "a sheet takes a few kilobytes")
    read = decoded(data)
    text = read.text
    sample = text[:4000]
    controls = sum((char < " " and char not in "\t\n\r\v\f") or char == "\ufffd" for char in sample)
    if controls > 20 + len(sample) // 20:
        raise CnnError(f"{name}: is not a text", HAND_IN)
    if sample[:400].lstrip().lower().startswith(("<!doctype html", "<html", "<p", "<div", "<br")):
        from cnncli.homework.submissions.web_pages import page_text

        text = page_text(text)
    return Document(Source(name, plain_text(text)), (), read.notes)
