"""A locale decides what the separators of a number mean, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnncli.homework.checking.check import check
from cnncli.homework.reading.locales import decimal_separator
from cnncli.homework.submissions.reading import read_sheet


@pytest.mark.parametrize(
    ("locale", "separator"),
    [("de", "comma"), ("de_AT.UTF-8", "comma"), ("de-CH", "point"), ("en", "point"), ("EN-gb", "point"),
     ("pt-BR", "comma"), ("ko", "point"), ("fr-CA", "comma"), ("es-MX", "point"), ("comma", "comma"), ("", "")],
)  # fmt: skip
def test_a_language_or_region_has_its_decimal_separator(locale: str, separator: str) -> None:
    assert decimal_separator(locale) == separator


@pytest.mark.parametrize("locale", ["xx", "deutsch", "1", "[de]"])
def test_an_unknown_locale_of_a_sheet_is_told_and_its_answers_count(tmp_path: Path, locale: str) -> None:
    (tmp_path / "s.yaml").write_text(f"locale: {locale}\narchitecture: lenet5\nanswers: {{c1.params: 156}}\n")
    sheet = read_sheet(str(tmp_path / "s.yaml"))
    assert (sheet.locale, sheet.questions[0].given) == ("", "156")
    assert [note.text.startswith("unknown locale") for note in sheet.notes] == [True]


@pytest.mark.parametrize(
    ("locale", "answer", "right", "remark"),
    [("", "2.416", True, "2.416 read as 2416"), ("de", "2.416", True, ""), ("", "2,416", True, ""),
     ("de", "2,416", True, "2,416 read as 2416"), ("", "2.417", False, ""), ("de", "2.417", False, "")],
)  # fmt: skip
def test_a_separator_that_may_be_a_decimal_one_is_remarked_for_review(
    tmp_path: Path, locale: str, answer: str, right: bool, remark: str
) -> None:
    text = f"locale: {locale}\narchitecture: lenet5\nanswers: {{conv2.params: '{answer}'}}\n"
    (tmp_path / "s.yaml").write_text(text)
    (found,) = check(read_sheet(str(tmp_path / "s.yaml")))
    assert (found.correct, found.remark.partition(";")[0]) == (right, remark)
