"""Slips are named only at their exact distances, and mistakes in words are grouped."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.mistakes.matching import explanations, likely, slips

some = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@some
@given(st.integers(2, 10**6), st.integers(-3, 3), st.integers(-6, 6))
def test_a_number_is_a_slip_at_distance_1_or_by_a_power_of_ten_up_to_1000(value: int, off: int, power: int) -> None:
    assert slips(value, value + off) == (["off_by_one"] if abs(off) == 1 else [])
    shifted = value * Fraction(10) ** power
    assert slips(value, shifted) == (["factor_ten"] if 1 <= abs(power) <= 3 else [])
    assert slips(value, 2 * shifted) == [] == slips("does not fit", value) == slips(0, value)


@some
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(-2, 2)), min_size=1, max_size=4))
def test_a_shape_is_a_slip_where_every_wrong_axis_is_off_by_one(axes: list[tuple[int, int]]) -> None:
    expected, given_shape = tuple(size for size, _ in axes), tuple(size + off for size, off in axes)
    distances = {abs(off) for _, off in axes} - {0}
    assert slips(expected, given_shape) == (["off_by_one"] if distances == {1} else [])


@some
@given(st.dictionaries(st.sampled_from(["a", "b", "a+b", "b+c", "c"]), st.integers(1, 3) | st.none()))
def test_pairs_explain_only_what_no_single_mistake_does(candidates: dict[str, int | None]) -> None:
    for value in (1, 2, 3):
        singles = [name for name, other in candidates.items() if other == value and "+" not in name]
        pairs = [name for name, other in candidates.items() if other == value and "+" in name]
        assert explanations(candidates, value) == (singles or pairs)
    assert explanations(candidates, None) == []


def test_ways_to_make_one_mistake_are_grouped_and_at_most_three_are_named() -> None:
    ways = [f"wrong_flatten#flattened pool{at}" for at in range(5)]
    for count in range(6):
        text = likely(ways[:count])
        named = [way.partition("#")[2] for way in ways[: min(count, 3)]]
        assert text == (f"{likely(['wrong_flatten'])} ({'; '.join(named)})" if count else "")
    assert likely(["forgot_bias", *ways[:1], "off_by_one"]).split(", or ") == [
        likely(["forgot_bias"]), likely(ways[:1]), "was off by one",
    ]  # fmt: skip
    both = likely(["wrong_flatten#flattened pool1+forgot_bias"])
    assert ", and " in both and "flattened pool1" in both and ", or " not in both
