"""The support of gradients, measured with torch, and random networks in which nothing hides it."""

from __future__ import annotations

from itertools import product
from math import prod

import torch
from hypothesis import strategies as st
from networks import load_if_it_fits

from cnncli.arithmetic.axis_field import AxisField
from cnncli.executor.network.network import Network
from cnncli.inference import Inferred, LayerInfo

Support = dict[str, list[tuple[int, int]]]
# where linear interpolation reads one pixel alone, rounding can leave the other 1e-15 of the weight
RESIDUE = 1e-12
# the same windows without a maximum or a kink, either of which hides gradients
LINEAR = (("maxpool", "depthwise_conv"), ("relu", "identity"))


def support(inferred: Inferred, unit: tuple[int, ...]) -> Support:
    """Per input, the first and last index with a gradient on each axis, for one unit of the output."""
    return supports(inferred, [unit])[0]


def supports(inferred: Inferred, units: list[tuple[int, ...]]) -> list[Support]:
    """As :func:`support`, for several units of one forward pass."""
    network = Network(inferred).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(0.5, 1.0)
    inputs = [torch.zeros(1, *entry.shape, dtype=torch.double, requires_grad=True) for entry in inferred.graph.inputs]
    output = network(*inputs)
    assert isinstance(output, torch.Tensor)
    names = [entry.name for entry in inferred.graph.inputs]
    found = []
    for unit in units:
        value = output[0].movedim(0, -1)[unit].sum()
        gradients = torch.autograd.grad(value, inputs, retain_graph=True, allow_unused=True)
        found.append(
            {name: _bounds(g[0]) for name, g in zip(names, gradients, strict=True) if g is not None and g.any()}
        )
    return found


def _bounds(gradient: torch.Tensor) -> list[tuple[int, int]]:
    seen = (gradient.abs() > RESIDUE * gradient.abs().max()).any(0).nonzero()
    return list(zip(seen.min(0).values.tolist(), seen.max(0).values.tolist(), strict=True))


def linear(text: str) -> Inferred:
    """The network with every layer that hides gradients replaced by one that sees the same."""
    for hiding, seeing in LINEAR:
        text = text.replace(hiding, seeing)
    loaded = load_if_it_fits(text)
    assert loaded is not None
    return loaded.inferred


def predicted(fields: tuple[AxisField, ...], unit: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(field.low(i), field.high(i)) for field, i in zip(fields, unit, strict=True)]


def clipped(bounds: list[tuple[int, int]], sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(max(0, low), min(size - 1, high)) for (low, high), size in zip(bounds, sizes, strict=True)]


def some_units(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The corners and the middle."""
    return list(dict.fromkeys(product(*({0: 0, size // 2: 0, size - 1: 0} for size in shape))))


def last(inferred: Inferred) -> LayerInfo:
    return inferred.layers[inferred.graph.outputs[0]]


kernels, strides = st.integers(1, 3), st.integers(1, 2)


@st.composite
def linear_layer(draw: st.DrawFn, *, padded: bool, depth: int = 1) -> str:
    """A layer in which every output is a positive sum of what it sees, or becomes one by :func:`linear`."""
    pad = draw(st.integers(0, 2)) if padded else 0
    kernel, stride, dilation = draw(kernels), draw(strides), draw(st.integers(1, 2))
    options = [
        f"conv: {{filters: 2, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: {pad}}}",
        f"depthwise_conv: {{kernel: {kernel}, stride: {stride}, padding: {pad}}}",
        f"avgpool: {{kernel: {kernel + 1}, stride: {stride}}}",
        f"maxpool: {{kernel: {kernel + 1}, stride: {stride}, dilation: {dilation}, padding: {min(pad, kernel // 2)}}}",
        "relu",
        f"local: {{filters: 2, kernel: {kernel}, stride: {stride}}}",
        f"upsample: {draw(st.sampled_from([2, 3, 1.5]))}",
    ]
    if not padded:  # a border that is cut off leaves padding where the image goes on
        options.append(f"crop: {stride - 1}")
    if padded:
        options += [
            f"upsample: {{scale: {draw(st.sampled_from([2, 3, 1.5]))}, mode: linear}}",
            f"pad: {pad}",
            f"conv: {{filters: 2, kernel: {kernel}, padding: same}}",
            f"adaptive_avgpool: {draw(st.integers(2, 9))}",
            f"conv_transpose: {{filters: 2, kernel: {stride + kernel - 1}, stride: {stride}, padding: {kernel - 1}}}",
            f"conv_transpose: {{filters: 4, kernel: {kernel + 1}, stride: 2, dilation: {1 + 2 * (kernel - 1)}}}",
            f"conv: {{filters: 2, kernel: 3, padding: {pad}, padding_mode: partial}}",
            f"subsample: {{kernel: {kernel}, stride: {stride}}}",
        ]
    if depth and padded:
        branch = draw(linear_layer(padded=False, depth=0))
        same = f"depthwise_conv: {{kernel: {draw(st.sampled_from([1, 3, 5]))}, padding: same}}"
        options += [
            f"residual: [{same}]",
            f"parallel: {{branches: [[{same}], [{same}, {same}], []], merge: concat}}",
            f"parallel: {{branches: [[{branch}], [{branch}]], merge: add}}",
        ]
    return draw(st.sampled_from(options))


@st.composite
def networks(draw: st.DrawFn, *, padded: bool) -> str:
    rank = draw(st.sampled_from([1, 1, 2]))
    sizes = [draw(st.integers(12, 32 if rank == 1 else 20)) for _ in range(rank)]
    layers = draw(st.lists(linear_layer(padded=padded), min_size=1, max_size=4))
    shape = "x".join(map(str, [2, *sizes]))
    inputs = f"input: {shape}"
    if draw(st.integers(0, 3)) == 0:
        inputs = f"inputs: {{left: {shape}, right: {shape}}}"
        layers = [*draw(two_ways(padded=padded)), *layers]
    lines = "\n".join(f"  - {line}" for line in layers)
    return f"{inputs}\nlayers:\n{lines}\n"


@st.composite
def two_ways(draw: st.DrawFn, *, padded: bool) -> list[str]:
    """A layer on each of two inputs, and the join of both."""
    kernels_seen = (draw(kernels), draw(kernels)) if padded else (draw(kernels),) * 2
    padding = "same" if padded else "valid"
    ways = [
        f"conv: {{filters: 2, kernel: {kernel}, padding: {padding}, from: {side}, name: {side}_way}}"
        for kernel, side in zip(kernels_seen, ("left", "right"), strict=True)
    ]
    return [*ways, f"{draw(st.sampled_from(['add', 'concat']))}: [left_way, right_way]"]


@st.composite
def chains_with_gaps(draw: st.DrawFn) -> str:
    """Without padding, and with transposed convolutions of kernels smaller than their strides: nothing has a border."""
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
        wider = kernel + draw(st.integers(0, 2))
        options = [
            f"conv: {{filters: 1, kernel: {kernel}, stride: {stride}, dilation: {dilation}}}",
            f"avgpool: {{kernel: {kernel}, stride: {stride}}}",
            f"upsample: {stride}",
        ]
        gaps = f"filters: 1, kernel: {kernel}, stride: {wider}"
        options += [f"conv_transpose: {{{gaps}, output_padding: {draw(st.integers(0, wider - kernel))}}}"] * 2
        layers.append(draw(st.sampled_from(options)))
    lines = "\n".join(f"  - {line}" for line in layers)
    return f"input: 1x{draw(st.integers(12, 30))}\nlayers:\n{lines}\n"


@st.composite
def reshaped(draw: st.DrawFn) -> str:
    """A chain of layers that change which axes there are; every output is a positive sum of what it sees."""
    shape: tuple[int, ...] = tuple(draw(st.lists(st.integers(1, 6), min_size=2, max_size=4)))
    text = f"input: {shape[0]}@{'x'.join(map(str, shape[1:]))}\nlayers:\n"
    for _ in range(draw(st.integers(1, 6))):
        rank = len(shape) - 1
        options = [f"reshape: {list(draw(factored(prod(shape))))}", "flatten", "identity"]
        if rank:
            options += [
                f"permute: {{order: {list(draw(st.permutations(range(rank + 1))))}}}",
                f"conv: {{filters: {draw(kernels)}, kernel: {draw(st.sampled_from([1, 3]))}, padding: same}}",
                f"conv: {{filters: 1, kernel: {[draw(st.integers(1, size)) for size in shape[1:]]}}}",
                f"depthwise_conv: {{kernel: 2, padding: {draw(st.integers(1, 2))}, stride: {draw(strides)}}}",
                "avgpool: {kernel: 1, stride: 2}",
                "upsample: 2",
                "global_avgpool",
                "adaptive_avgpool: 1",
                "residual: [depthwise_conv: {kernel: 3, padding: same}]",
            ]
            # gates: what all units see, or the map turned and turned back, joined with the map
            gate = ["global_avgpool", f"reshape: {[1, shape[0]]}", "conv: {filters: 1, kernel: 3, padding: same}"]
            gate.append(f"reshape: {[shape[0], *[1] * rank]}")
            options.append(f"parallel: {{branches: [[{', '.join(gate)}], []], merge: add}}")
            there = draw(st.permutations(range(rank + 1)))
            back = sorted(range(rank + 1), key=there.__getitem__)
            turned = f"permute: {{order: {list(there)}}}, permute: {{order: {back}}}"
            options.append(f"parallel: {{branches: [[{turned}], [identity]], merge: add}}")
        else:
            options.append("linear: 4")
        line = f"  - {draw(st.sampled_from(options))}\n"
        loaded = load_if_it_fits(text + line)
        if loaded is not None and prod(last(loaded.inferred).stats.output_shape) < 4000:
            text, shape = text + line, last(loaded.inferred).stats.output_shape
    return text + "  - identity\n"


@st.composite
def factored(draw: st.DrawFn, values: int) -> tuple[int, ...]:
    """A shape of 1 to 4 axes that holds so many values."""
    sizes = []
    for _ in range(draw(st.integers(0, 3))):
        sizes.append(draw(st.sampled_from([size for size in range(1, values + 1) if values % size == 0])))
        values //= sizes[-1]
    return tuple(draw(st.permutations([*sizes, values])))
