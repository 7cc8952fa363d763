"""The fans of layers are those with which training draws their weights, and PyTorch's."""

from __future__ import annotations

import math

import pytest
from cases import CASES, Case
from texts import loaded, network
from torch import nn
from torch.nn.init import _calculate_fan_in_and_fan_out

from cnncli.analysis.explanation import explain
from cnncli.analysis.initialization import initialization_of
from cnncli.executor.lowering.build import fans_of, weight_holder
from cnncli.executor.lowering.custom_modules import CustomConv
from cnncli.executor.network.network import Network
from cnncli.graph import Graph, Input, Node
from cnncli.inference import infer
from cnncli.views.explaining import as_text, chosen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_fans_are_those_of_training(case: Case) -> None:
    inputs = tuple(Input(f"input{at}", shape) for at, shape in enumerate(case.inputs))
    node = Node("layer", case.layer, tuple(entry.name for entry in inputs))
    inferred = infer(Graph("case", inputs, (node,), ("layer",)))
    modules = [*map(weight_holder, Network(inferred).modules())]
    drawn = [fans for fans in map(fans_of, modules) if fans is not None]
    found = initialization_of(inferred.layers["layer"])
    assert [found[:2]] == drawn[:1] if found is not None else drawn == []
    own = [module.fan_in for module in modules if isinstance(module, CustomConv)]
    assert own == [fan_in for fan_in, _ in drawn[: len(own)]]


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("conv: {filters: 16, kernel: 5}", nn.Conv2d(8, 16, 5)),
        ("conv: {filters: 16, kernel: [3, 5], groups: 4}", nn.Conv2d(8, 16, (3, 5), groups=4)),
        ("depthwise_conv: {kernel: 3, multiplier: 2}", nn.Conv2d(8, 16, 3, groups=8)),
        ("conv_transpose: {filters: 6, kernel: 4, stride: 2}", nn.ConvTranspose2d(8, 6, 4, 2)),
        ("conv_transpose: {filters: 6, kernel: 4, groups: 2}", nn.ConvTranspose2d(8, 6, 4, groups=2)),
        ("linear: 10", nn.Linear(8, 10)),
    ],
)
def test_the_fans_are_pytorch_s_and_those_of_a_transposed_convolution_exchanged(line: str, module: nn.Module) -> None:
    inferred = loaded(network(line, input="8" if line.startswith("linear") else "8x12x12")).inferred
    ((name, info),) = inferred.layers.items()
    found = initialization_of(info)
    fans = _calculate_fan_in_and_fan_out(module.get_parameter("weight"))
    assert found is not None
    assert (found.fan_in, found.fan_out) == (fans[::-1] if isinstance(module, nn.ConvTranspose2d) else fans)
    assert (found.he_std, found.xavier_std) == (math.sqrt(2 / found.fan_in), math.sqrt(2 / sum(fans)))
    steps = {step.quantity: step.value for step in chosen(explain(inferred, name).steps, "initialization")}
    assert steps == {
        "fan_in": found.fan_in, "fan_out": found.fan_out,
        "He std": found.he_std, "He limit": math.sqrt(6 / found.fan_in),
        "Xavier std": found.xavier_std, "Xavier limit": math.sqrt(6 / sum(fans)),
    }  # fmt: skip


def test_the_initialization_is_explained_on_request_alone() -> None:
    inferred = loaded(network("conv: {filters: 16, kernel: 5}", "relu", input="6x14x14")).inferred
    text = as_text(explain(inferred, "conv1"), "initialization")
    assert "sqrt(2 / fan_in) = sqrt(2 / 150) = 0.1155" in " ".join(text.split())
    assert "std" not in as_text(explain(inferred, "conv1"), None)
    assert as_text(explain(inferred, "relu1"), "initialization").endswith("\n  no initialization\n")
