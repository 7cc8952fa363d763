"""A quiz in the terminal, with hints."""

from __future__ import annotations

import click

from cnncli.errors import CnnError
from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.quiz.documents import MARKDOWN, derivation_line, heading
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered

HELP = "(? for a hint, = for the answer, Enter to skip, q to quit)"


def ask(quiz: Quiz) -> None:
    """Ask every question until it is answered correctly, skipped or given up, then print the score.

    Raises CnnError for input that is not UTF-8.
    """
    click.echo(f"{heading(quiz)}  {HELP}\n")
    correct, asked = 0, 0
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        click.echo(f"{question.name}\n" + "\n".join(map(MARKDOWN.part, question.parts)))
        for answer in answers:
            outcome = _ask_one(answer)
            if outcome is None:
                click.echo(f"{correct} of {asked} correct")
                return
            asked, correct = asked + 1, correct + outcome
    click.echo(f"{correct} of {asked} correct")


def _ask_one(answer: AnsweredPrompt) -> bool | None:
    """Whether it was answered correctly without being shown the answer; None to quit."""
    hints = hints_for(answer)
    while True:
        try:
            given = click.prompt(answer.prompt.label, default="", show_default=False, prompt_suffix=": ").strip()
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
            click.echo(f"  correct answer: {answer.expected.text}: {derivation_line(answer)}\n")
            return False
        if given == "?":
            click.echo(f"  {hints.pop(0) if hints else 'no more hints; = shows the answer'}")
            continue
        verdict = compare(answer.prompt.question._replace(given=given), answer.expected)
        if verdict.correct:
            click.echo(f"  correct: {derivation_line(answer)}\n")
            return True
        click.echo(f"  not yet: {_explanation(verdict)}")


def _explanation(verdict: Verdict) -> str:
    """The likely mistakes, or why the answer could not be read, with how it was read."""
    reason = "matches no known mistake" if verdict.is_unexplained else likely(verdict.diagnoses)
    remark = ", ".join(verdict.remarks[:1])
    return f"{reason} ({remark})" if reason and remark else reason or remark or "blank"


def hints_for(answer: AnsweredPrompt) -> list[str]:
    """Hints, each more specific: the formula, then the formula with its numbers, never the value that is asked."""
    given = answer.prompt.question.fields
    if given.get("find") == "padding":
        numbers = f"({given['input']} + 2 p - {given['kernel']}) / {given.get('stride', '1')} + 1 = {given['output']}"
        return ["(n + 2 p - k) / s + 1 = m", numbers]
    lines = [line for line in answer.expected.derivation if not is_remark(line)]
    formulas = [line.rpartition(" = ")[0] for line in lines if " = " in line]
    return formulas or lines[:-1]
