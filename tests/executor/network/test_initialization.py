"""Initial weights: each scheme's variance, constants for the rest, and a seed that decides it all."""

from __future__ import annotations

import math

import pytest
import torch
from cases import CASES, Case

from cnncli import load
from cnncli.executor.lowering.build import build
from cnncli.executor.network.initialization import SCHEMES, initialize, initialize_weights
from cnncli.executor.network.network import Network
from cnncli.language import Source
from cnncli.loading import load_source
from cnncli.recipe import INITS, Recipe


def test_the_recipe_offers_all_schemes() -> None:
    assert tuple(SCHEMES) == INITS


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(scheme: str) -> None:
    network = Network(load("lenet5").inferred)
    states = []
    for _ in range(2):
        torch.rand(7)
        initialize(network, scheme, 3)
        states.append({name: value.clone() for name, value in network.state_dict().items()})
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    initialize(network, scheme, 4)
    assert not torch.equal(network.state_dict()["c1.weight"], states[0]["c1.weight"])


@pytest.mark.parametrize(
    ("scheme", "variance"), [("kaiming", 2 / 400), ("xavier", 2 / 520), ("lecun", 1 / 400), ("normal", 1e-4)]
)
def test_weights_have_the_variance_of_their_scheme_and_biases_are_zero(scheme: str, variance: float) -> None:
    network = Network(load("lenet5").inferred)
    initialize(network, scheme, 0)
    weights = network.state_dict()
    assert float(weights["linear1.weight"].var()) == pytest.approx(variance, rel=0.05)
    assert not weights["linear1.bias"].any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_drawing_weights_leaves_the_global_random_state_alone(scheme: str) -> None:
    network = Network(load("lenet5").inferred)
    before = torch.get_rng_state()
    initialize(network, scheme, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_fan_of_a_grouped_convolution_is_that_of_one_group() -> None:
    text = "input: 64x9x9\nlayers: [conv: {filters: 256, kernel: 3, groups: 4, padding: [[1, 0], [0, 1]], name: c}]\n"
    network = Network(load_source(Source("net.yaml", text), "net").inferred)
    initialize(network, "kaiming", 0)
    assert float(network.state_dict()["c.weight"].var()) == pytest.approx(2 / (16 * 9), rel=0.05)


def test_xavier_stays_inside_its_bound_and_reaches_it() -> None:
    network = Network(load("lenet5").inferred)
    initialize(network, "xavier", 0)
    bound = math.sqrt(6 / (400 + 120))
    assert 0.99 * bound < float(network.state_dict()["linear1.weight"].detach().abs().max()) <= bound


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_initialization_leaves_no_trace_of_earlier_weights(case: Case) -> None:
    states = []
    for spoiled in (math.nan, 7.0):
        module = build(case.layer, case.inputs)
        for value in module.state_dict().values():
            value.fill_(spoiled if value.is_floating_point() else 7)
        initialize(module, "kaiming", 0)
        states.append(module.state_dict())
    for name, value in states[0].items():
        assert value.isfinite().all() and torch.equal(value, states[1][name]), name


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("batchnorm", {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1, "num_batches_tracked": 0}),
        ("layernorm", {"weight": 1, "bias": 0}),
        ("groupnorm: 2", {"weight": 1, "bias": 0}),
        ("instancenorm", {"weight": 1, "bias": 0}),
        ("prelu: {init: 0.5}", {"weight": 0.5}),
        ("scale: 0.125", {"weight": 0.125}),
    ],
)
def test_layers_that_are_not_drawn_start_at_their_constants(layer: str, expected: dict[str, float]) -> None:
    network = Network(load_source(Source("net.yaml", f"input: 4x3x3\nlayers: [{layer}]\n"), "net").inferred)
    initialize(network, "normal", 0)
    found = {name.rpartition(".")[2]: value for name, value in network.state_dict().items()}
    assert {name: set(value.flatten().tolist()) for name, value in found.items()} == {
        name: {value} for name, value in expected.items()
    }


@pytest.mark.parametrize("padding", ["0", "same"])
def test_whitening_fills_the_first_convolution_whatever_its_padding(padding: str) -> None:
    first = f"conv: {{filters: 8, kernel: 2, padding: {padding}}}"
    text = f"input: 1x8x8\nlayers: [{first}, conv: {{filters: 2, kernel: 2}}]\n"
    network = Network(load_source(Source("net.yaml", text), "net").inferred)
    assert [*initialize_weights(network, Recipe(whiten=True), lambda count: torch.randn(64, 1, 8, 8))] == []
    frozen = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    assert frozen == ["conv1.weight"]
    assert torch.equal(network.get_parameter("conv1.weight")[4:], -network.get_parameter("conv1.weight")[:4])
