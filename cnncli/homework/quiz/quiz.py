"""Drawing a quiz.

A question is drawn by its topic (:mod:`topics`) such that its numbers are easy to calculate with, and typical mistakes
give values that differ from the expected one and from each other.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple
from unicodedata import category

from cnncli.errors import CnnError, suggestion
from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import Prompt, QuizQuestion, expected_for, network_text
from cnncli.homework.quiz.topics import LEVELS, TOPICS

ATTEMPTS = 16  # questions to choose the one from whose mistakes give the most distinct values


class Quiz(NamedTuple):
    """The quiz of one student, or of all."""

    title: str
    seed: int
    student: str
    questions: tuple[QuizQuestion, ...]

    @property
    def architecture(self) -> str:
        """The network of all questions about layers, as YAML; empty where there are none."""
        return network_text(self.questions)

    @property
    def out_of(self) -> Fraction:
        """The number of points: one for each answer."""
        return Fraction(sum(len(question.prompts) for question in self.questions))


class AnsweredPrompt(NamedTuple):
    """A prompt and the expected answer to it."""

    prompt: Prompt
    expected: ExpectedAnswer


def draw(
    seed: int, student: str, count: int, level: str, topics: tuple[str, ...] = tuple(TOPICS), title: str = ""
) -> Quiz:
    """A quiz of ``count`` questions that cycles through the topics.

    A question depends on (seed, student, its number, its topic) alone. Raises CnnError for an unknown topic or level,
    and for a name that a file cannot contain.
    """
    for text in (student, title):
        if any(category(char) in ("Cc", "Cs") and char not in "\t\r\n" for char in text):
            raise CnnError(f"{text!r}: contains a character that cannot be written", "remove it")
    known = f"use {', '.join(TOPICS)}"
    for topic in topics:
        if topic not in TOPICS:
            raise CnnError(f"unknown topic {topic!r}", suggestion(topic, [*TOPICS], known))
    if level not in LEVELS:
        raise CnnError(f"unknown level {level!r}", f"use {', '.join(LEVELS)}")
    if not topics:
        raise CnnError("--topics is empty", known)
    if not 1 <= count <= 100:
        raise CnnError("a quiz has 1 to 100 questions", "give --questions 8")
    questions = (_question(seed, student, at, topics[(at - 1) % len(topics)], level) for at in range(1, count + 1))
    return Quiz(title or f"Quiz {seed}", seed, student, tuple(questions))


def _question(seed: int, student: str, number: int, topic: str, level: str) -> QuizQuestion:
    draws = Draws(f"{seed}/{student}/{number}/{topic}/{level}")
    best, most = None, Fraction(-1)
    for _ in range(ATTEMPTS):
        question = TOPICS[topic](draws, f"q{number}", level)
        distinct = _distinct_mistakes(question)
        if distinct is not None and distinct > most:
            best, most = question, distinct
        if most == 1:
            break
    if best is None:  # cannot happen with the current topics, but could with a new one
        raise CnnError(f"no {topic} question could be drawn at level {level}", "use another --seed")
    return best


def _distinct_mistakes(question: QuizQuestion) -> Fraction | None:
    """The fraction of single mistakes that give a value of their own; None for a question that is not well posed."""
    fractions = []
    for prompt in question.prompts:
        expected = expected_for(question, prompt)
        if isinstance(expected.value, str):
            return None  # it does not fit
        singles = [value for name, value in expected.candidates.items() if "+" not in name and value is not None]
        if any(value == expected.value for value in singles):
            return None
        fractions.append(Fraction(len({*map(str, singles)}), max(1, len(singles))))
    return min(fractions)


def answered(quiz: Quiz) -> list[list[AnsweredPrompt]]:
    """The prompts of every question with the expected answers."""
    return [
        [AnsweredPrompt(prompt, expected_for(question, prompt)) for prompt in question.prompts]
        for question in quiz.questions
    ]
