"""Quizzes: drawn from (seed, student, question) alone, well posed, and with keys that pass the check."""

from __future__ import annotations

import io
import re
import zipfile
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.checking.check import check
from cnncli.homework.grading.grade import grade
from cnncli.homework.grading.key import read_key
from cnncli.homework.grading.key_check import wrong_answers
from cnncli.homework.quiz import documents, sheets, uploads
from cnncli.homework.quiz.documents import value_text, wrong_options
from cnncli.homework.quiz.interactive import ask, hints_for
from cnncli.homework.quiz.quiz import Quiz, answered, draw
from cnncli.homework.quiz.topics import LEVELS, TOPICS
from cnncli.homework.submissions.reading import read_sheet

QUIZZES = {
    "seed": st.integers(0, 10**6),
    "student": st.sampled_from(["", "s-1024", 'Zoë "Q" O\'Hara', "a: b # c"]),
    "level": st.sampled_from(LEVELS),
}


@settings(max_examples=8, deadline=None)
@given(**QUIZZES)
def test_every_generated_key_passes_the_check(
    tmp_path_factory: pytest.TempPathFactory, seed: int, student: str, level: str
) -> None:
    folder = tmp_path_factory.mktemp("quiz")
    quiz = draw(seed, student, len(TOPICS), level)
    (folder / "answers.yaml").write_text(sheets.sheet(quiz, filled=True), encoding="utf-8")
    (folder / "empty.yaml").write_text(sheets.sheet(quiz), encoding="utf-8")
    (folder / "key.yaml").write_text(sheets.key(quiz), encoding="utf-8")
    found = check(read_sheet(str(folder / "answers.yaml")))
    assert found and all(answer.correct for answer in found)
    assert all(answer.blank for answer in check(read_sheet(str(folder / "empty.yaml"))))
    key = read_key(str(folder / "key.yaml"))
    assert wrong_answers(key, empty_cache()) == [] and (key.student, key.out_of) == (student, quiz.out_of)
    submission = grade(key, "answers.yaml", read_sheet(str(folder / "answers.yaml"), network=False), empty_cache())
    assert submission.points == key.out_of


@settings(max_examples=8, deadline=None)
@given(**QUIZZES)
def test_wrong_options_are_mistakes_with_values_of_their_own(seed: int, student: str, level: str) -> None:
    for answers in answered(draw(seed, student, len(TOPICS), level)):
        for answer in answers:
            options = wrong_options(answer)
            values = [text for _, text in options]
            assert len({*values, value_text(answer.expected.value)}) == len(values) + 1
            assert not isinstance(answer.expected.value, str), "every answer of a quiz exists"


@settings(max_examples=8, deadline=None)
@given(**QUIZZES)
def test_a_question_depends_on_seed_student_and_number_alone(seed: int, student: str, level: str) -> None:
    long, short = draw(seed, student, 2 * len(TOPICS), level), draw(seed, student, 3, level)
    assert long.questions[:3] == short.questions
    assert draw(seed, student, 3, level) == short


def test_each_student_and_seed_has_its_own_quiz() -> None:
    texts = {documents.write_document(draw(seed, who, 6, "medium", title="T"), documents.MARKDOWN).split("\n", 1)[1]
             for seed in (1, 2) for who in ("a", "b", "c")}  # fmt: skip
    assert len(texts) == 6


def test_the_same_seed_draws_the_same_quiz_in_every_version() -> None:
    """A quiz that was handed out must stay the same: these are the numbers of version 0.2."""
    questions = draw(1, "s-1", 2, "easy").questions
    assert [dict(question.prompts[0].question.fields) for question in questions] == FOR_EVER


FOR_EVER = [
    {"input": "10", "kernel": "5"},
    {"input": "20", "output": "20", "kernel": "3", "find": "padding"},
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("topic", TOPICS)
def test_most_mistakes_of_a_drawn_question_have_distinct_values(topic: str, level: str) -> None:
    for student in range(10):
        for answers in answered(draw(1, str(student), 1, level, (topic,))):
            for answer in answers:
                singles = {n: v for n, v in answer.expected.candidates.items() if "+" not in n and v is not None}
                assert len({*map(str, singles.values())}) * 2 >= len(singles)


def test_every_format_has_all_questions_and_answers() -> None:
    quiz = draw(3, "<b>Ann & Bob</b>", 6, "hard")
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


def test_moodle_xml_and_qti_hold_a_question_for_each_answer() -> None:
    quiz = draw(3, "ann", 6, "medium")
    asked = [answer.prompt.name for answers in answered(quiz) for answer in answers]
    root = Xml.fromstring(uploads.moodle_xml(quiz))
    assert [node.findtext("name/text") for node in root.iter("question")] == asked
    for question in root.iter("question"):
        fractions = [node.get("fraction") for node in question.iter("answer")]
        assert fractions.count("100") == 1 and all(node.findtext("feedback/text") for node in question.iter("answer"))
    with zipfile.ZipFile(io.BytesIO(uploads.qti(quiz))) as archive:
        assert {*archive.namelist()} == {"imsmanifest.xml", "quiz/quiz.xml"}
        tree = Xml.fromstring(archive.read("quiz/quiz.xml"))
    items = [node.get("ident") for node in tree.iter() if node.tag.endswith("}item")]
    assert items == asked
    assert uploads.qti(quiz) == uploads.qti(quiz)


def test_gift_has_the_correct_value_and_mistakes_for_all_others() -> None:
    quiz = draw(3, "ann", 6, "medium")
    blocks = uploads.gift(quiz).strip().split("\n\n")
    answers = [answer for found in answered(quiz) for answer in found]
    assert len(blocks) == len(answers)
    for block, answer in zip(blocks, answers, strict=True):
        right = re.findall(r"^  =(?!%0%)(.*?)(?::0)?#Correct\.$", block, re.MULTILINE)
        assert right == [value_text(answer.expected.value)]


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


@settings(max_examples=5, deadline=None)
@given(**QUIZZES)
def test_an_interactive_quiz_accepts_every_correct_answer(seed: int, student: str, level: str) -> None:
    quiz = draw(seed, student, len(TOPICS), level)
    found = [*chain.from_iterable(answered(quiz))]
    for written in (lambda text: text, _as_latex, _in_brackets):
        typed = [
            written(text) if answer.prompt.question.name.startswith("convolve") else text
            for answer in found
            for text in [value_text(answer.expected.value)]
        ]
        printed = _asked(quiz, typed)
        assert printed.endswith(f"{len(found)} of {len(found)} correct\n") and "not yet" not in printed


@settings(max_examples=10, deadline=None)
@given(**QUIZZES)
def test_an_interactive_quiz_counts_the_correct_cells_of_a_matrix(seed: int, student: str, level: str) -> None:
    quiz = draw(seed, student, 1, level, ("by_hand",))
    ((answer,),) = answered(quiz)
    cells = value_text(answer.expected.value).replace(";", " ;").split()
    printed = _asked(quiz, [" ".join(["1000", *cells[1:]]), "words", "q"])
    assert f"{len(cells) - cells.count(';') - 1} of {len(cells) - cells.count(';')} cells are correct" in printed
    assert "not yet: could not be read: 'words' is not a number" in printed and printed.endswith("0 of 0 correct\n")


@pytest.mark.parametrize("level", LEVELS)
def test_hints_go_from_the_formula_on_and_never_give_the_answer(level: str) -> None:
    for answers in answered(draw(5, "ann", len(TOPICS), level)):
        for answer in answers:
            expected, hints = answer.expected.value, hints_for(answer)
            values = {*re.findall(r"[^ ;|]+", value_text(expected))}
            assert hints and not any(hint.rpartition(" = ")[2] in values for hint in hints if " = " in hint)
            if answer.prompt.question.fields.get("find") == "padding":
                assert all("+ 2 p -" in hint for hint in hints)


@pytest.mark.parametrize("student", ["a\nb", "a\u00a0b", "tab\there", 'q"\\', "\u2028", "😀", "#"])
def test_a_name_of_any_kind_is_one_line_in_the_sheet_and_in_its_key(tmp_path: Path, student: str) -> None:
    (tmp_path / "sheet.yaml").write_text(sheets.sheet(draw(1, student, 1, "easy")), encoding="utf-8")
    (tmp_path / "key.yaml").write_text(sheets.key(draw(1, student, 1, "easy")), encoding="utf-8")
    found = read_sheet(str(tmp_path / "sheet.yaml")).student
    assert found == " ".join(student.split()) == read_key(str(tmp_path / "key.yaml")).student


@pytest.mark.parametrize("student", ["a\x07b", "\udcff", "\x1b[2J"])
def test_a_name_that_files_cannot_contain_is_an_error(student: str) -> None:
    with pytest.raises(CnnError, match="cannot be written"):
        draw(1, student, 1, "easy")


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
        draw(1, "", count, level, topics)
