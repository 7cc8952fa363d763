"""The network in torch: its names, what it keeps in memory, and the rewriting that changes nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from networks import load_if_it_fits, networks
from torch import Tensor

from cnncli import load
from cnncli.errors import CnnError
from cnncli.executor.initialisation import SCHEMES, initialise
from cnncli.executor.network import Network, check
from cnncli.inference import Inferred
from cnncli.language import Source
from cnncli.loading import load_source


def inferred(text: str) -> Inferred:
    return load_source(Source("net.yaml", text), "net").inferred


def test_parameters_are_called_as_the_layers() -> None:
    names = dict(Network(load("lenet5").inferred).named_parameters())
    layers = ["c1", "conv2", "linear1", "linear2", "linear3"]
    assert list(names) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    assert "stage1.first.sum.shortcut.conv1.weight" in dict(Network(load("resnet50").inferred).named_parameters())


def test_layers_may_be_called_like_the_attributes_of_a_module() -> None:
    names = ["train", "forward", "type", "parameters", "float", "training", "steps"]
    layers = "\n".join(f"  - conv: {{filters: 1, kernel: 1, name: {name}}}" for name in names)
    network = Network(inferred(f"input: 1x4x4\nlayers:\n{layers}\n")).eval()
    assert {name.partition(".")[0] for name in network.state_dict()} == set(names)
    assert network(torch.randn(1, 1, 4, 4)).shape == (1, 1, 4, 4)


def test_a_join_may_bear_the_name_of_its_composite() -> None:
    text = "input: 2x4x4\nlayers:\n  - residual: {name: res, layers: [conv: {filters: 2, kernel: 1}]}\n"
    assert list(Network(inferred(text)).state_dict()) == ["res.conv1.weight", "res.conv1.bias"]


def test_several_outputs_come_in_the_order_asked_for() -> None:
    layers = "[conv: {filters: 2, kernel: 1, name: a}, conv: {filters: 5, kernel: 1, name: b}]"
    text = f"input: 3x4x4\noutputs: [b, a]\nlayers: {layers}\n"
    outputs = Network(inferred(text))(torch.randn(1, 3, 4, 4))
    assert [output.shape[1] for output in outputs] == [5, 2]


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet18", "resnet152", "googlenet", "allconv", "digits_cnn"])
def test_torch_agrees_with_the_figures_of_the_bundled_networks(name: str) -> None:
    check(load(name).inferred)


def test_a_disagreement_between_torch_and_the_figures_names_the_layer() -> None:
    good = load("lenet5").inferred
    facts = dict(good.facts)
    wrong = facts["conv2"].figures._replace(output_shape=(16, 11, 11))
    facts["conv2"] = facts["conv2"]._replace(figures=wrong)
    with pytest.raises(CnnError, match=r"conv2 \(conv on 6x14x14\): torch's output are \(16, 10, 10\)"):
        check(good._replace(facts=facts))


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_rewriting_changes_neither_the_output_nor_any_gradient(text: str) -> None:
    loaded = load_if_it_fits(text.replace("  - maxpool", "  - relu\n  - maxpool"))
    assume(loaded is not None)
    assert loaded is not None
    results = []
    for rewritten in (False, True):
        network = Network(loaded.inferred, rewritten=rewritten).eval()
        initialise(network, "kaiming", 0)
        torch.manual_seed(1)
        output = network(*(torch.randn(2, *entry.shape) for entry in loaded.graph.inputs))
        assert isinstance(output, Tensor)
        if output.requires_grad:
            output.sum().backward()
        results.append([output.detach(), *(p.grad for p in network.parameters() if p.grad is not None)])
    for plain, faster in zip(*results, strict=True):
        torch.testing.assert_close(plain, faster, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(scheme: str) -> None:
    network = Network(load("lenet5").inferred)
    states = []
    for _ in range(2):
        torch.rand(7)
        initialise(network, scheme, 3)
        states.append({name: value.clone() for name, value in network.state_dict().items()})
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    initialise(network, scheme, 4)
    assert not torch.equal(network.state_dict()["c1.weight"], states[0]["c1.weight"])


@pytest.mark.parametrize(
    ("scheme", "variance"), [("kaiming", 2 / 400), ("xavier", 2 / 520), ("lecun", 1 / 400), ("normal", 1e-4)]
)
def test_weights_have_the_variance_of_their_scheme_and_biases_are_zero(scheme: str, variance: float) -> None:
    network = Network(load("lenet5").inferred)
    initialise(network, scheme, 0)
    weights = network.state_dict()
    assert float(weights["linear1.weight"].var()) == pytest.approx(variance, rel=0.05)
    assert not weights["linear1.bias"].any()
