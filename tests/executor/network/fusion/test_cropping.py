"""Kernels without the weights that meet nothing but padding: the values and gradients of the whole ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnncli.arithmetic.window import Window
from cnncli.executor.network.fusion.cropping import CroppedConv, Span, span, spans
from cnncli.executor.network.network import Network
from cnncli.loading import load

AXIS = {
    "size": st.integers(1, 6),
    "kernel": st.integers(1, 7),
    "stride": st.integers(1, 3),
    "padding": st.integers(0, 4),
    "dilation": st.integers(1, 3),
}


@settings(max_examples=300, deadline=None)
@given(**AXIS)
def test_a_cropped_axis_gives_the_same_as_the_full_one(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    assume(size + 2 * padding >= dilation * (kernel - 1) + 1)
    x, weight = (torch.randn(1, 1, length, dtype=torch.float64) for length in (size, kernel))
    part = span(size, Window(kernel, stride, padding, padding, dilation))
    whole = nn.functional.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation)
    cut = weight.narrow(2, part.first, part.length)
    assert torch.allclose(nn.functional.conv1d(x, cut, None, stride, part.padding, dilation), whole)


def test_unused_taps_are_cropped() -> None:
    """A 3x3 kernel on one pixel is its middle; at stride 2 on two pixels it has two columns."""
    assert span(1, Window(3, 1, 1, 1)) == Span(1, 1, 0)
    assert span(2, Window(3, 2, 1, 1)) == Span(1, 2, 0)
    assert span(2, Window(3, 1, 1, 1)) == Span(0, 3, 1)
    assert span(1, Window(7, 1, 3, 3)) == Span(3, 1, 0)


@pytest.mark.parametrize("conv", [nn.Conv1d, nn.Conv2d, nn.Conv3d])
@pytest.mark.parametrize("size", [1, 2])
def test_values_and_gradients_are_those_of_the_convolution(conv: type[nn.Conv2d], size: int) -> None:
    whole = conv(4, 6, 3, stride=size, padding=1, groups=2, dtype=torch.float64)
    axes = whole.weight.dim() - 2
    x = torch.randn(2, 4, *[size] * axes, dtype=torch.float64, requires_grad=True)
    outputs = whole(x), CroppedConv(whole)(x)
    is_cropped = spans(whole, (size,) * axes) is not None
    assert is_cropped == ((2 / 3 if size == 2 else 1 / 3) ** axes <= 1 / 2)
    assert torch.allclose(*outputs)
    gradient = torch.randn_like(outputs[0])
    found = [torch.autograd.grad(output, (x, *whole.parameters()), gradient) for output in outputs]
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other)


def test_kernels_are_cropped_if_at_most_half_is_used() -> None:
    """The last stage of a ResNet, on images of 32x32, has maps of 1x1."""
    small, large = (load("resnet18", inputs={"input": shape}) for shape in ("3x32x32", "3x224x224"))
    found = [
        [step.name for step in Network(loaded.inferred, rewritten=True).steps if isinstance(step.module, CroppedConv)]
        for loaded in (small, large)
    ]
    assert len(found[0]) == 4 and all(name.startswith("stage4") for name in found[0])
    assert found[1] == []


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_it_is_correct_on_feature_maps_of_other_sizes(size: int) -> None:
    """Images may grow while a network trains."""
    whole = nn.Conv2d(3, 4, 3, padding=1)
    x = torch.randn(2, 3, size, size)
    assert torch.allclose(CroppedConv(whole)(x), whole(x), atol=1e-6)


def test_the_weights_keep_their_names() -> None:
    loaded = load("resnet18", inputs={"input": "3x32x32"})
    plain, fast = Network(loaded.inferred), Network(loaded.inferred, rewritten=True)
    assert [*plain.state_dict()] == [*fast.state_dict()]
    assert len([*plain.parameters()]) == len([*fast.parameters()])


@pytest.mark.parametrize("name", ["lenet5", "resnet18"])
def test_gradients_lie_in_memory_as_their_weights_do(name: str) -> None:
    """PyTorch's fused optimizers on a CPU read both as they lie, and would mix up two layouts without a word."""
    loaded = load(name, inputs={"input": "3x32x32"} if name == "resnet18" else {})
    network = Network(loaded.inferred, rewritten=True).train()
    with torch.autocast("cpu", torch.bfloat16):
        output = network(torch.randn(4, *loaded.graph.inputs[0].shape))
    assert isinstance(output, torch.Tensor)
    output.float().square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.stride() == parameter.stride(), key
