"""Grading a class: a key, its points and what it accepts; marks per student; what the class got wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from cnncli.errors import CnnError, Place, Problem
from cnncli.homework.answer_key.conventions import USUAL, Conventions, read_conventions
from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.questions import AnswerCache, one_name, refuse_unasked, right_answer
from cnncli.homework.answer_key.sheet import Question, Sheet, name_of, network_of, question_of, text_of
from cnncli.homework.checking import answers
from cnncli.homework.checking.answers import ParsedAnswer
from cnncli.homework.checking.check import Accepts, Answer, check, compared
from cnncli.homework.mistakes import described
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Sequence, Source, Value, parse, read_text
from cnncli.loading import Loaded

KEYS = ("title", "student", "architecture", "conventions", "follow_through", "by_cell", "questions")
ITEM_KEYS = ("points", "answer", "tolerance", "accept", "by_cell", "solve", "convolve")
EXAMPLE = "write architecture: lenet5 and questions: {c1.params: 2, c1.shape: 1}"
COMMONEST, NAMED = 3, 5  # wrong values that are shown of a question, and students that are named of each
SUSPECT_SHARE, SUSPECT_LEAST = 0.5, 5  # so many of a class with one wrong value make the key or the wording suspect


class Tolerance(NamedTuple):
    """How far a number may be off: ``amount``, or that share of the right answer."""

    amount: Fraction
    is_share: bool


class Item(NamedTuple):
    """A question of the key: its points, the answer that the key gives (if any), and what else is accepted.

    ``accept`` are answers with what is to be said of them; ``by_cell`` gives a share of the points for a shape or a
    matrix that is right in part, and None is as the whole key has it.
    """

    name: str
    question: Question
    points: Fraction
    answer: str
    tolerance: Tolerance | None
    accept: tuple[tuple[str, str], ...]
    by_cell: bool | None


class Key(NamedTuple):
    """What a class is marked by. ``follow_through`` is the share of the points for what follows from an error."""

    title: str
    loaded: Loaded | None
    follow_through: Fraction
    items: tuple[Item, ...]
    conventions: tuple[Conventions, ...] = (USUAL,)
    student: str = ""  # whose paper it is the key to, where each has one of their own
    by_cell: bool = False

    @property
    def out_of(self) -> Fraction:
        """All the points."""
        return sum((item.points for item in self.items), Fraction(0))

    def sheet(self, student: str = "", questions: tuple[Question, ...] = ()) -> Sheet:
        """A sheet on the key's network, under its conventions."""
        return Sheet(student, self.loaded, questions, self.conventions)


class Mark(NamedTuple):
    """An answer, the points that it earns, and the points that there are."""

    answer: Answer
    points: Fraction
    out_of: Fraction


class GradedSubmission(NamedTuple):
    """A marked sheet. ``problem`` says why it has no marks, ``unasked`` what it answers beside the key."""

    file: str
    student: str
    marks: tuple[Mark, ...] = ()
    problem: str = ""
    unasked: tuple[str, ...] = ()

    @property
    def points(self) -> Fraction:
        """The sum."""
        return sum((mark.points for mark in self.marks), Fraction(0))


def points_text(points: Fraction) -> str:
    """``2``, ``1.5``."""
    return f"{float(points):g}"


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
    items = tuple(
        _placed(_item(source, name, value), source.place(questions.keys[name]))
        for name, value in questions.entries.items()
    )
    share = _follow_through(source, root.entries.get("follow_through"))
    loaded = network_of(source, root, tuple(item.question for item in items))
    conventions = read_conventions(source, root.entries.get("conventions"))
    title, student = name_of(root.entries.get("title")), name_of(root.entries.get("student"))
    by_cell = bool(_flag(source, root.entries.get("by_cell")))
    key = Key(title, loaded, share, items, conventions, student, by_cell)
    _refuse_twice(item.question._replace(name=item.name) for item in items)
    return key


def _refuse_twice(questions: Iterable[Question]) -> None:
    """Raises CnnError where two questions are one under two names: ``a.params`` and ``a.parameters``."""
    met: dict[str, Question] = {}
    for question in questions:
        first = met.setdefault(one_name(question.name), question)
        if first is not question:
            raise _twice(first, question)


def _twice(first: Question, second: Question) -> CnnError:
    text = f"{second.name} stands here twice" + (f": as {first.name} as well" if first.name != second.name else "")
    return CnnError.of([Problem(text, "keep one of them", second.place)])


def _item(source: Source, name: str, value: Value) -> Item:
    """``c1.params: 2`` (points), or ``{points: 2, answer: 156, tolerance: 1%, accept: [150]}``."""
    if not isinstance(value, Mapping):
        points = _number(source, value, name, Fraction(1))
        return Item(name, Question(name, "", {}), points, "", None, (), None)
    for key, at in value.keys.items():
        if key not in ITEM_KEYS:
            raise source.error(at, f"a question has no {key!r}", f"it takes {', '.join(ITEM_KEYS)}")
    entries = value.entries
    question = _asked(source, name, value)
    answer = text_of(source, entries["answer"]) if "answer" in entries else ""
    if answer and question.given:
        raise source.error(entries["answer"], f"{name}: the answer is given twice", "keep answer, or the field")
    return Item(
        name,
        question._replace(given=""),
        _number(source, entries.get("points"), "points", Fraction(1)),
        answer or question.given,
        _tolerance(source, entries.get("tolerance")),
        tuple(_accepted_answers(source, entries.get("accept"))),
        _flag(source, entries.get("by_cell")),
    )


def _asked(source: Source, name: str, value: Mapping) -> Question:
    """What a question asks: a figure by its name, or a solve or a convolve with its fields.

    ``given`` is what these fields answer themselves, in the form of a sheet: ``{input: 5, kernel: 3, output: 3}``.
    """
    kinds = [kind for kind in ("solve", "convolve") if kind in value.entries]
    if not kinds:
        return Question(name, "", {})
    if len(kinds) > 1:
        raise source.error(value.keys["convolve"], f"{name}: it is a solve and a convolve", "ask them as two questions")
    body = value.entries[kinds[0]]
    if not isinstance(body, Mapping) or not body.entries:
        raise source.error(body, f"{name}: {kinds[0]} is a mapping (key: value)", "write solve: {input: 7, kernel: 3}")
    return question_of(source, f"{kinds[0]} {name}", body)


def _placed(item: Item, place: Place) -> Item:
    return item._replace(question=item.question._replace(place=place))


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
        raise source.error(node, f"by_cell is true or false, not {text!r}")
    return text in ("true", "yes")


def _number(source: Source, value: Value | None, what: str, default: Fraction) -> Fraction:
    if value is None or is_nothing(value):
        return default
    number = answers.read(text_of(source, value)).number
    if number is None or number < 0:
        raise source.error(value, f"{what} must be a number of at least 0")
    return number


def _follow_through(source: Source, value: Value | None) -> Fraction:
    """The share of the points that what follows from an error earns: 0.5 or 50%; a half where nothing is said."""
    if value is None or is_nothing(value):
        return Fraction(1, 2)
    share = _percentage(text_of(source, value))
    if share is None or share.amount > 1:
        raise source.error(value, "follow_through must be a share from 0 to 1", "write follow_through: 0.5")
    return share.amount


def _tolerance(source: Source, value: Value | None) -> Tolerance | None:
    """``1%`` of the right answer, or ``50``."""
    if value is None or is_nothing(value):
        return None
    found = _percentage(text_of(source, value))
    if found is None:
        raise source.error(value, "tolerance is a percentage of the right answer, or a number", "write tolerance: 1%")
    return found


def _percentage(text: str) -> Tolerance | None:
    """A number of at least 0, and whether it is a percentage; None for anything else."""
    number = answers.read(text.removesuffix("%")).number
    if number is None or number < 0:
        return None
    return Tolerance(number / 100, True) if text.endswith("%") else Tolerance(number, False)


def key_problems(key: Key, known: AnswerCache) -> list[str]:
    """The answers of the key that are wrong, each with the right one and how it comes about."""
    problems = []
    sheet = key.sheet(questions=tuple(item.question for item in key.items))
    refuse_unasked(sheet, known)
    _refuse_unusable(key, known)
    for item in key.items:
        truth = right_answer(sheet, item.question, known)
        if not item.answer:
            continue
        found = compared(item.question._replace(given=item.answer), truth)
        if not found.correct:
            why = f" ({' or '.join(map(described, found.mistakes))})" if found.mistakes else ""
            worked = "\n    ".join(found.derivation)
            problems.append(f"{item.name}: the key says {item.answer}{why}; it is {found.expected}\n    {worked}")
    return problems


def _refuse_unusable(key: Key, known: AnswerCache) -> None:
    """Raises CnnError for what a question of the key says that its answer has no use for."""
    found = [
        Problem(f"{item.name}: {problem}", hint, item.question.place)
        for item in key.items
        for problem, hint in _unusable(item, right_answer(key.sheet(), item.question, known).value)
    ]
    if found:
        raise CnnError.of(found)


def _unusable(item: Item, right: object) -> Iterator[tuple[str, str]]:
    is_number = isinstance(right, int | Fraction)
    if item.tolerance is not None and isinstance(right, tuple):
        yield "tolerance is for a number, and the answer has several", "write by_cell: true for a share of the points"
    if item.by_cell and is_number:
        yield "by_cell is for a shape or a matrix, and the answer is a number", "write tolerance: 1%, or leave it out"
    for text, _ in item.accept:
        accepted = answers.read(text)
        if accepted.is_blank:
            yield "accept holds an empty answer", "leave it out"
        elif is_number and accepted.number is None and accepted.shape is not None and len({*accepted.shape}) > 1:
            yield f"accept holds {text}, and the answer is a number", "write a number"


# Marks ------------------------------------------------------------------------------------------------------------


def mark(key: Key, file: str, sheet: Sheet, known: AnswerCache) -> GradedSubmission:
    """Mark a sheet by the key: its questions in the key's order, those that it leaves out as blank."""
    given: dict[str, list[Question]] = {}
    for question in sheet.questions:
        given.setdefault(one_name(question.name), []).append(question)
    asked = tuple(_answered(item, given) for item in key.items)
    found = check(key.sheet(sheet.student, asked), known, _accepts(key, known))
    marks = tuple(_marked(key, item, answer) for item, answer in zip(key.items, found, strict=True))
    return GradedSubmission(file, sheet.student or file, marks)


def _answered(item: Item, given: dict[str, list[Question]]) -> Question:
    """The key's question with the student's answer, which may name the figure in another way.

    Raises CnnError for two answers: which of them counts is not for cnn to choose.
    """
    names = dict.fromkeys((one_name(item.name), one_name(item.question.name)))
    found = [question for name in names for question in given.get(name, ())]
    if len(found) > 1:
        raise _twice(found[0], found[1])
    return item.question._replace(given=found[0].given if found else "")


def _marked(key: Key, item: Item, answer: Answer) -> Mark:
    answer = answer._replace(question=item.name)
    if answer.correct:
        return Mark(answer, item.points, item.points)
    share = key.follow_through if answer.follow_through else Fraction(0)
    by_cell = key.by_cell if item.by_cell is None else item.by_cell
    if by_cell and answer.share > share:
        share = answer.share
        answer = answer._replace(remarks=(*answer.remarks, f"{share} of it is right"))
    return Mark(answer, item.points * share, item.points)


def _accepts(key: Key, known: AnswerCache) -> Accepts:
    """Why an answer that is not the right one counts as right by the key, or nothing."""
    items = {item.question.name: item for item in key.items}

    def accepts(question: Question, given: ParsedAnswer) -> str:
        item = items[question.name]
        for text, why in item.accept:
            if _same(given, answers.read(text)):
                return f"the key accepts {text}" + (f" ({why})" if why else "")
        return _near(item, given, right_answer(key.sheet(), item.question, known))

    return accepts


def _same(given: ParsedAnswer, accepted: ParsedAnswer) -> bool:
    """Whether two answers say the same, however each is written."""
    if given.refuses or accepted.refuses:
        return given.refuses and accepted.refuses
    same_number = given.number is not None and given.number == accepted.number
    same_shape = given.shape is not None and given.shape == accepted.shape
    return same_number or same_shape or given.text.lower() == accepted.text.lower()


def _near(item: Item, given: ParsedAnswer, truth: ExpectedAnswer) -> str:
    """How near a number is, where that is near enough; else nothing."""
    if item.tolerance is None or given.number is None or not isinstance(truth.value, int | Fraction):
        return ""
    amount, is_share = item.tolerance
    right = Fraction(truth.value)
    close = abs(given.number - right) <= (amount * abs(right) if is_share else amount)
    said = f"{float(100 * amount):g}%" if is_share else f"{float(amount):g}"
    return f"within {said} of the right answer" if close else ""


# The class --------------------------------------------------------------------------------------------------------


class Wrong(NamedTuple):
    """A wrong value that several gave: how many, the mistake that explains it, and who (the first of them)."""

    value: str
    times: int
    mistakes: tuple[str, ...]
    students: tuple[str, ...]


class Result(NamedTuple):
    """How a class did on one question. ``suspect`` where so many agree on one wrong value that the key may be wrong."""

    question: str
    out_of: Fraction
    mean: float
    right: int
    followed: int
    blank: int
    wrong: tuple[Wrong, ...]
    common_mistake: str
    suspect: bool


def results(key: Key, papers: Iterable[GradedSubmission]) -> list[Result]:
    """A result for each question, over the papers that have marks."""
    marked = [paper for paper in papers if not paper.problem]
    return [_result(item, [(paper.student, paper.marks[at]) for paper in marked]) for at, item in enumerate(key.items)]


def _result(item: Item, marks: list[tuple[str, Mark]]) -> Result:
    wrong: dict[str, list[tuple[str, Mark]]] = {}
    for student, mark in marks:
        if not (mark.answer.correct or mark.answer.blank):
            wrong.setdefault(_as_compared(mark.answer.given), []).append((student, mark))
    commonest = sorted(wrong.items(), key=lambda item: -len(item[1]))[:COMMONEST]
    mistakes = Counter(name for _, m in marks if not m.answer.correct for name in m.answer.mistakes)
    blank = sum(m.answer.blank for _, m in marks)
    most = len(commonest[0][1]) if commonest else 0
    return Result(
        item.name,
        item.points,
        float(sum((m.points for _, m in marks), Fraction(0))) / max(1, len(marks)),
        sum(m.answer.correct for _, m in marks),
        sum(m.answer.follow_through for _, m in marks),
        blank,
        tuple(
            Wrong(made[0][1].answer.given, len(made), made[0][1].answer.mistakes, tuple(who for who, _ in made[:NAMED]))
            for _, made in commonest
        ),
        mistakes.most_common(1)[0][0] if mistakes else "",
        most >= SUSPECT_LEAST and most > SUSPECT_SHARE * (len(marks) - blank),
    )


def _as_compared(text: str) -> str:
    """An answer such that 1,516 and 1516 are the same value."""
    given = answers.read(text)
    return str(given.number if given.number is not None else given.shape or given.text.lower())
