"""Other tools' counts: each convention gives what the tool printed for the network, and the differences add up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Run

from cnncli import load
from cnncli.analysis.recounting import differences, param_differences, recount
from cnncli.analysis.tool_conventions import CONVENTIONS, UNCOUNTED
from cnncli.layers import ALL
from cnncli.views.summary.reconciling import as_records

# (network, tool): operations and parameters that the tool itself printed for it (fvcore 0.1.5, torchinfo 1.8.0,
# thop 0.1.1 on torch 2.13, in evaluation mode; torchvision's metadata; keras.applications' summary)
PRINTED = {
    ("resnet50", "torchvision"): (4_089_184_256, 25_557_032),
    ("resnet50", "fvcore"): (4_111_512_576, 25_557_032),
    ("resnet50", "torchinfo"): (4_089_238_376, 25_557_032),
    ("resnet50", "thop"): (4_133_742_592, 25_557_032),
    ("resnet50", "keras"): (None, 25_636_712),
    ("lenet5", "fvcore"): (416_520, 61_706),
    ("lenet5", "torchinfo"): (423_038, 61_706),
    ("lenet5", "thop"): (416_520, 61_706),
    ("vgg16", "keras"): (None, 138_357_544),
}


def test_every_layer_type_is_counted_by_a_tool_or_known_to_be_uncounted() -> None:
    by_layer_type = [convention for convention in CONVENTIONS.values() if convention.name != "torchinfo"]
    counted = {layer for convention in by_layer_type for layer in convention.rules}
    assert sorted(layer.kind for layer in (*counted, *UNCOUNTED)) == sorted(layer.kind for layer in ALL)


@pytest.mark.parametrize(("network", "tool"), PRINTED)
def test_a_convention_gives_what_the_tool_printed(network: str, tool: str) -> None:
    totals = recount(load(network).inferred, CONVENTIONS[tool]).inferred.totals
    operations, params = PRINTED[network, tool]
    assert totals["params"] == params
    assert operations is None or totals["macs"] == operations


def test_a_transposed_convolution_is_counted_by_its_output_where_the_tool_does_so(write: object, cnn: Run) -> None:
    path = write("input: 8x16x16\nlayers: [conv_transpose: {filters: 16, kernel: 2, stride: 2, bias: false}]\n")  # type: ignore[operator]
    by_tool = {}
    for tool in CONVENTIONS:
        ended = cnn("summarize", path, "--count", tool, "--format", "json")
        by_tool[tool] = json.loads(ended.out)["totals"]["macs"]
    assert by_tool == {
        **dict.fromkeys(("cnn", "torchvision", "fvcore"), 131_072),
        **dict.fromkeys(("torchinfo", "thop"), 524_288),
        "keras": None,
    }


@pytest.mark.parametrize("network", ["resnet50", "lenet5", "alexnet", "googlenet", "efficientnet_b0", "convnext_tiny"])
@pytest.mark.parametrize("tool", CONVENTIONS)
def test_the_differences_add_up_to_the_tool_s_total(network: str, tool: str) -> None:
    inferred, convention = load(network).inferred, CONVENTIONS[tool]
    counted = recount(inferred, convention).inferred.totals
    if convention.counts_operations:
        more = sum(found.more for found in differences(inferred, convention))
        assert counted["macs"] == inferred.totals["macs"] + more
    more = sum(found.more for found in param_differences(inferred, convention))
    assert counted["params"] == inferred.totals["params"] + more


@pytest.mark.parametrize("network", ["resnet50", "convnext_tiny", "squeezenet1_0"])
def test_what_a_tool_passes_over_is_named_unless_it_costs_nothing(network: str) -> None:
    inferred = load(network).inferred
    for convention in CONVENTIONS.values():
        if convention.counts_operations:
            notes = " ".join(recount(inferred, convention).notes)
            for facts in inferred.layers.values():
                kind = facts.node.layer.kind
                named = f"{kind} (" in notes
                assert named == (type(facts.node.layer) not in convention.rules and any_flops(inferred, kind))


def any_flops(inferred: object, kind: str) -> bool:
    facts = inferred.layers.values()  # type: ignore[attr-defined]
    return any(entry.stats.flops for entry in facts if entry.node.layer.kind == kind)


def test_reconcile_says_why_resnet50_has_so_many_numbers(cnn: Run) -> None:
    out = cnn("explain", "resnet50", "--reconcile").out
    for number in ("4,089,184,256", "4,111,512,576", "4,133,742,592", "8,178,368,512", "25,557,032", "25,636,712"):
        assert number in out
    assert "+ 53,120 params" in out and "+ 26,560 params" in out and "running statistics" in out


def test_reconcile_as_json_holds_the_differences() -> None:
    records = as_records(load("resnet50").inferred)
    assert [record["tool"] for record in records] == list(CONVENTIONS)
    for record in records:
        of_operations = [found["more"] for found in record["differences"] if found["figure"] == "operations"]
        assert record["operations"] is None or record["operations"] == 4_089_184_256 + sum(of_operations)


def test_an_unknown_convention_is_answered_with_the_known_ones(cnn: Run) -> None:
    ended = cnn("summarize", "lenet5", "--count", "tourchinfo")
    assert (ended.code, ended.err) == (
        2,
        "--count: unknown convention 'tourchinfo'\n  did you mean torchinfo?\n",
    )


NAMED = """
input: 3x8x8
layers:
  - conv: {filters: 4, kernel: 3, padding: same}
  - conv: {filters: 4, kernel: 3, padding: valid}
  - conv: {filters: 4, kernel: 3, padding: same, stride: 2}
  - conv: {filters: 4, kernel: 3, padding: same, padding_mode: reflect}
  - conv: {filters: 4, kernel: 3, padding: 1}
"""


def test_what_fvcore_does_not_count_of_padding_by_name_is_said_where_it_applies(write: object, cnn: Run) -> None:
    path = write(NAMED)  # type: ignore[operator]
    facts = load(str(path)).inferred.layers
    less = facts["conv1"].stats.macs + facts["conv2"].stats.macs
    said = (
        "fvcore counts 0 for convolutions written with padding='same' or 'valid': "
        f"{less:,} less if 2 layers are written this way"
    )
    for arguments in (("summarize", path, "--count", "fvcore"), ("explain", path, "--reconcile")):
        assert " ".join(cnn(*arguments).out.split()).count(said) == 1  # it may be wrapped
    assert said in json.loads(cnn("summarize", path, "--count", "fvcore", "--format", "json").out)["count_notes"]
    assert "fvcore counts 0" not in cnn("summarize", path, "--count", "thop").out
    assert "fvcore counts 0" not in cnn("summarize", "resnet18", "--count", "fvcore").out


@pytest.mark.parametrize(
    ("padding", "mode"), [("same", "zeros"), ("valid", "zeros"), ("same", "reflect"), (1, "zeros")]
)
def test_fvcore_counts_padding_by_name_as_is_said(padding: object, mode: str) -> None:
    fvcore = pytest.importorskip("fvcore.nn")
    torch = pytest.importorskip("torch")
    conv = torch.nn.Conv2d(3, 4, 3, padding=padding, padding_mode=mode)
    counted = fvcore.FlopCountAnalysis(conv, torch.zeros(1, 3, 8, 8)).total()
    assert (counted == 0) == (isinstance(padding, str) and mode == "zeros")


def test_keras_s_note_counts_the_biases_that_its_models_have_and_the_total_without_them(
    write: Callable[..., Path], cnn: Run
) -> None:
    path = write("input: 3x8x8\nlayers: [{conv: {filters: 4, kernel: 3, bias: false}}, batchnorm, relu]\n")
    err = " ".join((ended := cnn("summarize", path, "--count", "keras")).err.split() + ended.out.split())
    weights, affine, statistics = 4 * 3 * 9, 2 * 4, 2 * 4
    assert "4 of these are biases of convolutions that have none here" in err
    assert f"a Keras model with use_bias=False has {weights + affine + statistics}" in err
