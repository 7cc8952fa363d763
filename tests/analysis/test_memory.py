"""The bytes that are calculated are those of the tensors that torch holds."""

from __future__ import annotations

import gc
from itertools import product
from typing import Any

import pytest
import torch
from cases import CASES, Case
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import kept_by_autograd
from program import Run

from cnncli import load
from cnncli.analysis.memory import memory
from cnncli.analysis.torch_operations import is_view
from cnncli.executor.network.network import Network
from cnncli.graph import Graph, Input, Node
from cnncli.inference import Inferred, infer
from cnncli.layers import KINDS
from cnncli.layers.activation import GELU
from cnncli.layers.base import Layer
from cnncli.layers.norm import Scale
from cnncli.layers.reshape import Crop, Identity, Pad

pytestmark = pytest.mark.usefixtures("one_thread")
BATCH = 2


def behind(case: Case, trained: tuple[bool, ...]) -> Inferred:
    """The layer of a case: behind layers that are trained where ``trained`` says so, else on the raw inputs."""
    inputs = tuple(Input(f"input{at}", shape) for at, shape in enumerate(case.inputs))
    names = tuple(f"scale{at}" if is_trained else f"input{at}" for at, is_trained in enumerate(trained))
    scales = tuple(Node(f"scale{at}", Scale(), (f"input{at}",)) for at in range(len(inputs)) if trained[at])
    node = Node("layer", case.layer, names)
    return infer(Graph("case", inputs, (*scales, node), ("layer",)))


UNALIKE = ("local",)  # torch copies patches or not as their strides have it: within bounds


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_saved_activations_of_each_layer_type_are_those_of_torch(case: Case) -> None:
    for trained in product((True, False), repeat=len(case.inputs)):
        inferred = behind(case, trained)
        network = Network(inferred).train()
        measured = kept_by_autograd(network, [torch.randn(BATCH, *shape) for shape in case.inputs])
        calculated = memory(inferred, BATCH).saved_activations
        if case.kind in UNALIKE:
            assert measured <= calculated * 1.7 and calculated <= measured * 1.7
        else:
            assert calculated == measured, trained


@pytest.mark.parametrize("case", [case for case in CASES if len(case.inputs) == 1], ids=lambda case: case.label)
def test_a_layer_is_a_view_where_torch_s_output_shares_the_memory_of_its_input(case: Case) -> None:
    inputs = torch.randn(BATCH, *case.inputs[0])
    output = Network(behind(case, (False,))).train()(inputs)
    shared = output.untyped_storage().data_ptr() == inputs.untyped_storage().data_ptr()
    assert shared == is_view(case.layer, case.inputs)


MAP, GATE = (3, 4, 5), (3, 1, 1)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_saved_activations_of_merges_are_those_of_torch_whichever_operands_are_trained(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["multiply", "maximum", "add", "average", "concat"]))
    count = data.draw(st.integers(2, 4))
    shapes = [data.draw(st.sampled_from([MAP] if kind == "concat" else [MAP, GATE])) for _ in range(count)]
    inputs = tuple(Input(f"input{at}", shape) for at, shape in enumerate(shapes))
    nodes, sources = [], []
    for entry in inputs:
        above = data.draw(st.sampled_from(["raw", "view", "copy", "trained", "trained and copied"]))
        layers: list[Layer] = [Scale()] if "trained" in above else []
        layers += [Identity()] if above == "view" else [GELU()] if "cop" in above else []
        last = entry.name
        for at, layer in enumerate(layers):
            nodes.append(Node(f"{entry.name}_{at}", layer, (last,)))
            last = f"{entry.name}_{at}"
        sources.append(last)
    read = [data.draw(st.sampled_from(sources)) for _ in range(count)]
    nodes.append(Node("merge", KINDS[kind](), tuple(read)))
    nodes.append(Node("last", Scale(), ("merge",)))
    inferred = infer(Graph("merges", inputs, tuple(nodes), ("last",)))
    measured = kept_by_autograd(Network(inferred).train(), [torch.randn(BATCH, *shape) for shape in shapes])
    assert memory(inferred, BATCH).saved_activations == measured


@pytest.mark.parametrize("layer", [Pad(padding=0), Pad(padding=0, mode="reflect"), Crop(margins=0)], ids=repr)
def test_a_border_of_zero_is_not_a_copy(layer: Layer) -> None:
    before, after = Node("before", GELU(), ("scale",)), Node("after", Scale(), ("layer",))
    nodes = (Node("scale", Scale(), ("input",)), before, Node("layer", layer, ("before",)), after)
    inferred = infer(Graph("border", (Input("input", MAP),), nodes, ("after",)))
    network, inputs = Network(inferred), [torch.randn(BATCH, *MAP)]
    calculated = memory(inferred, BATCH)
    assert calculated.saved_activations == kept_by_autograd(network.train(), inputs)
    assert calculated.peak_activations == most_at_once(network.eval(), inputs)


def most_at_once(network: Network, inputs: list[torch.Tensor]) -> int:
    """The most bytes of activations that are alive at the end of a layer's computation."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    gc.collect()
    own |= {entry.untyped_storage().data_ptr() for entry in gc.get_objects() if type(entry) is torch.Tensor}
    own -= {tensor.untyped_storage().data_ptr() for tensor in inputs}
    most = 0

    def look(*_: Any) -> None:
        nonlocal most
        alive = {
            entry.untyped_storage().data_ptr(): entry.untyped_storage().nbytes()
            for entry in gc.get_objects()
            if type(entry) is torch.Tensor
        }
        most = max(most, sum(size for address, size in alive.items() if address not in own))

    for step in network.steps:
        step.module.register_forward_hook(look)
    with torch.no_grad():
        network(*inputs)
    return most


LARGE = [pytest.param(name, marks=pytest.mark.slow) for name in ("resnet18", "unet")]


@pytest.mark.parametrize("name", ["lenet5", "squeezenet1_1", *LARGE])
def test_the_peak_of_inference_is_the_maximum_alive_at_once(name: str) -> None:
    shape = {"lenet5": "1x28x28", "unet": "1x188x188"}.get(name, "3x64x64")
    inferred = load(name, inputs={"": shape}).inferred
    network = Network(inferred).eval()
    measured = most_at_once(network, [torch.zeros(BATCH, *entry.shape) for entry in inferred.graph.inputs])
    assert memory(inferred, BATCH).peak_activations == pytest.approx(measured, rel=0.05)


SMALL = {
    "lenet5": "1x28x28", "lenet5_1998": "1x32x32", "alexnet": "3x96x96", "vgg11_bn": "3x64x64", "resnet18": "3x64x64",
    "resnet50": "3x64x64", "googlenet": "3x64x64", "densenet121": "3x64x64", "squeezenet1_0": "3x64x64",
    "mobilenet_v2": "3x64x64", "mobilenet_v3_small": "3x64x64", "efficientnet_b0": "3x64x64",
    "shufflenet_v2_x1_0": "3x64x64", "convnext_tiny": "3x64x64", "unet": "1x188x188", "regnet_y_400mf": "3x64x64",
    "zfnet": "3x96x96", "nin": "3x32x32", "caffe_cifar10_quick": "3x32x32", "fcn_timeseries": "1x128",
    "mnasnet0_5": "3x64x64", "preact_resnet164": "3x32x32", "inception_v3": "3x299x299",
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_saved_activations_of_bundled_networks_are_within_5_percent_of_torch_s(name: str) -> None:
    inferred = load(name, inputs={"": SMALL[name]}).inferred
    network = Network(inferred).train()
    measured = kept_by_autograd(network, [torch.randn(BATCH, *entry.shape) for entry in inferred.graph.inputs])
    assert memory(inferred, BATCH).saved_activations == pytest.approx(measured, rel=0.05)


def test_half_precision_halves_all_but_indices_and_statistics() -> None:
    inferred = load("resnet18").inferred
    whole, half = memory(inferred, 8, "fp32", "adam"), memory(inferred, 8, "bf16", "adam")
    assert (whole.parameters, whole.gradients, whole.optimizer_state) == (
        2 * half.parameters, 2 * half.gradients, 2 * half.optimizer_state,
    )  # fmt: skip
    assert whole.peak_activations == 2 * half.peak_activations
    assert half.saved_activations > whole.saved_activations / 2


def test_memory_on_the_command_line(cnn: Run) -> None:
    out = cnn("summarize", "lenet5", "--memory", "--batch", "128", "--optimizer", "adam").out
    assert "optimizer state" in out and "246,824" in out
    ended = cnn("summarize", "lenet5", "--memory", "--dtype", "fp8")
    assert (ended.code, ended.err) == (2, "--dtype: unknown value 'fp8'\n  one of fp32, fp16, bf16\n")
