"""What the topics have in common: levels, sentences, and the prompts of each kind."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import Matrix, Prompt, Stated

LEVELS = ("easy", "medium", "hard")
EASY, MEDIUM, HARD = LEVELS
MACS = message("multiply-accumulates (MACs)")
Rows = list[list[int]]
Mistakes = dict[str, Any]  # phrases with the values that they give; None where a mistake cannot be made


def article(number: int) -> str:
    """``a`` or ``an`` before a number, as it is read: an 8, an 11, an 80, a 1."""
    text = str(number)
    return "an" if text[0] == "8" or (text[:2] in ("11", "18") and len(text) % 3 == 2) else "a"


def padded(padding: int) -> str:
    """``padding 2 on each side``, ``no padding``."""
    return message("padding {padding} on each side", padding=padding) if padding else message("no padding")


def unlike(wrong: Mistakes, value: Any) -> Mistakes:
    """The mistakes that give another value than the correct one."""
    return {phrase: other for phrase, other in wrong.items() if other != value}


def network_prompt(name: str, label: str, request: str, wrong: Mistakes | None = None) -> Prompt:
    """A prompt about a quantity of the quiz's network."""
    return Prompt(name, label, request, Question(name, "", {}), mistakes=given(wrong or {}))


def solve_prompt(name: str, label: str, request: str, fields: dict[str, str], wrong: Mistakes | None = None) -> Prompt:
    """A prompt about one size."""
    return Prompt(name, label, request, Question(f"solve {name}", "", fields), mistakes=given(wrong or {}))


def convolve_prompt(
    name: str, label: str, request: str, fields: dict[str, str], wrong: Mistakes | None = None
) -> Prompt:
    """A prompt about a matrix, or about its gradient."""
    return Prompt(name, label, request, Question(f"convolve {name}", "", fields), mistakes=given(wrong or {}))


def number_prompt(
    name: str, label: str, request: str, value: Fraction | int, derivation: tuple[str, ...], wrong: Mistakes,
    tolerance: Fraction = Fraction(0),
) -> Prompt:  # fmt: skip
    """A prompt about a number that the topic calculates."""
    stated = Stated(Fraction(value), derivation, tolerance=tolerance)
    return Prompt(name, label, request, Question(name, "", {}), stated, given(wrong))


def given(wrong: Mistakes) -> tuple[tuple[str, Any], ...]:
    """The mistakes that can be made."""
    return tuple((phrase, value) for phrase, value in wrong.items() if value is not None)


def fields(**numbers: int) -> dict[str, str]:
    """The fields of a size question, without those that have their usual value."""
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    return {field: str(number) for field, number in numbers.items() if usual.get(field) != number}


def matrix(draws: Draws, size: int, values: range | tuple[int, ...]) -> Rows:
    """A square matrix of drawn values."""
    return [[draws.pick(values) for _ in range(size)] for _ in range(size)]


def written(channels: list[Rows]) -> str:
    """Matrices as a field of a question: ``1 2; 3 4 | 5 6; 7 8``."""
    return " | ".join("; ".join(" ".join(map(str, row)) for row in rows) for rows in channels)


def drawn(name: str, channels: list[Rows]) -> Matrix:
    """Matrices as a part of a question's text."""
    return Matrix(name, tuple(tuple(tuple(map(str, row)) for row in rows) for rows in channels))


def listed(values: list[Fraction] | list[int]) -> str:
    """Numbers as a list: ``1, 3, 5``."""
    return ", ".join(shown(value) for value in values)
