"""Writing the review queue: what a person wrote stays as it is, comments too; the rest is updated or added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cnncli.homework.grading.key import KeyQuestion
from cnncli.homework.grading.points import points_text, worth
from cnncli.homework.question_types.handed_in import HandedInQuestion
from cnncli.homework.review.entries import Review, ReviewEntry
from cnncli.homework.review.queue import AnswerGroup
from cnncli.homework.review.same_answers import SameAnswer
from cnncli.io.escaping import yaml
from cnncli.language.source import Mapping, Sequence, Value

HEADING = """\
# Answers to review. Fill in each verdict: correct, wrong, or points such as 1.5;
# for a rubric, the points of each criterion: {formula: 2, result: 1}. A comment
# is shown to the student. A verdict applies to all who gave the answer, now and
# in each later cnn grade --review. You may add entries for other answers.
"""
WIDTH = 100  # columns of a list of students
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.-]*(?: [\w.-]+)*", re.ASCII)
_COMMENT = re.compile(r"(?:[ \t\r]*\n)*(?P<indent>[ \t]+)#[^\n]*(?:\n|\Z)")  # a line, after empty ones
_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


class _Edit(NamedTuple):
    """A part of the text and what replaces it."""

    start: int
    end: int
    text: str


def updated_text(review: Review, questions: Iterable[KeyQuestion], groups: list[AnswerGroup], *, own_keys: bool) -> str:
    """The text of the queue with the answers of a class: those of its entries updated, new ones added.

    Raises CnnError where entries cannot be added to a list in brackets.
    """
    text = review.source.text
    by_same = {group.same: group for group in groups}
    known = {entry.same for entry in review.entries}
    edits = [edit for entry in review.entries for edit in _changes(text, entry, by_same)]
    added: list[str] = []
    names = {entry.same.question: entry.name for entry in review.entries if entry.same is not None}
    for question in questions:
        new = [group for group in groups if group.reason and group.same.question == question.name]
        new = [group for group in new if group.same not in known]
        if not new:
            continue
        if question.name in names:
            edits.append(_addition(review, names[question.name], new, own_keys=own_keys))
        else:
            added.append(_section(question, new, own_keys=own_keys))
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    start = text if text.strip() else HEADING
    if not added:
        return start
    return "\n".join([start if start.endswith("\n") else f"{start}\n", *added])


def _changes(text: str, entry: ReviewEntry, by_same: dict[SameAnswer, AnswerGroup]) -> Iterator[_Edit]:
    """The changes to what is said about an answer that occurs: who gave it, the automatic verdict, and why."""
    group = by_same.get(entry.same) if entry.same is not None else None
    if group is None:
        return
    column = entry.node.column
    for key, new in _facts(group, column).items():
        value = entry.node.entries.get(key)
        if value is None or (key == "why" and not group.why):
            continue
        end = _content_end(text, value)
        if text[value.start : end] != new:
            space = "" if text[: value.start].endswith((" ", "\n")) else " "
            yield _Edit(value.start, end, space + new)


def _facts(group: AnswerGroup, column: int) -> dict[str, str]:
    """What is said about an answer, by key."""
    return {"by": _names(group.students, column), "automatic": yaml(group.automatic), "why": yaml(group.why)}


def _addition(review: Review, name: str, groups: list[AnswerGroup], *, own_keys: bool) -> _Edit:
    """New entries after the last one of a question, and after the comments on it."""
    source, values = review.source, review.lists[name]
    last = values.items[-1]
    line_start = source.text.rfind("\n", 0, last.start) + 1
    before = source.text[line_start : last.start]
    if before.strip() != "-":
        message = f"{name}: the entries are in brackets, so that no answer can be added"
        raise source.error(values, message, "write each entry on lines of its own: - answer: …")
    at = source.text.find("\n", _content_end(source.text, last))
    indent = before[: before.index("-")]
    text = "".join(_entry(group, indent, own_keys=own_keys) for group in groups)
    if at < 0:
        return _Edit(len(source.text), len(source.text), "\n" + text)
    at += 1
    while comment := _COMMENT.match(source.text, at):
        if len(comment["indent"]) <= len(indent):
            break
        at = comment.end()
    missing = "" if source.text[at - 1] == "\n" else "\n"
    return _Edit(at, at, missing + text)


def _content_end(text: str, value: Value) -> int:
    """Where the last text of a value ends: a block also includes the empty lines and the comments after it."""
    parts: list[Value] = []
    if isinstance(value, Mapping):
        parts = [*value.keys.values(), *value.entries.values()]
    elif isinstance(value, Sequence):
        parts = value.items
    if parts and text[value.start] not in "[{":
        return max(_content_end(text, part) for part in parts)
    return value.start + len(text[value.start : value.end].rstrip())


def _section(question: KeyQuestion, groups: list[AnswerGroup], *, own_keys: bool) -> str:
    """A question with its entries."""
    facts = [str(worth(question.points))]
    if isinstance(question.free, HandedInQuestion) and question.free.rubric:
        rubric = ", ".join(f"{_one_line(name)}: {points_text(most)}" for name, most in question.free.rubric.items())
        facts.append(f"verdict: {{{rubric}}}")
    expected = {group.expected for group in groups}
    if not own_keys and len(expected) == 1 and expected != {""}:
        facts.append(f"correct answer: {_one_line(expected.pop())}")
    lines = [f"# {_one_line(question.text)}\n"] if question.text and not own_keys else []
    lines.append(f"{_key(question.name)}:  # {'; '.join(facts)}\n")
    return "".join([*lines, *(_entry(group, "  ", own_keys=own_keys) for group in groups)])


def _entry(group: AnswerGroup, indent: str, *, own_keys: bool) -> str:
    """An entry without a verdict."""
    inner = f"{indent}  "
    facts = _facts(group, len(inner))
    if group.same.student:
        rows = [("student", yaml(group.same.student)), *([("answer", yaml(group.answer))] if group.answer else [])]
    else:
        rows = [("answer", _literal(group.answer, inner)), ("by", facts["by"])]
    if own_keys and group.expected and not group.same.student:
        rows.append(("correct_answer", yaml(group.expected)))
    rows += [("automatic", facts["automatic"]), ("why", facts["why"]), ("verdict", ""), ("comment", "")]
    lines = [f"{inner}{key}: {value}".rstrip() + "\n" for key, value in rows]
    variant = f"{indent}# {_one_line(group.text)}\n" if own_keys and group.text else ""
    return f"{variant}{indent}- " + "".join(lines)[len(inner) :]


def _names(students: tuple[str, ...], column: int) -> str:
    """A list of students on lines of at most WIDTH columns."""
    lines = [""]
    for student in students:
        item = f"{yaml(student)}, "
        if len(lines[-1]) + len(item) > WIDTH - column - 4 and lines[-1]:
            lines.append("")
        lines[-1] += item
    between = "\n" + " " * (column + 5)
    return f"[{between.join(line.rstrip() for line in lines).rstrip(', ')}]"


def _literal(text: str, indent: str) -> str:
    """A text as YAML: of several lines as a block, if nothing of it would be lost."""
    lines = text.split("\n")
    is_plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) == 1 or not is_plain or text[0] == " ":
        return yaml(text)
    return "|-\n" + "\n".join(f"{indent}  {line}".rstrip() for line in lines)


def _key(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) and name.lower() not in _WORDS else yaml(name)


def _one_line(text: str) -> str:
    """A text for a comment: on one line, without characters that end it."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
