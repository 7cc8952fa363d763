"""Numbers in English words: ``one hundred and fifty-six``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncli.homework.reading.tokens import NUMBER, WORD, AnswerToken
from cnncli.homework.reading.words import MULTIPLE_WORDS, NUMBER_WORDS, WORDS

_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_VALUES = {word: value for word, value in NUMBER_WORDS.items() if word.isascii()} | _TENS
_TEENS = "|".join(word for word, value in _VALUES.items() if 9 < value < 20)
_ONES = "|".join(word for word, value in _VALUES.items() if 0 < value < 10)
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)}|twenty)(?: (?:{_ONES}))?|{_TEENS}|{_ONES})"
_BELOW_1000 = rf"(?:(?:{_BELOW_100}|a) hundred(?: (?:and )?{_BELOW_100})?|{_BELOW_100})"
_CARDINAL = re.compile(rf"{_BELOW_1000}(?: (?:{'|'.join(WORDS)})(?: (?:and )?{_BELOW_1000})?)*(?!\S)")
_MOST_WORDS = 20  # of a number


def with_cardinals(tokens: Sequence[AnswerToken]) -> list[AnswerToken]:
    """The tokens with a numeral for each number of several words; single words, and 2 million, stay words."""
    found: list[AnswerToken] = []
    at = 0
    while at < len(tokens):
        said = _words_at(tokens, at)
        value = _value(said)
        found.append(tokens[at] if value is None else AnswerToken(NUMBER, str(value), tokens[at].spaced))
        at += 1 if value is None else len(said)
    return found


def _words_at(tokens: Sequence[AnswerToken], at: int) -> list[str]:
    """The words of the longest number that begins at a position; none where there is none."""
    if tokens[at].kind != WORD or (tokens[at].text not in _VALUES and tokens[at].text != "a"):
        return []
    said: list[str] = []
    for token in tokens[at : at + _MOST_WORDS]:
        if token.kind != WORD:
            break
        said.append(token.text)
    match = _CARDINAL.match(" ".join(said))
    return match[0].split() if match else []


def _value(said: Sequence[str]) -> int | None:
    """The value of a number in words; None where the words are read one by one."""
    if not said or (len(said) == 1 and said[0] in NUMBER_WORDS) or (len(said) == 2 and said[1] in MULTIPLE_WORDS):
        return None
    total = below_1000 = 0
    for word in said:
        if word in WORDS:
            total, below_1000 = total + below_1000 * WORDS[word], 0
        elif word == "hundred":
            below_1000 *= 100
        elif word != "and":
            below_1000 += _VALUES.get(word, 1)  # a hundred
    return total + below_1000
