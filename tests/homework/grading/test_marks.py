"""Marks, gradebooks and statistics of a class, each against its own few lines."""

from __future__ import annotations

import csv
import io
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError, Problem
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.collecting.handed_in import HandedIn, collect
from cnncli.homework.collecting.roster import Roster, read_roster
from cnncli.homework.grading import submissions
from cnncli.homework.grading.class_statistics import class_statistics
from cnncli.homework.grading.feedback import feedback_lines, html, markdown
from cnncli.homework.grading.grade import GradedAnswer, GradedSubmission, grade
from cnncli.homework.grading.gradebooks import CANVAS, canvas_csv, moodle_csv, plain_csv
from cnncli.homework.grading.gradescope import error_results, results_text, submission_results
from cnncli.homework.grading.key import AnswerKey, KeyQuestion, read_key
from cnncli.homework.grading.key_check import wrong_answers
from cnncli.homework.grading.submissions import find_keys, grade_files, read_keys
from cnncli.homework.submissions.reading import read_sheet
from cnncli.io.escaping import markdown_code

some = settings(max_examples=20, deadline=None, derandomize=True, database=None)
OUT_OF = (Fraction(2), Fraction(3, 2))
KEY = AnswerKey(
    "",
    None,
    Fraction(1, 2),
    tuple(
        KeyQuestion(name, Question(name, "", {}), points, "", None, (), None)
        for name, points in zip(("c1.params", "c1.shape"), OUT_OF, strict=True)
    ),
)
WRONG = {"150": ("forgot_bias",), "1,516": ("forgot_in_channels",), "1516": ("forgot_in_channels",), "7": ()}
Kind = tuple[str, str]


def verdict_of(name: str, kind: Kind) -> Verdict:
    status, given_answer = kind
    known = WRONG[given_answer] if status == "wrong" else ()
    return Verdict(
        name, "" if status == "blank" else given_answer, status == "correct", "156", known,
        follow_through=status == "follow-through", derivation=("a * b", "12 * 13"), blank=status == "blank",
    )  # fmt: skip


def graded(name: str, kind: Kind, out_of: Fraction) -> GradedAnswer:
    share = {"correct": 1, "follow-through": Fraction(1, 2)}.get(kind[0], 0)
    return GradedAnswer(verdict_of(name, kind), out_of * share, out_of)


kinds = st.tuples(st.sampled_from(["correct", "wrong", "wrong", "follow-through", "blank"]), st.sampled_from([*WRONG]))
papers = st.lists(st.tuples(kinds, kinds), max_size=14)


def submissions_of(drawn: list[tuple[Kind, Kind]]) -> list[GradedSubmission]:
    found = [
        GradedSubmission(
            f"s{at}.yaml", f"s{at}", tuple(map(graded, (question.name for question in KEY.questions), pair, OUT_OF))
        )
        for at, pair in enumerate(drawn)
    ]
    return [*found, GradedSubmission("broken.yaml", "broken", problem="empty")]


@some
@given(papers)
def test_statistics_count_every_answer_of_the_graded_sheets(drawn: list[tuple[Kind, Kind]]) -> None:
    for at, found in enumerate(class_statistics(KEY, submissions_of(drawn))):
        column = [pair[at] for pair in drawn]
        statuses = Counter(status for status, _ in column)
        assert (found.question, found.out_of) == (KEY.questions[at].name, OUT_OF[at])
        assert (found.correct, found.follow_through) == (statuses["correct"], statuses["follow-through"])
        assert found.blank == statuses["blank"]
        earned = OUT_OF[at] * (statuses["correct"] + Fraction(statuses["follow-through"], 2))
        assert found.mean == pytest.approx(float(earned) / len(drawn) if drawn else 0)
        # 1,516 and 1516 are one answer; the follow-throughs of an answer count with it
        given_wrong = [
            (f"s{n}", text.replace(",", ""), text) for n, (status, text) in enumerate(column) if status in STILL_WRONG
        ]
        groups = Counter(value for _, value, _ in given_wrong).most_common()
        assert [wrong.times for wrong in found.wrong] == [times for _, times in groups[:3]]
        for wrong, (value, _) in zip(found.wrong, groups, strict=False):
            same = [(student, text) for student, group, text in given_wrong if group == value]
            assert wrong.students == tuple(student for student, _ in same[:5]) and wrong.value == same[0][1]
        answering, most = len(drawn) - statuses["blank"], groups[0][1] if groups else 0
        assert bool(found.suspicion) == (most >= 5 and 2 * most > answering)
        mistakes = Counter(name for status, text in column if status == "wrong" for name in WRONG[text])
        most_often = max(mistakes.values(), default=0)
        assert mistakes[found.top_mistake] == most_often and bool(found.top_mistake_text) == (most_often > 0)


@some
@given(st.integers(3, 7), st.integers(0, 8), st.integers(0, 3))
def test_a_question_is_suspicious_where_5_and_more_than_half_agree(agree: int, others: int, blank: int) -> None:
    column: list[Kind] = [("wrong", "150")] * agree + [("correct", "7")] * others + [("blank", "7")] * blank
    found, _ = class_statistics(KEY, submissions_of([(kind, kind) for kind in column]))
    assert bool(found.suspicion) == (agree >= 5 and agree > others)
    assert [(wrong.value, wrong.times) for wrong in found.wrong] == [("150", agree)]


STILL_WRONG = ("wrong", "follow-through")


@some
@given(papers, st.booleans())
def test_gradebooks_hold_the_points_of_every_graded_sheet(drawn: list[tuple[Kind, Kind]], listed: bool) -> None:
    graded_papers = submissions_of(drawn)
    totals = {paper.student: paper.points for paper in graded_papers if not paper.problem}
    assert all(totals[f"s{at}"] == sum(map(worth, pair, OUT_OF)) for at, pair in enumerate(drawn))
    rows = [*csv.DictReader(io.StringIO(plain_csv(KEY, graded_papers)))]
    assert [row["student"] for row in rows] == [paper.student for paper in graded_papers]
    for row, paper in zip(rows, graded_papers, strict=True):
        assert row["problem"] == paper.problem and row["file"] == paper.file and row["out_of"] == "3.5"
        columns = [row[question.name] for question in KEY.questions]
        if paper.problem:
            assert (row["total"], columns) == ("", ["", ""])
        else:
            assert float(row["total"]) == totals[paper.student] == sum(map(float, columns))
    of_class = tuple({"ID": str(at), "Student": f"Name {at}", "SIS User ID": f"s{at}"} for at in range(0, 14, 2))
    roster = Roster(("ID", "Student", "SIS User ID"), of_class) if listed else None
    known = {row["SIS User ID"]: row for row in of_class} if listed else {}
    heading, possible, *rest = csv.reader(io.StringIO(canvas_csv(KEY, graded_papers, roster)))
    assert (heading, possible[0].strip(), possible[-1]) == ([*CANVAS, "Homework"], "Points Possible", "3.5")
    assert [float(row[-1]) for row in rest] == [float(points) for points in totals.values()]
    for row, student in zip(rest, totals, strict=True):
        own = known.get(student)
        assert row[:-1] == ([own["Student"], own["ID"], student, "", ""] if own else [student, "", student, "", ""])
    heading, *rest = csv.reader(io.StringIO(moodle_csv(KEY, graded_papers, roster)))
    assert heading == [*(roster.columns if roster else ["ID number"]), "Homework", "Feedback comments"]
    for row, (student, points), pair in zip(rest, totals.items(), drawn, strict=True):
        empty = [""] * (len(heading) - 3)
        assert row[:-2] == ([*known[student].values()] if student in known else [student, *empty])
        assert float(row[-2]) == points
        assert (row[-1] == "all correct") == all(status == "correct" for status, _ in pair)
        assert row[-1].count("correct answer: 156") == sum(status != "correct" for status, _ in pair)


def worth(kind: Kind, out_of: Fraction) -> Fraction:
    return out_of * {"correct": Fraction(1), "follow-through": Fraction(1, 2)}.get(kind[0], Fraction(0))


@some
@given(kinds, kinds, st.booleans())
def test_feedback_says_each_status_and_tells_the_answer_only_where_it_may(one: Kind, two: Kind, hidden: bool) -> None:
    (paper, broken) = submissions_of([(one, two)])
    record = submission_results(paper, hidden=hidden)
    assert record["score"] == paper.points
    assert [test["score"] for test in record["tests"]] == [
        worth(*pair) for pair in zip((one, two), OUT_OF, strict=True)
    ]
    assert [test["max_score"] for test in record["tests"]] == [2, 1.5]
    for test, kind in zip(record["tests"], (one, two), strict=True):
        status, text = test["output"].splitlines()[0].partition(": ")[::2]
        assert (status, text) == (kind[0], "" if kind[0] == "blank" else kind[1])
        assert ("156" in test["output"]) == (kind[0] != "correct" and not hidden)
        assert ("likely: " in test["output"]) == (kind[0] == "wrong" and bool(WRONG[kind[1]]))
        assert ("matches no known mistake" in test["output"]) == (kind == ("wrong", "7"))
    assert submission_results(broken) == {"score": 0, "output": "empty", "tests": []}
    text = markdown(KEY, paper)
    assert text.startswith("# Homework: s0\n\n") and f"\n{float(paper.points):g} of 3.5 points\n" in text
    for answer, kind in zip(paper.answers, (one, two), strict=True):
        shown = f"`{kind[1]}`" if kind[0] != "blank" else "blank"
        points = f"{float(answer.points):g} of {float(answer.out_of):g}"
        assert f"- **{answer.verdict.question}**: {shown} ({kind[0]}, {points})\n" in text
    assert text.count("  - `a * b = 12 * 13`\n") == sum(kind[0] != "correct" for kind in (one, two))
    page = html(KEY, paper)
    assert page.count('<th scope="row">') == 2
    equation = "<mi>a</mi><mo>·</mo><mi>b</mi></mrow><mo>=</mo><mrow><mn>12</mn><mo>·</mo><mn>13</mn>"
    assert page.count(equation) == text.count("a * b")
    assert "Not graded: empty" in markdown(KEY, broken) and "Not graded: empty" in html(KEY, broken)


@some
@given(st.text("a`b ", min_size=1, max_size=12))
def test_code_of_any_backticks_is_fenced_by_more(text: str) -> None:
    found = markdown_code(text)
    fence = len(found) - len(found.lstrip("`"))
    inside = found[fence:-fence]
    assert found.endswith("`" * fence) and inside.strip() == text.strip()
    if "`" in text:
        assert "`" * fence not in inside and inside == f" {text} "


def test_each_equation_of_a_derivation_and_each_remark_is_a_line_of_its_own() -> None:
    verdict = Verdict("q", "1", False, "5", derivation=("a = 2", "b = 3", "(as in the lecture)"))
    assert [(line.text, line.is_formula) for line in feedback_lines(verdict)][1:] == [
        ("correct answer: 5", False), ("a = 2", True), ("b = 3", True), ("as in the lecture", False),
    ]  # fmt: skip
    assert [line.text for line in feedback_lines(verdict._replace(correct=True))] == []


def test_results_of_a_sheet_that_cannot_be_read_name_the_first_problems() -> None:
    error = CnnError.of([Problem(f"problem {at}", "fix it" if at % 2 else "", None) for at in range(40)])
    record = error_results(error)
    said = record["output"].splitlines()
    assert said[:3] == ["problem 0", "problem 1", "  fix it"] and (record["score"], record["tests"]) == (0, [])
    assert "é" in results_text({"output": "é"})


def test_every_wrong_answer_of_a_key_is_named_and_no_right_one(tmp_path: Path) -> None:
    answers = {"c1.params": "156", "c1.shape": "6x28x28", "conv2.params": "2416", "c1.macs": "117600"}
    for wrong in ({}, *({name: "7"} for name in answers), dict.fromkeys(answers, "7")):
        written = {**answers, **wrong}
        questions = "".join(f"  {name}: {{answer: '{text}'}}\n" for name, text in written.items())
        key = key_of(tmp_path, f"architecture: lenet5\nquestions:\n  total.params: 1\n{questions}")
        found = wrong_answers(key, empty_cache())
        assert [line.partition(":")[0] for line in found] == [name for name in answers if name in wrong]
        assert all(f"the key has 7; correct answer: {answers[name]}" in line.replace(",", "") for name, line in zip(
            wrong, found, strict=True))  # fmt: skip


def test_sheets_are_graded_by_the_key_of_their_student_or_by_the_one_for_all(tmp_path: Path) -> None:
    for name, text in (("ann", "3"), ("bob", "4"), ("", "3"), ("zoe", "3")):
        student = f"student: {name}\n" if name else ""
        (tmp_path / f"sheet-{name}.yaml").write_text(f"{student}answers: {{q: {text}}}\n")
    for name, kernel in (("ann", 3), ("bob", 2)):
        key = f"student: {name}\nquestions: {{q: {{solve: {{input: 5, kernel: {kernel}}}}}}}\n"
        (tmp_path / "keys").mkdir(exist_ok=True)
        (tmp_path / "keys" / f"{name}.yaml").write_text(key)
    files = sorted(tmp_path.glob("*.yaml"))
    assert find_keys(tmp_path, _none) == [*sorted((tmp_path / "keys").iterdir()), *files]
    own = {paper.student: paper for paper in grade_files(read_keys(tmp_path / "keys", _none), collected(*files))}
    assert {name: (paper.points, bool(paper.problem)) for name, paper in own.items()} == {
        "sheet-": (0, True), "ann": (1, False), "bob": (1, False), "zoe": (0, True),
    }  # fmt: skip
    assert own["zoe"].problem == "no key for zoe" and own["sheet-"].problem == "no key for a sheet without a student"
    for_all = [*grade_files(read_keys(tmp_path / "keys" / "ann.yaml", _none), collected(*files))]
    assert [(paper.points, paper.problem) for paper in for_all] == [(1, ""), (1, ""), (0, ""), (1, "")]
    assert [paper.student for paper in for_all][1:] == ["ann", "bob", "zoe"]
    other = "student: bob\nquestions: {q: {points: 2, solve: {input: 5, kernel: 2}}}\n"
    (tmp_path / "keys" / "bob.yaml").write_text(other)
    with pytest.raises(CnnError, match="ask different questions"):
        read_keys(tmp_path / "keys", _none)


def test_a_sheet_that_is_too_deep_is_not_graded_and_the_next_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob"):
        (tmp_path / f"{name}.yaml").write_text("answers: {c1.params: 156}\n")
    real = submissions.grade

    def deep(key: AnswerKey, file: str, *rest: Any) -> GradedSubmission:
        if "ann" in file:
            raise RecursionError
        return real(key, file, *rest)

    monkeypatch.setattr(submissions, "grade", deep)
    keys = {"": key_of(tmp_path, "architecture: lenet5\nquestions: {c1.params: 1}\n")}
    ann, bob = grade_files(keys, collected(tmp_path / "ann.yaml", tmp_path / "bob.yaml"))
    assert (ann.student, ann.problem, ann.points) == ("ann", "nested too deeply", 0)
    assert (bob.problem, bob.points) == ("", 1)


def collected(*paths: Path) -> list[HandedIn]:
    return [handed_in for path in paths for handed_in in collect(path, _none)]


def _none(path: Path, reason: str) -> None:
    raise AssertionError(path, reason)


# The class list ---------------------------------------------------------------------------------------------------

names = st.text("ab ", min_size=1, max_size=2).map(str.strip).filter(bool)


@some
@given(st.lists(st.tuples(names, names, st.integers(1, 9).map(str)), min_size=1, max_size=5), st.data())
def test_a_student_is_the_only_row_that_has_the_value(rows: list[tuple[str, str, str]], data: st.DataObject) -> None:
    roster = Roster(
        ("first", "last", "id"), tuple(dict(zip(("first", "last", "id"), row, strict=True)) for row in rows)
    )
    for wanted in {value for row in rows for value in row} | {"", "z"}:
        having = [row for row in rows if wanted in row]
        expected = having[0] if len(having) == 1 else None
        for written in (wanted, f" {wanted.upper()} "):
            found = roster.row_of(written)
            assert (tuple(found.values()) if found else None) == expected


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
def test_a_class_list_is_read_in_every_spelling_without_the_row_of_points(
    tmp_path: Path, separator: str, start: str
) -> None:
    lines = [["Student", "ID"], ["    Points Possible", ""], ["Ann", "7"], ["Bob"], ["Cleo", "9", "more"]]
    path = tmp_path / "class.csv"
    path.write_text(start + "\n".join(map(separator.join, lines)) + "\n", encoding="utf-8")
    found = read_roster(path)
    assert found.columns == ("Student", "ID")
    assert [tuple(row.values()) for row in found.rows] == [("Ann", "7"), ("Bob", ""), ("Cleo", "9")]
    path.write_text("Student,ID\n")
    with pytest.raises(CnnError, match="no students"):
        read_roster(path)


# The key ----------------------------------------------------------------------------------------------------------


def key_of(folder: Path, text: str) -> AnswerKey:
    (folder / "key.yaml").write_text(text, encoding="utf-8")
    return read_key(str(folder / "key.yaml"))


SHARES = {"0": 0, "1": 1, "100%": 1, "0%": 0, "25%": Fraction(1, 4), ".2": Fraction(1, 5), "2/3": Fraction(2, 3)}
REFUSED = ["1.01", "101%", "-0.1", "half", "-1%", "''"]


@pytest.mark.parametrize("text", [*SHARES, *REFUSED, "~"])
def test_the_share_for_follow_through_is_from_0_to_1(tmp_path: Path, text: str) -> None:
    written = f"architecture: lenet5\nfollow_through: {text}\nquestions: {{c1.params: 1}}\n"
    if text in REFUSED:
        with pytest.raises(CnnError, match="must be a fraction from 0 to 1"):
            key_of(tmp_path, written)
    else:
        assert key_of(tmp_path, written).follow_through == SHARES.get(text, Fraction(1, 2))


@some
@given(st.integers(0, 40), st.sampled_from(["", "%"]), st.sampled_from(["", "-"]))
def test_points_and_tolerances_are_numbers_of_at_least_0(
    tmp_path_factory: pytest.TempPathFactory, quarters: int, percent: str, sign: str
) -> None:
    number, folder = Fraction(quarters, 4), tmp_path_factory.mktemp("key")
    written = f"{sign}{float(number):g}"
    lines = f"architecture: lenet5\nquestions: {{c1.params: {{points: {written}, tolerance: {written}{percent}}}, "
    lines += f"c1.macs: {written}, c1.flops: ~, c1.shape: {{by_cell: no}}}}\n"
    if sign and number:
        with pytest.raises(CnnError, match="at least 0"):
            key_of(folder, lines)
        return
    found = key_of(folder, lines)
    amount = number / 100 if percent else number
    assert found.questions[0].tolerance == (amount, bool(percent))
    assert [question.points for question in found.questions] == [number, number, 1, 1]
    assert found.out_of == 2 * number + 2
    assert [question.by_cell for question in found.questions] == [None, None, None, False]


@pytest.mark.parametrize(
    ("text", "flag"), [("true", True), ("yes", True), ("Yes", True), ("false", False), ("no", False)]
)
def test_a_flag_of_the_key_holds_unless_the_question_has_its_own(tmp_path: Path, text: str, flag: bool) -> None:
    questions = f"{{c1.shape: 6, c2: {{points: 6, by_cell: {text}, convolve: {{input: '1 2 3', kernel: '2'}}}}}}"
    for whole in (True, False):
        key = key_of(tmp_path, f"architecture: lenet5\nby_cell: {str(whole).lower()}\nquestions: {questions}\n")
        assert (key.by_cell, key.questions[1].by_cell) == (whole, flag)
        (tmp_path / "sheet.yaml").write_text("answers: {c1.shape: 6x28x27, c2: '2 4 7', other: 3}\n")
        paper = grade(key, "sheet.yaml", read_sheet(str(tmp_path / "sheet.yaml"), network=False), empty_cache())
        assert [answer.points for answer in paper.answers] == [4 if whole else 0, 4 if flag else 0]
        assert [any("2/3 of it" in note for note in answer.verdict.remarks) for answer in paper.answers] == [
            whole,
            flag,
        ]
        assert (paper.student, paper.extra) == ("sheet.yaml", ("other",))
    with pytest.raises(CnnError, match="by_cell must be true or false"):
        key_of(tmp_path, f"architecture: lenet5\nby_cell: maybe\nquestions: {questions}\n")


# what the key accepts, answers that are the same, answers that are not
SAME = [
    ("1e3", ["1000", "1,000", "1k", "1000.0"], ["1001", "1000x1", "does not fit", "10 00"]),
    ("2x3", ["2 x 3", "(2, 3)", "2@3"], ["3x2", "2x3x1", "2"]),
    ("does not fit", ["impossible", "doesn't fit"], ["fits", "1000"]),
    ("All", ["all", "ALL"], ["none", "al"]),
]


@pytest.mark.parametrize(("accepted", "same", "others"), SAME)
def test_an_accepted_answer_counts_however_it_is_written_and_no_other(
    tmp_path: Path, accepted: str, same: list[str], others: list[str]
) -> None:
    form = f'accept: ["{accepted}"]' if accepted != "All" else f'accept: {{as said: "{accepted}"}}'
    key = key_of(tmp_path, f"questions: {{q: {{points: 4, {form}, solve: {{input: 9, kernel: 3, stride: 2}}}}}}\n")
    for text in (*same, *others):
        (tmp_path / "sheet.yaml").write_text(f'answers: {{q: "{text}"}}\n')
        sheet = read_sheet(str(tmp_path / "sheet.yaml"), network=False)
        (answer,) = grade(key, "", sheet, empty_cache()).answers
        assert (answer.points, answer.verdict.correct) == ((4, True) if text in same else (0, False)), text
        said = f"the key accepts {accepted}" + (" (as said)" if accepted == "All" else "")
        assert (said in answer.verdict.remarks) == (text in same)
