"""Answer keys: the questions of a class with their points, and what else is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.errors import CnnError, Problem
from cnncli.homework.answer_key.asked_quantities import canonical_name
from cnncli.homework.answer_key.conventions import DEFAULTS, Conventions, read_conventions
from cnncli.homework.answer_key.sheet import Question, Sheet, name_of, network_of, question_of, text_of
from cnncli.homework.checking import parsing
from cnncli.homework.reading.locales import read_locale
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Sequence, Source, Value, parse, read_text
from cnncli.loading import Loaded

KEYS = ("title", "student", "architecture", "conventions", "locale", "follow_through", "by_cell", "questions")
QUESTION_KEYS = ("points", "answer", "tolerance", "accept", "by_cell", "solve", "convolve")
EXAMPLE = "write architecture: lenet5 and questions: {c1.params: 2, c1.shape: 1}"
DEFAULT_FOLLOW_THROUGH = Fraction(1, 2)


class Tolerance(NamedTuple):
    """The largest error of a number: ``amount``, or that fraction of the expected answer."""

    amount: Fraction
    is_relative: bool


class KeyQuestion(NamedTuple):
    """A question of the key: its points, the answer that the key gives (if any), and what else is accepted.

    ``accept`` are accepted answers, each with the reason. ``by_cell`` gives a fraction of the points for a shape or a
    matrix that is correct in part; None follows the key.
    """

    name: str
    question: Question
    points: Fraction
    answer: str
    tolerance: Tolerance | None
    accept: tuple[tuple[str, str], ...]
    by_cell: bool | None


class AnswerKey(NamedTuple):
    """An answer key. ``follow_through`` is the fraction of the points for an answer that follows from an error.

    ``locale`` says how answers write numbers where their sheet does not.
    """

    title: str
    loaded: Loaded | None
    follow_through: Fraction
    questions: tuple[KeyQuestion, ...]
    conventions: tuple[Conventions, ...] = (DEFAULTS,)
    student: str = ""  # where each student has a quiz, and a key, of their own
    by_cell: bool = False
    locale: str = ""

    @property
    def out_of(self) -> Fraction:
        """The sum of all points."""
        return sum((question.points for question in self.questions), Fraction(0))

    def sheet(self, student: str = "", questions: tuple[Question, ...] = ()) -> Sheet:
        """A sheet about the key's network, under its conventions."""
        return Sheet(student, self.loaded, questions, self.conventions, self.locale)


def points_text(points: Fraction) -> str:
    """``2``, ``1.5``."""
    return f"{float(points):g}"


def read_key(path: str) -> AnswerKey:
    """Read a key. Raises CnnError, with the place, for an invalid one."""
    source = read_text(path)
    root = parse(source)
    if not isinstance(root, Mapping):
        raise CnnError(f"{source.name}: a key must be a mapping (key: value)", EXAMPLE)
    for name, at in root.keys.items():
        if name not in KEYS:
            raise source.error(at, f"unknown key {name!r} in an answer key", f"use {', '.join(KEYS)}")
    entries = root.entries
    node = entries.get("questions")
    if not isinstance(node, Mapping) or not node.entries:
        raise source.error(node or root, "the key has no questions", EXAMPLE)
    questions = tuple(_key_question(source, node, name) for name in node.entries)
    follow_through = _follow_through(source, entries.get("follow_through"))
    key = AnswerKey(
        title=name_of(entries.get("title")),
        loaded=network_of(source, root, tuple(question.question for question in questions)),
        follow_through=follow_through,
        questions=questions,
        conventions=read_conventions(source, entries.get("conventions")),
        student=name_of(entries.get("student")),
        by_cell=bool(_flag(source, entries.get("by_cell"))),
        locale=read_locale(source, entries.get("locale")),
    )
    _refuse_duplicates(question.question._replace(name=question.name) for question in questions)
    return key


def _refuse_duplicates(questions: Iterable[Question]) -> None:
    """Raises CnnError where a question occurs under two names: ``a.params`` and ``a.parameters``."""
    by_name: dict[str, Question] = {}
    for question in questions:
        first = by_name.setdefault(canonical_name(question.name), question)
        if first is not question:
            raise duplicate_error(first, question)


def duplicate_error(first: Question, second: Question) -> CnnError:
    """The error for a question that occurs twice."""
    also = f" (as {first.name} as well)" if first.name != second.name else ""
    return CnnError.of([Problem(f"{second.name} occurs twice{also}", "keep one of them", second.place)])


def _key_question(source: Source, questions: Mapping, name: str) -> KeyQuestion:
    """``c1.params: 2`` (points), or ``{points: 2, answer: 156, tolerance: 1%, accept: [150]}``."""
    value, place = questions.entries[name], source.place(questions.keys[name])
    if not isinstance(value, Mapping):
        points = _number(source, value, name, Fraction(1))
        return KeyQuestion(name, Question(name, "", {}, place), points, "", None, (), None)
    for key, at in value.keys.items():
        if key not in QUESTION_KEYS:
            raise source.error(at, f"unknown key {key!r} in a question", f"use {', '.join(QUESTION_KEYS)}")
    entries = value.entries
    question = _question(source, name, value)
    answer = text_of(source, entries["answer"]) if "answer" in entries else ""
    if answer and question.given:
        raise source.error(entries["answer"], f"{name}: two answers", "keep answer, or the field")
    return KeyQuestion(
        name,
        question._replace(given="", place=place),
        _number(source, entries.get("points"), "points", Fraction(1)),
        answer or question.given,
        _tolerance(source, entries.get("tolerance")),
        tuple(_accepted_answers(source, entries.get("accept"))),
        _flag(source, entries.get("by_cell")),
    )


def _question(source: Source, name: str, value: Mapping) -> Question:
    """A question by its name, or a solve or a convolve with its fields.

    ``given`` is the answer among these fields, in the form of a sheet: ``{input: 5, kernel: 3, output: 3}``.
    """
    kinds = [kind for kind in ("solve", "convolve") if kind in value.entries]
    if not kinds:
        return Question(name, "", {})
    if len(kinds) > 1:
        raise source.error(value.keys["convolve"], f"{name}: both a solve and a convolve", "write two questions")
    body = value.entries[kinds[0]]
    if not isinstance(body, Mapping) or not body.entries:
        raise source.error(
            body, f"{name}: {kinds[0]} must be a mapping (key: value)", "write solve: {input: 7, kernel: 3}"
        )
    return question_of(source, f"{kinds[0]} {name}", body)


def _accepted_answers(source: Source, node: Value | None) -> Iterator[tuple[str, str]]:
    """``[150, 152]``, or by name: ``{without biases: 150}``."""
    if isinstance(node, Mapping):
        for name, value in node.entries.items():
            yield text_of(source, value), name
    elif node is not None:
        for value in node.items if isinstance(node, Sequence) else [node]:
            yield text_of(source, value), ""


def _flag(source: Source, node: Value | None) -> bool | None:
    if node is None:
        return None
    text = text_of(source, node).lower()
    if text not in ("true", "false", "yes", "no"):
        raise source.error(node, f"by_cell must be true or false, not {text!r}")
    return text in ("true", "yes")


def _number(source: Source, value: Value | None, name: str, default: Fraction) -> Fraction:
    if value is None or is_nothing(value):
        return default
    number = parsing.parse(text_of(source, value)).number
    if number is None or number < 0:
        raise source.error(value, f"{name} must be a number of at least 0")
    return number


def _follow_through(source: Source, value: Value | None) -> Fraction:
    """The fraction of the points for an answer that follows from an error: 0.5 or 50%."""
    if value is None or is_nothing(value):
        return DEFAULT_FOLLOW_THROUGH
    fraction = _amount(text_of(source, value))
    if fraction is None or fraction.amount > 1:
        raise source.error(value, "follow_through must be a fraction from 0 to 1", "write follow_through: 0.5")
    return fraction.amount


def _tolerance(source: Source, value: Value | None) -> Tolerance | None:
    """``1%`` of the expected answer, or ``50``."""
    if value is None or is_nothing(value):
        return None
    found = _amount(text_of(source, value))
    if found is None:
        raise source.error(value, "tolerance must be a percentage of the answer, or a number", "write tolerance: 1%")
    return found


def _amount(text: str) -> Tolerance | None:
    """A number of at least 0, or a percentage; None for anything else."""
    number = parsing.parse(text.removesuffix("%")).number
    if number is None or number < 0:
        return None
    return Tolerance(number / 100, True) if text.endswith("%") else Tolerance(number, False)
