"""Checking a sheet: each answer right or wrong, the derivation, the likely mistake, and errors that were carried on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework import mistakes
from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.questions import AnswerCache, nothing_known, other_answers, refuse_unasked, right_answer
from cnncli.homework.answer_key.sheet import Question, Sheet, one_line
from cnncli.homework.checking import answers
from cnncli.homework.checking.answers import ParsedAnswer
from cnncli.homework.checking.follow_through import Carried, followed, remember, shape_meant

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.matrices import Maps

CHANNELS_LAST = "read as height x width x channels (channels last)"
UNREAD = "could not be read"
ROUNDED = Fraction(1, 200)  # what a value written with two decimals may be apart from one that has more


class Answer(NamedTuple):
    """What was found of one answer. ``remarks`` say how it was read, and what was carried on.

    ``share`` is how much of a shape or a matrix is right, for credit by cell.
    """

    question: str
    given: str
    correct: bool
    expected: str
    mistakes: tuple[str, ...] = ()
    follow_through: bool = False
    derivation: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    blank: bool = False
    share: Fraction = Fraction(0)


MOST_WORK = 500_000  # answers times layers: what follows from a wrong answer is worked out for the whole network
Accepts = Callable[[Question, ParsedAnswer], str]


def is_unexplained(answer: Answer) -> bool:
    """Whether a wrong answer was understood, and no known mistake gives it."""
    wrong = not (answer.correct or answer.blank or answer.follow_through or answer.mistakes)
    return wrong and not any(remark.startswith(UNREAD) for remark in answer.remarks)


def check(sheet: Sheet, known: AnswerCache | None = None, accepts: Accepts | None = None) -> list[Answer]:
    """Check every answer of a sheet, in its order. Raises CnnError for questions that cannot be asked.

    ``accepts`` says of an answer that is not the right one why it counts as right, or nothing.
    """
    known = nothing_known() if known is None else known
    _refuse_too_much(sheet)
    refuse_unasked(sheet, known)
    found: list[Answer] = []
    carried, accepted = Carried({}, {}), Carried({}, {})
    for question in sheet.questions:
        given = answers.read(question.given)
        answer = compared(question, right_answer(sheet, question, known))
        if not answer.correct and not answer.blank:
            answer = _by_convention(sheet, question, answer, known)
            why = "" if answer.correct or accepts is None else accepts(question, given)
            if why:
                answer = answer._replace(correct=True, mistakes=(), remarks=(why,))
            if answer.correct:
                remember(sheet, question, given, carried)
                remember(sheet, question, given, accepted)
        if not answer.correct and not answer.blank:
            answer = _by_follow_through(sheet, question, given, answer, accepted, known)
            if answer.follow_through:  # of what is accepted: no error at all
                answer = answer._replace(correct=True, follow_through=False)
            else:
                answer = _by_follow_through(sheet, question, given, answer, carried, known)
            remember(sheet, question, given, carried)
        found.append(answer)
    return _ranked(found)


def _refuse_too_much(sheet: Sheet) -> None:
    if sheet.loaded is None:
        return
    layers, questions = len(sheet.loaded.inferred.facts), len(sheet.questions)
    if layers * questions > MOST_WORK:
        raise CnnError(
            f"{questions:,} answers times {layers:,} layers are more than {MOST_WORK:,} (the limit for a sheet)",
            "ask about a smaller network, or split the sheet",
        )


def _by_convention(sheet: Sheet, question: Question, answer: Answer, known: AnswerCache) -> Answer:
    """Right under another convention that is accepted."""
    for truth, conventions in other_answers(sheet, question, known):
        other = compared(question, truth)
        if other.correct:
            remarks = tuple(dict.fromkeys((*other.remarks, f"right with {conventions}, which is accepted")))
            return other._replace(expected=answer.expected, remarks=remarks)
    return answer


def _by_follow_through(
    sheet: Sheet, question: Question, given: ParsedAnswer, answer: Answer, carried: Carried, known: AnswerCache
) -> Answer:
    for truth, errors in followed(sheet, question, carried, known):
        if is_right(truth, given)[0]:
            remarks = (*answer.remarks, f"right given {errors}")
            return answer._replace(follow_through=True, mistakes=(), remarks=remarks)
    return answer


def _ranked(found: list[Answer]) -> list[Answer]:
    """Each answer's mistakes, those first that explain most of the other answers."""
    sure = Counter(name for answer in found for name in answer.mistakes if len(answer.mistakes) == 1)
    often = Counter(name for answer in found for name in answer.mistakes)

    def rank(name: str) -> tuple[int, int]:
        parts = name.split("+")
        return -min(sure[part] for part in parts), -min(often[part] for part in parts)

    return [
        answer._replace(mistakes=tuple(sorted(answer.mistakes, key=rank))) if len(answer.mistakes) > 1 else answer
        for answer in found
    ]


# Comparing --------------------------------------------------------------------------------------------------------


def compared(question: Question, truth: ExpectedAnswer) -> Answer:
    """The answer that a question was given against the right one, with the mistakes that explain it.

    Errors that were carried on from earlier answers are not looked for here.
    """
    given = answers.read(question.given)
    base = Answer(question.name, one_line(question.given), False, truth.text, derivation=truth.derivation)
    if given.is_blank:
        return base._replace(blank=True)
    if isinstance(truth.value, tuple) and truth.value and isinstance(truth.value[0], tuple):
        return _compared_matrix(base, truth, question.given)
    right, remark = is_right(truth, given)
    is_number = isinstance(truth.value, int | Fraction)
    working = f"{given.working} = {_shown(given.number)}" if given.working and is_number else ""
    remarks = tuple(filter(None, (working, remark)))
    if right:
        return base._replace(correct=True, remarks=remarks, share=Fraction(1))
    value = _comparable(truth, given)
    found: list[str] = []
    if value is None:
        wanted = "a shape such as 6x28x28" if isinstance(truth.value, tuple) else "a number"
        remarks = (*remarks, f"{UNREAD} as {wanted}") if given.shape is None else remarks
        found = _other_axes(truth.value, given)
    elif _is_rounded(truth.value, given):
        remarks = (*remarks, "right to the digits given, and the exact figure is asked")
    elif value == truth.value:
        found = ["HWC_order"]  # all but the order that is asked
    else:
        found = mistakes.explanations(truth.candidates, value) or mistakes.slips(truth.value, value)
    return _explained(base, found)._replace(remarks=(*remarks, *_details(found)), share=_share(truth, given, value))


def _explained(answer: Answer, found: list[str]) -> Answer:
    return answer._replace(mistakes=tuple(dict.fromkeys(map(mistakes.plain, found))))


def _details(found: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(mistakes.detail, found))))[:3]


def _share(truth: ExpectedAnswer, given: ParsedAnswer, value: Any) -> Fraction:
    """How many of a shape's axes are right; where one order is asked, as they are written."""
    right = truth.value
    if truth.order == "HxWxC" and isinstance(right, tuple):
        right, value = (*right[1:], right[0]), given.shape
    if not isinstance(right, tuple) or not isinstance(value, tuple) or len(right) != len(value):
        return Fraction(0)
    return Fraction(sum(a == b for a, b in zip(right, value, strict=True)), len(right))


def _compared_matrix(base: Answer, truth: ExpectedAnswer, given: str) -> Answer:
    """The maps of a result, as they are written: right cell by cell; how many are right is said."""
    from cnncli.homework.exact_ops.matrices import read_maps
    from cnncli.homework.exact_ops.matrix_files import is_file

    if not re.search(r"[;\[({\\]", given):  # rows that only line breaks set apart, in a report of one line
        base = base._replace(given=one_line("; ".join(filter(None, map(str.strip, given.splitlines())))))
    if is_file(given):
        return base._replace(remarks=("a matrix is written out: 1 2; 3 4",))
    try:
        value = read_maps(given)
    except CnnError as error:
        return base._replace(remarks=(f"{UNREAD}: {str(error).splitlines()[0]}",))
    if len(value) == 1 < len(truth.value) and {*map(len, truth.value)} == {1}:
        value = tuple((row,) for row in value[0])  # maps of one row each, written as the rows of one matrix
    same_shape = _map_sizes(value) == _map_sizes(truth.value)
    cells = [*zip(_cells(value), _cells(truth.value), strict=True)] if same_shape else []
    right = sum(_same_cell(a, b) for a, b in cells)
    if same_shape and right == len(cells):
        remarks = () if value == truth.value else ("read as rounded to two decimals",)
        return base._replace(correct=True, share=Fraction(1), remarks=remarks)
    found = [name for name, wrong in truth.candidates.items() if [*chain(*wrong)] == [*chain(*value)]]
    if not found and same_shape and right:
        found = ["window_slip"]
    remark = f"{right} of {len(cells)} cells are right" if same_shape else "the result has another shape"
    share = Fraction(right, len(cells)) if same_shape else Fraction(0)
    return _explained(base, found)._replace(remarks=(remark, *_details(found)), share=share)


def _map_sizes(maps: Maps) -> tuple[int, int, int]:
    return len(maps), len(maps[0]), len(maps[0][0])


def _cells(maps: Maps) -> Iterator[Any]:
    return chain.from_iterable(chain.from_iterable(maps))


def _same_cell(given: Any, truth: Any) -> bool:
    """Equal; or, of a value that has no two decimals (1/3, sqrt(30)), equal when rounded to these."""
    if given == truth:
        return True
    if isinstance(given, str):
        return False
    if isinstance(truth, str):
        return bool(abs(float(given) - float(Fraction(truth[5:-1])) ** 0.5) <= ROUNDED)
    long = isinstance(truth, Fraction) and 100 % truth.denominator != 0
    return bool(long and abs(Fraction(given) - truth) <= ROUNDED)


def is_right(truth: ExpectedAnswer, given: ParsedAnswer) -> tuple[bool, str]:
    """Whether an answer that is no matrix is right, and how it was read."""
    value, text = truth.value, given.text.strip().lower()
    if text in truth.words:
        return True, ""
    if isinstance(value, str):
        refuses = given.refuses and (value == NO_FIT or NO_FIT in truth.words)
        return refuses or text == value, ""
    if not isinstance(value, tuple):
        numbers = {value, *truth.also}
        square = given.shape is not None and len(given.shape) > 1 and {*given.shape} == {value}
        return given.number in numbers or (square and truth.order == PER_AXIS), ""
    if len(value) == 1 and given.number is not None:
        return given.number == value[0], ""
    last = (*value[1:], value[0])
    if truth.order == "HxWxC":
        return given.shape == last, ""
    if given.shape == value:
        return True, ""
    if truth.order == PER_AXIS:
        return False, ""
    if given.shape == (1, *value):
        return True, "read with a batch of 1 in front"
    if len(value) == 1 and given.shape is not None and given.shape[:1] == value and {*given.shape[1:]} == {1}:
        return True, "read without its axes of size 1"
    if truth.order != "CxHxW" and len(value) > 1 and given.shape == last:
        return True, CHANNELS_LAST
    return False, ""


def _comparable(truth: ExpectedAnswer, given: ParsedAnswer) -> Any:
    """The answer as something that a mistake could have given, or None."""
    right = truth.value
    if isinstance(right, tuple):
        mixed_up = given.shape is not None and sorted(given.shape) == sorted(right) and truth.order != "HxWxC"
        return given.shape if mixed_up else shape_meant(given, right, truth.order)
    if isinstance(right, str):
        return given.shape if given.number is None else given.number
    if given.number is None and given.shape is not None and len({*given.shape}) == 1:
        return Fraction(given.shape[0])
    return given.number


def _other_axes(truth: Any, given: ParsedAnswer) -> list[str]:
    """A shape with an axis too few: its channels, most likely."""
    return ["forgot_channels"] if isinstance(truth, tuple) and given.shape == truth[1:] != () else []


def _is_rounded(truth: Any, given: ParsedAnswer) -> bool:
    """Whether an answer such as 138M or 1.4e8 is the right one in as many digits as it has."""
    rounded = re.fullmatch(
        r"[~≈]?\s*(\d+)(?:\.(\d+))?\s*([kmgbt]|e\+?(\d+)|thousand|million|billion)",
        answers.without_units(given.text.lower()),
    )
    if rounded is None or given.number is None or not isinstance(truth, int):
        return False
    last = given.number / int((rounded[1] + (rounded[2] or "")).lstrip("0") or "1")
    return abs(given.number - truth) <= last / 2


def _shown(number: Fraction | None) -> str:
    return "" if number is None else f"{int(number):,}" if number.denominator == 1 else str(number)
