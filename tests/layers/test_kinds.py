"""The contract of a layer type: every property over every type, and no type without each of its parts."""

from __future__ import annotations

import pytest
import torch
from cases import CASES, Case

from cnncli.arithmetic.shape import numel
from cnncli.executor.lowering.build import build
from cnncli.executor.network.initialization import initialize
from cnncli.inference import infer_layer
from cnncli.layers import KINDS

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_case_and_says_what_it_computes(kind: str) -> None:
    assert any(case.kind == kind for case in CASES)
    assert KINDS[kind].__doc__


@every_case
def test_quantities_equal_those_calculated_by_hand(case: Case) -> None:
    stats = infer_layer(case.layer, case.inputs)
    assert (stats.output_shape, stats.params, stats.macs) == (case.output, case.params, case.macs)
    fixed = sum(numel(stats.weight_shapes[name]) for name in case.layer.non_trainable)
    assert stats.weights + stats.biases == stats.params == stats.trainable + fixed


@every_case
def test_torch_gives_the_inferred_shape_and_weights_of_the_same_names_and_shapes(case: Case) -> None:
    stats = infer_layer(case.layer, case.inputs)
    module = build(case.layer, case.inputs).eval()
    output = module(*(torch.randn(2, *shape) for shape in case.inputs))
    assert tuple(output.shape) == (2, *case.output)
    assert {name: tuple(value.shape) for name, value in module.named_parameters()} == dict(stats.weight_shapes)
    buffers = {name: tuple(b.shape) for name, b in module.named_buffers() if name != "num_batches_tracked"}
    assert buffers == dict(stats.buffer_shapes)


@every_case
def test_every_weight_gets_a_gradient(case: Case) -> None:
    module = build(case.layer, case.inputs).train()
    initialize(module, "kaiming", 0)
    output = module(*(torch.randn(3, *shape) for shape in case.inputs))
    parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert {*case.layer.weights(case.inputs)} == {*parameters, *case.layer.non_trainable}
    if parameters:
        (output * torch.randn_like(output)).sum().backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


@every_case
def test_a_layer_is_frozen_and_equal_to_its_like(case: Case) -> None:
    layer = case.layer
    assert layer == case.layer and hash(layer) == hash(case.layer)
    with pytest.raises(AttributeError, match="frozen"):
        layer.anything = 1


@every_case
def test_counts_are_non_negative_integers(case: Case) -> None:
    stats = infer_layer(case.layer, case.inputs)
    counts = (stats.params, stats.macs, stats.flops, stats.connections, stats.activations, stats.buffers)
    assert all(type(count) is int and count >= 0 for count in counts)
    assert stats.flops >= stats.macs


@every_case
def test_there_is_a_field_for_every_axis_of_every_input(case: Case) -> None:
    stats = infer_layer(case.layer, case.inputs)
    if not case.layer.is_global:
        assert len(stats.local_receptive_field) == len(case.inputs)
        assert all(len(reach) == len(case.output) - 1 for reach in stats.local_receptive_field)
