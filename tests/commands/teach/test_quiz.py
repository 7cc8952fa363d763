"""cnn quiz, as a teacher and a student run it."""

from __future__ import annotations

import json
from pathlib import Path

from program import Run, run_process


def test_a_quiz_is_printed_with_and_without_solutions(cnn: Run) -> None:
    quiz = cnn("quiz", "--seed", "7", "--topics", "sizes,parameters", "--questions", "2")
    assert quiz.code == 0 and quiz.out.startswith("# Quiz\n\n## q1 (1 point)\n\nAn input of ")
    assert "What is the output size per side? ____________" in quiz.out and "7" not in quiz.out.split("\n")[0]
    solutions = cnn("quiz", "--seed", "7", "--topics", "sizes,parameters", "--questions", "2", "--solutions").out
    assert "- not " in solutions and " / " in solutions


def test_all_forms_are_written_and_the_answers_pass_the_check(cnn: Run, tmp_path: Path) -> None:
    folder = tmp_path / "quiz"
    assert cnn("quiz", "--seed", "3", "-o", folder).code == 0
    assert len([*folder.iterdir()]) == 12
    marks = json.loads(cnn("grade", folder / "key.yaml", folder / "answers.yaml", "--format", "json").out)
    assert marks["students"][0]["points"] == marks["out_of"]
    unknown = cnn("check", folder / "sheet.yaml")
    assert unknown.code == 2 and "no architecture" in unknown.err and not unknown.out
    assert cnn("quiz", "--seed", "3", "-o", folder, "--practice").code == 0
    assert cnn("check", folder / "answers.yaml").code == 0
    assert cnn("check", folder / "sheet.yaml", "--hide-answers").code == 1


def test_the_secret_of_a_class_is_kept_and_draws_what_the_seed_does_not(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text("student\ns-1\n")
    arguments = ("--per-student", tmp_path / "class.csv", "--questions", 3)
    first = cnn("quiz", *arguments, "-o", tmp_path / "q")
    assert first.code == 0 and "secret.txt" in first.out
    key = (tmp_path / "q" / "keys" / "s-1.yaml").read_text()
    assert cnn("quiz", *arguments, "-o", tmp_path / "q").code == 0
    assert (tmp_path / "q" / "keys" / "s-1.yaml").read_text() == key
    arguments = ("--student", "s-1", "--questions", 3, "--format", "key")
    assert cnn("quiz", *arguments).out != key
    assert cnn("quiz", *arguments, "--secret", tmp_path / "q" / "secret.txt").out == key


def test_a_note_says_that_a_seed_can_be_guessed(cnn: Run, tmp_path: Path) -> None:
    assert "guesses the seed" in cnn("quiz", "-o", tmp_path / "q", "--questions", 1).err
    assert not cnn("quiz", "-o", tmp_path / "q", "--questions", 1, "--secret", "correct horse battery").err


def test_invalid_points_and_secrets_are_errors(cnn: Run) -> None:
    for option, text, said in (
        ("--points", "two", "'two' is not a whole number of points"),
        ("--points", "fields=0.5", "is not a whole number of points"),
        ("--points", "2,3", "twice for all topics"),
        ("--points", "feilds=2", "no questions about 'feilds'"),
        ("--secret", "2026", "4 characters and could be guessed"),
        ("--secret", "none/secret.txt", "no such file"),
    ):
        ended = cnn("quiz", option, text)
        assert ended.code == 2 and said in ended.err


def test_writing_does_not_follow_links(cnn: Run, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("student\nann\n")
    for number, arguments in enumerate(((), ("--per-student", roster))):
        folder, victim = tmp_path / f"out{number}", tmp_path / "victim"
        assert cnn("quiz", "--seed", 1, "--questions", 2, *arguments, "-o", folder).code == 0
        names = [path for path in folder.rglob("*") if path.is_file()]
        victim.write_text("mine")
        for path in names:
            path.unlink()
            path.symlink_to(victim)
        assert cnn("quiz", "--seed", 1, "--questions", 2, *arguments, "-o", folder).code == 0
        assert victim.read_text() == "mine"
        assert names and not any(path.is_symlink() for path in names)


def test_each_student_has_a_quiz_and_is_graded_by_its_key(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text("student,name\ns-1,Ann\ns-2,Bob\n")
    folder = tmp_path / "q"
    assert cnn("quiz", "--per-student", tmp_path / "class.csv", "-o", folder, "--questions", "3").code == 0
    for name in ("s-1", "s-2"):
        (tmp_path / "in").mkdir(exist_ok=True)
        arguments = ("--secret", folder / "secret.txt", "--questions", "3", "--format", "yaml", "--solutions")
        filled = cnn("quiz", "--student", name, *arguments).out
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
