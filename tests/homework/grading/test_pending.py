"""Answers that a person has yet to judge."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.feedback import feedback_lines
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission

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
