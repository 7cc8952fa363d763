"""What stands in braces, read by the names of the fields: YAML would end a value at each comma in it."""

from __future__ import annotations

import re

from cnncli.homework.answer_key import convolution_answers, size_answers

FIELDS = tuple(dict.fromkeys((*size_answers.FIELDS, *convolution_answers.FIELDS, "answer")))
_FIELD = re.compile(rf"(?:^|[,;\n{{])[ \t]*[\"']?({'|'.join(FIELDS)})[\"']?[ \t]*[:=]", re.IGNORECASE)
_NAME = re.compile(r"\s*[\"']?([^\W\d][\w.-]*(?: [\w.-]+)?)[\"']?\s*[:=]\s*(.*)", re.DOTALL)
_ROOT = re.compile(r"\{\s*([\"']?)[^\W\d][\w. -]*\1\s*:")
_TOKEN = re.compile(r'(?<![^\s:=,{[(])"[^"\n]*"(?=\s*(?:[,:})\]]|$))|.', re.DOTALL)
_OPENING, _CLOSING = "([{", ")]}"


def without_braces(text: str) -> str:
    """The text inside one pair of braces; unchanged where there is none, or the last brace is missing."""
    text = text.strip()
    return text[1:].removesuffix("}").strip() if text.startswith("{") else text


def unquoted(text: str) -> str:
    """A value without the comma after it, and without the quotation marks around it."""
    text = text.strip().rstrip(",").strip()
    for mark in "\"'":
        if len(text) > 1 and text[0] == text[-1] == mark and mark not in text[1:-1]:
            return text[1:-1].strip()
        if text.startswith(mark) and text.count(mark) == 1:  # the other one was forgotten
            return text[1:].strip()
    return text


def split_fields(text: str) -> tuple[str, dict[str, str]]:
    """The fields of a question by name, in lower case, and the text before the first: ``input: 7, output: 30, 10``.

    A value ends where the next known name begins. Of a name that occurs twice, the first counts.
    """
    text = without_braces(text)
    found = [*_FIELD.finditer(text)]
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    fields: dict[str, str] = {}
    for match, end in zip(found, ends, strict=True):
        fields.setdefault(match[1].lower(), unquoted(text[match.end() : end]))
    return unquoted(text[: found[0].start()] if found else text), fields


def split_entries(text: str) -> list[tuple[str, str]]:
    """Questions with their answers in one pair of braces: ``{c1.params: 156, c1.shape: 6, 28, 28}``.

    A part without a name continues the answer before it. A name that occurs twice has two answers. Of closing braces
    that more than close those of the text, as at the end of a line of JSON, none is part of an answer.
    """
    while text.endswith("}") and text.count("}") > text.count("{"):
        text = text[:-1].rstrip()
    entries: list[tuple[str, str]] = []
    for part in _parts(without_braces(text)):
        match = _NAME.fullmatch(part)
        if match:
            entries.append((match[1], match[2]))
        elif entries:
            name, value = entries[-1]
            entries[-1] = (name, f"{value},{part}")
    return [(name, unquoted(value)) for name, value in entries]


def root_entries(line: str) -> list[str]:
    """The entries of a sheet in braces, as JSON and YAML write them in one line; empty for any other line."""
    if _ROOT.match(line) is None:
        return []
    body = line[1:] if line.count("{") > line.count("}") else without_braces(line)
    return [part.strip() for part in _parts(body) if part.strip()]


def _parts(text: str) -> list[str]:
    """A text, split at the commas and line ends outside brackets and quotation marks."""
    parts, depth = [""], 0
    for char in _TOKEN.findall(text):
        depth += (char in _OPENING) - (char in _CLOSING and depth > 0)
        if char in ",\n" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts
