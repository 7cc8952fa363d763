"""Slips are named only at their exact distances, and mistakes in words are grouped."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnncli.homework.mistakes.matching import explanations, likely, slips
from cnncli.homework.mistakes.table import MISTAKES, SIZES
from cnncli.homework.mistakes.texts import described
from cnncli.homework.mistakes.wrong_values import WrongValues

some = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@some
@given(st.integers(2, 10**6), st.integers(-3, 3), st.integers(-6, 6))
def test_a_number_is_a_slip_at_distance_1_or_where_its_digits_show_a_power_of_ten_up_to_1000(
    value: int, off: int, power: int
) -> None:
    assert slips(value, value + off) == (["off_by_one"] if abs(off) == 1 else [])
    shifted, digits = value * Fraction(10) ** power, str(value).rstrip("0")
    is_slip = 1 <= abs(power) <= 3 and len(digits) >= 3
    assume(abs(shifted - value) != 1)
    assert slips(value, shifted) == (["factor_ten"] if is_slip else [])
    assert slips(value, 2 * shifted) == [] == slips("does not fit", value) == slips(0, value)


@some
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(-2, 2)), min_size=1, max_size=4))
def test_a_shape_is_a_slip_where_every_wrong_axis_is_off_by_one(axes: list[tuple[int, int]]) -> None:
    expected, given_shape = tuple(size for size, _ in axes), tuple(size + off for size, off in axes)
    distances = {abs(off) for _, off in axes} - {0}
    assert slips(expected, given_shape) == (["off_by_one"] if distances == {1} else [])


@some
@given(st.dictionaries(st.sampled_from(["a", "b", "a+b", "b+c", "c", "macs_per_batch#of 4"]), st.integers(1, 3)))
def test_pairs_and_rare_mistakes_explain_only_what_no_other_single_mistake_does(candidates: dict[str, int]) -> None:
    for value in (1, 2, 3):
        found = [name for name, other in candidates.items() if other == value]
        singles = [name for name in found if name in "abc"]
        assert {*explanations(candidates, value)} == {*(singles or found)}
    assert explanations(candidates, None) == []


def test_alternatives_are_joined_by_or_and_two_mistakes_made_together_by_and() -> None:
    assert likely([]) == ""
    assert likely(["forgot_bias"]) == "forgot the biases"
    assert likely(["forgot_bias", "off_by_one"]) == "either forgot the biases, or was off by one"
    assert likely(["padding_ignored+stride_ignored"]) == "both ignored the padding and ignored the stride"
    assert likely(["padding_ignored+forgot_bias", "stride_ignored+forgot_bias"]) == (
        "either both ignored the padding and forgot the biases, or both ignored the stride and forgot the biases"
    )


@some
@given(st.integers(0, 12))
def test_the_ways_to_make_one_mistake_are_grouped_and_at_most_three_are_named(count: int) -> None:
    ways = [f"total_missing_or_double#without c{at}" for at in range(count)]
    named = ["c0", "c0 or c1", "c0, c1 or c2", "c0, c1, c2 or c3", f"c0, c1, c2 or {count - 3} others"]
    assert likely(ways) == (f"left {named[min(count, 5) - 1]} out of the sum" if count else "")


@some
@given(st.lists(st.sampled_from(sorted(SIZES)), unique=True, min_size=1))
def test_at_most_four_mistakes_are_described_and_the_others_counted(names: list[str]) -> None:
    text = likely(names)
    assert all(described(name) in text for name in names[:4])
    assert (len(names) > 5) == ("other mistakes" in text)
    assert (f"or made one of {len(names) - 4} other mistakes" in text) == (len(names) > 5)


@some
@given(st.lists(st.sampled_from(sorted(MISTAKES)), unique=True))
def test_candidates_are_in_the_order_of_the_table_and_leave_the_correct_value_out(names: list[str]) -> None:
    found = WrongValues(lambda: {name: at for at, name in enumerate(names)}, (0,))
    order = [*MISTAKES]
    keys = [(MISTAKES[name].likelihood, order.index(name)) for name in found]
    assert keys == sorted(keys) and {*found} == {*names[1:]}


def test_candidates_are_calculated_when_they_are_first_asked_for() -> None:
    calls: list[int] = []
    found = WrongValues(lambda: (calls.append(1), {"forgot_bias": 3})[1])
    assert not calls
    assert found["forgot_bias"] == 3 and len(found) == 1 and dict(found) == {"forgot_bias": 3} and calls == [1]
