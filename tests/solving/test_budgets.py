"""The largest width within a budget, the first depth that sees enough."""

from __future__ import annotations

import pytest
from texts import loaded

from cnncli import load
from cnncli.errors import CnnError
from cnncli.loading import Loaded
from cnncli.solving.budgets import first_that_sees, largest_within, smallest_reaching

NET = """\
input: 3x64x64
variables: {width: 8, depth: 2}
layers:
  - repeat: {times: $depth, layers: [conv: {filters: $width * 4, kernel: 3, padding: same, groups: 4}]}
  - global_avgpool
  - linear: 10
""".replace("groups: 4", "groups: 1")


def figure(net: Loaded, name: str, value: int, of: str) -> int:
    return int(
        loaded(net.source.text.replace(f"{name}: {net_value(net, name)}", f"{name}: {value}")).inferred.totals[of]
    )


def net_value(net: Loaded, name: str) -> str:
    return net.source.text.partition(f"{name}: ")[2].split(",")[0].split("}")[0]


@pytest.mark.parametrize("of", ["params", "macs", "flops", "activations"])
@pytest.mark.parametrize("budget", [8_000_000, 12_345_678])
@pytest.mark.parametrize("name", ["width", "depth"])
def test_the_value_found_keeps_to_the_budget_and_the_next_does_not(name: str, budget: int, of: str) -> None:
    net = loaded(NET)
    found = largest_within(net, name, of, budget)
    assert figure(net, name, found.value, of) == found.figure <= budget
    assert found.next_value == found.value + 1
    assert found.next_figure == figure(net, name, found.value + 1, of) > budget


@pytest.mark.parametrize("wanted", [3, 4, 31, 64])
def test_the_depth_found_is_the_first_that_sees_enough(wanted: int) -> None:
    found = smallest_reaching(loaded(NET), "depth", wanted)
    assert found.value == -(-(wanted - 1) // 2) and found.figure == 2 * found.value + 1


def test_the_first_layer_that_sees_enough_is_found() -> None:
    inferred = load("resnet50").inferred
    names = list(inferred.facts)
    for wanted in (7, 64, 427):
        reached = first_that_sees(inferred, wanted)["input"]
        assert reached.enough and min(reached.size) >= wanted
        before = names[: names.index(reached.layer)]
        assert all(inferred.facts[n].receptive_field["input"].axes[0].size < wanted for n in before)
    assert not first_that_sees(inferred, 428)["input"].enough


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (NET, "widht", "--vary widht: the network has no such variable"),
        ("input: 3x8x8\nlayers: [relu]\n", "width", "--vary width: the network has no such variable"),
    ],
)
def test_an_unknown_variable_is_an_error(text: str, name: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        largest_within(loaded(text), name, "params", 100)


def test_a_budget_below_the_smallest_network_is_refused() -> None:
    with pytest.raises(CnnError, match="params are 310 at width = 1 already, more than 10") as refused:
        largest_within(loaded(NET), "width", "params", 10)
    assert refused.value.exit_code == 1
