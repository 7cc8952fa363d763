"""Regular expressions without backtracking, compared with Python's."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.question_types.pattern import LONGEST_TEXT, BadPattern, compile_pattern

some = settings(max_examples=40, deadline=None, derandomize=True, database=None)
atoms = st.sampled_from(["a", "b", "1", ".", "[ab]", "[^a]", "[a-c1]", r"\d", r"\w", r"\D", r"\.", "[]a]", r"[\d-]"])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@some
@given(expressions, st.lists(st.text("abcAB1.-_]", max_size=6), min_size=5, max_size=5))
def test_a_pattern_matches_the_texts_that_python_matches_in_either_case(expression: str, texts: list[str]) -> None:
    pattern = compile_pattern(f"^{expression}$")
    for text in texts:
        assert pattern.matches(text) == bool(re.fullmatch(expression, text, re.IGNORECASE)), (expression, text)


@pytest.mark.parametrize("expression", ["(a+)+b", "(a*)*(a*)*b", "(a|a)*b", "(a?){200}b", "(.*a){20}"])
def test_no_pattern_hangs_on_the_longest_text(expression: str) -> None:
    start = time.process_time()
    assert not compile_pattern(expression).matches("a" * (LONGEST_TEXT - 1) + "c")
    assert time.process_time() - start < 2
    assert not compile_pattern(".*").matches("a" * (LONGEST_TEXT + 1))


def test_spaces_in_a_row_are_one_and_those_around_do_not_count() -> None:
    assert compile_pattern("max pooling").matches("  Max \n pooling ")
    assert not compile_pattern("max pooling").matches("maxpooling")


@pytest.mark.parametrize(
    "text",
    ["a)", "(a", "[a", "*a", "a**", "a|*", r"\b", "a\\", "(?=a)", r"(a)\1", "a$b", "b^", "a{3,2}", "a{2000}", "[b-a]",
     "(" * 40 + ")" * 40, "a" * 400, "(a{99}){99}"],
)  # fmt: skip
def test_what_is_not_supported_is_refused_with_what_is_wrong(text: str) -> None:
    with pytest.raises(BadPattern, match=r"^(has|is|repeats) "):
        compile_pattern(text)
