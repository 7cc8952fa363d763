"""Answers in any unit of the asked dimension, in every way to write them, against products of their own."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.question_types.numeric import NumericQuestion
from cnncli.homework.question_types.quantities import OtherUnit, in_unit
from cnncli.homework.question_types.tolerance import Tolerance

SMALL = {"n": Fraction(1, 10**9), "µ": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1)}
LARGE = {"": 1, "k": 1000, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
TABLES = [
    {f"{prefix}s": size for prefix, size in SMALL.items()} | {"min": 60, "h": 3600, "milliseconds": SMALL["m"]},
    {f"{prefix}B": size for prefix, size in (LARGE | BINARY).items()} | {"bytes": 1, "MByte": 10**6, "kibibytes": 1024},
    *({f"{prefix}{unit}": size for prefix, size in LARGE.items()} for unit in ("FLOPs", "MACs", "Hz", "FLOP/s")),
    *({f"{prefix}{unit}": size for prefix, size in (SMALL | LARGE).items()} for unit in ("W", "J")),
    {f"{prefix}m": size for prefix, size in SMALL.items()} | {"km": 1000, "cm": Fraction(1, 100)},
]
WAYS = [
    "{0} {1}", "{0}{1}", "{0} {1} per image", "{0} {1} in total", "{0} {1} (float32)", "({0} {1})", "{0}~{1}",
    "${0}$ {1}",
    r"${0}\,\mathrm{{{1}}}$", "**{0} {1}**", r"\SI{{{0}}}{{{1}}}", "x = {0} {1}", "about {0} {1}.", "{0} [{1}]",
    "{0} {1} for each zebra",
]  # fmt: skip
some = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@some
@given(st.data(), st.sampled_from(TABLES), st.sampled_from(WAYS), st.integers(1, 999))
def test_a_quantity_is_right_in_every_unit_and_way_to_write_it_and_wrong_where_a_prefix_is_missed(
    data: st.DataObject, table: dict[str, Fraction], way: str, number: int
) -> None:
    asked, written = data.draw(st.sampled_from([*table])), data.draw(st.sampled_from([*table]))
    right = Fraction(number) * table[written] / table[asked]
    question = NumericQuestion(right, str(right), Tolerance(Fraction(1, 100), True), asked)
    assert question.judge("q", way.format(number, written)).correct
    for factor in (1000, 1024):
        assert not question.judge("q", way.format(number * factor, written)).correct
        wrong = question._replace(value=right * factor, text=str(right * factor))
        is_habit = "iB" in asked and written in ("kB", "MB", "GB")  # KB as 1024 bytes
        assert wrong.judge("q", way.format(number, written)).correct <= (is_habit and factor == 1024)


@pytest.mark.parametrize(
    ("asked", "given", "read"),
    [
        ("KiB", "246824 bytes = 241.04 KiB", "246824*1/1024 = 241.04"),
        ("KiB", "241.04 KiB (246824 bytes)", "246824*1/1024 = 241.04"),
        ("KiB", "61706*4 = 246824 B", "61706*4*1/1024 = 246824*1/1024"),
        ("KiB", "(61550+156)*4 B", "((61550+156)*4)*1/1024"),
        ("ms", "2 ms + 1300 µs", "2 + 1300*1/1000"),
        ("ms", "t in µs = 3300", "t in = 3300*1/1000"),
        ("m", "3 m", "3"),
        ("s", "2 min 300 s", "2*60/1+300"),
        ("s", "1h and 2 min", "1*3600/1+2*60/1"),
    ],
)
def test_each_side_of_an_answer_is_converted(asked: str, given: str, read: str) -> None:
    assert in_unit(given, asked).text == read


def test_the_case_of_a_unit_counts_where_it_has_a_meaning() -> None:
    asked = {"ms": ("3 Ms", "3 MS", "3 mS"), "MiB": ("3 mb", "3 Mb", "3 mib"), "mW": ("3 mw",)}
    for unit, texts in asked.items():
        question = NumericQuestion(Fraction(3), "3", None, unit)
        assert question.judge("q", f"3 {unit}").correct
        for text in texts:
            assert question.judge("q", text).is_unreadable and not question.judge("q", text).correct
    assert NumericQuestion(Fraction(3), "3", None, "mW").judge("q", "3 MW").status == "wrong"
    for text in ("3 KB", "3 kB", "3 Kb", "3 KBytes", "3 kilobytes", "3 KILOBYTES"):
        assert NumericQuestion(Fraction(3), "3", None, "kB").judge("q", text).correct
    verdict = NumericQuestion(Fraction(3), "3", None, "ms").judge("q", "3 Ms")
    assert verdict.remarks == ("could not be read: Ms is not a unit, but ms is",)


def test_a_number_in_words_is_never_read_in_another_unit_than_its_own() -> None:
    question = NumericQuestion(Fraction(3), "3", None, "ms")
    assert question.judge("q", "three ms").correct and question.judge("q", "three milliseconds").correct
    assert not question.judge("q", "three seconds").correct and not question.judge("q", "three s").correct


def test_a_kilobyte_may_have_1024_bytes_where_kibibytes_are_asked_with_a_remark_for_the_review() -> None:
    assert NumericQuestion(Fraction(3), "3", None, "KiB").judge("q", "3 KB").remark == "3 KB read as 3"
    assert not NumericQuestion(Fraction(3), "3", None, "kB").judge("q", f"{3 * 1000 / 1024} KB").correct


@pytest.mark.parametrize(
    ("given", "asked"), [("3.3 per ms", "ms"), ("3.3/ms", "ms"), ("3.3 pro s", "ms"), ("5 / kB", "B")]
)
def test_a_number_per_unit_is_no_quantity_in_it(given: str, asked: str) -> None:
    with pytest.raises(OtherUnit, match="per "):
        in_unit(given, asked)
    assert in_unit("3.3 ms per image", "ms").text.startswith("3.3")
