"""A quiz in the terminal counts and says what was typed; documents name each mistake once."""

from __future__ import annotations

import re
from itertools import chain

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.answer_key.expected import ExpectedAnswer, is_remark
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.quiz.documents import (
    HTML,
    LATEX,
    MARKDOWN,
    derivation_line,
    heading,
    pitfalls,
    write_document,
)
from cnncli.homework.quiz.interactive import ask, hints_for
from cnncli.homework.quiz.options import wrong_options
from cnncli.homework.quiz.question import Matrix, Prompt
from cnncli.homework.quiz.quiz import AnsweredPrompt, Course, answered, draw
from cnncli.homework.quiz.values import value_text

some = settings(max_examples=15, deadline=None, derandomize=True, database=None)
QUIZ = draw(Course(3, 3, "easy", ("sizes", "padding", "sizes")), "ann")
PROMPTS = [*chain.from_iterable(answered(QUIZ))]
TYPED = ["right", "wrong", "?", "?", "=", "", " ", "q", "Q"]


def run(lines: list[str]) -> str:
    import click

    command = click.Command("ask", callback=lambda: ask(QUIZ))
    result = CliRunner().invoke(command, input="".join(f"{line}\n" for line in lines))
    assert result.exit_code == 0, result.output
    return result.output


@some
@given(st.lists(st.sampled_from(TYPED), max_size=12))
def test_what_is_typed_decides_what_is_counted(script: list[str]) -> None:
    left, typed, said = [*PROMPTS], [], []
    correct = asked = hints = 0
    for what in script:
        if not left:
            break
        answer = left[0]
        typed.append({"right": value_text(answer.expected.value), "wrong": "9999"}.get(what, what))
        if what in ("q", "Q"):
            left = []
        elif what == "?":
            known = hints_for(answer)
            said.append(known[hints] if hints < len(known) else "no more hints; = shows the answer")
            hints += 1
        elif what == "wrong":
            said.append("not yet: matches no known mistake")
        else:
            left, hints, asked, correct = left[1:], 0, asked + 1, correct + (what == "right")
            said += {"right": [f"correct: {derivation_line(answer)}"], "=": ["correct answer: "]}.get(what, [])
    printed = run(typed)
    assert printed.endswith(f"{correct} of {asked} correct\n")
    at = 0
    for text in said:
        at = printed.index(text, at) + len(text)
    assert printed.count("not yet") == script[: len(typed)].count("wrong")
    assert printed.count("  correct: ") == correct


def prompt(label: str, value: object, wrong: dict[str, object], derivation: tuple[str, ...] = ()) -> AnsweredPrompt:
    asked = Prompt("q1", label, f"What is the {label}?", Question("q1", "", {}))
    return AnsweredPrompt(asked, ExpectedAnswer(value, "5", derivation, wrong))


NAMES = ["forgot_bias", "padding_ignored", "stride_ignored", "dilation_ignored", "off_by_one", "forgot_bias+off_by_one"]


@some
@given(st.dictionaries(st.sampled_from(NAMES), st.integers(4, 9) | st.none()), st.integers(1, 5))
def test_options_are_the_first_single_mistake_for_each_wrong_value(found: dict[str, int | None], most: int) -> None:
    answer = prompt("result", 5, dict(found))
    expected: dict[str, str] = {}
    for name, value in found.items():
        if "+" not in name and value not in (None, 5):
            expected.setdefault(str(value), name)
    options = [(name, text) for text, name in expected.items()]
    assert wrong_options(answer, most) == options[:most] and wrong_options(answer) == options[:4]
    assert [line.partition(": ")[0] for line in pitfalls(answer)] == [text for _, text in options[:3]]


@pytest.mark.parametrize("form", [MARKDOWN, HTML, LATEX])
def test_a_document_has_blanks_or_solutions_for_every_prompt(form: object) -> None:
    assert form in (MARKDOWN, HTML, LATEX)
    blanks, solved = write_document(QUIZ, form), write_document(QUIZ, form, solutions=True)  # type: ignore[arg-type]
    marks = ("____________", 'class="answer"', "hspace{4cm}")
    assert sum(blanks.count(mark) for mark in marks) == len(PROMPTS) and not any(mark in solved for mark in marks)
    for text in (blanks, solved):
        assert heading(QUIZ).replace(":", "") in text.replace(":", "") and text.count(QUIZ.questions[0].name) >= 1
    for answer in PROMPTS:
        assert solved.count("not ") >= len(pitfalls(answer)) and answer.expected.text in solved


def test_matrices_are_written_with_their_channels_and_aligned() -> None:
    one = (("1", "-20"), ("3", "4"))
    assert MARKDOWN.part(Matrix("X", (one,))) == "```\nX =   1  -20\n      3    4\n```\n"
    both = MARKDOWN.part(Matrix("X", (one, one))).splitlines()
    assert [line.partition(" = ")[0] for line in both if " = " in line] == ["X (channel 1)", "X (channel 2)"]
    assert HTML.part(Matrix("X", (one, one))).count("<tr>") == 4 and "X (channel 2) =" in HTML.part(
        Matrix("X", (one, one))
    )
    assert "<p>X =</p>" in HTML.part(Matrix("X", (one,)))
    tex = LATEX.part(Matrix("X", (one, one)))
    assert tex == (
        r"\[ X_{1} = \begin{pmatrix} 1 & -20 \\ 3 & 4 \end{pmatrix} \quad "
        r"X_{2} = \begin{pmatrix} 1 & -20 \\ 3 & 4 \end{pmatrix} \]"
    )
    assert r"\[ X = \begin" in LATEX.part(Matrix("X", (one,)))


def test_values_labels_and_derivations_are_written_as_a_student_would() -> None:
    assert [value_text(value) for value in (5, (6, 28, 28), (((1, 2), (3, 4)), ((5, 6), (7, 8))), "does not fit")] == [
        "5", "6x28x28", "1 2; 3 4 | 5 6; 7 8", "does not fit",
    ]  # fmt: skip
    assert MARKDOWN.blank(prompt("output size", 5, {})) == "What is the output size? ____________\n"
    for lines, joined in ((("a * b", "2 * 3", "(a remark)"), "a * b = 2 * 3"), (("a = 1", "b = 2"), "a = 1; b = 2")):
        answer = prompt("q", 5, {}, lines)
        assert derivation_line(answer) == joined
        hints = hints_for(answer)
        assert hints == ["a", "b"] if " = " in lines[0] else hints == ["a * b"]


@some
@given(st.text("()ab ", max_size=9))
def test_a_remark_is_one_pair_of_parentheses_around_all(line: str) -> None:
    depths, depth = [], 0
    for char in line:
        depth += {"(": 1, ")": -1}.get(char, 0)
        depths.append(depth)
    whole = bool(re.fullmatch(r"\(.*\)", line)) and depths[-1] == 0 and min(depths[:-1]) > 0
    assert is_remark(line) == whole
