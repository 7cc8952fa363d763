"""cnn grade: a class's sheets to marks, by a key that is checked itself."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import pytest
from program import Run

KEY = """\
title: Homework 3
architecture: lenet5
follow_through: 0.5
questions:
  c1.shape: 1
  c1.params: {points: 2, answer: 156}
  maxpool1.shape: 1
  conv2.params: {points: 2, accept: [1516]}
  total.params: {points: 2, tolerance: 1%}
  q6: {points: 1, solve: {input: 7, kernel: 3, stride: 3}, answer: does not fit}
  q7: {points: 2, convolve: {input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3"}}
"""
RIGHT = {
    "c1.shape": "6x28x28", "c1.params": "156", "maxpool1.shape": "6x14x14", "conv2.params": "2,416",
    "total.params": "61706", "q6": "does not fit", "q7": "'19 25; 37 43'",
}  # fmt: skip


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "key.yaml").write_text(KEY)
    (tmp_path / "class").mkdir()
    return tmp_path


def hand_in(course: Path, student: str, **changed: str) -> None:
    given = {**RIGHT, **{name.replace("__", "."): value for name, value in changed.items()}}
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items() if value != "left out")
    (course / "class" / f"{student}.yaml").write_text(f"student: {student}\narchitecture: lenet5\nanswers:\n{lines}")


def marks(cnn: Run, course: Path) -> dict[str, dict[str, str]]:
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "csv")
    return {row["student"]: row for row in csv.DictReader(io.StringIO(ended.out))}


def test_correct_answers_earn_all_points(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    row = marks(cnn, course)["ann"]
    assert (row["total"], row["out_of"]) == ("11", "11")
    assert [row[name] for name in RIGHT] == ["1", "2", "1", "2", "2", "1", "2"]


def test_accepted_answers_and_those_within_tolerance_earn_all_points(cnn: Run, course: Path) -> None:
    hand_in(course, "bob", conv2__params="1516", total__params="61,700", c1__shape="28x28x6")
    assert marks(cnn, course)["bob"]["total"] == "11"


def test_follow_through_earns_the_fraction_of_the_key(cnn: Run, course: Path) -> None:
    hand_in(course, "cleo", c1__shape="6x24x24", maxpool1__shape="6x12x12")
    row = marks(cnn, course)["cleo"]
    assert (row["c1.shape"], row["maxpool1.shape"], row["total"]) == ("0", "0.5", "9.5")


@pytest.mark.parametrize("share", [".5", "0.5", "50%", "1/2"])
def test_a_share_may_be_written_in_any_way(cnn: Run, course: Path, share: str) -> None:
    (course / "key.yaml").write_text(KEY.replace("follow_through: 0.5", f"follow_through: {share}"))
    hand_in(course, "ann", c1__shape="6x24x24", maxpool1__shape="6x12x12")
    assert marks(cnn, course)["ann"]["maxpool1.shape"] == "0.5"


def test_blank_earns_nothing_and_is_counted_as_blank(cnn: Run, course: Path) -> None:
    hand_in(course, "dan", c1__params="left out", q6="''")
    record = json.loads(cnn("grade", course / "key.yaml", course / "class", "--format", "json").out)
    assert record["students"][0]["points"] == 8
    assert {entry["question"]: entry["blank"] for entry in record["questions"]}["c1.params"] == 1


def test_an_unreadable_sheet_is_reported_and_the_others_are_graded(cnn: Run, course: Path) -> None:
    hand_in(course, "eve")
    (course / "class" / "broken.yaml").write_text("answers: [")
    (course / "class" / "empty.yaml").write_text("")
    (course / "class" / "binary.yaml").write_bytes(b"\xff\x00\x9a")
    (course / "class" / "large.yaml").write_bytes(b"a: " + b"x" * (2 << 20))
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "csv")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(ended.out))}
    assert ended.code == 0 and rows["eve"]["total"] == "11"
    for name in ("broken", "empty", "binary", "large"):
        assert rows[name]["total"] == "" and rows[name]["problem"] and f"{name}.yaml: not graded: " in ended.err


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_a_file_name_that_is_not_utf_8_is_graded(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    for name, text in (
        (b"Zo\xeb.yaml", "student: zoe\nanswers: {q6: does not fit}\n"),
        (b"Zq\xeb.yaml", "answers: [\n"),
    ):
        Path(os.fsdecode(os.fsencode(course / "class") + b"/" + name)).write_text(text)
    ended = cnn("grade", course / "key.yaml", course / "class", "-o", course / "out")
    assert ended.code == 0, ended.err
    written = (course / "out" / "marks.csv").read_text()
    assert "zoe,0,0,0,0,0,1,0,1" in written and "Zq�" in written and "ann,1,2" in written


def test_the_report_names_top_mistakes_and_suspicious_questions(cnn: Run, course: Path) -> None:
    for number in range(8):
        hand_in(course, f"s{number}", c1__params="150" if number < 6 else "156")
    out = cnn("grade", course / "key.yaml", course / "class").out
    assert "150 (6)" in out and "forgot the biases" in out and "hardest: c1.params" in out
    assert "suspicious: c1.params: 6 of 8 answers are 150: check the key and the wording" in out
    assert "8 submissions, mean 9.50 of 11 points" in out


def test_wrong_answers_in_a_key_are_reported_with_derivations_and_nothing_is_graded(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    (course / "key.yaml").write_text(KEY.replace("answer: 156", "answer: 150"))
    ended = cnn("grade", course / "key.yaml", course / "class")
    assert (ended.code, ended.out) == (1, "")
    assert (
        "c1.params: the key has 150 (forgot the biases); correct answer: 156\n    C_out * C_in * k * k + C_out\n"
        in ended.err
    )


def test_feedback_and_marks_are_written(cnn: Run, course: Path) -> None:
    hand_in(course, "ann", c1__params="150")
    hand_in(course, "=cmd()", c1__params="'=1+1'")
    assert cnn("grade", course / "key.yaml", course / "class", "-o", course / "out").code == 0
    feedback = sorted((course / "out" / "feedback").iterdir())
    assert [path.name for path in feedback] == ["_cmd__.html", "_cmd__.md", "ann.html", "ann.md"]
    assert all("likely: forgot the biases" in path.read_text() for path in feedback[2:])
    assert "'=cmd()" in (course / "out" / "marks.csv").read_text()
    record = json.loads((course / "out" / "gradescope" / "ann.json").read_text())
    assert record["score"] == 9 and {test["name"]: test["score"] for test in record["tests"]}["c1.params"] == 0
    assert "c1.params: `150` (forgot the biases), 1: ann" in (course / "out" / "class.md").read_text()


def test_writing_does_not_follow_links(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    arguments = ("grade", course / "key.yaml", course / "class", "-o", course / "out")
    assert cnn(*arguments).code == 0
    files = {path: path.read_bytes() for path in (course / "out").rglob("*") if path.is_file()}
    victim = course / "victim"
    victim.write_text("mine")
    for path in files:
        path.unlink()
        path.symlink_to(victim)
    assert cnn(*arguments).code == 0
    assert victim.read_text() == "mine"
    assert {path: path.read_bytes() for path in (course / "out").rglob("*") if path.is_file()} == files


def test_what_a_student_wrote_is_escaped_in_html(cnn: Run, course: Path) -> None:
    hand_in(course, "<script>", c1__params="'<b>150</b>'")
    assert cnn("grade", course / "key.yaml", course / "class", "-o", course / "out").code == 0
    (page,) = (course / "out" / "feedback").glob("*.html")
    assert "<b>" not in page.read_text() and "&lt;b&gt;150&lt;/b&gt;" in page.read_text()
    assert "<script" not in page.read_text()


def test_what_a_student_wrote_is_escaped_in_markdown_and_one_line_in_a_terminal(cnn: Run, course: Path) -> None:
    hand_in(course, "eve", c1__params=r'"`</code><i>`\n```\n# x \e[2J"', c1__shape="'6*28*28'")
    sheet = course / "class" / "eve.yaml"
    sheet.write_text(sheet.read_text().replace("student: eve", r'student: "eve\n# <b>\e[2J"'))
    ended = cnn("grade", course / "key.yaml", course / "class", "-o", course / "out")
    texts = [(course / "out" / "class.md").read_text(), next((course / "out" / "feedback").glob("*.md")).read_text()]
    assert not any("\x1b" in text or "\n# x" in text or "\n# <b>" in text for text in (ended.out, ended.err, *texts))
    assert all("```` `</code><i>` ``` # x �[2J ````" in text for text in texts)
    assert all(r"eve # \<b\>�\[2J" in text for text in texts)


def test_an_expression_is_not_emphasis_in_markdown(cnn: Run, course: Path) -> None:
    hand_in(course, "ann", c1__params="5*5*6")
    cnn("grade", course / "key.yaml", course / "class", "-o", course / "out")
    assert r"5\*5\*6 = 150" in next((course / "out" / "feedback").glob("*.md")).read_text()


ROSTER = "Student,ID,SIS User ID,SIS Login ID,Section\nPoints Possible,,,,\nAnn Lee,7,s-1,ann,A\nBob,8,s-2,bob,B\n"


def test_gradebooks_for_canvas_and_moodle_use_the_roster(cnn: Run, course: Path) -> None:
    hand_in(course, "s-1", c1__params="150")
    hand_in(course, "eve")
    (course / "roster.csv").write_text(ROSTER)
    ended = cnn("grade", course / "key.yaml", course / "class", "-o", course / "out", "--roster", course / "roster.csv")
    assert "eve is not in the roster" in ended.err and "no submission from Bob" in ended.err
    canvas = list(csv.reader(io.StringIO((course / "out" / "canvas.csv").read_text())))
    assert canvas[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 3"]
    assert canvas[1][0].strip() == "Points Possible" and canvas[1][-1] == "11"
    assert ["Ann Lee", "7", "s-1", "ann", "A", "9"] in canvas and ["eve", "", "eve", "", "", "11"] in canvas
    moodle = list(csv.DictReader(io.StringIO((course / "out" / "moodle.csv").read_text())))
    assert {row["Student"]: row["Homework 3"] for row in moodle} == {"Ann Lee": "9", "eve": "11"}
    assert moodle[1]["Feedback comments"] == "c1.params: wrong, correct answer: 156" or moodle[0]["Feedback comments"]


@pytest.mark.parametrize("apart", [",", ";", "\t"])
def test_every_gradebook_uses_any_class_list(cnn: Run, course: Path, apart: str) -> None:
    hand_in(course, "ann")
    (course / "roster.csv").write_text(f"number{apart}name\n7{apart}Ann\n8{apart}Bob\n")
    ended = cnn("grade", course / "key.yaml", course / "class", "-o", course / "out", "--roster", course / "roster.csv")
    assert "no submission from Bob" in ended.err
    assert "ann,,ann,,,11" in (course / "out" / "canvas.csv").read_text()
    assert "7,Ann,11,all correct" in (course / "out" / "moodle.csv").read_text()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_class_list_ends_its_lines_as_any_system_does(cnn: Run, course: Path, end: str) -> None:
    hand_in(course, "ann")
    (course / "roster.csv").write_bytes(end.join(("\ufeffnumber,name", "7,Ann", "8,Bob", "")).encode())
    ended = cnn("grade", course / "key.yaml", course / "class", "--roster", course / "roster.csv")
    assert ended.code == 0 and "no submission from Bob" in ended.err and "ann" not in ended.err


@pytest.mark.parametrize("kind", ["a FIFO", "endless", "too large", "a folder", "missing"])
def test_a_class_list_is_a_file_within_the_limit_or_refused_at_once(cnn: Run, course: Path, kind: str) -> None:
    hand_in(course, "ann")
    roster = course / "roster.csv"
    if kind == "a FIFO":
        os.mkfifo(roster)
    elif kind == "endless":
        roster.symlink_to("/dev/zero")
    elif kind == "too large":
        roster.touch()
        os.truncate(roster, 1 << 40)
    elif kind == "a folder":
        roster.mkdir()
    said = {"too large": "is larger than 1 MiB", "missing": "no such file"}.get(kind, "not a regular file")
    for arguments in (("grade", course / "key.yaml", course / "class", "--roster", roster),
                      ("quiz", "--per-student", roster, "-o", course / "quiz")):  # fmt: skip
        ended = cnn(*arguments)
        assert ended.code == 2 and f"{roster}: " in ended.err and said in ended.err


@pytest.mark.parametrize("student", ["A", "Ann Lee"])
def test_a_value_of_several_rows_in_the_roster_matches_none(cnn: Run, course: Path, student: str) -> None:
    hand_in(course, student)
    (course / "roster.csv").write_text(f"{ROSTER}Ann Lee,9,s-3,lee,A\n")
    ended = cnn("grade", course / "key.yaml", course / "class", "-o", course / "out", "--roster", course / "roster.csv")
    told = {
        "A": "A is not in the roster",
        "Ann Lee": "Ann Lee is in 2 rows of the roster: write the number in the sheet",
    }
    assert told[student] in ended.err
    assert f"{student},,{student},,,11" in (course / "out" / "canvas.csv").read_text()


def test_a_class_list_gives_names_and_the_number_in_a_sheet_decides_of_namesakes(cnn: Run, course: Path) -> None:
    roster, moodle = course / "roster.csv", "Ann Lee_{}_assignsubmission_file_"
    roster.write_text("First name,Last name,ID number\nAnn,Lee,s1\nAnn,Lee,s2\nBjørn,Al-Farsi,s3\nEd,Pi,s4\n")
    for at, text in enumerate(("student: s2\n", "student: s1\n", "", "student: s3\n")):
        folder = course / "class" / moodle.format(at)
        folder.mkdir()
        (folder / "a.yaml").write_text(f"{text}c1.params: 156\n")
    (course / "class" / moodle.format(7) / "a.pdf").parent.mkdir()
    (course / "class" / "Ed Pi_8_assignsubmission_file_").mkdir()
    (course / "class" / "Ed Pi_8_assignsubmission_file_" / "a.pdf").write_bytes(b"%PDF")
    ended = cnn("grade", course / "key.yaml", course / "class", "-o", course / "out", "--roster", roster)
    gradebook = (course / "out" / "moodle.csv").read_text()
    assert [gradebook.count(number) for number in ("s1", "s2", "s3")] == [1, 1, 0]
    assert "Ann Lee is in 2 rows of the roster" in ended.err and "no submission from Bjørn Al-Farsi\n" in ended.err
    assert "it is the sheet of s3" in ended.err
    canvas = course / "canvas"
    canvas.mkdir()
    (canvas / "alfarsibjørn_1_22_a.yaml").write_text("c1.params: 156\n")
    assert "Bjørn Al-Farsi," in cnn("grade", course / "key.yaml", canvas, "--roster", roster, "--format", "csv").out


def test_a_sheet_without_answers_alone_has_no_table(cnn: Run, course: Path) -> None:
    (course / "empty.yaml").touch()
    assert cnn("grade", course / "key.yaml", course / "empty.yaml").out == "Homework 3\n\nno submission was graded\n"


def test_a_student_with_two_sheets_is_named(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    copy = course / "class" / "again.YML"
    copy.write_text((course / "class" / "ann.yaml").read_text())
    assert "ann submitted 2 sheets" in cnn("grade", course / "key.yaml", course / "class").err


@pytest.mark.parametrize("identifier", ["a@x.org", "101", "ann miller", "Miller, Ann"])
def test_two_sheets_of_one_student_with_different_points_have_no_row_until_one_is_left(
    cnn: Run, course: Path, identifier: str
) -> None:
    (course / "key.yaml").write_text("architecture: lenet5\nquestions: {c1.params: 1}\n")
    (course / "roster.csv").write_text('Student,ID,SIS User ID,email\n"Miller, Ann",9,101,a@x.org\nBob,3,102,b@x.org\n')
    for file, student, given in (("one", "Ann Miller", 156), ("two", identifier, 150), ("bob", "102", 156)):
        (course / "class" / f"{file}.txt").write_text(f"student: {student}\nc1.params: {given}\n")
    graded = ("grade", course / "key.yaml", course / "class", "-o", course / "out", "--roster", course / "roster.csv")
    told = cnn(*graded).err
    assert "submitted 2 sheets" in told and "one.txt (1 point)" in told and "two.txt (0 points)" in told
    for name in ("canvas.csv", "moodle.csv"):
        text = (course / "out" / name).read_text()
        assert text.count("Bob") == 1 and "Miller" not in text
    students = [line.split(",")[0] for line in (course / "out" / "marks.csv").read_text().splitlines()[1:]]
    assert students[0] == "Bob" and not {"101", "a@x.org"} & {*students}
    (course / "class" / "two.txt").write_text(f"student: {identifier}\nc1.params: 156\n")
    assert "submitted 2 sheets, all graded" in cnn(*graded).err
    assert (course / "out" / "canvas.csv").read_text().count("Miller") == 1


@pytest.mark.parametrize(
    ("heading", "answer", "told"),
    [
        ("architecture: vgg16", "156", "the network `vgg16` of the sheet does not count"),
        ("architecture: {input: 1x8x8, layers: [conv 6 5]}", "156", "of the sheet does not count"),
        ("conventions: {bias: not counted}", "156", "the conventions of the sheet do not count"),
        ("student: [Ann, Bob]", "156", "the student is one name, not `[Ann, Bob]`"),
        ("student: Bob\nstudent: Ann", "156", "line 2: not read: `Ann`; the student is Bob"),
        ("", "156\n  q8: {input: 36, kernel: 5, output: 28}", "q8: the sheet has input 36, the question input 32"),
        ("", "156\n  q8: {input: 32, kernel: 5, padding: 1, output: 28}", "has padding 1, the question padding 0"),
        ("architecture: nets/lenet5.yaml\nconventions: {bias: counted}",
         "156\n  q8: {input: 32, kernel: 5, stride: 1, output: 28}", ""),
    ],
)  # fmt: skip
def test_what_a_sheet_states_and_the_key_does_not_is_told(
    cnn: Run, course: Path, heading: str, answer: str, told: str
) -> None:
    questions = "{c1.params: 1, q8: {points: 0, solve: {input: 32, kernel: 5}}}"
    (course / "key.yaml").write_text(f"architecture: lenet5\nquestions: {questions}\n")
    (course / "sheet.yaml").write_text(f"{heading}\nanswers:\n  c1.params: {answer}\n")
    ended = cnn("grade", course / "key.yaml", course / "sheet.yaml")
    assert "mean 1.00 of 1 point" in ended.out
    notes = [line for line in ended.err.splitlines() if not line.startswith("grading: ")]
    assert told in "".join(notes) and len(notes) == bool(told)


# conventions, question, answer, points of 2, what the marks say
CONVENTIONS = [
    ("{bias: [counted, not counted]}", "c1.params", "400", 2, "correct with bias not counted, which is accepted"),
    ("{bias: counted}", "c1.params", "400", 0, "likely: forgot the biases"),
    ("{bias: not counted}", "c1.params", "400", 2, ""),
    ("{bias: not counted}", "c1.params", "416", 0, "likely: counted biases that do not belong here"),
    ("{batchnorm: [2C, 4C]}", "norm.params", "64", 2, "correct with batchnorm 4C"),
    ("{operations: [FLOPs, MACs]}", "c1.flops", "409600", 2, "correct with operations MACs"),
    ("{order: HxWxC}", "c1.shape", "16x32x32", 0, ""),
    ("{order: CxHxW}", "c1.shape", "32x32x16", 0, "likely: mixed up channels first and channels last"),
    ("{order: HxWxC}", "c1.shape", "32x32x16", 2, ""),
    ("{rounding: [floor, exact]}", "pool.shape", "does not fit", 2, "correct with rounding exact"),
    ("{rounding: exact}", "pool.shape", "16x15x15", 0, "likely: missed that the window does not fit"),
    ("{rounding: [floor, ceil]}", "pool.shape", "16x16x16", 2, "correct with rounding ceil"),
    ("{pool_stride: [kernel, 1]}", "pool2.shape", "16x14x14", 2, "correct with pool stride 1"),
    ("{padding: [per side, in total]}", "c2.shape", "4x13x13", 2, "correct with padding in total"),
]
NETWORK = """
  input: 1x36x36
  layers:
    - conv: {filters: 16, kernel: 5, name: c1}
    - batchnorm: {name: norm}
    - maxpool: {kernel: 3, stride: 2, name: pool}
    - maxpool: {kernel: 2, name: pool2}
    - conv: {from: pool, filters: 4, kernel: 5, padding: 2, name: c2}
"""


@pytest.mark.parametrize(("conventions", "question", "answer", "points", "said"), CONVENTIONS)
def test_a_convention_decides_and_the_feedback_names_the_match(
    cnn: Run, course: Path, conventions: str, question: str, answer: str, points: int, said: str
) -> None:
    key = f"architecture:{NETWORK}conventions: {conventions}\nquestions: {{{question}: 2}}\n"
    (course / "key.yaml").write_text(key)
    (course / "class" / "ann.yaml").write_text(f"student: ann\nanswers: {{{question}: {answer}}}\n")
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "json", "-o", course / "out")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["students"][0]["points"] == points
    assert said in next((course / "out" / "feedback").glob("*.md")).read_text()


# item of the key, answer, points
CREDIT = [
    ("{points: 4, by_cell: true, convolve: {input: '0 1 2; 3 4 5; 6 7 8', kernel: '0 1; 2 3'}}", "19 25; 37 44", 3),
    ("{points: 4, convolve: {input: '0 1 2; 3 4 5; 6 7 8', kernel: '0 1; 2 3'}}", "19 25; 37 44", 0),
    ("{points: 2, tolerance: 5, solve: {input: 100, kernel: 3}}", "94", 2),
    ("{points: 2, tolerance: .5, solve: {input: 100, kernel: 3}}", "97", 0),
    ("{points: 2, tolerance: 3, solve: {input: 100, kernel: 3}}", "94", 0),
    ("{points: 2, tolerance: 5%, solve: {input: 100, kernel: 3}}", "94", 2),
    ("{points: 2, accept: {rounded up: 100}, solve: {input: 100, kernel: 3}}", "100", 2),
]


@pytest.mark.parametrize(("item", "answer", "points"), CREDIT)
def test_credit_is_given_as_the_key_says(cnn: Run, course: Path, item: str, answer: str, points: float) -> None:
    (course / "key.yaml").write_text(f"questions: {{q1: {item}}}\n")
    (course / "class" / "ann.yaml").write_text(f"student: ann\nanswers: {{q1: {answer}}}\n")
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "json")
    assert json.loads(ended.out)["students"][0]["points"] == points


@pytest.mark.parametrize(
    ("answer", "share", "said"),
    [
        ("32x32x16", 3, ""),
        ("16x32x32", 1, "mixed up channels first and channels last"),
        ("32x32x15", 2, "2/3 of it is correct"),
        ("31x31x16", 1, "forgot the + 1 in the size formula"),
    ],
)
def test_a_shape_earns_by_its_axes_in_the_order_that_is_asked(
    cnn: Run, course: Path, answer: str, share: int, said: str
) -> None:
    key = f"architecture:{NETWORK}conventions: {{order: HxWxC}}\nby_cell: true\nquestions: {{c1.shape: 3}}\n"
    (course / "key.yaml").write_text(key)
    (course / "class" / "ann.yaml").write_text(f"student: ann\nanswers: {{c1.shape: {answer}}}\n")
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "json", "-o", course / "out")
    assert json.loads(ended.out)["students"][0]["points"] == share
    assert said in next((course / "out" / "feedback").glob("*.md")).read_text()


@pytest.mark.parametrize(
    ("conventions", "said"),
    [
        ("{bias: maybe}", "bias cannot be 'maybe'"),
        ("{biases: counted}", "did you mean bias?"),
        ("3", "must be a mapping"),
    ],
)
def test_an_unknown_convention_is_an_error(cnn: Run, course: Path, conventions: str, said: str) -> None:
    hand_in(course, "ann")
    (course / "key.yaml").write_text(f"conventions: {conventions}\n{KEY}")
    ended = cnn("grade", course / "key.yaml", course / "class")
    assert ended.code == 2 and said in ended.err and "key.yaml:1:" in ended.err


def test_padding_in_total_holds_for_a_transposed_window_too(cnn: Run, course: Path) -> None:
    solve = "{input: 4, kernel: 4, stride: 2, padding: 2, transposed: true}"
    (course / "key.yaml").write_text(f"conventions: {{padding: in total}}\nquestions: {{q1: {{solve: {solve}}}}}\n")
    (course / "class" / "ann.yaml").write_text("student: ann\nanswers: {q1: 8}\n")
    assert marks(cnn, course)["ann"]["total"] == "1"


def test_a_student_with_two_keys_is_named(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    (course / "keys").mkdir()
    for name in ("old", "new"):
        (course / "keys" / f"{name}.yaml").write_text(f"student: ann\n{KEY}")
    ended = cnn("grade", course / "keys", course / "class")
    assert ended.code == 2 and "second key for ann" in ended.err


def test_a_convention_named_often_is_one(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    choices = {"operations": "FLOPs", "bias": "counted", "order": "CxHxW", "padding": "per side", "batchnorm": "2C"}
    named = "".join(f"  {name}: [{', '.join([choice] * 30)}]\n" for name, choice in choices.items())
    (course / "key.yaml").write_text(f"conventions:\n{named}{KEY}")
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "csv")
    assert "ann,1,2,1,2,2,1,2,11" in ended.out, ended.err


def test_the_same_sheets_give_the_same_grades(cnn: Run, course: Path) -> None:
    for number in range(5):
        hand_in(course, f"s{number}", c1__params=str(100 + number))
    assert marks(cnn, course) == marks(cnn, course)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("- 1\n", "a key must be a mapping"),
        ("architecture: lenet5\n", "the key has no questions"),
        ("architecture: lenet5\nquestions: {c1.params: x}\n", "c1.params must be a number of at least 0"),
        ("architecture: lenet5\nquestions: {c1.params: {pts: 1}}\n", "unknown key 'pts'"),
        ("architecture: lenet5\nquestions: {c1.params: {tolerance: wide}}\n", "tolerance must be a percentage"),
        ("follow_through: 50\n" + KEY.replace("follow_through: 0.5\n", ""), "must be a fraction from 0 to 1"),
        ("follow_through: most\n" + KEY.replace("follow_through: 0.5\n", ""), "must be a fraction from 0 to 1"),
        ("architecture: lenet5\nquestions: {c9.params: 1}\n", "c9: the network has no such layer"),
    ],
)
def test_an_invalid_key_gives_an_error_with_the_reason(cnn: Run, course: Path, key: str, said: str) -> None:
    hand_in(course, "ann")
    (course / "key.yaml").write_text(key)
    ended = cnn("grade", course / "key.yaml", course / "class")
    assert ended.code == 2 and said in ended.err and "Traceback" not in ended.err


# a question of the key, what is said of it
UNUSABLE = [
    ("q1: {solve: {input: 5, kernel: 3}, convolve: {input: '1 2', kernel: '1 1'}}", "both a solve and a convolve"),
    ("q1: {solve: {input: 5, kernel: 3, output: 3}, answer: 3}", "two answers"),
    ("q1: {solve: {}}", "solve must be a mapping"),
    ("q1: {solve: 5}", "solve must be a mapping"),
    ("c1.shape: {tolerance: 1%}", "tolerance is for numbers"),
    ("q1: {convolve: {input: '1 2', kernel: '1 1'}, tolerance: 1}", "tolerance is for numbers"),
    ("c1.params: {by_cell: true}", "by_cell is for shapes and matrices"),
    ("c1.params: {accept: [7x5]}", "accept has 7x5, but the answer is a number"),
    ("c1.params: {accept: ['']}", "accept has an empty answer"),
    ("c1.params: 1, c1.parameters: 2", "c1.parameters occurs twice (as c1.params as well)"),
]


@pytest.mark.parametrize(("question", "said"), UNUSABLE)
def test_a_useless_entry_of_a_key_is_an_error_with_its_place(cnn: Run, course: Path, question: str, said: str) -> None:
    hand_in(course, "ann")
    (course / "key.yaml").write_text(f"architecture: lenet5\nquestions: {{{question}}}\n")
    ended = cnn("grade", course / "key.yaml", course / "class")
    assert ended.code == 2 and said in ended.err and "key.yaml:2:" in ended.err and ended.out == ""


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize(
    ("fields", "answer", "wrong"),
    [
        ("solve: {{input: 5, kernel: 3, output: {}}}", "3", "4"),
        ("solve: {{input: 7, kernel: 3, output: 7, find: padding, padding: {}}}", "1", "2"),
        ("convolve: {{input: '1 2', kernel: '1 1', result: '{}'}}", "3", "4"),
        ("convolve: {{input: '1 2 3', kernel: ['1 0', '0 1'], result: {}}}", "['1 2', '2 3']", "['1 2', '2 4']"),
        ("convolve: {{input: '1 2', kernel: '3'}}, answer: '{}'", "3 6", "3 7"),
    ],
)
def test_the_answers_of_a_key_are_checked_before_grading(
    cnn: Run, course: Path, fields: str, answer: str, wrong: str, right: bool
) -> None:
    (course / "class" / "ann.yaml").write_text(f"answers: {{q1: {answer}}}\n")
    (course / "key.yaml").write_text(f"questions: {{q1: {{{fields.format(answer if right else wrong)}}}}}\n")
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "json")
    assert ended.code == (0 if right else 1), ended.err
    if right:
        assert json.loads(ended.out)["students"][0]["points"] == 1
    else:
        assert "wrong answers in the key" in ended.err and ended.out == ""


def test_every_skipped_file_of_a_folder_is_reported(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    folder = course / "class"
    (folder / "more" / "empty").mkdir(parents=True)
    for name in ("readme.txt", "more/json.json", ".DS_Store"):
        (folder / name).touch()
    os.mkfifo(folder / "fifo.yaml")
    (folder / "dangling.yaml").symlink_to("nowhere")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    ended = cnn("grade", course / "key.yaml", folder)
    said = {line for line in ended.err.splitlines() if line.startswith("skipped: ")}
    assert ended.code == 0 and "1 submission," in ended.out
    assert said == {
        f"skipped: {folder / 'readme.txt'} (not a submission)",
        f"skipped: {folder / '.DS_Store'} (a hidden file)",
        f"skipped: {folder / 'fifo.yaml'} (not a regular file)",
        *(f"skipped: {folder / name}.yaml (a link, which is not followed)" for name in ("dangling", "zero")),
        f"skipped: {folder / 'more' / 'empty'} (an empty folder)",
    }
    assert f"{folder / 'more' / 'json.json'}: not graded: " in ended.err  # it may be the only file of its student


def test_a_missing_sheet_is_an_error(cnn: Run, course: Path) -> None:
    hand_in(course, "ann")
    ended = cnn("grade", course / "key.yaml", course / "class" / "ann.yaml", course / "nofile.yaml")
    assert (ended.code, ended.out) == (2, "") and "nofile.yaml: no such file" in ended.err
    results = course / "results.json"  # there the student reads it
    assert cnn("grade", course / "key.yaml", course / "nofile.yaml", "--gradescope", results).code == 0
    assert "no such file" in json.loads(results.read_text())["output"]


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("q1: {solve: {input: 5, kernel: 3}}", "solve q1: {input: 5, kernel: 3, output: 3}", "q1: 4"),
        ("c1.params: 1", "c1.params: 156", "c1.Params: 150"),
        ("c1.shape: 1", "c1.output: 6x28x28", "c1.shape: 5x28x28"),
        ("q1: {solve: {input: 5, kernel: 3}}", "Q1: 3", "q1: 4\n  q1: 5"),
    ],
)
def test_of_two_answers_to_one_question_none_counts_and_both_are_told(
    cnn: Run, course: Path, question: str, one: str, other: str
) -> None:
    (course / "key.yaml").write_text(f"architecture: lenet5\nquestions: {{{question}}}\n")
    for name, lines in (("both", (one, other)), ("turned", (other, one)), ("ann", (one,))):
        text = "".join(f"  {line}\n" for line in lines)
        (course / "class" / f"{name}.yaml").write_text(f"answers:\n{text}")
    ended = cnn("grade", course / "key.yaml", course / "class")
    assert ended.code == 0 and "3 submissions, mean 0.33 of 1 points" in ended.out
    assert ended.err.count("has two answers") == 2 and "both.yaml: " in ended.err
    (course / "class" / "both.yaml").write_text(f"answers:\n  {one}\n  {one}\n")
    assert "3 submissions, mean 0.67" in cnn("grade", course / "key.yaml", course / "class").out


def test_follow_through_from_an_accepted_answer_earns_all_points(cnn: Run, course: Path) -> None:
    hand_in(course, "ann", conv2__params="1516", total__params="60806")
    (course / "key.yaml").write_text(KEY.replace("tolerance: 1%", "tolerance: 0"))
    assert marks(cnn, course)["ann"]["total"] == "11"


def test_follow_through_from_an_answer_within_tolerance_earns_all_points(cnn: Run, course: Path) -> None:
    hand_in(course, "ann", c1__params="157", total__params="61707")
    (course / "key.yaml").write_text(
        KEY.replace("{points: 2, answer: 156}", "{points: 2, tolerance: 1}").replace("tolerance: 1%", "tolerance: 0")
    )
    assert marks(cnn, course)["ann"]["total"] == "11"


@pytest.mark.parametrize(
    ("conventions", "answer", "points"), [("rounding: ceil", "4x6x6", 1), ("rounding: floor", "4x5x5", 1),
                                          ("padding: in total", "4x5x5", 1), ("rounding: ceil", "4x5x5", 0)]
)  # fmt: skip
def test_follow_through_uses_the_conventions_of_the_key(
    cnn: Run, course: Path, conventions: str, answer: str, points: int
) -> None:
    network = (
        "{input: 1x8x8, layers: [conv: {filters: 4, kernel: 3, name: c}, maxpool: {kernel: 3, stride: 2, name: p}]}"
    )
    key = f"architecture: {network}\nconventions: {{{conventions}}}\nquestions: {{c.shape: 2, p.shape: 2}}\n"
    (course / "key.yaml").write_text(key)
    (course / "class" / "ann.yaml").write_text(f"student: ann\nanswers: {{c.shape: 4x12x12, p.shape: {answer}}}\n")
    assert marks(cnn, course)["ann"]["p.shape"] == str(points)


@pytest.mark.parametrize("answer", ["cannot fit", "doesn't fit", "impossible"])
def test_an_accepted_refusal_may_be_written_in_any_way(cnn: Run, course: Path, answer: str) -> None:
    (course / "key.yaml").write_text("questions: {q1: {accept: [does not fit], solve: {input: 7, kernel: 3}}}\n")
    (course / "class" / "ann.yaml").write_text(f"student: ann\nanswers: {{q1: {answer}}}\n")
    assert marks(cnn, course)["ann"]["total"] == "1"


def test_a_figure_may_be_answered_by_each_of_its_names(cnn: Run, course: Path) -> None:
    hand_in(course, "ann", c1__params="left out", c1__parameters="156", c1__shape="left out", c1__output="6x28x28")
    ended = cnn("grade", course / "key.yaml", course / "class")
    assert marks(cnn, course)["ann"]["total"] == "11" and "not in the key" not in ended.err


def test_an_answer_that_is_not_in_the_key_is_reported(cnn: Run, course: Path) -> None:
    hand_in(course, "ann", c1__shapes="6x28x28")
    assert "not in the key: c1.shapes" in cnn("grade", course / "key.yaml", course / "class").err


def test_an_error_of_ours_on_one_sheet_costs_the_others_nothing(
    cnn: Run, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnncli.homework.grading import submissions

    real = submissions.grade
    monkeypatch.setattr(
        submissions, "grade", lambda key, file, *rest: 1 / 0 if "bob" in file else real(key, file, *rest)
    )
    hand_in(course, "ann")
    hand_in(course, "bob")
    ended = cnn("grade", course / "key.yaml", course / "class", "--format", "csv")
    assert "bob.yaml: not graded: a bug in cnn (ZeroDivisionError" in ended.err and "ann,1,2" in ended.out


def test_gradescope_results_are_graded_by_the_key_and_hide_the_answers(cnn: Run, course: Path) -> None:
    """What a sheet asks besides, on a network of its own, earns nothing."""
    hand_in(course, "eve", c1__params="150", conv2__params="2400")
    sheet, results = course / "class" / "eve.yaml", course / "results.json"
    sheet.write_text(sheet.read_text().replace("lenet5", "digits_cnn") + "  solve easy: {input: 1, kernel: 1}\n")
    ended = cnn("grade", course / "key.yaml", sheet, "--gradescope", results, "--hide-answers")
    assert ended.code == 0, ended.err
    record = json.loads(results.read_text())
    assert record["score"] == 7 and sum(test["max_score"] for test in record["tests"]) == 11
    assert "156" not in results.read_text() and "2,416" not in results.read_text()
    sheet.write_text("answers: [")
    assert cnn("grade", course / "key.yaml", sheet, "--gradescope", results).code == 0
    record = json.loads(results.read_text())
    assert record["score"] == 0 and "eve.yaml" in record["output"]
    hand_in(course, "bob")
    assert cnn("grade", course / "key.yaml", course / "class", "--gradescope", results).code == 0
    assert "one answer sheet is graded, and there are 2" in json.loads(results.read_text())["output"]


def test_a_regrade_tells_what_changes_and_removes_what_it_supersedes(
    cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, sheets, marks = tmp_path / "key.yaml", tmp_path / "sheets", tmp_path / "marks"
    sheets.mkdir()
    key.write_text("architecture: lenet5\nquestions: {c1.params: 2, conv2.params: 1}\n")
    for student, params in (("Ann", 150), ("Bob", 156)):
        (sheets / f"{student}.yaml").write_text(
            f"student: {student}\nanswers: {{c1.params: {params}, conv2.params: 9}}\n"
        )
    first = cnn("grade", key, sheets, "-o", marks)
    assert "changed" not in first.out
    assert "no mark changed since the last grading" in cnn("grade", key, sheets, "-o", marks).out
    key.write_text(
        "architecture: lenet5\nquestions: {c1.params: {points: 2, accept: {no bias: 150}}, conv2.params: 1}\n"
    )
    (sheets / "Bob.yaml").unlink()
    out = cnn("grade", key, sheets, "-o", marks).out
    assert "2 marks changed since the last grading" in out
    assert "  Ann, c1.params: 0 -> 2 (the key accepts 150 (no bias))" in out and "Bob: 2 (no submission now)" in out
    assert [path.stem for path in (marks / "feedback").glob("*.md")] == ["Ann"]
    key.write_text("architecture: lenet5\nquestions: {c1.params: 2, conv2.params: 1}\n")
    marks_of_two = tmp_path / "two"
    (sheets / "again.yaml").write_text((sheets / "Ann.yaml").read_text())
    cnn("grade", key, sheets, "-o", marks_of_two)
    monkeypatch.chdir(sheets.parent)
    assert "no mark changed" in cnn("grade", key, sheets.name, "-o", marks_of_two).out
    (sheets / "again.yaml").unlink()
    (change,) = json.loads(cnn("grade", key, sheets, "-o", marks, "--format", "json").out)["changes"]
    assert (change["student"], change["question"], change["before"], change["after"]) == ("Ann", "c1.params", "2", "0")
    assert "no mark changed since the last grading" in cnn("grade", key, sheets, "-o", marks, "--format", "csv").err
    (marks / "results.json").write_text("{")
    assert "changed" not in cnn("grade", key, sheets, "-o", marks).out


def test_answers_of_a_classmate_s_variant_are_reported(cnn: Run, tmp_path: Path) -> None:
    keys, sheets = tmp_path / "keys", tmp_path / "sheets"
    for folder in (keys, sheets):
        folder.mkdir()
    sizes = {"Ann": (20, 30, 40), "Bob": (22, 32, 42), "Cem": (24, 34, 44)}
    given = {"Ann": "Bob", "Bob": "Bob", "Cem": "Cem"}
    for student, own in sizes.items():
        asked = [f"  q{n}: {{points: 1, solve: {{input: {size}, kernel: 3}}}}\n" for n, size in enumerate(own)]
        (keys / f"{student}.yaml").write_text(f"student: {student}\nquestions:\n{''.join(asked)}")
        answers = [f"  q{n}: {size - 2}\n" for n, size in enumerate(sizes[given[student]])]
        (sheets / f"{student}.yaml").write_text(f"student: {student}\nanswers:\n{''.join(answers)}")
    out = " ".join(cnn("grade", keys, sheets).out.split())
    assert "3 of 3 wrong answers of Ann (q0, q1, q2) are correct for Bob; on average 1.5 are correct" in out
    assert "wrong answers of Bob" not in out and "wrong answers of Cem" not in out


REVIEW_KEY = "questions: {why: {manual: {formula: 2, result: 1}}, name: {text: ReLU}}\n"


def test_a_review_changes_marks_of_all_alike_and_its_files_are_no_sheets(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text(REVIEW_KEY)
    for student, name in (("ann", "Rectifier"), ("bob", "rectifier "), ("cyd", "tanh")):
        (tmp_path / f"{student}.yaml").write_text(f"student: {student}\nanswers: {{why: because, name: '{name}'}}\n")
    queue, call = (
        tmp_path / "queue.yaml",
        ("grade", tmp_path / "key.yaml", tmp_path, "--review", tmp_path / "queue.yaml"),
    )
    first = cnn(*map(str, call), "--format", "csv")
    assert f"{queue}: 3 answers to review (1 to be graded, 2 not accepted)" in first.err
    assert "--review queue.yaml" in cnn("grade", tmp_path / "key.yaml", tmp_path / "ann.yaml").err
    assert [line.split(",")[:4] for line in first.out.splitlines()[1:]] == [
        [student, "pending", "0", "0"] for student in ("ann", "bob", "cyd")
    ]
    text = queue.read_text()
    text = text.replace("    verdict:\n", "    verdict: {formula: 2, result: 0.5}\n", 1)
    at = text.index("ectifier")
    queue.write_text(text[:at] + text[at:].replace("verdict:", "verdict: correct", 1))
    second = cnn(*map(str, call), "--format", "csv")
    assert f"{queue}: 2 verdicts applied to 5 answers\n{queue}: 1 answer to review (1 not accepted)" in second.err
    marks = [line.split(",")[:4] for line in second.out.splitlines()[1:]]
    assert marks == [["ann", "2.5", "1", "3.5"], ["bob", "2.5", "1", "3.5"], ["cyd", "2.5", "0", "2.5"]]
    before = queue.read_bytes()
    one = [str(tmp_path / name) for name in ("key.yaml", "bob.yaml")]
    cnn("grade", *one, "--gradescope", str(tmp_path / "r.json"), "--review", str(queue))
    results = json.loads((tmp_path / "r.json").read_text())
    assert results["score"] == 3.5 and "by the teacher's review" in results["tests"][1]["output"]
    assert queue.read_bytes() == before  # one sheet does not change the queue of the class
    missing = cnn("grade", *one, "--gradescope", str(tmp_path / "r.json"), "--review", str(tmp_path / "no.yaml"))
    assert missing.code == 2 and "no.yaml: no such file" in missing.err
