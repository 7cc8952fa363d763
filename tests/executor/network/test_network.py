"""The network in torch: its names, what it keeps in memory, and the rewriting that changes nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits, networks
from torch import Tensor

from cnncli import load
from cnncli.errors import CnnError
from cnncli.executor.network import network as network_module
from cnncli.executor.network.agreement import check
from cnncli.executor.network.fusion.cropping import CroppedConv
from cnncli.executor.network.initialization import initialize
from cnncli.executor.network.network import Network
from cnncli.inference import Inferred
from cnncli.language import Source
from cnncli.loading import load_source

pytestmark = pytest.mark.usefixtures("one_thread")


def inferred(text: str) -> Inferred:
    return load_source(Source("net.yaml", text), "net").inferred


def test_parameters_are_named_after_the_layers() -> None:
    names = dict(Network(load("lenet5").inferred).named_parameters())
    layers = ["c1", "conv2", "linear1", "linear2", "linear3"]
    assert list(names) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    assert "stage1.first.sum.shortcut.conv1.weight" in dict(Network(load("resnet50").inferred).named_parameters())


def test_layers_may_have_the_names_of_module_attributes() -> None:
    names = ["train", "forward", "type", "parameters", "float", "training", "steps"]
    layers = "\n".join(f"  - conv: {{filters: 1, kernel: 1, name: {name}}}" for name in names)
    network = Network(inferred(f"input: 1x4x4\nlayers:\n{layers}\n")).eval()
    assert {name.partition(".")[0] for name in network.state_dict()} == set(names)
    assert network(torch.randn(1, 1, 4, 4)).shape == (1, 1, 4, 4)


def test_a_merge_may_have_the_name_of_its_composite() -> None:
    text = "input: 2x4x4\nlayers:\n  - residual: {name: res, layers: [conv: {filters: 2, kernel: 1}]}\n"
    assert list(Network(inferred(text)).state_dict()) == ["res.conv1.weight", "res.conv1.bias"]


def test_several_outputs_come_in_the_order_asked_for() -> None:
    layers = "[conv: {filters: 2, kernel: 1, name: a}, conv: {filters: 5, kernel: 1, name: b}]"
    text = f"input: 3x4x4\noutputs: [b, a]\nlayers: {layers}\n"
    outputs = Network(inferred(text))(torch.randn(1, 3, 4, 4))
    assert [output.shape[1] for output in outputs] == [5, 2]


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet18", "resnet152", "googlenet", "allconv", "digits_cnn"])
def test_torch_agrees_with_the_numbers_of_bundled_networks(name: str) -> None:
    check(load(name).inferred)


def test_a_disagreement_with_torch_names_the_layer() -> None:
    good = load("lenet5").inferred
    facts = dict(good.layers)
    wrong = facts["conv2"].stats._replace(output_shape=(16, 11, 11))
    facts["conv2"] = facts["conv2"]._replace(stats=wrong)
    with pytest.raises(CnnError, match=r"conv2 .*: cnn and torch disagree: output 16x11x11, torch 16x10x10"):
        check(good._replace(layers=facts))


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ("[linear: 2000000000]", r"linear1 \(linear on 2000000000\)"),
        ("[relu, layernorm, linear: 2000000000]", r"linear1"),
    ],
)
def test_an_error_of_torch_while_building_names_the_layer(layers: str, place: str) -> None:
    with pytest.raises(CnnError, match=place + r".*: torch reports: .*overflowed") as caught:
        check(inferred(f"input: 2000000000\nlayers: {layers}\n"))
    assert "too large for torch" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "layers", "place"),
    [("3x4x4", "[upsample: {size: 2000000000}]", "upsample1"), ("3x2000000000x2000000000", "[relu]", "input")],
)
def test_an_error_of_torch_while_running_names_the_place(shape: str, layers: str, place: str) -> None:
    with pytest.raises(CnnError, match=place + r".*: torch reports: "):
        check(inferred(f"input: {shape}\nlayers: {layers}\n"))


def test_a_weight_under_another_name_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    good = load("lenet5").inferred
    register = network_module.register

    def misspelt(root: torch.nn.Module, name: str, module: torch.nn.Module) -> None:
        register(root, name.replace("conv2", "convolution2"), module)

    monkeypatch.setattr(network_module, "register", misspelt)
    with pytest.raises(CnnError, match=r"LeNet-5: cnn and torch disagree: conv2\.weight 16x6x5x5, torch none"):
        check(good)


def test_values_are_freed_after_their_last_use() -> None:
    layers = "[conv: {filters: 2, kernel: 1, name: a}, relu, residual: [conv: {filters: 2, kernel: 1}], flatten]"
    network = Network(inferred(f"input: 2x4x4\nlayers: {layers}\n"))
    done = {step.name: step.done_with for step in network.steps}
    assert done == {
        "a": ("input",),
        "relu1": ("a",),
        "residual1.conv1": (),
        "add1": ("residual1.conv1", "relu1"),
        "flatten1": ("add1",),
    }


@pytest.mark.parametrize("norm", ["instancenorm", "groupnorm: 4", "layernorm"])
@pytest.mark.parametrize("training", [False, True])
def test_norms_of_the_input_itself_take_one_image_of_one_position(norm: str, training: bool) -> None:
    network = Network(inferred(f"input: 4x1x1\nlayers: [{norm}]\n")).train(training)
    assert network(torch.randn(1, 4, 1, 1)).shape == (1, 4, 1, 1)


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_rewriting_changes_neither_the_output_nor_any_gradient(text: str) -> None:
    loaded = load_if_it_fits(text.replace("  - maxpool", "  - relu\n  - maxpool"))
    assume(loaded is not None)
    assert loaded is not None
    results = []
    for rewritten in (False, True):
        network = Network(loaded.inferred, rewritten=rewritten).eval()
        initialize(network, "kaiming", 0)
        torch.manual_seed(1)
        output = network(*(torch.randn(2, *entry.shape) for entry in loaded.graph.inputs))
        assert isinstance(output, Tensor)
        if output.requires_grad:
            torch.autograd.backward(output.sum())
        results.append([output.detach(), *(p.grad for p in network.parameters() if p.grad is not None)])
        shorter = any(isinstance(step.module, CroppedConv) for step in network.steps)  # another order of sums
    exact = {} if shorter else {"rtol": 0, "atol": 0}
    for plain, faster in zip(*results, strict=True):
        torch.testing.assert_close(plain, faster, equal_nan=True, **exact)


@pytest.mark.parametrize("filters", [3, 6, 8, 13])
def test_more_filters_before_a_pool_change_neither_values_nor_gradients(filters: int) -> None:
    from cnncli.executor.network.fusion.rewriting import WideConvThenPool

    text = f"input: 2x9x9\nlayers: [conv: {{filters: {filters}, kernel: 3}}, relu, maxpool: 2, flatten, linear: 3]\n"
    inferred = load_source(Source("net", text), "net").inferred
    plain, fast = Network(inferred), Network(inferred, rewritten=True)
    fast.load_state_dict(plain.state_dict())
    wide = [step for step in fast.steps if isinstance(step.module, WideConvThenPool)]
    assert bool(wide) == (filters % 8 > 0) and [*plain.state_dict()] == [*fast.state_dict()]
    images = torch.randn(4, 2, 9, 9)
    for network in (plain, fast):
        network(images).square().sum().backward()
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-5), name
    assert torch.allclose(plain(images), fast(images), atol=1e-6)


@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("name", ["c1.bias", "conv2.weight", "linear1.weight", "linear3.bias"])
def test_the_layer_with_nan_weights_is_named(name: str, rewritten: bool) -> None:
    from cnncli import load
    from cnncli.executor.training.nan_finder import first_nonfinite_layer

    network = Network(load("lenet5").inferred, rewritten=rewritten).train()
    with torch.no_grad():
        network.get_parameter(name).view(-1)[0] = float("nan")
    for kind in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", kind, enabled=kind != torch.float32):
            found = first_nonfinite_layer(network, torch.randn(2, 1, 28, 28))
        assert found == f"{name.partition('.')[0]} has NaN or infinite weights"


def test_small_linear_layers_stay_in_float32_and_large_ones_do_not() -> None:
    network = Network(inferred("input: 1x8x8\nlayers: [flatten, linear: 400, linear: 400]\n"), rewritten=True)
    images = torch.randn(256, 1, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert network(images).dtype == torch.bfloat16
        assert network(images[:4]).dtype == torch.float32


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_a_rewritten_network_can_have_another_precision(kind: torch.dtype) -> None:
    network = Network(inferred("input: 1x8x8\nlayers: [flatten, linear: 4]\n"), rewritten=True).to(kind)
    assert network(torch.randn(2, 1, 8, 8, dtype=kind)).dtype == kind


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(0, 6), st.sampled_from(["maxpool", "avgpool"])
)
def test_pool_padding_is_at_most_half_of_the_effective_kernel_and_in_torch_half_of_the_kernel(
    rank: int, kernel: int, dilation: int, padding: int, kind: str
) -> None:
    dilation = dilation if kind == "maxpool" else 1
    spread = f", dilation: {dilation}" if kind == "maxpool" else ""
    layer = f"{kind}: {{kernel: {kernel}, stride: 1, padding: {padding}{spread}}}"
    text = f"input: 1@{'x'.join(['13'] * rank)}\nlayers: [{layer}]\n"
    x = torch.randn(2, 1, *[13] * rank)
    pool = getattr(torch.nn, f"{'Max' if kind == 'maxpool' else 'Avg'}Pool{rank}d")
    options = {"dilation": dilation} if kind == "maxpool" else {}
    try:
        theirs = pool(kernel, 1, padding, **options)(x)
    except RuntimeError:
        theirs = None
    assert (theirs is not None) == (padding <= kernel // 2)
    loaded = load_if_it_fits(text)
    assert (loaded is not None) == (padding <= (dilation * (kernel - 1) + 1) // 2)
    if loaded is not None:
        ours = Network(loaded.inferred).eval()(x)
        assert isinstance(ours, Tensor) and ours.shape[1:] == loaded.inferred.layers[f"{kind}1"].stats.output_shape
        if theirs is not None:
            assert torch.allclose(ours, theirs)
        elif kind == "maxpool":
            bordered = torch.nn.functional.pad(x, [padding] * 2 * rank, value=float("-inf"))
            assert torch.equal(ours, pool(kernel, 1, 0, **options)(bordered))
