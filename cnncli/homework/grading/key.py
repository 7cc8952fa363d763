"""Answer keys: the questions of a class with their points, and what else is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.errors import CnnError, Place, Problem, enumerated, suggestion
from cnncli.homework.answer_key.asked_quantities import canonical_name
from cnncli.homework.answer_key.conventions import DEFAULTS, Conventions, read_conventions
from cnncli.homework.answer_key.sheet import (
    Question,
    Sheet,
    is_convolve,
    is_solve,
    name_of,
    network_of,
    question_of,
    text_of,
)
from cnncli.homework.checking import parsing
from cnncli.homework.grading.points import points_text, worth
from cnncli.homework.languages.messages import known_language
from cnncli.homework.question_types.handed_in import HandedInQuestion
from cnncli.homework.question_types.reading import ENTRIES, EXAMPLES, FreeQuestion, read_free_question, type_of
from cnncli.homework.question_types.tolerance import Tolerance, read_tolerance, tolerance_entry
from cnncli.homework.reading.locales import read_locale
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, parse, read_text
from cnncli.loading import Loaded

KEYS = (
    *("title", "student", "architecture", "conventions", "locale", "language", "follow_through", "by_cell"),
    "questions",
)
COMPUTED_KEYS = ("answer", "tolerance", "accept", "by_cell", "solve", "convolve")
QUESTION_KEYS = ("points", "question")  # of every question
EXAMPLE = "write architecture: lenet5 and questions: {c1.params: 2, c1.shape: 1}"
WRITE_TYPE = f"write {{numeric: 3.3}}; types: {', '.join(EXAMPLES)}"
DEFAULT_FOLLOW_THROUGH = Fraction(1, 2)


class KeyQuestion(NamedTuple):
    """A question of the key: its points, the answer that the key gives (if any), and what else is accepted.

    ``accept`` are accepted answers, each with the reason. ``by_cell`` gives a fraction of the points for a shape or a
    matrix that is correct in part; None follows the key. ``free`` is a question that judges its answers itself, None
    for a computed one, and ``text`` what students are asked, if the key says it.
    """

    name: str
    question: Question
    points: Fraction
    answer: str
    tolerance: Tolerance | None
    accept: tuple[tuple[str, str], ...]
    by_cell: bool | None
    free: FreeQuestion | None = None
    text: str = ""


class AnswerKey(NamedTuple):
    """An answer key. ``follow_through`` is the fraction of the points for an answer that follows from an error.

    ``locale`` says how answers write numbers where their sheet does not, and ``language`` in which language students
    read their feedback.
    """

    title: str
    loaded: Loaded | None
    follow_through: Fraction
    questions: tuple[KeyQuestion, ...]
    conventions: tuple[Conventions, ...] = (DEFAULTS,)
    student: str = ""  # where each student has a quiz, and a key, of their own
    by_cell: bool = False
    locale: str = ""
    language: str = ""

    @property
    def out_of(self) -> Fraction:
        """The sum of all points."""
        return sum((question.points for question in self.questions), Fraction(0))

    @property
    def computed(self) -> tuple[KeyQuestion, ...]:
        """The questions whose answers are computed."""
        return tuple(question for question in self.questions if question.free is None)

    def sheet(self, student: str = "", questions: tuple[Question, ...] = ()) -> Sheet:
        """A sheet about the key's network, under its conventions."""
        return Sheet(student, self.loaded, questions, self.conventions, self.locale)


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
        loaded=_network(source, root, questions),
        follow_through=follow_through,
        questions=questions,
        conventions=read_conventions(source, entries.get("conventions")),
        student=name_of(entries.get("student")),
        by_cell=bool(_flag(source, entries.get("by_cell"))),
        locale=read_locale(source, entries.get("locale")),
        language=_language(source, entries.get("language")),
    )
    _refuse_duplicates(question.question._replace(name=question.name) for question in questions)
    return key


def _language(source: Source, node: Value | None) -> str:
    """The language of the feedback; empty where the key has none. Raises CnnError, with the place, for an unknown."""
    if node is None:
        return ""
    try:
        return known_language(node.text if isinstance(node, Scalar) else "this")
    except CnnError as error:
        raise source.error(node, error.problems[0].message, error.problems[0].hint) from None


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


def _network(source: Source, root: Mapping, questions: tuple[KeyQuestion, ...]) -> Loaded | None:
    """The network that the computed questions are about. Raises CnnError where it is not used, or is missing."""
    computed = tuple(question.question for question in questions if question.free is None)
    node = root.entries.get("architecture")
    if not computed and node is not None and not is_nothing(node):
        raise source.error(root.keys["architecture"], "no question is about the architecture", "remove it")
    if node is None:
        unknown = next((q for q in computed if not (is_solve(q) or is_convolve(q))), None)
        if unknown is not None:
            message = f"{unknown.name}: no type, and no architecture that it could be about"
            raise CnnError.of(
                [Problem(message, "write architecture: lenet5, or a type such as {numeric: 3.3}", unknown.place)]
            )
    return network_of(source, root, computed)


def _key_question(source: Source, questions: Mapping, name: str) -> KeyQuestion:
    """``c1.params: 2`` (points), or ``{points: 2, answer: 156, tolerance: 1%, accept: [150]}``."""
    value, place = questions.entries[name], source.place(questions.keys[name])
    if not name.strip():
        raise CnnError.of([Problem("a question without a name", "write q1: before it", place)])
    is_computed = not isinstance(value, Mapping) or not (type_of(value) or {"solve", "convolve"} & {*value.entries})
    if is_computed and "." not in name:
        raise CnnError.of([Problem(f"{name}: a question without a type", WRITE_TYPE, place)])
    if not isinstance(value, Mapping):
        points = _number(source, value, name, Fraction(1))
        return KeyQuestion(name, Question(name, "", {}, place), points, "", None, (), None)
    text = _question_text(source, name, value.entries.get("question"))
    if type_of(value):
        return _free_question(source, name, value)._replace(question=Question(name, "", {}, place), text=text)
    return _computed_question(source, name, value, place)._replace(text=text)


def _question_text(source: Source, name: str, node: Value | None) -> str:
    """What students are asked, on one line; empty where the key does not say it."""
    if node is None:
        return ""
    if not isinstance(node, Scalar) or is_nothing(node):
        raise source.error(node, f"{name}: question must be a text", f"write question: How large is {name}?")
    return " ".join(node.text.split())


def _known_entries(source: Source, value: Mapping, kind: str, known: tuple[str, ...]) -> None:
    """Raises CnnError for an entry that a question of a type does not have; a computed one has no type."""
    for key, at in value.keys.items():
        if key in known:
            continue
        if kind and key in (*EXAMPLES, "solve", "convolve"):
            raise source.error(at, f"two types of question: {kind} and {key}", "keep one of them")
        others = [other for other in ENTRIES if key in ENTRIES[other]]
        hint = f"it is for {enumerated(others, 'or')}: remove it" if others else ""
        if key == "answer":
            hint = f"the answer is in the type: write {EXAMPLES[kind or 'numeric']}"
        hint = hint or suggestion(key, known, f"use {', '.join(known)}")
        raise source.error(at, f"unknown key {key!r} in a question{f' of the type {kind}' if kind else ''}", hint)


def _free_question(source: Source, name: str, value: Mapping) -> KeyQuestion:
    """A question of a type, e.g. ``{points: 2, numeric: 3.3, unit: ms}``, without its place."""
    kind = type_of(value)
    _known_entries(source, value, kind, (*QUESTION_KEYS, kind, *ENTRIES[kind]))
    free = read_free_question(source, name, value)
    points = _number(source, value.entries.get("points"), "points", Fraction(1))
    rubric = free.rubric if isinstance(free, HandedInQuestion) else {}
    total = sum(rubric.values(), Fraction(0)) if rubric else points
    if total != points and "points" in value.entries:
        message = f"{name}: {worth(points)}, but the criteria have {points_text(total)}"
        raise source.error(value.entries["points"], message, "remove points: the sum of the criteria counts")
    accept = tuple(_accepted_answers(source, value.entries.get("accept")))
    for accepted, _ in accept:
        if not free.is_same(accepted, accepted):
            raise source.error(value.entries["accept"], f"{name}: accept has {accepted!r}", f"write {EXAMPLES[kind]}")
    return KeyQuestion(name, Question(name, "", {}), total, "", None, accept, None, free)


def _computed_question(source: Source, name: str, value: Mapping, place: Place) -> KeyQuestion:
    """A question with a computed answer: about the network, or a solve or a convolve."""
    _known_entries(source, value, "", (*QUESTION_KEYS, *COMPUTED_KEYS))
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
        tolerance_entry(source, name, entries.get("tolerance")),
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
    fraction = read_tolerance(text_of(source, value))
    if fraction is None or fraction.amount > 1:
        raise source.error(value, "follow_through must be a fraction from 0 to 1", "write follow_through: 0.5")
    return fraction.amount
