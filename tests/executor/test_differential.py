"""Inferred = executed: random networks, as text, against what PyTorch itself makes of them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits, networks
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnncli.executor.modules import build
from cnncli.executor.network import Network, check
from cnncli.inference import work_out
from cnncli.layers import KINDS, Misfit

thorough = settings(
    max_examples=2500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@thorough
@given(networks())
def test_random_networks_agree_with_torch_on_every_shape_and_count(text: str) -> None:
    loaded = load_if_it_fits(text)
    event("fits" if loaded else "does not fit")
    assume(loaded is not None)
    assert loaded is not None
    check(loaded.inferred)


@settings(thorough, max_examples=200)
@given(networks())
def test_macs_are_half_of_the_flops_that_torch_counts_for_convolutions_and_matrix_products(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    with torch.device("meta"):
        network = Network(loaded.inferred).eval()
        inputs = [torch.empty(1, *entry.shape) for entry in loaded.graph.inputs]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    assert 2 * loaded.inferred.totals["macs"] == counter.get_total_flops()


@settings(thorough, max_examples=200)
@given(networks())
def test_random_networks_run_and_every_value_that_is_dropped_is_not_needed(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    network = Network(loaded.inferred).eval()
    output = network(*(torch.randn(2, *entry.shape) for entry in loaded.graph.inputs))
    assert isinstance(output, torch.Tensor)
    assert tuple(output.shape[1:]) == loaded.inferred.shape(loaded.graph.outputs[0])


sizes = st.integers(1, 9)
POOLS = {
    "maxpool": (nn.MaxPool1d, nn.MaxPool2d),
    "avgpool": (nn.AvgPool1d, nn.AvgPool2d),
}


@settings(thorough, max_examples=1500)
@given(
    kind=st.sampled_from(["maxpool", "avgpool"]),
    shape=st.lists(sizes, min_size=1, max_size=2),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    ceil=st.booleans(),
    extra=st.booleans(),
)
def test_a_pool_fits_exactly_where_torch_s_own_runs_and_gives_the_same_values(
    kind: str, shape: list[int], kernel: int, stride: int, padding: int, ceil: bool, extra: bool
) -> None:
    rounding = "ceil" if ceil else "floor"
    options = {"dilation": 1 + extra} if kind == "maxpool" else {"count_include_pad": extra}
    layer = KINDS[kind](kernel=kernel, stride=stride, padding=padding, rounding=rounding, **options)
    theirs = POOLS[kind][len(shape) - 1](kernel, stride, padding, ceil_mode=ceil, **options)
    span = layer.windows(((2, *shape),))[0].span
    assume(not kernel // 2 < padding <= span // 2)  # torch: not in 1-D, but in 2-D; ours: in both
    image = torch.randn(1, 2, *shape)
    try:
        ours = work_out(layer, ((2, *shape),)).output_shape
    except Misfit:
        with pytest.raises(RuntimeError):
            theirs(image)
        return
    expected = theirs(image)
    assert tuple(expected.shape[1:]) == ours
    assert torch.equal(build(layer, ((2, *shape),))(image), expected)


@settings(thorough, max_examples=1500)
@given(
    shape=st.lists(sizes, min_size=1, max_size=3),
    channels=st.integers(1, 4),
    filters=st.integers(1, 4),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 2),
    groups=st.integers(1, 3),
)
def test_a_convolution_fits_exactly_where_torch_s_own_runs(
    shape: list[int], channels: int, filters: int, kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    fields = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    layer = KINDS["conv"](filters=filters, **fields)
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(shape) - 1]

    def run() -> torch.Size:
        module = convolution(channels, filters, kernel, stride, padding, dilation, groups)
        return module(torch.randn(1, channels, *shape)).shape

    try:
        ours = work_out(layer, ((channels, *shape),)).output_shape
    except Misfit:
        with pytest.raises((RuntimeError, ValueError)):
            run()
        return
    assert tuple(run()[1:]) == ours
