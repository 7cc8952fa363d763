"""What is printed fits 80 columns: tables lose columns there, never digits, and text is wrapped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import Run

from cnncli.bundled import bundled
from cnncli.io.width import columns_of, cut, cut_all, wrapped
from cnncli.views.listing import as_table, fitted
from cnncli.views.summary.table import STYLES

LONG_NAME = "a_network_with_a_very_long_name_that_a_student_gave_it_final_2.yaml"
NETWORK = "input: 3x33x33\nlayers:\n  - conv: {filters: 6, kernel: 5, stride: 2, name: c1}\n  - maxpool: 2\n"
WRONG = "input: 3x8x8\nlayers: [conv: {filters: 6, kernel: 3, padding: same, name: first, a_field_there_is_not: 1}]\n"
SHEET = "architecture: lenet5\nanswers: {c1.shape: 6x24x24, conv2.params: 416, linear1.macs: 3}\n"
KEY = "architecture: lenet5\nquestions: {c1.shape: 2, conv2.params: 1, linear1.macs: 1}\n"
COMMANDS = [
    "list",
    "list resnet",
    "list connectivity",
    "list resnet50",
    "summarize alexnet",
    "summarize alexnet --share macs",
    "summarize alexnet --columns layer,type,output,kernel,stride,pad,params,macs,flops,RF,activations,connections",
    "summarize alexnet --columns layer,inputs,notes",
    "summarize lenet5 --input 1xHxW",
    "summarize lenet5 --memory",
    "summarize lenet5 --at 4..64:12 --columns output,params,macs,flops,activations,connections",
    "summarize lenet5 --count fvcore",
    f"summarize {LONG_NAME}",
    "summarize wrong.yaml",
    "summarize lenet5 --columns nothing",
    "explain lenet5 conv2",
    "explain lenet5 --figure connections",
    "explain lenet5 --reconcile",
    "layer conv --input 3xHxW --kernel 5 --filters 10 --padding 2",
    "layer attention",
    "diff lenet5 alexnet",
    "diff lenet5 lenet5_1998 lenet5_avila",
    f"diff lenet5 {LONG_NAME}",
    "solve --in 227 --out 55",
    "receptive-field lenet5 conv2",
    "data",
    "data nothing",
    "check sheet.yaml",
    "grade key.yaml sheet.yaml",
    "quiz --seed 7 --questions 1 --topics sizes",
    "new -",
    "solve --help",
    "quiz --help",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_output_fits_80_columns_and_cuts_no_number(
    cnn: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name, text in ((LONG_NAME, NETWORK), ("wrong.yaml", WRONG), ("sheet.yaml", SHEET), ("key.yaml", KEY)):
        monkeypatch.chdir(write(text, name).parent)
    full = cnn(*command.split())
    monkeypatch.setenv("COLUMNS", "80")
    narrow = cnn(*command.split())
    assert narrow.code == full.code
    for line in (narrow.out + narrow.err).splitlines():
        assert len(line) <= 80, line
    assert numbers(narrow.out) <= numbers(full.out)


def numbers(text: str) -> set[str]:
    return {*re.findall(r"\d+(?:,\d{3})+|\d+x[\dx]+", text)}


def test_a_pipe_loses_no_column(cnn: Run) -> None:
    out = cnn("diff", "resnet18", "resnet34", "--depth", "0").out
    assert "resnet34 output" in out and "resnet34 macs" in out and "hidden" not in out
    assert "in torchvision" in cnn("list", "resnet18").out


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=("C",)), max_size=60)


@settings(max_examples=25)
@given(st.text("ab c", max_size=300), st.integers(30, 90), st.integers(0, 8))
def test_wrapping_changes_spaces_only(text: str, width: int, more: int) -> None:
    lines = wrapped(text, more, width)
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    longest = max(map(len, text.split()), default=0)
    assert all(len(line) <= max(width, longest + more + len(text) - len(text.lstrip())) for line in lines)


@settings(max_examples=25)
@given(TEXTS, st.integers(2, 70))
def test_a_text_that_is_cut_keeps_its_start(text: str, most: int) -> None:
    short = cut(text, most)
    assert len(short) <= most and (short == text or "…" in short)
    assert text.startswith(short.partition("…")[0]) and (" " in text.strip() or text.endswith(short.rpartition("…")[2]))


@settings(max_examples=25)
@given(st.sets(st.text("ab1_.", min_size=1, max_size=40), min_size=1, max_size=6), st.integers(4, 60))
def test_names_that_are_cut_stay_different_where_their_starts_or_ends_differ(names: set[str], most: int) -> None:
    texts = sorted(names)
    short = cut_all(texts, most)
    assert all(len(name) <= most for name in short)
    for different in ({name[: most - 1] for name in texts}, {name[1 - most :] for name in texts}):
        assert len(different) < len(texts) or len({*short}) == len(texts)


def test_names_are_whole_in_any_room_that_is_wide_enough() -> None:
    assert cut_all(["runs/one", "runs/two"], 10**12) == ["runs/one", "runs/two"]


@pytest.mark.parametrize("width", [50, 60, 80, 100])
def test_the_list_has_params_and_macs_of_every_network_at_any_width(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = cnn("list").out.splitlines()
    assert {"name", "params", "macs"} <= {*lines[0].split()} and max(map(len, lines)) <= width
    rows = [line.split() for line in lines[1 : lines.index("")]]
    assert len({name for name, *_ in rows}) == len(rows) == len(bundled())
    assert any("11,689,512" in row and "1,814,073,344" in row for row in rows)


@settings(max_examples=25)
@given(st.lists(st.tuples(TEXTS, st.integers(0, 10**12)), min_size=1, max_size=4), st.integers(40, 100))
def test_a_fitted_table_has_every_number(rows: list[tuple[str, int]], width: int) -> None:
    records = [{"name": name, "note": name, "count": count} for name, count in rows]
    shown, hidden = fitted(records, width, {"note": 10}, "name")
    table = as_table(shown)
    assert all(f"{count:,}" in table for _, count in rows)
    assert ("note" in shown[0]) == (hidden == []) and max(map(len, table.splitlines())) <= width


@pytest.mark.parametrize("style", STYLES.values())
def test_colors_are_readable_on_dark_and_on_light_terminals(style: str) -> None:
    from rich.color import Color

    parts = (part / 255 for part in Color.parse(style).get_truecolor())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]  # WCAG 2.2; contrast of large text: 3
    assert 1.05 / (luminance + 0.05) > 3 and (luminance + 0.05) / 0.05 > 3


def test_long_names_hide_neither_params_nor_macs(
    cnn: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"a_layer_with_a_very_long_name_that_goes_on_and_on_{number}" for number in (1, 2)]
    layers = "".join(f"  - conv: {{filters: 8, kernel: 3, name: {name}}}\n" for name in names)
    path = write(f"input: 4x20x20x20\nlayers:\n{layers}")
    monkeypatch.setenv("COLUMNS", "80")
    out = cnn("summarize", path).out
    assert "5,038,848" in out and "1,736" in out and "5x5x5" in out
    short = [line.split()[0] for line in out.splitlines() if line.startswith(" a_layer")]
    assert len({*short}) == 2 and all("…" in name for name in short)


@settings(max_examples=25)
@given(st.lists(st.text("a网é络1", min_size=1, max_size=12), min_size=1, max_size=5))
def test_wide_characters_take_two_columns_of_a_table(names: list[str]) -> None:
    lines = as_table([{"name": name, "count": 7} for name in names]).splitlines()
    assert len({columns_of(line) for line in lines}) == 1


@pytest.mark.parametrize("typed", ["summarize lenet5", "diff lenet5 alexnet", "summarize lenet5 --at 32..64:16"])
def test_columns_that_were_chosen_and_do_not_fit_are_not_answered_with_choose(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    columns = ("--columns", "params,macs,flops,activations,connections")
    assert "(choose fewer with --columns, or add --format csv)" in " ".join(cnn(*typed.split(), *columns).out.split())
    if "diff" not in typed:
        assert "(choose with --columns)" in " ".join(cnn(*typed.split()).out.split())
