"""The arithmetic that is printed gives the result that is printed, and that is the figure of the summary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradients
import pytest
from cases import CASES, Case
from formulas import evaluated, from_latex
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits, networks
from program import Run

from cnncli import load
from cnncli.analysis.explanation import DerivationStep, Explanation, explain, explain_total, references, totals
from cnncli.analysis.explanation.meanings import meanings
from cnncli.arithmetic.tracing import LATEX_FORMULA, PLAIN_NUMBERS, Expression, Name, Quotient, Rounded, Traced, written
from cnncli.bundled import bundled
from cnncli.errors import CnnError
from cnncli.graph import Graph, Input, Node
from cnncli.inference import SUMMED, Inferred, infer
from cnncli.layers import KINDS
from cnncli.views.explaining import as_latex, as_markdown, as_text, chosen, folded


@st.composite
def upsampled(draw: st.DrawFn) -> str:
    """Windows over maps whose fields repeat a pattern: upsampled, by transposed convolutions, adaptively pooled."""
    small = st.integers(1, 4)
    patterned = st.one_of(
        st.builds("upsample: {{scale: {}, mode: {}}}".format, st.sampled_from([2, 3, 1.5, 0.5]),
                  st.sampled_from(["nearest", "linear"])),
        st.builds("conv_transpose: {{filters: 1, kernel: {}, stride: {}, padding: {}, dilation: {}}}".format,
                  small, small, st.integers(0, 2), st.integers(1, 3)),
        st.builds("adaptive_avgpool: {}".format, st.integers(2, 9)),
    )  # fmt: skip
    sliding = st.one_of(
        st.builds("conv: {{filters: 1, kernel: {}, stride: {}, padding: {}, dilation: {}}}".format,
                  small, small, st.integers(0, 2), st.integers(1, 2)),
        st.builds("conv: {{filters: 1, kernel: [{}, {}], stride: [{}, {}]}}".format, small, small, small, small),
        st.builds("maxpool: {{kernel: {}, stride: {}}}".format, small, small),
        st.sampled_from(["pad: 1", "crop: 1", "pixel_shuffle: 1", "slice: {start: 1, axis: height}", "relu"]),
        st.just("permute: {order: [0, 2, 1]}"),
    )  # fmt: skip
    layers = draw(st.lists(st.one_of(sliding, patterned), min_size=2, max_size=7))
    body = "".join(f"  - {line}\n" for line in layers)
    if draw(st.booleans()):
        return f"input: 1@{draw(st.integers(8, 20))}x{draw(st.integers(8, 20))}\nlayers:\n{body}"
    ways = "".join(
        f"  - conv: {{filters: 1, kernel: {draw(small)}, padding: same, from: {side}, name: {side}_way}}\n"
        for side in ("one", "other")
    )
    return f"inputs: {{one: 1@16x13, other: 1@16x13}}\nlayers:\n{ways}  - add: [one_way, other_way]\n{body}"


thorough = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def graph_of(case: Case) -> Inferred:
    inputs = tuple(Input(f"input{at}", shape) for at, shape in enumerate(case.inputs))
    node = Node("layer", case.layer, tuple(entry.name for entry in inputs))
    return infer(Graph("case", inputs, (node,), ("layer",)))


def check(explanation: Explanation) -> None:
    for step in explanation.steps:
        expected = pytest.approx(step.value, rel=1e-12) if isinstance(step.value, float) else step.value
        assert evaluated(step.numbers) == expected, (explanation.name, step)
        assert evaluated(step.formula, dict(explanation.symbols)) == expected, (explanation.name, step)
        check_divisions(step)


def parts_of(expression: Expression) -> Iterator[Expression]:
    """The expression and all expressions in it."""
    pending: list[Any] = [expression]
    while pending:
        part = pending.pop()
        if isinstance(part, tuple):
            pending.extend(part)
            if hasattr(part, "_fields"):
                yield part  # type: ignore[misc]


def check_divisions(step: DerivationStep) -> None:
    """Only a size along an axis, or a position on it, is rounded; channels are divided exactly, with no floor."""
    for part in parts_of(step.expression):
        if isinstance(part, Rounded):
            names = [name.symbol for name in parts_of(part.one) if isinstance(name, Name)]
            assert not any(symbol.startswith(("C_", "n_")) for symbol in names), step.formula
            assert part.one != part.other, step.formula
        rational = isinstance(step.value, float) or step.quantity.startswith("receptive field stride")
        if isinstance(part, Quotient) and not rational:
            assert evaluated(written(part, PLAIN_NUMBERS)).denominator == 1, step.formula


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_printed_arithmetic_of_every_kind_gives_the_figures_of_the_summary(case: Case) -> None:
    inferred = graph_of(case)
    explanation = explain(inferred, "layer")
    check(explanation)
    stats = inferred.layers["layer"].stats
    values = {step.quantity: step.value for step in explanation.steps}
    for figure in ("params", "macs", "flops", "connections", "activations"):
        assert values[figure] == getattr(stats, figure), figure
    sizes = [value for figure, value in values.items() if figure.startswith("output")]
    assert tuple(sizes) == stats.output_shape
    assert values.get("buffers", 0) == stats.buffers
    for source, field in inferred.layers["layer"].receptive_field.items():
        steps = [step for step in explanation.steps if step.quantity.startswith("receptive field size")]
        of_source = [step for step in steps if _is_of(step.quantity, source)]
        for step, axis, extent in zip(of_source, field.axes, inferred.shape(source)[1:], strict=True):
            if axis.advance == 0 and not stats.windows:
                assert (step.remark == "every output depends on all of the input") == (axis.size >= extent)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
@pytest.mark.parametrize("figure", [None, "shape", "receptive_field"])
def test_exactly_the_symbols_that_are_printed_are_defined(case: Case, figure: str | None) -> None:
    explanation = explain(graph_of(case), "layer")
    where = re.search(r"^  where (.*?)\n\n", as_text(explanation, figure), re.MULTILINE | re.DOTALL)
    found = re.findall(r"(\w+) += (-?[\d,]+) +(\S+(?: \S+)*)", where[1] if where else "")
    formulas = [step.formula for step in folded(chosen(explanation.steps, figure))]
    printed = {word for formula in formulas for word in re.findall(r"[A-Za-z]\w*", formula)}
    assert {symbol for symbol, _, _ in found} == printed - {"floor", "ceil", "max", "sqrt"}
    for symbol, value, meaning in found:
        assert int(value.replace(",", "")) == explanation.symbols[symbol]
        assert meaning != symbol and "_" not in meaning
    latex = as_latex(explanation, figure)
    assert latex.count(r"\noindent where") == bool(found)


@pytest.mark.parametrize(
    ("symbol", "meaning"),
    [
        ("C_in", "input channels"),
        ("W_2", "width of input 2"),
        ("k", "kernel size"),
        ("s_h", "stride, height"),
        ("p_top", "padding, top"),
        ("P_w", "padding of both sides, width"),
        ("j_in_h_left", "receptive field stride (jump) of the input, height, on left"),
        ("first_1", "start of the receptive field of input unit 1"),
    ],
)
def test_a_symbol_means_what_its_parts_say(symbol: str, meaning: str) -> None:
    assert meanings([symbol], KINDS["conv"](filters=1, kernel=3)) == {symbol: meaning}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_does_in_a_sentence(kind: str) -> None:
    case = next(case for case in CASES if case.kind == kind)
    explanation = explain(graph_of(case), "layer")
    assert 5 <= len(explanation.what) <= 240 and "``" not in explanation.what


@thorough
@given(
    st.one_of(
        networks(), gradients.networks(padded=True), gradients.reshaped(), upsampled(), gradients.chains_with_gaps()
    )
)
def test_the_printed_arithmetic_of_random_networks_gives_the_results(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    for name, info in loaded.inferred.layers.items():
        explanation = explain(loaded.inferred, name)
        check(explanation)
        values = {step.quantity: step.value for step in explanation.steps}
        for source, field in info.receptive_field.items():
            for what in ("size", "stride", "offset"):
                said = [v for f, v in values.items() if f.startswith(f"receptive field {what}") and _is_of(f, source)]
                known = [getattr(axis, what) for axis in field.axes]
                assert said == known or (what != "size" and len(said) < len(known))


@thorough
@given(st.one_of(gradients.networks(padded=True), upsampled(), gradients.chains_with_gaps()))
def test_the_field_of_every_window_is_derived_whatever_lies_below(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    for name, info in loaded.inferred.layers.items():
        steps = [s for s in explain(loaded.inferred, name).steps if s.quantity.startswith("receptive field")]
        if info.stats.windows and all(field.axes[0].advance for field in info.receptive_field.values()):
            assert not any("leaves it unchanged" in step.remark for step in steps)
            longest = max(len(axis.first) for field in info.receptive_field.values() for axis in field.axes)
            per_axis = sum(len(field.axes) for field in info.receptive_field.values())
            assert len(steps) == 3 * per_axis or longest > 500


def _is_of(figure: str, source: str) -> bool:
    return " on " not in figure or f" on {source} " in figure


def test_a_traced_number_is_the_number() -> None:
    from cnncli.arithmetic.tracing import named

    one, two = named("a", 7), named("b", -3)
    for number in (one + two, one - two, one * two, one // 2, -(-one // 2), 3 - one, 10 // one, one % 4, one**2):
        assert isinstance(number, Traced) and isinstance(number, int)
    assert (one + 1, one * 1, one + 0) == (8, 7, 7) and one > two and one == 7


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "mobilenet_v2", "unet"])
def test_the_totals_are_the_sums_of_the_layers(name: str) -> None:
    if name not in bundled():
        pytest.skip("not bundled")
    inferred = load(name).inferred
    for step in totals(inferred):
        assert evaluated(step.numbers) == step.value == inferred.totals[step.quantity]
        assert evaluated(from_latex(written(step.expression, LATEX_FORMULA))) == step.value
    latex = as_latex(explain_total(inferred), None)
    assert not re.search(r"\\mathrm\{\d", latex)


@pytest.mark.parametrize("case", CASES[::5], ids=lambda case: case.label)
def test_markdown_and_latex_say_the_same_and_are_well_formed(case: Case) -> None:
    explanation = explain(graph_of(case), "layer")
    text, markdown, latex = (write(explanation, None) for write in (as_text, as_markdown, as_latex))
    assert latex.count("{") == latex.count("}") and latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") == 1
    rows = latex.partition("\\begin{align*}\n")[2].partition("\n\\end{align*}")[0].splitlines()
    assert all(row.endswith(r" \\") for row in rows[:-1]) and not rows[-1].endswith("\\")
    for step in chosen(explanation.steps, None):
        assert f"`{step.value}`" in markdown
        told_with_another_axis = step.quantity.endswith(("width", "height"))
        assert step.formula in text or step.value == 0 or told_with_another_axis


def test_explain_shows_formula_numbers_and_result(cnn: Run) -> None:
    ended = cnn("explain", "lenet5", "c1", "--figure", "params")
    assert (
        ended.out
        == """\
c1 (conv): Map (C, H, W) to (filters, H', W'): each filter spans the channels of
  its group
  input 1x28x28 -> 6x28x28
  where  C_in  = 1  input channels    k = 5  kernel size
         C_out = 6  output channels

  params of weight = C_out * C_in * k * k
                   = 6 * 1 * 5 * 5
                   = 150   (shape 6x1x5x5)
  params of bias   = C_out = 6   (shape 6)
  params           = C_out * C_in * k * k + C_out = 6 * 1 * 5 * 5 + 6 = 156
"""
    )


def test_seven_by_seven_with_kernel_and_stride_three_drop_a_row(cnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 1x7x7\nlayers: [conv: {filters: 1, kernel: 3, stride: 3}]\n")
    out = " ".join(cnn("explain", path, "conv1", "--figure", "shape").out.split())
    assert "floor((H + 2 * p - k) / s) + 1 = floor((7 + 2 * 0 - 3) / 3) + 1 = 2" in out
    assert "((7 + 2 * 0 - 3) % 3 = 1 dropped)" in out


def test_same_padding_with_a_stride_is_derived_from_the_output_size(cnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    conv = "conv: {filters: 1, kernel: 3, stride: 2, padding: %s}"
    path.write_text(f"input: 1x9x8\nlayers: [{conv % 'same'}, {conv % 'same_lower'}]\n")
    out = " ".join(cnn("explain", path, "conv1", "--figure", "shape").out.split())
    assert "output height = ceil(H / s) = ceil(9 / 2) = 5" in out
    assert "padding height = max((H_out - 1) * s + k - H, 0) = max((5 - 1) * 2 + 3 - 9, 0) = 2" in out
    assert "padding top, bottom = P_h / 2 = 2 / 2 = 1" in out
    assert "padding left = floor(P_w / 2) = floor(1 / 2) = 0" in out
    assert "padding right = P_w - floor(P_w / 2) = 1 - floor(1 / 2) = 1" in out
    out = " ".join(cnn("explain", path, "conv2", "--figure", "shape").out.split())
    assert "padding right = floor(P_w / 2) = floor(1 / 2) = 0" in out  # 5x4: the odd column goes before


@thorough
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)), st.integers(1, 6), st.integers(1, 5), st.integers(1, 3),
    st.sampled_from(["conv", "maxpool"]), st.sampled_from(["same", "same_lower"]),
)  # fmt: skip
def test_the_derived_padding_of_every_side_is_that_of_the_window(
    sizes: tuple[int, int], kernel: int, stride: int, dilation: int, kind: str, word: str
) -> None:
    fields = {"kernel": kernel, "stride": stride, "padding": word, "dilation": dilation}
    layer = KINDS[kind](**fields, **({"filters": 1} if kind == "conv" else {}))
    try:
        inferred = infer(Graph("case", (Input("x", (1, *sizes)),), (Node("layer", layer, ("x",)),), ("layer",)))
    except CnnError:
        assume(False)
    explanation = explain(inferred, "layer")
    check(explanation)
    values = {step.quantity: step.value for step in explanation.steps}
    stats = inferred.layers["layer"].stats
    for axis, window in zip(("height", "width"), stats.windows, strict=True):
        assert values[f"padding {axis}"] == window.before + window.after
        for end, amount in zip({"height": ("top", "bottom"), "width": ("left", "right")}[axis],
                               (window.before, window.after), strict=True):  # fmt: skip
            assert values.get(f"padding {end}", amount) == amount


@pytest.mark.parametrize(
    ("size", "stride", "remark"),
    [(8, 2, ""), (9, 3, "((9 + 2 * 1 - 3) % 3 = 2 dropped, 1 of them padding)")],
)
def test_only_a_loss_of_the_input_itself_is_remarked(
    size: int, stride: int, remark: str, cnn: Run, tmp_path: Path
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        f"input: 1@{size}x{size}\nlayers: [conv: {{filters: 1, kernel: 3, stride: {stride}, padding: 1}}]\n"
    )
    out = cnn("explain", path, "conv1", "--figure", "shape").out
    assert out.count("dropped") == bool(remark) and remark in out


def test_a_window_that_must_fit_exactly_is_divided_without_a_floor(cnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 1x7x7\nlayers: [conv: {filters: 1, kernel: 3, stride: 2, rounding: exact}]\n")
    out = cnn("explain", path, "conv1", "--figure", "shape").out
    assert "output height, width = (H + 2 * p - k) / s + 1 = (7 + 2 * 0 - 3) / 2 + 1 = 3\n" in out


def test_the_totals_are_no_layer(cnn: Run) -> None:
    ended = cnn("explain", "lenet5", "total")
    assert (ended.code, ended.err) == (
        2, "total: the network has no such layer\n  leave LAYER out: the totals are explained last\n"
    )  # fmt: skip
    assert "total (network)" in cnn("explain", "lenet5").out


def test_the_whole_network_is_told_as_a_worked_solution_with_its_totals(cnn: Run) -> None:
    out = cnn("explain", "lenet5").out
    for name in load("lenet5").inferred.layers:
        assert f"{name} (" in out
    assert out.rstrip().splitlines()[-1].startswith("                        = 836") or "= 61,706" in out


def test_a_layer_like_an_earlier_one_refers_to_it(cnn: Run) -> None:
    out = " ".join(cnn("explain", "resnet18").out.split())
    assert (
        "stage1.more.0.basic1.sum.conv1 (conv): as stage1.basic1.sum.conv1: 36,864 params, 115,605,504 macs; RF 35x35 "
    ) in out


@pytest.mark.parametrize("name", ["lenet5", "googlenet"])
def test_no_line_is_wider_than_a_terminal(cnn: Run, name: str) -> None:
    out = cnn("explain", name).out
    assert max(map(len, out.splitlines())) <= 80
    assert not re.search(r" =$", out, flags=re.MULTILINE)  # k = 3 stays together


def test_a_repeat_like_an_earlier_one_refers_to_it_as_a_whole(cnn: Run) -> None:
    line = "as stage1.more.0: 10 layers, 70,400 params, 218,365,952 macs; RF 35x35\n"
    text, markdown, latex = (cnn("explain", "resnet50", "--format", form).out for form in ("text", "markdown", "latex"))
    assert f" stage1.more.1 (repeat): {line.strip()} " in " ".join(text.split())
    assert f"\n### stage1.more.1 (repeat)\n\n{line}\n" in markdown
    assert f"\n\\paragraph{{stage1.more.1 (repeat)}} {line}\n" in latex
    assert re.findall(r"^stage1\.more\.1\S* \(", text, flags=re.MULTILINE) == ["stage1.more.1 ("]


def test_a_repeat_with_other_quantities_is_explained(cnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("""\
input: 3x32x32
layers:
  - repeat: {times: 3, layers: [{conv: {filters: 3, kernel: 3}}, relu]}
  - repeat: {times: 3, layers: [{conv: {filters: 3, kernel: 3, padding: same}}, relu]}
""")
    out = cnn("explain", path).out
    found = re.findall(r"^(\S+) \(repeat\): as (\S+):", out, flags=re.MULTILINE)
    assert found == [("repeat2.1", "repeat2.0"), ("repeat2.2", "repeat2.0")]
    assert "repeat1.2.conv1 (conv): Map" in out


@thorough
@given(st.one_of(networks(), gradients.networks(padded=True)), st.integers(1, 3))
def test_a_reference_stands_for_layers_with_the_same_quantities_as_those_it_names(text: str, times: int) -> None:
    head, _, body = text.partition("layers:\n")
    indented = "".join(f"      {line}\n" for line in body.splitlines())
    loaded = load_if_it_fits(f"{head}layers:\n  - repeat:\n      times: {times}\n      layers:\n{indented}") or (
        load_if_it_fits(text)
    )
    assume(loaded is not None)
    assert loaded is not None
    inferred = loaded.inferred
    names = [*inferred.layers]
    found = references(inferred, names)
    explained = set(names) - {name for reference in found.values() for name in reference.layers}
    for first, reference in found.items():
        assert first == reference.layers[0]
        at = names.index(first)
        assert tuple(names[at : at + len(reference.layers)]) == reference.layers
        for name in reference.layers:
            like = reference.like if len(reference.layers) == 1 else name.replace(reference.name, reference.like, 1)
            assert names.index(like) < names.index(name)
            assert len(reference.layers) > 1 or like in explained
            stats, others = inferred.layers[name].stats, inferred.layers[like].stats
            assert stats.output_shape == others.output_shape
            assert all(getattr(stats, figure) == getattr(others, figure) for figure in SUMMED)


def test_channels_are_divided_by_a_fraction_and_a_depthwise_filter_has_one(cnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("""\
input: 8x9x9
layers:
  - conv: {filters: 4, kernel: 3, groups: 2, bias: false}
  - depthwise_conv: {kernel: 3, bias: false}
  - pixel_shuffle: 2
""")
    out = " ".join(cnn("explain", path).out.split())
    assert "C_out * (C_in / g) * k * k = 4 * (8 / 2) * 3 * 3 = 144" in out
    assert "C_in * 1 * k * k = 4 * 1 * 3 * 3 = 36 (shape 4x1x3x3)" in out
    assert "C_in / (r * r) = 4 / (2 * 2) = 1" in out
    latex = cnn("explain", path, "--format", "latex").out
    assert r"\frac{C_{\mathrm{in}}}{g}" in latex and r"\lfloor C" not in latex


def test_a_composite_s_name_means_its_layers(cnn: Run) -> None:
    ended = cnn("explain", "resnet18", "stage1", "--figure", "params", "--format", "json")
    layers = json.loads(ended.out)["layers"]
    assert len(layers) > 5 and all(entry["layer"].startswith("stage1.") for entry in layers)
    assert all({*figure} == {"figure", "formula", "numbers", "result", "remark"} for figure in layers[0]["figures"])


def test_an_unknown_layer_is_answered_with_the_nearest(cnn: Run) -> None:
    ended = cnn("explain", "lenet5", "cnov2")
    assert (ended.code, ended.err) == (2, "cnov2: the network has no such layer\n  did you mean conv2?\n")
