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


LAYERS = {  # fan_in and fan_out of each, on 64x5x5, or 64 numbers
    "linear: 300": (64, 300),
    "conv: {filters: 96, kernel: 3}": (64 * 9, 96 * 9),
    "conv: {filters: 256, kernel: 3, groups: 4, padding: [[1, 0], [0, 1]]}": (16 * 9, 256 * 9),
    "conv_transpose: {filters: 96, kernel: 3}": (64 * 9, 96 * 9),
    "conv_transpose: {filters: 96, kernel: 3, padding: [[1, 0], [0, 1]]}": (64 * 9, 96 * 9),
    "local: {filters: 32, kernel: 3}": (64 * 9, 32 * 9),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_weights_have_the_distribution_of_their_scheme_and_biases_are_zero(layer: str) -> None:
    fan_in, fan_out = LAYERS[layer]
    variances = {"kaiming": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "lecun": 1 / fan_in, "normal": 1e-4}
    variances["dirac"] = 1.0 if layer.startswith("linear") else 1 / (3 * fan_in)
    for scheme, variance in variances.items():
        weight, bias = made(layer, scheme).state_dict().values()
        if scheme == "dirac":
            weight = weight[(weight != 0) & (weight != 1)]  # those of the filters that copy a channel
        values = weight.double().flatten() / math.sqrt(variance)
        assert float(values.mean()) == pytest.approx(0, abs=5 / math.sqrt(len(values))), scheme
        assert float(values.square().mean()) == pytest.approx(1, rel=0.06), scheme
        uniform = scheme in ("xavier", "dirac")
        assert float(values.pow(4).mean()) == pytest.approx(1.8 if uniform else 3, rel=0.1), scheme
        if uniform:
            assert 0.99 * math.sqrt(3) < float(values.abs().max()) <= math.sqrt(3) + 1e-6, scheme
        assert not bias.any()


def made(layer: str, scheme: str, size: str = "64x5x5") -> Network:
    size = "64" if layer.startswith("linear") else size
    network = Network(load_source(Source("net.yaml", f"input: {size}\nlayers: [{layer}]\n"), "net").inferred)
    initialize(network, scheme, 0)
    return network


@pytest.mark.parametrize("size", ["4x7", "4x5x7", "4x3x4x5"])
@pytest.mark.parametrize("kind", ["conv", "conv_transpose"])
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize(("filters", "groups"), [(2, 1), (4, 1), (9, 1), (4, 2), (6, 2)])
def test_dirac_copies_channels_with_one_filter_each_and_draws_the_other_filters(
    size: str, kind: str, even: bool, filters: int, groups: int
) -> None:
    pads = ["[1, 1]" if even else "[1, 2]", *["[1, 1]"] * (size.count("x") - 1)]
    layer = f"{kind}: {{filters: {filters}, kernel: 3, groups: {groups}, padding: [{', '.join(pads)}]}}"
    x = torch.rand(2, *map(int, size.split("x")))
    outputs = made(layer, "dirac", size)(x)
    assert isinstance(outputs, torch.Tensor)
    for y, given in zip(outputs.detach().chunk(groups, 1), x.chunk(groups, 1), strict=True):
        copied = min(given.shape[1], y.shape[1])
        least = min(given.shape[2], y.shape[2])  # one side may be padded or cropped by one more
        assert torch.equal(y[:, :copied, :least], given[:, :copied, :least])
        for drawn in y[:, copied:, :least].transpose(0, 1):
            differences = [(drawn - channel).abs().max() for channel in given[:, :, :least].transpose(0, 1)]
            assert float(min(differences)) > 1e-3 and float(drawn.std()) > 0.01


@pytest.mark.parametrize(
    "layer",
    ["local: {filters: 3, kernel: 3}", "conv: {filters: 4, kernel: 3, connections: [[0, 1], [1, 2], [2, 3], [0, 3]]}"],
    ids=["local", "table"],
)
def test_dirac_copies_no_channel_where_weights_are_of_connections_or_positions(layer: str) -> None:
    for size in ("4x9", "4x9x9"):
        weight, _ = made(layer, "dirac", size).state_dict().values()
        assert len(weight.unique()) > 0.99 * weight.numel()


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
