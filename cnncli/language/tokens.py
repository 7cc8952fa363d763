"""An expression's text -> its tokens, each with its position."""

from __future__ import annotations

from typing import NamedTuple

LENGTH_LIMIT = 1000

SYMBOLS = ("**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "<", ">", "(", ")", ",")


class Token(NamedTuple):
    """``kind`` is number, text, name, word, symbol or end; ``at`` the position in the expression."""

    kind: str
    text: str
    at: int


class BadExpression(ValueError):
    """A fault in an expression, ``at`` a position in its text, and a hint."""

    def __init__(self, message: str, at: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.hint = hint


def tokenize(text: str) -> list[Token]:
    """The tokens of an expression, the last of kind ``end``. Raises BadExpression."""
    if len(text) > LENGTH_LIMIT:
        raise BadExpression(f"is an expression of {len(text):,} characters; the limit is {LENGTH_LIMIT:,}")
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
            continue
        kind, end = _token_end(text, at)
        tokens.append(Token(kind, text[at:end], at))
        at = end
    return [*tokens, Token("end", "", len(text))]


def _token_end(text: str, at: int) -> tuple[str, int]:
    char = text[at]
    if char in "0123456789.":
        return "number", _number_end(text, at)
    if char == "$":
        end = _word_end(text, at + 1)
        if end == at + 1:
            hint = "write $name, without braces" if text[at + 1 : at + 2] == "{" else "write $name"
            raise BadExpression("has a $ without a name", at, hint)
        return "name", end
    if char.isalpha() or char == "_":
        return "word", _word_end(text, at)
    if char in "'\"":
        end = text.find(char, at + 1)
        if end < 0:
            raise BadExpression("has an unclosed quote", at)
        return "text", end + 1
    for symbol in SYMBOLS:
        if text.startswith(symbol, at):
            return "symbol", at + len(symbol)
    raise BadExpression(f"has an unexpected {char!r}", at)


def _word_end(text: str, at: int) -> int:
    while at < len(text) and (text[at].isalnum() or text[at] == "_"):
        at += 1
    return at


def _number_end(text: str, at: int) -> int:
    while at < len(text) and (text[at].isalnum() or text[at] in "._" or (text[at] in "+-" and text[at - 1] in "eE")):
        at += 1
    return at
