"""The answers in a Jupyter notebook: tagged cells and fenced blocks, as text. Nothing is executed.

A cell with the tag ``answers`` holds lines of a sheet, and one with the tag ``answer:c1.params`` the answer to that
question; so does a Markdown cell of nbgrader, whose ``grade_id`` is the question. In Markdown cells, fenced blocks of
the language ``answers`` or ``yaml`` are lines of a sheet. Format: https://nbformat.readthedocs.io.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.languages.messages import text as message
from cnncli.homework.submissions.documents import FILE_LIMIT, Document, plain_text
from cnncli.homework.submissions.encodings import decoded
from cnncli.io.files import TEXT_LIMIT, too_large
from cnncli.language.source import Source

TAG, TAG_OF_ONE = "answers", "answer:"
HOW = "give the cell with the answers the tag answers, or write them in a block between ```answers and ```"
CELLS_LIMIT = 10_000
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([\w-]*)")
_LANGUAGES = ("answers", "yaml", "yml")
_HEADING = re.compile(r"^[ \t]*answers[ \t]*:", re.M | re.I)


class _Part(NamedTuple):
    """Lines of a sheet in a cell: its number, from 1, the number of the first line in it, and the text."""

    cell: int
    line: int
    text: str


def notebook(name: str, data: bytes) -> Document:
    """The lines of a sheet in a notebook. Raises CnnError for a damaged notebook, and for one without answers."""
    if len(data) > FILE_LIMIT:
        raise too_large(name, FILE_LIMIT, "clear the outputs of the notebook")
    try:
        content = json.loads(decoded(data).text)
    except (ValueError, RecursionError):
        raise CnnError(f"{name}: is a damaged Jupyter notebook", "save it again, and hand it in unchanged") from None
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list) or len(cells) > CELLS_LIMIT:
        raise CnnError(f"{name}: is not a Jupyter notebook of version 4", "save it again in Jupyter")
    parts: list[_Part] = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict):
            parts += _parts(number, cell)
    if not parts:
        raise CnnError(f"{name}: the notebook has no cell with answers", HOW)
    lines, labels = [], []
    for part in parts:
        for at, line in enumerate(plain_text(part.text).split("\n")):
            lines.append(line)
            labels.append(message("cell {cell}, line {line}", cell=part.cell, line=part.line + at))
    if sum(map(len, lines)) > TEXT_LIMIT:
        raise too_large(f"{name}: the text of its answers", TEXT_LIMIT, "a sheet takes a few kilobytes")
    return Document(Source(name, "\n".join(lines)), labels)


def _parts(number: int, cell: dict[str, Any]) -> Iterator[_Part]:
    source = _source(cell)
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = metadata.get("tags")
    tags = [tag.strip() for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    one = next((tag[len(TAG_OF_ONE) :].strip() for tag in tags if tag.lower().startswith(TAG_OF_ONE)), "")
    nbgrader = metadata.get("nbgrader")
    is_text = cell.get("cell_type") in ("markdown", "raw")
    if not one and is_text and isinstance(nbgrader, dict) and nbgrader.get("solution") is True:
        one = str(nbgrader.get("grade_id") or "")
    fences = [*_fenced(number, source)] if is_text else []
    if one:
        answer = source.strip()
        yield _Part(number, 1, f"{one}: {answer}" if "\n" not in answer else f"{one}:\n{_indented(answer)}")
    elif fences:
        yield from fences
    elif TAG in (tag.lower() for tag in tags) or (is_text and _HEADING.search(source)):
        yield _Part(number, 1, source)


def _fenced(number: int, source: str) -> Iterator[_Part]:
    """The fenced blocks of a Markdown cell that are lines of a sheet; one without an end ends with the cell."""
    mark, language, begin, lines = "", "", 0, source.split("\n")
    for at, line in enumerate([*lines, ""]):
        fence = _FENCE.match(line)
        if not mark:
            if fence:
                mark, language, begin = fence[1], fence[2].lower(), at + 1
        elif at == len(lines) or (fence and fence[1].startswith(mark) and not fence[2]):
            text = "\n".join(lines[begin:at])
            if language in _LANGUAGES or _HEADING.search(text):
                yield _Part(number, begin + 1, text)
            mark = ""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))


def _source(cell: dict[str, Any]) -> str:
    """The text of a cell: the format has a text, or a list of lines."""
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""
