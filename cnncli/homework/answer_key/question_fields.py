"""Reading the fields of a ``solve`` or ``convolve`` question."""

from __future__ import annotations

from cnncli.arithmetic.numerals import is_digits
from cnncli.errors import CnnError, shortened, suggestion
from cnncli.homework.answer_key.sheet import Question
from cnncli.language.aliases import field_meant

SIZE_NAMES = {**dict.fromkeys(("in", "i", "n", "w"), "input"), "o": "output"}  # W and N are CS231n's input sizes
DIGITS = 9  # of a number in a question


def check_names(question: Question, known: tuple[str, ...]) -> None:
    """Raises CnnError for a field that the question does not have."""
    for name in question.fields:
        if name not in known:
            meant = field_meant(SIZE_NAMES.get(name.lower(), name), known)
            hint = f"use {meant}" if meant in known else suggestion(name, known, f"use {', '.join(known)}")
            raise CnnError(f"{question.name}: unknown field {name!r}", hint)


def integer(question: Question, name: str, default: int | None = None) -> int:
    """A field as a whole number of at least 0; ``default`` where it is empty. Raises CnnError."""
    text = question.fields.get(name, "")
    if not text and default is not None:
        return default
    if not is_digits(text):
        raise CnnError(f"{question.name}: {name} must be a whole number, not {shortened(text, 40) or 'empty'}")
    if len(text.lstrip("0")) > DIGITS:
        raise CnnError(f"{question.name}: {name} must be below {10**DIGITS:,} (the limit), not {shortened(text, 40)}")
    return int(text)


def flag(question: Question, name: str, *, default: bool = False) -> bool:
    """A field that is true or false. Raises CnnError."""
    text = question.fields.get(name) or str(default)
    if text.lower() not in ("true", "yes", "false", "no"):
        raise CnnError(f"{question.name}: {name} must be true or false, not {text[:40]}")
    return text.lower() in ("true", "yes")
