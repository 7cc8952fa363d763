"""A quiz as YAML: the answer sheet to fill in, the same with the correct answers, and the answer key."""

from __future__ import annotations

from textwrap import indent

from cnncli.homework.quiz.documents import value_text
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered


def _quoted(text: str) -> str:
    """A text as a YAML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'


def _fields(answer: AnsweredPrompt) -> str:
    """The fields of a solve or a convolve, without the one that is asked."""
    return ", ".join(
        f"{name}: {_quoted(value) if not value.replace('.', '').isalnum() else value}"
        for name, value in answer.prompt.question.fields.items()
    )


def _architecture(quiz: Quiz) -> str:
    return f"architecture:\n{indent(quiz.architecture, '  ')}" if quiz.architecture else ""


def _line(answer: AnsweredPrompt, given: str) -> str:
    question = answer.prompt.question
    if not question.fields:
        return f"  {question.name}: {given}".rstrip()
    field = "result" if question.name.startswith("convolve") else question.fields.get("find", "output")
    return f"  {question.name}: {{{_fields(answer)}, {field}: {given}}}"


def sheet(quiz: Quiz, *, filled: bool = False) -> str:
    """The answer sheet to fill in; or ``filled`` with the correct answers, so that it passes ``cnn check``."""
    lines = [f"student: {_quoted(quiz.student)}", _architecture(quiz) + "answers:"]
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        for answer in answers:
            lines.append(f"  # {question.name}: {answer.prompt.label}")
            lines.append(_line(answer, _quoted(value_text(answer.expected.value)) if filled else ""))
    return "\n".join(lines) + "\n"


def key(quiz: Quiz) -> str:
    """The answer key for ``cnn grade``, with one point for each answer."""
    student = [f"student: {_quoted(quiz.student)}"] if quiz.student else []
    lines = [f"title: {_quoted(quiz.title)}", *student, _architecture(quiz) + "questions:"]
    for answers in answered(quiz):
        for answer in answers:
            question = answer.prompt.question
            kind = question.name.partition(" ")[0]
            fields = f"{kind}: {{{_fields(answer)}}}, " if question.fields else ""
            value = _quoted(value_text(answer.expected.value))
            lines.append(f"  {answer.prompt.name}: {{points: 1, {fields}answer: {value}}}")
    return "\n".join(lines) + "\n"
