"""Moodle's GIFT.

What its importer reads (moodle/moodle, question/format/gift/format.php): ``$CATEGORY:`` before the questions of a pool,
``::name::`` before the text, ``{#`` before numbers with ``value:tolerance``, ``=%0%`` before wrong ones, and ``####``
before the general feedback. Questions end at an empty line. GIFT has no points.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnncli.homework.quiz.quiz import Quiz
from cnncli.homework.quiz.uploads.items import NUMBER, WORDS, Item, Option, decimal, pools


def _text(text: str) -> str:
    for char in "\\~=#{}:":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\\n")


def gift(quizzes: Sequence[Quiz]) -> str:
    """The questions in GIFT; for several quizzes, pools with a variant from each."""
    blocks = []
    for pool in pools(quizzes):
        if len(quizzes) > 1:
            blocks.append(f"$CATEGORY: $course$/top/{category(pool.quiz)}/{category(pool.title)}\n")
        blocks += map(_question, pool.items)
    return "\n".join(blocks)


def category(text: str) -> str:
    """A name in the path of a category, in which Moodle writes a slash twice."""
    return " ".join(text.split()).replace("/", "//")


def _question(item: Item) -> str:
    lines = [_option(item, option) for option in item.options]
    start = "{#" if item.kind == NUMBER else "{"
    text = f"::{_text(item.name)}::[html]{_text(item.html)} {start}"
    return "\n".join([text, *lines, f"  ####{_text(item.solution)}", "}", ""])


def _option(item: Item, option: Option) -> str:
    wrong = "=%0%" if item.kind == NUMBER else "~"
    tolerance = f":{decimal(item.tolerance) if option.is_correct else 0}" if item.kind == NUMBER else ""
    feedback = "" if item.kind == WORDS else f"#{_text(option.feedback)}"
    return f"  {'=' if option.is_correct else wrong}{_text(option.text)}{tolerance}{feedback}"
