"""Quizzes: drawn from (seed, student, question) alone, well posed, and with keys that pass the check."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.checking.check import check
from cnncli.homework.grading.grade import grade
from cnncli.homework.grading.key import read_key
from cnncli.homework.grading.key_check import wrong_answers
from cnncli.homework.quiz import documents, sheets
from cnncli.homework.quiz.interactive import ask, hints_for
from cnncli.homework.quiz.options import wrong_options
from cnncli.homework.quiz.quiz import Course, Quiz, answered, draw
from cnncli.homework.quiz.topics.registry import TOPICS
from cnncli.homework.quiz.topics.wording import LEVELS
from cnncli.homework.quiz.values import value_text
from cnncli.homework.submissions.reading import read_sheet

QUIZZES = {
    "seed": st.integers(0, 10**6),
    "student": st.sampled_from(["", "s-1024", 'Zoë "Q" O\'Hara', "a: b # c"]),
    "level": st.sampled_from(LEVELS),
}


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(**QUIZZES)
def test_every_generated_key_passes_the_check(
    tmp_path_factory: pytest.TempPathFactory, seed: int, student: str, level: str
) -> None:
    folder = tmp_path_factory.mktemp("quiz")
    quiz = draw(Course(seed, len(TOPICS), level), student)
    (folder / "answers.yaml").write_text(sheets.sheet(quiz, filled=True, practice=True), encoding="utf-8")
    (folder / "empty.yaml").write_text(sheets.sheet(quiz, practice=True), encoding="utf-8")
    (folder / "given.yaml").write_text(sheets.sheet(quiz, filled=True), encoding="utf-8")
    (folder / "key.yaml").write_text(sheets.key(quiz), encoding="utf-8")
    found = check(read_sheet(str(folder / "answers.yaml")))
    assert found and all(answer.correct for answer in found)
    assert all(answer.blank for answer in check(read_sheet(str(folder / "empty.yaml"))))
    key = read_key(str(folder / "key.yaml"))
    assert all(question.text.endswith("?") for question in key.questions), "feedback has the text of the question"
    assert wrong_answers(key, empty_cache()) == [] and (key.student, key.out_of) == (student, quiz.out_of)
    submission = grade(key, "given.yaml", read_sheet(str(folder / "given.yaml"), network=False), empty_cache())
    assert submission.points == key.out_of


def test_a_sheet_that_is_handed_out_has_no_numbers_to_calculate_answers_from() -> None:
    quiz = draw(Course(3, len(TOPICS)), "ann")
    written = sheets.sheet(quiz)
    lines = [line for line in written.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines[:2] == ['student: "ann"', "answers:"]
    names = [prompt.name for question in quiz.questions for prompt in question.prompts]
    assert lines[2:] == [f"  {name}:" for name in names]


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(**QUIZZES)
def test_wrong_options_are_mistakes_with_values_of_their_own(seed: int, student: str, level: str) -> None:
    for answers in answered(draw(Course(seed, len(TOPICS), level), student)):
        for answer in answers:
            options = wrong_options(answer)
            values = [text for _, text in options]
            assert len({*values, value_text(answer.expected.value)}) == len(values) + 1
            expected = answer.expected.value
            assert not isinstance(expected, str) or answer.prompt.stated, "every answer of a quiz exists"
            if answer.prompt.stated is None and isinstance(expected, int):
                assert all(0 < int(text) <= 50 * expected and 50 * int(text) >= expected for text in values)
            if isinstance(expected, tuple) and isinstance(expected[0], int):
                largest = [max(map(int, text.split("x"))) for text in values]
                assert all(max(expected) / 8 <= size <= 8 * max(expected) for size in largest)
            assert not any("sqrt" in text for text in values)


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(**QUIZZES)
def test_a_question_depends_on_seed_student_and_number_alone(seed: int, student: str, level: str) -> None:
    short = draw(Course(seed, 3, level), student)
    assert draw(Course(seed, 8, level), student).questions[:3] == short.questions
    assert draw(Course(seed, 3, level), student) == short


def test_each_student_and_seed_has_its_own_quiz() -> None:
    texts = {documents.write_document(draw(Course(seed, 6, title="T"), who), documents.MARKDOWN).split("\n", 1)[1]
             for seed in (1, 2) for who in ("a", "b", "c")}  # fmt: skip
    assert len(texts) == 6


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("topic", TOPICS)
def test_most_mistakes_of_a_drawn_question_have_distinct_values(topic: str, level: str) -> None:
    for student in range(2 if topic in ("networks", "table") else 5):
        for answers in answered(draw(Course(1, 1, level, (topic,)), str(student))):
            for answer in answers:
                singles = {n: v for n, v in answer.expected.candidates.items() if "+" not in n and v is not None}
                singles |= dict(answer.prompt.mistakes)
                assert answer.expected.value not in singles.values()
                assert len({*map(str, singles.values())}) * 2 >= len(singles)


def test_every_format_has_all_questions_and_answers() -> None:
    quiz = draw(Course(3, len(TOPICS), "hard"), "<b>Ann & Bob</b>")
    for form in (documents.MARKDOWN, documents.HTML, documents.LATEX):
        empty, solutions_text = (
            documents.write_document(quiz, form),
            documents.write_document(quiz, form, solutions=True),
        )
        for answers in answered(quiz):
            for answer in answers:
                text = answer.expected.text
                assert (documents.tex(text) if form is documents.LATEX else text) in solutions_text
        assert all(question.name in empty for question in quiz.questions)
    assert "<b>" not in documents.write_document(quiz, documents.HTML)
    latex = documents.write_document(quiz, documents.LATEX)
    assert latex.count(r"\begin{") == latex.count(r"\end{") and r"\&" in latex


def _asked(quiz: Quiz, typed: list[str]) -> str:
    """What an interactive quiz prints for these lines."""
    with CliRunner().isolation("\n".join([*typed, ""])) as (output, *_):
        ask(quiz)
        return output.getvalue().decode()


def _as_latex(text: str) -> str:
    rows = r" \\ ".join(" & ".join(row.split()) for row in text.split(";"))
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _in_brackets(text: str) -> str:
    return "[" + ", ".join("[" + ", ".join(row.split()) + "]" for row in text.split(";")) + "]"


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(**QUIZZES)
def test_an_interactive_quiz_accepts_every_correct_answer(seed: int, student: str, level: str) -> None:
    quiz = draw(Course(seed, len(TOPICS), level), student)
    found = [*chain.from_iterable(answered(quiz))]
    for written in (lambda text: text, _as_latex, _in_brackets):
        typed = [
            written(text) if answer.prompt.question.name.startswith("convolve") else text
            for answer in found
            for text in [value_text(answer.expected.value)]
        ]
        printed = _asked(quiz, typed)
        assert printed.endswith(f"{len(found)} of {len(found)} correct\n") and "not yet" not in printed


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(**QUIZZES)
def test_an_interactive_quiz_counts_the_correct_cells_of_a_matrix(seed: int, student: str, level: str) -> None:
    quiz = draw(Course(seed, 1, level, ("by_hand",)), student)
    ((answer,),) = answered(quiz)
    cells = value_text(answer.expected.value).replace(";", " ;").split()
    printed = _asked(quiz, [" ".join(["1000", *cells[1:]]), "words", "q"])
    assert f"{len(cells) - cells.count(';') - 1} of {len(cells) - cells.count(';')} cells are correct" in printed
    assert "not yet: could not be read: 'words' is not a number" in printed and printed.endswith("0 of 0 correct\n")


@pytest.mark.parametrize("level", LEVELS)
def test_hints_go_from_the_formula_on_and_never_give_the_answer(level: str) -> None:
    for answers in answered(draw(Course(5, len(TOPICS), level), "ann")):
        for answer in answers:
            expected, hints = answer.expected.value, hints_for(answer)
            values = {*re.findall(r"[^ ;|]+", value_text(expected))}
            given = answer.prompt.question.fields
            if given.get("find") in ("padding", "input") and "output" in given:
                assert hints[0] == "(n + 2 * p - k) / s + 1 = m" and hints[1].endswith(f" = {given['output']}")
                continue
            assert hints or (answer.prompt.stated is not None and answer.prompt.stated.choices)
            assert not any(hint.rpartition(" = ")[2] in values for hint in hints if " = " in hint)


@pytest.mark.parametrize("student", ["a\nb", "a\u00a0b", "tab\there", 'q"\\', "\u2028", "😀", "#"])
def test_a_name_of_any_kind_is_one_line_in_the_sheet_and_in_its_key(tmp_path: Path, student: str) -> None:
    (tmp_path / "sheet.yaml").write_text(sheets.sheet(draw(Course(1, 1, "easy"), student)), encoding="utf-8")
    (tmp_path / "key.yaml").write_text(sheets.key(draw(Course(1, 1, "easy"), student)), encoding="utf-8")
    found = read_sheet(str(tmp_path / "sheet.yaml"), network=False).student
    assert found == " ".join(student.split()) == read_key(str(tmp_path / "key.yaml")).student


@pytest.mark.parametrize("student", ["a\x07b", "\udcff", "\x1b[2J"])
def test_a_name_that_files_cannot_contain_is_an_error(student: str) -> None:
    with pytest.raises(CnnError, match="cannot be written"):
        draw(Course(1, 1, "easy"), student)


@pytest.mark.parametrize(
    ("count", "level", "topics", "said"),
    [
        (3, "esay", ("sizes",), "unknown level 'esay'"),
        (3, "easy", ("size",), "did you mean sizes?"),
        (0, "easy", ("sizes",), "1 to 100 questions"),
        (3, "easy", (), "--topics is empty"),
    ],
)
def test_an_invalid_quiz_raises_an_error_with_the_reason(
    count: int, level: str, topics: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CnnError, match=re.escape(said)):
        draw(Course(1, count, level, topics))
