"""``cnn summarize --at``: the figures at many sizes are those of every size by itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Run

EXACT = "{filters: 2, kernel: 3, stride: 2, rounding: exact}"
NETWORKS = {
    "fits from a size on": "input: 1x28x28\nlayers:\n  - conv: {filters: 2, kernel: 5}\n  - maxpool: 3\n",
    "fits at some sizes alone": f"input: 1x32x32\nlayers:\n  - conv: {EXACT}\n  - conv: {EXACT}\n",
    "paths that meet at some sizes alone": """
input: 1x9x9
layers:
  - conv: {filters: 2, kernel: 1, name: left}
  - maxpool: 2
  - upsample: 2
  - concat: [left, upsample1]
""",
    "a map of one row that a merge stretches": """
input: 2x9x9
layers:
  - conv: {filters: 2, kernel: 3, stride: 3, padding: 1, name: small}
  - add: [small, input]
""",
    "fits nowhere": "input: 1x9x9\nlayers:\n  - conv: {filters: 4, kernel: 1}\n  - linear: 3\n",
}
SIZES = range(1, 41)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_row_is_the_summary_at_its_size_or_says_why_that_is_refused(
    cnn: Run, write: Callable[..., Path], name: str
) -> None:
    path = write(NETWORKS[name])
    many = cnn("summarize", path, "--at", f"{SIZES[0]}..{SIZES[-1]}", "--format", "json")
    rows = json.loads(many.out)
    assert [(row["H"], row["W"]) for row in rows] == [(size, size) for size in SIZES]
    for row in rows:
        channels = NETWORKS[name].split("input: ")[1][0]
        one = cnn("summarize", path, "--input", f"{channels}@{row['H']}x{row['W']}", "--format", "json")
        assert one.code == (1 if "reason" in row else 0)
        if one.code:
            assert row["reason"] in one.err
            assert row["output"] == row["params"] == "does not fit"
            continue
        summary = json.loads(one.out)
        assert {figure: row[figure] for figure in ("params", "macs", "activations")} == {
            figure: summary["totals"][figure] for figure in ("params", "macs", "activations")
        }
        assert row["output"] == "x".join(map(str, summary["layers"][-1]["output_shape"]))
    assert many.code == (1 if all("reason" in row for row in rows) else 0)


def test_reasons_stand_below_the_table_and_in_a_column_for_programs(cnn: Run, write: Callable[..., Path]) -> None:
    path = write(NETWORKS["fits at some sizes alone"])
    table = cnn("summarize", path, "--at", "31..33").out
    assert " H = 32, W = 32: conv1: a 3x3 kernel with stride 2 does not fit a 32x32 input" in table.split("\n\n")[2]
    rows = list(csv.DictReader(io.StringIO(cnn("summarize", path, "--at", "31..33", "--format", "csv").out)))
    assert [bool(row["reason"]) for row in rows] == [False, True, True]


def test_unet_is_tabulated_at_the_sizes_that_it_takes(cnn: Run) -> None:
    ended = cnn("summarize", "unet", "--at", "188..220:16,572", "--columns", "output")
    assert ended.code == 0
    table = ended.out.partition(" output\n")[2]
    assert [line.split()[-1] for line in table.splitlines()] == ["2x4x4", "2x20x20", "2x36x36", "2x388x388"]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("0..4:1", "--at 0..4:1: 0 is not between 1 and 2147483647"),
        ("1..2147483648:2147483647", "--at 1..2147483648:2147483647: 2147483648 is not between 1 and 2147483647"),
        ("5..1", "--at 5..1: 5..1 ends before it starts"),
        ("1..5:0", "--at 1..5:0: the step of 1..5:0 is 0"),
    ],
)
def test_a_range_that_holds_no_sizes_is_refused_with_the_reason(cnn: Run, at: str, message: str) -> None:
    ended = cnn("summarize", "lenet5", "--at", at)
    assert (ended.code, ended.err.splitlines()[0]) == (2, message)


def test_sizes_that_take_too_long_one_by_one_are_refused(cnn: Run) -> None:
    assert cnn("summarize", "lenet5", "--at", "1..9999:3", "--format", "csv").code == 0
    ended = cnn("summarize", "unet", "--at", "1..9999", "--format", "csv")
    assert (ended.code, ended.out) == (2, "")
    assert "no formula holds for more than 3,773 of the sizes (the limit)\n  use a larger step" in ended.err


def test_megabytes_at_a_size_are_those_of_the_summary_at_it(cnn: Run) -> None:
    at = cnn("summarize", "lenet5", "--at", "28,32", "--columns", "param_mb,activation_mb,params", "--batch", "4")
    for line, size in zip(at.out.splitlines()[-2:], (28, 32), strict=True):
        given = ("--input", f"1x{size}x{size}", "--batch", "4")
        total = cnn("summarize", "lenet5", *given, "--columns", "param_mb,activation_mb,params").out.splitlines()[15]
        assert line.split()[2:] == total.split()


def test_a_column_of_layers_is_refused_at_sizes(cnn: Run) -> None:
    ended = cnn("summarize", "lenet5", "--at", "28,32", "--columns", "params,he_std")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2, "--columns he_std: describes each layer, and --at the whole network"
    )  # fmt: skip
