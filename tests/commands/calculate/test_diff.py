"""Networks side by side: nothing is lost, what is the same is said to be, totals are those of the summaries."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import Run

from cnncli import load
from cnncli.views.comparison.alignment import Compared, align
from cnncli.views.comparison.fitted_table import stacked
from cnncli.views.comparison.network_rows import JOINED, ratio_text
from cnncli.views.summary.columns import COLUMNS

PAIRS = [("resnet18", "resnet34"), ("vgg16", "vgg19_bn"), ("lenet5", "alexnet"), ("googlenet", "inception_v3")]


def compared(*names: str) -> list[Compared]:
    return [Compared(f"{name}#{at}", load(name).inferred) for at, name in enumerate(names)]


@pytest.mark.parametrize("names", [*PAIRS, ("lenet5", "vgg11", "resnet18"), ("lenet5", "lenet5")])
def test_every_layer_of_every_network_stands_in_one_row_in_order(names: tuple[str, ...]) -> None:
    networks = compared(*names)
    rows = align(networks)
    for number, network in enumerate(networks):
        column = [row.layers[number] for row in rows]
        assert [layer.label for layer in column if layer is not None] == [*network.inferred.layers]


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "googlenet", "densenet121"])
def test_a_network_does_not_differ_from_itself(cnn: Run, name: str) -> None:
    rows = json.loads(cnn("diff", name, name, "--format", "json").out)
    assert all(row["same"] == "=" for row in rows[:-2]) and len(rows) == len(load(name).inferred.layers) + 2
    ratios = rows[-1]
    assert {value for key, value in ratios.items() if key.endswith("params")} == {"x1.00"}
    changed = json.loads(cnn("diff", name, name, "--changed", "--format", "json").out)
    assert [row["layer"] for row in changed] == ["total", "ratio"]
    assert "no layer differs in output, params, macs" in cnn("diff", name, name, "--changed").out


@pytest.mark.parametrize("names", PAIRS)
def test_totals_are_those_of_the_summaries(cnn: Run, names: tuple[str, str]) -> None:
    rows = json.loads(cnn("diff", *names, "--columns", "params,flops", "--format", "json").out)
    for name in names:
        totals = load(name).inferred.totals
        assert (rows[-2][f"{name} params"], rows[-2][f"{name} flops"]) == (totals["params"], totals["flops"])


def test_the_lectures_comparison_of_connectivity(cnn: Run) -> None:
    names = [f"connectivity/{n}" for n in ("fully_connected", "locally_connected", "convolutional", "convolutional_20")]
    rows = json.loads(cnn("diff", *names, "--columns", "weights", "--format", "json").out)
    hidden = next(row for row in rows if row["layer"] == "hidden")
    columns = [f"{name.partition('/')[2]} weights" for name in names]
    assert [hidden[column] for column in columns] == [1_600_000_000, 4_000_000, 100, 2_000]
    assert [rows[-1][column] for column in columns] == ["x1.00", "1/400", "1/16,000,000", "1/800,000"]


def test_goodfellow_s_edges(cnn: Run) -> None:
    out = cnn("diff", "edge_detection/convolution", "edge_detection/matrix_product", "--columns", "flops").out
    assert "267,960" in out and "16,006,054,680" in out and "x59,733" in out


def test_resnet34_has_more_blocks_than_resnet18_and_the_rest_is_the_same(cnn: Run) -> None:
    rows = json.loads(cnn("diff", "resnet18", "resnet34", "--changed", "--format", "json").out)
    assert all(row["resnet18 params"] == "" for row in rows[:-2])
    assert sum(row["resnet34 params"] for row in rows[:-2]) == 21_797_672 - 11_689_512


def test_a_variable_goes_to_the_networks_that_have_it(cnn: Run) -> None:
    rows = json.loads(cnn("diff", "unet", "lenet5", "--set", "width=8", "--format", "json").out)
    assert rows[-2]["unet params"] == load("unet", overrides={"width": "8"}).inferred.totals["params"]


@pytest.mark.parametrize(
    ("count", "first", "text"),
    [(100, 100, "x1.00"), (186, 100, "x1.86"), (5_973_300, 100, "x59,733"), (25, 100, "x0.25"), (1, 400, "1/400"),
     (0, 5, "x0"), (5, 0, "")],
)  # fmt: skip
def test_ratios_read_well_however_far_apart(count: int, first: int, text: str) -> None:
    assert ratio_text(count, first) == text


@pytest.mark.parametrize(
    ("arguments", "err"),
    [
        (("lenet5",), "diff compares two networks or more\n  write cnn diff resnet18 resnet34\n"),
        (
            ("lenet5", "vgg16", "--set", "width=3"),
            "--set width: no network has a variable of that name\n",
        ),
        (
            ("lenet5", "vgg16", "--columns", "parms"),
            "--columns: unknown column 'parms'\n  did you mean params?\n",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(cnn: Run, arguments: tuple[str, ...], err: str) -> None:
    ended = cnn("diff", *arguments)
    assert (ended.code, ended.err) == (2, err)


def test_open_sizes_are_compared_as_formulas(cnn: Run) -> None:
    ended = cnn("diff", "lenet5", "allconv", "--columns", "output,params", "--format", "json")
    assert ended.code == 0
    rows = json.loads(cnn("diff", "lenet5", "lenet5", "--input", "1xHxW", "--format", "json").out)
    assert all(row["same"] == "=" for row in rows[:-2])
    assert rows[1]["lenet5 output"] == "6xHxW" and rows[-1]["lenet5 macs"] == ""


def test_headings_have_the_field_s_terms_and_json_keeps_its_keys(cnn: Run) -> None:
    table = cnn("diff", "lenet5", "lenet5_1998", "--columns", "rf", "--format", "csv").out
    assert table.splitlines()[0] == ",layer,type,lenet5 RF,lenet5_1998 RF"
    assert cnn("diff", "lenet5", "lenet5_1998", "--columns", "sees", "--format", "csv").out == table
    rows = json.loads(cnn("diff", "lenet5", "lenet5_1998", "--columns", "RF", "--format", "json").out)
    assert [*rows[0]] == ["same", "layer", "kind", "lenet5 sees", "lenet5_1998 sees"]


@pytest.mark.parametrize("depth", [0, 1, 2, 9])
@pytest.mark.parametrize("pair", [("resnet18", "resnet34"), ("lenet5", "googlenet")])
def test_rows_of_any_depth_add_up_to_the_totals(cnn: Run, pair: tuple[str, str], depth: int) -> None:
    ended = cnn("diff", *pair, "--depth", str(depth), "--columns", "params,macs", "--format", "json")
    *rows, total, _ = json.loads(ended.out)
    for key in (f"{name} {quantity}" for name in pair for quantity in ("params", "macs")):
        assert sum(row[key] or 0 for row in rows) == total[key]


def test_depth_0_compares_composites(cnn: Run) -> None:
    ended = cnn(
        "diff", "resnet18", "resnet34", "--depth", "0", "--changed", "--columns", "output,params", "--format", "json"
    )
    *rows, _, _ = json.loads(ended.out)
    assert [(row["layer"], row["resnet34 output"]) for row in rows] == [
        ("stage1", "64x56x56"), ("stage2", "128x28x28"), ("stage3", "256x14x14"), ("stage4", "512x7x7"),
    ]  # fmt: skip


def test_every_column_of_a_summary_can_be_compared(cnn: Run) -> None:
    names = [name for name in COLUMNS if name not in ("layer", "type")]
    rows = json.loads(cnn("diff", "lenet5", "lenet5_1998", "--columns", ",".join(names), "--format", "json").out)
    summary = cnn("summarize", "lenet5_1998", "--columns", ",".join(["layer", *names]), "--format", "csv").out
    layers = {row["layer"]: row for row in csv.DictReader(io.StringIO(summary))}
    for name in names:
        key = f"lenet5_1998 {'sees' if name == 'RF' else name}"
        found = {row["layer"].rpartition(" | ")[2]: row[key] for row in rows[:-2]}
        for layer, row in layers.items():
            value = found[layer]
            assert row[name] == (f"{value:.6f}" if isinstance(value, float) else str(value)), (layer, name)
    *_, total, ratio = rows
    assert total["lenet5 param_mb"] == pytest.approx(0.246824) and ratio["lenet5_1998 param_mb"] == "x0.99"
    assert total["lenet5 he_std"] == ratio["lenet5 he_std"] == ""


NAMES = st.lists(st.lists(st.text("ab1_", min_size=1, max_size=30), min_size=1, max_size=4).map(".".join), min_size=1)


@settings(max_examples=25)
@given(NAMES, st.integers(12, 40))
def test_names_below_each_other_are_complete(names: list[str], most: int) -> None:
    lines = stacked([{"layer": JOINED.join(names), "type": JOINED.join(names[:2]), "params": 3}], most)
    assert "".join(line["layer"].strip() for line in lines) == "|".join(names).replace("|", " |")
    assert all(len(line["layer"]) <= most for line in lines)
    assert [line for line in lines if "params" in line] == lines[:1]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("pair", [("resnet18", "googlenet"), ("lenet5", "lenet5_1998"), ("vgg11",) * 7])
def test_a_comparison_fits_the_width(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, ...], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = cnn("diff", *pair).out.splitlines()
    assert max(map(len, lines)) <= width and any("params" in line for line in lines)


def test_symbolic_sizes_have_megabytes_and_deviations_as_formulas(cnn: Run) -> None:
    columns = "param_mb,activation_mb,fan_in,he_std"
    ended = cnn("diff", "lenet5", "lenet5", "--input", "1xHxW", "--columns", columns, "--format", "json")
    rows = {row["layer"]: row for row in json.loads(ended.out)}
    fan = rows["linear1"]["lenet5 fan_in"]
    assert rows["linear1"]["lenet5 he_std"] == f"sqrt(2 / ({fan}))" and rows["c1"]["lenet5 fan_in"] == 25
    assert rows["c1"]["lenet5 activation_mb"] == "(24 * H * W) / 10^6" and rows["ratio"]["lenet5 param_mb"] == ""
