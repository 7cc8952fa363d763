"""Inferred = executed: random networks, as text, against what PyTorch itself makes of them."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits, networks
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnncli.executor.lowering.build import build
from cnncli.executor.network.agreement import check
from cnncli.executor.network.network import Network
from cnncli.inference import infer_layer
from cnncli.layers import KINDS, Layer, ShapeError

COMPOSING = ("residual", "parallel", "repeat", "blocks", "unit", "inputs", "add", "concat")

# torch counts zeros, masks and windows as convolutions, and not what a matrix product of one term comes to
NOT_COMPARED = ("connections", "partial", "lcn", "local")

pytestmark = pytest.mark.usefixtures("one_thread")

thorough = settings(
    max_examples=2500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("count", [300, pytest.param(2500, marks=pytest.mark.slow)])
def test_random_networks_agree_with_torch_on_every_shape_and_count(count: int) -> None:
    agreed: set[str] = set()
    misfits: set[str] = set()

    @settings(thorough, max_examples=count)
    @given(networks())
    def compare(text: str) -> None:
        loaded = load_if_it_fits(text)
        (agreed if loaded else misfits).add(text)
        assume(loaded is not None)
        assert loaded is not None
        check(loaded.inferred)

    compare()
    assert len(agreed) >= 0.8 * count and len(agreed) > len(misfits)
    assert all(any(f"{part}:" in text for text in agreed) for part in COMPOSING)


@settings(thorough, max_examples=200)
@given(networks())
def test_macs_are_half_of_the_flops_that_torch_counts_for_convolutions_and_matrix_products(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    assume(not any(word in text for word in NOT_COMPARED))
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
def test_a_pool_fits_exactly_if_torch_s_runs_and_gives_the_same_values(
    kind: str, shape: list[int], kernel: int, stride: int, padding: int, ceil: bool, extra: bool
) -> None:
    rounding = "ceil" if ceil else "floor"
    options = {"dilation": 1 + extra} if kind == "maxpool" else {"count_include_pad": extra}
    layer = KINDS[kind](kernel=kernel, stride=stride, padding=padding, rounding=rounding, **options)
    theirs = POOLS[kind][len(shape) - 1](kernel, stride, padding, ceil_mode=ceil, **options)
    span = layer.windows(((2, *shape),))[0].effective_kernel
    assume(not kernel // 2 < padding <= span // 2)  # torch: not in 1-D, but in 2-D; ours: in both
    image = torch.randn(1, 2, *shape)
    try:
        ours = infer_layer(layer, ((2, *shape),)).output_shape
    except ShapeError:
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
def test_a_convolution_fits_exactly_if_torch_s_runs(
    shape: list[int], channels: int, filters: int, kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    fields = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    layer = KINDS["conv"](filters=filters, **fields)
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(shape) - 1]

    def run() -> torch.Size:
        module = convolution(channels, filters, kernel, stride, padding, dilation, groups)
        result: Tensor = module(torch.randn(1, channels, *shape))
        return result.shape

    try:
        ours = infer_layer(layer, ((channels, *shape),)).output_shape
    except ShapeError:
        with pytest.raises((RuntimeError, ValueError)):
            run()
        return
    assert tuple(run()[1:]) == ours


def by_hand(kind: str, layer: Layer, image: Tensor) -> Tensor:
    """Pooling by its definition, one window after the other: what lies in the image is looked up, nothing is padded."""
    windows, sizes = layer.windows((tuple(image.shape),)), image.shape[1:]
    output = torch.empty(layer.output_shape((tuple(image.shape),)))
    for at in product(*map(range, output.shape[1:])):
        values, divisor = image, 1
        for axis, (i, size, window) in enumerate(zip(at, sizes, windows, strict=True), 1):
            taps = [i * window.stride - window.before + k * window.dilation for k in range(window.kernel)]
            inside = [tap for tap in taps if 0 <= tap < size]
            values = values.index_select(axis, torch.tensor(inside, dtype=torch.long))
            counted = [tap for tap in taps if tap < size + window.after]  # what hangs over the end never counts
            divisor *= len(counted if getattr(layer, "count_include_pad", False) else inside)
        values = values.flatten(1)
        if kind == "avgpool":
            output.movedim(0, -1)[at] = values.sum(1) / divisor
        else:
            output.movedim(0, -1)[at] = values.amax(1) if values.numel() else float("-inf")
    return output


@st.composite
def any_padding(draw: st.DrawFn, rank: int) -> object:
    pairs = st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * rank)
    return draw(st.one_of(pairs, st.sampled_from(["same", "same_lower"]), st.integers(0, 2)))


@settings(thorough, max_examples=500)
@given(data=st.data(), kind=st.sampled_from(["maxpool", "avgpool"]), rank=st.integers(1, 3))
def test_pools_of_every_padding_and_rounding_follow_their_definition(data: st.DataObject, kind: str, rank: int) -> None:
    per_axis = st.tuples(*[st.integers(1, 4)] * rank)
    shape = (2, *data.draw(per_axis))
    special = {"dilation": st.integers(1, 2)} if kind == "maxpool" else {"count_include_pad": st.booleans()}
    layer = KINDS[kind](
        kernel=data.draw(per_axis),
        stride=data.draw(per_axis),
        padding=data.draw(any_padding(rank)),
        rounding=data.draw(st.sampled_from(["floor", "ceil"])),
        **{name: data.draw(values) for name, values in special.items()},
    )
    try:
        infer_layer(layer, (shape,))
    except ShapeError:
        assume(False)
    torch.manual_seed(0)
    image = torch.randn(shape)
    torch.testing.assert_close(build(layer, (shape,))(image[None])[0], by_hand(kind, layer, image))


BORDERS: dict[str, tuple[type[nn.Module], ...]] = {
    "reflect": (nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d),
    "replicate": (nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
    "circular": (nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d),
}


@settings(thorough, max_examples=600)
@given(
    mode=st.sampled_from(list(BORDERS)),
    pads=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=3),
    data=st.data(),
)
def test_a_border_can_be_padded_exactly_if_torch_can_also_in_convolutions(
    mode: str, pads: list[tuple[int, int]], data: st.DataObject
) -> None:
    shape = (2, *data.draw(st.tuples(*[st.integers(1, 5)] * len(pads))))
    layer = KINDS["pad"](padding=tuple(pads), mode=mode)
    conv = KINDS["conv"](filters=3, kernel=1, padding=tuple(pads), padding_mode=mode)
    theirs = BORDERS[mode][len(pads) - 1](tuple(amount for pair in reversed(pads) for amount in pair))
    image = torch.randn(1, *shape)
    try:
        infer_layer(layer, (shape,))
    except ShapeError:
        with pytest.raises((RuntimeError, ValueError)):
            theirs(image)
        with pytest.raises(ShapeError):
            infer_layer(conv, (shape,))
        return
    padded = theirs(image)
    assert torch.equal(build(layer, (shape,))(image), padded)
    convolved = build(conv, (shape,))
    weight, bias = convolved.get_parameter("weight"), convolved.get_parameter("bias")
    expected = torch.einsum("fc,nc...->nf...", weight.flatten(1), padded) + bias.view(-1, *(1,) * len(pads))
    torch.testing.assert_close(convolved(image), expected)


@pytest.mark.parametrize("size", range(1, 65, 7))
def test_nearest_upsampling_reads_the_calculated_input(size: int) -> None:
    pixels = torch.arange(float(size))[None, None]
    for output in {*range(size, 40 * size, size), size * 3 // 2, size * 5 // 4, max(1, size // 2)}:
        layer = KINDS["upsample"](size=output)
        (reach,) = infer_layer(layer, ((1, size),)).local_receptive_field
        read = build(layer, ((1, size),))(pixels)[0, 0].long().tolist()
        assert read == [reach[0].low(i) for i in range(output)]
