"""A task: its text, what is asked of it, and its part of the network."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.questions import nothing_known, right_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.language.source import Source
from cnncli.loading import Loaded, load_source


class Matrix(NamedTuple):
    """Numbers in rows, with a name in front; several channels one after the other."""

    name: str
    channels: tuple[tuple[tuple[str, ...], ...], ...]


class Listing(NamedTuple):
    """Layers as lines: ``conv1: 6 filters of 5x5, stride 1, padding 0``."""

    lines: tuple[str, ...]


Part = str | Matrix | Listing


class Asked(NamedTuple):
    """One answer: its name in sheets and keys (``q1``, ``q3.params``), what is asked in words, and the question."""

    name: str
    what: str
    question: Question


class Exercise(NamedTuple):
    """``inputs`` and ``layers`` (lines of YAML) are its part of the paper's network; ``blocks`` too."""

    name: str
    topic: str
    parts: tuple[Part, ...]
    asked: tuple[Asked, ...]
    inputs: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()


def network_text(tasks: Iterable[Exercise]) -> str:
    """The network of all tasks as YAML, each on an input of its own; empty where no task is about layers."""
    tasks = [task for task in tasks if task.layers]
    if not tasks:
        return ""
    lines = ["inputs:", *(f"  {name}: {shape}" for task in tasks for name, shape in task.inputs)]
    blocks = [f"  {line}" for task in tasks for line in task.blocks]
    lines += ["blocks:", *blocks] if blocks else []
    lines += ["layers:", *(f"  {line}" for task in tasks for line in task.layers)]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=64)
def _loaded(text: str) -> Loaded:
    return load_source(Source("quiz", text), "quiz")


def truth_of_asked(task: Exercise, asked: Asked) -> ExpectedAnswer:
    """The right answer, worked out by the task's own network alone."""
    text = network_text([task])
    return right_answer(Sheet("", _loaded(text) if text else None, ()), asked.question, nothing_known())
