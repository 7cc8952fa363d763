"""Typing errors in the lines of a file: a missing space or colon, another sign for a list item, a comma too many.

Looked for where a text is not YAML, or not a list of layers where it should be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnncli.language.aliases import COMPOSITE_KINDS, kind_meant
from cnncli.language.hints.layer_faults import Fault, layer_fault
from cnncli.language.hints.typed_layers import LONGEST
from cnncli.layers import KINDS

KNOWN = [*KINDS, *COMPOSITE_KINDS]
MOST_FAULTS = 50
REACH = 300
TOP_KEYS = ("name", "input", "inputs", "variables", "variants", "defaults", "blocks", "layers", "outputs", "train")
FIELDS = {field for layer in KINDS.values() for field in layer.schema} | {"name", "from", "layers", "times"}

_BULLET = re.compile(r"([–—−•·▪*+]|[0-9]+[.):])\s+(?=\S)")
_TOP_KEY = re.compile(rf"({'|'.join(TOP_KEYS)})\b(\s*)([:：=]?)(.*)")
_FIELD_LINE = re.compile(r"([A-Za-z_]\w*)(?::(?=[^\s:/])|：\s*|\s*=\s*)(\S.*)")
_BLOCK = re.compile(r"^ +([A-Za-z]\w*[0-9]\w*):", re.M)  # conv3x3, which a file may define
_ODD_SPACE = re.compile("(^[\\s]*-?|:) *[\u00a0\u2007\u202f\u3000\u200b\u2060]")
ODD_SPACE = (
    "a no-break, full-width or invisible space, where YAML requires an ordinary one",
    "type it again",
)
_TEXT_BLOCK = re.compile(r":\s+[|>][+-]?[0-9]?\s*$")


class LineFault(NamedTuple):
    """A fault at a line and a column from 0."""

    at: tuple[int, int]
    message: str
    hint: str


def line_faults(text: str, near: int = 0) -> list[LineFault]:
    """The typing errors in the lines within REACH of line ``near``, at most MOST_FAULTS."""
    faults: list[LineFault] = []
    known = [*KNOWN, *_BLOCK.findall(text[: REACH * LONGEST])[:MOST_FAULTS]]
    for number, line in _lines(text):
        if abs(number - near) > REACH:  # comparing a misspelled word with all layer types takes a millisecond
            continue
        content = line.strip()
        indent = len(line) - len(line.lstrip())
        space = _ODD_SPACE.search(line)
        if space:
            faults.append(LineFault((number, space.end() - 1), *ODD_SPACE))
            continue
        fault = _fault(content, indent, known)
        if fault is not None:
            dash = 2 if content.startswith("- ") else 0
            faults.append(LineFault((number, indent + dash), *fault))
        if len(faults) >= MOST_FAULTS:
            break
    return faults


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, a comment or part of a text block (``description: |``), without comments."""
    inside = -1
    for number, line in enumerate(text.splitlines()):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.lstrip().startswith("#") or indent > inside >= 0:
            continue
        shown = re.split(r"\s#", line[:LONGEST], maxsplit=1)[0].rstrip()
        inside = indent if _TEXT_BLOCK.search(shown) else -1
        yield number, shown


def _fault(content: str, indent: int, known: list[str]) -> Fault | None:
    if content.startswith("//"):
        return Fault("a comment starts with #", f"write # {content[2:].strip()}")
    bullet = _BULLET.match(content)
    if bullet:
        return _item_fault(content[bullet.end() :], "a list item starts with a dash and a space")
    if content.startswith("- "):
        return layer_fault(content[2:], known)
    if content.startswith("-") and content != "---":
        return _item_fault(content[1:], "a space is missing after the dash")
    key = _TOP_KEY.fullmatch(content) if indent == 0 else None
    return _key_fault(*key.groups()) if key else _field_fault(content) if indent else None


def _item_fault(item: str, message: str) -> Fault | None:
    """The fault of a line that should be a list item; None where it does not begin with a layer type."""
    word = re.match(r"[A-Za-z_][\w.]*", item)
    if word is None or kind_meant(word[0], KNOWN) is None:
        return None
    rewritten = layer_fault(item, KNOWN)
    return Fault(message, rewritten.hint if rewritten else f"write - {item}")


def _key_fault(key: str, space: str, sign: str, value: str) -> Fault | None:
    hint = f"write {key}: {value.strip()}".rstrip()
    if sign == "：":
        return Fault("'：' is a full-width colon", hint)
    if sign == ":":
        return Fault("a space is missing after the colon", hint) if value[:1].strip() else None
    return Fault(f"a colon is missing after {key}", hint) if sign or space or not value else None


def _field_fault(content: str) -> Fault | None:
    field = _FIELD_LINE.fullmatch(content)
    if field is None or field[1] not in FIELDS:
        return None
    colon = content[len(field[1])] == ":"
    message = "a space is missing after the colon" if colon else f"a colon is missing after {field[1]}"
    return Fault(message, f"write {field[1]}: {field[2]}")
