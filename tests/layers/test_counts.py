"""FLOPs, MACs, uses of weights and memory of single layers, counted independently: operation by operation, on the
shapes that torch gives, and against the tensors that autograd keeps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import networks
import pytest
import torch
from cases import CASES, Case
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kept import kept_by_autograd
from tally import FREE, Shape, counted
from torch.utils._python_dispatch import TorchDispatchMode

from cnncli.analysis.memory import memory
from cnncli.executor.lowering.build import build
from cnncli.executor.network.network import Network
from cnncli.inference import LayerInfo

SOME = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = settings(SOME, max_examples=2000)


def assert_counted(layer: Any, inputs: tuple[Shape, ...], stats: Any) -> None:
    tally = counted(layer, inputs)
    assert (stats.flops, stats.macs, stats.connections) == (tally.flops, tally.macs, tally.uses), layer


MOVES = {
    *("view", "_unsafe_view", "slice", "permute", "transpose", "clone", "cat", "constant_pad_nd"),
    *("squeeze", "unsqueeze", "pixel_shuffle", "reflection_pad2d"),
    *("amax", "maximum", "max_pool2d_with_indices", "max_pool3d_with_indices", "adaptive_max_pool2d"),
}


class Operations(TorchDispatchMode):
    """The names of the operations that torch carries out."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("case", [case for case in CASES if case.kind in FREE], ids=lambda case: case.label)
def test_kinds_without_operations_compare_or_move(case: Case) -> None:
    module = build(case.layer, case.inputs).eval()
    inputs = [torch.zeros(1, *shape) for shape in case.inputs]
    with Operations() as operations, torch.no_grad():
        module(*inputs)
    assert operations.names <= MOVES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_operations_of_every_kind_are_those_of_its_formula(case: Case) -> None:
    from cnncli.inference import infer_layer

    assert_counted(case.layer, case.inputs, infer_layer(case.layer, case.inputs))


SIZES = {0: (), 1: (9,), 2: (6, 5), 3: (4, 5, 4)}


@st.composite
def single_layers(draw: st.DrawFn) -> str:
    """A network of one layer, behind a trained factor so that autograd passes it: any kind, rank and fields."""
    rank = draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))
    shape = [draw(st.integers(1, 6)), *(draw(st.integers(1, size)) for size in SIZES[rank])]
    several = draw(st.integers(2, 3))
    merge = f"{draw(st.sampled_from(['add', 'multiply', 'maximum', 'average', 'concat']))}: [scale1, scale2, scale3]"
    units, bias = draw(st.integers(1, 4)), draw(st.sampled_from(["true", "false"]))
    vectors = [f"linear: {{units: {units}, bias: {bias}}}", f"rbf: {units}", *networks.ACTIVATIONS]
    chosen = [networks.conv, networks.conv_transpose, networks.pool, networks.other]
    whole = [*networks.NORMS, "global_avgpool", "global_maxpool", "layernorm: {affine: false}",
             "groupnorm: {groups: 2, affine: false}", "upsample: {scale: 2, mode: cubic}", "dropout: 0",
             "drop_path: 0", "spatial_dropout: 0", "lrn: {size: 2}", "lcn: {kernel: 5}",
             "pad: {padding: 1, mode: reflect}", "pad: {padding: [[0, 1]], mode: replicate}"]  # fmt: skip
    if not rank:
        layer = draw(st.sampled_from([*vectors, "batchnorm", "layernorm", "scale: 2", "flatten"]))
    elif draw(st.integers(0, 7)) == 0:
        layer = merge.replace(", scale3", "") if several == 2 else merge
    else:
        layer = draw(st.one_of([kind(rank) for kind in chosen] + [st.sampled_from(whole)]))
    stretched = [shape[0], *[1] * rank] if draw(st.booleans()) else shape
    inputs = f"inputs: {{one: {shape_text(shape)}, two: {shape_text(stretched)}, three: {shape_text(shape)}}}"
    scales = "scale: {from: one, name: scale2}, scale: {from: two, name: scale3}, scale: {from: three, name: scale1}"
    return f"{inputs}\nlayers: [{scales}, {layer}]\n"


def shape_text(shape: list[int]) -> str:
    return f"{shape[0]}@{'x'.join(map(str, shape[1:]))}" if len(shape) > 1 else str(shape[0])


def loaded_layer(text: str) -> SimpleNamespace:
    loaded = networks.load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    info: LayerInfo = [*loaded.inferred.layers.values()][-1]
    return SimpleNamespace(inferred=loaded.inferred, layer=info.node.layer, inputs=info.input_shapes, stats=info.stats)


def operations_are_those_carried_out(text: str) -> None:
    found = loaded_layer(text)
    assert_counted(found.layer, found.inputs, found.stats)


def autograd_keeps_what_is_calculated(text: str) -> None:
    found = loaded_layer(text)
    assume(found.layer.kind != "local")  # torch copies its patches or not as their strides have it
    network = Network(found.inferred).train()
    batch = 2
    measured = kept_by_autograd(network, [torch.randn(batch, *entry.shape) for entry in found.inferred.graph.inputs])
    assert memory(found.inferred, batch).saved_activations == measured


@SOME
@given(single_layers())
def test_the_operations_of_random_layers_are_those_carried_out(text: str) -> None:
    operations_are_those_carried_out(text)


@SOME
@given(single_layers())
def test_what_autograd_keeps_of_random_layers_is_what_torch_keeps(text: str) -> None:
    autograd_keeps_what_is_calculated(text)


@pytest.mark.slow
@MANY
@given(single_layers())
def test_the_operations_of_many_random_layers_are_those_carried_out(text: str) -> None:
    operations_are_those_carried_out(text)


@pytest.mark.slow
@MANY
@given(single_layers())
def test_what_autograd_keeps_of_many_random_layers_is_what_torch_keeps(text: str) -> None:
    autograd_keeps_what_is_calculated(text)
