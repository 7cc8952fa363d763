"""Weights that layers share are one tensor: counted, trained and saved once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from texts import loaded, refusal

from cnncli.executor.network.agreement import check
from cnncli.executor.network.initialization import initialize
from cnncli.executor.network.network import Network
from cnncli.executor.network.weights import load_weights, save_weights

TWINS = """\
inputs: {left: 2x9x9, right: 2x7x7}
layers:
  - conv: {filters: 4, kernel: 3, from: left, name: a}
  - batchnorm: {name: norm}
  - global_avgpool
  - linear: {units: 3, name: head}
  - conv: {filters: 4, kernel: 3, stride: 2, from: right, share: a, name: b}
  - batchnorm: {share: norm, name: norm2}
  - global_avgpool
  - linear: {units: 3, share: head, name: head2}
  - conv: {filters: 4, kernel: 3, from: right, share: b, name: c}
  - global_avgpool
  - linear: {units: 3, share: head2, name: head3}
  - add: [head, head2, head3]
"""


def test_shared_weights_count_once_and_are_used_everywhere() -> None:
    inferred = loaded(TWINS).inferred
    figures = {name: info.stats for name, info in inferred.layers.items()}
    assert [figures[name].params for name in ("a", "b", "c", "head", "head2", "head3")] == [76, 0, 0, 15, 0, 0]
    assert figures["b"].macs == 3 * 3 * 72 and figures["b"].connections > 0
    assert inferred.totals["params"] == 76 + 8 + 15
    assert inferred.layers["c"].node.shares == "a"  # whose own weights they are


def test_shared_weights_exist_once_and_running_statistics_per_layer() -> None:
    inferred = loaded(TWINS).inferred
    check(inferred)
    network = Network(inferred)
    parameters = dict(network.named_parameters())
    assert sum(p.numel() for p in parameters.values()) == inferred.totals["params"]
    modules = {step.name: step.module for step in network.steps}
    assert modules["a"].weight is modules["b"].weight is modules["c"].weight
    assert modules["norm"].running_mean is not modules["norm2"].running_mean


def test_gradients_of_all_uses_are_summed() -> None:
    network = Network(loaded(TWINS).inferred).train()
    initialize(network, "kaiming", 0)
    modules = {step.name: step.module for step in network.steps}
    left, right = torch.randn(4, 2, 9, 9), torch.randn(4, 2, 7, 7)
    network(left, right).square().sum().backward()
    assert modules["b"].weight.grad is modules["a"].weight.grad is not None


def test_shared_weights_are_saved_once_and_restored(tmp_path: Path) -> None:
    inferred = loaded(TWINS).inferred
    first, second = Network(inferred).eval(), Network(inferred).eval()
    initialize(first, "kaiming", 1)
    save_weights(first, tmp_path / "weights.safetensors")
    load_weights(second, tmp_path / "weights.safetensors")
    inputs = torch.randn(2, 2, 9, 9), torch.randn(2, 2, 7, 7)
    assert torch.equal(first(*inputs), second(*inputs))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("relu, relu: {share: relu1}", "relu has no weights to share"),
        (
            "conv: {filters: 2, kernel: 3}, conv: {filters: 2, kernel: 5, share: conv1}",
            "it needs weights of shape 2x2x5x5, 2, but those of conv1 have shape 2x1x3x3, 2",
        ),
        (
            "conv: {filters: 1, kernel: 3}, conv: {filters: 1, kernel: 3, share: conv3}",
            "no earlier layer 'conv3'",
        ),
    ],
)
def test_what_cannot_be_shared_is_an_error(layers: str, message: str) -> None:
    (problem,) = refusal(f"input: 1x9x9\nlayers: [{layers}]\n").problems
    assert problem.message == message


def test_rbf_codes_are_saved_and_not_trained() -> None:
    inferred = loaded("input: 12\nlayers: [linear: 5, rbf: 3]\n").inferred
    network = Network(inferred).train()
    initialize(network, "kaiming", 0)
    (codes,) = [p for name, p in network.named_parameters() if name == "rbf1.weight"]
    assert {*codes.flatten().tolist()} <= {-1.0, 1.0}
    network(torch.randn(2, 12)).sum().backward()
    assert codes.grad is None and inferred.totals["trainable"] == inferred.totals["params"] - 15
    again = Network(inferred)
    initialize(again, "normal", 7)
    assert torch.equal(dict(again.named_parameters())["rbf1.weight"], codes)


@pytest.mark.parametrize(("kind", "axes"), [("spatial_dropout", 2), ("drop_path", 1)])
def test_whole_slices_are_dropped_and_the_others_scaled_up(kind: str, axes: int) -> None:
    network = Network(loaded(f"input: 6x4x4\nlayers: [{kind}: 0.5]\n").inferred)
    torch.manual_seed(0)
    ones = torch.ones(64, 6, 4, 4)
    dropped = network.train()(ones)
    flat = dropped.reshape(*dropped.shape[:axes], -1)
    assert torch.equal(flat.min(-1).values, flat.max(-1).values)
    assert {*flat.unique().tolist()} == {0.0, 2.0}
    assert torch.equal(network.eval()(ones), ones)
