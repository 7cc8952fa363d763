"""Escaping of untrusted text for each format that cnn writes: terminals, Markdown, HTML, LaTeX, CSV.

Names of layers, files and students, notes, and values of tables come from untrusted files. The characters that
are special in each format are escaped here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from cnncli.arithmetic.numerals import read_number
from cnncli.errors import shortened

# Controls (C0 without tab and newline, DEL, C1), which move a cursor, clear a screen or rename a window; the line and
# paragraph separators; everything with Unicode's property Bidi_Control, which reorders the
# displayed text; and lone surrogates, which represent bytes that are not UTF-8 and cannot be encoded.
_DRIVES_TERMINALS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKDOWN = re.compile(r"[\\`*_<>\[\]|&$~]")
_LATEX = {
    **{char: f"\\{char}" for char in "_&%$#{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_FORMULA = ("=", "+", "-", "@", "\t")  # characters that start a formula in spreadsheets


def visible(text: str) -> str:
    r"""``text`` with every character that drives a terminal written as ``\uXXXX``; tabs and newlines stay.

    This is JSON's escape as well, so that JSON stays valid and reads back as the same text.

    >>> visible("\x1b[31mred")
    '\\u001b[31mred'
    """
    return _DRIVES_TERMINALS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def visible_line(text: str) -> str:
    r"""The same in one line: for a cell of a table, whose width must be that of what is printed.

    >>> visible_line("a\nb")
    'a\\nb'
    """
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


LONGEST_TYPED = 100  # characters of a value that a message repeats in full
LONGEST_LINE = 1000  # characters of a line of a message


def visible_message(text: str, typed: Iterable[str]) -> str:
    r"""An error message in which each argument that was ``typed`` is in one line, and short unless it is a path.

    >>> visible_message("a\nb: no such file\n  name a file", ["a\nb"])
    'a\\nb: no such file\n  name a file'
    """
    for argument in typed:
        for value in sorted({argument, *re.split("[=,/]", argument)}, key=len, reverse=True):
            if len(value) > LONGEST_TYPED and "/" not in value:
                shown = shortened(visible_line(value))
                text = text.replace(value, shown).replace(repr(value)[1:-1], shown)
            elif "\n" in value and value.strip():
                after = "(?=[:'/,)])" if value.endswith("\n") else ""  # the end of a line of the message is none of it
                text = re.sub(re.escape(value) + after, visible_line(value).replace("\\", r"\\"), text)
    return "\n".join(map(_short_line, text.split("\n")))


def _short_line(line: str) -> str:
    """A line without its middle, if it is overlong: it begins with the option or the file, and ends with the fault."""
    half = LONGEST_LINE // 4
    return line if len(line) <= LONGEST_LINE else f"{line[:half]} … {line[-half:]}"


def markdown(text: str) -> str:
    """A line as Markdown's plain text: ``5*5*3`` is not emphasis, ``<b>`` is not a tag, ``[a](b)`` is not a link.

    >>> markdown("5*5 <b>")
    '5\\\\*5 \\\\<b\\\\>'
    """
    return _MARKDOWN.sub(r"\\\g<0>", visible_line(text))


def markdown_code(text: str) -> str:
    """A line as Markdown's code, whatever characters it has.

    >>> markdown_code("a*b"), markdown_code("a`b")
    ('`a*b`', '`` a`b ``')
    """
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def yaml(text: str) -> str:
    r"""A text as YAML's, in quotation marks: YAML reads it back, whatever its characters are.

    >>> print(yaml('a "b"\n'))
    "a \"b\"\n"
    """
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    parts = (escapes.get(char, char if char.isprintable() else f"\\U{ord(char):08x}") for char in text)
    return f'"{"".join(parts)}"'


def html(text: str) -> str:
    """A text as HTML's, also within an attribute.

    >>> html("a < b")
    'a &lt; b'
    """
    from html import escape

    return escape(visible(text))


def latex(text: str) -> str:
    """A text as LaTeX's, without anything that LaTeX would read as a command.

    >>> latex("50% of c_1")
    '50\\\\% of c\\\\_1'
    """
    return "".join(_LATEX.get(char, char) for char in visible_line(text))


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as comma-separated values in which a spreadsheet finds no formulas.

    A text that begins as a formula does is given a leading apostrophe, unless it is a number.

    >>> csv_text([["=1+1", "-1.5", -1.5]])
    "'=1+1,-1.5,-1.5\\n"
    """
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) and read_number(text) is None else text
