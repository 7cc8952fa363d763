"""Answers that a person has yet to judge."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.class_statistics import class_statistics
from cnncli.homework.grading.feedback import feedback_lines, html, markdown
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.gradebooks import moodle_csv, plain_csv
from cnncli.homework.grading.gradescope import submission_results
from cnncli.homework.grading.key import AnswerKey, KeyQuestion
from cnncli.views.grading import class_lines

STATES = ("correct", "pending", "blank", "follow_through", "partial")
some = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@some
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=6))
def test_pending_points_are_those_of_the_answers_that_are_pending(answers: list[tuple[bool, int]]) -> None:
    graded = tuple(
        GradedAnswer(Verdict("q", "text", not pending, "5", pending=pending), Fraction(0 if pending else out_of),
                     Fraction(out_of)) for pending, out_of in answers
    )  # fmt: skip
    paper = GradedSubmission("a.yaml", "a", graded)
    assert paper.pending == sum(out_of for pending, out_of in answers if pending)
    assert paper.points + paper.pending == sum(out_of for _, out_of in answers)


@some
@given(st.sets(st.sampled_from(STATES)))
def test_the_status_is_the_first_that_applies_and_a_pending_answer_is_not_called_wrong(states: set[str]) -> None:
    verdict = Verdict("q", "text", False, "5")._replace(**dict.fromkeys(states, True))
    assert verdict.status == next((state.replace("_", "-") for state in STATES if state in states), "wrong")
    told = [line.text for line in feedback_lines(verdict)]
    assert ("correct answer: 5" in told) == (not states & {"correct", "pending"})


def test_feedback_on_a_question_without_one_correct_answer_tells_none() -> None:
    assert [*feedback_lines(Verdict("q", "text", False, "", kind="manual"))] == []


def paper_of(*answers: tuple[str, bool, int]) -> GradedSubmission:
    """A paper of answers, each with its question, whether it is pending, and its points."""
    return GradedSubmission(
        "a.yaml",
        "ann",
        tuple(
            GradedAnswer(Verdict(name, "text", not pending, "", pending=pending, kind="manual"),
                         Fraction(0 if pending else most), Fraction(most), f"What of {name}?")
            for name, pending, most in answers
        ),
    )  # fmt: skip


def key_of(*answers: tuple[str, bool, int]) -> AnswerKey:
    asked = (KeyQuestion(name, Question(name, "", {}), Fraction(most), "", None, (), None) for name, _, most in answers)
    return AnswerKey("", None, Fraction(1, 2), tuple(asked))


def test_pending_points_are_said_and_not_shown_as_0() -> None:
    answers = (("why", True, 3), ("size", False, 2), ("plot", True, 1))
    key, paper = key_of(*answers), paper_of(*answers)
    said = "2 of 6 points, pending 4 points"
    text, page = markdown(key, paper), html(key, paper)
    assert f"\n{said}\n" in text and said in page
    assert "- **why**: What of why? `text` (pending 3 points)" in text and "(correct, 2 of 2)" in text
    assert page.count("pending 3 points") == page.count("pending 1 point<") == 1
    (row,) = csv.DictReader(io.StringIO(plain_csv(key, [paper])))
    assert (row["why"], row["size"], row["plot"], row["total"], row["pending"]) == ("pending", "2", "pending", "2", "4")
    assert moodle_csv(key, [paper], None).splitlines()[1] == "ann,2,why: pending 3 points; plot: pending 1 point"
    record = submission_results(paper)
    assert [test.get("score") for test in record["tests"]] == [None, 2, None] and record["score"] == 2
    assert record["output"] == "pending 4 points: a person grades them"
    assert record["tests"][0]["output"] == "What of why?\npending: text"


def test_the_statistics_leave_pending_answers_out() -> None:
    some_judged = [paper_of(("why", at > 0, 3), ("size", False, 2)) for at in range(4)]
    key = key_of(("why", True, 3), ("size", False, 2))
    why, size = class_statistics(key, some_judged)
    assert (why.pending, why.mean, why.correct, why.wrong) == (3, 3, 1, ()) and (size.pending, size.mean) == (0, 2)
    lines = class_lines(key, some_judged, [why, size])
    assert "4 submissions, mean 2.75 of 5 points, pending 9 points in 3 submissions" in lines
    assert lines[0].split()[5:7] == ["blank", "pending"] and not any("hardest" in line for line in lines)
    none_judged = [paper_of(("why", True, 3), ("size", False, 2))]
    assert class_lines(key, none_judged, class_statistics(key, none_judged))[1].split() == [
        "why",
        "3",
        "0",
        "0",
        "0",
        "1",
    ]
    assert "pending" not in "".join(class_lines(key, some_judged[:1], class_statistics(key, some_judged[:1])))
