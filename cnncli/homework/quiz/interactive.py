"""A quiz in the terminal, with hints."""

from __future__ import annotations

import click

from cnncli.arithmetic.window import Window
from cnncli.errors import CnnError
from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.checking import parsing
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.derivations import localized_answer, localized_line
from cnncli.homework.languages.messages import localized, text, translated
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.quiz.documents import MARKDOWN, choices, derivation_line, heading
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered
from cnncli.homework.quiz.values import value_text

HELP = text("(? for a hint, = for the answer, Enter to skip, q to quit)")


def ask(quiz: Quiz) -> None:
    """Ask every question until it is answered correctly, skipped or given up, then print the score.

    Raises CnnError for input that is not UTF-8.
    """
    click.echo(f"{heading(quiz)}  {localized(HELP)}\n")
    correct, asked = 0, 0
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        click.echo(f"{question.name}\n" + "\n".join(map(MARKDOWN.part, question.parts)))
        for answer in answers:
            outcome = _ask_one(answer)
            if outcome is None:
                click.echo(translated("{correct} of {answers} correct", correct=correct, answers=asked))
                return
            asked, correct = asked + 1, correct + outcome
    click.echo(translated("{correct} of {answers} correct", correct=correct, answers=asked))


def _ask_one(answer: AnsweredPrompt) -> bool | None:
    """Whether it was answered correctly without being shown the answer; None to quit."""
    hints = hints_for(answer)
    click.echo("\n".join([answer.prompt.request, *choices(answer)]))
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
            told = translated("correct answer: {answer}", answer=localized_answer(answer.expected.text))
            click.echo(f"  {told}: {derivation_line(answer)}\n")
            return False
        if given == "?":
            hint = hints.pop(0) if hints else text("no more hints; = shows the answer")
            click.echo(f"  {localized(hint)}")
            continue
        correct, explanation = _judged(answer, given)
        if correct:
            click.echo(f"  {translated('correct: {derivation}', derivation=derivation_line(answer))}\n")
            return True
        click.echo(f"  {translated('not yet: {explanation}', explanation=explanation)}")


def _judged(answer: AnsweredPrompt, given: str) -> tuple[bool, str]:
    """Whether an answer is correct, else the likely mistakes."""
    stated = answer.prompt.stated
    if stated is not None and stated.choices:
        return _is_chosen(answer, given), text("another option is correct")
    if stated is not None and stated.tolerance:
        number = parsing.parse(given).number
        if number is not None and abs(number - answer.expected.value) <= stated.tolerance:
            return True, ""
    own = [phrase for phrase, value in answer.prompt.mistakes if _is_same(given, value_text(value))]
    verdict = compare(answer.prompt.question._replace(given=given), answer.expected)
    return verdict.correct, own[0] if own else _explanation(verdict)


def _is_chosen(answer: AnsweredPrompt, given: str) -> bool:
    """Whether an answer is the correct option, its letter, or both."""
    wanted = next(option for option in choices(answer) if option[3:] == answer.expected.value).lower()
    return given.lower().strip("()") in (wanted, wanted[:2], wanted[0], wanted[3:])


def _is_same(given: str, text: str) -> bool:
    number = parsing.parse(given).number
    return given == text or (number is not None and number == parsing.parse(text).number)


def _explanation(verdict: Verdict) -> str:
    """The likely mistakes, or why the answer could not be read, with how it was read."""
    reason = text("matches no known mistake") if verdict.is_unexplained else likely(verdict.diagnoses)
    remark = verdict.remarks[0] if verdict.remarks else ""
    return (
        text("{note} ({reason})", note=reason, reason=remark)
        if reason and remark
        else reason or remark or text("blank")
    )


def hints_for(answer: AnsweredPrompt) -> list[str]:
    """Hints, each more specific: the formula, then the formula with its numbers, never the value that is asked."""
    given = answer.prompt.question.fields
    lines = [localized_line(line) for line in answer.expected.derivation if not is_remark(line)]
    if given.get("upstream") and "pool" in given:
        return [text("the gradient of each window goes to its largest value; all others get 0")]
    if given.get("upstream"):
        return lines[:1]  # the method
    if given.get("find") in ("padding", "input") and "output" in given:
        names = {"input": "n", "padding": "p"}
        known = {name: given.get(name, "0") for name in names} | {given["find"]: names[given["find"]]}
        kernel = Window(int(given["kernel"]), dilation=int(given.get("dilation", "1"))).effective_kernel
        numbers = f"({known['input']} + 2 * {known['padding']} - {kernel}) / {given.get('stride', '1')} + 1"
        return ["(n + 2 * p - k) / s + 1 = m", f"{numbers} = {given['output']}"]
    if answer.prompt.stated is not None and answer.prompt.stated.choices:
        return []
    formulas = [line.rpartition(" = ")[0] for line in lines if " = " in line]
    return formulas or lines[:-1]
