"""Long summaries: some kinds, sorted, the first few, percentages."""

from __future__ import annotations

import csv
import io
import json

import pytest
from program import Run

from cnncli import load
from cnncli.views.summary.browsing import BAR_WIDTH, bar, browse


@pytest.mark.parametrize("figure", ["params", "macs", "flops", "activations"])
def test_sorted_rows_fall_and_are_all_the_layers(figure: str) -> None:
    inferred = load("googlenet").inferred
    rows = browse(inferred, None, figure, None)
    counts = [row.counts[figure] for row in rows if row.counts is not None]
    assert counts == sorted(counts, reverse=True) and len(rows) == len(inferred.layers)
    assert sum(counts) == inferred.totals[figure]


def test_only_keeps_the_kinds_named_in_their_order() -> None:
    inferred = load("googlenet").inferred
    rows = browse(inferred, "conv, linear", None, None)
    expected = [name for name, info in inferred.layers.items() if info.node.layer.kind in ("conv", "linear")]
    assert [row.label for row in rows] == expected


def test_a_bar_is_as_long_as_the_share() -> None:
    assert (
        bar(1, 1) == "█" * BAR_WIDTH
        and bar(0, 1).strip() == ""
        and bar(1, 2) == ("█" * (BAR_WIDTH // 2)).ljust(BAR_WIDTH)
    )
    lengths = [len(bar(part, 96).strip()) for part in range(97)]
    assert lengths == sorted(lengths) and all(len(bar(part, 96)) == BAR_WIDTH for part in range(97))


def test_the_top_three_of_lenet5(cnn: Run) -> None:
    out = cnn("summarize", "lenet5", "--top", "3", "--columns", "layer,params", "--share", "params").out
    assert (
        out
        == """\
LeNet-5 · input 1x28x28 · LeCun et al. 1998, as drawn in most lectures

 layer                   params  share of params
 linear1                 48,120  █████████▍    78.0%
 linear2                 10,164  ██            16.5%
 conv2                    2,416  ▌              3.9%
 subtotal of 3 layers    60,700  ███████████▊  98.4%
 total of all 12 layers  61,706
"""
    )


@pytest.mark.parametrize("options", [(), ("--top", "3"), ("--only", "conv"), ("--sort", "macs")])
@pytest.mark.parametrize("form", ["table", "csv", "markdown", "latex"])
def test_shares_are_shown_on_request_alone(cnn: Run, options: tuple[str, ...], form: str) -> None:
    assert "share" not in cnn("summarize", "googlenet", *options, "--format", form).out
    assert "share of macs" in cnn("summarize", "googlenet", *options, "--share", "macs", "--format", form).out


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_a_total_below_some_of_the_layers_says_that_it_is_of_all(cnn: Run, form: str) -> None:
    for options in (("--top", "3"), ("--only", "conv"), ("--sort", "macs", "--top", "11")):
        assert "total of all 12 layers" in cnn("summarize", "lenet5", *options, "--format", form).out
    for options in ((), ("--sort", "macs"), ("--top", "12"), ("--depth", "0")):
        assert "total of all" not in cnn("summarize", "lenet5", *options, "--format", form).out
    assert "total of all" not in cnn("summarize", "resnet18", "--depth", "0", "--format", form).out
    unlabeled = cnn("summarize", "lenet5", "--only", "conv", "--columns", "params").out
    assert unlabeled.endswith("  2,572\n 61,706\n\n last rows: subtotal of 2 layers, total of all 12 layers\n")


@pytest.mark.parametrize("batch", [(), ("--batch", "3")])
@pytest.mark.parametrize("options", [("--only", "conv,linear"), ("--top", "4"), ("--only", "relu", "--sort", "macs")])
def test_the_subtotal_is_the_sum_of_the_layers_shown(
    cnn: Run, options: tuple[str, ...], batch: tuple[str, ...]
) -> None:
    summary = json.loads(cnn("summarize", "googlenet", *options, *batch, "--format", "json").out)
    assert [*summary["subtotals"]] == [*summary["totals"]]
    for figure in {*summary["totals"]} - {"parameter_bytes"}:
        assert summary["subtotals"][figure] == sum(layer[figure] for layer in summary["layers"])
    assert summary["subtotals"]["parameter_bytes"] == 4 * summary["subtotals"]["params"]
    table = cnn("summarize", "googlenet", *options, *batch, "--columns", "layer,params,activations").out
    *_, row, _ = table.splitlines()
    sums = (summary["subtotals"][figure] for figure in ("params", "activations"))
    assert row.split() == ["subtotal", "of", str(len(summary["layers"])), "layers", *(f"{sum_:,}" for sum_ in sums)]


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_there_is_no_subtotal_of_all_layers_or_of_nothing(cnn: Run, form: str) -> None:
    for options in ((), ("--sort", "macs"), ("--top", "12"), ("--only", "conv", "--columns", "layer,kernel")):
        assert "subtotal" not in cnn("summarize", "lenet5", *options, "--format", form).out
    assert "subtotals" not in json.loads(cnn("summarize", "lenet5", "--sort", "macs", "--format", "json").out)


def test_columns_that_are_chosen_are_all_there_is_unless_a_share_is_asked_for(cnn: Run) -> None:
    for options in ((), ("--top", "3"), ("--only", "conv"), ("--sort", "macs")):
        out = cnn("summarize", "googlenet", "--columns", "layer,macs", "--format", "csv", *options).out
        assert out.startswith("layer,macs\n")
        shared = cnn("summarize", "googlenet", "--columns", "layer", "--share", "macs", "--format", "csv", *options).out
        assert shared.startswith("layer,share of macs\n")


@pytest.mark.parametrize("figure", ["params", "macs", "activations"])
def test_shares_in_csv_are_numbers_that_add_up_to_one(cnn: Run, figure: str) -> None:
    out = cnn("summarize", "googlenet", "--sort", figure, "--share", figure, "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    inferred = load("googlenet").inferred
    parts = [getattr(inferred.layer(row["layer"]).stats, figure) for row in rows]
    fractions = [float(row[f"share of {figure}"]) for row in rows]
    assert fractions == pytest.approx([part / inferred.totals[figure] for part in parts], abs=1e-6)
    assert sum(fractions) == pytest.approx(1, abs=1e-6 * len(rows))


@pytest.mark.parametrize("form", ["csv", "markdown", "latex"])
def test_bars_are_drawn_in_tables_alone(cnn: Run, form: str) -> None:
    assert cnn("summarize", "googlenet", "--share", "macs", "--format", form).out.isascii()
    assert not cnn("summarize", "googlenet", "--share", "macs").out.isascii()


def test_json_holds_the_rows_that_are_kept_and_the_total_of_all(cnn: Run) -> None:
    summary = json.loads(cnn("summarize", "lenet5", "--top", "2", "--sort", "macs", "--format", "json").out)
    assert [layer["name"] for layer in summary["layers"]] == ["conv2", "c1"]
    assert summary["totals"]["params"] == 61_706


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "cnv"), "--only: unknown layer or layer type 'cnv'\n  did you mean conv?\n"),
        (("--only", "dense"), "--only: unknown layer or layer type 'dense'\n  use linear\n"),
        (("--only", "conv1"), "--only: unknown layer or layer type 'conv1'\n  its first conv is called c1\n"),
        (("--only", ","), "--only: names no layer type\n  the network has conv, relu, maxpool, flatten, linear\n"),
        (("--sort", "parms"), "--sort: unknown quantity 'parms'\n  did you mean params?\n"),
        (
            ("--sort", "macs", "--input", "1xHxW"),
            "--sort macs: depends on symbolic sizes\n  give numbers, e.g. --input 1x28x28\n",
        ),
    ],
)
def test_what_cannot_be_browsed_is_said(cnn: Run, options: tuple[str, ...], said: str) -> None:
    ended = cnn("summarize", "lenet5", *options)
    assert (ended.code, ended.err) == (2, said)
