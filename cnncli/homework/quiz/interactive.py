"""A quiz in the terminal: it asks, and helps step by step."""

from __future__ import annotations

import click

from cnncli.errors import CnnError
from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.checking.check import Answer, compared, is_unexplained
from cnncli.homework.mistakes import described
from cnncli.homework.quiz import Quiz, Solved, solved
from cnncli.homework.quiz.papers import MARKDOWN, heading, working

HELP = "(? for a hint, = for the answer, Enter to skip, q to end)"


def ask(quiz: Quiz) -> None:
    """Ask every question until it is right, skipped or given up; then the score.

    Raises CnnError for what cannot be read as text.
    """
    click.echo(f"{heading(quiz)}  {HELP}\n")
    right, asked = 0, 0
    for task, found in zip(quiz.tasks, solved(quiz), strict=True):
        click.echo(f"{task.name}\n" + "\n".join(map(MARKDOWN.part, task.parts)))
        for answer in found:
            outcome = _ask_one(answer)
            if outcome is None:
                click.echo(f"{right} of {asked} right")
                return
            asked, right = asked + 1, right + outcome
    click.echo(f"{right} of {asked} right")


def _ask_one(answer: Solved) -> bool | None:
    """Whether it was answered right without being told; None to end."""
    hints = hints_for(answer)
    while True:
        try:
            given = click.prompt(answer.asked.what, default="", show_default=False, prompt_suffix=": ").strip()
        except click.Abort:
            click.echo()
            return None
        except UnicodeDecodeError:
            raise CnnError("the answer is not UTF-8 text", "type it, or save the file of answers as UTF-8") from None
        if given.lower() == "q":
            return None
        if given == "":
            return False
        if given == "=":
            click.echo(f"  it is {answer.truth.text}: {working(answer)}\n")
            return False
        if given == "?":
            click.echo(f"  {hints.pop(0) if hints else 'no more hints; = shows the answer'}")
            continue
        found = compared(answer.asked.question._replace(given=given), answer.truth)
        if found.correct:
            click.echo(f"  right: {working(answer)}\n")
            return True
        click.echo(f"  not yet: {_why_wrong(found)}")


def _why_wrong(found: Answer) -> str:
    """The likely mistakes, or why the answer could not be read, with how it was read."""
    why = "no known mistake gives this" if is_unexplained(found) else " or ".join(map(described, found.mistakes))
    remarks = ", ".join(found.remarks[:1])
    return f"{why} ({remarks})" if why and remarks else why or remarks or "this is left blank"


def hints_for(answer: Solved) -> list[str]:
    """From general to nearly all: the formula, then the formula with its numbers; never a value that is asked."""
    given = answer.asked.question.fields
    if given.get("find") == "padding":
        numbers = f"({given['input']} + 2 p - {given['kernel']}) / {given.get('stride', '1')} + 1 = {given['output']}"
        return ["(n + 2 p - k) / s + 1 = m", numbers]
    lines = [line for line in answer.truth.derivation if not is_remark(line)]
    whole = [line.rpartition(" = ")[0] for line in lines if " = " in line]
    return whole or lines[:-1]
