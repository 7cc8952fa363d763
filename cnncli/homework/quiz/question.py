"""A question of a quiz: its text, its prompts, and its part of the quiz's network."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.questions import empty_cache, expected_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.language.source import Source
from cnncli.loading import Loaded, load_source


class Matrix(NamedTuple):
    """Rows of numbers with a name, one matrix per channel."""

    name: str
    channels: tuple[tuple[tuple[str, ...], ...], ...]


class DrawnLayers(NamedTuple):
    """Layers as lines: ``conv1: 6 filters of 5x5, stride 1, padding 0``."""

    lines: tuple[str, ...]


Part = str | Matrix | DrawnLayers


class Prompt(NamedTuple):
    """One answer to give: its name in sheets and keys (``q1``, ``q3.params``), its label, and what it asks."""

    name: str
    label: str
    question: Question


class QuizQuestion(NamedTuple):
    """``parts`` are its text. ``inputs``, ``layers`` and ``blocks`` (lines of YAML) are its part of the network."""

    name: str
    topic: str
    parts: tuple[Part, ...]
    prompts: tuple[Prompt, ...]
    inputs: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()


def network_text(questions: Iterable[QuizQuestion]) -> str:
    """The network of all questions as YAML, each with its own input; empty where no question is about layers."""
    questions = [question for question in questions if question.layers]
    if not questions:
        return ""
    lines = ["inputs:", *(f"  {name}: {shape}" for question in questions for name, shape in question.inputs)]
    blocks = [f"  {line}" for question in questions for line in question.blocks]
    lines += ["blocks:", *blocks] if blocks else []
    lines += ["layers:", *(f"  {line}" for question in questions for line in question.layers)]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=64)
def _loaded(text: str) -> Loaded:
    return load_source(Source("quiz", text), "quiz")


def expected_for(question: QuizQuestion, prompt: Prompt) -> ExpectedAnswer:
    """The expected answer to a prompt, from the question's own part of the network."""
    text = network_text([question])
    return expected_answer(Sheet("", _loaded(text) if text else None, ()), prompt.question, empty_cache())
