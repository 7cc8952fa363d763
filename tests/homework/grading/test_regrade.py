"""A regrade tells each mark that it changes, for whom and why, and nothing else."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission
from cnncli.homework.grading.regrade import RECORD, mark_changes, marks_record, read_record, superseded_files

some = settings(max_examples=40, deadline=None, derandomize=True, database=None)
Marks = dict[str, tuple[str, Fraction, Fraction, tuple[str, ...]]]


def answer(question: str, given: str, points: Fraction, out_of: Fraction, *remarks: str) -> GradedAnswer:
    verdict = Verdict(question, given, points == out_of, "9", remarks=remarks, blank=not given)
    return GradedAnswer(verdict, points, out_of)


def submission(student: str, *answers: GradedAnswer, problem: str = "", file: str = "") -> GradedSubmission:
    return GradedSubmission(file or f"{student}.yaml", student, answers, problem)


def record(*submissions: GradedSubmission) -> object:
    """As it is read from the file."""
    return json.loads(json.dumps(marks_record(submissions, [])))


def changes(before: object, after: object) -> list[tuple[str, ...]]:
    return [tuple(change) for change in mark_changes(before, after)]  # type: ignore[arg-type]


marks = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.tuples(st.sampled_from(["", "7"]), st.sampled_from([0, 1, 2])), max_size=3
)
classes = st.dictionaries(st.sampled_from(["Ann", "Bob", "Cem"]), marks, max_size=3)


@some
@given(classes, classes)
def test_exactly_the_marks_that_differ_are_told(before: dict[str, dict], after: dict[str, dict]) -> None:
    def of(drawn: dict[str, dict]) -> object:
        return record(
            *(
                submission(who, *(answer(q, own, Fraction(n), Fraction(2)) for q, (own, n) in asked.items()))
                for who, asked in drawn.items()
            )
        )

    told = {(who, question): (old, new) for who, question, old, new, _ in changes(of(before), of(after))}
    expected = {}
    for who in before.keys() | after.keys():
        old, new = before.get(who), after.get(who)
        if old is None or new is None:
            total = [str(sum(n for _, n in each.values())) if each is not None else "" for each in (old, new)]
            expected[who, ""] = (total[0], total[1])
            continue
        for q in old.keys() | new.keys():
            pair = tuple(str(each[q][1]) if q in each else "" for each in (old, new))
            if pair[0] != pair[1]:
                expected[who, q] = pair
    assert told == expected
    assert changes(of(after), of(after)) == []


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (("7", 0, 2), ("9", 2, 2), "the answer was 7, and is 9"),
        (("", 0, 2), ("9", 2, 2), "the answer was blank, and is 9"),
        (("9", 2, 2), ("9", 3, 3), "the question gives 3, not 2"),
        (("8", 0, 2), ("8", 2, 2, "the key accepts 8"), "the key accepts 8"),
        (("8", 0, 2), ("8", 1, 2), "the key has changed"),
        (("8", 0, 2), ("8", 2, 2), "wrong before, correct now"),
    ],
)
def test_a_change_has_its_reason(before: tuple, after: tuple, reason: str) -> None:
    old, new = (
        record(submission("Ann", answer("q", own, Fraction(n), Fraction(most), *remarks)))
        for own, n, most, *remarks in (before, after)
    )
    ((*_, told),) = changes(old, new)
    assert told == reason


def test_submissions_that_come_go_or_become_readable_are_told() -> None:
    ann = submission("Ann", answer("q", "9", Fraction(2), Fraction(2)))
    broken = submission("Ann", problem="empty")
    assert changes(record(), record(ann)) == [("Ann", "", "", "2", "new submission")]
    assert changes(record(ann), record()) == [("Ann", "", "2", "", "no submission now")]
    assert changes(record(broken), record(ann)) == [("Ann", "", "empty", "2", "graded now")]
    assert changes(record(ann), record(broken)) == [("Ann", "", "2", "empty", "not graded")]


def test_two_sheets_of_a_student_are_told_apart_by_their_files() -> None:
    def sheets(points: int) -> object:
        own = [answer("q", "9", Fraction(n), Fraction(2)) for n in (0, points)]
        return record(*(submission("Ann", mark, file=f"{at}.yaml") for at, mark in enumerate(own)))

    assert [change[:4] for change in changes(sheets(1), sheets(2))] == [("Ann (1.yaml)", "q", "1", "2")]


def test_only_files_for_students_that_are_not_written_again_are_superseded() -> None:
    names = [
        "feedback/a.md",
        "feedback/b.md",
        "../x",
        "feedback/../y",
        "/etc/passwd",
        "marks.csv",
        "gradescope/c/d.json",
    ]
    assert superseded_files({"files": names}, ["feedback/a.md"]) == ["feedback/b.md"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"files": [], "submissions": 3}', '{"files": 3, "submissions": []}', "[" * 10**5]
)
def test_a_record_that_is_damaged_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    assert read_record(tmp_path) is None
    assert read_record(tmp_path / "missing") is None
