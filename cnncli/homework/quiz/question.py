"""A question of a quiz: its text, its prompts, and its part of the quiz's network."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.questions import empty_cache, expected_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.languages.messages import localized
from cnncli.inference import Inferred
from cnncli.language.source import Source
from cnncli.loading import Loaded, load_source


class Matrix(NamedTuple):
    """Rows of numbers with a name, one matrix per channel."""

    name: str
    channels: tuple[tuple[tuple[str, ...], ...], ...]


class DrawnLayers(NamedTuple):
    """Layers as lines: ``conv1: 6 filters of 5x5, stride 1, padding 0``."""

    lines: tuple[str, ...]


class Table(NamedTuple):
    """Rows of texts below their headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Part = str | Matrix | DrawnLayers | Table


class Stated(NamedTuple):
    """An answer that the topic itself calculates: a number, or the correct one of ``choices``.

    A number within ``tolerance`` of the value is correct.
    """

    value: Fraction | str
    derivation: tuple[str, ...]
    choices: tuple[str, ...] = ()
    tolerance: Fraction = Fraction(0)


class Prompt(NamedTuple):
    """One answer to give.

    ``name`` is its name in sheets and keys (``q1``, ``q3.params``), ``label`` what it is in a few words, and
    ``request`` the sentence that asks for it. ``question`` is how a key asks it, unless the answer is ``stated``.
    ``mistakes`` are phrases with the values that they give, besides those that the question's answer has.
    """

    name: str
    label: str
    request: str
    question: Question
    stated: Stated | None = None
    mistakes: tuple[tuple[str, Any], ...] = ()


class QuizQuestion(NamedTuple):
    """``parts`` are its text. ``inputs``, ``layers`` and ``blocks`` (lines of YAML) are its part of the network.

    ``points`` are those of each answer.
    """

    name: str
    topic: str
    parts: tuple[Part, ...]
    prompts: tuple[Prompt, ...]
    inputs: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    points: int = 1

    @property
    def content(self) -> tuple[Any, ...]:
        """What is asked, without names: equal for two questions that are the same."""
        return self.topic, self.parts, tuple(prompt.request for prompt in self.prompts)


def localized_question(question: QuizQuestion) -> QuizQuestion:
    """The question in the current language. Its mistakes stay messages."""
    parts = tuple(map(_localized_part, question.parts))
    return question._replace(parts=parts, prompts=tuple(map(_localized_prompt, question.prompts)))


def _localized_part(part: Part) -> Part:
    if isinstance(part, DrawnLayers):
        return DrawnLayers(tuple(map(localized, part.lines)))
    if isinstance(part, Table):
        return part._replace(headings=tuple(map(localized, part.headings)))
    return part if isinstance(part, Matrix) else str(localized(part))


def _localized_prompt(prompt: Prompt) -> Prompt:
    stated = prompt.stated
    if stated is not None:
        derivation, choices = tuple(map(localized, stated.derivation)), tuple(map(localized, stated.choices))
        stated = stated._replace(value=localized(stated.value), derivation=derivation, choices=choices)
    return prompt._replace(label=localized(prompt.label), request=localized(prompt.request), stated=stated)


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


def calculated(question: QuizQuestion) -> Inferred:
    """The question's part of the network with all its numbers."""
    return _loaded(network_text([question])).inferred


def expected_for(question: QuizQuestion, prompt: Prompt) -> ExpectedAnswer:
    """The expected answer to a prompt: the stated one, or from the question's own part of the network."""
    if prompt.stated is not None:
        value, lines = prompt.stated.value, prompt.stated.derivation
        text = value if isinstance(value, str) else shown(value)
        return ExpectedAnswer(value, text, lines, {})
    asked = prompt.question
    return _computed(network_text([question]), asked.name, tuple(sorted(asked.fields.items())))


@lru_cache(maxsize=1024)  # the answers of a quiz are calculated once for all its documents
def _computed(network: str, name: str, fields: tuple[tuple[str, str], ...]) -> ExpectedAnswer:
    sheet = Sheet("", _loaded(network) if network else None, ())
    return expected_answer(sheet, Question(name, "", dict(fields)), empty_cache())
