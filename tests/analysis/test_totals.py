"""Totals, formulas of symbolic sizes and other tools' counts against an independent count of each layer."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from cases import CASES, Case
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import layers
from tally import counted

from cnncli.analysis.explanation import totals
from cnncli.analysis.recounting import recount
from cnncli.analysis.tool_conventions import CONVENTIONS
from cnncli.arithmetic.symbolic import value_of
from cnncli.errors import CnnError
from cnncli.graph import Graph, Input, Node
from cnncli.inference import Inferred, LayerInfo, infer
from cnncli.language import Source
from cnncli.loading import load_source

some = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
FIGURES = ("params", "macs", "flops", "connections", "activations")


def independent(info: LayerInfo) -> dict[str, int]:
    tally = counted(info.node.layer, info.input_shapes)
    return {
        "params": 0 if info.node.shares else tally.params,
        "macs": tally.macs,
        "flops": tally.flops,
        "connections": tally.uses,
        "activations": prod(tally.output),
    }


def summed(inferred: Inferred) -> dict[str, int]:
    found = [independent(info) for info in inferred.layers.values()]
    return {figure: sum(each[figure] for each in found) for figure in FIGURES}


@some
@given(data=st.data(), channels=st.integers(1, 4), height=st.integers(9, 14), width=st.integers(9, 14))
def test_totals_and_formulas_of_symbolic_sizes_are_sums_of_what_each_layer_does(
    data: st.DataObject, channels: int, height: int, width: int
) -> None:
    body = [line for _ in range(2) for line in data.draw(layers(2, 1))]
    assume(not any("unit:" in line for line in body))
    text = "layers:\n" + "".join(f"  - {line}\n" for line in body)

    def read(shape: str) -> Inferred:
        source = Source("net.yaml", f"input: {shape}\n{text}")
        return load_source(source, "net", symbolic_sizes="H" in shape).inferred

    try:
        closed, opened = read(f"{channels}@{height}x{width}"), read(f"{channels}@HxW")
    except CnnError:
        assume(False)
        return
    found = summed(closed)
    for figure in FIGURES:
        assert closed.totals[figure] == found[figure], (figure, text)
        assert value_of(opened.totals[figure], {"H": height, "W": width}) == found[figure], (figure, text)
    told = {step.quantity: step.value for step in totals(closed)}
    assert {figure: told[figure] for figure in FIGURES if figure in told} == {
        figure: found[figure] for figure in FIGURES if figure in told
    }
    assert all(figure in told for figure in ("params", "macs", "flops") if found[figure])


def by_tool(tool: str, case: Case, layer: Any, output: tuple[int, ...]) -> int:
    """The operations that a tool counts for a layer, after its own source; what it does not know costs nothing."""
    tally, kind = counted(layer, case.inputs), case.kind
    first, values = case.inputs[0], prod(case.inputs[0])
    convolution = kind in ("conv", "depthwise_conv", "conv_transpose", "local")
    affine = bool(tally.params)
    rank, mode = len(output) - 1, getattr(layer, "mode", "")
    if tool == "cnn":
        return tally.macs
    if tool == "torchinfo":
        at_every_position = kind in ("conv", "depthwise_conv", "conv_transpose")
        return tally.params * (prod(output[1:]) if at_every_position else 1)
    if convolution or kind == "linear":
        if tool == "thop" and kind == "conv_transpose":  # as if it slid over its output
            return tally.weight * prod(output[1:])
        return tally.macs
    rules = {
        "fvcore": {
            "batchnorm": values * (2 if affine else 1),
            **dict.fromkeys(("layernorm", "groupnorm", "instancenorm"), values * (5 if affine else 4)),
            **dict.fromkeys(("adaptive_avgpool", "global_avgpool"), values),
            "upsample": prod(output) * {("nearest", 2): 1, ("linear", 2): 4}.get((mode, rank), 0),
        },
        "thop": {
            **dict.fromkeys(("batchnorm", "layernorm", "instancenorm"), values * (4 if affine else 2)),
            "prelu": values,
            "softmax": prod(first[1:]) * (3 * first[0] - 1),
            "avgpool": prod(output),
            **dict.fromkeys(("adaptive_avgpool", "global_avgpool"), output[0] * (prod(first[1:]) + prod(output[1:]))),
            "upsample": prod(output)
            * {
                **{("nearest", axes): 1 for axes in (1, 2, 3)},
                ("linear", 1): 5,
                ("linear", 2): 11,
                ("cubic", 2): 259,
            }.get((mode, rank), 0),
        },
    }
    return rules.get(tool, {}).get(kind, 0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_other_tools_counts_of_every_kind_are_worked_out_from_what_torch_has(case: Case) -> None:
    inputs = tuple(Input(f"input{at}", shape) for at, shape in enumerate(case.inputs))
    graph = Graph("case", inputs, (Node("layer", case.layer, tuple(entry.name for entry in inputs)),), ("layer",))
    inferred = infer(graph)
    tally = counted(case.layer, case.inputs)
    for name, convention in CONVENTIONS.items():
        found = recount(inferred, convention).inferred.totals
        if convention.counts_operations:
            assert found["macs"] == by_tool(name, case, case.layer, tally.output), name
        if name != "keras":
            assert found["params"] == tally.params
    # Keras counts running statistics, and its convolutions have a bias unless told otherwise
    without_bias = "convolution" in case.kind or case.kind in ("conv", "depthwise_conv", "conv_transpose", "local")
    forgone = tally.output[0] if without_bias and case.fields.get("bias") is False else 0
    keras = recount(inferred, CONVENTIONS["keras"]).inferred.totals
    assert keras["params"] == tally.params + tally.buffers + forgone
