"""The first convolution as a matrix product: the values and gradients of a convolution, a pooling and a ReLU."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from cnncli.executor.network.fusion.banded import BandedConvPoolReLU, Workspace, is_faster, plan_of, product
from cnncli.executor.network.fusion.rewriting import WideConvThenPool
from cnncli.executor.network.network import Network
from cnncli.language.source import Source
from cnncli.loading import load, load_source

KERNELS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=80, deadline=None)
@given(
    channels=st.integers(1, 3),
    filters=st.integers(1, 5),
    kernel=KERNELS,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    bias=st.booleans(),
    ties=st.booleans(),
)
def test_values_and_gradients_are_those_of_torch(
    channels: int,
    filters: int,
    kernel: tuple[int, int],
    padding: tuple[int, int],
    size: tuple[int, int],
    bias: bool,
    ties: bool,
) -> None:
    """Of equal values in a window the first one gets the gradient, here as there."""
    conv = nn.Conv2d(channels, filters, kernel, padding=padding, bias=bias, dtype=torch.float64)
    images = torch.randn(3, channels, *size, dtype=torch.float64)
    if ties:  # sums of whole numbers are exact in any order
        for parameter in conv.parameters():
            parameter.data = torch.randint(-2, 3, parameter.shape).double()
        images = torch.randint(0, 2, images.shape).double()
    plan = plan_of(conv, size)
    assert plan is not None
    workspace = Workspace(images.shape, plan, plan.frame(len(images), torch.float64), torch.zeros(plan.shape).double())
    ours, theirs = product(images, conv, workspace), functional.max_pool2d(conv(images), 2).relu()
    assert torch.allclose(ours, theirs)
    gradient = torch.randn_like(theirs)
    pairs = [torch.autograd.grad(output, list(conv.parameters()), gradient) for output in (ours, theirs)]
    for one, other in zip(*pairs, strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("changed", [{"stride": 2}, {"dilation": 2}, {"groups": 2}, {"padding": "same"}])
def test_other_convolutions_have_no_plan(changed: dict[str, object]) -> None:
    assert plan_of(nn.Conv2d(2, 4, 3, **changed), (9, 9)) is None  # type: ignore[arg-type]


def test_it_is_used_for_lenet_5_only_while_training_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(load("lenet5").inferred, rewritten=True)
    (first, *_) = [step.module for step in network.steps]
    assert isinstance(first, BandedConvPoolReLU)
    assert [type(layer) for layer in first.layers[1].children()] == [WideConvThenPool, nn.ReLU]
    used: list[torch.dtype] = []
    monkeypatch.setattr(
        "cnncli.executor.network.fusion.banded.product",
        lambda x, conv, workspace: used.append(workspace.matrix.dtype) or torch.zeros(2, 6, 14, 14),
    )
    images = torch.randn(2, 1, 28, 28)
    network(images)
    network.eval()
    with torch.autocast("cpu", torch.bfloat16):
        network(images)
        assert used == []
        network.train()
        network(images)
    assert used == [torch.bfloat16]


@pytest.mark.parametrize("of", ["weight", "bias"])
@pytest.mark.parametrize("bad", [float("nan"), -float("nan"), float("inf")])
def test_non_finite_weights_reach_the_output(of: str, bad: float) -> None:
    """As integers some of them are below 0, where a ReLU would hide them."""
    network = Network(load("lenet5").inferred, rewritten=True).train()
    first = network.steps[0].module
    assert isinstance(first, BandedConvPoolReLU)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        first.layers[0].get_parameter(of).fill_(bad)
        assert not first(torch.randn(2, 1, 28, 28)).isfinite().any()


@pytest.mark.parametrize("kernel", [5, (1, 5)])
@pytest.mark.parametrize("count", [1, 4])
def test_a_forward_pass_does_not_change_gradients_of_earlier_ones(kernel: int, count: int) -> None:
    conv = nn.Conv2d(1, 6, kernel)
    first = BandedConvPoolReLU(conv, nn.Sequential(conv, nn.MaxPool2d(2), nn.ReLU()))
    images = [torch.randn(count, 1, 28, 28) for _ in range(2)]
    with torch.autocast("cpu", torch.bfloat16):
        (alone,) = torch.autograd.grad(first(images[0]).float().sum(), conv.weight)
        assert first.workspace is not None and first.workspace.plan is not None
        outputs = [first(each) for each in images]
    (found,) = torch.autograd.grad(outputs[0].float().sum(), conv.weight)
    assert torch.equal(found, alone)


def test_a_second_backward_pass_is_an_error() -> None:
    conv = nn.Conv2d(1, 6, 5)
    first = BandedConvPoolReLU(conv, nn.Identity())
    with torch.autocast("cpu", torch.bfloat16):
        loss = first(torch.randn(2, 1, 28, 28)).float().sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="there is only one"):
        loss.backward()


def test_it_can_be_compiled() -> None:
    network = Network(load("lenet5").inferred, rewritten=True).train()
    compute = torch.compile(network, backend="aot_eager", dynamic=False)
    with torch.autocast("cpu", torch.bfloat16):
        compute(torch.randn(4, 1, 28, 28)).float().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_alternating_batch_sizes_keep_their_gradients() -> None:
    """What is kept from step to step is of one size."""
    network = Network(load("lenet5").inferred, rewritten=True).train()
    first, images = network.steps[0].module, torch.randn(6, 1, 28, 28)
    with torch.autocast("cpu", torch.bfloat16):
        together = first(images)
        parts = [first(part) for part in images.split([4, 2])]
    assert torch.equal(torch.cat(parts), together)
    weight = network.get_parameter("c1.weight")
    whole = torch.autograd.grad(together.float().sum(), weight)[0]
    sums = sum(torch.autograd.grad(part.float().sum(), weight)[0] for part in parts)
    assert torch.allclose(whole, torch.as_tensor(sums), rtol=0.02, atol=0.5)


def test_a_network_in_bfloat16_has_nearly_the_gradients_of_float32() -> None:
    text = "input: 1x20x20\nlayers: [conv: {filters: 5, kernel: 3}, relu, maxpool: 2, flatten, linear: 3]\n"
    inferred = load_source(Source("net", text), "net").inferred
    plain, fast = Network(inferred), Network(inferred, rewritten=True)
    fast.load_state_dict(plain.state_dict())
    images = torch.randn(16, 1, 20, 20)
    plain(images).square().sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        output = fast(images)
        assert isinstance(output, torch.Tensor)
        output.float().square().sum().backward()
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None
        assert torch.nn.functional.cosine_similarity(one.grad.flatten(), other.grad.flatten(), 0) > 0.99, name


def test_it_is_faster_for_few_filters_on_one_channel() -> None:
    def of(channels: int, filters: int, kernel: int, size: int) -> bool:
        plan = plan_of(nn.Conv2d(channels, filters, kernel), (size, size))
        return plan is not None and is_faster(plan)

    assert of(1, 6, 5, 32) and of(1, 8, 3, 28)
    assert not any((of(3, 6, 5, 32), of(1, 32, 3, 28), of(1, 6, 3, 8), of(1, 6, 3, 64)))
