"""The errors of a YAML parser in cnn's words."""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class SyntaxFault(NamedTuple):
    """The place where a text is not YAML (line and column from 0), the reason, and a hint."""

    at: tuple[int, int]
    message: str
    hint: str


def syntax_faults(text: str, error: Any) -> list[SyntaxFault]:
    """The faults in a text that PyYAML refuses with ``error``: its typing errors, if one may be the cause."""
    found = _syntax_fault(text, error)
    if "a tab," in found.message:
        return [found]
    from cnncli.language.hints.typing_errors import line_faults

    typed = line_faults(text, found.at[0])
    if any(fault.at[0] <= found.at[0] for fault in typed):
        return [SyntaxFault(*fault) for fault in typed]
    return [_with_line(text, found)]


def _with_line(text: str, found: SyntaxFault) -> SyntaxFault:
    """The fault with the corrected line as its hint where a layer's braces are not closed."""
    from cnncli.language.hints.typed_layers import rewritten_line

    lines = text.splitlines()
    line = lines[found.at[0]].strip() if found.at[0] < len(lines) else ""
    superfluous = _superfluous(line)
    if superfluous is not None:
        column = len(lines[found.at[0]]) - len(lines[found.at[0]].lstrip()) + 2
        return SyntaxFault((found.at[0], column), *superfluous)
    if "opened here is not closed" in found.message:
        after = lines[found.at[0] + 1] if found.at[0] + 1 < len(lines) else ""
        if len(after) - len(after.lstrip()) > len(lines[found.at[0]]) - len(lines[found.at[0]].lstrip()):
            return found  # the value goes on in the next line
        hint = rewritten_line(line)
        return found._replace(hint=f"write {hint}") if hint else found
    return _indentation(lines, found)


def _superfluous(line: str) -> tuple[str, str] | None:
    """The fault and the hint of a layer with something before or after its braces; None for any other line."""
    if named := re.fullmatch(r"- (\w+): +(\w+): *\{(.*)\}", line):
        return f"{named[1]} before the layer type", f"write - {named[2]}: {{name: {named[1]}, {named[3]}}}"
    second = re.fullmatch(r"- \w+: *\{[^{}]*\}\s*[,;]\s*(\w.*)", line)
    if second:
        return "a second layer after the first one", f"give {second[1][:40]} a line or a --layer of its own"
    more = re.fullmatch(r"- \w+: *\{[^{}]*\}\s*([^\s,;{}].*)", line)
    if more is None:
        return None
    times = re.fullmatch(r"[x×*] ?([0-9]+)|([0-9]+) ?[x×]", more[1])
    hint = "remove it: a comment starts with #"
    if times:
        hint = f"write - repeat: {{times: {times[1] or times[2]}, layers: [ … ]}} around the layer"
    return f"{more[1][:40]!r} after the layer", hint


def _syntax_fault(text: str, error: Any) -> SyntaxFault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    if mark is None:
        return _forbidden_character(text, error, problem)
    at = (mark.line, mark.column)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[max(0, mark.column - 1) : mark.column + 1]:
        return SyntaxFault(at, "a tab, where YAML requires spaces", "replace the tab with spaces")
    for sign, message, hint in _SYNTAX_HINTS:
        if sign in problem:
            opened = getattr(error, "context_mark", None) if "opened here" in message else None
            return SyntaxFault((opened.line, opened.column) if opened else at, message, hint)
    return SyntaxFault(at, f"is not YAML: {problem}", "check the indentation, the brackets and the quotes")


def _indentation(lines: list[str], found: SyntaxFault) -> SyntaxFault:
    """A list item or a field that is not aligned with the earlier ones, and with which line it should be."""
    number = found.at[0]
    if number >= len(lines) or not ("indent" in found.message or "document start" in found.message):
        return found
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    is_item = line.lstrip().startswith("- ")
    for earlier in range(number - 1, -1, -1):
        other = lines[earlier]
        if not other.strip() or (is_item and not other.lstrip().startswith("- ")):
            continue
        column = len(other) - len(other.lstrip())
        if column == indent:
            return found
        unfinished = re.fullmatch(r"- (\w+)", other.strip())
        if unfinished and indent > column:
            hint = f"write - {unfinished[1]}:"
            return SyntaxFault((earlier, column + 2), f"a colon is missing after {unfinished[1]}", hint)
        columns = f"column {indent + 1} here, and column {column + 1} in line {earlier + 1}"
        message = f"the indentation does not match the previous lines: {columns}"
        return SyntaxFault((number, indent), message, f"align it with line {earlier + 1}")
    if any(other.rstrip().endswith(":") for other in lines[:number]):
        return found
    return SyntaxFault((number, indent), "a list item without a key for the list", "write layers: in the line before")


def _forbidden_character(text: str, error: Any, problem: str) -> SyntaxFault:
    """A character that YAML does not allow; the parsers give its position in the text."""
    position = getattr(error, "position", 0)
    before = text[:position] if isinstance(position, int) else ""
    at = (before.count("\n"), len(before) - before.rfind("\n") - 1)
    character = getattr(error, "character", None)
    which = f"the character U+{character:04X}" if isinstance(character, int) else f"a character ({problem})"
    return SyntaxFault(at, f"{which} is not allowed in a YAML file", "remove it")


_BRACES = "the brace opened here is not closed, or a comma is missing after it"
_BRACKETS = "the bracket opened here is not closed, or a comma is missing after it"
_SYNTAX_HINTS = (
    (
        "mapping values are not allowed",
        "a second ':' in one line, a line indented too far, or no ':' at the end of the previous line",
        "put a list item's fields in braces, as in conv: {filters: 6, kernel: 5}; put a text with ': ' in quotes",
    ),
    ("expected ',' or '}'", _BRACES, "write {a: 1, b: 2}"),
    ("expected ',' or ']'", _BRACKETS, "write [1, 2]"),
    ("did not find expected node content", "a value is missing here", "close what is open: { with }, [ with ]"),
    (
        "could not find expected ':'",
        "a line has no ':' where a key is expected",
        "write key: value, with a space after the ':'",
    ),
    ("did not find expected key", "the indentation does not match the previous lines", "align it with its neighbors"),
    ("did not find expected '-' indicator", "the indentation does not match the list", "start each item with '- '"),
    ("unexpected end of stream", "the quote opened here is never closed", "close it"),
    ("cannot start any token", "no value can start with this character", "put the text in quotes"),
    ("expected alphabetic or numeric character", "a name is missing after the * or &", "put the text in quotes"),
    ("unknown escape character", "a backslash starts an escape sequence in double quotes", "use single quotes"),
)
