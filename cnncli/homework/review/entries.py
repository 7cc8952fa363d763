"""Reading the review queue: what each entry is about, and the verdict that a person wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from cnncli.errors import CnnError, shortened, suggestion
from cnncli.homework.answer_key.asked_quantities import canonical_name
from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking import parsing
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.decision import Decide, Decision
from cnncli.homework.grading.key import KeyQuestion
from cnncli.homework.grading.points import points_text, worth
from cnncli.homework.languages.messages import text as told
from cnncli.homework.question_types.handed_in import HandedInQuestion
from cnncli.homework.review.same_answers import SameAnswer, plain_text, same_answer
from cnncli.io.files import is_missing, named, read_bytes
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, parse

LIMIT = 1 << 24  # bytes: 300 essays are larger than what people write otherwise
KEYS = ("answer", "student", "correct_answer", "by", "automatic", "why", "verdict", "comment")
RIGHT, WRONG = ("correct", "right"), ("wrong", "incorrect")
HOW = "write verdict: correct, wrong, or points such as 1.5"
COMMENT_LIMIT = 2000  # characters


class ReviewEntry(NamedTuple):
    """An entry: the answers that it is about, None where the key does not ask it, and the verdict, if any."""

    name: str
    answer: str
    same: SameAnswer | None
    decision: Decision | None
    node: Mapping


class Review(NamedTuple):
    """A review queue: its text, its entries, and the list of entries of each question by its name in the file."""

    source: Source
    entries: tuple[ReviewEntry, ...]
    lists: dict[str, Sequence]

    @property
    def decisions(self) -> dict[SameAnswer, Decision]:
        """The verdicts by what they apply to."""
        return {entry.same: entry.decision for entry in self.entries if entry.same and entry.decision}

    def decide(self, *, own_keys: bool) -> Decide:
        """The function that gives the decision on an answer."""
        decisions = self.decisions

        def decision(question: KeyQuestion, verdict: Verdict, written: str, student: str) -> Decision | None:
            return decisions.get(same_answer(question, written, verdict.expected, student, own_keys=own_keys))

        return decision


def read_review(path: Path, questions: Iterable[KeyQuestion], *, own_keys: bool) -> Review:
    """Read a review queue; one that does not exist is empty. Raises CnnError, with the place, for an invalid one."""
    if is_missing(path):
        return Review(Source(str(path), ""), (), {})
    with named(path):
        data = read_bytes(path, LIMIT, "a review queue has one entry per answer")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CnnError(f"{path}: is not UTF-8 text", "save it as UTF-8") from None
    return review_of(Source(str(path), text), questions, own_keys=own_keys)


def review_of(source: Source, questions: Iterable[KeyQuestion], *, own_keys: bool) -> Review:
    """As :func:`read_review`, for a text that has already been read."""
    # verdict: points: 2 is no YAML; the text keeps its length, so that places stay the same
    readable = re.sub(r"(?m)^(\s*(?:- +)?verdict: *points):(?= )", r"\1 ", source.text)
    root = parse(Source(source.name, readable))
    if root is not None and not isinstance(root, Mapping):
        raise source.error(root, "a review queue must have a list of answers for each question", _EXAMPLE)
    asked = {canonical_name(question.name).lower(): question for question in questions}
    entries: list[ReviewEntry] = []
    lists: dict[str, Sequence] = {}
    for name, value in root.entries.items() if root is not None else ():
        if not isinstance(value, Sequence):
            raise source.error(value, f"{one_line(name)} must have a list of answers", _EXAMPLE)
        lists[name] = value
        question = asked.get(canonical_name(name).lower())
        entries += [_entry(source, name, question, item, own_keys=own_keys) for item in value.items]
    _refuse_duplicates(source, entries)
    return Review(source, tuple(entries), lists)


_EXAMPLE = 'write c1.params: and below it - {answer: "150", verdict: correct}'


def _refuse_duplicates(source: Source, entries: list[ReviewEntry]) -> None:
    """Raises CnnError where two entries are about the same answers."""
    first: dict[SameAnswer, ReviewEntry] = {}
    for entry in entries:
        if entry.same is not None and first.setdefault(entry.same, entry) is not entry:
            line = first[entry.same].node.line + 1
            what = repr(shortened(entry.answer)) if entry.answer else entry.same.student or "the blank answer"
            raise source.error(entry.node, f"{entry.name}: {what} occurs twice", f"it is in line {line}, too; keep one")


def _entry(source: Source, name: str, question: KeyQuestion | None, node: Value, *, own_keys: bool) -> ReviewEntry:
    if not isinstance(node, Mapping):
        raise source.error(node, f"{one_line(name)}: an entry must be a mapping (key: value)", _EXAMPLE)
    for key, at in node.keys.items():
        if key not in KEYS:
            raise source.error(at, f"unknown key {key!r} in an entry", suggestion(key, KEYS, f"use {', '.join(KEYS)}"))
    answer = _text(source, node, "answer")
    if question is None:
        return ReviewEntry(name, answer, None, None, node)
    is_upload = question.free is not None and question.free.kind == "upload"
    if is_upload and not _text(source, node, "student"):
        raise source.error(node, f"{name}: the entry has no student", "write student: the name in the sheet")
    if not is_upload and is_nothing(node.entries.get("answer")):
        raise source.error(node, f"{name}: the entry has no answer", 'write answer: "…", or answer: "" for blank ones')
    if not is_upload and "student" in node.entries:
        message = f"{name}: a verdict applies to all who gave the answer"
        raise source.error(node.keys["student"], message, "remove student")
    expected = _text(source, node, "correct_answer")
    same = same_answer(question, answer, expected, _text(source, node, "student"), own_keys=own_keys)
    return ReviewEntry(name, answer, same, _decision(source, question, node), node)


def _text(source: Source, node: Mapping, key: str) -> str:
    """The text of an entry's value; empty where it has none. Raises CnnError for a list or a mapping."""
    value = node.entries.get(key)
    if value is None or (isinstance(value, Scalar) and is_nothing(value)):
        return ""
    if not isinstance(value, Scalar):
        raise source.error(value, f"{key} must be a text", f'write {key}: "…"')
    return plain_text(value.text)


def _decision(source: Source, question: KeyQuestion, node: Mapping) -> Decision | None:
    """The verdict of an entry, with the comment for the student; None where there is none."""
    value = node.entries.get("verdict")
    comment = " ".join(_text(source, node, "comment").split())
    if len(comment) > COMMENT_LIMIT:
        raise source.error(node.keys["comment"], f"the comment is longer than {COMMENT_LIMIT:,} characters")
    if value is None or is_nothing(value):
        if comment:
            raise source.error(node.keys["comment"], f"{question.name}: a comment without a verdict", HOW)
        return None
    points, remarks = _points(source, question, value)
    share = points / question.points if question.points else Fraction(points is not None and _is_right(value))
    return Decision(share, (*remarks, *([one_line(comment, COMMENT_LIMIT)] if comment else [])))


def _is_right(value: Value) -> bool:
    return isinstance(value, Scalar) and value.text.strip().lower() in RIGHT


def _points(source: Source, question: KeyQuestion, value: Value) -> tuple[Fraction, tuple[str, ...]]:
    """The points of a verdict, with a remark for each criterion of the rubric. Raises CnnError."""
    if isinstance(value, Mapping) and [*value.entries] != ["points"]:
        return _rubric_points(source, question, value)
    node = value.entries["points"] if isinstance(value, Mapping) else value
    text = " ".join(node.text.lower().split()).rstrip(".") if isinstance(node, Scalar) else ""
    if text in RIGHT:
        return question.points, ()
    if text in WRONG:
        return Fraction(0), ()
    found = re.fullmatch(r"(?:points? *)?([0-9./]{1,20})(?: *points?)?", text)
    points = parsing.parse(found[1]).number if found else None
    if points is None:
        shown = shortened(source.text[value.start : value.end].strip().partition("\n")[0], 40)
        raise source.error(value, f"{question.name}: unknown verdict {shown!r}", HOW)
    return _at_most(source, value, question.name, points, question.points), ()


def _at_most(source: Source, at: Value, what: str, points: Fraction, most: Fraction) -> Fraction:
    if points < 0 or points > most:
        message = f"{what}: {worth(points)}, but it has {points_text(most)}"
        raise source.error(at, message, f"write at most {points_text(most)}")
    return points


def _rubric_points(source: Source, question: KeyQuestion, value: Mapping) -> tuple[Fraction, tuple[str, ...]]:
    """The sum of the points of each criterion."""
    rubric = question.free.rubric if isinstance(question.free, HandedInQuestion) else {}
    if not rubric:
        raise source.error(value, f"{question.name} has no rubric", HOW)
    total, remarks = Fraction(0), []
    example = ", ".join(f"{name}: {points_text(most)}" for name, most in rubric.items())
    for criterion, at in value.keys.items():
        if criterion not in rubric:
            hint = suggestion(criterion, [*rubric], f"write verdict: {{{shortened(example, 200)}}}")
            raise source.error(at, f"{question.name}: unknown criterion {shortened(criterion)!r}", hint)
    for criterion, most in rubric.items():
        node = value.entries.get(criterion)
        points = parsing.parse(node.text).number if isinstance(node, Scalar) else None
        if points is None:
            message = f"{question.name}: no points for {shortened(criterion)!r}"
            raise source.error(node or value, message, f"write verdict: {{{shortened(example, 200)}}}")
        total += _at_most(source, node or value, criterion, points, most)
        remarks.append(
            told(
                "{criterion}: {earned} of {total}",
                criterion=one_line(criterion, 200),
                earned=points_text(points),
                total=worth(most),
            )
        )
    return total, tuple(remarks)
