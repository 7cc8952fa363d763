"""The largest width within a budget, the first depth with a large enough receptive field."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest
from formula_networks import unexceeded
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from texts import loaded, network

from cnncli import load
from cnncli.analysis.memory import memory
from cnncli.analysis.solving.budgets import BudgetSolution, solve
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
RANGE = range(1, 6)
budgets = st.dictionaries(
    st.sampled_from(["params", "macs", "flops", "activations", "memory"]), st.integers(50, 40_000), min_size=1
)
targets = st.none() | st.integers(1, 12)
few = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


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


@few
@given(budgets | st.just({}), targets, targets)
def test_of_given_values_the_combinations_are_those_that_trying_all_finds(
    most: dict[str, int], field: int | None, output: int | None
) -> None:
    """Strides and groups make figures fall, and some combinations no network."""
    assume(most or field or output)
    constraints = Constraints(most, field, output, batch=4)
    names = ("w", "d", "s")
    answer = solve(loaded(CHOICES), {"w": RANGE, "d": range(1, 3), "s": range(1, 3)}, constraints)
    tried = {
        values
        for values in product(RANGE, range(1, 3), range(1, 3))
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


@pytest.mark.parametrize(("wanted", "layer"), [(1, "conv1"), (3, "conv1"), (4, "conv2"), (5, "conv2"), (6, "conv2")])
def test_of_equal_receptive_fields_that_of_the_first_layer_counts(wanted: int, layer: str) -> None:
    conv = "conv: {filters: 1, kernel: 3}"
    inferred = loaded(network(conv, "relu", conv, "relu", "global_avgpool", input="1x9x9")).inferred
    (reached,) = first_reaching(inferred, wanted).values()
    assert (reached.layer, reached.enough, reached.size[0]) == (layer, wanted < 6, 3 if layer == "conv1" else 5)


@pytest.mark.parametrize(("one", "other"), [(3, 5), (5, 3), (7, 7)])
def test_the_receptive_field_is_the_smallest_over_the_inputs(one: int, other: int) -> None:
    text = (
        "inputs: {x: 1x9x9, y: 1x9x9}\nlayers:\n"
        f"  - conv: {{filters: 1, kernel: {one}, padding: same, from: x, name: a}}\n"
        f"  - conv: {{filters: 1, kernel: {other}, padding: same, from: y, name: b}}\n  - add: [a, b]\n"
    )
    found = Constraints(receptive_field=1).quantities(loaded(text).inferred, 1, None)
    assert found == {"receptive_field": min(one, other)}


def test_the_receptive_field_is_0_where_every_layer_is_global() -> None:
    inferred = loaded(network("global_avgpool")).inferred
    assert Constraints(receptive_field=1).quantities(inferred, 1, None) == {"receptive_field": 0}


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
    ("text", "name", "hint"),
    [
        (NET, "widht", "did you mean width?"),
        (NET, "zzz", "the variables are width, depth"),
        (network("relu"), "width", "write variables: {width: 64} in the file, and $width in place of the number"),
    ],
)
def test_an_unknown_variable_is_an_error(text: str, name: str, hint: str) -> None:
    with pytest.raises(CnnError) as refused:
        solve(loaded(text), {name: None}, Constraints({"params": 100}))
    assert str(refused.value) == f"--vary {name}: unknown variable\n  {hint}"


def test_a_variable_that_makes_no_network_says_why() -> None:
    with pytest.raises(CnnError, match="no value tried makes a valid network") as refused:
        solve(loaded(CHOICES), {"w": [5, 7]}, Constraints({"params": 10**6}))
    assert "groups do not divide" in str(refused.value)


def test_a_budget_below_the_smallest_network_names_the_nearest() -> None:
    answer = solve(loaded(NET), {"width": None}, Constraints({"params": 10}))
    assert (answer.solutions, answer.nearest) == ((), BudgetSolution({"width": 1}, {"params": 310}))
