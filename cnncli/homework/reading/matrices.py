"""The texts that a matrix may mean: a comma may be a decimal one, or separate entries or rows.

They are in the notation of :mod:`cnncli.homework.exact_ops.matrix_text`, the likelier ones first. Which one is meant
follows from the size of the expected matrix: a later text is tried where the earlier ones are no matrix of that size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnncli.homework.reading.locales import COMMA, decimal_separator
from cnncli.homework.reading.spelling import QUOTES, characters

_NAME = re.compile(r"\s*(?!array|tensor)[^\W\d][\w' ]{0,30}(?:\([^()]{0,20}\))?\s*(?::(?!=)|=)\s*(?=\S)")
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_DRAWN = str.maketrans(dict.fromkeys("⎡⎢⎣⎤⎥⎦⎛⎜⎝⎞⎟⎠│┃", " "))
_RULE = re.compile(r"[-|:+\s]+")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_EMPTY_LINE = re.compile(r"\n[^\S\n]*\n\s*")


def matrix_texts(text: str, locale: str = "") -> Iterator[str]:
    """The texts that a matrix may mean, each once.

    >>> list(matrix_texts("0,5 1; 1 2"))
    ['0,5 1; 1 2', '0.5 1; 1 2']
    """
    plain = _cleaned(text)
    with_decimals = _DECIMAL_COMMA.sub(".", plain)
    found = [with_decimals, plain] if decimal_separator(locale) == COMMA else [plain, with_decimals]
    for one in tuple(found):
        found += _other_separators(one)
    yield from dict.fromkeys(found)


def _cleaned(text: str) -> str:
    """The text in ASCII digits and signs, without quotation marks, a name, bars and drawn brackets around it."""
    text = _FENCE.sub("", characters(text)).translate(_DRAWN).strip().strip(QUOTES).strip()
    if "\\" not in text:
        text = _NAME.sub("", text, count=1) if _NAME.match(text) else text
    text = re.sub(r"(?<=[\])}\d])\s*\.$", "", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and all(line.startswith("|") and line.endswith("|") for line in lines):
        rows = [line.strip("|").replace("|", " ").strip() for line in lines if not _RULE.fullmatch(line)]
        return "\n".join(rows)
    return text


def _other_separators(text: str) -> Iterator[str]:
    """The text with ``,`` or ``/`` between rows, ``;`` between entries, or empty lines between channels or rows."""
    text = re.sub(r"[^\S\n]{2,}", " ", text)
    if ";" not in text and "\n" not in text and re.search(r"\d\s+-?\d", text):
        yield re.sub(r"\s*,\s*", "; ", text)
        yield re.sub(r"\s+/\s+", "; ", text)
    if ";" in text and "\n" in text:
        yield re.sub(r";\s*?(?=\n|$)", "", text).replace(";", " ")
    if _EMPTY_LINE.search(text):
        yield _EMPTY_LINE.sub(" | ", text.strip())
        yield _EMPTY_LINE.sub("\n", text.strip())
