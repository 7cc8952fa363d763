"""Work grows with the size of what is asked, or ends at a limit that names itself. Counted, not timed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import Run
from texts import loaded, network
from work import growth

from cnncli import inference
from cnncli.analysis import input_region
from cnncli.analysis.explanation import explain, totals
from cnncli.analysis.input_region import _taps, _Work
from cnncli.arithmetic.window import Window
from cnncli.commands import cnn as program
from cnncli.errors import CnnError
from cnncli.homework.checking import check
from cnncli.inference import infer
from cnncli.loading import load
from cnncli.views.explaining import as_text

LINEAR = 4.4  # for four times the size; the square would be 16
CONV = "conv: {filters: 1, kernel: 3, padding: same}"


def many_inputs(inputs: int, layers: int) -> str:
    names = [f"i{number}" for number in range(inputs)]
    head = "inputs: {" + ", ".join(f"{name}: 1x4x4" for name in names) + "}\n"
    return f"{head}layers:\n  - concat: [{', '.join(names)}]\n  - repeat: {{times: {layers}, layers: [relu]}}\n"


def deep(layers: int, layer: str = CONV, input: str = "1x8x8") -> str:
    return network(f"repeat: {{times: {layers}, layers: [{layer}]}}", input=input)


def run(*arguments: object) -> None:
    program.main([*map(str, arguments)], standalone_mode=False)


# Growth -----------------------------------------------------------------------------------------------------------


def test_the_totals_are_explained_with_work_that_grows_with_the_layers() -> None:
    def make(layers: int) -> Callable[[], object]:
        inferred = loaded(deep(layers)).inferred
        return lambda: [step.numbers for step in totals(inferred)]

    assert growth(make, 200) < LINEAR


def test_a_layer_of_many_inputs_is_explained_with_work_that_grows_with_them() -> None:
    def make(inputs: int) -> Callable[[], object]:
        inferred = loaded(many_inputs(inputs, 1)).inferred
        return lambda: as_text(explain(inferred, "concat1"), None)

    assert growth(make, 50) < LINEAR


@pytest.mark.parametrize("question", ["receptive_field: 3", "jump: 2", "shape: 1x7x7", "macs: 5"])
def test_a_sheet_on_a_deep_network_is_checked_with_work_that_grows_with_it(question: str, tmp_path: Path) -> None:
    def make(layers: int) -> Callable[[], object]:
        (tmp_path / "net.yaml").write_text(deep(layers))
        sheet = tmp_path / f"{layers}.yaml"
        sheet.write_text(f"architecture: net.yaml\nanswers: {{repeat1.{layers - 1}.conv1.{question}}}\n")

        def ask() -> None:
            from cnncli.homework.submissions.reading import read_sheet

            check.check(read_sheet(str(sheet)))

        return ask

    assert growth(make, 150) < LINEAR


@pytest.mark.parametrize("layer", [CONV, "conv: {filters: 1, kernel: 11, stride: 1, padding: 5}", "maxpool: 2"])
def test_what_a_unit_sees_of_a_large_input_takes_no_more_work_than_of_a_small_one(layer: str) -> None:
    def make(size: int) -> Callable[[], object]:
        text = network(layer, CONV, "conv_transpose: {filters: 1, kernel: 3, stride: 2}", "global_avgpool",
                       input=f"1x{size}x{size}")  # fmt: skip
        inferred = loaded(text).inferred
        return lambda: input_region.input_region(inferred, "global_avgpool1", ())

    assert growth(make, 1000, times=100) < 1.1


# Limits -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 100))
def test_inputs_times_layers_end_at_a_limit_that_names_itself(inputs: int, layers: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inference, "MOST_FIELDS", 10**9)
        plain = loaded(many_inputs(inputs, layers)).graph
        patched.setattr(inference, "MOST_FIELDS", limit)
        if inputs * (layers + 1) <= limit:
            assert len(infer(plain).layers) == layers + 1
        else:
            with pytest.raises(CnnError, match=rf"{inputs} inputs times the layers .* {limit} receptive fields"):
                infer(plain)


def test_a_thousand_inputs_of_four_thousand_layers_are_refused_at_the_limit(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(many_inputs(1000, 4000))
    ended = cnn("summarize", tmp_path / "net.yaml")
    assert ended.code == 2 and "more than 400,000 receptive fields (the limit)" in ended.err
    assert "use fewer inputs" in ended.err


def test_a_field_that_doubles_with_every_layer_ends_at_a_limit(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(deep(5000, "conv: {filters: 1, kernel: 1, stride: 2}", "1x1x1"))
    ended = cnn("summarize", tmp_path / "net.yaml")
    assert ended.code == 1 and "would exceed 10^100 pixels" in ended.err
    inferred = loaded(deep(300, "conv: {filters: 1, kernel: 1, stride: 2}", "1x1x1")).inferred
    assert inferred.layers["repeat1.299.conv1"].receptive_field["input"].axes[0].stride == 2**300


def test_indices_that_are_followed_one_by_one_end_at_a_limit(
    cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_region, "MOST", 300_000)
    dilated, spread = (
        "conv: {filters: 1, kernel: 3, dilation: 2, stride: 3, padding: 2}",
        "conv_transpose: {filters: 1, kernel: 3, dilation: 2, stride: 3}",
    )
    (tmp_path / "net.yaml").write_text(network(*[dilated, spread] * 8, "global_avgpool", input="1x99999x99999"))
    ended = cnn("receptive-field", tmp_path / "net.yaml", "global_avgpool1")
    assert ended.code == 2 and "more than 300,000 scattered units of earlier layers (the limit)" in ended.err


def test_answers_times_layers_end_at_a_limit(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "WORK_LIMIT", 20)
    (tmp_path / "net.yaml").write_text(deep(10))
    for asked, code in ((2, 1), (3, 2)):
        answers = "".join(f"  repeat1.{number}.conv1.params: 1\n" for number in range(asked))
        (tmp_path / "sheet.yaml").write_text(f"architecture: net.yaml\nanswers:\n{answers}")
        ended = cnn("check", tmp_path / "sheet.yaml")
        assert ended.code == code
        assert (code == 2) == ("3 answers times 10 layers exceed 20 (the limit for a sheet)" in ended.err)


# Ranges -----------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 4), st.integers(0, 9), st.integers(1, 8)
)  # fmt: skip
def test_a_range_of_units_sees_what_its_units_see(
    kernel: int, stride: int, dilation: int, padding: int, first: int, count: int
) -> None:
    window = Window(kernel, stride, padding, padding, dilation)
    units = range(first, first + count)
    taps = {unit * stride - padding + tap * dilation for unit in units for tap in range(kernel)}
    assert {*_taps(window, units, _Work())} == taps == {*_taps(window, {*units}, _Work())}
    spread = {
        place // stride
        for unit in units
        for tap in range(kernel)
        if (place := unit + padding - tap * dilation) % stride == 0
    }
    both = (units, {*units})
    assert all({*input_region._transposed_taps(window, given, _Work())} == spread for given in both)


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "mobilenet_v2"])
def test_no_limit_of_fields_is_met_by_open_sizes(name: str) -> None:
    depth = 3 if name != "lenet5" else 1
    assert load(name, inputs={"": f"{depth}xHxW"}, symbolic_sizes=True).inferred.has_symbolic_sizes
