"""The search over variables finds what trying every value finds; networks are given by formulas."""

from __future__ import annotations

from itertools import product
from math import inf
from unittest.mock import Mock

import pytest
from formula_networks import Quantities, networks_by, unexceeded
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from cnncli.analysis.solving.axis import MAX_VALUE, SearchAxis, even_step
from cnncli.analysis.solving.budgets import Answer, BudgetSolution, pareto_front, solve
from cnncli.analysis.solving.constraints import Constraints, last_index
from cnncli.errors import CnnError

few = settings(max_examples=40, phases=[Phase.generate], deadline=None, derandomize=True, database=None)
ENOUGH = 4000  # above all answers that are drawn
STEPS = st.sampled_from([1, 2, 3, 7, 60])
small = st.integers(1, 5)
far = st.integers(1, 3000)
more = st.integers(0, 30)


def found(answer: Answer) -> list[tuple[int, ...]]:
    return [tuple(one.values.values()) for one in answer.solutions]


def off(constraints: Constraints, at: Quantities) -> float:
    """The largest ratio by which a constraint is missed, minus 1."""
    each = [getattr(at, name) / most - 1 for name, most in constraints.budgets.items() if getattr(at, name) > most]
    if constraints.receptive_field and at.field < constraints.receptive_field:
        each.append(constraints.receptive_field / at.field - 1)
    if constraints.output_size and at.side != constraints.output_size:
        each.append(abs(at.side / constraints.output_size - 1))
    return max(each, default=0.0)


def is_nearest(answer: Answer, tried: dict[tuple[int, ...], Quantities | None]) -> bool:
    """Whether the network shown in place of a solution is the one, of those tried, that misses by least."""
    by_miss = {(off(answer.constraints, at), values): at for values, at in tried.items() if at is not None}
    at = by_miss[min(by_miss)]
    known = {"params": at.params, "macs": at.macs, "receptive_field": at.field, "output_size": at.side}
    assert answer.nearest is not None
    return tuple(answer.nearest.values.values()) == min(by_miss)[1] and all(
        known[name] == value for name, value in answer.nearest.quantities.items()
    )


# One free variable --------------------------------------------------------------------------------------------------


@few
@given(
    STEPS, small, more, st.booleans(), far, more, st.none() | far, st.integers(0, 2), st.none() | st.integers(1, 900)
)
def test_the_largest_value_within_budgets_is_what_trying_all_finds(
    step: int,
    slope: int,
    least: int,
    square: bool,
    about: int,
    rest: int,
    other: int | None,
    wide: int,
    field: int | None,
) -> None:
    """Budgets may end the search among the values tried one by one, and far beyond."""

    def formula(w: int) -> Quantities | None:
        grown = w * w if square else w
        return None if w % step else Quantities(slope * grown + least, 3 * w, 1 + wide * w)

    budgets = {"params": slope * (about**2 if square else about) + rest}
    constraints = Constraints({**budgets, **({} if other is None else {"macs": 3 * other + 1})}, field)
    with networks_by(formula, {"w": 1}) as (loaded, asked):
        answer = solve(loaded, {"w": None}, constraints)
    valid = {w: at for w in range(1, ENOUGH) if (at := formula(w)) is not None}
    within = [w for w, at in valid.items() if off(constraints._replace(receptive_field=None), at) == 0]
    best = [w for w in within[-1:] if valid[w].field >= (field or 0)]
    assert found(answer) == [(w,) for w in best]
    assert (answer.stopped_at, answer.limited_to, answer.skipped) in (
        ({}, None, None),
        ({}, None, None if best or not within or within[-1] <= 64 else "w"),
    )
    if best:
        after = valid[best[0] + step]
        assert answer.following is not None and answer.following.values == {"w": best[0] + step}
        assert answer.following.quantities["params"] == after.params and answer.nearest is None
        assert answer.solutions[0].quantities["params"] == valid[best[0]].params
    else:
        assert is_nearest(answer, asked) and answer.following is None


@settings(few, max_examples=12)
@given(st.integers(4, 9), st.integers(0, 2), st.integers(1, 2000))
def test_unevenly_spaced_values_are_tried_one_by_one_up_to_a_limit_that_is_named(
    period: int, gap: int, about: int
) -> None:
    def formula(w: int) -> Quantities | None:
        return Quantities(w) if w % period in (0, gap + 1) else None

    assume(period != 2 * (gap + 1))
    with networks_by(formula, {"w": 1}) as (loaded, asked):
        answer = solve(loaded, {"w": None}, Constraints({"params": about}))
    valid = [w for w in range(1, 1025) if formula(w)]
    within = [w for w in valid if w <= about]
    assert found(answer) == [(w,) for w in within[-1:]]
    assert answer.stopped_at == ({"w": 1024} if about >= valid[-1] else {})
    assert max(asked) <= (1024,)


@pytest.mark.parametrize(("first", "more"), [((30, 60, 75), 0), ((40, 80), 0), ((50, 100), 450)])
def test_two_values_are_too_few_to_tell_a_step(first: tuple[int, ...], more: int) -> None:
    """The values after the first ones are those from 101 on."""

    def formula(w: int) -> Quantities | None:
        return Quantities(w) if w in first or 0 < w - 100 <= more else None

    with networks_by(formula, {"w": 1}) as (loaded, _):
        answer = solve(loaded, {"w": None}, Constraints({"params": 9**9}))
    assert found(answer) == [(100 + more if more else first[-1],)] and answer.stopped_at == {"w": 1024}


def test_large_networks_are_tried_one_by_one_until_a_quarter_of_the_work_is_done() -> None:
    def formula(w: int) -> Quantities | None:
        return Quantities(w, layers=1000) if w % 7 in (0, 1) else None

    with networks_by(formula, {"w": 1}) as (loaded, asked):
        answer = solve(loaded, {"w": None}, Constraints({"params": 9**9}))
    valid = [w for (w,), at in asked.items() if at]
    assert 25 <= len(valid) <= 30 and max(asked) == (valid[-1],)
    assert (found(answer), answer.stopped_at) == ([(valid[-1],)], {"w": valid[-1]})


@few
@given(STEPS, st.integers(64, 2500), st.booleans())
def test_a_variable_without_networks_above_a_value_is_searched_up_to_it(step: int, end: int, targets: bool) -> None:
    last = end // step
    assume(last > 3 and end >= 3 * step)

    def formula(w: int) -> Quantities | None:
        return Quantities(w, field=w) if w % step == 0 and w <= end else None

    with networks_by(formula, {"w": 1}) as (loaded, _):
        constraints = Constraints(receptive_field=9**9) if targets else Constraints({"params": 9**9})
        answer = solve(loaded, {"w": None}, constraints)
    assert found(answer) == ([] if targets else [(last * step,)])
    if answer.stopped_at != {"w": 1024}:  # where the last values are tried one by one
        assert answer.stopped_at == {"w": (last + 64) * step}
    assert answer.skipped == ("w" if targets else None)


@pytest.mark.parametrize("again", [140, 165, 166])
def test_a_gap_between_the_valid_values_is_an_error(again: int) -> None:
    def formula(w: int) -> Quantities | None:
        return Quantities(w) if w <= 100 or w >= again else None

    with networks_by(formula, {"w": 1}) as (loaded, _):
        if again <= 164:
            with pytest.raises(CnnError, match=f"w: 101 makes no valid network, and {again} does: .* too uneven"):
                solve(loaded, {"w": None}, Constraints({"params": 128}))
        else:
            assert solve(loaded, {"w": None}, Constraints({"params": 128})).stopped_at == {"w": 164}


@few
@given(
    st.sampled_from([1, 2, 3]), st.integers(1, 40), st.integers(2, 50), st.integers(1, 900), st.integers(1, 51),
    st.integers(0, 2), st.none() | st.integers(1, 900),
)  # fmt: skip
def test_the_largest_value_with_an_output_size_is_found_however_the_output_changes(
    step: int, times: int, modulo: int, about: int, wanted: int, wide: int, field: int | None
) -> None:
    def formula(w: int) -> Quantities | None:
        return None if w % step else Quantities(w, field=1 + wide * w, side=w // step * times % modulo + 1)

    constraints = Constraints({"params": about}, field, wanted, "only")
    with networks_by(formula, {"w": 1}) as (loaded, asked):
        answer = solve(loaded, {"w": None}, constraints)
    meeting = [w for w in range(1, about + 1) if (at := formula(w)) and off(constraints, at) == 0]
    assert found(answer) == [(w,) for w in meeting[-1:]]
    if not meeting:
        assert is_nearest(answer, asked)


@few
@given(STEPS, st.integers(1, 90), st.booleans(), st.integers(100, 3000), st.integers(1, 60))
def test_the_largest_value_with_an_output_size_is_found_where_the_output_passes_it(
    step: int, length: int, falls: bool, about: int, wanted: int
) -> None:
    def formula(w: int) -> Quantities | None:
        level = w // step // length
        return None if w % step else Quantities(w, side=max(1, 50 - level) if falls else 1 + level)

    constraints = Constraints({"params": about}, None, wanted, "only")
    with networks_by(formula, {"w": 1}) as (loaded, asked):
        answer = solve(loaded, {"w": None}, constraints)
    meeting = [w for w in range(1, about + 1) if (at := formula(w)) and off(constraints, at) == 0]
    assert found(answer) == [(w,) for w in meeting[-1:]]
    if not meeting:
        assert is_nearest(answer, asked)
        assert answer.skipped == ("w" if about // step > 64 // step + 1 else answer.skipped)


@few
@given(
    STEPS, st.integers(0, 3), st.integers(0, 2500), st.booleans(), st.integers(0, 4),
    st.none() | st.integers(1, 4), st.integers(64, 200),
)  # fmt: skip
def test_the_smallest_value_that_reaches_targets_is_what_trying_all_finds(
    step: int, wide: int, field: int, falls: bool, start: int, wanted: int | None, length: int
) -> None:
    """The output size stays for at least 64 values, and moves in one direction."""
    assume(field or wanted)

    def formula(w: int) -> Quantities | None:
        level = w // step // length
        side = max(1, start + 1 - level) if falls else start + 1 + level
        return None if w % step else Quantities(field=1 + wide * w, side=side)

    constraints = Constraints({}, field or None, wanted, "only" if wanted else None)
    with networks_by(formula, {"w": 1}) as (loaded, asked):
        answer = solve(loaded, {"w": None}, constraints)
    meeting = (w for w in range(step, 3000 + 1000 * step, step) if (at := formula(w)) and off(constraints, at) == 0)
    best = next(meeting, None)
    assert found(answer) == ([] if best is None else [(best,)])
    if best is None:
        assert is_nearest(answer, asked) and answer.skipped == "w"
        assert answer.stopped_at in ({}, {"w": MAX_VALUE})
    else:
        assert (answer.stopped_at, answer.skipped, answer.nearest) == ({}, None, None)
        before = answer.following  # the next smaller value
        assert before is None or (before.values["w"] < best and off(constraints, formula(**before.values)) > 0)
        assert best == step or before is not None or wanted


@few
@given(small, st.integers(0, 7), st.booleans(), st.integers(1, 2000))
def test_a_search_of_depths_ends_at_a_number_of_layers_that_is_named(
    each: int, others: int, targets: bool, own: int
) -> None:
    with networks_by(lambda d: Quantities(d, field=d, layers=each * d + others), {"d": 1}) as (loaded, _):
        loaded.inferred.layers.count = own  # type: ignore[attr-defined]
        limit = max(3000, 2 * own)
        constraints = Constraints(receptive_field=9**9) if targets else Constraints({"params": 9**9})
        answer = solve(loaded, {"d": None}, constraints)
        assert answer.limited_to == limit
        assert found(answer) == ([] if targets else [((limit - others) // each,)])
        chosen = solve(loaded, {"d": [limit, limit + 1]}, Constraints({"params": 9**9}))
        assert (chosen.limited_to, found(chosen)) == (None, [(limit + 1,)])  # given values are not limited


@pytest.mark.parametrize(("dip", "low"), [(3, 1), (9, 7), (40, 3), (64, 1), (100, 5), (120, 63)])
@pytest.mark.parametrize("targets", [False, True])
def test_a_quantity_that_falls_as_a_variable_grows_asks_for_a_range(dip: int, low: int, targets: bool) -> None:
    """Also where it falls beyond the values tried one by one, between two values that the search meets."""

    def formula(w: int) -> Quantities:
        return Quantities(w if w < dip else min(w, low), field=w if w < dip else min(w, low))

    constraints = Constraints(receptive_field=9**9) if targets else Constraints({"params": 9**9})
    with networks_by(formula, {"w": 1}) as (loaded, _):
        with pytest.raises(CnnError, match="every value has to be tried") as refused:
            solve(loaded, {"w": None}, constraints)
        solve(loaded, {"w": range(1, 130)}, constraints)
    what = "the receptive field" if targets else "the number of params"
    before, after = (65, 129) if dip > 64 else (dip - 1, dip)
    assert f"--vary w: from w = {before} to {after}, {what} decreases from {before} to {low}," in str(refused.value)
    assert refused.value.problems[0].hint == "give the values, e.g. --vary w=1..8"


def test_a_search_that_takes_too_long_names_its_limit() -> None:
    with networks_by(lambda w, v=1: Quantities(w, layers=5000), {"w": 1, "v": 1}) as (loaded, asked):
        cost = 5000 + len(loaded.source.text) // 10 + 10
        with pytest.raises(CnnError, match="the search takes too long") as refused:
            solve(loaded, {"w": range(1, 2000)}, Constraints({"params": 10**9}))
        assert (len(asked) - 1) * cost <= 120_000 < len(asked) * cost
        assert f"after {len(asked)} networks (the limit is the work of about 120,000 layers)" in str(refused.value)
        assert refused.value.problems[0].hint == "use larger steps, e.g. w=8..512:8"
        with pytest.raises(CnnError, match="--vary w and v: the search takes too long") as refused:
            solve(loaded, {"w": range(1, 100), "v": None}, Constraints({"params": 10**9}))
    assert refused.value.problems[0].hint == "give a range, e.g. --vary v=8..512:8, or a tighter budget"


@pytest.mark.parametrize("wanted", [None, 9])
def test_a_depth_that_leaves_the_output_as_it_is_may_be_large(wanted: int | None) -> None:
    with networks_by(lambda d: Quantities(field=1 + 2 * d, side=9), {"d": 1}) as (loaded, _):
        answer = solve(loaded, {"d": None}, Constraints({}, 301, wanted, "only" if wanted else None))
    assert (found(answer), answer.stopped_at) == ([(150,)], {})


# Given values, and the batch size -----------------------------------------------------------------------------------

numbers = st.integers(1, 60)


@few
@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=12, max_size=12), st.data())
def test_of_given_values_the_combinations_are_those_that_trying_all_finds(
    table: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    """Quantities may rise and fall; every fifth combination makes no network."""

    def formula(a: int, b: int) -> Quantities | None:
        params, macs, field, side = table[3 * (a - 1) + b - 1]
        return None if (params + macs) % 5 == 0 else Quantities(params, macs, field, side % 3 + 1)

    most = data.draw(st.dictionaries(st.sampled_from(["params", "macs"]), numbers))
    field, side = data.draw(st.none() | st.integers(1, 40)), data.draw(st.none() | st.integers(1, 3))
    assume(most or field or side)
    constraints = Constraints(most, field, side, "only" if side else None)
    tried = {values: formula(*values) for values in product(range(1, 5), range(1, 4))}
    assume(any(tried.values()))
    with networks_by(formula, {"a": 1, "b": 1}) as (loaded, asked):
        answer = solve(loaded, {"a": range(1, 5), "b": [3, 1, 2]}, constraints)
    meeting = [values for values, at in tried.items() if at is not None and off(constraints, at) == 0]
    assert {*found(answer)} == unexceeded(meeting, largest=bool(most))
    used = [max((one.quantities[name] / most[name] for name in most), default=0) for one in answer.solutions]
    sign = -1 if most else 1
    order = [(-use, [sign * n for n in values]) for use, values in zip(used, found(answer), strict=True)]
    assert order == sorted(order)
    assert answer.following is None and (bool(meeting) or is_nearest(answer, asked))


@few
@given(st.integers(0, 10**6), st.integers(0, 400), st.integers(1, 2 * 10**6), st.booleans())
def test_the_batch_size_is_the_largest_that_the_memory_holds(
    fixed: int, each: int, limit: int, inference: bool
) -> None:
    constraints = Constraints({"memory": limit}, inference=inference)
    with networks_by(lambda: Quantities(memory=(fixed, each)), {}) as (loaded, _):
        loaded = loaded._replace(inferred=loaded.inferred)
        answer = solve(loaded, {}, constraints)
    own = fixed // 2 if inference else fixed
    fitting = (limit - own) // each if each else (1 << 20 if limit >= own else 0)
    if fitting < 1:
        assert (found(answer), answer.stopped_at) == ([], {})
        assert answer.nearest == BudgetSolution({"batch": 1}, {"memory": own + each})
        return
    best = min(fitting, 1 << 20)
    assert [*answer.solutions] == [BudgetSolution({"batch": best}, {"memory": own + best * each})]
    after = BudgetSolution({"batch": best + 1}, {"memory": own + (best + 1) * each})
    assert answer.following == (after if best < 1 << 20 else None)
    assert answer.stopped_at == ({"batch": 1 << 20} if best == 1 << 20 else {})


@few
@given(st.integers(0, 50), st.integers(1, 9), st.integers(100, 3000), st.none() | st.integers(1, 60), st.booleans())
def test_beside_a_variable_every_value_has_its_largest_batch(
    fixed: int, each: int, limit: int, most: int | None, listed: bool
) -> None:
    def needed(w: int, batch: int) -> int:
        return fixed + 25 * w + batch * each * w

    budgets = {"memory": limit, **({"params": most} if most else {})}
    with networks_by(lambda w: Quantities(w, memory=(fixed + 25 * w, each * w)), {"w": 1}) as (loaded, _):
        answer = solve(loaded, {"w": range(1, 129) if listed else None}, Constraints(budgets))
    tried = [
        (w, max(batch for batch in range(1, limit) if needed(w, batch) <= limit))
        for w in range(1, 129)
        if needed(w, 1) <= limit and w <= (most or inf)
    ]
    assert {*found(answer)} == unexceeded(tried, largest=True)
    for one in answer.solutions:
        assert one.quantities["memory"] == needed(one.values["w"], one.values["batch"])
    usage = [-one.quantities.get("params", 0) / (most or 1) for one in answer.solutions]
    order = [(used, [-n for n in values]) for used, values in zip(usage, found(answer), strict=True)]
    assert order == sorted(order) and answer.following is None


def test_a_batch_size_is_found_beside_at_most_128_values() -> None:
    with networks_by(lambda w: Quantities(w, memory=(w, 1)), {"w": 1}) as (loaded, _):
        assert len(solve(loaded, {"w": None}, Constraints({"memory": 129})).solutions) == 128
        with pytest.raises(CnnError, match="it may be up to 129, too many values to find a batch size for each") as no:
            solve(loaded, {"w": None}, Constraints({"memory": 130}))
        assert no.value.problems[0].hint == "give a range, e.g. --vary w=8..512:8, give --batch, or a tighter budget"
        assert found(solve(loaded, {"w": None}, Constraints({"memory": 200}, batch=2))) == [(198,)]


# Two free variables -------------------------------------------------------------------------------------------------


@few
@given(
    st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 5])),
    st.tuples(st.integers(0, 3), small, small), st.integers(1, 200),
    st.tuples(st.integers(0, 2), st.integers(0, 2)), st.none() | st.integers(1, 90),
)  # fmt: skip
def test_the_largest_of_two_variables_are_the_front_that_trying_all_finds(
    steps: tuple[int, int], slopes: tuple[int, int, int], limit: int, wide: tuple[int, int], field: int | None
) -> None:
    """The file's own values are the first valid ones."""

    def formula(a: int, b: int) -> Quantities | None:
        if a % steps[0] or b % steps[1]:
            return None
        return Quantities(slopes[0] * a * b + slopes[1] * a + slopes[2] * b, field=1 + wide[0] * a + wide[1] * b)

    constraints = Constraints({"params": limit}, field)
    with networks_by(formula, {"a": steps[0], "b": steps[1]}) as (loaded, _):
        answer = solve(loaded, {"a": None, "b": None}, constraints)
    border = []
    for a in range(steps[0], limit + 1, steps[0]):
        most = (limit - slopes[1] * a) // (slopes[0] * a + slopes[2])
        border += [(a, most - most % steps[1])] if most >= steps[1] else []
    meeting = [one for one in unexceeded(border, largest=True) if off(constraints, formula(*one) or Quantities()) == 0]
    assert {*found(answer)} == {*meeting}
    assert (answer.stopped_at, answer.limited_to, answer.following) == ({}, None, None)


@few
@given(
    st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 5])),
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(1, 150),
)  # fmt: skip
def test_the_smallest_of_two_variables_are_the_front_that_trying_all_finds(
    steps: tuple[int, int], wide: tuple[int, int], field: int
) -> None:
    def formula(a: int, b: int) -> Quantities | None:
        return None if a % steps[0] or b % steps[1] else Quantities(field=1 + wide[0] * a + wide[1] * b)

    with networks_by(formula, {"a": steps[0], "b": steps[1]}) as (loaded, _):
        answer = solve(loaded, {"a": None, "b": None}, Constraints(receptive_field=field))
    firsts = range(steps[0], 160, steps[0])
    border = []
    for a in firsts:
        b = next((b for b in range(steps[1], 160, steps[1]) if 1 + wide[0] * a + wide[1] * b >= field), None)
        border += [] if b is None else [(a, b)]
    assert {*found(answer)} == unexceeded(border, largest=False)
    assert answer.skipped == (None if border else "a and b")


def test_two_variables_without_a_limit_name_where_the_search_ends() -> None:
    with networks_by(lambda a, b: Quantities(a), {"a": 1, "b": 1}) as (loaded, _):
        answer = solve(loaded, {"a": None, "b": None}, Constraints({"params": 5}))
        assert (found(answer), answer.stopped_at) == ([(5, MAX_VALUE)], {"b": MAX_VALUE})


def test_the_values_beside_a_second_variable_are_those_that_its_value_in_the_file_allows() -> None:
    def formula(a: int, b: int) -> Quantities | None:
        return Quantities(a + b) if b % 5 == 0 and a % 2 == 0 else None

    with networks_by(formula, {"a": 2, "b": 5}) as (loaded, _):
        assert {*found(solve(loaded, {"a": None, "b": None}, Constraints({"params": 12})))} == {(2, 10), (6, 5)}
    for own in ("x", 0, "1.5", "[2]", -3):  # not a number from 1 on: 1 is taken, which makes no network
        with networks_by(formula, {"a": own, "b": 5}) as (loaded, asked):
            with pytest.raises(CnnError, match="too uneven to be searched beside") as refused:
                solve(loaded, {"a": None, "b": None}, Constraints({"params": 12}))
            assert all(a == 1 for a, b in asked if b != 5) and "--vary b=8..512:8" in refused.value.problems[0].hint


def test_all_values_that_are_tried_of_a_variable_beside_a_second_one_are_evenly_spaced() -> None:
    def formula(a: int, b: int) -> Quantities | None:
        return Quantities(a + b) if a <= 10 or a % 2 == 0 else None

    refused = pytest.raises(CnnError, match="--vary a: the valid values are too uneven to be searched beside b")
    with networks_by(formula, {"a": 1, "b": 1}) as (loaded, _), refused:
        solve(loaded, {"b": None, "a": None}, Constraints({"params": 12}))


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_variables_neither_may_make_a_quantity_fall(names: tuple[str, str]) -> None:
    def formula(a: int, b: int) -> Quantities:
        return Quantities(5 * a + max(0, 90 - b))

    refused = pytest.raises(CnnError, match="--vary b: from b = 1 to 2, the number of params decreases")
    with networks_by(formula, {"a": 1, "b": 1}) as (loaded, _), refused:
        solve(loaded, dict.fromkeys(names), Constraints({"params": 1000}))


@pytest.mark.parametrize(
    ("free", "given_values", "constraints", "said"),
    [
        ("a", {"c": range(128)}, Constraints({"params": 9}), None),
        ("a", {"c": range(129)}, Constraints({"params": 9}), "129 combinations .* is 128 beside a variable without"),
        ("", {"c": range(100), "d": range(100)}, Constraints({"params": 9}), "the search takes too long"),
        ("", {"c": range(73), "d": range(137)}, Constraints({"params": 9}), r"10,001 combinations .* is 10,000\)"),
        ("abc", {}, Constraints({"params": 9}), "a and b and c have too many combinations\n"),
        ("ab", {}, Constraints({"memory": 9}), "a and b have too many combinations, the batch size and an output"),
        ("ab", {}, Constraints({"params": 9}, None, 3, "only"), "a and b have too many combinations, the batch size"),
        ("ab", {}, Constraints({"memory": 9}, batch=1), None),
    ],
)
def test_what_would_be_too_many_combinations_is_refused(
    free: str, given_values: dict[str, range], constraints: Constraints, said: str | None
) -> None:
    ranges = {**dict.fromkeys(free), **given_values}

    def formula(**values: int) -> Quantities:
        return Quantities(sum(values.values()), memory=(sum(values.values()), 0))

    with networks_by(formula, dict.fromkeys("abcd", 1)) as (loaded, _):
        if said is None:
            assert solve(loaded, ranges, constraints).solutions
        else:
            with pytest.raises(CnnError, match=said):
                solve(loaded, ranges, constraints)


# The parts ----------------------------------------------------------------------------------------------------------


@settings(few, max_examples=100)
@given(st.sets(st.tuples(numbers, numbers, st.integers(1, 3)), max_size=15), st.booleans())
def test_the_pareto_front_is_what_no_other_one_exceeds(combinations: set[tuple[int, ...]], largest: bool) -> None:
    assert pareto_front(combinations, largest=largest) == unexceeded(combinations, largest=largest)


def test_the_last_index_is_found_without_asking_beyond_the_limit() -> None:
    for limit, end in product(range(-1, 20), range(-1, 22)):
        holds = Mock(side_effect=lambda n, end=end: n <= end)
        assert last_index(holds, limit) == min(limit, end)
        asked = [call.args[0] for call in holds.call_args_list]
        assert all(0 <= n <= limit for n in asked) and len(asked) == len({*asked}) <= 10


def test_an_axis_has_the_values_tried_and_every_step_after_them() -> None:
    for step, scanned in product(range(1, 9), range(1, 40)):
        values = range(step, scanned + 1, step)
        expected = step if len(values) > 1 else 0
        assert even_step(values, scanned) == expected
        axis = SearchAxis(values, scanned, expected)
        if expected:
            every = range(step, MAX_VALUE + 1, step)
            assert (axis.last, axis.end) == (len(every) - 1, MAX_VALUE)
            assert all(axis.at(n) == every[n] for n in (*range(60), len(every) - 1))
        elif values:
            assert (axis.last, axis.end, axis.at(0)) == (0, scanned, step)
    assert even_step([1, 2, 4], 4) == even_step([2, 4, 6], 8) == even_step([], 8) == 0
    assert even_step([2, 4, 6], 7) == 2
