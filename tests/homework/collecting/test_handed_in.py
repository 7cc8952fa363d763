"""What a class handed in, as platforms give it: who handed in which answers, within limits for hostile archives."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from program import Run

from cnncli.errors import CnnError
from cnncli.homework.collecting import handed_in
from cnncli.homework.collecting.forms import form_rows
from cnncli.homework.collecting.handed_in import HandedIn, collect
from cnncli.homework.collecting.roster import file_names, read_roster
from cnncli.homework.collecting.submitters import Submitter, same_name
from cnncli.homework.grading.grade import GradedSubmission
from cnncli.homework.grading.submissions import grade_files, read_keys

SHEET = "answers:\n  c1.params: 156\n"
EXPORT = """\
---
submission_1:
  :submitters:
  - :name: Ann Miller
    :sid: '101'
    :email: ann@x.edu
  :created_at: 2026-02-01 00:00:00 Z
  :history:
  - :id: 9
    :name: Zoe
submission_2:
  :submitters:
  - :name: Bob Lee
    :sid: '102'
  - :name: "Cleo"
"""
Files = dict[str, str]


def class_of(folder: Path, files: Files, *, zipped: bool = False) -> Path:
    if zipped:
        with zipfile.ZipFile(folder / "class.zip", "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return folder / "class.zip"
    for name, text in files.items():
        (folder / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "class" / name).write_text(text, encoding="utf-8")
    return folder / "class"


def read_all(path: Path) -> tuple[list[HandedIn], list[str]]:
    skipped: list[str] = []
    return collect(path, lambda file, reason: skipped.append(f"{file.name}: {reason}")), skipped


def given(found: HandedIn) -> dict[str, str] | str:
    try:
        return {question.name: question.given for question in found.read().questions}
    except CnnError as error:
        return str(error)


PLATFORMS: dict[str, tuple[Files, list[str]]] = {
    "Canvas": ({"millerann_101_2001_hw.yaml": SHEET, "leebob_LATE_102_2002_hw-1.txt": "c1.params = 156",
                "zoe_103_text.html": "<p>c1.params: 156</p>"}, ["leebob", "millerann", "zoe"]),
    "Moodle": ({"Ann Miller_7_assignsubmission_file_/hw.yaml": SHEET, "Bob_8_assignsubmission_file_a_9_b.yaml": SHEET,
                "Cleo_9_assignsubmission_onlinetext_/onlinetext.html": "<p>c1.params: 156</p>"},
               ["Ann Miller", "Bob", "Cleo"]),
    "Gradescope": ({"export/submission_metadata.yml": EXPORT, "export/submission_1/hw.yaml": SHEET,
                    "export/submission_2/a/hw.yaml": SHEET}, ["Ann Miller", "Bob Lee", "Cleo"]),
}  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_sheet_of_a_platform_has_its_student(tmp_path: Path, platform: str, zipped: bool) -> None:
    files, students = PLATFORMS[platform]
    found, skipped = read_all(class_of(tmp_path, files, zipped=zipped))
    assert [one.submitter.shown if one.submitter else "" for one in found] == students and skipped == []
    assert all(given(one) == {"c1.params": "156"} for one in found)


def test_names_that_look_alike_are_no_names_of_a_platform(tmp_path: Path) -> None:
    files = {"hw_3_2026_ann.yaml": SHEET, "hw_3_2026_bob.yaml": SHEET}
    assert [one.submitter for one in read_all(class_of(tmp_path, files))[0]] == [None, None]
    metadata = {
        "export/submission_1/submission_metadata.yml": EXPORT.replace("Ann Miller", "Eve"),
        **PLATFORMS["Gradescope"][0],
    }
    found, _ = read_all(class_of(tmp_path, metadata, zipped=True))  # a student describes the folder of another
    assert {one.submitter.shown for one in found if one.submitter} == {"Ann Miller", "Bob Lee", "Cleo"}


def test_every_file_is_a_submission_or_told(tmp_path: Path) -> None:
    files = {"ann.yaml": SHEET, "ann.pdf": "%PDF", "bob.pdf": "%PDF", "cleo.docx": "no", "README.md": "hi",
             ".DS_Store": "", "__MACOSX/ann.yaml": SHEET, "dan.txt": "", "eve": SHEET}  # fmt: skip
    found, skipped = read_all(class_of(tmp_path, files, zipped=True))
    assert skipped == [".DS_Store: a hidden file", "ann.yaml: a hidden file", "README.md: not a submission",
                       "ann.pdf: not a sheet; its student handed in a sheet as well"]  # fmt: skip
    told = {Path(one.name).name: given(one) for one in found}
    assert told.pop("ann.yaml") == {"c1.params": "156"}
    assert [*told] == ["bob.pdf", "cleo.docx", "dan.txt", "eve"]
    assert all(any(reason in text for reason in ("not read", "no answers", "empty")) for text in told.values())


def test_hostile_archives_are_refused_or_their_members_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, skipped = read_all(class_of(tmp_path, {"../../up.yaml": SHEET, "ok.yaml": SHEET}, zipped=True))
    assert [Path(one.name).name for one in found] == ["ok.yaml"] and skipped == ["up.yaml: its name leaves the archive"]
    assert [*tmp_path.parent.glob("up.yaml")] == []
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(3):
            archive.writestr(f"{at}.yaml", bytes(17 << 20))
    assert all("larger than 16 MiB" in str(given(one)) for one in read_all(tmp_path / "bomb.zip")[0])
    monkeypatch.setattr(handed_in, "ARCHIVE_LIMIT", 1 << 20)
    with pytest.raises(CnnError, match="larger than 1 MiB"):
        read_all(class_of(tmp_path, {f"{at}.txt": "a" * 900_000 for at in range(2)}, zipped=True))
    (tmp_path / "cut.zip").write_bytes((tmp_path / "bomb.zip").read_bytes()[:-30])
    with pytest.raises(CnnError, match=r"damaged|too early"):
        read_all(tmp_path / "cut.zip")


FORMS = {
    "Google": "Timestamp,Email Address,c1.params,c1.shape [Score],c1.shape\n1,a@x,156,,6x28x28\n2,b@x,,,\n",
    "Microsoft": "ID;Start time;Completion time;Email;Name;c1.params;Points - c1.params;c1.shape\n"
                 "1;;;a@x;Ann;156;1;6x28x28\n2;;;b@x;Bob;;;\n",
    "Moodle": '"Last name","First name","Email address",Status,Started,Completed,"Grade/9",c1.params,c1.shape\n'
              'Li,Ann,a@x,F,,,1,156,6x28x28\nLi,Bob,b@x,F,,,1,-,-\n',
    "Canvas": "name,id,sis_id,section,submitted,attempt,77: c1.params,1.0,78: c1.shape,1.0,n correct,score\n"
              "Ann,1,a@x,s,,1,156,1.0,6x28x28,1.0,2,2\nBob,2,b@x,s,,1,,,,,0,0\n",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("form", FORMS)
def test_each_row_of_a_form_is_a_sheet(form: str, encoding: str) -> None:
    rows = [*form_rows("form.csv", FORMS[form].replace("\n", "\r\n").encode(encoding))]
    assert [{question.name: question.given for question in row.sheet.questions} for row in rows] == [
        {"c1.params": "156", "c1.shape": "6x28x28"}, {"c1.params": "", "c1.shape": ""},
    ]  # fmt: skip
    assert ["a@x" in row.submitter.known_as for row in rows] == [True, False]
    assert [row.line for row in rows] == [2, 3]


@pytest.mark.parametrize("heads", ["Email Address,Full name,name", "Email,Name,name", "Email Address,name",
                                   "name,Email", "name,id,sis_id,5: name"])  # fmt: skip
def test_a_column_that_is_a_question_of_the_key_is_not_the_student(heads: str) -> None:
    cells = {"Full name": "Ann", "Name": "Ann", "id": "7", "sis_id": "a@x", "name": "ReLU", "5: name": "ReLU"}
    cells |= {"name": "Ann"} if "5: name" in heads else {}
    row = ",".join(cells.get(head, "a@x") for head in heads.split(","))
    (found,) = form_rows("form.csv", f"{heads},c1.params\n{row},156\n".encode(), {"name", "c1.params"})
    assert {question.name: question.given for question in found.sheet.questions} == {"name": "ReLU", "c1.params": "156"}
    assert "a@x" in found.submitter.known_as and "ReLU" not in found.submitter.known_as
    with pytest.raises(CnnError, match="column 'name' may be that of the students, or of the question"):
        [*form_rows("form.csv", b"Timestamp,name,c1.params\n1,Ann,156\n", {"name", "c1.params"})]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "name,score\nAnn,5\n", "", "name,q\nAnn,1,2\n", "name,q\nAnn,\0\n" * 2])
def test_a_csv_file_that_is_no_form_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "form.csv").write_text(text)
    found, _ = read_all(tmp_path / "form.csv")
    assert not found or any(isinstance(given(one), str) or given(one) == {"q": ""} for one in found)


# Who is graded ----------------------------------------------------------------------------------------------------


def test_names_are_the_same_in_any_order_and_joined() -> None:
    for one in ("Ann Lee Miller", "Miller, Ann Lee", "millerannlee", "annleemiller"):
        assert same_name(one, "Ann Lee Miller") and same_name("Ann Lee Miller", one)
    assert not any(same_name("Ann Miller", other) for other in ("Ann", "Bob Miller", "Ann Millers", "annmillerx", ""))
    ann = Submitter("Ann Miller", "ann@x.edu", "101")
    for student, other in {
        "": False,
        "ann miller": False,
        "Annie": False,
        "101": False,
        "s-7": True,
        "bob@x": True,
        "Bob": True,
    }.items():
        assert ann.contradicts(student) == other, student
    assert not Submitter("Ann").contradicts("s-7")


def graded(tmp_path: Path, files: Files, roster: str = "") -> list[GradedSubmission]:
    for name, kernel in (("s1", 3), ("s2", 2)):
        (tmp_path / "keys").mkdir(exist_ok=True)
        key = f"student: {name}\nquestions: {{q: {{solve: {{input: 5, kernel: {kernel}}}}}}}\n"
        (tmp_path / "keys" / f"{name}.yaml").write_text(key)
    (tmp_path / "class.csv").write_text(roster or "student,Name\ns1,Ann\ns2,Bob\n", encoding="latin-1")
    keys = read_keys(tmp_path / "keys", lambda path, reason: None)
    found, _ = read_all(class_of(tmp_path, files))
    return [*grade_files(keys, found, read_roster(tmp_path / "class.csv"))]


def test_a_friends_sheet_is_graded_for_neither_key_nor_name(tmp_path: Path) -> None:
    mine, unnamed = "student: s1\nanswers:\n  q: 3\n", "answers:\n  q: 3\n"
    papers = graded(
        tmp_path, {"Ann_1_assignsubmission_file_/a.yaml": mine, "Bob_2_assignsubmission_file_/a.yaml": mine}
    )
    assert [(paper.student, paper.points) for paper in papers] == [("Ann", 1), ("Bob", 0)]
    assert papers[1].problem == "handed in by Bob, but it is the sheet of s1"
    papers = graded(
        tmp_path, {"Ann_1_assignsubmission_file_/a.yaml": unnamed, "Bob_2_assignsubmission_file_/a.yaml": unnamed}
    )
    assert [(paper.points, paper.problem) for paper in papers] == [(1, ""), (0, "")]  # by the keys of s1 and s2


def test_an_address_and_a_name_of_two_students_are_told(tmp_path: Path) -> None:
    roster = 'student,Name,Email\ns1,"Miller, Ann",a@x.org\ns2,Bob,b@x.org\n'
    form = "Email,Name,q\na@x.org,Bob,3\nb@x.org,Bob,3\na@x.org,Ann Miller,3\na@x.org,Annie,3\n"
    papers = graded(tmp_path, {"form.csv": form}, roster)
    told = "`a@x.org` is that of Miller, Ann in the class list, but the name is Bob"
    assert [paper.problem for paper in papers] == [told, "", "", ""]


def test_gradescope_says_who_handed_in_and_every_submission_has_results(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text("architecture: lenet5\nquestions: {c1.params: 1}\n")
    (tmp_path / "submission").mkdir()
    (tmp_path / "results").mkdir()
    users = [{"name": "Bob Lee", "email": "bob@x.edu", "id": 7}]
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"id": 1, "users": users}))
    results = tmp_path / "results" / "results.json"

    def output(name: str, text: str) -> tuple[float, str]:
        for path in (tmp_path / "submission").iterdir():
            path.unlink()
        if name:
            (tmp_path / "submission" / name).write_text(text)
        results.unlink(missing_ok=True)
        assert cnn("grade", tmp_path / "key.yaml", tmp_path / "submission", "--gradescope", results).code == 0
        record = json.loads(results.read_text())
        return record["score"], record.get("output", "")

    assert output("hw.yaml", f"student: Bob\n{SHEET}") == (1, "")
    assert output("hw.yaml", f"student: Ann\n{SHEET}") == (0, "handed in by Bob Lee, but it is the sheet of Ann")
    for name, text, said in (("", "", "no answer sheet was handed in"), ("hw.yaml", "", "empty"),
                             ("hw.pdf", "%PDF", "not read"), ("hw.txt", "hello", "no answers")):  # fmt: skip
        score, told = output(name, text)
        assert said in told and score == 0
    assert output("hw.ipynb", "{")[0] == 0 and output("hw.yaml", "c1.params:156")[0] == 1


def test_a_class_list_identifies_by_number_then_by_name(cnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    text = 'Surname;First name;ID number;"Grade, total"\nMüller;Ann;101;7\nMüller;Ann;102;101\nLee;Bob;103;8\n'
    for encoding in ("latin-1", "utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        roster = read_roster(path)
        for student, number in {"101": "101", "Lee": "103", "Lee, Bob": "103", "bob lee": "103"}.items():
            row = roster.row_of(student)
            assert row is not None and row["ID number"] == number, student
        assert [roster.row_of(student) for student in ("Ann Müller", "Müller", "7", "8", "")] == [None] * 5
        assert roster.row_of_any(("102", "Ann Müller")) == {**roster.rows[1]}
    write = cnn("quiz", "--per-student", path, "--questions", 1, "--topics", "sizes", "-o", tmp_path / "quiz")
    assert write.code == 0, write.err
    assert sorted(key.stem for key in (tmp_path / "quiz" / "keys").iterdir()) == ["101", "102", "103"]
    assert [*file_names(["Ann Müller", "ann Müller", "../x", "a/b", ""])] == [
        "Ann_Müller",
        "ann_Müller-2",
        "_x",
        "a_b",
        "_",
    ]


def test_a_link_of_a_folder_is_not_followed(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text("architecture: lenet5\nquestions: {c1.params: 1}\n")
    folder = class_of(tmp_path, {"ann.yaml": SHEET})
    (folder / "bob.yaml").symlink_to(tmp_path / "key.yaml")
    found, skipped = read_all(folder)
    assert [Path(one.name).name for one in found] == ["ann.yaml"]
    assert skipped == ["bob.yaml: a link, which is not followed"]
    (folder / "ann.yaml").unlink()
    cnn("grade", tmp_path / "key.yaml", folder, "--gradescope", tmp_path / "results.json")
    assert "no answer sheet" in json.loads((tmp_path / "results.json").read_text())["output"]
