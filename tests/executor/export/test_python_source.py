"""The PyTorch source that is written of a network computes what the executor's network computes."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from networks import load_if_it_fits, networks
from torch import Tensor, nn

from cnncli import load
from cnncli.executor.export.naming import VariableNames, class_name
from cnncli.executor.export.python_source import source
from cnncli.executor.network.initialization import initialize
from cnncli.executor.network.network import Network, own_tensors
from cnncli.inference import Inferred
from cnncli.language import Source
from cnncli.loading import load_source

pytestmark = pytest.mark.usefixtures("one_thread")


def inferred(text: str) -> Inferred:
    return load_source(Source("net.yaml", text), "net").inferred


def executed(text: str) -> nn.Module:
    """The network of a file's text, without its weights."""
    names: dict[str, Any] = {"__name__": "exported", "__file__": "exported.py"}
    exec(compile(text, "exported.py", "exec", dont_inherit=True), names)
    (network,) = (
        value for value in names.values() if isinstance(value, type) and value.__doc__ and "Map (N" in value.__doc__
    )
    module = network()
    assert isinstance(module, nn.Module)
    return module


def compare(inferred: Inferred, tolerance: float = 1e-6) -> str:
    """Build both with the same weights and compare their outputs; the text."""
    ours = Network(inferred)
    initialize(ours, "kaiming", 0)
    for buffer in ours.buffers():
        if buffer.dtype.is_floating_point:
            buffer.uniform_(0.5, 1.5)
    text = source(inferred, "net", "net.safetensors")
    assert "cnncli" not in text
    theirs = executed(text)
    assert {name: tuple(value.shape) for name, value in own_tensors(theirs).items()} == {
        name: tuple(value.shape) for name, value in own_tensors(ours).items()
    }
    theirs.load_state_dict(own_tensors(ours), strict=False)
    torch.manual_seed(0)
    inputs = [torch.randn(3, *entry.shape) for entry in inferred.graph.inputs]
    with torch.no_grad():
        mine, other = ours.eval()(*inputs), theirs.eval()(*inputs)
    torch.testing.assert_close(other, mine, atol=tolerance, rtol=tolerance, equal_nan=True)
    return text


@settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_random_networks_compute_the_same(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    compare(loaded.inferred)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("lenet5", "1x28x28"),
        ("lenet5_1998", "1x32x32"),
        ("resnet18", "3x32x32"),
        ("densenet121", "3x32x32"),
        ("googlenet", "3x64x64"),
        ("mobilenet_v3_small", "3x32x32"),
        ("shufflenet_v2_x0_5", "3x64x64"),
        ("unet", "1x188x188"),
    ],
)
def test_bundled_networks_compute_the_same(name: str, shape: str) -> None:
    compare(load(name, inputs={"": shape}).inferred, 1e-5)


def test_names_that_cannot_be_attributes_of_a_module() -> None:
    names = ["train", "forward", "type", "class", "lambda", "1x1", "0", "__a", "_b", "x", "self", "torch", "nn", "None"]
    layers = "\n".join(f'  - conv: {{filters: 1, kernel: 1, name: "{name}"}}' for name in names)
    text = compare(inferred(f"input: 1x4x4\nlayers:\n{layers}\n"))
    assert 'self._modules["train"] = nn.Conv2d(1, 1, 1)' in text
    assert "self.x = nn.Conv2d(1, 1, 1)" in text


def test_variables_of_strange_names_are_distinct() -> None:
    names = ["x", "self", "class", "torch", "functional", "1", "v1", "x_"]
    layers = "".join(f'  - relu: {{name: "{name}"}}\n' for name in names)
    joined = ", ".join(f'"{name}"' for name in names)
    compare(inferred(f"input: 1x4x4\nlayers:\n{layers}  - concat: [{joined}]\n"))


def test_shared_weights_are_constructed_once() -> None:
    text = compare(
        inferred(
            "input: 2x6x6\nlayers:\n"
            "  - conv: {filters: 2, kernel: 3, padding: 1, name: a}\n"
            "  - batchnorm: {name: n}\n"
            "  - conv: {filters: 2, kernel: 3, padding: 1, share: a}\n"
            "  - batchnorm: {share: n}\n"
        )
    )
    assert "self.conv1.weight = self.a.weight" in text or "self.conv2.weight = self.a.weight" in text


def test_several_inputs_and_outputs() -> None:
    layers = "[add: [left, right], conv: {filters: 2, kernel: 1, name: a}, conv: {filters: 5, kernel: 1, name: b}]"
    text = compare(inferred(f"inputs: {{left: 3x4x4, right: 3x4x4}}\noutputs: [b, a]\nlayers: {layers}\n"))
    assert "def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, ...]:" in text


def test_a_network_without_layers_passes_its_input_on() -> None:
    assert "        return x" in compare(inferred("input: 3\nlayers: [identity]\n"))


def test_the_text_is_python_of_at_most_120_columns() -> None:
    for name in ("lenet5_1998", "alexnet_2012", "unet"):
        text = source(load(name).inferred, name, f"{name}.safetensors")
        ast.parse(text)
        assert max(map(len, text.splitlines()[6:])) <= 120


def test_lenet5_is_written_as_by_hand() -> None:
    text = source(load("lenet5").inferred, "lenet5", "lenet5.safetensors")
    assert "        self.c1 = nn.Conv2d(1, 6, 5, padding=2)\n        self.conv2 = nn.Conv2d(6, 16, 5)\n" in text
    assert (
        "        x = self.c1(x)  # 6x28x28\n"
        "        x = functional.relu(x)  # relu1\n"
        "        x = functional.max_pool2d(x, 2)  # maxpool1 6x14x14\n"
    ) in text


def test_names_and_sources_in_a_file_are_not_executed() -> None:
    name = r'"\"\"\"\nraise SystemExit \\"'
    compare(inferred(f"name: {name}\nsource: {name}\ninput: 3\nlayers: [relu]\n")).encode()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("LeNet-5", "LeNet5"),
        ("LeNet-5 (1998)", "LeNet5_1998"),
        ("resnet18", "Resnet18"),
        ("3d", "Network3d"),
        ("none", "NetworkNone"),
        ("Tensor", "NetworkTensor"),
        ("·", "Network"),
        ("locally connected", "NetworkLocallyConnected"),
    ],
)
def test_class_names(text: str, name: str) -> None:
    assert class_name(text, {"Tensor", "LocallyConnected"}) == name


def test_repeats_are_lists_and_other_scopes_are_not() -> None:
    places = VariableNames(["a.0.c", "a.1.c", "b.0.c", "b.x.c", "d.0", "1.0.c"])
    assert places.of("a.1.c") == "self.a[1].c"
    assert places.of("b.0.c") == 'self.b._modules["0"].c'
    assert places.of("d.0") == 'self.d._modules["0"]'
    assert places.of("1.0.c") == 'self._modules["1"][0].c'


def test_an_unused_value_is_not_computed() -> None:
    text = compare(
        inferred("input: 3x4x4\noutputs: [a]\nlayers: [relu: {name: a}, conv: {filters: 2, kernel: 1, name: b}]\n")
    )
    assert "self.b = " in text and "self.b(" not in text


def test_outputs_are_tensors() -> None:
    output = executed(source(load("lenet5").inferred, "lenet5", "w"))(torch.zeros(2, 1, 28, 28))
    assert isinstance(output, Tensor) and output.shape == (2, 10)
