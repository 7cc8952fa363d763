"""A quiz as YAML: the sheet to fill in, the same with the right answers, and the key to mark it by."""

from __future__ import annotations

from textwrap import indent

from cnncli.homework.quiz import Quiz, Solved, solved
from cnncli.homework.quiz.papers import value_text


def _quoted(text: str) -> str:
    """A text such that YAML reads it back as itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'


def _fields(answer: Solved) -> str:
    """The fields of a solve or a convolve, without what is asked."""
    return ", ".join(
        f"{name}: {_quoted(value) if not value.replace('.', '').isalnum() else value}"
        for name, value in answer.asked.question.fields.items()
    )


def _architecture(quiz: Quiz) -> str:
    return f"architecture:\n{indent(quiz.architecture, '  ')}" if quiz.architecture else ""


def _line(answer: Solved, given: str) -> str:
    question = answer.asked.question
    if not question.fields:
        return f"  {question.name}: {given}".rstrip()
    field = "result" if question.name.startswith("convolve") else question.fields.get("find", "output")
    return f"  {question.name}: {{{_fields(answer)}, {field}: {given}}}"


def sheet(quiz: Quiz, *, filled: bool = False) -> str:
    """The sheet to hand in, with room for the answers; ``filled``, with the right ones, so that it passes the check."""
    lines = [f"student: {_quoted(quiz.student)}", _architecture(quiz) + "answers:"]
    for task, answers in zip(quiz.tasks, solved(quiz), strict=True):
        for answer in answers:
            lines.append(f"  # {task.name}: {answer.asked.what}")
            lines.append(_line(answer, _quoted(value_text(answer.truth.value)) if filled else ""))
    return "\n".join(lines) + "\n"


def key(quiz: Quiz) -> str:
    """The key of ``cnn grade``: a point for each answer, the right one beside it."""
    student = [f"student: {_quoted(quiz.student)}"] if quiz.student else []
    lines = [f"title: {_quoted(quiz.title)}", *student, _architecture(quiz) + "questions:"]
    for answers in solved(quiz):
        for answer in answers:
            question = answer.asked.question
            kind = question.name.partition(" ")[0]
            asked = f"{kind}: {{{_fields(answer)}}}, " if question.fields else ""
            right = _quoted(value_text(answer.truth.value))
            lines.append(f"  {answer.asked.name}: {{points: 1, {asked}answer: {right}}}")
    return "\n".join(lines) + "\n"
