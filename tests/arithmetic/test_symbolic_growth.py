"""How symbolic sizes grow, and which conditions on them hold: against their values at many sizes."""

from __future__ import annotations

import re
from itertools import product
from math import prod

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cnncli.arithmetic.shape import common_divisor, larger, smaller
from cnncli.arithmetic.size import Undecided
from cnncli.arithmetic.symbolic import SymbolicSize, letter, value_of
from cnncli.arithmetic.symbolic.growth import is_linear, is_monotone, period, slope, trend
from cnncli.arithmetic.symbolic.size_comparison import sign_everywhere
from cnncli.arithmetic.symbolic.solving import condition_for_equality, smallest

thorough = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
H = letter("H")
letters = st.sampled_from([H, letter("W")])


@st.composite
def sums(draw: st.DrawFn, most_letters: int = 2) -> SymbolicSize:
    """Sums of letters, floors, bounds and common divisors with small coefficients, of one or two letters."""
    total: SymbolicSize = draw(st.integers(-6, 6))
    several = most_letters > 1 and draw(st.booleans())
    for _ in range(draw(st.integers(1, 3))):
        name = draw(letters) if several else H
        count, number, shift = draw(st.integers(-2, 2)), draw(st.integers(1, 4)), draw(st.integers(-3, 3))
        atom = draw(
            st.sampled_from(
                [
                    lambda n=name: n,
                    lambda n=name, s=shift, d=number: (n + s) // d,
                    lambda n=name, s=shift, d=number: (s * n + 1) // d,
                    lambda n=name, s=shift, d=number: larger(n % (d + 1), s),
                    lambda n=name, s=shift, d=number: smaller(n % (d + 1), s),
                    lambda n=name, s=shift, d=number: larger((n + s) // d, s),
                    lambda n=name, s=shift, d=number: larger(n // d, n + s),
                    lambda n=name, s=shift, d=number: smaller((n + s) // 2, n // d),
                    lambda n=name, s=shift, d=number: common_divisor(n + s, d),
                ]
            )
        )()
        total = total + count * atom
    assume(isinstance(total, SymbolicSize))
    return total


def grown(size: SymbolicSize, start: int, name: str, by: int) -> int:
    """How much it changes when one letter grows from a size by some more."""
    values = dict.fromkeys(size.letters, start)
    return size.at(values | {name: start + by}) - size.at(values)


@settings(thorough, max_examples=100)
@given(sums())
def test_the_slope_and_the_period_say_how_a_size_grows_and_the_trend_where_it_goes(size: SymbolicSize) -> None:
    length = period(size)
    for name in size.letters:
        for start in (500, 503, 507):
            assert grown(size, start, name, length) == slope(size, name) * length
    try:
        direction = trend(size)
    except Undecided:
        rates = {slope(size, name) > 0 for name in size.letters if slope(size, name)}
        assert len(rates) == 2
        return
    ends = [size.at(dict.fromkeys(size.letters, value)) for value in range(10**6, 10**6 + 24)]
    assert direction == (1 if min(ends) > 1000 else -1 if max(ends) < -1000 else 0)


@settings(thorough, max_examples=60)
@given(st.data())
def test_the_trend_of_products_is_where_their_values_go(data: st.DataObject) -> None:
    """Undecided where a factor stays between bounds, has several letters, or the leading products differ in sign."""
    width = letter("W")
    factors = [H, width, H // 2, (width + 3) // 4, H + 2, 2 * width - 5, H % 3, H + width, larger(H // 3, 2)]
    size: SymbolicSize = data.draw(st.integers(-9, 9))
    growing = True
    signs = set()
    for _ in range(data.draw(st.integers(1, 2))):
        chosen = data.draw(st.lists(st.integers(0, len(factors) - 1), min_size=2, max_size=3))
        sign = data.draw(st.sampled_from([-2, -1, 1, 2]))
        signs.add(sign > 0)
        growing &= not {6, 7} & {*chosen}
        size = size + sign * prod(factors[at] for at in chosen)
    assume(isinstance(size, SymbolicSize))
    try:
        direction = trend(size)
    except Undecided:
        assert not growing or len(signs) == 2
        return
    far = range(10**6, 10**6 + 12)
    values = [value_of(size, {"H": rows, "W": columns}) for rows in far for columns in (far[0], far[-1])]
    assert direction == (1 if min(values) > 1000 else -1 if max(values) < -1000 else 0)


@pytest.mark.parametrize("size", [smaller(H % 3, 1), larger(H % 5, 2), smaller(H % 4, H % 3), larger(2, H % 7) + H])
def test_a_bound_of_two_sizes_that_grow_alike_is_linear_and_no_other_is(size: SymbolicSize) -> None:
    assert is_linear(size) and not is_linear(smaller(size + H, 9)) and "(" in str(size)
    assert all(grown(size, start, "H", period(size)) == slope(size, "H") * period(size) for start in range(1, 20))


@settings(thorough, max_examples=100)
@given(sums())
def test_what_is_called_linear_or_monotone_is_so_at_every_size(size: SymbolicSize) -> None:
    length = period(size)
    for name in size.letters:
        if is_linear(size):
            assert all(grown(size, start, name, length) == slope(size, name) * length for start in range(1, 30))
        if is_monotone(size):
            assert all(grown(size, start, name, 1) >= 0 for start in range(1, 50))
    if is_monotone(size):
        assert not is_monotone(-size)


@pytest.mark.parametrize("size", [H, H // 3 + 2, larger(H // 2, 3), smaller(H, 7), 2 * H + (H + 1) // 2, H * 2 // 3])
def test_sums_of_what_never_falls_are_monotone_and_those_of_floors_linear(size: SymbolicSize) -> None:
    assert is_monotone(size) and not is_monotone(-size) and not is_monotone(size - H - H - H)
    assert is_linear(size) == ("max" not in str(size) and "min" not in str(size))


@settings(thorough, max_examples=100)
@given(sums())
def test_a_sign_at_all_sizes_is_that_of_every_value_and_is_found_for_sums_of_floors(size: SymbolicSize) -> None:
    found = sign_everywhere(size)
    names = size.letters
    values = [size.at(dict(zip(names, pair, strict=False))) for pair in product(range(1, 20), repeat=len(names))]
    if found is not None:
        assert (min(values) >= 0) if found == 1 else (max(values) <= 0)
    elif is_linear(size) and period(size) <= 12:
        rates = [slope(size, name) for name in names]
        assert (min(values) < 0 or min(rates) < 0) and (max(values) > 0 or max(rates) > 0)


@settings(thorough, max_examples=100)
@given(st.integers(-2, 3), st.integers(-2, 3), st.integers(-3, 3), st.integers(-3, 3), st.booleans())
def test_the_sign_of_a_product_is_found_where_each_factor_less_its_first_value_has_no_negative_part(
    a: int, b: int, c: int, d: int, split: bool
) -> None:
    width = letter("W")
    size = (a * H + b) * (c * width + d) if split else a * H * width + b * H + c * width + d
    assume(isinstance(size, SymbolicSize))
    found = sign_everywhere(size)
    values = [value_of(size, {"H": height, "W": w}) for height in range(1, 8) for w in range(1, 8)]
    far = [value_of(size, {"H": height, "W": w}) for height in (1, 999) for w in (1, 999)]
    if found is not None:
        assert min(values + far) >= 0 if found == 1 else max(values + far) <= 0
    if not split:
        for sign in (1, -1):  # in H - 1 and W - 1
            parts = [sign * a, sign * (a + b), sign * (a + c), sign * (a + b + c + d)]
            if min(parts) >= 0:
                assert found == sign or max(map(abs, parts)) == 0


@settings(thorough, max_examples=50)
@given(sums(1), sums(1))
def test_a_condition_for_equality_holds_at_exactly_the_sizes_where_two_are_equal(
    one: SymbolicSize, other: SymbolicSize
) -> None:
    difference = one - other
    assume(isinstance(difference, SymbolicSize))
    said = condition_for_equality(one, other)
    assert said == condition_for_equality(other, one)
    equal = [size for size in range(1, 160) if difference.at({"H": size}) == 0]
    if not said:
        assert not equal or not is_linear(difference)
        return
    found = re.fullmatch(r"H (?:mod (\d+) )?= (.*?)(?:, … \((\d+) remainders\))?", said)
    assert found is not None
    numbers = [int(number) for number in re.findall(r"\d+", found[2])]
    wanted = sorted({size % int(found[1]) for size in equal}) if found[1] else equal
    assert numbers == (wanted[: len(numbers)] if found[3] else wanted)
    assert len(wanted) == (int(found[3]) if found[3] else len(numbers))


@pytest.mark.parametrize(
    ("one", "said"),
    [(larger(H // 2, 3), "H = 16 or 17"), (larger(H, 3), "H = 8"), (H + larger(H, 5), "H = 3"), (H + H // 2, "")],
)
def test_sizes_that_never_fall_are_compared_by_either_side(one: SymbolicSize, said: str) -> None:
    assert condition_for_equality(one, 8) == condition_for_equality(8, one) == said


@settings(thorough, max_examples=40)
@given(st.lists(sums(1), min_size=1, max_size=3))
def test_the_smallest_size_is_the_first_from_which_on_all_conditions_hold(conditions: list[SymbolicSize]) -> None:
    growing = [size for size in conditions if size.letters == ("H",) and is_linear(size) and slope(size, "H") > 0]
    assume(growing)
    negative = [at for at in range(1, 200) if any(size.at({"H": at}) < 0 for size in growing)]
    assert smallest([*growing, 3, letter("W") - 9], "H") == max(negative, default=0) + 1


@pytest.mark.parametrize("bend", [3, 7, 12])
def test_a_size_at_which_two_are_equal_is_not_extrapolated_over_a_bend(bend: int) -> None:
    assert condition_for_equality(H - smaller(H, bend), 8) in ("", f"H = {8 + bend}")
