"""Questions of these types in a key: what is read, what is refused, and the sum of the points."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.grading.grade import GradedSubmission, grade
from cnncli.homework.grading.key import AnswerKey, read_key

some = settings(max_examples=8, deadline=None, derandomize=True, database=None)
# Each question with a right answer, a wrong one, and the points of both.
QUESTIONS = {
    "c1.params": ("{points: 2, question: How many?}", "156", "155", 2, 0),
    "size": ("{points: 1, solve: {input: 7, kernel: 3}}", "5", "4", 1, 0),
    "speed": ("{points: 3, numeric: 3.3 ms, tolerance: 5%}", "0.0032 s", "3.3 GB", 3, 0),
    "layer": ("{choice: [pool, conv], answer: conv}", "B", "pool", 1, 0),
    "both": ("{points: 4, choice: {x: 1x1, y: 3x3, z: 5x5}, answer: [x, z], partial_credit: true}", "x z", "x", 4, 2),
    "name": ("{text: [ReLU, rectified linear unit], accept: {short form: relu6}}", "RELU6", "tanh", 1, 0),
    "idea": ('{points: 0.5, pattern: "shared? weights?"}', "share weight", "none of them", Fraction(1, 2), 0),
    "why": ("{manual: {formula: 2, result: 1}, question: Derive it.}", "because", "", 0, 0),
    "plot": ("{points: 4, upload: , answer: see the lecture}", "a.jpg", "", 0, 0),
}
PENDING = {"why": 3, "plot": 4}


def key_of(folder: Path, questions: str) -> AnswerKey:
    (folder / "key.yaml").write_text(f"questions:\n{questions}", encoding="utf-8")
    return read_key(str(folder / "key.yaml"))


def whole_key(folder: Path) -> AnswerKey:
    written = "".join(f"  {name}: {text}\n" for name, (text, *_) in QUESTIONS.items())
    (folder / "key.yaml").write_text(f"architecture: lenet5\nquestions:\n{written}", encoding="utf-8")
    return read_key(str(folder / "key.yaml"))


def graded(key: AnswerKey, answers: dict[str, str]) -> GradedSubmission:
    sheet = Sheet("ann", None, tuple(Question(name, text, {}) for name, text in answers.items()))
    return grade(key, "ann.yaml", sheet, empty_cache())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key")


@some
@given(st.fixed_dictionaries({name: st.sampled_from([1, 2, 0]) for name in QUESTIONS}))
def test_the_total_is_the_sum_of_the_parts_and_pending_points_are_in_none(folder: Path, drawn: dict[str, int]) -> None:
    key = whole_key(folder)
    answers = {name: str(QUESTIONS[name][form]) for name, form in drawn.items() if form}
    paper = graded(key, answers)
    assert paper.problem == "" and key.out_of == Fraction(39, 2)
    for answer, (name, row) in zip(paper.answers, QUESTIONS.items(), strict=True):
        points = row[2 + drawn[name]] if drawn[name] else 0
        assert answer.points == points, name
        is_pending = name == "plot" or (name == "why" and drawn[name] == 1)
        assert answer.pending == (PENDING[name] if is_pending else 0)
        assert answer.verdict.status == (
            "pending" if is_pending else "correct" if points == answer.out_of else "partial" if points else
            "wrong" if drawn[name] and name != "why" else "blank"
        )  # fmt: skip
        assert answer.written == answers.get(name, "")
    assert paper.points == sum(answer.points for answer in paper.answers)
    assert [answer.text for answer in paper.answers if answer.text] == ["How many?", "Derive it."]


@pytest.mark.parametrize(
    ("entry", "said", "hint"),
    [
        ("3", "a question without a type", "numeric"),
        ("{points: 2}", "a question without a type", "choice"),
        ("{type: numeric, numeric: 3}", "unknown key 'type'", "use points, question, numeric"),
        ("{numeric: 3, tolerence: 1%}", "unknown key 'tolerence'", "did you mean tolerance?"),
        ("{numeric: 3, partial_credit: true}", "unknown key 'partial_credit'", "it is for choice: remove it"),
        ("{numeric: , unit: ms}", "numeric must be a number", "write numeric: 3.3"),
        ("{numeric: {answer: 3}}", "numeric must be a number", "write numeric: 3.3"),
        ("{numeric: many}", "numeric must be a number", "write numeric: 3.3"),
        ("{numeric: 3 s, unit: MB}", "numeric is in s, but the unit is MB", "write numeric"),
        ("{numeric: 10/3}", "only a fraction would be correct", "write tolerance: 1%"),
        ("{numeric: 3, tolerance: some}", "tolerance must be a percentage", "write tolerance: 1%"),
        ("{numeric: 3, unit: [ms]}", "unit must be a unit", "write numeric"),
        ("{numeric: 3, text: three}", "two types of question: numeric and text", "keep one"),
        ("{solve: {input: 7, kernel: 3}, choice: [a, b]}", "two types of question: choice and solve", "keep one"),
        ("{numeric: 3, answer: 3}", "unknown key 'answer'", "the answer is in the type: write numeric"),
        ("{numeric: 3, unit: 5}", "unit must be a unit", "write numeric"),
        ("{numeric: 3, unit: ms, accept: [4 MB]}", "accept has '4 MB'", "write numeric"),
        ("{numeric: 3, question: [why]}", "question must be a text", "write question"),
        ("{manual: {'': 2}}", "the points of '' must be", "write manual"),
        ("{choice: [a, b]}", "choice needs the right option", "write choice"),
        ("{choice: [a], answer: a}", "at least two options", "write choice"),
        ("{choice: [x, y, X], answer: a}", "the option 'X' occurs twice", "keep one"),
        ("{choice: [x, y], answer: z}", "'z' is not one of the options", "a) x, b) y"),
        ("{choice: [x, y], answer: [x, z]}", "'z' is not one of the options", "a) x, b) y"),
        ("{choice: [x, y], answer: x, partial_credit: true}", "for several right options", "answer: [a, c]"),
        ("{choice: [x, y], answer: [x], partial_credit: half}", "unknown rule 'half'", "net-correct"),
        ("{choice: [x, y], answer: x, accept: [z]}", "accept has 'z'", "write choice"),
        ("{text: }", "text must be an accepted answer", "write text"),
        ("{text: [a, '']}", "text must be an accepted answer", "write text"),
        ("{text: {a: 1}}", "text must be an accepted answer", "write text"),
        ('{pattern: "(a"}', "the pattern '(a' has a ( without its )", ""),
        ("{pattern: }", "pattern must be a regular expression", "write pattern"),
        ("{manual: explain}", "manual must be a rubric", "write manual"),
        ("{manual: {formula: some}}", "the points of 'formula' must be a number", "write manual"),
        ("{manual: {formula: 2}, points: 3}", "3 points, but the criteria have 2", "remove points"),
        ("{upload: [a]}", "upload must be a rubric", "write upload"),
    ],
)
def test_an_entry_that_means_nothing_is_refused_with_how_to_write_it(
    folder: Path, entry: str, said: str, hint: str
) -> None:
    with pytest.raises(CnnError) as caught:
        key_of(folder, f"  q1: {entry}\n")
    (problem,) = caught.value.problems
    assert said in problem.message and hint in problem.hint, problem
    assert problem.place is not None and problem.place.line == 2


def test_a_network_that_no_question_is_about_is_refused(folder: Path) -> None:
    (folder / "key.yaml").write_text("architecture: lenet5\nquestions: {q: {numeric: 3}}\n")
    with pytest.raises(CnnError, match="no question is about the architecture"):
        read_key(str(folder / "key.yaml"))
    with pytest.raises(CnnError, match="no type, and no architecture"):
        key_of(folder, "  c1.params: 2\n  q: {numeric: 3}\n")
