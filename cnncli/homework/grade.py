"""Grading a class: a key, its points and what it accepts; marks per student; what the class got wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from cnncli.errors import CnnError
from cnncli.homework import answers
from cnncli.homework.check import Answer, Known, Truth, check, compared, right_answer
from cnncli.homework.sheet import Question, Sheet, network_of, text_of
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, parse, read_text
from cnncli.loading import Loaded

KEYS = ("title", "architecture", "follow_through", "questions")
ITEM_KEYS = ("points", "answer", "tolerance", "accept", "solve", "convolve")
EXAMPLE = "write architecture: lenet5 and questions: {c1.params: 2, c1.shape: 1}"
SUSPECT_SHARE, SUSPECT_LEAST = 0.5, 5  # so many of a class with one wrong value make the key or the wording suspect


class Item(NamedTuple):
    """A question of the key: its points, the answer that the key gives (if any), and what else is accepted."""

    name: str
    question: Question
    points: Fraction
    answer: str
    tolerance: Fraction | None
    accept: tuple[str, ...]


class Key(NamedTuple):
    """What a class is marked by. ``follow_through`` is the share of the points for what follows from an error."""

    title: str
    loaded: Loaded | None
    follow_through: Fraction
    items: tuple[Item, ...]


class Mark(NamedTuple):
    """An answer, the points that it earns, and the points that there are."""

    answer: Answer
    points: Fraction
    out_of: Fraction


class Paper(NamedTuple):
    """A marked sheet. ``problem`` says why it has no marks."""

    file: str
    student: str
    marks: tuple[Mark, ...] = ()
    problem: str = ""

    @property
    def points(self) -> Fraction:
        """The sum."""
        return sum((mark.points for mark in self.marks), Fraction(0))


# The key ----------------------------------------------------------------------------------------------------------


def read_key(path: str) -> Key:
    """Read a key. Raises CnnError for what is none, with the place."""
    source = read_text(path)
    root = parse(source)
    if not isinstance(root, Mapping):
        raise CnnError(f"{source.name}: a key is a mapping (key: value)", EXAMPLE)
    for name, at in root.keys.items():
        if name not in KEYS:
            raise source.error(at, f"a key has no {name!r}", f"it takes {', '.join(KEYS)}")
    questions = root.entries.get("questions")
    if not isinstance(questions, Mapping) or not questions.entries:
        raise source.error(questions or root, "the key has no questions", EXAMPLE)
    items = tuple(_item(source, name, value) for name, value in questions.entries.items())
    share = _number(source, root.entries.get("follow_through"), "follow_through", Fraction(1, 2))
    title = root.entries.get("title")
    loaded = network_of(source, root, tuple(item.question for item in items))
    return Key(title.text if isinstance(title, Scalar) else "", loaded, share, items)


def _item(source: Source, name: str, value: Value) -> Item:
    """``c1.params: 2`` (points), or ``{points: 2, answer: 156, tolerance: 1%, accept: [150]}``."""
    if not isinstance(value, Mapping):
        return Item(name, Question(name, "", {}), _number(source, value, name, Fraction(1)), "", None, ())
    for key, at in value.keys.items():
        if key not in ITEM_KEYS:
            raise source.error(at, f"a question has no {key!r}", f"it takes {', '.join(ITEM_KEYS)}")
    entries = value.entries
    asked = next((kind for kind in ("solve", "convolve") if kind in entries), "")
    body = entries[asked] if asked else None
    fields = {k: text_of(source, v) for k, v in body.entries.items()} if isinstance(body, Mapping) else {}
    accept = entries.get("accept")
    accepted = accept.items if isinstance(accept, Sequence) else [accept] if accept is not None else []
    return Item(
        name,
        Question(name if not asked else f"{asked} {name}", "", fields),
        _number(source, entries.get("points"), "points", Fraction(1)),
        text_of(source, entries["answer"]) if "answer" in entries else "",
        _tolerance(source, entries.get("tolerance")),
        tuple(text_of(source, item) for item in accepted),
    )


def _number(source: Source, value: Value | None, what: str, default: Fraction) -> Fraction:
    if value is None or is_nothing(value):
        return default
    number = answers.read(text_of(source, value)).number
    if number is None or number < 0:
        raise source.error(value, f"{what} must be a number of at least 0")
    return number


def _tolerance(source: Source, value: Value | None) -> Fraction | None:
    """``1%`` as a share of the right answer. An absolute one would depend on it in size."""
    if value is None or is_nothing(value):
        return None
    text = text_of(source, value)
    number = answers.read(text.removesuffix("%")).number
    if number is None or number < 0 or not text.endswith("%"):
        raise source.error(value, "tolerance is a percentage of the right answer", "write tolerance: 1%")
    return number / 100


def key_problems(key: Key, known: Known) -> list[str]:
    """The answers of the key that are wrong, each with the right one and how it comes about."""
    problems = []
    sheet = Sheet("", key.loaded, ())
    for item in key.items:
        truth = right_answer(sheet, item.question, known)
        if not item.answer:
            continue
        found = compared(item.question._replace(given=item.answer), truth, answers.read(item.answer))
        if not found.correct:
            why = f" ({', '.join(found.mistakes)})" if found.mistakes else ""
            worked = "\n    ".join(found.derivation)
            problems.append(f"{item.name}: the key says {item.answer}{why}; it is {found.expected}\n    {worked}")
    return problems


# Marks ------------------------------------------------------------------------------------------------------------


def mark(key: Key, file: str, sheet: Sheet, known: Known) -> Paper:
    """Mark a sheet by the key: its questions in the key's order, those that it leaves out as blank."""
    given = {question.name: question for question in sheet.questions}
    asked = tuple(_asked_of(item, given) for item in key.items)
    found = check(Sheet(sheet.student, key.loaded, asked), known)
    marks = tuple(_marked(key, item, answer, known) for item, answer in zip(key.items, found, strict=True))
    return Paper(file, sheet.student or file, marks)


def _asked_of(item: Item, given: dict[str, Question]) -> Question:
    """The key's question with the student's answer; a solve or a convolve may be answered by its own name."""
    answer = given.get(item.name) or given.get(item.question.name)
    return item.question._replace(given=answer.given if answer is not None else "")


def _marked(key: Key, item: Item, answer: Answer, known: Known) -> Mark:
    answer = answer._replace(question=item.name)
    if answer.correct:
        return Mark(answer, item.points, item.points)
    variant = _accepted(item, answer, right_answer(Sheet("", key.loaded, ()), item.question, known))
    if variant:
        accepted = answer._replace(correct=True, mistakes=(), remarks=(*answer.remarks, variant))
        return Mark(accepted, item.points, item.points)
    earned = item.points * key.follow_through if answer.follow_through else Fraction(0)
    return Mark(answer, earned, item.points)


def _accepted(item: Item, answer: Answer, truth: Truth) -> str:
    """Why an answer that is not the right one counts as right, or nothing."""
    given = answers.read(answer.given)
    if answer.blank:
        return ""
    for other in item.accept:
        accepted = answers.read(other)
        same_number = given.number is not None and given.number == accepted.number
        same_shape = given.shape is not None and given.shape == accepted.shape
        if same_number or same_shape or given.text.lower() == accepted.text.lower():
            return f"the key accepts {other}"
    if item.tolerance is None or given.number is None or not isinstance(truth.value, int):
        return ""
    close = abs(given.number - truth.value) <= item.tolerance * abs(truth.value)
    return f"within {float(100 * item.tolerance):g}% of the right answer" if close else ""


# The class --------------------------------------------------------------------------------------------------------


class Result(NamedTuple):
    """How a class did on one question. ``suspect`` where so many agree on one wrong value that the key may be wrong."""

    question: str
    out_of: Fraction
    mean: float
    right: int
    blank: int
    common_wrong: str
    common_count: int
    common_mistake: str
    suspect: bool


def results(key: Key, papers: Iterable[Paper]) -> list[Result]:
    """A result for each question, over the papers that have marks."""
    marked = [paper for paper in papers if not paper.problem]
    return [_result(item, [paper.marks[at] for paper in marked]) for at, item in enumerate(key.items)]


def _result(item: Item, marks: list[Mark]) -> Result:
    wrong = Counter(" ".join(m.answer.given.split()) for m in marks if not (m.answer.correct or m.answer.blank))
    mistakes = Counter(name for m in marks if not m.answer.correct for name in m.answer.mistakes)
    value, count = wrong.most_common(1)[0] if wrong else ("", 0)
    answered = sum(not m.answer.blank for m in marks)
    return Result(
        item.name,
        item.points,
        float(sum((m.points for m in marks), Fraction(0))) / max(1, len(marks)),
        sum(m.answer.correct for m in marks),
        len(marks) - answered,
        value,
        count,
        mistakes.most_common(1)[0][0] if mistakes else "",
        count >= SUSPECT_LEAST and count > SUSPECT_SHARE * answered,
    )
