"""The largest width within a budget, the first depth with a large enough receptive field."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from texts import loaded

from cnncli import load
from cnncli.analysis.memory import memory
from cnncli.analysis.solving.budgets import BudgetSolution, pareto_front, solve
from cnncli.analysis.solving.constraints import Constraints, first_reaching
from cnncli.errors import CnnError
from cnncli.inference import Inferred

NET = """\
input: 3x64x64
variables: {width: 8, depth: 2}
layers:
  - repeat: {times: $depth, layers: [conv: {filters: $width * 4, kernel: 3, padding: same, groups: 4}]}
  - global_avgpool
  - linear: 10
""".replace("groups: 4", "groups: 1")


CHOICES = """\
input: 4x9x9
variables: {w: 2, d: 1, s: 1}
layers:
  - repeat: {times: $d, layers: [conv: {filters: $w * 2, kernel: 3, padding: same, stride: $s}, relu]}
  - conv: {filters: 12, kernel: 1, groups: $w}
"""
RANGE = range(1, 9)
budgets = st.dictionaries(
    st.sampled_from(["params", "macs", "flops", "activations", "memory"]), st.integers(50, 40_000), min_size=1
)
targets = st.none() | st.integers(1, 12)
few = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@cache
def at(text: str, **values: int) -> Inferred | None:
    try:
        return loaded(text, overrides={name: str(value) for name, value in values.items()}).inferred
    except CnnError:
        return None


def holds(inferred: Inferred | None, constraints: Constraints, batch: int) -> bool:
    """Whether everything that is wished holds, worked out anew."""
    if inferred is None:
        return False
    figures = {**inferred.totals, "memory": memory(inferred, batch).training}
    seen = min((min(reached.size) for reached in first_reaching(inferred, 1 << 40).values()), default=0)
    return (
        all(figures[name] <= most for name, most in constraints.budgets.items())
        and seen >= (constraints.receptive_field or 0)
        and (constraints.output_size is None or constraints.output_size == inferred.shape(inferred.graph.outputs[0])[1])
    )


def unexceeded(combinations: set[tuple[int, ...]], *, largest: bool) -> set[tuple[int, ...]]:
    sign = 1 if largest else -1
    return {
        one
        for one in combinations
        if not any(
            other != one and all(sign * a >= sign * b for a, b in zip(other, one, strict=True))
            for other in combinations
        )
    }


@few
@given(budgets | st.just({}), targets, targets)
def test_of_given_values_the_combinations_are_those_that_trying_all_finds(
    most: dict[str, int], field: int | None, output: int | None
) -> None:
    """Strides and groups make figures fall, and some combinations no network."""
    assume(most or field or output)
    constraints = Constraints(most, field, output, batch=4)
    names = ("w", "d", "s")
    answer = solve(loaded(CHOICES), {"w": RANGE, "d": range(1, 4), "s": range(1, 4)}, constraints)
    tried = {
        values
        for values in product(RANGE, range(1, 4), range(1, 4))
        if holds(at(CHOICES, **dict(zip(names, values, strict=True))), constraints, 4)
    }
    assert {tuple(found.values.values()) for found in answer.solutions} == unexceeded(tried, largest=bool(most))
    for found in answer.solutions:
        inferred = at(CHOICES, **found.values)
        assert inferred is not None
        figures = {**inferred.totals, "memory": memory(inferred, 4).training}
        assert all(found.quantities[name] == figures[name] for name in most)
    used = [
        max((found.quantities[name] / limit for name, limit in most.items()), default=0) for found in answer.solutions
    ]
    assert used == sorted(used, reverse=True)


GROUPED = """\
input: 2x6x6
variables: {w: %d}
layers:
  - conv: {filters: $w, kernel: 3, padding: same}
  - conv: {filters: $w, kernel: 3, padding: same, groups: %d}
  - global_avgpool
  - linear: 10
"""
KERNEL = """\
input: 1x6x6
variables: {k: 3}
layers:
  - conv_transpose: {filters: 1, kernel: $k}
  - conv: {filters: 1, kernel: $k, padding: same}
"""


@few
@given(st.sampled_from([3, 7, 70]), st.integers(60, 1000), st.integers(0, 3000), st.booleans(), st.integers(1, 10))
def test_the_largest_width_within_budgets_is_what_trying_all_finds(
    groups: int, about: int, more: int, both: bool, field: int
) -> None:
    """Widths are valid at multiples of the groups alone, and most answers lie beyond those tried one by one."""
    text = GROUPED % (groups, groups)
    near = at(text, w=groups * max(1, about // groups))
    assert near is not None
    most = {"params": near.totals["params"] + more, **({"macs": near.totals["macs"] - more} if both else {})}
    constraints = Constraints(most, field)
    answer = solve(loaded(text), {"w": None}, constraints)
    valid = range(groups, about + 300, groups)
    within = [w for w in valid if holds(at(text, w=w), constraints, 1)]
    assert [found.values["w"] for found in answer.solutions] == within[-1:] and not answer.stopped_at
    if within:
        assert answer.following is not None and answer.following.values["w"] == within[-1] + groups


@settings(few, max_examples=6)
@given(
    st.none() | st.integers(1000, 500_000),
    st.none() | st.integers(1, 1500),
    st.none() | st.integers(1, 700),
)
def test_the_best_kernel_for_budgets_and_targets_is_what_trying_all_finds(
    params: int | None, field: int | None, output: int | None
) -> None:
    assume(params or field or output)
    constraints = Constraints({"params": params} if params else {}, field, output)
    answer = solve(loaded(KERNEL), {"k": None}, constraints)
    tried = (k for k in range(1, 800) if holds(at(KERNEL, k=k), constraints, 1))
    best = max(tried, default=None) if params else next(tried, None)
    assert [found.values["k"] for found in answer.solutions] == ([] if best is None else [best])


@few
@given(st.sampled_from(["w", "s"]), st.integers(50, 40_000), st.sampled_from(["params", "macs", "activations"]))
def test_a_figure_that_falls_as_a_variable_grows_asks_for_a_range(name: str, limit: int, figure: str) -> None:
    constraints = Constraints({figure: limit})
    figures = [inferred.totals[figure] for n in range(1, 65) if (inferred := at(CHOICES, **{name: n})) is not None]
    try:
        answer = solve(loaded(CHOICES), {name: None}, constraints)
    except CnnError as error:
        assert "decreases" in str(error) and "give the values" in error.problems[0].hint
        assert any(after < before for before, after in pairwise(figures))
        return
    tried = [n for n in range(1, 65) if holds(at(CHOICES, **{name: n}), constraints, 1)]
    best = [found.values[name] for found in answer.solutions]
    assert best == tried[-1:] or (best and best[0] > 64 and tried[-1] == 64) or answer.limited_to or answer.stopped_at


@pytest.mark.parametrize(("one", "other"), [(1, 1), (3, 2)])
def test_two_depths_reach_a_receptive_field_together(one: int, other: int) -> None:
    text = (
        "input: 1x9x9\nvariables: {a: 1, b: 1}\nlayers:\n"
        f"  - repeat: {{times: $a, layers: [conv: {{filters: 1, kernel: {2 * one + 1}, padding: same}}]}}\n"
        f"  - repeat: {{times: $b, layers: [conv: {{filters: 1, kernel: {2 * other + 1}, padding: same}}]}}\n"
    )
    answer = solve(loaded(text), {"a": None, "b": None}, Constraints(receptive_field=161))
    tried = {(a, b) for a, b in product(range(1, 82), repeat=2) if 1 + 2 * (one * a + other * b) >= 161}
    assert {tuple(found.values.values()) for found in answer.solutions} == pareto_front(tried, largest=False)


def test_a_search_that_a_bound_ends_says_so() -> None:
    text = "input: 1x8x8\nvariables: {w: 1}\nlayers:\n  - conv: {filters: $w, kernel: 3}\n"
    assert solve(loaded(text), {"w": None}, Constraints({"params": 10**9})).stopped_at == {"w": 1 << 20}
    assert solve(loaded(text), {}, Constraints({"memory": 10**15})).stopped_at == {"batch": 1 << 20}
    none = solve(loaded(text), {"w": None}, Constraints(receptive_field=100))
    assert not none.solutions and none.stopped_at == {"w": 1 << 20}
    divisors = "input: 6x8x8\nvariables: {g: 1}\nlayers:\n  - conv: {filters: 6, kernel: 3, groups: $g}\n"
    with_groups = solve(loaded(divisors), {"g": None}, Constraints(receptive_field=9))
    assert not with_groups.solutions and with_groups.stopped_at == {"g": 1024}


def test_a_search_that_takes_too_long_names_its_limit() -> None:
    text = NET.replace("layers: [conv", "layers: [relu, relu, relu, relu, relu, relu, relu, conv")
    with pytest.raises(CnnError, match="the search takes too long") as refused:
        solve(loaded(text), {"depth": range(1, 2000)}, Constraints({"params": 10**9}))
    assert "use larger steps" in refused.value.problems[0].hint


@few
@given(budgets | st.just({}), targets)
def test_two_free_variables_are_followed_along_the_border_of_what_holds(
    most: dict[str, int], field: int | None
) -> None:
    assume(most or field)
    net = loaded(NET.replace("$width * 4", "$width"))
    constraints = Constraints({name: 6 * limit for name, limit in most.items()}, field, batch=3)
    answer = solve(net, {"width": None, "depth": None}, constraints)
    found = {tuple(one.values.values()) for one in answer.solutions}
    within = range(1, 13)
    tried = {
        (width, depth)
        for width, depth in product(within, within)
        if holds(at(net.source.text, width=width, depth=depth), constraints, 3)
    }
    largest = bool(most)
    for combination in found:
        assert holds(at(net.source.text, width=combination[0], depth=combination[1]), constraints, 3)
        if largest:
            width, depth = combination
            assert not holds(at(net.source.text, width=width + 1, depth=depth), constraints, 3)
            assert not holds(at(net.source.text, width=width, depth=depth + 1), constraints, 3)
    for one in tried:  # nothing that holds is beyond all that was found
        assert any(all((a >= b) if largest else (a <= b) for a, b in zip(best, one, strict=True)) for best in found)


@few
@given(
    st.integers(10_000, 60_000_000), st.sampled_from(["none", "adam"]), st.sampled_from(["fp32", "bf16"]), st.booleans()
)
def test_the_batch_size_is_the_largest_that_the_memory_holds(
    limit: int, optimizer: str, dtype: str, inference: bool
) -> None:
    net = loaded(NET)
    constraints = Constraints({"memory": limit}, dtype=dtype, optimizer=optimizer, inference=inference)

    def needed(batch: int) -> int:
        found = memory(net.inferred, batch, dtype, optimizer)
        return found.inference if inference else found.training

    answer = solve(net, {}, constraints)
    if not answer.solutions:
        assert needed(1) > limit and answer.nearest is not None
        return
    batch = answer.solutions[0].values["batch"]
    assert needed(batch) <= limit < needed(batch + 1)
    assert answer.following is not None and answer.following.quantities["memory"] == needed(batch + 1)


@few
@given(st.integers(20_000, 3_000_000), st.integers(100, 3000))
def test_with_a_variable_and_the_batch_size_every_width_has_the_largest_batch(limit: int, params: int) -> None:
    net = loaded(NET)
    answer = solve(net, {"width": None}, Constraints({"memory": limit, "params": params}))
    tried = set()
    for width in range(1, 20):
        inferred = at(NET, width=width)
        assert inferred is not None
        if inferred.totals["params"] <= params:
            fitting = [batch for batch in range(1, 60) if memory(inferred, batch).training <= limit]
            assert len(fitting) < 59
            tried |= {(width, max(fitting))} if fitting else set()
    assert {tuple(found.values.values()) for found in answer.solutions} == unexceeded(tried, largest=True)


def test_figures_that_fall_when_a_variable_grows_are_not_followed_along_a_border() -> None:
    with pytest.raises(CnnError, match="the number of activations decreases from 1,620 to 500, so that every"):
        solve(loaded(CHOICES), {"d": None, "s": None}, Constraints({"activations": 3000}))


def test_the_first_layer_that_sees_enough_is_found() -> None:
    inferred = load("resnet50").inferred
    names = list(inferred.layers)
    for wanted in (7, 64, 427):
        reached = first_reaching(inferred, wanted)["input"]
        assert reached.enough and min(reached.size) >= wanted
        before = names[: names.index(reached.layer)]
        assert all(inferred.layers[n].receptive_field["input"].axes[0].size < wanted for n in before)
    assert not first_reaching(inferred, 428)["input"].enough


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (NET, "widht", "--vary widht: unknown variable"),
        ("input: 3x8x8\nlayers: [relu]\n", "width", "--vary width: unknown variable"),
    ],
)
def test_an_unknown_variable_is_an_error(text: str, name: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        solve(loaded(text), {name: None}, Constraints({"params": 100}))


def test_a_depth_that_no_budget_ends_is_searched_up_to_a_limit_that_is_named() -> None:
    answer = solve(loaded(NET), {"depth": None}, Constraints({"params": 10**9}))
    (best,) = answer.solutions
    assert answer.limited_to == 3000 and best.values["depth"] + 2 == 3000


def test_a_variable_that_makes_no_network_says_why() -> None:
    with pytest.raises(CnnError, match="no value tried makes a valid network") as refused:
        solve(loaded(CHOICES), {"w": [5, 7]}, Constraints({"params": 10**6}))
    assert "groups do not divide" in str(refused.value)


def test_a_budget_below_the_smallest_network_names_the_nearest() -> None:
    answer = solve(loaded(NET), {"width": None}, Constraints({"params": 10}))
    assert (answer.solutions, answer.nearest) == ((), BudgetSolution({"width": 1}, {"params": 310}))
