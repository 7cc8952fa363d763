"""``cnn summarize`` as a user runs it."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Run, run_process

from cnncli import load

LENET5 = """\
LeNet-5 · input 1x28x28 · LeCun et al. 1998, as drawn in most lectures

 layer     type     output    kernel  stride  pad  params     MACs  RF
 c1        conv     6x28x28   5x5     1       2       156  117,600  5x5
 relu1     relu     6x28x28                             0        0  5x5
 maxpool1  maxpool  6x14x14   2x2     2       0         0        0  6x6
 conv2     conv     16x10x10  5x5     1       0     2,416  240,000  14x14
 relu2     relu     16x10x10                            0        0  14x14
 maxpool2  maxpool  16x5x5    2x2     2       0         0        0  16x16
 flatten1  flatten  400                                 0        0  all
 linear1   linear   120                            48,120   48,000  all
 relu3     relu     120                                 0        0  all
 linear2   linear   84                             10,164   10,080  all
 relu4     relu     84                                  0        0  all
 linear3   linear   10                                850      840  all
 total                                             61,706  416,520
"""

TWO_STREAM = """
inputs: {rgb: 3x16x16, flow: 2x16x16}
layers:
  - conv: {filters: 4, kernel: 3, from: rgb, name: a}
  - conv: {filters: 4, kernel: 5, padding: 1, from: flow, name: b}
  - add: [a, b]
"""


def test_the_table_is_printed_as_on_the_page(cnn: Run) -> None:
    assert cnn("summarize", "lenet5") == (0, LENET5, "")


def test_json_holds_the_figures_of_the_contract(cnn: Run) -> None:
    summary = json.loads(cnn("summarize", "lenet5", "--format", "json").out)
    assert summary["name"] == "LeNet-5"
    assert summary["inputs"] == [{"name": "input", "shape": [1, 28, 28]}]
    assert summary["outputs"] == ["linear3"]
    assert summary["layers"][0] == {
        "name": "c1",
        "kind": "conv",
        "inputs": ["input"],
        "output_shape": [6, 28, 28],
        "params": 156,
        "trainable": 156,
        "weights": 150,
        "biases": 6,
        "buffers": 0,
        "macs": 117600,
        "flops": 235200,
        "connections": 122304,
        "activations": 4704,
        "receptive_field": {"input": {"size": [5, 5], "stride": [1, 1], "offset": [-2, -2], "aligned": True}},
        "param_mb": 0.000624,
        "activation_mb": 0.018816,
        "fan_in": 25,
        "fan_out": 150,
        "he_std": pytest.approx(0.282843, rel=1e-5),
        "xavier_std": pytest.approx(0.106904, rel=1e-5),
        "dropped": [0, 0],
        "notes": [],
    }
    totals = {"params": 61706, "trainable": 61706, "buffers": 0, "macs": 416520, "parameter_bytes": 246824}
    assert totals.items() <= summary["totals"].items()


def test_a_stride_that_is_not_whole_is_a_text_in_json(cnn: Run, write: Callable[..., Path]) -> None:
    path = write("input: 1x8x8\nlayers: [upsample: 2]\n")
    layer = json.loads(cnn("summarize", path, "--format", "json").out)["layers"][0]
    assert layer["receptive_field"]["input"]["stride"] == ["1/2", "1/2"]


def test_csv_has_a_plain_number_for_every_layer(cnn: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(cnn("summarize", "resnet18", "--format", "csv").out)))
    assert sum(int(row["params"]) for row in rows) == 11_689_512
    assert len({row["layer"] for row in rows}) == len(rows)


def test_markdown_and_latex_end_with_the_total(cnn: Run) -> None:
    markdown = cnn("summarize", "lenet5", "--format", "markdown").out.splitlines()
    assert markdown[0].startswith("| layer | type |") and markdown[-1].startswith("| total |")
    assert len({line.count("|") for line in markdown}) == 1
    latex = cnn("summarize", "lenet5", "--format", "latex").out.splitlines()
    assert latex[0] == r"\begin{tabular}{llllllrrl}" and latex[-1] == r"\end{tabular}"
    assert latex[-3].startswith("total & ")


def test_a_batch_is_in_front_of_the_shapes_and_multiplies_the_work_but_not_the_parameters(cnn: Run) -> None:
    one = json.loads(cnn("summarize", "lenet5", "--format", "json").out)
    many = json.loads(cnn("summarize", "lenet5", "--batch", "32", "--format", "json").out)
    assert many["layers"][0]["output_shape"] == [32, 6, 28, 28]
    assert many["totals"]["macs"] == 32 * one["totals"]["macs"]
    assert many["totals"]["params"] == one["totals"]["params"]
    assert "batch 32" in cnn("summarize", "lenet5", "--batch", "32").out


def test_input_replaces_the_input(cnn: Run) -> None:
    assert "c1        conv     6x32x32" in cnn("summarize", "lenet5", "--input", "1x32x32").out


def test_one_of_several_inputs_is_replaced_by_name(cnn: Run, write: Callable[..., Path]) -> None:
    path = write(TWO_STREAM)
    ended = cnn("summarize", path, "--input", "rgb=3x18x18", "--input", "flow=2x18x18")
    assert "input rgb 3x18x18 · input flow 2x18x18" in ended.out.replace("net · ", "")
    assert "rgb 3x3, flow 5x5" in ended.out
    assert cnn("summarize", path, "--input", "3x18x18").err == (
        "--input: the network has several inputs\n  write --input rgb=3x64x64 for one of them\n"
    )


def test_an_unknown_override_is_answered_with_the_variables_there_are(cnn: Run) -> None:
    ended = cnn("summarize", "resnet50", "--set", "orignal=true")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "--set orignal: the architecture has no such variable\n  did you mean original?\n"


def test_dropped_pixels_are_noted_and_an_error_when_strict(cnn: Run, write: Callable[..., Path]) -> None:
    path = write("input: 1x7x7\nlayers:\n  - conv: {filters: 1, kernel: 3, stride: 3}\n")
    assert cnn("summarize", path).out.endswith("\n conv1: drops 1 row and 1 column\n")
    ended = cnn("summarize", path, "--strict")
    assert (ended.code, ended.out) == (1, "")
    assert "(7 - 3)/3 + 1 = 2.333 positions" in ended.err


def test_equal_rounds_are_folded_into_one_with_their_number(cnn: Run, write: Callable[..., Path]) -> None:
    path = write("input: 4x9x9\nlayers:\n  - repeat: {times: 8, layers: [conv: {filters: 4, kernel: 3, padding: 1}]}\n")
    out = cnn("summarize", path).out
    assert "repeat1.0-7" in out and "round x8" in out
    assert out.count("conv1") == 1
    assert f" {8 * (4 * 4 * 9 + 4):,} " in out.splitlines()[-1]


def test_rounds_that_differ_are_not_folded(cnn: Run, write: Callable[..., Path]) -> None:
    layers = "- repeat: {times: 3, index: i, layers: [conv: {filters: $i + 1, kernel: 1}]}"
    assert cnn("summarize", write(f"input: 4x9x9\nlayers:\n  {layers}\n")).out.count("conv1") == 3


def test_depth_closes_composites_and_keeps_their_sums(cnn: Run) -> None:
    out = cnn("summarize", "resnet18", "--depth", "0", "--format", "csv", "--columns", "layer,params").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sum(int(row["params"]) for row in rows) == 11_689_512
    assert len(rows) < 20


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(cnn: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = cnn("summarize", "resnet50").out.splitlines()
    start, end = (next(i for i, line in enumerate(lines) if line.startswith(word)) for word in (" layer", " total"))
    table = lines[start : end + 1]
    assert max(map(len, table)) <= width
    assert "params" in table[0] or width < 40


def test_columns_are_chosen_by_name(cnn: Run) -> None:
    assert cnn("summarize", "lenet5", "--columns", "layer,flops").out.splitlines()[2] == " layer       flops"
    ended = cnn("summarize", "lenet5", "--columns", "layer,flopz")
    assert (ended.code, ended.err) == (2, "--columns: unknown column 'flopz'\n  did you mean flops?\n")
    assert cnn("summarize", "lenet5", "--columns", "layer,share").err.endswith("\n  write --share params\n")


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "latex"])
def test_earlier_names_of_columns_still_choose_them(cnn: Run, form: str) -> None:
    ended = cnn("summarize", "lenet5", "--columns", "layer,type,RF", "--format", form)
    assert ended.code == 0 and {"type", "RF"} <= set(re.findall(r"\w+", ended.out)[:50])
    for names in ("layer,kind,sees", "layer,type,rf,sees"):
        assert cnn("summarize", "lenet5", "--columns", names, "--format", form) == ended


def test_an_architecture_can_come_from_standard_input() -> None:
    ended = run_process("summarize", "-", stdin="input: 3x8x8\nlayers: [global_avgpool]\n")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("stdin · input 3x8x8")


def test_a_misspelled_architecture_is_answered_with_the_nearest(cnn: Run) -> None:
    ended = cnn("summarize", "lenett")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "lenett: no such file or bundled network",
        "  did you mean lenet5?",
    ]


def test_a_shape_that_does_not_fit_ends_with_1_and_an_invalid_file_with_2(cnn: Run, write: Callable[..., Path]) -> None:
    assert cnn("summarize", "lenet5", "--input", "1x10x10").code == 1
    assert cnn("summarize", write("input: 1x9x9\nlayers: [rellu]\n")).code == 2


def test_bytes_and_initial_deviations_are_columns(cnn: Run) -> None:
    columns = "layer,param_mb,activation_mb,fan_in,fan_out,he_std,xavier_std"
    rows = [*csv.DictReader(io.StringIO(cnn("summarize", "vgg16", "--columns", columns, "--format", "csv").out))]
    inferred = load("vgg16").inferred
    for row, info in zip(rows, inferred.layers.values(), strict=True):
        assert float(row["param_mb"]) == 4 * info.stats.params / 1e6
        assert float(row["activation_mb"]) == 4 * info.stats.activations / 1e6
        assert bool(row["he_std"]) == bool(info.stats.params)
    first = rows[0]
    assert (first["fan_in"], first["fan_out"], first["he_std"], first["xavier_std"]) == (
        "27", "576", "0.272166", f"{math.sqrt(2 / 603):.6f}"
    )  # fmt: skip
    table = cnn("summarize", "lenet5", "--columns", "layer,param_mb,activation_mb", "--batch", "10").out
    assert table.endswith(f" total     0.246824       {10 * 0.060008:.6f}\n")
    assert "(24 * H * W) / 10^6" in cnn("summarize", "lenet5", "--input", "1xHxW", "--columns", "activation_mb").out
