"""cnn quiz, as a teacher and a student run it."""

from __future__ import annotations

import json
from pathlib import Path

from program import Run, run_process


def test_a_quiz_is_printed_with_and_without_solutions(cnn: Run) -> None:
    quiz = cnn("quiz", "--seed", "7", "--topics", "sizes,parameters", "--questions", "2")
    assert quiz.code == 0 and quiz.out.startswith("# Quiz 7\n\n## q1\n\nAn input of ")
    assert "Output size: ____________" in quiz.out
    solutions = cnn("quiz", "--seed", "7", "--topics", "sizes,parameters", "--questions", "2", "--solutions").out
    assert "- not " in solutions and " / " in solutions


def test_all_forms_are_written_and_the_answers_pass_the_check(cnn: Run, tmp_path: Path) -> None:
    folder = tmp_path / "quiz"
    assert cnn("quiz", "--seed", "3", "-o", folder).code == 0
    assert len([*folder.iterdir()]) == 12
    assert cnn("check", folder / "answers.yaml").code == 0
    assert cnn("grade", folder / "key.yaml", folder / "answers.yaml").code == 0


def test_writing_does_not_follow_links(cnn: Run, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("student\nann\n")
    for number, arguments in enumerate((("--seed", 1), ("--seed", 1, "--per-student", roster))):
        folder, victim = tmp_path / f"out{number}", tmp_path / "victim"
        assert cnn("quiz", *arguments, "-o", folder).code == 0
        names = [path for path in folder.rglob("*") if path.is_file()]
        victim.write_text("mine")
        for path in names:
            path.unlink()
            path.symlink_to(victim)
        assert cnn("quiz", *arguments, "-o", folder).code == 0
        assert victim.read_text() == "mine"
        assert names and not any(path.is_symlink() for path in names)


def test_each_student_has_a_quiz_and_is_graded_by_its_key(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text("student,name\ns-1,Ann\ns-2,Bob\n")
    folder = tmp_path / "q"
    assert cnn("quiz", "--per-student", tmp_path / "class.csv", "-o", folder, "--questions", "3").code == 0
    for name in ("s-1", "s-2"):
        (tmp_path / "in").mkdir(exist_ok=True)
        filled = cnn("quiz", "--student", name, "--questions", "3", "--format", "yaml", "--solutions").out
        (tmp_path / "in" / f"{name}.yaml").write_text(filled)
    assert (folder / "papers" / "s-1.html").read_text() != (folder / "papers" / "s-2.html").read_text()
    ended = cnn("grade", folder / "keys", tmp_path / "in", "--format", "json")
    record = json.loads(ended.out)
    assert {student["student"]: student["points"] for student in record["students"]} == dict.fromkeys(
        ("s-1", "s-2"), record["out_of"]
    )
    mixed = (tmp_path / "in" / "s-1.yaml").read_text().replace("s-1", "s-2")
    (tmp_path / "in" / "s-2.yaml").write_text(mixed)
    marks = json.loads(cnn("grade", folder / "keys", tmp_path / "in", "--format", "json").out)["students"]
    assert marks[1]["points"] < record["out_of"], "another's answers are not one's own"
    (tmp_path / "in" / "s-3.yaml").write_text(mixed.replace("s-2", "s-3"))
    assert "no key for s-3" in cnn("grade", folder / "keys", tmp_path / "in").err


def test_students_whose_names_look_alike_have_files_of_their_own(cnn: Run, tmp_path: Path) -> None:
    students = ["a b", "a_b", "A/B", "..", ".", "../../x"]
    (tmp_path / "class.csv").write_text("\nstudent\n" + "\n".join(students) + "\n")
    ended = cnn("quiz", "--per-student", tmp_path / "class.csv", "-o", tmp_path / "q", "--questions", "1")
    assert ended.code == 0, ended.err
    for folder in ("papers", "sheets", "solutions", "keys"):
        files = [*(tmp_path / "q" / folder).iterdir()]
        assert len({file.name.lower() for file in files}) == len(students)
        assert not any(file.name.startswith(".") for file in files)
    marked = json.loads(cnn("grade", tmp_path / "q" / "keys", tmp_path / "q" / "sheets", "--format", "json").out)
    assert sorted(student["student"] for student in marked["students"]) == sorted(students)


def test_the_terminal_asks_hints_and_counts(tmp_path: Path) -> None:
    ended = run_process("quiz", "--interactive", "--topics", "sizes", "--questions", "3", stdin="1\n?\n=\n\nq\n")
    assert ended.code == 0
    assert "not yet: " in ended.out and "correct answer: " in ended.out and ended.out.endswith("0 of 2 correct\n")


def test_an_invalid_class_list_gives_an_error_with_the_reason(cnn: Run, tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    for text, said in (
        ("", "no students"),
        ("\n\n", "no students"),
        ("student\na\na\n", "occurs twice"),
    ):
        roster.write_text(text)
        ended = cnn("quiz", "--per-student", roster, "-o", tmp_path / "q")
        assert ended.code == 2 and said in ended.err
    assert "add -o FOLDER" in cnn("quiz", "--per-student", roster).err
