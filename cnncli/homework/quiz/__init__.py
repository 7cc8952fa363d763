"""Exercises drawn at random: the paper of one student, from (seed, student, question) alone.

A task is drawn by its topic (:mod:`topics`), such that the figures are whole and sensible and the typical mistakes give
values that differ from the right one and from each other; the forms of a paper stand in files of their own.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple
from unicodedata import category

from cnncli.errors import CnnError, suggestion
from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.task import Asked, Exercise, network_text, truth_of_asked
from cnncli.homework.quiz.topics import LEVELS, TOPICS

DRAWN = 16  # tasks of which the one is kept that tells mistakes apart best


class Quiz(NamedTuple):
    """One student's paper."""

    title: str
    seed: int
    student: str
    tasks: tuple[Exercise, ...]

    @property
    def architecture(self) -> str:
        """The one network, as YAML, that all tasks about layers are part of; empty where there are none."""
        return network_text(self.tasks)

    @property
    def out_of(self) -> Fraction:
        """A point for each answer."""
        return Fraction(sum(len(task.asked) for task in self.tasks))


class Solved(NamedTuple):
    """What is asked, and the right answer to it."""

    asked: Asked
    truth: ExpectedAnswer


def draw(
    seed: int, student: str, count: int, level: str, topics: tuple[str, ...] = tuple(TOPICS), title: str = ""
) -> Quiz:
    """A paper of ``count`` tasks, the topics in turn. A task depends on (seed, student, its number, its topic) alone.

    Raises CnnError for an unknown topic or level, and for a name that no file can hold.
    """
    for text in (student, title):
        if any(category(char) in ("Cc", "Cs") and char not in "\t\r\n" for char in text):
            raise CnnError(f"{text!r}: has a character that cannot be written", "remove it")
    for topic in topics:
        if topic not in TOPICS:
            raise CnnError(
                f"there is no topic {topic!r}", suggestion(topic, [*TOPICS], f"there are {', '.join(TOPICS)}")
            )
    if level not in LEVELS:
        raise CnnError(f"there is no level {level!r}", f"it is {', '.join(LEVELS)}")
    if not topics:
        raise CnnError("--topics names no topic", f"there are {', '.join(TOPICS)}")
    if not 1 <= count <= 100:
        raise CnnError("a quiz has 1 to 100 questions", "give --questions 8")
    tasks = tuple(_task(seed, student, at, topics[(at - 1) % len(topics)], level) for at in range(1, count + 1))
    return Quiz(title or f"Quiz {seed}", seed, student, tasks)


def _task(seed: int, student: str, number: int, topic: str, level: str) -> Exercise:
    draws = Draws(f"{seed}/{student}/{number}/{topic}/{level}")
    best, most = None, Fraction(-1)
    for _ in range(DRAWN):
        task = TOPICS[topic](draws, f"q{number}", level)
        told = _apart(task)
        if told is not None and told > most:
            best, most = task, told
        if most == 1:
            break
    if best is None:  # every topic's bounds leave some; a new one's might not
        raise CnnError(f"no {topic} question could be drawn at level {level}", "use another --seed")
    return best


def _apart(task: Exercise) -> Fraction | None:
    """The share of the single mistakes that give a value of their own; None for a task that is not well posed."""
    shares = []
    for asked in task.asked:
        truth = truth_of_asked(task, asked)
        if isinstance(truth.value, str):
            return None  # it does not fit
        singles = [value for name, value in truth.candidates.items() if "+" not in name and value is not None]
        if any(value == truth.value for value in singles):
            return None
        shares.append(Fraction(len({*map(str, singles)}), max(1, len(singles))))
    return min(shares)


def solved(quiz: Quiz) -> list[list[Solved]]:
    """Every task's answers."""
    return [[Solved(asked, truth_of_asked(task, asked)) for asked in task.asked] for task in quiz.tasks]
