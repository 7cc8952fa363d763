"""A quiz as YAML: the answer sheet to fill in, the same with the correct answers, and the answer key.

A sheet names its questions alone: without the network and the numbers, ``cnn check`` cannot print the answers. For
practice it has them.
"""

from __future__ import annotations

from itertools import chain
from textwrap import indent, wrap

from cnncli.homework.languages.catalogues import ENGLISH
from cnncli.homework.languages.messages import current_language, translated
from cnncli.homework.quiz.documents import MARKDOWN, choices, points_text
from cnncli.homework.quiz.question import DrawnLayers, Part, QuizQuestion, Table
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered
from cnncli.homework.quiz.values import value_text
from cnncli.io.escaping import yaml

WIDTH = 76  # of comments


def _fields(answer: AnsweredPrompt) -> str:
    """The fields of a solve or a convolve, without the one that is asked."""
    return ", ".join(
        f"{name}: {yaml(value) if not value.replace('.', '').isalnum() else value}"
        for name, value in answer.prompt.question.fields.items()
    )


def _architecture(quiz: Quiz) -> str:
    return f"architecture:\n{indent(quiz.architecture, '  ')}" if quiz.architecture else ""


def _practice_line(answer: AnsweredPrompt, given: str) -> str:
    question = answer.prompt.question
    if not question.fields:
        return f"  {question.name}: {given}".rstrip()
    kind, find = question.name.partition(" ")[0], question.fields.get("find")
    field = "result" if kind == "convolve" else find or "output"
    return f"  {question.name}: {{{_fields(answer)}, {field}: {given}}}"


def _comments(*texts: str) -> list[str]:
    """The text of a question as comments."""
    lines = chain.from_iterable(text.rstrip().splitlines() for text in texts)
    wrapped = chain.from_iterable(wrap(line, WIDTH) if len(line) > WIDTH else [line] for line in lines)
    return [f"  # {line}".rstrip() for line in wrapped if line != "```"]


def sheet(quiz: Quiz, *, filled: bool = False, practice: bool = False) -> str:
    """The answer sheet to fill in; or ``filled`` with the correct answers.

    For ``practice``, ``cnn check`` can judge it: it has the network and the fields of the questions. Questions that a
    key alone can judge are left out.
    """
    lines = [f"student: {yaml(quiz.student)}", _architecture(quiz) * practice + "answers:"]
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        lines += ["", *_comments(f"{question.name} ({points_text(question)})", *map(MARKDOWN.part, question.parts))]
        for answer in answers:
            given = yaml(value_text(answer.expected.value)) if filled else ""
            lines += _comments("\n".join([answer.prompt.request, *choices(answer)]))
            if practice and answer.prompt.stated is not None:
                lines.append(f"  # {translated('(only a key can judge this answer)')}")
                continue
            lines.append(_practice_line(answer, given) if practice else f"  {answer.prompt.name}: {given}".rstrip())
    return "\n".join(lines) + "\n"


def key(quiz: Quiz) -> str:
    """The answer key for ``cnn grade``, with the text of each question."""
    student = [f"student: {yaml(quiz.student)}"] if quiz.student else []
    language = [f"language: {current_language()}"] if current_language() != ENGLISH else []
    lines = [f"title: {yaml(quiz.title)}", *language, *student, _architecture(quiz) + "questions:"]
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        for answer in answers:
            lines += [f"  {answer.prompt.name}:", f"    points: {question.points}"]
            lines.append(f"    question: {yaml(_asked(question, answer))}")
            lines += [f"    {line}" for line in _key_entries(answer)]
    return "\n".join(lines) + "\n"


def _asked(question: QuizQuestion, answer: AnsweredPrompt) -> str:
    """A question on one line."""
    return " ".join([*map(_plain, question.parts), answer.prompt.request])


def _plain(part: Part) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, DrawnLayers):
        return "; ".join(part.lines) + "."
    if isinstance(part, Table):
        return "; ".join(" ".join(row) for row in part.rows) + "."
    return f"{part.name} = {' | '.join('; '.join(map(' '.join, rows)) for rows in part.channels)}."


def _key_entries(answer: AnsweredPrompt) -> list[str]:
    """How a key asks a prompt, with the answer."""
    value, stated, question = yaml(value_text(answer.expected.value)), answer.prompt.stated, answer.prompt.question
    if stated is not None and stated.choices:
        return [f"choice: [{', '.join(map(yaml, stated.choices))}]", f"answer: {value}"]
    if stated is not None:
        return [f"numeric: {value}", *([f"tolerance: {float(stated.tolerance):g}"] if stated.tolerance else [])]
    kind = question.name.partition(" ")[0]
    return [*([f"{kind}: {{{_fields(answer)}}}"] if question.fields else []), f"answer: {value}"]
