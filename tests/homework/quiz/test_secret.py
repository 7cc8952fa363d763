"""A quiz that is drawn with a secret cannot be drawn without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnncli.errors import CnnError
from cnncli.homework.quiz.quiz import Course, draw
from cnncli.homework.quiz.secret import FILE, kept_secret, key_of, read_secret

LONG = "correct horse battery"


def test_another_secret_or_none_draws_another_quiz() -> None:
    keys = [b"", key_of(LONG), key_of(LONG + "!")]
    texts = {str(draw(Course(1, 4, key=key), "ann").questions) for key in keys}
    assert len(texts) == 3
    assert draw(Course(1, 4, key=key_of(LONG)), "ann") == draw(Course(1, 4, key=key_of(LONG)), "ann")


def test_a_key_has_256_bits_and_takes_time() -> None:
    assert key_of("") == b"" and len(key_of(LONG)) == 32 and key_of(LONG) != key_of(LONG + " ")


def test_a_secret_is_a_file_or_a_long_text(tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(f"{LONG}\n")
    assert read_secret(str(file)) == LONG == read_secret(LONG)
    for text, said in (
        ("short", "5 characters"),
        ("", "0 characters"),
        (str(tmp_path / "none.txt"), "no such file"),
        (str(tmp_path), "not a regular file"),
        (20 * "a", "20 characters .1 different. and could be"),
    ):
        with pytest.raises(CnnError, match=said):
            read_secret(text)
    file.write_text("tiny\n")
    with pytest.raises(CnnError, match="4 characters and could be guessed"):
        read_secret(str(file))


def test_a_folder_keeps_its_secret_which_others_cannot_read(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "new")
    assert len(secret) == 32 and kept_secret(tmp_path / "new") == secret != kept_secret(tmp_path / "other")
    assert (tmp_path / "new" / FILE).stat().st_mode & 0o077 == 0


def test_points_are_those_of_the_topic_or_of_the_course() -> None:
    course = Course(1, 3, "easy", ("sizes", "by_hand", "fields"))
    assert [question.points for question in draw(course).questions] == [1, 2, 1]
    assert [question.points for question in draw(course._replace(points={"": 4, "fields": 7})).questions] == [4, 4, 7]
    assert draw(course._replace(points={"": 4, "fields": 7})).out_of == 15
