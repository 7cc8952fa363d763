"""Which answers are the same, for a verdict that applies to all who wrote it."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from cnncli.homework.grading.key import KeyQuestion
from cnncli.homework.question_types.reading import FreeQuestion
from cnncli.homework.question_types.text import TextQuestion, normal_text


class SameAnswer(NamedTuple):
    """What answers have in common to which one verdict applies.

    ``form`` is the answer without what does not count: case and spaces in a row; for a text as its question compares
    it. ``expected`` is the correct answer where each student has a key of their own. ``student`` is set for what is
    handed in as a file: two files named photo.jpg are different.
    """

    question: str
    form: str
    expected: str = ""
    student: str = ""


def same_answer(question: KeyQuestion, written: str, expected: str, student: str, *, own_keys: bool) -> SameAnswer:
    """What an answer has in common with those that are the same."""
    if question.free is not None and question.free.kind == "upload":
        return SameAnswer(question.name, "", student=plain_text(student))
    return SameAnswer(question.name, _answer_form(question.free, written), expected if own_keys else "")


def _answer_form(question: FreeQuestion | None, written: str) -> str:
    """An answer without what does not count for its question. The case of a unit counts: 3 mW is not 3 MW.

    No verdict is on answers that a pattern tells apart, weight sharing and weightsharing.
    """
    text = plain_text(written)
    if isinstance(question, TextQuestion):
        return f"{normal_text(text)}{' (accepted)' if question.is_accepted(text) else ''}"
    kind = question.kind if question is not None else ""
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines())
    form = "\n".join(line for line in lines if line)
    return form if kind == "numeric" else form.casefold()


def plain_text(written: str) -> str:
    """A text as it is written into a file: without half characters."""
    return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
