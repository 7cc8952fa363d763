"""Rewritten networks compute what the plain ones do: values, gradients and statistics, in training and evaluation."""

from __future__ import annotations

import networks
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnncli.executor.network.fusion.banded import BandedConvPoolReLU
from cnncli.executor.network.fusion.cropping import CroppedConv
from cnncli.executor.network.fusion.rewriting import FEW_MACS, SmallInFloat32, WideConvThenPool, is_relu
from cnncli.executor.network.network import Network
from cnncli.inference import Inferred
from cnncli.language import Source
from cnncli.loading import load_source

pytestmark = pytest.mark.usefixtures("one_thread")
some = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def stacks(draw: st.DrawFn) -> str:
    """Convolutions, poolings and ReLUs in any order on small, mostly grayscale images; some values are read twice."""
    channels = draw(st.sampled_from([1, 1, 1, 2, 3]))
    sizes = draw(st.tuples(st.integers(4, 16), st.integers(4, 16)))
    layers = []
    for _ in range(draw(st.integers(2, 6))):
        filters, kernel = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 3, 3, 5]))
        padding, bias = draw(st.sampled_from([0, 1, 2, "same"])), draw(st.sampled_from(["true", "false"]))
        more = draw(st.sampled_from(["", "", "", ", stride: 2", ", dilation: 2", ", padding_mode: reflect"]))
        conv = f"conv: {{filters: {filters}, kernel: {kernel}, padding: {padding}, bias: {bias}{more}}}"
        pool = f"maxpool: {draw(st.sampled_from(['2', '2', '3', '{kernel: 2, stride: 1}', '{kernel: 3, padding: 1}']))}"
        triple = f"{conv}, {draw(st.sampled_from([f'{pool}, relu', f'relu, {pool}']))}"
        layers.append(draw(st.sampled_from([triple, triple, conv, pool, "relu", "batchnorm", "avgpool: 2", "tanh"])))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(layers) - 1))
        layers.insert(at, "identity: {name: skip}")
        layers.append("add: [skip, skip]")
    ending = draw(st.sampled_from(["", ", flatten, linear: 4"]))
    return f"input: {channels}@{sizes[0]}x{sizes[1]}\nlayers: [{', '.join(layers)}{ending}]\n"


def fitting(text: str) -> Inferred:
    loaded = networks.load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    return loaded.inferred


def both(inferred: Inferred) -> tuple[Network, Network]:
    torch.manual_seed(0)
    plain, fast = Network(inferred), Network(inferred, rewritten=True)
    fast.load_state_dict(plain.state_dict())
    return plain, fast


def results(network: Network, images: torch.Tensor, dtype: torch.dtype | None) -> list[torch.Tensor]:
    """The output, the gradients and the buffers after a step."""
    with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
        output = network(images)
    assert isinstance(output, torch.Tensor)
    weights = torch.linspace(-1, 1, output.numel(), dtype=torch.float64).view(output.shape)
    gradients = []
    if torch.is_grad_enabled() and output.requires_grad:
        parameters = [*network.parameters()]
        found = torch.autograd.grad((output.double() * weights).sum(), parameters, allow_unused=True)
        gradients = [torch.zeros(()) if each is None else each for each in found]
    return [output.detach(), *gradients, *network.buffers()]


@some
@given(stacks(), st.integers(1, 4))
def test_rewritten_networks_have_the_values_and_gradients_of_the_plain_ones(text: str, count: int) -> None:
    """In float64, where an order of summation makes no difference that could hide another one."""
    inferred = fitting(text)
    plain, fast = (network.double() for network in both(inferred))
    images = torch.randn(count + 1, *inferred.graph.inputs[0].shape, dtype=torch.float64)
    for training in (True, False):
        pairs = [results(network.train(training), images, None) for network in (plain, fast)]
        for one, other in zip(*pairs, strict=True):
            assert torch.allclose(one.double(), other.double(), rtol=1e-9, atol=1e-9), text


@some
@given(stacks())
def test_in_bfloat16_they_agree_up_to_rounding(text: str) -> None:
    inferred = fitting(text)
    assume(not any(info.node.layer.kind == "batchnorm" for info in inferred.layers.values()))
    plain, fast = both(inferred)
    images = torch.randn(6, *inferred.graph.inputs[0].shape)
    (exact, *_), (found, *_) = results(plain.train(), images, None), results(fast.train(), images, torch.bfloat16)
    assert float((exact - found.float()).abs().max()) <= 0.06 * max(1.0, float(exact.abs().max())), text


def modules_of(layers: str, shape: str = "1x28x28") -> list[nn.Module]:
    text = f"input: {shape}\nlayers: [{layers}]\n"
    return [step.module for step in Network(load_source(Source("net", text), "net").inferred, rewritten=True).steps]


@pytest.mark.parametrize("filters", range(1, 41))
def test_few_filters_are_padded_to_the_lanes_and_many_are_not(filters: int) -> None:
    (first, *_) = modules_of(f"conv: {{filters: {filters}, kernel: 3}}, maxpool: 2", "3x28x28")
    assert isinstance(first, WideConvThenPool) == (filters < 16 and filters % 8 != 0)


@pytest.mark.parametrize("changed", ["groups: 2", "dilation: 2", "stride: 2", "kernel: [1, 3]"])
def test_padded_filters_keep_all_fields(changed: str) -> None:
    fields = {"filters": "6", "kernel": "3", **dict([changed.split(": ")])}
    conv = ", ".join(f"{name}: {value}" for name, value in fields.items())
    text = f"input: 2x12x11\nlayers: [conv: {{{conv}}}, maxpool: 2]\n"
    plain, fast = both(load_source(Source("net", text), "net").inferred)
    assert isinstance(fast.steps[0].module, WideConvThenPool) == (changed != "groups: 2")
    images = torch.randn(2, 2, 12, 11)
    assert torch.allclose(plain.train()(images), fast.train()(images), atol=1e-6)


def test_pooling_moves_before_the_relu_only_if_nothing_else_reads_it() -> None:
    pooled, relu = modules_of("relu, maxpool: 2")
    assert is_relu(relu) and not is_relu(pooled)
    first, *_ = modules_of("relu: {name: a}, maxpool: {kernel: 2, padding: same, stride: 1}, add: [maxpool1, a]")
    assert is_relu(first)
    first, *_ = modules_of("relu, avgpool: 2")
    assert is_relu(first)


@pytest.mark.parametrize(
    ("layers", "shape", "banded"),
    [
        ("conv: {filters: 5, kernel: 5}, maxpool: 2, relu", "1x28x28", True),
        ("conv: {filters: 8, kernel: 5}, maxpool: 2, relu", "1x28x28", True),
        ("conv: {filters: 5, kernel: 5}, relu, maxpool: 2", "1x28x28", True),
        ("conv: {filters: 5, kernel: 5}, maxpool: 2, tanh", "1x28x28", False),
        ("conv: {filters: 8, kernel: 5}, maxpool: 3, relu", "1x28x28", False),
        ("conv: {filters: 8, kernel: 5}, maxpool: {kernel: 2, stride: 1}, relu", "1x28x28", False),
        ("conv: {filters: 8, kernel: 5}, maxpool: 2, relu", "3x28x28", False),
        ("tanh, conv: {filters: 8, kernel: 5}, maxpool: 2, relu", "1x28x28", True),
    ],
)
def test_the_first_convolution_of_grayscale_images_is_banded_if_2x2_pooling_and_a_relu_follow(
    layers: str, shape: str, banded: bool
) -> None:
    assert any(isinstance(module, BandedConvPoolReLU) for module in modules_of(layers, shape)) == banded


def test_linear_layers_stay_in_float32_up_to_few_macs() -> None:
    images, inputs = 4, 1000
    units = FEW_MACS // (images * inputs)
    for more, dtype in ((0, torch.float32), (1, torch.bfloat16)):
        layer = SmallInFloat32(nn.Linear(inputs, units + more))
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(torch.randn(images, inputs)).dtype == dtype


def test_kernels_are_cropped_if_at_least_half_only_multiplies_padding() -> None:
    first, *_ = modules_of("conv: {filters: 2, kernel: 3, padding: 1}", "2x1x4")
    assert isinstance(first, CroppedConv)
    first, *_ = modules_of("conv: {filters: 2, kernel: 3, padding: 1}", "2x2x4")
    assert not isinstance(first, CroppedConv)
    first, *_ = modules_of("conv: {filters: 2, kernel: 3, padding: 1, padding_mode: reflect}", "2x2x2")
    assert not isinstance(first, CroppedConv)
