"""Answers to numbers, choices, texts and rubrics, each against its own few lines."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.question_types.choice import EACH_ANSWER, NET_CORRECT, ChoiceQuestion
from cnncli.homework.question_types.handed_in import HandedInQuestion
from cnncli.homework.question_types.numeric import NumericQuestion
from cnncli.homework.question_types.pattern import compile_pattern
from cnncli.homework.question_types.text import TextQuestion, normal_text
from cnncli.homework.question_types.tolerance import Tolerance

some = settings(max_examples=15, deadline=None, derandomize=True, database=None)
OPTIONS = {"a": "stride", "b": "zero padding", "c": "bias, shared", "d": "max and mean"}
subsets = st.sets(st.sampled_from([*OPTIONS]), min_size=1).map(frozenset)


@some
@given(subsets, subsets, st.sampled_from([", ", ",", ";", " and ", " ", "\n", ""]), st.booleans(), st.booleans())
def test_options_are_read_in_every_way_to_write_them(
    right: frozenset[str], chosen: frozenset[str], separator: str, listed: bool, capital: bool
) -> None:
    text = separator.join(sorted(chosen))
    written = f"[{text}]" if listed else text
    written = written.upper() if capital and separator != " and " else written
    for rule in ("", NET_CORRECT, EACH_ANSWER):
        question = ChoiceQuestion(OPTIONS, right, several=True, rule=rule)
        verdict = question.judge("q", written)
        assert verdict.correct == (chosen == right)
        hits, errors = len(chosen & right), len(chosen - right)
        states = [(label in chosen) == (label in right) for label in OPTIONS]
        part = {"": Fraction(0), NET_CORRECT: max(Fraction(0), Fraction(hits - errors, len(right))),
                EACH_ANSWER: Fraction(sum(states), 4)}[rule]  # fmt: skip
        assert verdict.credit == (1 if chosen == right else part)


NAMED = {
    "b - zero padding": "b", "**b**": "b", "- b": "b", "a - zero padding": "", "`b`": "b",
    "Option b": "b", "answer: (b)": "b", "option": "",
    "Zero  padding": "b", "(b)": "b", "B.": "b", "b) zero padding": "b", "bias, shared": "c", "max and mean": "d",
    "b) stride": "", "e": "", "pooling": "", "a and e": "",
}  # fmt: skip


@pytest.mark.parametrize(("written", "label"), NAMED.items())
def test_an_option_is_named_by_its_label_or_its_text(written: str, label: str) -> None:
    question = ChoiceQuestion(OPTIONS, frozenset(label or "a"))
    verdict = question.judge("q", written)
    assert verdict.correct == bool(label) and verdict.is_unreadable == (not label)
    assert question.judge("q", "a, b").remarks == ("one option is asked",)
    assert question.judge("q", "").blank


@pytest.mark.parametrize("written", ["a e c", "both a, c and e", "- a\n- c\n- e", "**a**, c et e", "a y c i e"])
def test_several_options_are_listed_in_every_style(written: str) -> None:
    options = {label: f"option {label}" for label in "abcde"}
    assert ChoiceQuestion(options, frozenset("ace"), several=True).judge("q", written).correct


def test_options_that_look_like_labels_are_read_as_options_first() -> None:
    question = ChoiceQuestion({"a": "b", "b": "a", "c": "4"}, frozenset("a"))
    assert question.judge("q", "b").correct and not question.judge("q", "a").correct


def amounts(least: int, most: int) -> st.SearchStrategy[Fraction]:
    return st.integers(least, most).map(lambda number: Fraction(number, 100))


@some
@given(amounts(1, 10**5), amounts(1, 10**5), amounts(0, 50), st.booleans())
def test_a_number_is_right_within_its_tolerance_only(
    value: Fraction, given_number: Fraction, amount: Fraction, relative: bool
) -> None:
    for tolerance in (None, Tolerance(amount, relative)):
        question = NumericQuestion(value, str(float(value)), tolerance)
        most = Fraction(0) if tolerance is None else amount * value if relative else amount
        assert question.judge("q", str(float(given_number))).correct == (abs(given_number - value) <= most)
        assert question.judge("q", str(float(value + most))).correct


UNITS = {
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "µs": Fraction(1, 10**6),
    "min": Fraction(60),
    "seconds": Fraction(1),
}
SIZES = {"KB": 1000, "MB": 10**6, "MiB": 1 << 20, "bytes": 1, "kB": 1000, "kb": 1000}


@pytest.mark.parametrize("table", [UNITS, SIZES])
@some
@given(st.data(), st.integers(1, 999))
def test_a_number_in_another_unit_is_converted(table: dict[str, Fraction], data: st.DataObject, number: int) -> None:
    asked, written = data.draw(st.sampled_from([*table])), data.draw(st.sampled_from([*table]))
    right = Fraction(number) * table[written] / table[asked]
    question = NumericQuestion(right, str(right), None, asked)
    assert question.judge("q", f"{number} {written}").correct
    assert question.judge("q", f"{number}{written}").correct
    assert not question.judge("q", f"{number + 1} {written}").correct
    assert right.denominator > 10**6 or question.judge("q", str(right)).correct  # in the asked unit


def test_a_unit_that_contradicts_is_wrong_with_the_reason() -> None:
    question = NumericQuestion(Fraction(156), "156", None, "parameters")
    assert question.judge("q", "156").correct and question.judge("q", "156 Parameters").correct
    verdict = question.judge("q", "156 bytes")
    assert not verdict.correct and verdict.remarks == ("the unit is bytes, but parameters is asked",)
    assert NumericQuestion(Fraction(75), "75", None, "%").judge("q", "75 percent").correct
    assert question.judge("q", "many").is_unreadable and question.judge("q", " - ").blank
    assert question.judge("q", "1560").mistakes == ("factor_ten",)


@some
@given(st.text("aB 1'.\n-", min_size=1, max_size=8), st.text("aB 1'.\n-", min_size=1, max_size=8))
def test_a_text_is_right_where_it_is_accepted_but_for_case_and_spaces(accepted: str, written: str) -> None:
    right = TextQuestion((accepted,)).judge("q", written).correct
    assert right == (normal_text(accepted) == normal_text(written) != "")
    if normal_text(accepted):
        assert TextQuestion(("other", accepted)).judge("q", f"  “{accepted.strip().upper()}”. ").correct


@pytest.mark.parametrize("mark", ["{}", '"{}"', "«{}».", "**{}**", "`{}`", "*{}*"])
def test_quotation_marks_and_emphasis_around_a_text_do_not_count(mark: str) -> None:
    for question in (TextQuestion((), compile_pattern("weight[- ]sharing")), TextQuestion(("Weight sharing",))):
        assert question.judge("q", mark.format("weight sharing")).correct
        assert not question.judge("q", mark.format("weights sharing")).correct


def test_what_a_person_grades_is_pending_and_only_a_text_can_be_blank() -> None:
    for uploaded in (False, True):
        question = HandedInQuestion({}, uploaded)
        assert question.judge("q", "f = 3").pending
        assert question.judge("q", "").status == ("pending" if uploaded else "blank")


def test_a_separator_means_what_the_locale_says_and_where_both_are_possible_the_right_one_with_a_remark() -> None:
    thousands, small = NumericQuestion(Fraction(2576), "2576"), NumericQuestion(Fraction(2576, 1000), "2.576")
    assert thousands.judge("q", "2.576", "de").remark == "" and thousands.judge("q", "2.576", "de").correct
    assert thousands.judge("q", "2.576").remark == "2.576 read as 2576"
    assert small.judge("q", "2,576").remark == "2,576 read as 2.576"
    assert small.judge("q", "2,576", "de").correct and not small.judge("q", "2,577").correct
    assert thousands.judge("q", "2.576 x 1").remark == "2.576 x 1 read as 2576"
    comma = NumericQuestion(Fraction(33, 10), "3.3", None, "ms").judge("q", "3,3 ms")
    assert comma.correct and comma.remark == ""


def test_numbers_of_any_size_are_read() -> None:
    question = NumericQuestion(Fraction(3), "3", Tolerance(Fraction(1, 100), True), "ms")
    for text in ("9e99 s", "99**300 s", "1" * 400, "٣ ms", "1/0", "NaN", "inf", "\x00"):
        question.judge("q", text)
    assert question.judge("q", "٣ ms").correct


LONG = [part * 50_000 for part in ("a.", '"', " ", "1", "(", "a, ", "1 ", "\\n", "\"'")]


@pytest.mark.parametrize("text", LONG)
def test_no_text_of_a_megabyte_takes_long(text: str) -> None:
    start = time.process_time()
    for question in (
        NumericQuestion(Fraction(3), "3", None, "ms"),
        ChoiceQuestion(OPTIONS, frozenset("a"), several=True),
        TextQuestion(("ReLU",), compile_pattern("(a.)*b")),
        HandedInQuestion({}),
    ):
        assert not question.judge("q", f"x{text}y").correct and not question.judge("q", f"{text}y").correct
    assert time.process_time() - start < 3


def test_true_and_false_may_be_one_letter() -> None:
    question = ChoiceQuestion({"a": "true", "b": "false"}, frozenset("b"))
    assert [question.judge("q", text).correct for text in ("F", "b", "False", "t", "a")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_words_after_a_right_number_are_for_the_review_and_other_units_are_wrong() -> None:
    asked, bare = NumericQuestion(Fraction(33, 10), "3.3", None, "ms"), NumericQuestion(Fraction(3), "3")
    for question, text in ((asked, "3.3 ms per zebra"), (asked, "0.0033 s each time"), (bare, "3 zebras")):
        verdict = question.judge("q", text)
        assert verdict.correct and verdict.remark.startswith(f"{text} read as 3")
    for question, text in ((asked, "3.4 ms per image"), (asked, "3.3 MB per image"), (asked, "3.3 zebras"),
                           (bare, "4 zebras"), (bare, "3 ms"), (bare, "3 seconds each")):  # fmt: skip
        assert not question.judge("q", text).correct, text


def test_a_false_equation_is_for_the_review_and_what_contradicts_a_number_is_wrong() -> None:
    question = NumericQuestion(Fraction(162), "162")
    assert question.judge("n", "81*2=162").remark == "" and question.judge("n", "5+5=162").remark
    for wrong in ("162 does not fit", "does not fit or 162", "a=28, b=162", "16200%"):
        found = question.judge("n", wrong)
        assert not found.correct and found.is_unreadable, wrong
    assert NumericQuestion(Fraction(1, 2), "0.5").judge("n", "50%").correct
    assert NumericQuestion(Fraction(5, 2), "2.5").judge("n", "2.5, not an integer").correct
