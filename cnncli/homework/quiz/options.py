"""Which wrong values of a question are worth showing."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from cnncli.homework.languages.messages import localized
from cnncli.homework.mistakes.table import MISTAKES
from cnncli.homework.mistakes.texts import described
from cnncli.homework.quiz.quiz import AnsweredPrompt
from cnncli.homework.quiz.values import value_text

# The largest ratio of a wrong value to the correct one, or the other way round, that somebody could believe.
LARGEST_RATIO = 50  # of counts and sizes
LARGEST_SIDE_RATIO = 8  # of the largest axes of shapes


def wrong_options(answer: AnsweredPrompt, most: int = 4) -> list[tuple[str, str]]:
    """Typical mistakes, each with its value: each value once, none of them the expected one, none absurd.

    A mistake is named by its id, or by a phrase.
    """
    found: dict[str, str] = {}
    for name, value in _singles(answer):
        text = value_text(value)
        if text != value_text(answer.expected.value) and is_plausible(answer, value):
            found.setdefault(text, name)
    return [(name, text) for text, name in found.items()][:most]


def phrase(name: str) -> str:
    """A mistake in words: of the table by its id, or the phrase itself. Layers lose the name of their question."""
    words = described(name) if name.partition("#")[0] in MISTAKES else name
    return re.sub(r"\bq\d+\.", "", localized(words))


def _singles(answer: AnsweredPrompt) -> list[tuple[str, Any]]:
    candidates = answer.expected.candidates.items()
    named = [(name, value) for name, value in candidates if "+" not in name and value is not None]
    return [*answer.prompt.mistakes, *named]


def is_plausible(answer: AnsweredPrompt, value: Any) -> bool:
    """Whether a wrong value of a size, a shape or a count could be believed: whole, positive, not far off."""
    expected = answer.expected.value
    if answer.prompt.stated is not None or isinstance(expected, str):
        return True
    if isinstance(expected, tuple) and expected and isinstance(expected[0], tuple):
        return all(isinstance(cell, int | Fraction) for rows in value for row in rows for cell in row)
    wanted, found = _axes(expected), _axes(value)
    ratio = LARGEST_SIDE_RATIO if isinstance(expected, tuple) else LARGEST_RATIO
    return all(_is_size(one) for one in found) and max(wanted) <= ratio * max(found) <= ratio * ratio * max(wanted)


def _axes(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_size(value: Any) -> bool:
    return isinstance(value, int | Fraction) and Fraction(value).denominator == 1 and value > 0
