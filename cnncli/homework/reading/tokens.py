"""The tokens of an answer: numerals with their separators, words, and signs."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

NUMBER, WORD, SIGN = "number", "word", "sign"
MOST_TOKENS = 400
_NUMERAL = r"\d+(?:[.,'_٫]\d+)*(?:\.(?=\s|$|[)\]}]))?|(?<![\w)\]?])[.,٫]\d+"
_TOKEN = re.compile(
    rf"(?P<space>\s+)|(?P<number>(?:{_NUMERAL})(?:e[+-]?\d{{1,9}}(?!\w))?)"
    r"|(?P<word>[^\W\d](?:\w|'(?=\w))*)|(?P<sign>//|\*\*|==|=>|->|<=|>=|\.{2,}|…|.)"
)
_SIZED = re.compile(r"(?:(?<=[\d)\]?])|\b(?:n|b|none|null)(?=\s*x)|(?<=\bn|\bb)|(?<=none))\s*x\s*(?=[\d(\[?-])")
_SPELLED = {"**": "^", "==": "=", "=>": "→", "->": "→", "…": "...", "{": "(", "}": ")"}


class AnswerToken(NamedTuple):
    """A numeral, a word or a sign; ``spaced`` where white space precedes it."""

    kind: str
    text: str
    spaced: bool = False


def tokenize(text: str) -> list[AnswerToken]:
    """The tokens of a text in uniform spelling (:mod:`.spelling`); those after the first MOST_TOKENS are left out.

    >>> [token.text for token in tokenize("6x28x28 = 4,704")]
    ['6', 'x', '28', 'x', '28', '=', '4,704']
    """
    found: list[AnswerToken] = []
    spaced = False
    for match in _TOKEN.finditer(_SIZED.sub(lambda at: f"{at[0].strip()[:-1]} x ", text)):
        kind = match.lastgroup or SIGN
        written = match[0]
        if (
            kind == "space" or written == "#" or (written > "\x7f" and unicodedata.category(written[0]) == "So")
        ):  # ✓ and emoji
            spaced = True
            continue
        if kind == NUMBER:
            written = written.rstrip(".")
        found.append(AnswerToken(kind, _SPELLED.get(written, written) if kind == SIGN else written, spaced))
        spaced = False
        if len(found) == MOST_TOKENS:
            break
    return [
        AnswerToken(SIGN, "x", t.spaced) if t.kind == WORD and t.text == "x" and at else t for at, t in enumerate(found)
    ]


def is_sign(token: AnswerToken, *signs: str) -> bool:
    """Whether a token is one of these signs."""
    return token.kind == SIGN and token.text in signs
