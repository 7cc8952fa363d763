"""Item statistics equal numpy's; answers of another's variant are found where they are, and nowhere else."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.item_statistics import FEWEST, difficulty, discrimination, others_answers

some = settings(max_examples=40, deadline=None, derandomize=True, database=None)
points = st.integers(0, 4).map(lambda quarters: Fraction(quarters, 2))


@some
@given(st.lists(st.tuples(points, points, points), max_size=12))
def test_difficulty_and_discrimination_are_those_of_numpy(rows: list[tuple[Fraction, ...]]) -> None:
    items = [row[0] for row in rows]
    totals = [sum(row, Fraction(0)) for row in rows]
    rest = np.array([[float(value) for value in row[1:]] for row in rows]).reshape(-1, 2).sum(1)
    own = np.array([float(value) for value in items])
    assert difficulty(items, Fraction(2)) == (pytest.approx(own.mean() / 2) if rows else None)
    if len(rows) < FEWEST or not own.std() or not rest.std():
        assert discrimination(items, totals) is None
    else:
        assert discrimination(items, totals) == pytest.approx(np.corrcoef(own, rest)[0, 1])


def test_a_question_without_points_has_no_difficulty() -> None:
    assert difficulty([Fraction(0)], Fraction(0)) is None


def submission(student: str, answers: list[tuple[str, str]]) -> GradedSubmission:
    """A sheet with (given, expected) by question."""
    graded = [
        GradedAnswer(Verdict(f"q{at}", given, given == expected, expected, blank=not given), Fraction(0), Fraction(1))
        for at, (given, expected) in enumerate(answers)
    ]
    return GradedSubmission(f"{student}.yaml", student, tuple(graded))


answers = st.sampled_from(["", "1", "2", "3", "4"])
variants = st.sampled_from(["1", "2", "3", "4"])


@some
@given(st.lists(st.lists(st.tuples(answers, variants), min_size=4, max_size=4), min_size=2, max_size=6))
def test_the_answers_of_anothers_variant_are_counted_as_by_comparing_every_pair(
    sheets: list[list[tuple[str, str]]],
) -> None:
    found = others_answers([submission(f"s{at}", sheet) for at, sheet in enumerate(sheets)])
    by_student = {one.student: one for one in found}
    for at, sheet in enumerate(sheets):
        matches = {
            other: [f"q{n}" for n, (own, right) in enumerate(sheet) if own and own != right and own == theirs[n][1]]
            for other, theirs in enumerate(sheets)
            if other != at
        }
        most = max(map(len, matches.values()))
        if most < 2:
            assert f"s{at}" not in by_student
            continue
        one = by_student[f"s{at}"]
        assert list(one.matching) == matches[int(one.other[1:])] and len(one.matching) == most
        assert one.wrong == sum(own not in ("", right) for own, right in sheet)
        assert one.expected_matches == pytest.approx(sum(map(len, matches.values())) / len(matches))


def test_one_key_for_all_has_no_answers_of_others() -> None:
    right = ["1", "2", "3"]
    sheets = [submission(f"s{at}", list(zip(["2", "3", "1"], right, strict=True))) for at in range(3)]
    assert others_answers(sheets) == []
