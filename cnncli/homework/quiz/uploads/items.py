"""A quiz as self-contained questions of one answer each, which every platform has.

Numbers are numerical questions. Shapes and matrices are multiple-choice questions, whose wrong options are typical
mistakes with their own feedback; those with too few of these are short answers with the usual ways to write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import blake2b
from typing import Any, NamedTuple

from cnncli.homework.languages.derivations import localized_answer
from cnncli.homework.languages.messages import localized, text, translated
from cnncli.homework.quiz.documents import HTML, derivation_line
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.options import phrase, wrong_options
from cnncli.homework.quiz.question import QuizQuestion
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered
from cnncli.homework.quiz.values import value_text
from cnncli.io.escaping import html as escape

CORRECT = text("Correct.")
NUMBER, CHOICE, WORDS = "number", "choice", "words"
FEWEST_OPTIONS = 3  # of a multiple-choice question
DECIMALS = 6


class Option(NamedTuple):
    """A value, whether it is correct, and the feedback to whoever gives it."""

    text: str
    is_correct: bool
    feedback: str


class Item(NamedTuple):
    """One question of a platform: its ``kind``, its text as HTML, and its solution as HTML.

    ``ident`` is unique among all quizzes. Of a NUMBER, ``options`` are the correct number and typical wrong ones, and
    what is within ``tolerance`` is correct; of WORDS, they are the ways to write the correct answer.
    """

    ident: str
    name: str
    kind: str
    html: str
    options: tuple[Option, ...]
    solution: str
    points: int
    tolerance: Fraction = Fraction(0)

    @property
    def correct(self) -> str:
        """The correct answer."""
        return next(option.text for option in self.options if option.is_correct)


class Pool(NamedTuple):
    """Variants of one question, of which a platform can give each student another, with the title of the quiz."""

    quiz: str
    title: str
    items: tuple[Item, ...]


def pools(quizzes: Sequence[Quiz]) -> list[Pool]:
    """A pool for each answer, with a variant from each quiz: quizzes of one course for different students."""
    per_quiz = [[*_answers(quiz)] for quiz in quizzes]
    found = []
    for variants in zip(*per_quiz, strict=True):
        question, answer = variants[0]
        items = tuple(
            _item(quiz, asked, given, f" v{at:02d}" if len(quizzes) > 1 else "")
            for at, (quiz, (asked, given)) in enumerate(zip(quizzes, variants, strict=True), 1)
        )
        found.append(Pool(quizzes[0].title, f"{answer.prompt.name} ({question.topic})", items))
    return found


def _answers(quiz: Quiz) -> list[tuple[QuizQuestion, AnsweredPrompt]]:
    pairs = zip(quiz.questions, answered(quiz), strict=True)
    return [(question, answer) for question, answers in pairs for answer in answers]


def _item(quiz: Quiz, question: QuizQuestion, answer: AnsweredPrompt, variant: str) -> Item:
    kind, options = _options(quiz, answer)
    html = "".join(map(HTML.part, question.parts)) + f"<p>{escape(answer.prompt.request)}</p>"
    if kind == WORDS:
        html += f"<p>{escape(_form(answer.expected.value))}</p>"
    digest = blake2b(f"{quiz.title}/{quiz.student}/{answer.prompt.name}/{html}".encode(), digest_size=8).hexdigest()
    name = " ".join(filter(None, [quiz.title, quiz.student if not variant else "", f"{answer.prompt.name}{variant}"]))
    stated = answer.prompt.stated
    tolerance = stated.tolerance if stated is not None else Fraction(0)
    return Item(f"i{digest}", name, kind, html, options, _solution(answer, kind), question.points, tolerance)


def _options(quiz: Quiz, answer: AnsweredPrompt) -> tuple[str, tuple[Option, ...]]:
    value, stated = answer.expected.value, answer.prompt.stated
    if stated is not None and stated.choices:
        return CHOICE, tuple(
            Option(text, text == value, str(localized(CORRECT)) if text == value else "") for text in stated.choices
        )
    wrong = [Option(text, False, phrase(name)) for name, text in wrong_options(answer)]
    if not isinstance(value, tuple):
        numbers = [option._replace(text=decimal(text)) for option in wrong for text in [option.text]]
        return NUMBER, (Option(decimal(value), True, localized(CORRECT)), *numbers)
    if len(wrong) + 1 < FEWEST_OPTIONS:
        return WORDS, tuple(Option(text, True, localized(CORRECT)) for text in spellings(value))
    return CHOICE, _mixed(quiz, answer, [Option(value_text(value), True, localized(CORRECT)), *wrong])


def _mixed(quiz: Quiz, answer: AnsweredPrompt, options: list[Option]) -> tuple[Option, ...]:
    """Options in random order, for platforms that do not mix them."""
    draws, rest, mixed = Draws(f"{quiz.seed}/{quiz.student}/{answer.prompt.name}/order"), [*options], []
    while rest:
        mixed.append(rest.pop(draws.integer(0, len(rest) - 1)))
    return tuple(mixed)


def _solution(answer: AnsweredPrompt, kind: str) -> str:
    """The correct answer with its derivation; of a number, also what typical mistakes give."""
    lines = [f"<p>{escape(answer.prompt.label)}: <strong>{escape(localized_answer(answer.expected.text))}</strong></p>"]
    lines.append(f"<p><code>{escape(derivation_line(answer))}</code></p>")
    if kind == NUMBER and (wrong := wrong_options(answer)):
        items = "".join(f"<li>{escape(f'{text}: {phrase(name)}')}</li>" for name, text in wrong)
        lines.append(f"<p>{escape(translated('Typical mistakes:'))}</p><ul>{items}</ul>")
    return "".join(lines)


def decimal(value: Any) -> str:
    """A number in decimals, as platforms read it: 7/4 as 1.75, 1/3 to 6 decimals."""
    number = Fraction(value)
    if number.denominator == 1:
        return str(number.numerator)
    return f"{float(round(number, DECIMALS)):.{DECIMALS}f}".rstrip("0")


def spellings(value: tuple[Any, ...]) -> tuple[str, ...]:
    """The usual ways to write a shape or a matrix; platforms compare texts without their case."""
    if not isinstance(value[0], tuple):
        sizes = [*map(str, value)]
        listed = [", ".join(sizes), ",".join(sizes)]
        return ("x".join(sizes), " x ".join(sizes), "×".join(sizes), " × ".join(sizes),
                *(f"({text})" for text in listed), *(f"[{text}]" for text in listed), *listed)  # fmt: skip
    plain = value_text(value)
    found = [plain, plain.replace("; ", ";"), plain.replace(" ", ", ").replace(";, ", "; ").replace(", |, ", " | ")]
    if len(value) == 1:
        rows = ["[" + ", ".join(row.split()) + "]" for row in plain.split(";")]
        brackets = f"[{', '.join(rows)}]"
        found += [brackets, brackets.replace(" ", "")]
    return tuple(found)


def _form(value: tuple[Any, ...]) -> str:
    if isinstance(value[0], tuple):
        return translated("Write the rows one after the other, with semicolons between them, e.g. 1 2; 3 4.")
    return translated("Write a shape as channels x height x width, e.g. 6x28x28.")
